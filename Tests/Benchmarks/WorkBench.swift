import Foundation
import Harness

/// `noop` requests through the whole cycle, beside the same records without our workers.
struct WorkBench {
    let broker: Broker
    private static let singles = 2000
    private static let burst = 20_000
    private static let runs = 5

    init(_ broker: Broker) { self.broker = broker }

    func run() throws {
        try alone()
        try withUnion()
    }

    /// What the broker and librdkafka can do without any worker being there.
    private func alone() throws {
        let reference = try Reference(broker)
        defer { reference.end() }
        Table.title("Single records one after another, without workers, microseconds")
        try single("raw record, produce to consume", reference.once)
        try single("the same through two relays (3 records)", reference.chained)
        Table.title("\(Self.burst) records at once, without workers, per second")
        let takers = [
            Taker(name: "broker", pids: [broker.child.pid]),
            Taker(name: "relays", pids: reference.relays.map(\.pid)),
        ]
        try rate("raw record, produce to consume", takers, reference.flooded)
        try rate("the same through two relays (3 records)", takers, reference.floodedChain)
    }

    private func withUnion() throws {
        let fleet = try Fleet(on: broker)
        defer { fleet.destroy() }
        let workers = try (1...5).map { number in
            try fleet.launch(number) {
                $0.pace = "normal"
                $0.options += ["log.level=warning", "leds.driver=none"]
            }
        }
        for worker in workers { try worker.awaitReady() }
        let leader = try fleet.awaitLeader()
        fleet.forgetTails()
        Table.title("Single requests one after another, with five workers, microseconds")
        try single("raw record, produce to consume") { count in
            ["latency", broker.address, "beside", "beside", "\(count)"]
        }
        try single("noop, request to result (3 records)") { count in
            ["requests", broker.address, fleet.prefix, "\(count)"]
        }
        Table.title("\(Self.burst) requests at once, with five workers, per second")
        let others = try workers.filter { $0.id != leader.id }.map { try $0.nodePid }
        let takers = [
            Taker(name: "broker", pids: [broker.child.pid]),
            Taker(name: "leader", pids: [try leader.nodePid]),
            Taker(name: "four workers", pids: others),
        ]
        try rate("noop, request to result (3 records)", takers) { count in
            ["burst", broker.address, fleet.prefix, "\(count)"]
        }
        try submit(fleet)
    }

    private func single(_ what: String, _ words: (Int) -> [String]) throws {
        let fields = try probe(words(Self.singles))
        let text = "p50 \(fields["p50"] ?? "?")  p99 \(fields["p99"] ?? "?")"
        Table.row(what, text, "n=\(Self.singles)")
    }

    private func rate(
        _ what: String, _ takers: [Taker], _ words: (Int) -> [String]
    ) throws {
        var rates: [Double] = []
        let before = takers.map { $0.seconds() } + [reapedSeconds()]
        for _ in 0..<Self.runs {
            let fields = try probe(words(Self.burst))
            rates.append(Double(fields["rate"] ?? "") ?? .nan)
        }
        let after = takers.map { $0.seconds() } + [reapedSeconds()]
        let sample = Sample(rates)
        let (least, most) = (sample.percentile(0), sample.percentile(1))
        let spread = "min \(Table.format(least)) max \(Table.format(most)) n=\(sample.count)"
        Table.row(what, "median \(Table.format(sample.median))", spread)
        let each = zip(after, before).map { 1e6 * ($0 - $1) / Double(Self.runs * Self.burst) }
        let names = takers.map(\.name) + ["client"]
        let parts = zip(names, each).filter { $0.1 >= 0.05 }.map { "\($0) \(Table.format($1))" }
        let sum = each.reduce(0, +)
        let cores = Double(ProcessInfo.processInfo.activeProcessorCount)
        print("    us of processor time each: \(parts.joined(separator: ", "));")
        print(
            "    together \(Table.format(sum)), so at most \(Table.format(1e6 * cores / sum)) a second"
        )
        fflush(nil)
    }

    /// What a user sees who types it.
    private func submit(_ fleet: Fleet) throws {
        for _ in 0..<3 {
            let command = try Command(
                "submit", "noop", "--count", "\(Self.burst)", "--wait",
                "-o", "kafka.bootstrap.servers=\(broker.address)",
                "-o", "worker.topic_prefix=\(fleet.prefix)")
            let said = (command.output + "\n" + command.errors).split(separator: "\n").last ?? ""
            Table.row("submit noop --count \(Self.burst) --wait", "", "\(said)")
        }
    }

    private func probe(_ words: [String]) throws -> [String: String] {
        try Benchmark.probe(words, upTo: 10 * patience)
    }
}

/// The same records without workers: a topic alone, and a chain of three topics with two relays
/// that copy from one to the next, as leader and worker do at the least.
struct Reference {
    private let broker: Broker
    let relays: [Child]

    init(_ broker: Broker) throws {
        self.broker = broker
        relays = try [("chain-1", "chain-2"), ("chain-2", "chain-3")].map { from, to in
            try Child("relay", Programs.probe, ["relay", broker.address, from, to])
        }
        for relay in relays where relay.output.wait(for: { $0.first }) == nil {
            throw Unmet(relay.story)
        }
    }

    func end() { for relay in relays { relay.destroy() } }

    func once(_ count: Int) -> [String] { ["latency", broker.address, "raw", "raw", "\(count)"] }
    func flooded(_ count: Int) -> [String] { ["rate", broker.address, "raw", "raw", "\(count)"] }
    func chained(_ count: Int) -> [String] {
        ["latency", broker.address, "chain-1", "chain-3", "\(count)"]
    }
    func floodedChain(_ count: Int) -> [String] {
        ["rate", broker.address, "chain-1", "chain-3", "\(count)"]
    }
}

/// Who takes part in the work, to see whose processor time it takes.
struct Taker {
    let name: String
    let pids: [pid_t]

    func seconds() -> Double { pids.map(cpuSeconds).reduce(0, +) }
}

/// Processor time of our children that have ended: the measuring clients.
private func reapedSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
