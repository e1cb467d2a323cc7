import Simulator
import Testing
import Union

/// What the simulator has found: each a short story that went wrong once, told with the right end.
/// Their transcripts stand in `Transcripts/`, to be read.
struct FoundTests {
    @Test("a board that slept past its lease kills its job before anything else")
    func jobOutlivesLease() throws {
        let union = SimulatedUnion.ledUnion(seed: 5)
        union.submit("stubborn-4000", id: "a", timeoutMs: 9_000)
        #expect(union.run(until: { $0.runs("a") != nil }, withinMs: 5_000))
        // Longer than member_timeout_ms: the leader gives the job to another board.
        union.pause(try #require(union.runs("a")), ms: 2_300)
        union.run(ms: 8_000)
        #expect(union.violation == nil)
        try expectTranscript(
            "job-outlives-lease", of: union,
            about: ["requests[0]", "stopped", "goes on", "LeaseLost"])
    }

    @Test("a worker's process that is stopped does not keep its jobs running past the lease")
    func minderKills() throws {
        let union = SimulatedUnion.ledUnion(seed: 5)
        union.submit("sleep-8000", id: "a", timeoutMs: 9_000)
        #expect(union.run(until: { $0.runs("a") != nil }, withinMs: 5_000))
        union.stopProcess(try #require(union.runs("a")), ms: 4_000)
        union.run(ms: 12_000)
        #expect(union.violation == nil)
        try expectTranscript(
            "process-stopped", of: union, about: ["requests[0]", "stopped", "goes on", "REMOVE"])
    }

    @Test(
        "a worker whose broker was left behind by the others does not keep its jobs by what it says"
    )
    func staleHalf() throws {
        let union = SimulatedUnion.ledUnion(seed: 5)
        union.submit("sleep-30000", id: "a", timeoutMs: 60_000)
        #expect(union.run(until: { $0.runs("a") != nil }, withinMs: 5_000))
        union.leaveBehind(try #require(union.runs("a")))
        union.run(ms: 40_000)
        #expect(union.violation == nil)
        try expectTranscript(
            "stale-half", of: union, about: ["requests[0]", "cut off", "LeaseLost", "REMOVE"])
    }

    /// A union that has settled so many requests, each after two failures; then its broker loses the
    /// end of these topics, and another request stands where the last one stood.
    private func union(settled requests: Int, thenLosing topics: [Topic]) -> SimulatedUnion {
        let union = SimulatedUnion.ledUnion(seed: 11)
        for i in 0..<requests { union.submit("fail", id: "r\(i)", maxAttempts: 3) }
        let last = union.outcome(of: "r\(requests - 1)", withinMs: 600_000)
        #expect(last == .failed || last == .exhausted)
        union.run(ms: 5_000)
        union.stopBroker(losing: topics, last: 4)
        union.run(ms: 100)
        union.startBroker()
        union.submit("noop", id: "other")
        return union
    }

    /// Orders for requests that are read again no more than they must.
    private func ordersFor(_ first: Range<Offset>, in union: SimulatedUnion) -> Int {
        union.records(of: .leader).filter {
            guard case .leader(let r) = $0, case .assign(let a) = r.order else { return false }
            return first.contains(a.attempt.requestOffset)
        }.count
    }

    @Test("where the ends of requests and of results are lost, requests are read again once")
    func readAgainOnce() throws {
        let union = union(settled: 1500, thenLosing: [.requests, .results])
        let orders = ordersFor(0..<900, in: union)
        #expect(union.outcome(of: "other", withinMs: 30_000) == .completed)
        union.run(ms: 20_000)
        #expect(ordersFor(0..<900, in: union) == orders)
        #expect(union.violation == nil)
    }

    @Test("a request that is fetched again is not taken for lost while new ones are at hand")
    func fetchedIsNotLost() throws {
        let union = SimulatedUnion.ledUnion(seed: 6)
        for i in 0..<400 { union.submit("sleep-300", id: "r\(i)") }
        union.run(ms: 1_500)
        let first = try #require(union.leader)
        union.crash(first)
        #expect(union.run(until: { $0.leader != nil }, withinMs: 10_000))
        union.restart(first)
        let last = union.outcome(of: "r399", withinMs: 200_000)
        #expect(last == .completed)
        let rejected = union.records(of: .results).filter {
            if case .result(let r) = $0 { return r.status == .rejected }
            return false
        }
        #expect(rejected.isEmpty)
        #expect(union.violation == nil)
        try expectTranscript(
            "fetched-again", of: union, about: ["crashes", "leads", "tookOver", "requests[1200]"])
    }

    @Test("more boards than a union has room for: what the broker lost does not stop the work")
    func moreBoardsThanRoom() {
        var capacities = Capacities()
        capacities.members = 4
        let union = SimulatedUnion.ledUnion(nodes: 7, seed: 3, capacities: capacities)
        union.stopBroker(losing: [.leader])
        union.run(ms: 5_000)
        union.startBroker()
        for i in 0..<20 { union.submit("sleep-300", id: "r\(i)") }
        #expect(union.outcome(of: "r19", withinMs: 60_000) == .completed)
        #expect(union.violation == nil)
    }

    @Test("a leader log that is lost leaves one leader, and no request unanswered")
    func lostLeaderLog() throws {
        let union = SimulatedUnion.ledUnion(nodes: 5, seed: 66)
        union.stopBroker(losing: Topic.everyTopic)
        union.run(ms: 5_000)
        union.startBroker()
        #expect(union.run(until: { $0.leader != nil }, withinMs: 30_000))
        union.submit("noop", id: "after")
        let after = union.outcome(of: "after", withinMs: 30_000)
        #expect(after == .completed)
        #expect(union.violation == nil)
        try expectTranscript(
            "all-lost", of: union,
            about: ["broker:", "steppedDown", "leads(", "CLAIM", "logLost", "requests[0]"])
    }

    @Test(
        "a leader that follows itself after the broker was set back leaves no request unanswered",
        arguments: [1, 2, 5])
    func setBack(nodes: Int) throws {
        let union = SimulatedUnion.ledUnion(nodes: nodes, seed: 21)
        for i in 0..<200 { union.submit("sleep-20", id: "r\(i)") }
        union.run(ms: 2_000)
        union.stopBroker(setBackMs: 1_500)
        union.run(ms: 5_000)
        union.startBroker()
        for i in 0..<200 {
            guard union.records(of: .requests).count > i else { break }
            let outcome = union.outcome(of: "r\(i)", withinMs: 60_000)
            #expect(outcome == .completed, "r\(i)")
        }
        #expect(union.violation == nil)
    }

    @Test(
        "a leader that sits while the end of results is lost does those requests again",
        arguments: [1, 2, 5])
    func resultsLost(nodes: Int) throws {
        let union = SimulatedUnion.ledUnion(nodes: nodes, seed: 22)
        for i in 0..<60 { union.submit("noop", id: "r\(i)") }
        let last = union.outcome(of: "r59", withinMs: 30_000)
        #expect(last == .completed)
        union.run(ms: 3_000)
        union.stopBroker(losing: [.results], last: 20)
        union.startBroker()
        union.run(ms: 20_000)
        #expect(union.records(of: .results).count >= 60)
        expectDone(60, by: union, withinMs: 30_000, "results lost")
    }

    /// The first `count` requests, `r0` and so on, are completed, and nothing is broken.
    private func expectDone(
        _ count: Int, by union: SimulatedUnion, withinMs ms: Int64, _ story: String
    ) {
        for i in 0..<count {
            let outcome = union.outcome(of: "r\(i)", withinMs: ms)
            #expect(outcome == .completed, "r\(i), \(story)")
        }
        #expect(union.violation == nil)
    }

    @Test(
        "a short story, and the broker set back to each of its moments: every request has its outcome",
        arguments: [1, 2])
    func setBackToEachMoment(nodes: Int) throws {
        for back in stride(from: 20 as Int64, through: 2_500, by: 20) {
            let union = SimulatedUnion.ledUnion(nodes: nodes, seed: 23)
            for i in 0..<12 { union.submit("sleep-100", id: "r\(i)", timeoutMs: 5_000) }
            union.run(ms: 2_300)
            union.stopBroker(setBackMs: back)
            union.run(ms: 3_000)
            union.startBroker()
            let kept = union.records(of: .requests).count
            expectDone(kept, by: union, withinMs: 60_000, "set back by \(back) ms")
        }
    }

    @Test("the same with each topic alone cut at each of its offsets", arguments: [1, 2])
    func cutAtEachOffset(nodes: Int) throws {
        for topic in [Topic.requests, .results, .leader] {
            for last in 1...16 as ClosedRange<Offset> {
                let union = SimulatedUnion.ledUnion(nodes: nodes, seed: 24)
                for i in 0..<12 { union.submit("sleep-100", id: "r\(i)", timeoutMs: 5_000) }
                union.run(ms: 1_300)
                union.stopBroker(losing: [topic], last: last)
                union.run(ms: 3_000)
                union.startBroker()
                // What is lost of `requests` itself is nobody's any more.
                let kept = union.records(of: .requests).count
                expectDone(kept, by: union, withinMs: 60_000, "\(topic) cut by \(last)")
            }
        }
    }

    @Test("when the broker has lost everything, more requests than a ledger holds are all answered")
    func allLostAndMany() throws {
        let union = SimulatedUnion.ledUnion(seed: 12)
        for i in 0..<1_500 { union.submit("noop", id: "before\(i)") }
        let before = union.outcome(of: "before1499", withinMs: 100_000)
        #expect(before == .completed)
        union.run(ms: 3_000)
        union.stopBroker(losing: Topic.everyTopic)
        union.run(ms: 5_000)
        union.startBroker()
        for i in 0..<700 { union.submit("noop", id: "after\(i)") }
        for i in [0, 100, 699] {
            let after = union.outcome(of: "after\(i)", withinMs: 100_000)
            #expect(after == .completed)
        }
        #expect(union.violation == nil)
        try expectTranscript(
            "all-lost-and-many", of: union,
            about: [
                "broker:", "leads(", "logLost(Union.Topic.req", "reads requests", "requests[0]",
            ])
    }

    @Test(
        "a job that stops its own board, however long, has its outcome after max_attempts",
        arguments: [1500, 2500, 2650, 2700, 2750, 2800, 2900, 2950, 3000, 3100, 3500, 5000])
    func starvingJob(ms: Int) {
        let union = SimulatedUnion.ledUnion(seed: 31)
        union.submit("starve-\(ms)", id: "a", maxAttempts: 3)
        union.submit("noop", id: "other")
        #expect(union.outcome(of: "other", withinMs: 30_000) == .completed)
        // Its lease of 2.7 s ends meanwhile, or it goes on where it was.
        let outcome = union.outcome(of: "a", withinMs: 40_000)
        #expect(outcome == (ms < 2_500 ? .completed : .exhausted))
        #expect(union.violation == nil)
    }

    @Test("a new leader reads what has taken the place of requests that the broker lost")
    func requestsReplaced() throws {
        let union = SimulatedUnion.ledUnion(seed: 7)
        for i in 0..<20 { union.submit("noop", id: "before\(i)") }
        let before = union.outcome(of: "before19", withinMs: 20_000)
        #expect(before == .completed)
        union.run(ms: 2_000)
        // Its leader never sees the loss: it is gone before.
        let leader = try #require(union.leader)
        union.stopBroker(losing: [.requests], last: 5)
        union.crash(leader)
        union.startBroker()
        for i in 0..<8 { union.submit("noop", id: "after\(i)") }
        for i in 0..<8 {
            let after = union.outcome(of: "after\(i)", withinMs: 20_000)
            #expect(after == .completed)
        }
        #expect(union.violation == nil)
        try expectTranscript(
            "requests-replaced", of: union,
            about: ["broker:", "crashes", "leads(", "logLost", "reads requests", "requests[15]"])
    }

    @Test("a term whose claim was lost is claimed again, and everybody follows")
    func claimLost() throws {
        let union = SimulatedUnion.ledUnion(nodes: 5, seed: 56)
        let first = try #require(union.leader)
        let reader = (first + 1) % 5
        union.crash(first)
        func secondClaim(_ union: SimulatedUnion) -> Int? {
            for case .leader(let r) in union.records(of: .leader) where r.term == 2 {
                if case .claim = r.order { return Int(r.workerID.low) - 1 }
            }
            return nil
        }
        union.cut(reader, reading: [], writing: [.election])
        #expect(union.run(until: { secondClaim($0) != nil }, withinMs: 10_000))
        let second = try #require(secondClaim(union))
        // Board `reader` alone reads the second claim before its writer and the record are gone; and
        // it has no say in who claims next.
        for board in 0..<5 where board != reader { union.cut(board) }
        union.run(ms: 100)
        union.crash(second)
        union.stopBroker(losing: [.leader], last: 1)
        for board in 0..<5 where board != reader { union.mend(board) }
        union.run(ms: 3_000)
        union.startBroker()
        #expect(union.run(until: { $0.leader != nil }, withinMs: 20_000))
        union.submit("sleep-100", id: "after")
        let after = union.outcome(of: "after", withinMs: 20_000)
        #expect(after == .completed)
        union.mend(reader)
        union.run(ms: 5_000)
        #expect(union.violation == nil)
        try expectTranscript(
            "claim-lost", of: union,
            about: ["broker:", "crashes", "CLAIM", "leads(", "ledBy", "requests[0]"])
    }

    @Test("a removal that never arrived takes no job away")
    func removalLost() throws {
        let union = SimulatedUnion.ledUnion(seed: 21) { _, settings in settings.slots = 2 }
        union.submit("stubborn-9000", id: "a", timeoutMs: 20_000)
        #expect(union.run(until: { $0.runs("a") != nil }, withinMs: 5_000))
        let worker = try #require(union.runs("a"))
        let leader = try #require(union.leader)
        // The leader hears nobody and, just as it removes the worker, reaches nobody.
        union.cut(leader, reading: [.heartbeat], writing: [])
        union.run(ms: 1_700)
        union.cut(leader, reading: [.heartbeat], writing: [.leader])
        union.run(ms: 700)
        union.mend(leader)
        union.run(ms: 12_000)
        #expect(union.violation == nil)
        let status = union.outcome(of: "a", withinMs: 60_000)
        #expect(status == .completed)
        _ = worker
        try expectTranscript(
            "removal-lost", of: union, about: ["cut off", "REMOVE", "requests[0]", "steppedDown"])
    }

    @Test("of two boards with one identity that come at once, one works and the other stands back")
    func twins() throws {
        let union = SimulatedUnion.ledUnion(nodes: 4, seed: 24) { board, settings in
            if board == 3 { settings.workerID = WorkerID(high: 0x5C2A_0000_0000_0000, low: 3) }
        }
        for i in 0..<10 { union.submit("sleep-200", id: "r\(i)") }
        union.run(ms: 10_000)
        #expect(union.violation == nil)
        #expect((2...3).filter(union.isOnline).count == 1)
        let last = union.outcome(of: "r9", withinMs: 10_000)
        #expect(last == .completed)
        try expectTranscript(
            "twins", of: union, about: ["starts", "waitsForTwin", "twin", "ADD_MEMBER 2"])
    }

    @Test("a clone that comes while its original is cut off takes nobody's job too early")
    func cloneOfOneCutOff() throws {
        let union = SimulatedUnion.ledUnion(seed: 31)
        union.submit("stubborn-9000", id: "a", timeoutMs: 20_000)
        #expect(union.run(until: { $0.runs("a") != nil }, withinMs: 5_000))
        let worker = try #require(union.runs("a"))
        union.cut(worker, reading: Topic.everyTopic, writing: Topic.everyTopic)
        union.clone(worker)
        let status = union.outcome(of: "a", withinMs: 60_000)
        #expect(status == .completed)
        #expect(union.violation == nil)
        try expectTranscript(
            "clone-of-one-cut-off", of: union,
            about: ["starts", "cut off", "MEMBER", "requests[0]"])
    }

    @Test("a worker may drop everything that its bench holds in one heartbeat")
    func benchDropped() throws {
        let union = SimulatedUnion.ledUnion(nodes: 2, seed: 112)
        for i in 0..<10 { union.submit("noop", id: "warm\(i)") }
        let warm = union.outcome(of: "warm9", withinMs: 10_000)
        #expect(warm == .completed)
        // Short ops queue up at the only worker, which reads no orders until they are called back.
        let worker = union.leader == 0 ? 1 : 0
        union.cut(worker, reading: [.leader], writing: [])
        for i in 0..<100 { union.submit("noop", id: "r\(i)", maxAttempts: 9) }
        union.run(ms: 2_500)
        union.mend(worker)
        let last = union.outcome(of: "r99", withinMs: 60_000)
        #expect(last == .completed)
        #expect(union.violation == nil)
        try expectTranscript(
            "bench-dropped", of: union, about: ["cut off", "REMOVE", "ADD_MEMBER", "requests[30]"])
    }

    @Test("requests that are to be fetched again, and that the broker lost, hold nobody up")
    func fetchedBeyondTheEnd() throws {
        let union = SimulatedUnion.ledUnion(seed: 104)
        for i in 0..<300 { union.submit("sleep-500", id: "before\(i)") }
        union.run(ms: 3_000)
        let leader = try #require(union.leader)
        union.stopBroker(losing: Topic.everyTopic)
        union.crash(leader)
        union.run(ms: 3_000)
        union.startBroker()
        for i in 0..<20 { union.submit("noop", id: "after\(i)") }
        for i in [0, 19] {
            let after = union.outcome(of: "after\(i)", withinMs: 120_000)
            #expect(after == .completed)
        }
        #expect(union.violation == nil)
        try expectTranscript(
            "fetched-beyond-the-end", of: union,
            about: ["broker:", "leads(", "tookOver", "logLost(Union.Topic.req", "requests[0]"])
    }

    @Test("what is said of requests that the broker lost is not read as said of those after them")
    func outcomesOfLost() throws {
        let union = SimulatedUnion.ledUnion(seed: 620)
        for i in 0..<40 { union.submit("sleep-900", id: "before\(i)") }
        union.run(ms: 2_000)
        let first = try #require(union.leader)
        union.crash(first)
        union.stopBroker(losing: [.requests])
        union.startBroker()
        union.run(ms: 6_000)
        union.restart(first)
        for i in 0..<20 { union.submit("sleep-900", id: "after\(i)") }
        union.run(ms: 2_000)
        // The next leader finds these requests open, and has not read them yet.
        union.crash(try #require(union.leader))
        for i in [0, 19] {
            let after = union.outcome(of: "after\(i)", withinMs: 120_000)
            #expect(after == .completed)
        }
        #expect(union.violation == nil)
        try expectTranscript(
            "outcomes-of-lost", of: union,
            about: ["broker:", "crashes", "tookOver", "logLost(Union.Topic.req", "requests[12]"])
    }

    @Test("a board that joins a log whose named checkpoint is lost looks for an older one")
    func namedCheckpointLost() throws {
        let union = SimulatedUnion.ledUnion(seed: 10_941)
        for i in 0..<1_200 { union.submit("noop", id: "r\(i)") }
        let last = union.outcome(of: "r1199", withinMs: 60_000)
        #expect(last == .completed)
        union.run(ms: 2_000)
        let leader = try #require(union.leader)
        let (away, late) = ((leader + 1) % 3, (leader + 2) % 3)
        union.crash(away)
        union.crash(late)
        let log = union.records(of: .leader)
        let checkpoint = try #require(log.lastIndex { $0.isCheckpoint })
        // The leader does not notice that its last checkpoint is lost, and names it once more.
        union.stopBroker(losing: [.leader], last: Offset(log.count - checkpoint))
        union.run(ms: 300)
        union.startBroker()
        #expect(union.run(until: { $0.records(of: .leader).count > checkpoint }, withinMs: 1_000))
        union.crash(leader)
        union.restart(late)
        union.submit("noop", id: "after")
        let status = union.outcome(of: "after", withinMs: 20_000)
        #expect(status == .completed)
        union.run(ms: 2_000)
        let orders = union.records(of: .leader)[checkpoint...].filter(\.isAssignment)
        #expect(orders.count == 1, "what has its outcome is not run again")
        #expect(union.violation == nil)
        try expectTranscript(
            "named-checkpoint-lost", of: union,
            about: ["crashes", "broker:", "CHECKPOINT", "reads leader", "tookOver", "requests[20]"])
    }

    @Test("what a leader wrote before the broker lost heartbeats renews no lease")
    func oldAcknowledgement() throws {
        let union = SimulatedUnion.ledUnion(seed: 2_845)
        let leader = try #require(union.leader)
        let worker = (leader + 1) % 3
        union.cut(worker, reading: [.leader], writing: [])
        union.submit("stubborn-3000", id: "a", timeoutMs: 9_000)
        union.submit("stubborn-3000", id: "b", timeoutMs: 9_000)
        union.run(ms: 100)
        let heard = union.records(of: .heartbeat).count
        // This worker reads no order: its job is given to the other.
        union.run(ms: 6_000)
        union.cut(worker, reading: Topic.everyTopic, writing: Topic.everyTopic)
        union.run(ms: 4_000)
        // Its next heartbeats stand where the leader had read others when it gave the order.
        let lost = union.records(of: .heartbeat).count - heard
        union.stopBroker(losing: [.heartbeat], last: Offset(lost))
        union.run(ms: 500)
        union.startBroker()
        union.cut(worker, reading: [.leader], writing: [])
        union.run(ms: 300)
        union.mend(worker)
        union.run(ms: 8_000)
        for id in ["a", "b"] {
            let status = union.outcome(of: id, withinMs: 60_000)
            #expect(status == .completed)
        }
        #expect(union.violation == nil)
        try expectTranscript(
            "old-acknowledgement", of: union, about: ["cut off", "broker:", "requests[", "MEMBER"])
    }

    @Test("a late heartbeat of a former life is no new life")
    func formerLife() throws {
        let union = SimulatedUnion.ledUnion(seed: 1_062)
        let leader = try #require(union.leader)
        let board = (leader + 1) % 3
        union.crash(board)
        let last = union.records(of: .heartbeat).lastIndex { $0.isHeartbeat(of: board) }
        let heartbeat = try #require(last)
        union.run(ms: 500)
        union.restart(board)
        union.run(ms: 4_000)
        union.pause(board, ms: 5_000)
        union.run(ms: 3_000)
        union.repeatRecord(of: .heartbeat, at: Offset(heartbeat))
        union.run(ms: 8_000)
        #expect(union.isOnline(board))
        #expect(union.violation == nil)
        try expectTranscript(
            "former-life", of: union,
            about: ["crashes", "starts", "stopped", "goes on", "MEMBER", "superseded", "twin"])
    }

    @Test("requests that are alike do not hide that the broker has lost all")
    func alikeRequests() throws {
        let union = SimulatedUnion.ledUnion(seed: 12_188)
        for _ in 0..<300 { union.submit("noop") }
        #expect(union.run(until: { $0.records(of: .results).count == 300 }, withinMs: 20_000))
        union.run(ms: 3_000)
        union.stopBroker(losing: Topic.everyTopic)
        union.run(ms: 5_000)
        union.startBroker()
        union.submit("sleep-10", id: "first")
        for _ in 0..<399 { union.submit("noop") }
        // The first leader after the loss is gone before it has written a checkpoint.
        #expect(union.run(until: { $0.leader != nil }, withinMs: 20_000))
        union.run(ms: 500)
        union.crash(try #require(union.leader))
        let first = union.outcome(of: "first", withinMs: 30_000)
        #expect(first == .completed)
        #expect(union.run(until: { $0.records(of: .results).count == 400 }, withinMs: 60_000))
        #expect(union.violation == nil)
        try expectTranscript(
            "alike-requests", of: union,
            about: ["broker:", "crashes", "leads(", "reads requests", "requests[0]"])
    }

    @Test("who slept while all was lost and others began anew leaves out none of their requests")
    func sleptThroughLoss() throws {
        let union = SimulatedUnion.ledUnion(seed: 19_279)
        let first = try #require(union.leader)
        union.crash(first)
        #expect(union.run(until: { $0.leader != nil }, withinMs: 10_000))
        union.restart(first)
        union.run(ms: 2_000)
        for i in 0..<600 { union.submit("noop", id: "before\(i)") }
        let before = union.outcome(of: "before599", withinMs: 30_000)
        #expect(before == .completed)
        let sleeper = (try #require(union.leader) + 1) % 3
        let others = (0..<3).filter { $0 != sleeper }
        union.pause(sleeper, ms: 15_000)
        union.stopBroker(losing: Topic.everyTopic)
        for board in others { union.crash(board) }
        union.startBroker()
        for board in others { union.restart(board) }
        #expect(union.run(until: { $0.leader != nil }, withinMs: 10_000))
        for i in 0..<500 { union.submit("sleep-400", id: "after\(i)") }
        // They know of no term before their own, and the sleeper knows of a later one.
        union.run(ms: 7_000)
        for board in others { union.crash(board) }
        for i in [0, 100, 499] {
            let after = union.outcome(of: "after\(i)", withinMs: 300_000)
            #expect(after == .completed)
        }
        #expect(union.violation == nil)
        try expectTranscript(
            "slept-through-loss", of: union,
            about: ["broker:", "crashes", "goes on", "leads(", "tookOver", "requests[100]"])
    }

    @Test("a leader that does not read heartbeats acknowledges none, whatever offsets they have")
    func heartbeatsUnread() throws {
        let union = SimulatedUnion.ledUnion(seed: 1_592)
        union.submit("stubborn-9000", id: "a", timeoutMs: 20_000)
        #expect(union.run(until: { $0.runs("a") != nil }, withinMs: 5_000))
        let leader = try #require(union.leader)
        union.run(ms: 1_000)
        union.cut(leader, reading: [.heartbeat], writing: [])
        // So many are lost that the workers' next ones stand where the leader has read others.
        union.stopBroker(losing: [.heartbeat], last: 50)
        union.run(ms: 200)
        union.startBroker()
        union.run(ms: 4_000)
        union.mend(leader)
        let status = union.outcome(of: "a", withinMs: 60_000)
        #expect(status == .completed)
        #expect(union.violation == nil)
        try expectTranscript(
            "heartbeats-unread", of: union,
            about: ["cut off", "broker:", "requests[0]", "MEMBER", "LeaseLost"])
    }
}

extension Record {
    fileprivate var isCheckpoint: Bool {
        if case .leader(let r) = self, case .checkpoint = r.order { true } else { false }
    }

    fileprivate var isAssignment: Bool {
        if case .leader(let r) = self, case .assign = r.order { true } else { false }
    }

    fileprivate func isHeartbeat(of board: Int) -> Bool {
        if case .heartbeat(let h) = self { h.workerID.low == UInt64(board + 1) } else { false }
    }
}
