import Foundation
import Harness

/// Many nodes as real processes on the binary's own broker: how soon somebody leads, first and
/// after a `kill -9`, and what it costs; then what an idle node costs.
struct ManyBench {
    private static let failovers = 3
    private static let idleSeconds = 20
    /// Whoever has just joined listens to all of the others for `member_timeout_ms`, and for longer where
    /// everybody is busy: 256 nodes on two cores are for half a minute.
    private static let settlingMs: Int32 = 60_000
    /// Whoever does not lead by then is said not to.
    private static let limitMs = 180_000

    func run(_ sizes: [Int]) throws {
        Table.title("Many nodes, pace normal, the binary's own broker")
        for size in sizes {
            let broker = try Broker(.own)
            let fleet = try Fleet(on: broker)
            defer { fleet.destroy() }
            try measure(size, fleet)
            try broker.stop()
        }
    }

    private func measure(_ size: Int, _ fleet: Fleet) throws {
        let began = bootUs()
        let cost = Cost(fleet)
        for number in 1...size { try launch(number, in: fleet) }
        print("  \(size) nodes, load \(Benchmark.loadAverages.first ?? "?")")
        guard let leader = awaitLeader(after: began, fleet) else {
            return Table.row("    no leader that all follow", "in \(Self.limitMs / 1000) s")
        }
        Table.row("    from the first exec to a lit leader", seconds(leader.us - began))
        Table.row("    until all follow it", seconds(leader.followedUs - began), cost.spent)
        _ = poll(nil, 0, Self.settlingMs)
        let idle = Cost(fleet)
        let bytes = try traffic(fleet)
        _ = poll(nil, 0, Int32(Self.idleSeconds) * 1000)
        let rate = Double(try traffic(fleet) - bytes) / Double(Self.idleSeconds * size) / 1000
        Table.row("    idle", "\(Table.format(rate)) kB/s a node", idle.share(Self.idleSeconds))
        let pids = try fleet.living.map { try $0.nodePid }
        Table.row("    resident memory", Sample(pids.map { memory($0, "Rss") }), "MiB")
        var times: [Double] = []
        for run in 1...Self.failovers {
            // On a busy machine it may be another than before.
            guard let leader = awaitLeader(after: began, fleet) else {
                return Table.row("    no leader that all follow", "in \(Self.limitMs / 1000) s")
            }
            let cost = Cost(fleet)
            let killed = bootUs()
            try leader.worker.signalNode(SIGKILL)
            guard let next = awaitLeader(after: killed, fleet) else {
                return Table.row("    failover \(run): nobody", "in \(Self.limitMs / 1000) s")
            }
            times.append(Double(next.us - killed) / 1000)
            Table.row(
                "    failover \(run), until all follow", seconds(next.followedUs - killed),
                cost.spent)
            try launch(leader.worker.plan.number, in: fleet).awaitReady()
        }
        Table.row("    from kill -9 to the next lit leader", Sample(times), "ms")
    }

    @discardableResult
    private func launch(_ number: Int, in fleet: Fleet) throws -> Worker {
        try fleet.launch(number) {
            $0.pace = "normal"
            // The mock cluster does not wake a waiting fetch.
            $0.options += ["log.level=info", "kafka.fetch.wait.max.ms=50"]
        }
    }

    private struct Leader {
        let worker: Worker
        /// When its LED was lit, and when all had said that they follow it, on CLOCK_BOOTTIME.
        let us: Int
        let followedUs: Int
    }

    /// The worker whose LED was lit after `us` and that all living ones say to follow.
    private func awaitLeader(after us: Int, _ fleet: Fleet) -> Leader? {
        while bootUs() < us + Self.limitMs * 1000 {
            _ = poll(nil, 0, 100)
            let living = fleet.living
            let terms = Set(living.map { Self.term("led by ", $0) })
            guard terms.count == 1, let term = terms.first ?? nil,
                let worker = living.first(where: { Self.term("leading, ", $0) == term }),
                let lit = worker.leaderSpans.map(\.lowerBound).first(where: { $0 > us })
            else { continue }
            return Leader(worker: worker, us: lit, followedUs: bootUs())
        }
        return nil
    }

    /// The term in the last line of its log that has these words; nil: no such line.
    private static func term(_ words: String, _ worker: Worker) -> Int? {
        worker.child.errors.all.last { $0.contains(words) }?
            .components(separatedBy: "term ").last.flatMap { Int($0) }
    }

    private func seconds(_ us: Int) -> String { "\(Table.format(Double(us) / 1e6)) s" }

    /// What the broker has sent and received on the connections that are open now.
    private func traffic(_ fleet: Fleet) throws -> Int {
        let port = fleet.broker.address.split(separator: ":").last!
        let child = try Child("ss", "/usr/bin/ss", ["-tinH", "sport", "=", ":\(port)"])
        defer { child.destroy() }
        guard try child.waitForEnd() == .exit(0) else { throw Unmet(child.story) }
        return child.output.text.matches(of: /bytes_(?:sent|received):([0-9]+)/)
            .compactMap { Int($0.output.1) }.reduce(0, +)
    }

    /// Processor time since it was made, of the nodes that live now and of the broker. What a node
    /// that was killed had used is not in it.
    private struct Cost {
        private let fleet: Fleet
        private let before: [pid_t: Double]
        private let brokerBefore: Double

        init(_ fleet: Fleet) {
            self.fleet = fleet
            before = Self.nodes(fleet)
            brokerBefore = cpuSeconds(fleet.broker.child.pid)
        }

        private static func nodes(_ fleet: Fleet) -> [pid_t: Double] {
            let pids = fleet.living.compactMap { try? $0.nodePid }
            return Dictionary(
                pids.map { ($0, cpuSeconds($0)) }.filter { !$0.1.isNaN },
                uniquingKeysWith: { $1 })
        }

        private var used: (nodes: Double, count: Int, broker: Double) {
            let now = Self.nodes(fleet)
            let nodes = now.map { $1 - (before[$0] ?? 0) }.reduce(0, +)
            return (nodes, now.count, cpuSeconds(fleet.broker.child.pid) - brokerBefore)
        }

        var spent: String {
            let used = used
            return "processor time: nodes \(Table.format(used.nodes)) s, "
                + "broker \(Table.format(used.broker)) s"
        }

        /// In percent of a core, a node's and the broker's.
        func share(_ seconds: Int) -> String {
            let used = used
            let each = 100 * used.nodes / Double(seconds * max(used.count, 1))
            let broker = 100 * used.broker / Double(seconds)
            return "processor: \(Table.format(each)) % of a core a node, "
                + "broker \(Table.format(broker)) %"
        }
    }
}
