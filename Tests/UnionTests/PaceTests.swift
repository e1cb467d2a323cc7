import Testing

@testable import Union

/// Boards of one union with different paces: a rolling change of `pace` passes through this (design,
/// section 5). The node under test waits 2,000 ms for whom it does not hear.
@Suite("Paces that differ")
struct PaceTests {
    private static let slow: (lease: Int32, grace: Int32) = (9000, 700)
    /// 9,700 ms and 2 %.
    private static let slowHold: Int32 = 9894

    private func leader() -> Solo {
        let solo = Solo()
        solo.lead()
        return solo
    }

    /// A worker that says for how long its jobs may run unheard.
    private func report(
        _ solo: Solo, _ number: Int, _ timings: (lease: Int32, grace: Int32)?,
        running: [Offset] = [], hasRead: Offset? = nil, incarnation: Incarnation = 1
    ) {
        solo.report(number, running: running, incarnation: incarnation) {
            ($0.workerLeaseMs, $0.killGraceMs) = (timings?.lease, timings?.grace)
            if let hasRead { $0.leaderOffset = hasRead }
        }
    }

    /// Worker 1 has followed worker 2, which waited `timeoutMs` for whom it did not hear and gave
    /// `requests[3]` to worker 5, and leads now.
    private func heir(
        claim timeoutMs: Int32? = nil, checkpoint: Int32? = nil, claimAfter: Int32? = nil,
        hearsBefore: Bool = false
    ) -> Solo {
        let solo = Solo()
        solo.join()
        if hearsBefore { report(solo, 5, (1500, 200)) }
        func read(_ order: Order, term: Term, _ bytes: [UInt8] = [], claim: Int32? = nil) {
            var r = leaderRecord(order, by: 2, term: term)
            r.memberTimeoutMs = claim
            solo.read(r, bytes)
        }
        read(.claim, term: 1, claim: timeoutMs)
        let said = Checkpoint(requestsNext: 10, resultsNext: 0, memberTimeoutMs: checkpoint)
        read(.checkpoint(said), term: 1, packed([openWork(3, attempt: 1, worker: 5)]))
        var last: Term = 1
        if let claimAfter {
            last = 2
            read(.claim, term: last, claim: claimAfter)
        }
        solo.idle(900)
        read(.resign, term: last)
        solo.winElection()
        solo.ends[Int(Topic.requests.rawValue)] = 10
        solo.give(.bounds(.results, low: 0, high: 0, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 0, high: 10, askedAt: solo.now))
        solo.reachEnd(.results)
        return solo
    }

    private func live(_ solo: Solo, _ milliseconds: Int64, hearing number: Int = 6) {
        for _ in 0..<(milliseconds / 200) {
            solo.live(200)
            solo.report(number)
            solo.readBack()
        }
    }

    private func said(_ solo: Solo) -> [Int32?] {
        solo.done.leaderRecords.compactMap {
            if case .checkpoint(let checkpoint) = $0.order {
                .some(checkpoint.memberTimeoutMs)
            } else {
                nil
            }
        }
    }

    private func calledTooSlow(_ solo: Solo) -> [Int32] {
        solo.done.notices.compactMap {
            if case .tooSlow(worker(2), let holdMs) = $0 { holdMs } else { nil }
        }
    }

    // MARK: Who gets work

    @Test("whose jobs may go on for longer than the leader waits is no member, and is named once")
    func tooSlow() {
        let solo = leader()
        for _ in 0..<3 { report(solo, 2, Self.slow) }
        solo.report(3)
        solo.readBack()
        #expect(solo.done.added == [worker(3)])
        #expect(calledTooSlow(solo) == [Self.slowHold])
        solo.read(request("a"))
        solo.read(request("b"))
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(3)])
    }

    @Test("its lease and its grace and 2 % must be over before the leader would give up waiting")
    func bound() {
        let solo = leader()
        report(solo, 2, (1760, 200))
        #expect(solo.done.added.isEmpty)
        report(solo, 3, (1759, 200))
        #expect(solo.done.added == [worker(3)])
    }

    @Test("who does not say gets work, as before there was anything to say")
    func unsaid() {
        let solo = leader()
        report(solo, 2, nil)
        #expect(solo.done.added == [worker(2)])
    }

    @Test("another life under its id is waited for as long as that one says")
    func otherLife() {
        let solo = leader()
        report(solo, 2, (1500, 200))
        solo.readBack()
        report(solo, 2, Self.slow, incarnation: 9)
        report(solo, 2, (1500, 200))
        live(solo, 9600)
        #expect(solo.done.removed.isEmpty)
        live(solo, 600)
        #expect(solo.done.removed == [worker(2)])
    }

    @Test("a leader with none but slow ones around it works alone")
    func alone() {
        let solo = leader()
        report(solo, 2, Self.slow)
        solo.live(300)
        solo.read(request("a"))
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(1)])
    }

    @Test("a board that comes back with the leader's pace is a member once its former life is over")
    func comesBack() {
        let solo = leader()
        report(solo, 2, Self.slow)
        for _ in 0..<49 {
            solo.live(200)
            report(solo, 2, (1500, 200), incarnation: 2)
        }
        #expect(solo.done.added.isEmpty, "a clone of the former one may live")
        solo.live(200)
        report(solo, 2, (1500, 200), incarnation: 2)
        #expect(solo.done.added == [worker(2)])
        #expect(calledTooSlow(solo) == [Self.slowHold])
    }

    @Test("every heartbeat says for how long its worker's jobs may run unheard")
    func says() {
        let solo = leader()
        solo.live(500)
        let beats = solo.done.heartbeats
        #expect(beats.count >= 1)
        #expect(beats.allSatisfy { $0.workerLeaseMs == 1750 && $0.killGraceMs == 200 })
    }

    // MARK: What a quicker leader inherits

    @Test(
        "what a leader gave that waits longer is not given to another before",
        arguments: ["claim", "checkpoint", "both", "claim after"])
    func inherits(_ how: String) {
        let solo =
            switch how {
            case "claim": heir(claim: 10_000)
            case "checkpoint": heir(claim: 600, checkpoint: 10_000)
            case "both": heir(claim: 10_000, checkpoint: 10_000)
            default: heir(claim: 600, checkpoint: 600, claimAfter: 10_000)
            }
        live(solo, 9600)
        #expect(solo.done.removed.isEmpty)
        live(solo, 600)
        #expect(solo.done.removed == [worker(5)])
    }

    @Test("a claim of one that waits less changes nothing about what was given before")
    func quickClaim() {
        let solo = heir(claim: 600, checkpoint: 10_000, claimAfter: 600)
        live(solo, 9600)
        #expect(solo.done.removed.isEmpty)
    }

    @Test("what was given by one that does not say how long it waits may be with the slowest")
    func unsaidGiver() {
        let solo = heir()
        live(solo, 9600)
        #expect(solo.done.removed.isEmpty)
        live(solo, 600)
        #expect(solo.done.removed == [worker(5)])
    }

    @Test("a checkpoint that says less ends it: what was given so is over")
    func over() {
        let solo = heir(claim: 10_000, checkpoint: 600)
        live(solo, 2400)
        #expect(solo.done.removed == [worker(5)])
    }

    @Test("whom the new leader has heard it waits for as long as he says, and no longer")
    func heard() {
        let solo = heir(claim: 10_000)
        report(solo, 5, (1500, 200), running: [3])
        live(solo, 2400)
        #expect(solo.done.removed == [worker(5)])
    }

    @Test("a slow worker that is heard goes on with what it has, and gets no more")
    func goesOn() {
        let solo = heir(claim: 10_000)
        for _ in 0..<30 {
            solo.live(1000)
            report(solo, 5, Self.slow, running: [3])
        }
        #expect(solo.done.removed.isEmpty)
        #expect(solo.done.cancels.isEmpty)
        #expect(solo.done.added.isEmpty)
        solo.read(result(of: 3, by: 5))
        #expect(solo.counters[.settled] == 1)
    }

    @Test("of a slow worker that falls silent the leader takes nothing before its jobs are dead")
    func fallsSilent() {
        let solo = heir(claim: 10_000)
        solo.live(1000)
        report(solo, 5, Self.slow, running: [3])
        live(solo, 9600)
        #expect(solo.done.removed.isEmpty)
        live(solo, 600)
        #expect(solo.done.removed == [worker(5)])
    }

    @Test("what such a worker was told to drop and does not confirm ends when its jobs are dead")
    func dropsUnheard() {
        let solo = heir(claim: 10_000)
        let read = solo.node.desk.next(.leader)
        func live(_ milliseconds: Int64) {
            for _ in 0..<(milliseconds / 1000) {
                solo.live(1000)
                report(solo, 5, Self.slow, hasRead: read)
            }
        }
        live(9_000)
        #expect(solo.done.cancels.isEmpty)
        live(1_000)
        #expect(solo.done.cancels == [Attempt(requestOffset: 3, attempt: 1, workerID: worker(5))])
        let seeks = solo.done.seeks(.requests).count
        live(9_000)
        #expect(solo.done.seeks(.requests).count == seeks, "it is not fetched for another yet")
        live(1_000)
        #expect(solo.done.seeks(.requests).last == 3)
    }

    @Test("who was quick when he was heard last may be slow by now, and have work")
    func changedSince() {
        let solo = heir(claim: 10_000, hearsBefore: true)
        live(solo, 9600)
        #expect(solo.done.removed.isEmpty)
        live(solo, 600)
        #expect(solo.done.removed == [worker(5)])
    }

    @Test(
        "a late word of an earlier life does not speak for what its next life has, heard or not",
        arguments: [true, false])
    func lateWord(isHeard: Bool) {
        let solo = heir(claim: 10_000)
        // Quick, under another term; then its present life, which does not count yet, and is slow.
        var late = heartbeat(by: 5, leader: 2, term: 1, leaderOffset: 1)
        (late.workerLeaseMs, late.killGraceMs) = (1500, 200)
        solo.read(late)
        if isHeard { report(solo, 5, Self.slow, running: [3], incarnation: 2) }
        live(solo, 9600)
        #expect(solo.done.removed.isEmpty)
        live(solo, 600)
        #expect(solo.done.removed == [worker(5)])
    }

    @Test(
        "what cannot be said in a checkpoint is no hold, and a member whose hold grows gets no work"
    )
    func growing() {
        let solo = leader()
        report(solo, 2, (1500, 200))
        #expect(solo.done.added == [worker(2)])
        solo.readBack()
        report(solo, 2, (Limits.timingMs, Limits.timingMs))
        #expect(
            solo.node.leader.roster.find(worker(2)).map { solo.node.leader.roster[$0].holdMs }
                == Limits.timingMs)
        solo.read(request("a"))
        #expect(solo.done.assignments.isEmpty)
    }

    @Test("a leader that does not know who has what waits for the slowest that it knows")
    func blind() {
        let solo = Solo()
        solo.follow()
        solo.loseLeaderLog()
        solo.winElection()
        solo.takeOver()
        report(solo, 5, Self.slow)
        solo.read(.request(request("r0")), emptyPayload, at: 0)
        live(solo, 9_600)
        #expect(solo.done.assignments.isEmpty)
        live(solo, 600)
        #expect(solo.done.assignments.count == 1)
    }

    @Test("the place of a slow worker is nobody else's while its jobs may run")
    func keepsPlace() {
        let solo = Solo { $0.capacities.members = 4 }
        solo.lead()
        solo.live(300)
        report(solo, 2, Self.slow)
        solo.report(3)
        solo.report(4)
        for number in 5...40 {
            solo.live(250)
            solo.report(3)
            solo.report(4)
            solo.report(number)
        }
        #expect(solo.node.leader.roster.find(worker(2)) != nil)
        solo.live(1_000)
        solo.report(41)
        #expect(solo.node.leader.roster.find(worker(2)) == nil)
    }

    @Test("checkpoints say it as long as anybody has such work, and no longer")
    func checkpoints() {
        let solo = heir(claim: 10_000)
        solo.live(1200)
        #expect(said(solo).last == 10_000)
        report(solo, 5, Self.slow, running: [3])
        solo.read(request("new"))
        solo.live(1200)
        #expect(said(solo).last == Self.slowHold)
        solo.read(result(of: 3, by: 5))
        solo.live(1200)
        #expect(said(solo).last == 2000)
    }

    @Test("a claim says how long its writer waits")
    func claims() {
        let solo = Solo()
        solo.join()
        solo.winElection()
        let claims = solo.done.leaderRecords.filter {
            if case .claim = $0.order { true } else { false }
        }
        #expect(!claims.isEmpty)
        #expect(claims.allSatisfy { $0.memberTimeoutMs == 2000 })
        let others = solo.done.leaderRecords.filter {
            if case .claim = $0.order { false } else { true }
        }
        #expect(others.allSatisfy { $0.memberTimeoutMs == nil })
    }
}
