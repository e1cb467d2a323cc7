import Testing

@testable import Union

/// Membership (design, section 5).
@Suite("Roster")
struct RosterTests {
    private func leader() -> Solo {
        let solo = Solo()
        solo.lead()
        return solo
    }

    @Test("an unknown worker whose heartbeat names the leader is added, with all who are there")
    func adds() {
        let solo = leader()
        solo.addMember(2)
        solo.report(3)
        #expect(solo.done.added == [worker(2), worker(3)])
        let bytes = solo.done.filter {
            if case .write(.leader, _) = $0.effect { true } else { false }
        }.last!.bytes
        #expect(bytes.count == 32)
        #expect(Payload.workerID(bytes.span, at: 0) == worker(2))
        #expect(Payload.workerID(bytes.span, at: 16) == worker(3))
        solo.report(2)
        #expect(solo.done.added.count == 2)
    }

    @Test("a heartbeat that names another leader, or an older term, makes no member")
    func addsNot() {
        let solo = leader()
        solo.read(heartbeat(by: 2, leader: 3, term: 1))
        solo.read(heartbeat(by: 2, leader: 1, term: 0))
        solo.read(heartbeat(by: 2, term: 1))
        #expect(solo.done.added.isEmpty)
    }

    @Test("who does not lead adds nobody")
    func memberAddsNot() {
        let solo = Solo()
        solo.follow()
        solo.read(heartbeat(by: 3, leader: 1, term: 1))
        #expect(solo.done.added.isEmpty)
    }

    @Test("a member that is not heard for member_timeout_ms is removed, and not before")
    func removes() {
        let solo = leader()
        solo.addMember(2)
        solo.live(1990)
        #expect(solo.done.removed.isEmpty)
        solo.live(120)
        #expect(solo.done.removed == [worker(2)])
        solo.live(5000)
        #expect(solo.done.removed.count == 1)
    }

    @Test("any heartbeat of a known member counts as hearing it, also one of an older term")
    func anyHeartbeatCounts() {
        let solo = leader()
        solo.addMember(2)
        for _ in 0..<10 {
            solo.live(1000)
            solo.read(heartbeat(by: 2, leader: 7, term: 0))
        }
        #expect(solo.done.removed.isEmpty)
    }

    @Test("a removed worker that speaks again is added again")
    func addsAgain() {
        let solo = leader()
        solo.addMember(2)
        solo.live(3000)
        solo.addMember(2)
        #expect(solo.done.added == [worker(2), worker(2)])
    }

    @Test("a changed incarnation is a removal once the former is silent, and the new one is added")
    func newIncarnation() {
        let solo = leader()
        solo.addMember(2, incarnation: 5)
        solo.clear()
        solo.live(1900)
        solo.report(2, incarnation: 6)
        #expect(solo.done.removed.isEmpty)
        solo.live(200)
        solo.clear()
        solo.report(2, incarnation: 6)
        #expect(solo.done.removed == [worker(2)])
        #expect(solo.done.added == [worker(2)])
        let orders = solo.done.leaderRecords.map(\.order)
        if case .removeMember = orders[0] {} else { Issue.record("the removal comes first") }
    }

    @Test("what a former life said and appears late is no new life, however silent the present one")
    func formerLifeLate() {
        let solo = leader()
        solo.addMember(2, incarnation: 6)
        let read = solo.node.desk.next(.leader)
        solo.live(2100)
        #expect(solo.done.removed == [worker(2)])
        solo.clear()
        let term = solo.node.elector.log.tenure.term
        solo.read(
            heartbeat(by: 2, leader: 1, term: term, leaderOffset: read - 1, incarnation: 5))
        solo.readBack()
        #expect(solo.done.added.isEmpty)
        solo.report(2, incarnation: 6)
        #expect(solo.done.added == [worker(2)])
    }

    @Test("what was read of a lost log is not more than there is: the next life is heard")
    func offsetOfLostLog() {
        let solo = leader()
        solo.addMember(2, incarnation: 5)
        let term = solo.node.elector.log.tenure.term
        solo.read(heartbeat(by: 2, leader: 1, term: term, leaderOffset: 9_000, incarnation: 5))
        solo.live(2100)
        solo.clear()
        solo.report(2, incarnation: 6)
        #expect(solo.done.added == [worker(2)])
    }

    @Test("a heartbeat that cannot be read renews its worker's lease: nobody is silent meanwhile")
    func unreadableHeartbeats() {
        let solo = leader()
        solo.addMember(2)
        func live(_ ms: Int64, unreadable: Bool) {
            for _ in 0..<(ms / 250) {
                solo.live(250)
                let end = solo.ends[Int(Topic.heartbeat.rawValue)]
                guard unreadable else { continue }
                solo.give(.malformed(.heartbeat, RequestID(), end), [])
                solo.ends[Int(Topic.heartbeat.rawValue)] = end + 1
            }
        }
        live(6_000, unreadable: true)
        #expect(solo.done.removed.isEmpty)
        live(2_500, unreadable: false)
        #expect(solo.done.removed == [worker(2)])
    }

    @Test("who may have spoken where heartbeats were passed over is not silent yet")
    func skippedHeartbeats() {
        let solo = leader()
        solo.addMember(2)
        solo.live(1900)
        solo.give(.vanished(.heartbeat))
        let end = solo.ends[Int(Topic.heartbeat.rawValue)] + 5
        solo.ends[Int(Topic.heartbeat.rawValue)] = end
        solo.give(.bounds(.heartbeat, low: 0, high: end, askedAt: solo.now))
        solo.clear()
        solo.live(1900)
        #expect(solo.done.removed.isEmpty)
        solo.live(300)
        #expect(solo.done.removed == [worker(2)])
    }

    @Test("an addition that is lost on its way is written again: nobody works before it")
    func additionLost() {
        let solo = Solo()
        solo.lead()
        solo.report(2)
        #expect(solo.done.added == [worker(2)])
        solo.loseUnread()
        solo.clear()
        for _ in 0..<11 {
            solo.live(200)
            solo.report(2)
        }
        #expect(solo.done.added == [worker(2)])
        solo.readBack()
        solo.clear()
        for _ in 0..<11 {
            solo.live(200)
            solo.report(2)
        }
        #expect(solo.done.added.isEmpty, "this one was read back")
    }

    @Test("who does not acknowledge may not know that it was added: it is added again")
    func addedUnknown() {
        let solo = leader()
        solo.addMember(2)
        solo.clear()
        solo.read(request("a"))
        #expect(solo.done.assignments.count == 1)
        for _ in 0..<12 {
            solo.live(200)
            solo.report(2)
            solo.readBack()
        }
        #expect(solo.done.cancels.count == 1)
        #expect(solo.done.added == [worker(2)])
    }

    @Test("what the former incarnation wrote and appears late is not heard")
    func formerIncarnation() {
        let solo = leader()
        solo.addMember(2, incarnation: 5)
        solo.live(2100)
        solo.addMember(2, incarnation: 6)
        solo.clear()
        solo.report(2, incarnation: 5)
        #expect(solo.done.removed.isEmpty)
        #expect(solo.done.added.isEmpty)
    }

    @Test("a member's clone gets no work while the member is heard, and no job is taken away")
    func clone() {
        let solo = leader()
        solo.addMember(2, incarnation: 5)
        solo.read(request("a", op: "long"))
        solo.readBack()
        solo.clear()
        for _ in 0..<30 {
            solo.live(100)
            solo.report(2, running: [0], incarnation: 5)
            solo.live(100)
            solo.report(2, incarnation: 6)
        }
        #expect(solo.done.removed.isEmpty)
        #expect(solo.done.added.isEmpty)
        #expect(solo.done.assignments.isEmpty)
    }

    @Test("silence is counted anew from when the leader leads again: it read nothing meanwhile")
    func silenceOfALeader() {
        let solo = leader()
        solo.addMember(2)
        solo.sleep(10_000)
        solo.give(.tick)
        #expect(!solo.leads)
        solo.readBack()
        #expect(solo.leads)
        solo.live(1900)
        #expect(solo.done.removed.isEmpty)
        solo.live(300)
        #expect(solo.done.removed == [worker(2)])
    }

    @Test("a leader with no members gives work to itself, and with members it does not")
    func worksAlone() {
        let solo = leader()
        solo.live(300)
        solo.read(request("a"))
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(1)])
        solo.addMember(2)
        solo.clear()
        solo.read(request("b"))
        solo.read(request("c"))
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(2)])
    }

    @Test("a union has room for 256 members; one more is counted, and takes a silent one's place")
    func full() {
        let solo = leader()
        solo.live(300)
        for number in 2...256 { solo.report(number) }
        #expect(solo.done.added.count == 255)
        solo.clear()
        solo.report(257)
        #expect(solo.done.added.isEmpty)
        #expect(solo.counters[.rosterFull] == 1)
        let told = solo.done.notices.compactMap {
            if case .rosterFull(let id) = $0 { id } else { nil }
        }
        #expect(told == [worker(257)])
        solo.live(4000)
        #expect(solo.done.removed.count == 255)
        solo.report(257)
        #expect(solo.done.added == [worker(257)])
    }

    @Test("an ADD_MEMBER of another incarnation that is read back is not the present one's")
    func otherAdditionRead() {
        let solo = leader()
        solo.report(2, incarnation: 5)
        let other = Order.addMember(worker(2), 4)
        solo.wait(10)
        let void = solo.counters[.voidRecords]
        solo.read(leaderRecord(other, by: 1, term: 1, sentAt: solo.now))
        #expect(solo.counters[.voidRecords] == void)
        solo.loseUnread()
        for _ in 0..<11 {
            solo.live(200)
            solo.report(2, incarnation: 5)
        }
        #expect(solo.done.added == [worker(2), worker(2)])
    }

    @Test("while two may live under one id neither gets work")
    func twoLives() {
        let solo = leader()
        solo.addMember(2, incarnation: 5)
        solo.report(2, incarnation: 6)
        solo.read(request("a"))
        #expect(solo.done.assignments.isEmpty)
        solo.report(2, incarnation: 5)
        #expect(solo.done.assignments.count == 1)
    }

    @Test("who cannot write results gets no work, is named once, and what it had goes to another")
    func cannotReport() {
        let solo = leader()
        solo.addMember(2)
        solo.read(request("a"))
        solo.readBack()
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(2)])
        solo.report(2, running: [0], deadlines: [60_000])
        solo.addMember(3)
        for _ in 0..<20 {
            solo.live(200)
            solo.report(2, started: 1000) { $0.cannotReport = true }
            let hasIt = solo.done.assignments.contains { $0.attempt.workerID == worker(3) }
            solo.report(3, running: hasIt ? [0] : [])
        }
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(2), worker(3)])
        #expect(solo.done.assignments.map(\.failures) == [0, 1])
        let named = solo.done.notices.count {
            if case .workerCannotReport(worker(2)) = $0 { true } else { false }
        }
        #expect(named == 1)
        for i in 0..<3 { solo.read(request("b\(i)")) }
        #expect(!solo.done.assignments.dropFirst().contains { $0.attempt.workerID == worker(2) })
        solo.report(2, started: 1000)
        solo.read(request("c"))
        #expect(solo.done.assignments.last!.attempt.workerID == worker(2))
    }

    @Test("a leader whose own outcomes nobody reads lets another lead, where there is another")
    func unheardLeader() {
        for hasOthers in [true, false] {
            let solo = leader()
            if hasOthers { solo.addMember(2) }
            let bad = Array("no request".utf8)
            solo.give(.malformed(.requests, RequestID("x"), 0), bad)
            #expect(solo.done.results.map(\.status) == [.rejected])
            var reads = 0
            for _ in 0..<60 where solo.leads {
                solo.idle(100)
                solo.readBackOnce { $0.topic == .leader }
                if hasOthers { solo.report(2) }
                reads += 1
            }
            #expect(solo.leads != hasOthers)
            guard hasOthers else { continue }
            #expect(reads > 55, "three times ack_timeout_ms")
            solo.readBackOnce { $0.topic == .leader }
            solo.idle(300)
            #expect(solo.done.resignations.count >= 1)
        }
    }

    @Test("outcomes of a leader's own are heard as long as it reads some of them")
    func heardLeader() {
        let solo = leader()
        solo.addMember(2)
        for offset in 0..<100 as Range<Offset> {
            let written = solo.unread.count { $0.record.topic == .results }
            solo.give(.malformed(.requests, RequestID(), offset), Array("no request".utf8))
            var left = written
            solo.readBackOnce { record in
                guard record.topic == .results else { return record.topic != .requests }
                left -= 1
                return left >= 0
            }
            solo.wait(100)
            solo.report(2)
        }
        #expect(solo.leads && solo.done.results.count >= 100)
    }

    @Test("who led but could not write for a while has its time for its outcomes again")
    func unheardAfterPause() {
        let solo = leader()
        solo.addMember(2)
        solo.give(.malformed(.requests, RequestID("x"), 0), Array("no request".utf8))
        solo.sleep(30_000)
        solo.report(2)
        solo.give(.tick)
        #expect(!solo.leads)
        for _ in 0..<10 {
            solo.idle(100)
            solo.readBackOnce { $0.topic == .leader }
            solo.report(2)
        }
        #expect(solo.leads && solo.done.resignations.isEmpty, "the same tenure")
    }

    @Test("a member that says it is left out is added again")
    func addedAgain() {
        let solo = leader()
        solo.addMember(2)
        for _ in 0..<5 {
            solo.live(500)
            solo.report(2)
        }
        solo.clear()
        solo.report(2) { $0.isLeftOut = true }
        #expect(solo.done.added == [worker(2)] && solo.done.removed.isEmpty)
    }

    @Test("a member keeps its place, however long nobody could hear it")
    func membersKeepPlaces() {
        let solo = leader()
        for number in 2...Limits.members { solo.addMember(number) }
        solo.sleep(3000)
        // There is one place that is no member's: the leader's own.
        solo.read(heartbeat(by: 5_000))
        solo.read(heartbeat(by: 5_001))
        #expect(solo.counters[.rosterFull] == 1)
    }

    @Test("no worker has more slots than there can be, whatever it says")
    func tooManySlots() {
        let solo = leader()
        solo.addMember(2, slots: 100)
        for i in 0..<20 { solo.read(request("r\(i)")) }
        #expect(solo.done.assignments.count == Limits.slots)
    }

    @Test("when the broker was away, what was read of heartbeats says nothing until more is read")
    func heartbeatsInDoubt() {
        let solo = leader()
        solo.addMember(2)
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        solo.clear()
        for _ in 0..<20 where solo.done.announcements.isEmpty { solo.wait(50) }
        #expect(solo.done.announcements.last?.heartbeatOffset == 0)
        solo.clear()
        solo.report(2)
        for _ in 0..<20 where solo.done.announcements.isEmpty { solo.wait(50) }
        let end = solo.ends[Int(Topic.heartbeat.rawValue)]
        #expect(solo.done.announcements.last?.heartbeatOffset == end)
    }

    @Test("every leader record says up to where heartbeats were read")
    func acknowledges() {
        let solo = leader()
        solo.readBack()
        let end = solo.ends[Int(Topic.heartbeat.rawValue)]
        solo.read(heartbeat(by: 2, leader: 1, term: 1))
        #expect(solo.done.leaderRecords.last?.heartbeatOffset == end + 1)
        solo.give(.malformed(.heartbeat, RequestID(), end + 1), [])
        solo.clear()
        solo.wait(200)
        #expect(solo.done.leaderRecords.last?.heartbeatOffset == end + 2)
    }

    // MARK: A worker's own heartbeats

    @Test("a heartbeat goes out every heartbeat_ms")
    func beats() {
        let solo = Solo()
        solo.follow()
        solo.idle(100)
        solo.clear()
        for _ in 0..<10 {
            solo.idle(250)
            solo.read(leaderRecord(by: 2, term: 1))
        }
        #expect(solo.done.heartbeats.count == 10)
        let counts = solo.done.heartbeats.map(\.count)
        #expect(counts == Array(counts[0]..<(counts[0] + 10)))
    }

    @Test("it tells who leads, and how far the leader log was read")
    func tells() {
        let solo = Solo { $0.slots = 3 }
        solo.follow(term: 4)
        solo.idle(250)
        let said = solo.done.heartbeats.last!
        #expect(said.leaderID == worker(2))
        #expect(said.term == 4)
        #expect(said.leaderOffset == 3)
        #expect(said.slots == 3)
        #expect(said.role == .member)
        #expect(said.incarnation == 1)
    }

    @Test("who has resigned is named by nobody as its leader")
    func resignedIsNotNamed() {
        let solo = Solo()
        solo.follow()
        solo.read(leaderRecord(.resign, by: 2, term: 1))
        solo.idle(30)
        #expect(solo.done.heartbeats.last?.leaderID == nil)
        #expect(solo.done.heartbeats.last?.term == 1)
    }

    @Test("news hasten it, but one in 20 ms is enough")
    func coalesced() {
        let solo = Solo()
        solo.follow()
        solo.idle(100)
        solo.clear()
        for offset in 0..<8 {
            solo.read(
                leaderRecord(.assign(assignment(Offset(offset), to: 1)), by: 2, term: 1),
                emptyPayload)
        }
        #expect(solo.done.heartbeats.count == 1)
        solo.idle(19)
        #expect(solo.done.heartbeats.count == 1)
        solo.idle(1)
        #expect(solo.done.heartbeats.count == 2)
        #expect(solo.done.heartbeats.last?.runningCount == 8)
    }

    @Test("a new leader is news: its members are known at once")
    func newLeaderIsNews() {
        let solo = Solo()
        solo.follow()
        solo.idle(100)
        solo.clear()
        solo.read(leaderRecord(.claim, by: 3, term: 2))
        solo.idle(20)
        #expect(solo.done.heartbeats.last?.leaderID == worker(3))
    }
}
