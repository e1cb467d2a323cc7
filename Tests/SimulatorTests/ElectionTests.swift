import Simulator
import Testing
import Union

/// How long a union is without a leader (design, section 4), where the way to the broker is long.
struct ElectionTests {
    @Test(
        "a countdown that takes longer than two campaign TTLs ends in a leader",
        arguments: [[10, 1000], [30, 500], [100, 2400], [10, 2000]] as [[Int32]])
    func longCountdown(_ countdown: [Int32]) {
        let (start, delayMs) = (countdown[0], countdown[1])
        let union = SimulatedUnion(nodes: 5, seed: 3, pace: .classroom) { _, settings in
            (settings.countdownStart, settings.countdownDelayMs) = (start, delayMs)
        }
        let onceMs = Int64(start) * Int64(delayMs)
        let isLed = union.run(until: { $0.leader != nil }, withinMs: 20_000 + 2 * onceMs)
        #expect(isLed)
        #expect(union.violation == nil)
    }

    /// How much of the time a leader's LED is lit, in percent.
    private func lit(_ union: SimulatedUnion, ms: Int64) -> Int64 {
        var litMs: Int64 = 0
        for _ in 0..<(ms / 10) {
            union.run(ms: 10)
            if union.leader != nil { litMs += 10 }
        }
        return litMs * 100 / ms
    }

    @Test(
        "a leader whose link alone is slow lets another lead",
        arguments: [225, 250, 100] as [Int64])
    func slowLeader(eachWayMs: Int64) throws {
        let pace: Settings.Pace = eachWayMs == 100 ? .fast : .normal
        let union = SimulatedUnion(nodes: 5, seed: 2, pace: pace)
        union.run(until: { $0.leader != nil }, withinMs: 10_000)
        union.run(ms: 5_000)
        let slow = try #require(union.leader)
        union.slowLink(slow, ms: eachWayMs)
        let atFirst = lit(union, ms: 60_000)
        #expect(atFirst >= 90)
        let then = lit(union, ms: 60_000)
        #expect(then == 100)
        #expect(union.leader != slow)
        #expect(union.violation == nil)
    }

    @Test(
        "pace cloud has a leader all the time on brokers of 200 to 500 ms, and a next one soon",
        arguments: [200, 300, 400, 500] as [Int64])
    func cloud(roundTripMs: Int64) throws {
        let union = SimulatedUnion(nodes: 5, seed: 4, pace: .cloud)
        for board in 0..<5 { union.slowLink(board, ms: roundTripMs / 2) }
        let isLed = union.run(until: { $0.leader != nil }, withinMs: 20_000)
        #expect(isLed)
        let share = lit(union, ms: 60_000)
        #expect(share == 100)
        union.crash(try #require(union.leader))
        let isLedAgain = union.run(until: { $0.leader != nil }, withinMs: 15_000)
        #expect(isLedAgain)
        #expect(union.violation == nil)
    }

    @Test("a busy broker elects a leader of 64, and the next one")
    func busyBroker() throws {
        let union = SimulatedUnion(nodes: 64, seed: 1)
        union.boundBroker(recordsPerSecond: 20_000)
        let isLed = union.run(until: { $0.leader != nil }, withinMs: 20_000)
        #expect(isLed)
        union.run(ms: 5_000)
        union.crash(try #require(union.leader))
        let isLedAgain = union.run(until: { $0.leader != nil }, withinMs: 10_000)
        #expect(isLedAgain)
        #expect(union.violation == nil)
    }

    /// Records that a member which does not lead reads in a second, on average, with nothing to do.
    private func readEachSecond(nodes: Int) throws -> Double {
        let union = SimulatedUnion(nodes: nodes, seed: 5)
        union.run(until: { $0.leader != nil }, withinMs: 60_000)
        union.run(ms: 20_000)
        let leader = try #require(union.leader)
        let read = { (0..<nodes).filter { $0 != leader }.map(union.recordsRead).reduce(0, +) }
        let before = read()
        // A turn of each comes once in this time: 32 of `member_timeout_ms`.
        union.run(ms: 96_000)
        #expect(union.leader == leader)
        return Double(read() - before) / Double(nodes - 1) / 96
    }

    @Test("an idle member of 256 reads at most twice what one of 5 reads")
    func memberCost() throws {
        let (small, large) = (try readEachSecond(nodes: 5), try readEachSecond(nodes: 256))
        #expect(large <= 2 * small, "\(small) and \(large) records a second")
        #expect(large >= small / 2)
    }

    @Test(
        "jobs run on under a leader that comes and goes: links of 20 ms and up to so much more",
        arguments: [300, 400] as [Int64])
    func undisturbed(jitterMs: Int64) {
        let union = SimulatedUnion(nodes: 5, seed: 6)
        for board in 0..<5 { union.slowLink(board, ms: 20, jitterMs: jitterMs) }
        union.run(until: { $0.leader != nil }, withinMs: 60_000)
        for turn in 0..<20 {
            union.submit("sleep-3000", id: "r\(turn)")
            union.run(ms: 3_000)
        }
        union.run(ms: 60_000)
        let attempts = union.records(of: .results).compactMap { record -> Int32? in
            if case .result(let r) = record, r.final { r.attempt } else { nil }
        }
        let stepsDown = (0..<5).compactMap { union.counters($0)?[.stepsDown] }.reduce(0, +)
        #expect(stepsDown > 20, "it does come and go")
        #expect(attempts.count == 20)
        #expect(attempts.reduce(0, +) <= 24, "\(attempts)")
        #expect(union.violation == nil)
    }
}
