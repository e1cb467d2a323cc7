import Testing

@testable import Union

/// Who reads heartbeats, and when (design, section 5).
@Suite("Hearing")
struct HearingTests {
    /// A follower of worker 2 in a union in which everybody listens to two at most.
    private func follower(members: Int) -> Solo {
        let solo = Solo { $0.capacities.smallUnion = 2 }
        solo.follow()
        solo.renewLease()
        hear(members, on: solo, forMs: 1000)
        return solo
    }

    /// Time passes under the leader, worker 2; so many workers speak four times a second.
    private func hear(_ members: Int, on solo: Solo, forMs ms: Int64, term: Term = 1) {
        for _ in 0..<(ms / 250) {
            solo.wait(250)
            solo.read(leaderRecord(by: 2, term: term))
            solo.readBackOnce { $0.topic == .heartbeat }
            guard solo.listens else { continue }
            for number in 2...members {
                solo.read(heartbeat(by: number, leader: 2, term: term))
            }
        }
    }

    @Test("in a small union everybody hears everybody, all the time")
    func small() {
        let solo = follower(members: 3)
        hear(3, on: solo, forMs: 20_000)
        #expect(solo.listens)
        #expect(!solo.done.asks.contains(.heartbeat))
    }

    @Test("in a larger one a follower listens by turns: one of four where a union of two is small")
    func byTurns() {
        let solo = follower(members: 8)
        hear(8, on: solo, forMs: 2000)
        #expect(!solo.listens)
        var (listened, asked) = (0, 0)
        for _ in 0..<400 {
            hear(8, on: solo, forMs: 250)
            listened += solo.listens ? 1 : 0
            if !solo.listens, solo.done.asks.contains(.heartbeat) {
                asked += 1
                solo.answerHeartbeatEnd()
            }
            solo.clear()
        }
        #expect((8...16).contains(asked), "\(asked)")
        #expect((60...130).contains(listened), "\(listened) of 400")
    }

    @Test("who knows that others are there does not forget it while it does not listen")
    func remembers() {
        let solo = follower(members: 8)
        hear(8, on: solo, forMs: 4000)
        #expect(!solo.listens)
        #expect(solo.node.hearing.heard.others == 7)
    }

    @Test("who runs for leader listens; until it does, its records acknowledge nothing")
    func leaderListens() throws {
        let solo = follower(members: 8)
        hear(8, on: solo, forMs: 2000)
        #expect(!solo.listens)
        solo.clear()
        solo.idle(10_000) { solo.role == .candidate }
        #expect(solo.role == .candidate)
        #expect(solo.done.asks.contains(.heartbeat))
        solo.live(2000) { solo.leads }
        #expect(solo.done.leaderRecords.allSatisfy { $0.heartbeatOffset == 0 })
        solo.answerHeartbeatEnd()
        #expect(solo.listens)
        solo.clear()
        solo.live(400)
        #expect(try #require(solo.done.leaderRecords.last).heartbeatOffset > 0)
        solo.live(20_000)
        #expect(solo.listens)
    }

    @Test("a board that was started anew while nobody listened counts at once")
    func forgetsWhoWasThere() {
        let solo = follower(members: 8)
        hear(8, on: solo, forMs: 2000)
        solo.idle(10_000) { solo.role == .candidate }
        solo.answerHeartbeatEnd()
        solo.live(2000) { solo.leads }
        #expect(solo.leads)
        solo.takeOver()
        solo.clear()
        solo.report(5, incarnation: 9)
        #expect(solo.done.added == [worker(5)])
        solo.readBack()
        solo.report(5, incarnation: 9)
        solo.read(request("a"))
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(5)])
    }

    @Test(
        "who hears another under its id goes on listening, also where that one reads nothing now",
        arguments: [true, false])
    func listensToTwin(reads: Bool) {
        let solo = follower(members: 8)
        for _ in 0..<40 {
            hear(8, on: solo, forMs: 250)
            var twin = heartbeat(
                by: 1, leader: 2, term: 1, leaderOffset: reads ? solo.ends[0] + 1000 : 0,
                incarnation: 7)
            twin.count = 0
            solo.read(twin)
        }
        #expect(solo.listens)
    }

    @Test("a broker that is there again is listened to at once")
    func afterOutage() {
        let solo = follower(members: 8)
        hear(8, on: solo, forMs: 2000)
        #expect(!solo.listens)
        solo.give(.brokerLost)
        solo.clear()
        solo.give(.brokerFound)
        #expect(solo.done.asks.contains(.heartbeat))
    }

    /// Worker 1 listened by turns to worker 2, whose order worker 5 has carried out since; worker 2
    /// resigns while worker 1 does not listen, and worker 1 leads before the broker has said where
    /// `heartbeat` ends.
    private func leadsUnheard(afterLoss: Bool, timeoutMs: Int32? = nil) -> Solo {
        let solo = follower(members: 8)
        if afterLoss {
            // Nobody says since what was open.
            solo.loseLeaderLog()
            solo.answerHeartbeatEnd()
            solo.read(leaderRecord(.claim, by: 2, term: 2))
        } else {
            let checkpoint = Order.checkpoint(Checkpoint(requestsNext: 1, resultsNext: 0))
            let row = openWork(0, attempt: 1, worker: 5, timeoutMs: timeoutMs)
            solo.read(leaderRecord(checkpoint, by: 2, term: 1), packed([row]))
        }
        hear(8, on: solo, forMs: 4000, term: afterLoss ? 2 : 1)
        #expect(!solo.listens)
        solo.idle(10_000) { solo.role == .candidate }
        solo.live(10_000) { solo.leads }
        #expect(solo.leads && !solo.listens)
        solo.ends[Int(Topic.requests.rawValue)] = 1
        solo.takeOver()
        solo.live(3000)
        let (removed, checkpoints) = (solo.done.removed, solo.done.checkpoints)
        #expect(afterLoss ? checkpoints.isEmpty : !removed.contains(worker(5)))
        solo.answerHeartbeatEnd()
        #expect(solo.listens)
        return solo
    }

    @Test("a leader that does not listen yet takes nobody's silence for absence")
    func nobodyIsSilentUnheard() {
        let solo = leadsUnheard(afterLoss: false)
        solo.live(1900)
        #expect(!solo.done.removed.contains(worker(5)))
        solo.live(200)
        #expect(solo.done.removed.contains(worker(5)), "it was silent all the time")
    }

    @Test("who overran a deadline before it could be heard gets nothing more")
    func overrunUnheard() {
        let solo = leadsUnheard(afterLoss: false, timeoutMs: 100)
        #expect(solo.done.cancels.map(\.requestOffset) == [0])
        solo.report(5, running: [0], slots: 2)
        solo.readBack()
        solo.report(5, running: [0], slots: 2)
        #expect(solo.done.added.contains(worker(5)))
        solo.read(request("next"))
        #expect(!solo.done.assignments.contains { $0.attempt.workerID == worker(5) })
    }

    @Test("a blind leader that does not listen yet goes on being blind: somebody may have work")
    func blindUnheard() {
        let solo = leadsUnheard(afterLoss: true)
        solo.live(1900)
        #expect(solo.done.checkpoints.isEmpty && solo.done.assignments.isEmpty)
        solo.live(200)
        #expect(!solo.done.checkpoints.isEmpty)
    }

    @Test("heartbeats that the broker has lost are no silence, and acknowledge nothing")
    func vanished() {
        let solo = Solo()
        solo.lead()
        solo.addMember(5)
        solo.read(request("a"))
        solo.readBack()
        solo.report(5, running: [0])
        solo.give(.vanished(.heartbeat))
        solo.clear()
        // The broker does not say yet where they end.
        solo.live(5000)
        #expect(solo.leads && !solo.listens)
        #expect(!solo.done.removed.contains(worker(5)))
        #expect(solo.done.leaderRecords.allSatisfy { $0.heartbeatOffset == 0 })
        // Nor where nothing else happens meanwhile.
        solo.sleep(400)
        solo.answerHeartbeatEnd()
        solo.live(1900)
        #expect(!solo.done.removed.contains(worker(5)))
        solo.live(200)
        #expect(solo.done.removed.contains(worker(5)), "it was silent all the time")
    }

    @Test("a board that was started anew may have spoken before where heartbeats were lost")
    func anewAfterLoss() {
        let solo = Solo()
        solo.lead()
        solo.addMember(5)
        solo.give(.vanished(.heartbeat))
        solo.live(3000)
        solo.answerHeartbeatEnd()
        solo.report(5, incarnation: 9)
        #expect(solo.done.removed.isEmpty, "its former life may have a lease")
        solo.live(2000)
        solo.report(5, incarnation: 9)
        #expect(solo.done.removed == [worker(5)])
    }

    @Test("a blind leader does not wait for whom it has no room for, and who has nothing")
    func noRoomForIdle() {
        let solo = Solo { $0.capacities.members = 2 }
        solo.follow()
        solo.loseLeaderLog()
        solo.winElection()
        solo.takeOver()
        solo.clear()
        solo.read(request("a"))
        for _ in 0..<12 {
            solo.live(250)
            for number in 2...4 { solo.report(number) }
            solo.readBack()
        }
        #expect(solo.counters[.rosterFull] > 0)
        #expect(solo.done.assignments.count == 1)
    }
}

extension Solo {
    fileprivate var listens: Bool { node.hearing.isListening }

    /// The broker says where `heartbeat` ends.
    fileprivate func answerHeartbeatEnd() {
        let end = ends[Int(Topic.heartbeat.rawValue)]
        give(.bounds(.heartbeat, low: 0, high: end, askedAt: now))
    }
}
