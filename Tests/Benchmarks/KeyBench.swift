import Foundation
import Harness

/// What a union's key costs: the same burst of requests through five workers without a key and with
/// one, by turns, each time on a broker of its own. Once of noops, where what is read and written is
/// all there is to do, and once of the smallest program.
struct KeyBench {
    private static let turns = 5

    func run() throws {
        try run(op: "noop", burst: 10_000)
        try run(op: "true", burst: 2_000)
    }

    private func run(op: String, burst: Int) throws {
        Table.title("\(burst) \(op) at once, five workers, without a key and with one")
        var measured: [Bool: [Figures]] = [:]
        // One of each before what counts: caches and the processor's clock.
        for turn in 0...Self.turns {
            for hasKey in [false, true] {
                let figures = try measure(op, burst, hasKey: hasKey)
                if turn > 0 { measured[hasKey, default: []].append(figures) }
            }
        }
        for (title, value) in [
            ("done in a second", \Figures.rate), ("leader, us of CPU each", \.leaderUs),
            ("four workers, us of CPU each", \.othersUs),
        ] {
            let (without, with) = (
                Sample(measured[false, default: []].map { $0[keyPath: value] }),
                Sample(measured[true, default: []].map { $0[keyPath: value] })
            )
            let change = 100 * (with.median / without.median - 1)
            Table.row(
                title,
                "\(Table.format(without.median)) and \(Table.format(with.median))",
                String(format: "%+.1f %%, medians of %d; ", change, Self.turns)
                    + "\(range(without)) and \(range(with))")
        }
    }

    private func range(_ sample: Sample) -> String {
        "\(Table.format(sample.percentile(0)))..\(Table.format(sample.percentile(1)))"
    }

    private struct Figures {
        let rate: Double
        let leaderUs: Double
        let othersUs: Double
    }

    private func measure(_ op: String, _ burst: Int, hasKey: Bool) throws -> Figures {
        let broker = try Broker(.noida)
        let fleet = try Fleet(on: broker)
        defer { fleet.destroy() }
        let key = try fleet.keyFile("union.key")
        let options = hasKey ? ["union.key_file=\(key)"] : []
        let workers = try (1...5).map { number in
            try fleet.launch(number) {
                $0.pace = "normal"
                $0.options += ["log.level=warning", "leds.driver=none"]
                $0.options += ["op.true.exec=/bin/true"] + options
            }
        }
        for worker in workers { try worker.awaitReady() }
        let leader = try fleet.awaitLeader()
        fleet.forgetTails()
        let takers = [
            Taker(name: "leader", pids: [try leader.nodePid]),
            Taker(
                name: "others",
                pids: try workers.filter { $0.id != leader.id }.map { try $0.nodePid }),
        ]
        let before = takers.map { $0.seconds() }
        let all =
            [
                "kafka.bootstrap.servers=\(broker.address)", "worker.topic_prefix=\(fleet.prefix)",
            ] + options
        let submit = try Child(
            "submit", Programs.scrapWorker,
            ["submit", op, "--count", "\(burst)", "--wait", "--json"]
                + all.flatMap { ["-o", $0] })
        defer { submit.destroy() }
        guard try submit.waitForEnd(upTo: 10 * patience) == .exit(0) else {
            throw Unmet("a burst without an end\n\(submit.story)")
        }
        let after = takers.map { $0.seconds() }
        let summary = submit.output.all.last.flatMap { JSON($0) } ?? .null
        let each = zip(after, before).map { 1e6 * ($0 - $1) / Double(burst) }
        try broker.stop()
        return Figures(
            rate: Double(summary["per_second"].int ?? 0), leaderUs: each[0], othersUs: each[1])
    }
}
