import Simulator

/// How an election goes where the way to the broker is long, or the broker busy: no faults but those.
struct Elections {
    /// What a record takes to the broker and back, for all, or only for the board that leads first.
    var roundTripMs: Int64 = 0
    var isOnlyLeader = false
    var jitterMs: Int64 = 0
    /// Records that the broker takes and hands out in a second; 0: any number.
    var recordsPerSecond: Int64 = 0

    /// What one seed has shown, in milliseconds; -1: never within `longestMs`.
    struct Outcome {
        var electionMs: Int64 = -1
        var failoverMs: Int64 = -1
        /// Of a minute, with nobody killed.
        var litMs: Int64 = 0
        var stepsDown = 0
        /// Orders to do one of the jobs of three seconds that come every three seconds meanwhile.
        var orders = 0
        var jobs = 0
    }

    private static let longestMs: Int64 = 180_000
    private static let watchedMs: Int64 = 60_000

    func run(seed: UInt64, _ options: Simulation.Options) -> Outcome {
        let union = SimulatedUnion(
            nodes: options.nodes, seed: seed, pace: options.pace,
            transcript: options.isTranscriptKept)
        defer { for line in union.transcript.lines { print(line) } }
        var outcome = Outcome()
        if !isOnlyLeader { slow(union, boards: 0..<union.count) }
        if recordsPerSecond > 0 { union.boundBroker(recordsPerSecond: recordsPerSecond) }
        guard let first = Self.elect(union, &outcome.electionMs) else { return outcome }
        union.run(ms: 5_000)
        if isOnlyLeader { slow(union, boards: first..<(first + 1)) }
        for turn in 0..<(Self.watchedMs / 10) {
            if turn % 300 == 0 {
                union.submit("sleep-3000", maxAttempts: 100)
                outcome.jobs += 1
            }
            union.run(ms: 10)
            if union.leader != nil { outcome.litMs += 10 }
        }
        for board in 0..<union.count {
            outcome.stepsDown += union.counters(board)?[.stepsDown] ?? 0
        }
        for case .leader(let record) in union.records(of: .leader) {
            if case .assign = record.order { outcome.orders += 1 }
        }
        union.run(until: { $0.leader != nil }, withinMs: Self.longestMs)
        guard let last = union.leader else { return outcome }
        union.crash(last)
        _ = Self.elect(union, &outcome.failoverMs)
        return outcome
    }

    private func slow(_ union: SimulatedUnion, boards: Range<Int>) {
        for board in boards { union.slowLink(board, ms: roundTripMs / 2, jitterMs: jitterMs) }
    }

    private static func elect(_ union: SimulatedUnion, _ tookMs: inout Int64) -> Int? {
        let began = union.nowMs
        guard union.run(until: { $0.leader != nil }, withinMs: longestMs) else { return nil }
        tookMs = union.nowMs - began
        return union.leader
    }
}

/// A line for each seed, and what they have in common.
func elections(_ arguments: Arguments) {
    for seed in arguments.first..<(arguments.first + arguments.count) {
        let o = arguments.elections.run(seed: seed, arguments.options)
        let lit = o.litMs * 100 / 60_000
        print(
            "seed \(seed): elected after \(o.electionMs) ms, lit \(lit) %, "
                + "\(o.stepsDown) steps down, failover \(o.failoverMs) ms, "
                + "\(o.orders) orders for \(o.jobs) jobs")
    }
}
