import Foundation
import Harness

/// Offered load against what gets done, up to ten times of what the union can do: under overload
/// the curve must stay flat, for the backlog waits in the `requests` topic.
struct LoadBench {
    private static let sizes = [5, 32]
    private static let shares = [0.5, 1, 2, 5, 10]
    /// Requests at once that show the capacity, and how long each rate is offered.
    private static let burst = 10_000
    private static let seconds = 4

    func run() throws {
        for size in Self.sizes { try curve(size) }
    }

    private func curve(_ size: Int) throws {
        let capacity = try withUnion(of: size) { fleet, _ in try measureCapacity(fleet) }
        Table.title(
            "Offered load, \(size) workers, capacity \(Table.format(capacity)) noops/s, "
                + "each rate for \(Self.seconds) s")
        print(
            "   offered/s     done/s  drained/s     p50 ms     p95 ms   requests  exhausted"
                + "  otherwise    missing    leaders  CPU workers  CPU broker (us a request)")
        for share in Self.shares {
            try withUnion(of: size) { try offer(share * capacity, $1, $0) }
        }
    }

    /// Each has a broker of its own: a fetch costs this broker the more the longer its log is.
    private func withUnion<R>(of size: Int, _ body: (Fleet, [Worker]) throws -> R) throws -> R {
        let broker = try Broker(.noida)
        let fleet = try Fleet(on: broker)
        defer { fleet.destroy() }
        let workers = try (1...size).map { number in
            try fleet.launch(number) {
                $0.pace = "normal"
                $0.options += ["log.level=info", "leds.driver=none"]
            }
        }
        for worker in workers { try worker.awaitReady() }
        try fleet.awaitLeader()
        fleet.forgetTails()
        let result = try body(fleet, workers)
        try broker.stop()
        return result
    }

    /// The median of three bursts.
    private func measureCapacity(_ fleet: Fleet) throws -> Double {
        let rates = try (0..<3).map { _ in
            try probe(["burst", fleet.broker.address, fleet.prefix, "\(Self.burst)"]).number("rate")
        }
        return Sample(rates).median
    }

    private func offer(_ rate: Double, _ workers: [Worker], _ fleet: Fleet) throws {
        let pids = try workers.map { try $0.nodePid }
        let broker = fleet.broker.child.pid
        let (before, brokerBefore) = (cpu(of: pids), cpuSeconds(broker))
        let leadersBefore = leaders(workers)
        let fields = try probe([
            "offer", fleet.broker.address, fleet.prefix, "\(Int(rate))", "\(Self.seconds)",
        ])
        let requests = try fields.number("requests")
        let words =
            try ["offered", "completed", "drained"].map { Table.format(try fields.number($0)) }
            + ["p50", "p95"].map { Table.format(try fields.number($0) / 1000) }
            + ["requests", "exhausted", "otherwise", "missing"].map {
                String(format: "%.0f", try fields.number($0))
            } + [
                "\(leaders(workers) - leadersBefore)",
                Table.format(1e6 * (cpu(of: pids) - before) / requests),
                Table.format(1e6 * (cpuSeconds(broker) - brokerBefore) / requests),
            ]
        let row = words.map { String(repeating: " ", count: max(11 - $0.count, 1)) + $0 }
        print(" " + row.joined())
        fflush(nil)
    }

    private func cpu(of pids: [pid_t]) -> Double { pids.map(cpuSeconds).reduce(0, +) }

    /// How often one of them has begun to lead.
    private func leaders(_ workers: [Worker]) -> Int {
        workers.map { worker in
            worker.child.errors.all.count { $0.contains("leading, term") }
        }.reduce(0, +)
    }

    /// `probe` gives up by itself when nothing comes any more.
    private func probe(_ words: [String]) throws -> [String: String] {
        try Benchmark.probe(words, upTo: 30 * patience)
    }
}
