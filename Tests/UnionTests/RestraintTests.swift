import Testing

@testable import Union

/// A board that cannot keep its lead lets others lead (design, section 4).
struct RestraintTests {
    /// A leader with another worker beside it.
    private func leader() -> Solo {
        let solo = Solo()
        solo.lead()
        pass(solo, 500) { solo.readBackOnce() }
        #expect(solo.leads)
        solo.clear()
        return solo
    }

    /// Time passes, and the other is heard.
    private func pass(_ solo: Solo, _ milliseconds: Int, _ afterEach: () -> Void) {
        for _ in 0..<(milliseconds / 50) {
            solo.read(heartbeat(by: 2, leader: 1, term: solo.node.term))
            solo.idle(50)
            afterEach()
        }
    }

    private func resignations(_ solo: Solo) -> Int {
        solo.done.count {
            if case .write(.leader(let r), _) = $0.effect, case .resign = r.order { return true }
            return false
        }
    }

    @Test("a holder that has had no lease for one leader timeout gives its tenure up")
    func givesUp() {
        let solo = leader()
        pass(solo, 800) {}
        #expect(!solo.leads)
        #expect(resignations(solo) == 0)
        pass(solo, 1_100) {}
        #expect(resignations(solo) > 0)
        #expect(solo.counters[.givenUp] == 1)
    }

    @Test("who has given up leads no more, whatever comes back of what it wrote before")
    func givenUpForGood() {
        let solo = leader()
        pass(solo, 1_900) {}
        #expect(solo.counters[.givenUp] == 1)
        let last = LeaderRecord(
            workerID: worker(1), incarnation: 1, term: 1, sentAt: solo.now, leaseMs: 800,
            heartbeatOffset: 0, checkpointOffset: -1, order: .noop)
        solo.read(last)
        #expect(!solo.leads)
        solo.readBackOnce { $0.topic == .leader }
        #expect(!solo.leads)
        #expect(solo.counters[.resignations] == 1)
    }

    @Test("who has given up ranks itself lower, and lets others go first")
    func holdsBack() {
        let solo = leader()
        pass(solo, 1_900) {}
        solo.readBackOnce { $0.topic == .leader }
        solo.clear()
        pass(solo, 950) {}
        #expect(solo.done.candidacies.isEmpty)
        pass(solo, 150) {}
        #expect(solo.done.candidacies.first?.ranking == 12)
    }

    @Test("a union of one does not give up: nobody else would lead")
    func alone() {
        let solo = Solo()
        solo.lead()
        solo.idle(5_000)
        #expect(resignations(solo) == 0)
        #expect(solo.counters[.givenUp] == 0)
        solo.readBack()
        #expect(solo.leads)
    }

    @Test("a lead that is lost again and again is given up")
    func flaps() {
        let solo = leader()
        for _ in 0..<Limits.leadsLostPerMinute {
            pass(solo, 850) {}
            #expect(!solo.leads)
            solo.readBack()
            #expect(solo.leads)
        }
        #expect(solo.counters[.givenUp] == 0)
        pass(solo, 850) {}
        #expect(solo.counters[.givenUp] == 1)
    }

    @Test("each tenure that anybody gives up makes all twice as patient, until it is long ago")
    func patience() {
        let solo = Solo()
        solo.join()
        var restraint = Restraint()
        func patienceMs() -> Int64 {
            (restraint.givesUpAt(solo.now, solo.node.desk).us - solo.now.us) / 1000
        }
        #expect(patienceMs() == 1_000)
        restraint.noteResignation(isOurs: false, solo.node.desk)
        #expect(patienceMs() == 2_000)
        restraint.noteResignation(isOurs: false, solo.node.desk)
        #expect(patienceMs() == 4_000)
        #expect(!restraint.holds(at: solo.now), "others have given up")
        solo.sleep(40_000)
        solo.give(.tick)
        #expect(patienceMs() == 1_000)
        restraint.noteResignation(isOurs: true, solo.node.desk)
        #expect(patienceMs() == 2_000)
        #expect(restraint.holds(at: solo.now))
    }

    @Test("only leads that were lost within a minute, and in one tenure, count together")
    func lossesTogether() {
        let solo = Solo(at: ms(100_000))
        solo.join()
        var restraint = Restraint()
        func lose(_ count: Int32) -> Bool {
            (0..<count).contains { _ in restraint.noteLoss(solo.node.desk) }
        }
        #expect(!lose(Limits.leadsLostPerMinute))
        solo.sleep(60_000)
        solo.give(.tick)
        #expect(!lose(Limits.leadsLostPerMinute))
        restraint.beginTenure()
        #expect(!lose(Limits.leadsLostPerMinute))
        #expect(lose(1))
    }

    @Test("who was stopped, and has no lease for that, does not give up")
    func excused() {
        let solo = leader()
        solo.sleep(3_000)
        solo.read(heartbeat(by: 2, leader: 1, term: 1))
        #expect(!solo.leads)
        #expect(solo.counters[.givenUp] == 0)
        pass(solo, 1_100) {}
        #expect(solo.counters[.givenUp] == 1)
    }

    @Test("who lost its lead too often in one tenure does not give the next one up for that")
    func nextTenure() {
        let solo = leader()
        for _ in 0..<Limits.leadsLostPerMinute {
            pass(solo, 850) {}
            solo.readBack()
        }
        #expect(solo.leads)
        solo.give(.keeperLost)
        solo.loseUnread()
        // Its predecessor's lease is longer than the time that its claim takes.
        solo.read(leaderRecord(.claim, by: 2, term: 2, leaseMs: 3_000))
        solo.read(leaderRecord(by: 2, term: 2))
        solo.give(.keeperFound)
        solo.clear()
        for _ in 0..<40 where solo.done.claims.isEmpty {
            pass(solo, 50) { solo.readBackOnce { $0.topic == .election } }
        }
        solo.readBackOnce()
        #expect(solo.node.elector.log.isMine)
        pass(solo, 100) { solo.readBackOnce() }
        #expect(!solo.leads, "the lease of the one before runs")
        #expect(solo.counters[.givenUp] == 0)
    }

    @Test("a leader of a slower pace is waited for as its own boards do, and told once")
    func slowerPace() {
        let solo = Solo()
        solo.follow()
        solo.clear()
        var record = leaderRecord(by: 2, term: 1)
        record.leaseMs = 4_000
        solo.read(record)
        solo.read(record)
        let other = OtherPace(leader: record.workerID, leaseMs: 4_000, ownMs: 800)
        let told = solo.done.count {
            if case .say(.paceDiffers(other)) = $0.effect { true } else { false }
        }
        #expect(told == 1)
        #expect(solo.node.otherPace == other)
        solo.idle(4_950)
        #expect(solo.done.candidacies.isEmpty)
        solo.idle(1_400) { solo.role == .candidate }
        #expect(solo.role == .candidate)
    }

    @Test("no timing of one's own makes a leader's LED be waited for less than its lease asks")
    func waitsAsLeaseAsks() {
        for (leaseMs, waitMs) in [(800, 1000), (810, 1013), (8000, 10_000), (100, 1000)] {
            let solo = Solo()
            solo.follow()
            var record = leaderRecord(by: 2, term: 1)
            record.leaseMs = Int32(leaseMs)
            solo.read(record)
            let heard = solo.now
            solo.idle(20_000) { solo.role == .candidate }
            #expect(solo.role == .candidate)
            let waited = (solo.now.us - heard.us) / 1000
            #expect((Int64(waitMs)...Int64(waitMs) * 5 / 4 + 1).contains(waited))
        }
    }
}
