import Testing

@testable import Union

/// The worker's lease: no job in two places at once (design, section 5).
@Suite("Worker's lease")
struct LeaseTests {
    /// A worker that follows worker 2, and has been heard.
    private func worker1(_ change: (inout Settings) -> Void = { _ in }) -> Solo {
        let solo = Solo(change)
        solo.follow()
        return solo
    }

    private func assign(_ offset: Offset, to solo: Solo) {
        solo.read(leaderRecord(.assign(assignment(offset, to: 1)), by: 2, term: 1), emptyPayload)
    }

    @Test("without a lease nothing is started; with one it is")
    func startsWithLease() {
        let solo = worker1()
        assign(0, to: solo)
        #expect(solo.done.starts.isEmpty)
        solo.renewLease()
        #expect(solo.done.starts.count == 1)
    }

    @Test("the lease runs from when the acknowledged heartbeat was sent")
    func fromSent() {
        let solo = worker1()
        solo.idle(20)
        solo.clear()
        solo.idle(250) { !solo.done.heartbeats.isEmpty }
        let sent = solo.now
        solo.idle(200)
        let end = solo.ends[Int(Topic.heartbeat.rawValue)]
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: end))
        #expect(solo.node.jobsUntil == sent + 1750)
        #expect(solo.node.jobsUntil == sent + 1750)
    }

    @Test("only a heartbeat before the offset is acknowledged, not the one at it")
    func upToOffset() {
        let solo = worker1()
        solo.wait(300)
        solo.readBackOnce { $0.topic == .heartbeat }
        let last = solo.ends[Int(Topic.heartbeat.rawValue)] - 1
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 0))
        #expect(solo.node.jobsUntil == .zero)
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: last))
        let before = solo.node.jobsUntil
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: last + 1))
        #expect(solo.node.jobsUntil > before)
    }

    @Test("an acknowledgement may be here before the delivery report")
    func acknowledgedFirst() {
        let solo = worker1()
        solo.readBackOnce { $0.topic == .heartbeat }
        solo.wait(250)
        let sent = solo.done.heartbeats.last!
        let end = solo.ends[Int(Topic.heartbeat.rawValue)]
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: end + 1))
        let before = solo.node.jobsUntil
        solo.give(.delivered(.heartbeat(sent.count), end))
        #expect(solo.node.jobsUntil > before)
    }

    @Test(
        "who has not read its own first heartbeat back is acknowledged by nothing: it may be a twin"
    )
    func unheard() {
        let solo = Solo()
        solo.follow()
        solo.wait(250)
        for (i, written) in solo.unread.enumerated() where written.record.topic == .heartbeat {
            solo.give(.delivered(written.receipt, Offset(i)))
        }
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 100))
        #expect(solo.node.jobsUntil == .zero)
        solo.readBackOnce { $0.topic == .heartbeat }
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 100))
        #expect(solo.node.jobsUntil > solo.now)
    }

    @Test("a heartbeat that stands where the leader had read before it was sent is no news to it")
    func offsetUsedAgain() {
        let solo = worker1()
        solo.readBackOnce { $0.topic == .heartbeat }
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 100))
        let before = solo.node.jobsUntil
        // The broker lost heartbeats from 50 on, and the leader, which is cut off, does not know.
        solo.wait(250)
        solo.give(.delivered(.heartbeat(solo.done.heartbeats.last!.count), 51))
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 101))
        #expect(solo.node.jobsUntil == before)
        solo.wait(250)
        solo.give(.delivered(.heartbeat(solo.done.heartbeats.last!.count), 101))
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 102))
        #expect(solo.node.jobsUntil > before)
    }

    @Test("a worker that learns first that heartbeats were lost is not acknowledged by old news")
    func lostHeartbeats() {
        let solo = worker1()
        solo.readBackOnce { $0.topic == .heartbeat }
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 500))
        let before = solo.node.jobsUntil
        solo.give(.vanished(.heartbeat))
        solo.give(.bounds(.heartbeat, low: 0, high: 400, askedAt: solo.now))
        solo.wait(250)
        solo.give(.delivered(.heartbeat(solo.done.heartbeats.last!.count), 400))
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 500))
        #expect(solo.node.jobsUntil == before)
    }

    @Test("after the broker was away, what the leader wrote before acknowledges nothing")
    func oldAcknowledgement() {
        let solo = worker1()
        solo.readBackOnce { $0.topic == .heartbeat }
        let before = solo.node.jobsUntil
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        #expect(solo.done.marks.count == 1)
        solo.wait(300)
        solo.readBackOnce { $0.topic == .heartbeat }
        let heard = solo.ends[Int(Topic.heartbeat.rawValue)]
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: heard))
        #expect(solo.node.jobsUntil == before)
        solo.readBackOnce { $0.topic == .leader }
        #expect(solo.node.jobsUntil == before, "the leader's lease may run")
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: heard))
        #expect(solo.node.jobsUntil > before)
    }

    @Test("a mark from before a doubt ends none; and they go on until one does")
    func olderMark() {
        let solo = worker1()
        solo.readBackOnce { $0.topic == .heartbeat }
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        solo.wait(100)
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        // It was on its way already, and the next is due one heartbeat after it.
        #expect(solo.done.marks.count == 1)
        solo.readBackOnce { $0.topic == .leader }
        let before = solo.node.jobsUntil
        solo.wait(140)
        solo.readBackOnce { $0.topic == .heartbeat }
        let heard = solo.ends[Int(Topic.heartbeat.rawValue)]
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: heard))
        #expect(solo.node.jobsUntil == before)
        solo.wait(10)
        #expect(solo.done.marks.count == 2)
        solo.readBackOnce { $0.topic == .leader }
        solo.idle(250)
        let end = solo.ends[Int(Topic.heartbeat.rawValue)]
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: end))
        #expect(solo.node.jobsUntil > before)
        solo.clear()
        solo.idle(500)
        #expect(solo.done.marks.isEmpty)
    }

    @Test("a mark that somebody wrote in our name, and later than we wrote any, counts for nothing")
    func forgedMark() {
        let solo = leaderless()
        solo.idle(820)
        let mark = solo.done.marks[0]
        var forged = mark
        forged.sentAt = mark.sentAt.adding(us: 1)
        let before = solo.node.jobsUntil
        solo.idle(100)
        solo.read(.leader(forged))
        #expect(solo.node.jobsUntil == before)
        var others = mark
        others.incarnation += 1
        solo.read(.leader(others))
        #expect(solo.node.jobsUntil == before)
        solo.read(.leader(mark))
        #expect(solo.node.jobsUntil > before)
    }

    @Test("a mark claims nothing, names the checkpoint, and is void for all others")
    func markIsVoid() {
        let solo = worker1()
        solo.read(
            leaderRecord(.checkpoint(Checkpoint(requestsNext: 0, resultsNext: 0)), by: 2, term: 1))
        let checkpoint = solo.ends[Int(Topic.leader.rawValue)] - 1
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        let mark = solo.done.marks[0]
        #expect(mark.term == 0 && mark.leaseMs == 0 && mark.checkpointOffset == checkpoint)
        #expect(solo.stillHolds(.write(.leader(mark), .none), at: solo.now + 60_000))
        var referee = Referee()
        #expect(referee.judge(mark, at: 0) == .void)
        _ = referee.judge(leaderRecord(.claim, by: 2, term: 1), at: 0)
        #expect(referee.judge(mark, at: 0) == .void)
        solo.readBackOnce { $0.topic == .leader }
        var others = mark
        others.workerID = worker(3)
        solo.read(.leader(others))
        #expect(solo.counters[.voidRecords] == 0, "and it is no news")
    }

    @Test("while the broker is away nothing is acknowledged that is written meanwhile")
    func acknowledgedMeanwhile() {
        let solo = worker1()
        solo.readBackOnce { $0.topic == .heartbeat }
        let before = solo.node.jobsUntil
        solo.give(.brokerLost)
        solo.wait(300)
        // It is there again, and who is told first is open.
        solo.readBackOnce { $0.topic == .heartbeat }
        let heard = solo.ends[Int(Topic.heartbeat.rawValue)]
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: heard))
        #expect(solo.node.jobsUntil == before)
    }

    @Test("a leader that cannot say what it has read says nothing, and that acknowledges nothing")
    func nothingSaid() {
        let solo = worker1()
        solo.readBackOnce { $0.topic == .heartbeat }
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 100))
        let before = solo.node.jobsUntil
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 0))
        solo.wait(250)
        solo.give(.delivered(.heartbeat(solo.done.heartbeats.last!.count), 51))
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 101))
        #expect(solo.node.jobsUntil == before, "it stands where the leader had read")
    }

    @Test("a claim acknowledges nothing: who writes it does not lead yet")
    func claimAcknowledgesNothing() {
        let solo = worker1()
        solo.readBackOnce { $0.topic == .heartbeat }
        let heard = solo.ends[Int(Topic.heartbeat.rawValue)]
        solo.read(leaderRecord(.claim, by: 3, term: 2, heartbeatOffset: heard))
        #expect(solo.node.jobsUntil == .zero)
        solo.read(leaderRecord(by: 3, term: 2, heartbeatOffset: heard))
        #expect(solo.node.jobsUntil > .zero)
    }

    @Test("a void record acknowledges nothing")
    func voidAcknowledgesNothing() {
        let solo = worker1()
        solo.readBackOnce { $0.topic == .heartbeat }
        solo.read(leaderRecord(by: 3, term: 0, heartbeatOffset: 1000))
        solo.read(leaderRecord(by: 3, term: 1, heartbeatOffset: 1000))
        #expect(solo.node.jobsUntil == .zero)
    }

    @Test("a heartbeat whose delivery is not known is not acknowledged")
    func undelivered() {
        let solo = worker1()
        solo.wait(250)
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 1000))
        #expect(solo.node.jobsUntil == .zero)
    }

    @Test("when the lease ends, what runs is killed, given up as lost, and nothing is started")
    func ends() {
        let solo = worker1 { $0.slots = 2 }
        assign(0, to: solo)
        assign(1, to: solo)
        assign(2, to: solo)
        solo.renewLease()
        #expect(solo.done.starts.count == 2)
        solo.clear()
        solo.sleep(until: solo.node.jobsUntil - 1)
        solo.give(.tick)
        #expect(solo.done.kills.isEmpty)
        solo.sleep(1)
        solo.give(.tick)
        #expect(solo.done.kills.count == 2)
        #expect(solo.counters[.workerLeasesLost] == 1)
        solo.give(.jobEnded(0, jobEnd(.failed)))
        #expect(solo.done.results.map(\.status) == [.lost])
        #expect(solo.done.results.map(\.final) == [false])
        #expect(solo.done.results.map(\.counts) == [true], "it had started")
        #expect(solo.done.starts.isEmpty)
        var unstarted = jobEnd(.lost)
        unstarted.start = .none
        solo.give(.jobEnded(1, unstarted))
        #expect(solo.done.results.last?.counts == false, "the shell came too late to start it")
    }

    @Test("who was stopped kills its jobs before it looks at anything")
    func stopped() {
        let solo = worker1()
        assign(0, to: solo)
        solo.renewLease()
        solo.clear()
        solo.sleep(60_000)
        let end = solo.ends[Int(Topic.heartbeat.rawValue)]
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: end))
        guard case .kill(0, _)? = solo.done.first?.effect else {
            Issue.record("the kill comes first")
            return
        }
    }

    @Test("what outlives its lease and the grace is killed at once")
    func killedAtOnce() {
        let solo = worker1()
        assign(0, to: solo)
        solo.renewLease()
        solo.sleep(until: solo.node.jobsUntil)
        solo.give(.tick)
        solo.clear()
        solo.wait(199)
        #expect(solo.done.kills.isEmpty)
        solo.wait(1)
        let kills = solo.done.compactMap {
            if case .kill(_, let atOnce) = $0.effect { atOnce } else { nil }
        }
        #expect(kills == [true])
        solo.wait(1000)
        #expect(solo.done.kills.count == 1)
    }

    @Test("a job that ended well just when the lease did has its result")
    func endedInTime() {
        let solo = worker1()
        assign(0, to: solo)
        solo.renewLease()
        solo.wait(1750)
        solo.give(.jobEnded(0, jobEnd(.completed)))
        #expect(solo.done.results.map(\.status) == [.completed])
        #expect(solo.done.results.map(\.final) == [true])
    }

    @Test("a lease that comes back starts what was queued")
    func comesBack() {
        let solo = worker1()
        assign(0, to: solo)
        solo.renewLease()
        assign(1, to: solo)
        solo.wait(1800)
        solo.give(.jobEnded(0, jobEnd(.failed)))
        solo.clear()
        solo.renewLease()
        #expect(solo.done.starts.map(\.assignment.attempt.requestOffset) == [1])
    }

    @Test("stillHolds: a start whose lease has ended meanwhile is not carried out")
    func startHoldsNoMore() {
        let solo = worker1()
        assign(0, to: solo)
        solo.renewLease()
        let start = solo.done.filter { if case .start = $0.effect { true } else { false } }[0]
        #expect(solo.stillHolds(start.effect, at: solo.now))
        #expect(!solo.stillHolds(start.effect, at: solo.now + 1750))
    }

    // MARK: While nobody leads

    /// A worker with a job, whose leader fell silent `quiet` ms ago.
    private func leaderless() -> Solo {
        let solo = worker1()
        assign(0, to: solo)
        solo.renewLease()
        solo.clear()
        return solo
    }

    @Test("a worker whose leader is silent marks the leader log in time")
    func marksInTime() {
        let solo = leaderless()
        solo.idle(810)
        #expect(solo.done.marks.isEmpty, "the leader's lease may run, and half of ours is left")
        solo.idle(10)
        #expect(solo.done.marks.count == 1)
        solo.idle(240)
        #expect(solo.done.marks.count == 1)
        solo.idle(300)
        #expect(solo.done.marks.count > 1)
        #expect(solo.done.kills.isEmpty)
    }

    @Test("who reads its own mark keeps its lease: nobody can take the job away")
    func renewedWithoutLeader() {
        let solo = leaderless()
        for _ in 0..<50 {
            solo.idle(100)
            solo.readBackOnce { $0.topic == .leader }
        }
        #expect(solo.counters[.workerLeasesLost] == 0)
    }

    @Test("where a claim stands before the mark, the lease does not run on")
    func notRenewedBesideLeader() {
        let solo = leaderless()
        solo.idle(1100)
        let before = solo.node.jobsUntil
        solo.read(leaderRecord(.claim, by: 3, term: 2))
        solo.readBackOnce { $0.topic == .leader }
        #expect(solo.node.jobsUntil == before)
    }

    @Test("the lease runs from when the mark was written, and not where a leader's ran then")
    func fromWriting() {
        let solo = leaderless()
        let heard = solo.now
        solo.idle(820)
        let mark = solo.done.marks[0]
        #expect(mark.sentAt == heard + 816)
        var tooEarly = mark
        tooEarly.sentAt = heard + 815
        let before = solo.node.jobsUntil
        solo.read(.leader(tooEarly))
        #expect(solo.node.jobsUntil == before)
        solo.idle(100)
        solo.read(.leader(mark))
        #expect(solo.node.jobsUntil == heard + 816 + 1750)
    }

    @Test(
        "where no mark comes back, whatever the broker says, the lease ends, and the job is killed")
    func noMark() {
        let solo = leaderless()
        solo.idle(1300)
        #expect(solo.done.kills.isEmpty)
        let end = solo.ends[Int(Topic.leader.rawValue)]
        solo.give(.bounds(.leader, low: 0, high: end, askedAt: solo.now))
        solo.give(.reachedEnd(.leader, end))
        solo.idle(500)
        #expect(!solo.done.kills.isEmpty)
    }

    @Test("without a job nobody marks")
    func noJob() {
        let solo = worker1()
        solo.renewLease()
        solo.clear()
        solo.idle(1700)
        #expect(solo.done.marks.isEmpty && solo.done.asks.isEmpty)
    }
}
