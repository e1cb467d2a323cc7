import Testing

@testable import Union

/// How a node comes to read the log, and comes back to one that lost records.
@Suite("Joining")
struct JoiningTests {
    /// A node that has been told where the topics begin and end.
    private func started(
        leader: (low: Offset, high: Offset), heartbeat: (low: Offset, high: Offset) = (0, 0)
    ) -> Solo {
        let solo = Solo()
        solo.begin()
        solo.give(.bounds(.election, low: 0, high: 30, askedAt: solo.now))
        solo.give(
            .bounds(.heartbeat, low: heartbeat.low, high: heartbeat.high, askedAt: solo.now))
        solo.ends[Int(Topic.heartbeat.rawValue)] = heartbeat.high
        solo.give(.bounds(.leader, low: leader.low, high: leader.high, askedAt: solo.now))
        guard leader.high > leader.low else { return solo }
        #expect(solo.done.seeks(.leader) == [leader.low], "its first record is looked at")
        solo.clear()
        solo.read(.leader(leaderRecord(.claim, by: 9, term: 1)), at: leader.low)
        return solo
    }

    @Test("it asks what there is to read, and reads nothing before the answer")
    func asks() {
        let solo = Solo()
        solo.begin()
        #expect(solo.done.asks == [.leader, .election, .heartbeat])
        #expect(solo.done.seeks(.leader).isEmpty)
        #expect(solo.done.shows.last?.role == .member)
        #expect(solo.done.shows.last?.online == false)
    }

    @Test("an empty union is joined at once")
    func empty() {
        let solo = started(leader: (0, 0))
        #expect(solo.done.isReady)
        #expect(solo.done.shows.last?.online == true)
    }

    @Test("the last record of the leader log says from which checkpoint to read")
    func probes() {
        let solo = started(leader: (10, 100))
        #expect(solo.done.seeks(.leader) == [99])
        solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 40)), at: 99)
        #expect(solo.done.seeks(.leader) == [99, 40])
        #expect(solo.node.elector.log.tenure.term == 0, "it was only looked at")
        #expect(!solo.done.isReady)
    }

    @Test("a record that names none, or one that is not there: the one before it is asked")
    func namesNone() {
        let solo = started(leader: (10, 100))
        for (offset, named) in [(99, -1), (98, 98), (97, 5)] as [(Offset, Offset)] {
            solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: named)), at: offset)
        }
        solo.give(.malformed(.leader, RequestID(), 96), Array("not JSON".utf8))
        solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 40)), at: 95)
        #expect(solo.done.seeks(.leader) == [99, 98, 97, 96, 95, 40])
        #expect(!solo.node.elector.log.joinedMidLog)
    }

    @Test("a log where sixteen records in a row name no checkpoint is read from its beginning")
    func fromBeginning() {
        let solo = started(leader: (10, 100))
        for offset in stride(from: Offset(99), to: 83, by: -1) {
            #expect(solo.done.seeks(.leader).last == offset)
            solo.read(.leader(leaderRecord(by: 2, term: 3)), at: offset)
        }
        #expect(solo.done.seeks(.leader).last == 10)
        #expect(solo.node.elector.log.joinedMidLog)
    }

    @Test("a short log that names no checkpoint is read from its beginning")
    func fromBeginningOfShort() {
        let solo = started(leader: (0, 2))
        solo.read(.leader(leaderRecord(by: 2, term: 1)), at: 1)
        #expect(solo.done.seeks(.leader) == [1, 0])
        solo.read(.leader(leaderRecord(.claim, by: 2, term: 1)), at: 0)
        solo.read(.leader(leaderRecord(by: 2, term: 1)), at: 1)
        #expect(solo.node.elector.log.tenure.holder == worker(2))
        #expect(!solo.node.elector.log.joinedMidLog)
    }

    @Test("a last record that was lost meanwhile does not hold it up")
    func lastRecordLost() {
        let solo = started(leader: (10, 100))
        solo.give(.reachedEnd(.leader, 99))
        #expect(solo.done.seeks(.leader) == [99, 98])
        solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 40)), at: 98)
        let order = Order.checkpoint(Checkpoint(requestsNext: 7, resultsNext: 8))
        solo.read(.leader(leaderRecord(order, by: 2, term: 3)), at: 40)
        solo.give(.reachedEnd(.leader, 99))
        #expect(solo.done.isReady)
    }

    @Test("it is caught up where the log ended when it asked, not before")
    func caughtUp() {
        let solo = started(leader: (0, 3))
        solo.read(.leader(leaderRecord(by: 2, term: 1)), at: 2)
        solo.read(.leader(leaderRecord(.claim, by: 2, term: 1)), at: 0)
        solo.read(.leader(leaderRecord(by: 2, term: 1)), at: 1)
        #expect(!solo.done.isReady)
        solo.read(.leader(leaderRecord(by: 2, term: 1)), at: 2)
        #expect(solo.done.isReady)
        #expect(solo.node.elector.log.tenure.holder == worker(2))
    }

    @Test("the end of the log counts where no record is at its last offset")
    func caughtUpByEnd() {
        let solo = started(leader: (0, 3))
        solo.read(.leader(leaderRecord(by: 2, term: 1)), at: 2)
        solo.read(.leader(leaderRecord(.claim, by: 2, term: 1)), at: 0)
        solo.give(.reachedEnd(.leader, 3))
        #expect(solo.done.isReady)
    }

    @Test("election is read from its end, heartbeats from a little before theirs")
    func others() {
        let solo = started(leader: (0, 0), heartbeat: (100, 5000))
        #expect(solo.done.seeks(.election) == [30])
        #expect(solo.done.seeks(.heartbeat) == [5000 - 1024])
        #expect(!solo.done.isReady, "its own id may be among them")
        solo.give(.reachedEnd(.heartbeat, 5000))
        #expect(solo.done.isReady)
    }

    @Test("it says nothing before it has joined")
    func silentBefore() {
        let solo = started(leader: (0, 5))
        solo.wait(5000)
        #expect(solo.done.records.isEmpty)
    }

    @Test("a record that comes twice is read once")
    func readTwice() {
        let solo = Solo()
        solo.join()
        solo.read(.leader(leaderRecord(.claim, by: 2, term: 1)), at: 0)
        solo.read(.leader(leaderRecord(.claim, by: 3, term: 2)), at: 0)
        #expect(solo.node.elector.log.tenure.term == 1)
        #expect(solo.counters[.readTwice] == 1)
    }

    @Test("a checkpoint that no later record names may be void: nobody begins with it")
    func unnamedCheckpoint() {
        let solo = started(leader: (10, 100))
        let order = Order.checkpoint(Checkpoint(requestsNext: 7, resultsNext: 8))
        solo.read(.leader(leaderRecord(order, by: 2, term: 3)), at: 99)
        #expect(solo.done.seeks(.leader).last == 98)
        #expect(solo.node.elector.openWork.checkpoint.requestsNext == 0)
    }

    @Test("a checkpoint that names one after it is from a lost log, also where it was looked for")
    func namedCheckpointOfLostLog() {
        let solo = started(leader: (10, 100))
        solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 40)), at: 99)
        let order = Order.checkpoint(Checkpoint(requestsNext: 7, resultsNext: 8))
        solo.read(.leader(leaderRecord(order, by: 2, term: 3, checkpointOffset: 60)), at: 40)
        #expect(solo.done.seeks(.leader).last == 39)
        #expect(solo.node.elector.openWork.checkpoint.requestsNext == 0)
    }

    @Test("a checkpoint that names one after it says nothing to who reads on, either")
    func readCheckpointOfLostLog() {
        let solo = Solo()
        solo.follow()
        let order = Order.checkpoint(Checkpoint(requestsNext: 500, resultsNext: 400))
        solo.read(leaderRecord(order, by: 2, term: 1, checkpointOffset: 50))
        #expect(solo.node.elector.openWork.checkpoint.requestsNext == 0)
        solo.read(leaderRecord(order, by: 2, term: 1, checkpointOffset: 0))
        #expect(solo.node.elector.openWork.checkpoint.requestsNext == 500)
    }

    // MARK: In the middle of the log

    @Test("a log whose beginning is gone, read without a checkpoint, is a log read mid-way")
    func midLog() {
        let solo = started(leader: (10, 11))
        solo.read(.leader(leaderRecord(by: 2, term: 3)), at: 10)
        #expect(solo.node.elector.log.joinedMidLog)
    }

    @Test("a checkpoint tells who held the tenure: reading from it is not mid-way")
    func fromCheckpoint() {
        let solo = started(leader: (10, 100))
        solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 40)), at: 99)
        let order = Order.checkpoint(Checkpoint(requestsNext: 7, resultsNext: 8))
        solo.read(.leader(leaderRecord(order, by: 2, term: 3)), packed([openWork(5)]), at: 40)
        #expect(!solo.node.elector.log.joinedMidLog)
        #expect(solo.node.elector.pen.checkpointOffset == 40)
        #expect(solo.node.elector.openWork.checkpoint.requestsNext == 7)
        #expect(solo.node.elector.openWork.checkpoint.resultsNext == 8)
    }

    @Test("where no checkpoint is although one was named, an older one is looked for")
    func wrongCheckpoint() {
        let solo = started(leader: (10, 100))
        solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 40)), at: 99)
        solo.read(.leader(leaderRecord(by: 2, term: 3)), at: 40)
        #expect(solo.node.elector.log.tenure.term == 0, "it was only looked at")
        solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 20)), at: 39)
        #expect(solo.done.seeks(.leader) == [99, 40, 39, 20])
        let order = Order.checkpoint(Checkpoint(requestsNext: 7, resultsNext: 8))
        solo.read(.leader(leaderRecord(order, by: 2, term: 3)), packed([openWork(5)]), at: 20)
        #expect(!solo.node.elector.log.joinedMidLog)
        #expect(solo.node.elector.openWork.checkpoint.requestsNext == 7)
    }

    @Test("a log read from its first record is not read mid-way")
    func fromFirst() {
        let solo = started(leader: (0, 1))
        solo.read(.leader(leaderRecord(by: 2, term: 3)), at: 0)
        #expect(!solo.node.elector.log.joinedMidLog)
    }

    @Test("topics that end earlier than was said, for the broker has lost records since, are read")
    func endsEarlier() {
        let solo = started(leader: (0, 10), heartbeat: (0, 8))
        solo.read(.leader(leaderRecord(by: 2, term: 1)), at: 9)
        solo.read(.leader(leaderRecord(.claim, by: 2, term: 1)), at: 0)
        solo.give(.reachedEnd(.leader, 6))
        #expect(!solo.done.isReady)
        solo.give(.reachedEnd(.heartbeat, 5))
        #expect(solo.done.isReady)
    }

    // MARK: Lost logs

    @Test("the tenure moves forward only, also when the broker loses the leader log")
    func logLost() {
        let solo = Solo()
        solo.follow(term: 7)
        solo.give(.vanished(.leader))
        #expect(solo.done.asks == [.leader])
        #expect(solo.done.shows.last?.online == false)
        solo.give(.bounds(.leader, low: 0, high: 0, askedAt: solo.now))
        solo.ends[Int(Topic.leader.rawValue)] = 0
        #expect(solo.node.elector.log.tenure.term == 7)
        #expect(solo.done.shows.last?.online == true)
        solo.runForLeader()
        #expect(solo.done.candidacies.last?.term == 8)
        solo.readBack()
        #expect(solo.leads)
    }

    @Test("who joins while the logs are lost does not wait for heartbeats that are lost as well")
    func heartbeatsLostOnTheWay() {
        let solo = Solo()
        solo.begin()
        solo.give(.bounds(.leader, low: 0, high: 300, askedAt: solo.now))
        solo.give(.bounds(.election, low: 0, high: 0, askedAt: solo.now))
        solo.give(.bounds(.heartbeat, low: 0, high: 500, askedAt: solo.now))
        solo.clear()
        solo.give(.vanished(.leader))
        #expect(solo.done.asks == [.heartbeat, .leader])
        solo.give(.bounds(.leader, low: 0, high: 0, askedAt: solo.now))
        solo.give(.bounds(.heartbeat, low: 0, high: 3, askedAt: solo.now))
        #expect(solo.done.seeks(.heartbeat) == [3])
        #expect(solo.done.isReady)
    }

    @Test("a leader whose log was lost steps down at once, and claims anew")
    func leaderLogLost() {
        let solo = Solo()
        solo.lead()
        solo.give(.vanished(.leader))
        #expect(!solo.leads)
        #expect(solo.done.shows.last?.role == .member)
        solo.give(.bounds(.leader, low: 0, high: 0, askedAt: solo.now))
        solo.ends[Int(Topic.leader.rawValue)] = 0
        solo.loseUnread()
        solo.runForLeader()
        solo.readBack()
        #expect(solo.leads)
        #expect(solo.node.elector.log.tenure.term == 2)
    }

    @Test("its claim from before a loss does not make it lead at once: who leads is not known")
    func claimReadInLostLog() {
        let solo = Solo()
        solo.follow()
        solo.runForLeader()
        for _ in 0..<20 where solo.done.claims.isEmpty {
            solo.readBackOnce { $0.topic != .leader }
            solo.wait(50)
        }
        let claim = solo.done.claims[0]
        solo.loseUnread()
        solo.give(.vanished(.leader))
        solo.give(.bounds(.leader, low: 0, high: 1, askedAt: solo.now))
        for _ in 0..<3 { solo.read(.leader(claim), at: 0) }
        #expect(solo.node.elector.log.isMine)
        #expect(!solo.leads)
        solo.live(1000)
        #expect(solo.leads)
    }

    @Test("a record that is said to name itself as the checkpoint is from a log that is lost")
    func namesItself() {
        let solo = started(leader: (0, 100))
        solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 99)), at: 99)
        #expect(solo.done.seeks(.leader).last == 98)
    }

    @Test("where a checkpoint was in a log that is lost, none need be in the next one")
    func formerCheckpoint() {
        let solo = started(leader: (0, 10))
        solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 5)), at: 9)
        let order = Order.checkpoint(Checkpoint(requestsNext: 0, resultsNext: 0))
        solo.read(.leader(leaderRecord(order, by: 2, term: 3)), at: 5)
        for offset in 6..<10 as Range<Offset> {
            solo.read(.leader(leaderRecord(by: 2, term: 3)), at: offset)
        }
        solo.loseLeaderLog()
        for offset in 0..<7 as Range<Offset> {
            let order = offset == 0 ? Order.claim : .noop
            solo.read(.leader(leaderRecord(order, by: 2, term: 4)), at: offset)
        }
        #expect(!solo.node.elector.log.joinedMidLog)
    }

    @Test("a checkpoint that was on its way when all was lost says nothing of the new log")
    func lateCheckpoint() {
        let order = Order.checkpoint(Checkpoint(requestsNext: 500, resultsNext: 400))
        // For one that comes later and reads the log from its beginning.
        let late = started(leader: (0, 3))
        late.read(.leader(leaderRecord(by: 2, term: 8)), at: 2)
        late.read(.leader(leaderRecord(by: 2, term: 7)), at: 0)
        late.read(.leader(leaderRecord(order, by: 2, term: 7)), at: 1)
        #expect(late.node.elector.openWork.checkpoint.requestsNext == 0)
        #expect(late.node.elector.pen.checkpointOffset == -1, "nor is it named to others")
        late.read(.leader(leaderRecord(.claim, by: 3, term: 8)), at: 2)
        late.read(.leader(leaderRecord(order, by: 3, term: 8)), at: 3)
        #expect(late.node.elector.openWork.checkpoint.requestsNext == 500)
        // And for one that knows of the loss.
        let solo = Solo()
        solo.follow(term: 7)
        solo.loseLeaderLog()
        solo.read(leaderRecord(order, by: 2, term: 7))
        #expect(solo.node.elector.openWork.checkpoint.requestsNext == 0)
        solo.read(leaderRecord(.claim, by: 3, term: 8))
        solo.read(leaderRecord(order, by: 3, term: 8))
        #expect(solo.node.elector.openWork.checkpoint.requestsNext == 500)
    }

    @Test("what is left of a log says what is open, also where it is void for its own writer")
    func ownRecordsSurvive() {
        let solo = Solo()
        solo.join()
        solo.winElection()
        let claim = solo.done.claims[0]
        solo.takeOver()
        solo.give(.vanished(.leader))
        solo.give(.bounds(.leader, low: 0, high: 2, askedAt: solo.now))
        let order = Order.checkpoint(Checkpoint(requestsNext: 500, resultsNext: 400))
        let checkpoint = leaderRecord(order, by: 1, term: claim.term, sentAt: claim.sentAt)
        for (record, offset) in [(claim, 0), (checkpoint, 1), (claim, 0)]
            as [(LeaderRecord, Offset)]
        {
            solo.read(.leader(record), at: offset)
        }
        solo.read(.leader(checkpoint), packed([openWork(3)]), at: 1)
        #expect(!solo.node.elector.log.isMine)
        #expect(solo.node.elector.openWork.checkpoint.requestsNext == 500)
        let row = (0..<Limits.openWork).compactMap { solo.node.elector.openWork.row($0) }.first
        #expect(row?.requestOffset == 3)
    }

    @Test("who was added in a log that is lost obeys nothing before it is added again")
    func addedInLostLog() {
        let solo = Solo()
        solo.follow()
        solo.loseLeaderLog()
        expectsAddition(solo)
    }

    /// Its leader claims anew, and gives it work, before it adds it again and after that.
    private func expectsAddition(_ solo: Solo) {
        solo.read(leaderRecord(.claim, by: 2, term: 2))
        solo.read(leaderRecord(.assign(assignment(0, to: 1)), by: 2, term: 2), emptyPayload)
        #expect(solo.counters[.accepted] == 0)
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 2))
        solo.read(leaderRecord(.assign(assignment(1, to: 1)), by: 2, term: 2), emptyPayload)
        #expect(solo.counters[.accepted] == 1)
    }

    @Test("whose records were passed over, because the first were removed, may have been replaced")
    func addedBeforeGap() {
        let solo = Solo()
        solo.follow()
        let low = solo.ends[Int(Topic.leader.rawValue)] + 10
        solo.give(.vanished(.leader))
        solo.give(.bounds(.leader, low: low, high: low, askedAt: solo.now))
        solo.ends[Int(Topic.leader.rawValue)] = low
        expectsAddition(solo)
    }

    @Test("it is ready once, and joins a lost log without waiting for a twin")
    func readyOnce() {
        let solo = Solo()
        solo.follow()
        solo.loseLeaderLog()
        #expect(!solo.done.isReady)
    }

    @Test("after a loss of heartbeats the old offsets acknowledge nothing")
    func heartbeatsLost() {
        let solo = Solo()
        solo.follow()
        solo.readBackOnce { $0.topic == .heartbeat }
        solo.give(.vanished(.heartbeat))
        #expect(solo.done.asks == [.heartbeat])
        let before = solo.node.jobsUntil
        solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: 1000))
        #expect(solo.node.jobsUntil == before)
    }

    // MARK: Twins

    @Test("whose id was in the heartbeats waits for three of them, and joins when nobody speaks")
    func earlierLife() {
        let solo = started(leader: (0, 0), heartbeat: (0, 1))
        solo.read(.heartbeat(heartbeat(by: 1, count: 500, incarnation: 99)), at: 0)
        #expect(!solo.done.isReady)
        solo.wait(749)
        #expect(!solo.done.isReady)
        #expect(solo.done.heartbeats.isEmpty)
        solo.wait(1)
        #expect(solo.done.isReady)
        #expect(!solo.standsBack)
    }

    @Test("another worker's heartbeats make nobody wait")
    func otherWorker() {
        let solo = started(leader: (0, 0), heartbeat: (0, 1))
        solo.read(.heartbeat(heartbeat(by: 2, incarnation: 99)), at: 0)
        #expect(solo.done.isReady)
    }

    /// Joins where a living twin speaks, and stands back before it has said anything.
    private func besideLivingTwin() -> Solo {
        let solo = started(leader: (0, 0), heartbeat: (0, 1))
        solo.read(.heartbeat(heartbeat(by: 1, count: 500, incarnation: 99)), at: 0)
        solo.read(leaderRecord(.claim, by: 2, term: 1))
        solo.wait(250)
        solo.read(heartbeat(by: 1, leaderOffset: 1, count: 501, incarnation: 99))
        #expect(!solo.standsBack)
        solo.wait(250)
        solo.read(heartbeat(by: 1, leaderOffset: 1, count: 502, incarnation: 99))
        return solo
    }

    @Test("who meets a living twin stands back, says so, and comes back when nobody speaks")
    func livingTwin() {
        let solo = besideLivingTwin()
        #expect(solo.standsBack, "who has read what came since is no earlier life")
        #expect(solo.done.notices.contains { if case .twin = $0 { true } else { false } })
        for _ in 0..<3 {
            solo.wait(1999)
            solo.read(heartbeat(by: 1, leaderOffset: 1, count: 503, incarnation: 99))
        }
        solo.wait(1999)
        #expect(solo.standsBack && !solo.done.isReady)
        #expect(solo.done.records.isEmpty)
        solo.wait(1)
        #expect(!solo.standsBack && solo.done.isReady)
        #expect(solo.done.notices.contains { if case .twinGone = $0 { true } else { false } })
    }

    @Test("who stands back does so still when the leader log was lost and is joined again")
    func standsBackInNextLog() {
        let solo = besideLivingTwin()
        solo.loseLeaderLog()
        solo.give(.bounds(.heartbeat, low: 0, high: solo.ends[2], askedAt: solo.now))
        solo.wait(1999)
        #expect(solo.standsBack && !solo.done.isReady)
        solo.wait(1)
        #expect(!solo.standsBack && solo.done.isReady)
    }

    @Test("a leader that stands back is dark first, resigns, and is silent then")
    func leaderStandsBack() {
        let solo = Solo { $0.incarnation = 50 }
        solo.lead()
        func speak(_ count: Int64) {
            solo.read(
                heartbeat(by: 1, leaderOffset: solo.ends[0], count: 1000 + count, incarnation: 40))
        }
        for count in 0..<20 as Range<Int64> where !solo.standsBack {
            solo.live(250)
            speak(count)
        }
        #expect(solo.standsBack)
        #expect(!solo.leads && solo.done.shows.last! == (.member, false))
        #expect(solo.done.resignations.isEmpty, "dark first")
        solo.live(1000)
        let holds = solo.node.elector.isMine
        #expect(!holds && solo.done.resignations.count >= 1)
        solo.clear()
        for count in 100..<120 as Range<Int64> {
            solo.live(250)
            speak(count)
        }
        #expect(solo.done.records.isEmpty, "it is silent")
        solo.live(5000)
        #expect(solo.leads)
    }

    @Test("a claim that was on its way when its writer met its twin gives nobody the lead")
    func claimsAndStandsBack() {
        let solo = Solo { $0.incarnation = 50 }
        solo.join()
        solo.runForLeader()
        func speak(_ count: Int64) {
            let end = solo.ends[0] + 1
            solo.read(heartbeat(by: 1, leaderOffset: end, count: 1000 + count, incarnation: 40))
        }
        // Its candidacies and heartbeats are read; the claim stays on its way.
        for count in 0..<60 as Range<Int64> where !solo.standsBack {
            solo.wait(100)
            solo.readBackOnce { $0.topic != .leader }
            speak(count)
        }
        #expect(solo.standsBack && !solo.done.claims.isEmpty)
        for count in 100..<110 as Range<Int64> {
            solo.readBackOnce()
            speak(count)
            solo.wait(200)
        }
        let holds = solo.node.elector.isMine
        #expect(!solo.done.shows.contains { $0.role == .leader } && !holds)
    }

    @Test("silence while the broker is away, or the process stands still, brings nobody back")
    func unheardIsNotSilent() {
        let solo = besideLivingTwin()
        solo.give(.brokerLost)
        solo.wait(10_000)
        #expect(solo.standsBack)
        solo.give(.brokerFound)
        solo.wait(1900)
        #expect(solo.standsBack)
        solo.sleep(10_000)
        solo.give(.tick)
        #expect(solo.standsBack, "what came meanwhile is still to be read")
        solo.wait(1900)
        #expect(solo.standsBack)
        solo.wait(200)
        #expect(!solo.standsBack)
    }

    @Test("who stands back kills what it runs, takes no orders, and tells how its jobs ended")
    func workerStandsBack() {
        let solo = Solo {
            $0.incarnation = 50
            $0.slots = 2
        }
        solo.follow()
        solo.renewLease()
        solo.read(leaderRecord(.assign(assignment(0, to: 1)), by: 2, term: 1), emptyPayload)
        #expect(solo.done.starts.count == 1)
        solo.read(leaderRecord(.addMember(worker(1), 99), by: 2, term: 1))
        #expect(solo.standsBack && solo.done.kills == [0])
        solo.read(leaderRecord(.addMember(worker(1), 50), by: 2, term: 1))
        solo.read(leaderRecord(.assign(assignment(1, to: 1)), by: 2, term: 1), emptyPayload)
        #expect(solo.done.starts.count == 1)
        solo.give(.jobEnded(0, jobEnd(.failed)))
        #expect(solo.done.results.map(\.status) == [.lost])
        solo.idle(5000)
        #expect(!solo.standsBack && solo.done.heartbeats.last!.startedOffset! > 0, "it did start")
    }

    @Test("an earlier life has read nothing of what came since: its late words are no twin's")
    func lateHeartbeats() {
        let solo = started(leader: (0, 0), heartbeat: (0, 1))
        solo.read(leaderRecord(.claim, by: 2, term: 1))
        for count in 0..<8 {
            solo.wait(250)
            solo.read(heartbeat(by: 1, count: Int64(500 + count), incarnation: 99))
        }
        #expect(solo.done.isReady)
        #expect(!solo.standsBack)
    }

    @Test("who does not know yet where the leader log ends cannot tell a twin from an earlier life")
    func lateHeartbeatsWhileAsking() {
        let solo = Solo()
        solo.begin()
        solo.give(.bounds(.election, low: 0, high: 0, askedAt: solo.now))
        solo.give(.bounds(.heartbeat, low: 0, high: 0, askedAt: solo.now))
        for count in 0..<4 {
            solo.wait(250)
            solo.read(
                heartbeat(by: 1, leaderOffset: 50, count: Int64(500 + count), incarnation: 99))
        }
        #expect(!solo.standsBack)
    }

    @Test("late words of two earlier lives are no twin's, also where nobody leads")
    func lateHeartbeatsOfTwo() {
        let solo = started(leader: (0, 0), heartbeat: (0, 1))
        solo.read(.heartbeat(heartbeat(by: 1, count: 500, incarnation: 98)), at: 0)
        for (count, life) in [(25, 99), (10, 99), (3, 98), (26, 99)] {
            solo.wait(200)
            solo.read(heartbeat(by: 1, count: Int64(count), incarnation: Incarnation(life)))
        }
        #expect(solo.done.isReady)
        #expect(!solo.standsBack)
    }

    @Test("who lives already stays when a twin appears later")
    func laterTwin() {
        let solo = Solo()
        solo.follow()
        for count in 0..<10 {
            solo.idle(250)
            solo.read(leaderRecord(by: 2, term: 1))
            solo.read(heartbeat(by: 1, count: Int64(count), incarnation: 99))
        }
        #expect(!solo.standsBack)
    }

    @Test("who may have passed over its own first words cannot know that another spoke before it")
    func ownWordsPassedOver() {
        let solo = Solo()
        solo.follow()
        solo.wait(2500)
        // The broker has them, and has lost them or not: they are not read.
        solo.loseUnread()
        solo.give(.vanished(.heartbeat))
        solo.give(.bounds(.heartbeat, low: 0, high: 20, askedAt: solo.now))
        solo.ends[Int(Topic.heartbeat.rawValue)] = 20
        for count in 0..<5 {
            solo.wait(250)
            solo.read(leaderRecord(by: 2, term: 1))
            solo.read(
                heartbeat(
                    by: 1, leaderOffset: solo.ends[0], count: Int64(count), incarnation: 99))
        }
        #expect(!solo.standsBack, "it has said more")
    }

    /// Incarnation 50 lives beside a twin, who has said so much more, and speaks first each time or not.
    private func livesBeside(_ twin: Incarnation, more: Int64, isFirst: Bool) -> Solo {
        let solo = Solo { $0.incarnation = 50 }
        solo.follow()
        solo.wait(3000)
        solo.readBack()
        for _ in 0..<14 {
            solo.idle(250)
            solo.read(leaderRecord(by: 2, term: 1))
            let count = solo.done.heartbeats.last!.count + more
            let its = heartbeat(
                by: 1, leaderOffset: solo.ends[0], count: count, incarnation: twin)
            if isFirst { solo.read(its) }
            solo.readBack()
            if !isFirst { solo.read(its) }
        }
        return solo
    }

    @Test(
        "of two that have said as much one stands back, whoever speaks first each time",
        arguments: [(40, true), (40, false), (60, true), (60, false)])
    func twinsInStep(twin: Incarnation, isFirst: Bool) {
        let solo = livesBeside(twin, more: 0, isFirst: isFirst)
        #expect(solo.standsBack == (twin > 50))
    }

    @Test(
        "who has said less than its twin stands back, though its incarnation is the higher one",
        arguments: [(40, 5, true), (40, -5, false), (60, -5, false)])
    func saidLess(twin: Incarnation, more: Int64, standsBack: Bool) {
        let solo = livesBeside(twin, more: more, isFirst: false)
        #expect(solo.standsBack == standsBack)
    }

    @Test("who learns that another life was added under its id stands back")
    func superseded() {
        let solo = Solo()
        solo.follow()
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 1))
        solo.read(leaderRecord(.addMember(worker(2), 9), by: 2, term: 1))
        #expect(!solo.standsBack)
        solo.read(leaderRecord(.addMember(worker(1), 99), by: 2, term: 1))
        #expect(solo.standsBack)
    }

    @Test("whom the leader does not take in for long shows it and says it, until it is taken in")
    func leftOut() {
        let solo = Solo()
        solo.follow(isAdded: false)
        func follow(_ milliseconds: Int64) {
            for _ in 0..<(milliseconds / 500) {
                solo.read(leaderRecord(by: 2, term: 1))
                solo.idle(500)
            }
        }
        follow(3500)
        #expect(solo.done.shows.isEmpty)
        follow(500)
        let isLeftOut = solo.node.isLeftOut
        #expect(isLeftOut)
        #expect(solo.done.shows.last! == (.member, false))
        follow(3000)
        #expect(solo.done.notices.count { if case .leftOut = $0 { true } else { false } } == 1)
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 1))
        #expect(solo.done.shows.last! == (.member, true))
        #expect(solo.done.notices.contains { if case .takenIn = $0 { true } else { false } })
    }

    @Test("who hears no leader is not left out: it runs")
    func notLeftOut() {
        let solo = Solo()
        solo.follow(isAdded: false)
        solo.idle(10_000)
        #expect(!solo.done.notices.contains { if case .leftOut = $0 { true } else { false } })
    }

    @Test("several words of another life that come at once are no proof that it lives")
    func wordsAtOnce() {
        let solo = started(leader: (0, 0), heartbeat: (0, 1))
        solo.read(.heartbeat(heartbeat(by: 1, count: 500, incarnation: 99)), at: 0)
        solo.read(leaderRecord(.claim, by: 2, term: 1))
        for count in 501..<505 as Range<Int64> {
            solo.read(heartbeat(by: 1, leaderOffset: 1, count: count, incarnation: 99))
        }
        #expect(!solo.standsBack)
    }

    @Test("an earlier life that the next log says was added is no reason to stand back")
    func earlierAddedInNextLog() {
        let solo = Solo()
        solo.follow()
        solo.loseLeaderLog()
        solo.read(leaderRecord(.claim, by: 2, term: 2))
        solo.read(leaderRecord(.addMember(worker(1), 99), by: 2, term: 2))
        #expect(!solo.standsBack)
    }

    @Test("another life under our id that leads gives orders to itself, not to us")
    func otherLifeLeads() {
        let solo = Solo()
        solo.follow()
        solo.read(leaderRecord(.claim, by: 1, term: 2, incarnation: 9))
        let order = Order.assign(assignment(0, to: 1))
        solo.read(leaderRecord(order, by: 1, term: 2, incarnation: 9), emptyPayload)
        #expect(solo.counters[.accepted] == 0)
    }

    @Test("an earlier life that was added before us is no reason to stand back")
    func earlierAdded() {
        let solo = Solo()
        solo.follow(isAdded: false)
        solo.read(leaderRecord(.addMember(worker(1), 99), by: 2, term: 1))
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 1))
        #expect(!solo.standsBack)
    }
}
