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
        let reference = try Reference(broker)
        defer { reference.end() }
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

        Table.title("Single requests one after another, microseconds")
        try single("raw record, produce to consume", reference.once)
        try single("the same through two relays (3 records)", reference.chained)
        try single(
            "noop, request to result (3 records)",
            { count in
                ["requests", broker.address, fleet.prefix, "\(count)"]
            })

        Table.title("\(Self.burst) requests at once, per second; CPU in cores while they run")
        let watched = Watched(broker: broker.child.pid, leader: leader.child.pid, fleet: fleet)
        try rate("raw record, produce to consume", nil, reference.flooded)
        try rate("the same through two relays (3 records)", nil, reference.floodedChain)
        try rate(
            "noop, request to result (3 records)", watched,
            { count in
                ["burst", broker.address, fleet.prefix, "\(count)"]
            })
        try submit(fleet)
    }

    private func single(_ what: String, _ words: (Int) -> [String]) throws {
        let fields = try probe(words(Self.singles))
        let text = "p50 \(fields["p50"] ?? "?")  p99 \(fields["p99"] ?? "?")"
        Table.row(what, text, "n=\(Self.singles)")
    }

    private func rate(_ what: String, _ watched: Watched?, _ words: (Int) -> [String]) throws {
        var rates: [Double] = []
        var notes: [String] = []
        for _ in 0..<Self.runs {
            let before = watched?.read()
            let fields = try probe(words(Self.burst))
            rates.append(Double(fields["rate"] ?? "") ?? .nan)
            if let before, let watched { notes.append(watched.describe(since: before)) }
        }
        let sample = Sample(rates)
        let spread =
            "min \(Table.format(sample.percentile(0))) max \(Table.format(sample.percentile(1)))"
        Table.row(what, "median \(Table.format(sample.median))", "\(spread) n=\(sample.count)")
        for note in notes { print("    \(note)") }
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

    /// The words of `probe`'s answer in pairs.
    private func probe(_ words: [String]) throws -> [String: String] {
        let child = try Child("probe", Programs.probe, words)
        defer { child.destroy() }
        guard try child.waitForEnd(upTo: 10 * patience) == .exit(0) else {
            throw Unmet(child.story)
        }
        let parts = child.output.text.split(whereSeparator: \.isWhitespace).map(String.init)
        return Dictionary(
            zip(parts, parts.dropFirst()).enumerated().compactMap { $0 % 2 == 0 ? $1 : nil },
            uniquingKeysWith: { $1 })
    }
}

/// The same records without workers: a topic alone, and a chain of three topics with two relays
/// that copy from one to the next, as leader and worker do at the least.
struct Reference {
    private let broker: Broker
    private let relays: [Child]

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

/// Processor time of those who take part in the work.
struct Watched {
    let broker: pid_t
    let leader: pid_t
    let fleet: Fleet

    struct Reading {
        var ns: Int
        var broker: Double
        var leader: Double
        var others: Double
    }

    func read() -> Reading {
        let others = fleet.living.map(\.child.pid).filter { $0 != leader }
        return Reading(
            ns: monotonicNs(), broker: cpuSeconds(broker), leader: cpuSeconds(leader),
            others: others.map(cpuSeconds).reduce(0, +))
    }

    func describe(since before: Reading) -> String {
        let now = read()
        let seconds = Double(now.ns - before.ns) / 1e9
        func cores(_ from: Double, _ to: Double) -> String {
            String(format: "%.2f", (to - from) / seconds)
        }
        return "broker \(cores(before.broker, now.broker)), "
            + "leader \(cores(before.leader, now.leader)), "
            + "four workers \(cores(before.others, now.others))"
    }
}
