import Simulator
import Testing
import Union

/// What the simulator has found: each a short story that went wrong once.

@Test("a board that slept past its lease kills its job before anything else")
func jobOutlivesLease() throws {
    let union = SimulatedUnion(nodes: 3, seed: 5)
    #expect(union.run(until: { $0.leader != nil }, withinMs: 10_000))
    union.run(ms: 2_000)
    union.submit("stubborn-4000", id: "a", timeoutMs: 9_000)
    #expect(union.run(until: { $0.runs("a") != nil }, withinMs: 5_000))
    let worker = try #require(union.runs("a"))
    // Longer than member_timeout_ms: the leader gives the job to another board.
    union.pause(worker, ms: 2_300)
    union.run(ms: 8_000)
    #expect(union.violation == nil)
}

@Test("a request that is fetched again is not taken for lost while new ones are at hand")
func fetchedIsNotLost() throws {
    let union = SimulatedUnion(nodes: 3, seed: 6)
    #expect(union.run(until: { $0.leader != nil }, withinMs: 10_000))
    union.run(ms: 2_000)
    for i in 0..<400 { union.submit("sleep-300", id: "r\(i)") }
    union.run(ms: 1_500)
    let first = try #require(union.leader)
    union.crash(first)
    #expect(union.run(until: { $0.leader != nil }, withinMs: 10_000))
    union.restart(first)
    #expect(union.run(until: { $0.outcome(of: "r399") != nil }, withinMs: 200_000))
    let rejected = union.records(of: .results).filter {
        if case .result(let r) = $0 { return r.status == .rejected }
        return false
    }
    #expect(rejected.isEmpty)
    #expect(union.violation == nil)
}

@Test("a leader log that is lost leaves one leader, and no request unanswered")
func lostLeaderLog() {
    let union = SimulatedUnion(nodes: 5, seed: 66)
    #expect(union.run(until: { $0.leader != nil }, withinMs: 10_000))
    union.run(ms: 2_000)
    union.stopBroker(losing: Topic.everyTopic)
    union.run(ms: 5_000)
    union.startBroker()
    #expect(union.run(until: { $0.leader != nil }, withinMs: 30_000))
    union.submit("noop", id: "after")
    #expect(union.run(until: { $0.outcome(of: "after") != nil }, withinMs: 30_000))
    #expect(union.violation == nil)
}
