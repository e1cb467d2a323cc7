import Testing

@testable import Union

/// The design's fault table (section 6), row by row, on whole unions: what must happen, and that
/// nobody ever leads beside another, runs a request that runs elsewhere, or shows a wrong LED.
@Suite("Faults")
struct FaultTests {
    /// A union of `count` with a leader, whose members are known to it.
    private func union(
        _ count: Int = 5, seed: UInt64 = 1, jobs: [String: MemoryUnion.Job] = [:],
        _ change: @escaping (inout Settings, Int) -> Void = { _, _ in }
    ) -> MemoryUnion {
        let union = MemoryUnion(count, seed: seed, change)
        union.jobs = jobs
        let isLed = union.run(within: 3000) { union.leader != nil }
        #expect(isLed)
        union.run(400)
        return union
    }

    /// Nothing lost, one outcome each, and nothing happened that must not.
    private func expectAllDone(
        _ union: MemoryUnion, within milliseconds: Int64 = 20_000,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let isDone = union.run(within: milliseconds) { union.isAllDone }
        #expect(isDone, "something was lost", sourceLocation: location)
        #expect(union.violations.isEmpty, "\(union.violations)", sourceLocation: location)
    }

    private func follower(of union: MemoryUnion) -> MemoryUnion.Machine {
        union.machines.first { $0 !== union.leader }!
    }

    // MARK: Without a fault

    @Test("without a fault every request is run once, by the members, and each has one outcome")
    func noFault() {
        let union = union()
        for i in 0..<300 { union.submit(request("r\(i)", op: "noop")) }
        expectAllDone(union)
        union.run(3000)
        #expect(union.starts.count == 300)
        #expect(union.results.filter(\.final).count == 300)
        #expect(Set(union.starts.map(\.number)).count == 4)
        #expect(!union.starts.contains { $0.number == union.leader?.number })
    }

    @Test("a single board is a working union")
    func singleBoard() {
        let union = union(1)
        for i in 0..<20 { union.submit(request("r\(i)")) }
        expectAllDone(union)
        #expect(union.starts.count == 20)
    }

    @Test("a leader stays for as long as nothing happens")
    func stays() {
        let union = union()
        let leader = union.leader
        union.run(60_000)
        #expect(union.leader === leader)
        #expect(union.leaderRecords.filter { $0.term > 1 }.isEmpty)
        #expect(union.violations.isEmpty)
    }

    // MARK: The leader

    @Test("the leader dies: another leads within the timeout, and running jobs are not disturbed")
    func leaderDies() {
        let union = union(jobs: ["long": .ends(afterMs: 5000, .completed)])
        for i in 0..<4 { union.submit(request("r\(i)", op: "long")) }
        union.run(1500)
        #expect(union.starts.count == 4)
        union.crash(union.leader!)
        let died = union.now
        #expect(union.run(within: 5000) { union.leader != nil })
        #expect(union.now <= died + 1500)
        expectAllDone(union)
        #expect(union.starts.count == 4, "each job has run once")
    }

    @Test("the leader dies while it is busy: nothing is lost", arguments: 1...5)
    func leaderDiesUnderLoad(_ seed: UInt64) {
        let union = union(seed: seed)
        for round in 0..<4 {
            for i in 0..<60 { union.submit(request("r\(round)-\(i)", op: "noop")) }
            union.run(10 + Int64(seed) * 7)
            if round == 1, let leader = union.leader { union.crash(leader) }
        }
        expectAllDone(union)
        union.run(3000)
        #expect(union.isAllDone)
    }

    @Test("SIGTERM of the leader: it resigns, and nobody waits for a timeout")
    func leaderLeaves() {
        let union = union()
        let leader = union.leader!
        union.shutDown(leader)
        let left = union.now
        #expect(union.run(within: 1000) { union.leader != nil && union.leader !== leader })
        #expect(union.now <= left + 150)
        union.run(1000)
        #expect(leader.hasLeft)
        #expect(union.violations.isEmpty, "\(union.violations)")
    }

    @Test("a leader that is stopped has stepped down when it wakes, and gives no order")
    func leaderStopped() {
        let union = union()
        let old = union.leader!
        union.stop(old)
        #expect(union.run(within: 5000) { union.leader != nil && union.leader !== old })
        let before = union[.leader].high
        union.wake(old)
        union.run(0)
        #expect(!union.isLed(by: old))
        union.run(3000)
        let written = (before..<union[.leader].high).compactMap {
            if case .leader(let r)? = union[.leader][$0].record { r } else { nil }
        }
        // It may ask whether it still leads, by a NOOP that is void; it orders nothing.
        for record in written where record.workerID == worker(old.number) {
            if case .noop = record.order {} else { Issue.record("an order of term \(record.term)") }
        }
        #expect(union.violations.isEmpty, "\(union.violations)")
    }

    @Test("a leader that does not reach the broker any more steps down within its lease")
    func leaderMute() {
        let union = union()
        let old = union.leader!
        old.isMute = true
        union.run(801)
        #expect(!union.isLed(by: old))
        #expect(union.run(within: 2000) { union.leader != nil })
        old.isMute = false
        union.run(3000)
        #expect(union.leader != nil && union.leader !== old)
        #expect(union.violations.isEmpty, "\(union.violations)")
    }

    @Test("a worker that lost its view of the leader topic does not depose a healthy leader")
    func blindWorker() {
        let union = union()
        let leader = union.leader!
        let blind = follower(of: union)
        union.setDeaf(blind, to: [.leader])
        union.run(10_000)
        #expect(blind.node.counters[.quelled] > 0)
        #expect(union.leader === leader)
        #expect(union.leaderRecords.allSatisfy { $0.term == 1 })
        union.setDeaf(blind, to: [])
        union.run(2000)
        #expect(union.leader === leader)
        #expect(union.violations.isEmpty, "\(union.violations)")
    }

    // MARK: Workers and jobs

    @Test("a worker dies while working: it is lost after member_timeout_ms, and another runs it")
    func workerDies() {
        let union = union(jobs: ["long": .ends(afterMs: 3000, .completed)])
        union.submit(request("a", op: "long"))
        union.run(within: 1000) { union.starts.count == 1 }
        let first = union.machine(union.starts[0].number)
        union.crash(first)
        let died = union.now
        union.run(within: 10_000) { union.starts.count == 2 }
        #expect(union.now >= died + 1700 && union.now <= died + 2500)
        #expect(union.starts[1].number != first.number)
        #expect(union.starts[1].attempt == 2)
        expectAllDone(union)
        #expect(union.outcome(0) == .completed)
    }

    @Test("so it is if it returns at once with a new incarnation: it might be a clone")
    func workerReturns() {
        let union = union(jobs: ["long": .ends(afterMs: 3000, .completed)])
        union.submit(request("a", op: "long"))
        union.run(within: 1000) { union.starts.count == 1 }
        let number = union.starts[0].number
        union.crash(union.machine(number))
        union.launch(number)
        let died = union.now
        union.run(within: 10_000) { union.starts.count == 2 }
        #expect(union.now >= died + 1700 && union.now <= died + 2500)
        expectAllDone(union)
    }

    @Test("a job kills every worker it touches: exhausted after max_attempts, the union survives")
    func poison() {
        let union = union(jobs: ["poison": .crashes])
        union.submit(request("poison", op: "poison", maxAttempts: 3))
        for i in 0..<10 { union.submit(request("r\(i)")) }
        expectAllDone(union, within: 30_000)
        #expect(union.outcome(0) == .exhausted)
        #expect(union.starts.filter { $0.offset == 0 }.count == 3)
        #expect((1...10).allSatisfy { union.outcome(Offset($0)) == .completed })
        #expect(union.machines.count == 2)
    }

    @Test("a worker loses the broker: its jobs are dead before another has them")
    func workerMute() {
        let union = union(jobs: ["long": .ends(afterMs: 30_000, .completed)])
        union.submit(request("a", op: "long"))
        union.run(within: 1000) { union.starts.count == 1 }
        let first = union.machine(union.starts[0].number)
        first.isMute = true
        union.setDeaf(first, to: [.leader, .election, .heartbeat])
        let cut = union.now
        union.run(within: 5000) { first.jobs.isEmpty }
        #expect(union.now <= cut + 1770)
        union.run(within: 5000) { union.starts.count == 2 }
        #expect(union.starts.count == 2)
        #expect(union.starts[1].number != first.number)
        first.isMute = false
        union.setDeaf(first, to: [])
        expectAllDone(union, within: 60_000)
    }

    @Test("a worker that is only not heard loses its lease, too")
    func workerUnheard() {
        let union = union(jobs: ["long": .ends(afterMs: 30_000, .completed)])
        union.submit(request("a", op: "long"))
        union.run(within: 1000) { union.starts.count == 1 }
        let first = union.machine(union.starts[0].number)
        first.isMute = true
        union.run(within: 5000) { union.starts.count == 2 }
        #expect(union.starts.count == 2)
        #expect(union.violations.isEmpty, "\(union.violations)")
    }

    @Test("a worker does not acknowledge: cancelled, and another runs it")
    func workerDeaf() {
        let union = union(2)
        let member = follower(of: union)
        union.setDeaf(member, to: [.leader])
        union.submit(request("a"))
        expectAllDone(union, within: 10_000)
        #expect(union.leader!.node.counters[.unacknowledged] == 1)
        #expect(union.starts.count == 1)
        #expect(union.starts[0].number != member.number, "the leader: nobody else is fit for it")
        #expect(union.starts[0].attempt == 2)
        union.setDeaf(member, to: [])
        union.submit(request("b"))
        union.submit(request("c"))
        expectAllDone(union)
        #expect(union.starts.count == 3)
    }

    @Test("an assignment that was lost on its way is made again")
    func assignmentLost() {
        let union = union()
        var lost = 0
        union.fate = { _, record in
            guard lost < 3, case .leader(let r) = record, case .assign = r.order else {
                return .sent
            }
            lost += 1
            return .lost
        }
        for i in 0..<10 { union.submit(request("r\(i)")) }
        expectAllDone(union)
        #expect(lost == 3)
        #expect(union.starts.count == 10)
    }

    @Test("records that time out and appear late change nothing", arguments: [900, 2100, 4000])
    func lateRecords(_ delay: Int64) {
        let union = union(jobs: ["long": .ends(afterMs: 700, .completed)])
        var count = 0
        union.fate = { _, record in
            guard record.topic == .leader || record.topic == .results else { return .sent }
            count += 1
            return count % 7 == 3 ? .late(ms: delay) : .sent
        }
        for i in 0..<40 { union.submit(request("r\(i)", op: "long", maxAttempts: 99)) }
        expectAllDone(union, within: 120_000)
    }

    @Test("a job that overruns on a worker that cannot stop it: that worker gets nothing more")
    func overrun() {
        let union = union(3, jobs: ["stuck": .isDeaf])
        union.submit(request("stuck", op: "stuck", timeoutMs: 1000, maxAttempts: 1))
        union.run(within: 2000) { union.starts.count == 1 }
        let stuck = union.starts[0].number
        union.run(6000)
        let orders = union.leaderRecords.map(\.order)
        #expect(orders.contains { if case .cancel = $0 { true } else { false } })
        for i in 0..<20 { union.submit(request("r\(i)")) }
        union.run(within: 5000) { (1...20).allSatisfy { union.outcome(Offset($0)) != nil } }
        #expect(union.starts.filter { $0.number == stuck }.count == 1)
        #expect(union.violations.isEmpty, "\(union.violations)")
    }

    @Test("failures are tried again, and final at the last attempt")
    func failures() {
        let union = union(jobs: [
            "bad": .ends(afterMs: 1, .failed), "slow": .ends(afterMs: 1, .timedOut),
        ])
        union.submit(request("a", op: "bad", maxAttempts: 3))
        union.submit(request("b", op: "slow", maxAttempts: 1))
        expectAllDone(union)
        #expect(union.outcome(0) == .failed)
        #expect(union.outcome(1) == .timedOut)
        #expect(union.starts.count == 4)
    }

    @Test("results that are not delivered are written until they are")
    func resultsLost() {
        let union = union()
        var count = 0
        union.fate = { _, record in
            guard record.topic == .results else { return .sent }
            count += 1
            return count <= 12 ? .lost : .sent
        }
        for i in 0..<4 { union.submit(request("r\(i)")) }
        expectAllDone(union)
        #expect(union.starts.count == 4, "the jobs are not run again for that")
    }

    // MARK: Requests

    @Test("a malformed request is rejected, and reading goes on")
    func malformed() {
        let union = union()
        union.appendMalformed(.requests, "no op_code")
        union.submit(request("a"))
        expectAllDone(union)
        #expect(union.outcome(0) == .rejected)
        #expect(union.outcome(1) == .completed)
    }

    @Test("the same id is submitted twice while open, and again when settled: run once")
    func duplicates() {
        let union = union(jobs: ["long": .ends(afterMs: 500, .completed)])
        union.submit(request("a", op: "long"))
        union.submit(request("a", op: "long"))
        union.run(1500)
        union.submit(request("a", op: "long"))
        union.run(1500)
        #expect(union.starts.count == 1)
    }

    @Test("the same id is not run again by the next leader")
    func duplicateAfterTakeover() {
        let union = union()
        union.submit(request("a"))
        union.run(500)
        union.crash(union.leader!)
        union.run(within: 3000) { union.leader != nil }
        union.submit(request("a"))
        union.run(1500)
        #expect(union.starts.count == 1)
    }

    @Test("one slow job never stops the rest")
    func slowJob() {
        let union = union(3, jobs: ["slow": .ends(afterMs: 60_000, .completed)])
        union.submit(request("slow", op: "slow"))
        for i in 0..<600 { union.submit(request("r\(i)", op: "noop")) }
        union.run(within: 20_000) { union.outcomes.count >= 600 }
        #expect(union.outcomes.count == 600)
        #expect(union.outcome(0) == nil)
        expectAllDone(union, within: 60_000)
    }

    @Test("a short op that turns out slow holds nobody: what waits behind it goes elsewhere")
    func recalled() {
        let union = union(3)
        for i in 0..<20 { union.submit(request("r\(i)", op: "noop")) }
        expectAllDone(union)
        union.jobs["noop"] = .ends(afterMs: 9000, .completed)
        union.submit(request("slow", op: "noop"))
        union.run(within: 1000) { union.starts.count == 21 }
        union.jobs["noop"] = .ends(afterMs: 1, .completed)
        for i in 0..<20 { union.submit(request("s\(i)", op: "noop")) }
        union.run(3000)
        #expect(union.outcomes.count == 40, "all but the slow one")
        #expect(union.violations.isEmpty, "\(union.violations)")
    }

    // MARK: The broker

    @Test("the broker goes away and comes back: the leader steps down, everything resumes")
    func brokerAway() {
        let union = union(jobs: ["long": .ends(afterMs: 500, .completed)])
        for i in 0..<30 { union.submit(request("r\(i)", op: "long", maxAttempts: 99)) }
        union.run(700)
        union.setBroker(isDown: true)
        union.run(801)
        #expect(union.leader == nil)
        #expect(union.machines.allSatisfy { $0.shown?.online == false })
        #expect(union.machines.allSatisfy { $0.shown?.role == .member })
        union.run(10_000)
        #expect(union.machines.allSatisfy { $0.jobs.isEmpty })
        union.setBroker(isDown: false)
        expectAllDone(union, within: 60_000)
    }

    @Test("a broker that is away for a moment disturbs nobody's job", arguments: [100, 400, 700])
    func brokerBlinks(_ gap: Int64) {
        let union = union(jobs: ["long": .ends(afterMs: 4000, .completed)])
        for i in 0..<4 { union.submit(request("r\(i)", op: "long")) }
        union.run(1000)
        union.setBroker(isDown: true)
        union.run(gap)
        union.setBroker(isDown: false)
        expectAllDone(union, within: 60_000)
        #expect(union.starts.count == 4)
    }

    @Test("the broker loses its last records: the union goes on", arguments: [1, 5, 40])
    func logCut(_ lost: Offset) {
        let union = union(jobs: ["long": .ends(afterMs: 500, .completed)])
        for i in 0..<20 { union.submit(request("r\(i)", op: "long", maxAttempts: 99)) }
        union.run(1300)
        union.setBroker(isDown: true)
        union.truncate(.leader, to: max(0, union[.leader].high - lost))
        union.truncate(.heartbeat, to: max(0, union[.heartbeat].high - lost))
        union.run(2500)
        union.setBroker(isDown: false)
        expectAllDone(union, within: 60_000)
        #expect(union.leader != nil)
    }

    @Test("the broker loses the whole leader log: the terms go on, and so does the work")
    func logLost() {
        let union = union(jobs: ["long": .ends(afterMs: 500, .completed)])
        for i in 0..<20 { union.submit(request("r\(i)", op: "long", maxAttempts: 99)) }
        union.run(1300)
        let term = union.leaderRecords.map(\.term).max()!
        union.setBroker(isDown: true)
        for topic in [Topic.leader, .election, .heartbeat] { union.truncate(topic, to: 0) }
        union.run(2500)
        union.setBroker(isDown: false)
        expectAllDone(union, within: 60_000)
        union.run(2000)
        #expect(union.leader != nil)
        #expect(union.leaderRecords.allSatisfy { $0.isMark || $0.term > term })
    }

    @Test("all nodes are killed and started again with work open: nothing is lost")
    func allRestart() {
        let union = union(jobs: ["long": .ends(afterMs: 800, .completed)])
        for i in 0..<30 { union.submit(request("r\(i)", op: "long", maxAttempts: 99)) }
        union.run(2500)
        for machine in union.machines { union.crash(machine) }
        for i in 30..<40 { union.submit(request("r\(i)", op: "long")) }
        union.run(5000)
        for number in 1...5 { union.launch(number) }
        expectAllDone(union, within: 60_000)
        union.run(5000)
        let finals = union.results.filter(\.final)
        #expect(finals.count == 40, "what was done was not done again")
    }

    // MARK: Two boards with one identity

    @Test("a cloned card: the later board stands back, and works once the earlier is gone")
    func laterTwin() {
        let union = union()
        let number = follower(of: union).number
        let first = union.machine(number)
        let twin = union.launch(number)
        union.run(2000)
        #expect(twin.standsBack && twin.shown! == (.member, false))
        #expect(!first.standsBack && first.shown! == (.member, true))
        #expect(twin.node.counters[.accepted] == 0)
        union.crash(first)
        union.run(1000)
        #expect(twin.standsBack, "the other may be cut off, and work")
        union.run(2000)
        #expect(!twin.standsBack && twin.shown! == (.member, true))
        for i in 0..<20 { union.submit(request("r\(i)")) }
        union.run(6000)
        #expect(twin.node.counters[.accepted] > 0)
        expectAllDone(union)
    }

    @Test("the leader's clone stands back, too")
    func leadersTwin() {
        let union = union()
        let leader = union.leader!
        let twin = union.launch(leader.number)
        union.run(2000)
        #expect(twin.standsBack)
        #expect(union.leader === leader)
    }

    @Test("two clones that are powered on together: one of them stands back", arguments: 1...6)
    func twinsTogether(_ seed: UInt64) {
        let union = MemoryUnion(3, seed: seed)
        union.launch(2)
        union.run(Int64(seed) * 3)
        union.launch(3)
        for i in 0..<20 { union.submit(request("r\(i)")) }
        union.run(6000)
        let working = union.machines.filter { !$0.standsBack }
        #expect(union.machines.count == 5)
        #expect(Set(working.map(\.number)).count == working.count && working.count == 3)
        expectAllDone(union)
    }

    @Test(
        "who is spoken for by a stranger stands back, leader or not, and works again when he is silent",
        arguments: [true, false])
    func spokenFor(leads: Bool) {
        let union = union()
        let leader = union.leader!
        let victim = leads ? leader : follower(of: union)
        for count in 0..<20 as Range<Int64> {
            let end = union[.leader].entries.count
            let forged = heartbeat(
                by: victim.number, leaderOffset: Offset(end + 5), count: 1_000_000 + count,
                incarnation: 0)
            union.appendForged(.heartbeat(forged))
            union.run(200)
        }
        #expect(victim.standsBack)
        #expect(victim.shown! == (.member, false))
        #expect(union.leader != nil && (union.leader === leader) == !leads)
        union.run(6000)
        #expect(!victim.standsBack && victim.shown! == (.member, true))
        #expect(union.machines.count == 5)
        for i in 0..<40 { union.submit(request("r\(i)")) }
        union.run(6000)
        #expect(victim.node.counters[.accepted] > 0)
        #expect(union.violations.isEmpty, "\(union.violations)")
    }

    // MARK: Fencing

    @Test(
        "no stranger's term keeps the next leader away, claimed or run for",
        arguments: [nil, 1 << 53 - 1] as [Term?], [true, false])
    func strangersTerm(_ term: Term?, isClaim: Bool) {
        let union = union()
        // nil: the highest that there can be.
        let asked = term ?? Limits.highestTerm(at: Offset(union[.leader].entries.count))
        union.appendForged(
            isClaim
                ? .leader(leaderRecord(.claim, by: 9, term: asked))
                : .candidacy(candidacy(by: 9, term: asked, ranking: 1_000_000)))
        union.run(100)
        let isVoid = term != nil
        let counted = union.machines.allSatisfy {
            $0.node.counters[.termsTooHigh] == (isVoid ? 1 : 0)
        }
        #expect(counted)
        #expect((union.leader == nil) == (isClaim && !isVoid))
        if let leader = union.leader { union.crash(leader) }
        #expect(union.run(within: 8000) { union.leader != nil })
        for i in 0..<20 { union.submit(request("r\(i)")) }
        expectAllDone(union)
        #expect(union.violations.isEmpty, "\(union.violations)")
    }

    @Test("no void record changes any node's state but a counter")
    func voidRecords() {
        let union = union()
        union.submit(request("a"))
        union.run(1500)
        let term = union.leader!.node.elector.log.tenure.term
        let before = union.machines.map { $0.node.counters[.voidRecords] }
        let orders: [Order] = [
            .claim, .noop, .resign, .assign(assignment(5, to: 3)), .removeMember(worker(3)),
            .addMember(worker(3), 77), .checkpoint(Checkpoint(requestsNext: 9, resultsNext: 9)),
        ]
        let states = union.machines.map { $0.node.elector.openWork.checkpoint.requestsNext }
        for order in orders {
            union.appendForged(.leader(leaderRecord(order, by: 9, term: term)))
        }
        union.run(100)
        #expect(union.machines.map { $0.node.counters[.voidRecords] } == before.map { $0 + 7 })
        #expect(union.machines.map { $0.node.elector.openWork.checkpoint.requestsNext } == states)
        #expect(union.machines.count == 5)
        #expect(union.starts.count == 1)
        #expect(union.violations.isEmpty, "\(union.violations)")
    }
}
