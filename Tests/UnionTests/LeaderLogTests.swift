import Testing

@testable import Union

/// The leader log's referee, row by row, and the lease (design, section 3).
@Suite("Leader log")
final class LeaderLogTests {
    var log = LeaderLog(worker(1), 7)

    private func judge(
        _ order: Order = .noop, by number: Int, term: Term, sentAt: Int64 = 0,
        incarnation: Incarnation = 7, leaseMs: Int32 = 800, offset: Offset = 0, at now: Int64 = 0
    ) -> Referee.Verdict {
        log.judge(
            leaderRecord(
                order, by: number, term: term, sentAt: ms(sentAt), incarnation: incarnation,
                leaseMs: leaseMs),
            at: offset, ms(now)
        ).verdict
    }

    // MARK: The referee's table

    @Test("at first nobody holds term 0")
    func nobodyAtFirst() {
        #expect(log.tenure.term == 0)
        #expect(log.tenure.holder == nil)
        #expect(!log.isMine)
    }

    @Test("a claim of a higher term begins a tenure")
    func claimBegins() {
        #expect(judge(.claim, by: 2, term: 1) == .newTenure)
        #expect(judge(.claim, by: 3, term: 5) == .newTenure)
        #expect(log.tenure.term == 5)
        #expect(log.tenure.holder == worker(3))
    }

    @Test("of two claims of one term the first in the log wins")
    func firstClaimWins() {
        #expect(judge(.claim, by: 2, term: 1) == .newTenure)
        #expect(judge(.claim, by: 3, term: 1) == .void)
        #expect(log.tenure.holder == worker(2))
    }

    @Test("a claim of a lower term, or of the holder's own term again, is void")
    func staleClaim() {
        #expect(judge(.claim, by: 2, term: 4) == .newTenure)
        #expect(judge(.claim, by: 3, term: 3) == .void)
        #expect(judge(.claim, by: 2, term: 4) == .void)
        #expect(log.tenure.term == 4)
    }

    @Test("the holder's records of its term are valid")
    func holderIsValid() {
        _ = judge(.claim, by: 2, term: 1)
        #expect(judge(by: 2, term: 1) == .valid)
        #expect(judge(.assign(assignment(0, to: 3)), by: 2, term: 1) == .valid)
    }

    @Test("another worker's record of the holder's term is void")
    func otherIsVoid() {
        _ = judge(.claim, by: 2, term: 1)
        #expect(judge(by: 3, term: 1) == .void)
        #expect(log.tenure.holder == worker(2))
    }

    @Test("the holder's id in another incarnation is not the holder")
    func otherIncarnationIsVoid() {
        _ = judge(.claim, by: 2, term: 1, incarnation: 7)
        #expect(judge(by: 2, term: 1, incarnation: 8) == .void)
    }

    @Test("a record of a higher term without its claim is adopted")
    func adopts() {
        _ = judge(.claim, by: 2, term: 1)
        #expect(judge(by: 3, term: 4) == .newTenure)
        #expect(log.tenure.holder == worker(3))
        #expect(log.tenure.term == 4)
        #expect(judge(by: 3, term: 4) == .valid)
    }

    @Test("a deposed leader's records are void")
    func deposedIsVoid() {
        _ = judge(.claim, by: 2, term: 1)
        _ = judge(.claim, by: 3, term: 2)
        #expect(judge(by: 2, term: 1) == .void)
        #expect(judge(.assign(assignment(0, to: 3)), by: 2, term: 1) == .void)
        #expect(judge(.resign, by: 2, term: 1) == .void)
        #expect(log.tenure.holder == worker(3))
        #expect(!log.tenure.resigned)
    }

    @Test("after a resignation every record of the term is void, another resignation too")
    func resignedIsVoid() {
        _ = judge(.claim, by: 2, term: 1)
        #expect(judge(.resign, by: 2, term: 1) == .valid)
        #expect(log.tenure.resigned)
        #expect(judge(by: 2, term: 1) == .void)
        #expect(judge(.resign, by: 2, term: 1) == .void)
        #expect(judge(.claim, by: 3, term: 1) == .void)
        #expect(judge(.claim, by: 3, term: 2) == .newTenure)
        #expect(!log.tenure.resigned)
    }

    @Test("a resignation of a term whose claim was missed is adopted as resigned")
    func adoptsResignation() {
        #expect(judge(.resign, by: 2, term: 3) == .newTenure)
        #expect(log.tenure.resigned)
        #expect(log.tenure.term == 3)
    }

    @Test("a void record changes nothing: no tenure, no lease, not when it was heard")
    func voidChangesNothing() {
        _ = judge(.claim, by: 1, term: 3, sentAt: 100, at: 110)
        let (heardAt, leaseUntil) = (log.lease.heardAt, log.lease.until)
        _ = judge(by: 2, term: 2, leaseMs: 9999, at: 500)
        _ = judge(.claim, by: 2, term: 3, leaseMs: 9999, at: 500)
        #expect(log.lease.heardAt == heardAt)
        #expect(log.lease.until == leaseUntil)
        #expect(log.lease.longestMs == 800)
        #expect(log.isMine)
    }

    @Test("a record that its writer wrote before one already read of the tenure is void")
    func lateIsVoid() {
        _ = judge(.claim, by: 2, term: 1, sentAt: 100)
        #expect(judge(by: 2, term: 1, sentAt: 300) == .valid)
        #expect(judge(.assign(assignment(0, to: 3)), by: 2, term: 1, sentAt: 200) == .void)
        #expect(judge(by: 2, term: 1, sentAt: 300) == .valid)
    }

    // MARK: Joined in the middle

    @Test("who joined mid-log doubts a claim until its holder speaks again")
    func provisional() {
        log.startReading(midLog: true)
        #expect(judge(.claim, by: 2, term: 5) == .newTenure)
        #expect(log.tenure.provisional)
        #expect(judge(by: 3, term: 5) == .newTenure)
        #expect(log.tenure.holder == worker(3))
        #expect(!log.tenure.provisional)
        #expect(judge(by: 2, term: 5) == .void)
    }

    @Test("the holder's next record confirms a provisional tenure")
    func provisionalConfirmed() {
        log.startReading(midLog: true)
        _ = judge(.claim, by: 2, term: 5)
        #expect(judge(by: 2, term: 5) == .valid)
        #expect(!log.tenure.provisional)
        #expect(judge(by: 3, term: 5) == .void)
    }

    @Test("a tenure adopted from a record that is no claim is not provisional")
    func adoptedIsSure() {
        log.startReading(midLog: true)
        _ = judge(by: 2, term: 5)
        #expect(!log.tenure.provisional)
        #expect(judge(by: 3, term: 5) == .void)
    }

    @Test("who read from the beginning doubts no claim")
    func notProvisional() {
        _ = judge(.claim, by: 2, term: 5)
        #expect(!log.tenure.provisional)
    }

    // MARK: A broker that lost records

    @Test("a claim of a term whose own claim may be lost begins a tenure")
    func lostClaim() {
        _ = judge(.claim, by: 2, term: 4)
        log.loseRecords()
        #expect(judge(.claim, by: 3, term: 4) == .newTenure)
        #expect(log.tenure.holder == worker(3))
        #expect(judge(.claim, by: 4, term: 4) == .void, "the first claim after the loss wins")
    }

    @Test("who began mid-way is sure once a claim's holder has gone on: strangers are not adopted")
    func sureAfterClaim() {
        log.startReading(midLog: true)
        _ = judge(.claim, by: 2, term: 4)
        _ = judge(by: 2, term: 4)
        _ = judge(.claim, by: 3, term: 5)
        #expect(judge(by: 9, term: 5) == .void)
        #expect(log.tenure.holder == worker(3))
    }

    @Test("another first record after a loss: the log began anew; not when retention moved it")
    func beginsAnew() {
        let first = leaderRecord(.claim, by: 2, term: 3, sentAt: ms(5))
        let other = leaderRecord(.claim, by: 2, term: 3, sentAt: ms(9))
        for (record, offset, isAnew) in [
            (first, 7, false), (other, 8, false),
            (other, 7, true), (first, 0, true), (nil, 7, true),
        ] as [(LeaderRecord?, Offset, Bool)] {
            var log = LeaderLog(worker(1), 1)
            log.beginsWith(first, at: 7)
            log.loseRecords()
            log.beginsWith(record, at: offset)
            #expect(log.loss.beganAnew == isAnew)
        }
    }

    @Test("an empty log where there was a first record began anew; without a loss nothing does")
    func beginsEmpty() {
        var log = LeaderLog(worker(1), 1)
        log.beginsWith(leaderRecord(.claim, by: 2, term: 3), at: 7)
        log.beginsEmpty(at: 7)
        #expect(!log.loss.beganAnew)
        log.beginsWith(leaderRecord(.claim, by: 2, term: 3), at: 7)
        log.loseRecords()
        log.beginsEmpty(at: 0)
        #expect(log.loss.beganAnew)
    }

    @Test("a record of such a term by another holder is adopted, once")
    func lostClaimAdopted() {
        _ = judge(.claim, by: 2, term: 4)
        log.loseRecords()
        #expect(judge(by: 3, term: 4) == .newTenure)
        #expect(judge(by: 2, term: 4) == .void)
    }

    @Test("a tenure that is read again is sure, also by its claim alone")
    func claimReadAgain() {
        _ = judge(.claim, by: 2, term: 4)
        log.loseRecords()
        #expect(judge(.claim, by: 2, term: 4) == .valid)
        #expect(judge(.claim, by: 3, term: 4) == .void)
        #expect(log.tenure.holder == worker(2))
    }

    @Test("a holder that lost records claims anew; its claim that is read again gives nothing back")
    func ownClaimReadAgain() {
        _ = judge(.claim, by: 1, term: 4)
        log.loseRecords()
        #expect(!log.isMine)
        #expect(judge(.claim, by: 1, term: 4) == .void)
        #expect(!log.isMine)
    }

    @Test("a term far above its record's offset is void, and one more is possible at the next")
    func termLimit() {
        let most = Limits.highestTerm(at: 7)
        #expect(judge(.claim, by: 3, term: most + 1, offset: 7) == .void)
        #expect(judge(by: 3, term: most + 1, offset: 7) == .void)
        #expect(judge(.claim, by: 2, term: most, offset: 7) == .newTenure)
        #expect(judge(.claim, by: 3, term: most + 1, offset: 8) == .newTenure)
        #expect(log.tenure.holder == worker(3))
    }

    @Test(
        "who begins to read anywhere says the same of a stranger's terms",
        arguments: 0..<12 as Range<Offset>)
    func termLimitFromAnywhere(start: Offset) {
        let story: [(order: Order, by: Int, term: Term)] = [
            (.claim, 2, 1), (.noop, 2, 1), (.claim, 9, 1 << 53 - 1), (.noop, 2, 1),
            (.noop, 9, 1 << 53 - 1), (.claim, 9, Limits.highestTerm(at: 5)),
            (.claim, 9, Limits.highestTerm(at: 7)), (.claim, 3, Limits.highestTerm(at: 5) + 1),
            (.noop, 3, Limits.highestTerm(at: 5) + 1), (.noop, 9, Limits.highestTerm(at: 10)),
            (.noop, 3, Limits.highestTerm(at: 5) + 1), (.noop, 3, Limits.highestTerm(at: 5) + 1),
        ]
        let void: Set<Offset> = [2, 4, 6, 9]
        log.startReading(midLog: start > 0)
        for offset in start..<Offset(story.count) {
            let said = story[Int(offset)]
            let verdict = judge(
                said.order, by: said.by, term: said.term, sentAt: offset, offset: offset)
            // (What a term that is over still says is valid for who has not read the next one.)
            if void.contains(offset) { #expect(verdict == .void, "offset \(offset)") }
            if offset > 6, !void.contains(offset) { #expect(verdict != .void, "offset \(offset)") }
        }
        #expect(log.tenure.holder == worker(3))
    }

    /// A stranger has driven the terms up; then the broker lost all but this, which is read again.
    private func readAgainBelow(_ kept: [(order: Order, by: Int, term: Term)]) {
        _ = judge(.claim, by: 2, term: Limits.highestTerm(at: 500), offset: 500)
        log.loseRecords()
        if kept.isEmpty { log.beginsEmpty(at: 0) }
        log.startReading(midLog: false)
        for (offset, said) in kept.enumerated() {
            _ = judge(
                said.order, by: said.by, term: said.term, sentAt: Int64(offset),
                offset: Offset(offset))
        }
        log.caughtUp(at: Offset(kept.count))
    }

    @Test("who knows a term that no record of an emptied log can have begins anew")
    func termsOfEmptiedLog() {
        readAgainBelow([])
        #expect(log.tenure.term == 0 && log.tenure.holder == nil)
        #expect(judge(.claim, by: 3, term: 1, offset: 0) == .newTenure)
        #expect(log.loss.isBlind && log.believes(checkpointReadingFromFirst: true))
        #expect(!log.loss.isBlind && !log.loss.beganAnew)
    }

    @Test("the same of a log that was cut: what it holds is another's, and ends no blindness")
    func termsOfCutLog() {
        readAgainBelow([(.claim, 3, 5), (.noop, 3, 5)])
        #expect(log.tenure.term == 5 && log.tenure.holder == worker(3) && log.loss.isBlind)
        #expect(log.believes(checkpointReadingFromFirst: false) && log.loss.isBlind)
        #expect(judge(by: 3, term: 5, sentAt: 9, offset: 2) == .valid)
        #expect(judge(.claim, by: 4, term: 6, offset: 3) == .newTenure)
        #expect(log.believes(checkpointReadingFromFirst: false) && !log.loss.isBlind)
    }

    @Test("and our own tenure that is in it is over")
    func ownTenureInCutLog() {
        readAgainBelow([(.claim, 1, 5), (.noop, 1, 5)])
        #expect(log.tenure.term == 5 && log.tenure.resigned && !log.isMine)
        #expect(judge(by: 1, term: 5, sentAt: 9, offset: 2) == .void)
    }

    @Test("terms that a log can have are kept when it is lost")
    func termsOfLostLog() {
        _ = judge(.claim, by: 2, term: 3000, offset: 5000)
        log.loseRecords()
        log.startReading(midLog: false)
        log.caughtUp(at: 0)
        #expect(log.tenure.term == 3000)
    }

    @Test("what is said is judged anew when the log is read again: by it, not by our own tenure")
    func saidAgain() {
        _ = judge(.claim, by: 2, term: 5)
        log.loseRecords()
        log.startReading(midLog: false)
        let (verdict, isSaid) = log.judge(leaderRecord(.claim, by: 3, term: 2), at: 0, .zero)
        #expect(verdict == .void)
        #expect(isSaid)
    }

    @Test("no two records of a leader say the same time, though it writes them at once")
    func timesDiffer() {
        let solo = Solo()
        solo.lead()
        for number in 2...4 { solo.addMember(number) }
        solo.clear()
        for id in ["a", "b", "c"] { solo.read(request(id)) }
        let times = solo.done.leaderRecords.map(\.sentAt)
        #expect(times.count >= 3)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test("who leads a log that was lost names no checkpoint of before")
    func lostCheckpointUnnamed() {
        let solo = Solo()
        solo.lead()
        solo.read(request("a"))
        solo.live(1500)
        #expect(solo.done.leaderRecords.contains { $0.checkpointOffset >= 0 })
        solo.loseLeaderLog()
        solo.loseUnread()
        solo.clear()
        solo.winElection()
        #expect(!solo.done.leaderRecords.isEmpty)
        #expect(solo.done.leaderRecords.allSatisfy { $0.checkpointOffset == -1 })
    }

    @Test("who does not know who has what knows it by a checkpoint of a later tenure only")
    func endOfBlindness() {
        _ = judge(.claim, by: 2, term: 5)
        log.loseRecords()
        log.startReading(midLog: false)
        _ = judge(.claim, by: 2, term: 5)
        var isBelieved = log.believes(checkpointReadingFromFirst: true)
        #expect(isBelieved)
        #expect(log.loss.isBlind, "who wrote it may not have known what was lost")
        _ = judge(.claim, by: 3, term: 6)
        isBelieved = log.believes(checkpointReadingFromFirst: true)
        #expect(isBelieved)
        #expect(!log.loss.isBlind)
    }

    @Test("after all was lost, who claims a term once more says what is open, and no late word")
    func termClaimedOnceMore() {
        log.beginsWith(leaderRecord(.claim, by: 2, term: 5), at: 0)
        _ = judge(.claim, by: 2, term: 5)
        log.loseRecords()
        log.beginsEmpty(at: 0)
        log.startReading(midLog: false)
        _ = judge(.noop, by: 2, term: 5)
        var isBelieved = log.believes(checkpointReadingFromFirst: true)
        #expect(!isBelieved, "it was on its way when all was lost")
        isBelieved = log.believes(checkpointReadingFromFirst: false)
        #expect(!isBelieved)
        // Its writer never knew of the first claim, which is lost.
        log.startReading(midLog: false)
        _ = judge(.claim, by: 3, term: 5)
        isBelieved = log.believes(checkpointReadingFromFirst: true)
        #expect(isBelieved)
        #expect(log.loss.isBlind && log.loss.beganAnew)
    }

    @Test("who knows that all was lost, and enters the new log at a checkpoint, believes it")
    func entersNewLogAtCheckpoint() {
        log.beginsWith(leaderRecord(.claim, by: 2, term: 5), at: 0)
        _ = judge(.claim, by: 2, term: 5)
        log.loseRecords()
        log.beginsWith(leaderRecord(.claim, by: 3, term: 5, sentAt: ms(9)), at: 0)
        #expect(log.loss.beganAnew)
        log.startReadingAtCheckpoint()
        _ = judge(.noop, by: 3, term: 5)
        let isBelieved = log.believes(checkpointReadingFromFirst: false)
        #expect(isBelieved)
    }

    @Test("after a second loss, of the tail only, the checkpoints of the tenure still count")
    func secondLoss() {
        let first = leaderRecord(.claim, by: 2, term: 3)
        log.beginsWith(first, at: 0)
        _ = judge(.claim, by: 2, term: 3)
        log.loseRecords()
        log.beginsEmpty(at: 0)
        log.startReading(midLog: false)
        #expect(log.loss.beganAnew)
        let second = leaderRecord(.claim, by: 3, term: 4)
        log.beginsWith(second, at: 0)
        _ = judge(.claim, by: 3, term: 4)
        log.loseRecords()
        log.beginsWith(second, at: 0)
        log.startReading(midLog: false)
        _ = judge(.claim, by: 3, term: 4)
        let isBelieved = log.believes(checkpointReadingFromFirst: true)
        #expect(isBelieved, "what it says is of this log")
        #expect(!log.loss.beganAnew)
        #expect(log.loss.isBlind, "who wrote it may not have known what was lost")
    }

    @Test("who begins in the middle of the log does not know who has what")
    func midLogIsBlind() {
        log.startReading(midLog: false)
        #expect(!log.loss.isBlind)
        log.startReading(midLog: true)
        #expect(log.loss.isBlind)
    }

    // MARK: The lease

    @Test("the lease runs from when the record was sent, not from when it was read")
    func leaseFromSent() {
        _ = judge(.claim, by: 1, term: 1, sentAt: 100, at: 700)
        #expect(log.lease.until == ms(900))
        #expect(log.leads(at: ms(899)))
        #expect(!log.leads(at: ms(900)))
    }

    @Test("the lease's length is the record's own, not the reader's configuration")
    func leaseFromRecord() {
        _ = judge(.claim, by: 1, term: 1, sentAt: 0, leaseMs: 300, at: 10)
        #expect(!log.leads(at: ms(300)))
    }

    @Test("each record read back extends the lease, and an older one does not shorten it")
    func leaseExtends() {
        _ = judge(.claim, by: 1, term: 1, sentAt: 0, at: 1)
        _ = judge(by: 1, term: 1, sentAt: 400, at: 410)
        #expect(log.lease.until == ms(1200))
        _ = judge(by: 1, term: 1, sentAt: 400, leaseMs: 100, at: 420)
        #expect(log.lease.until == ms(1200))
    }

    @Test("an own claim read back after its lease makes a holder, but no leader")
    func lateClaim() {
        _ = judge(.claim, by: 1, term: 1, sentAt: 0, at: 5000)
        #expect(log.isMine)
        #expect(!log.leads(at: ms(5000)))
        _ = judge(by: 1, term: 1, sentAt: 5000, at: 5010)
        #expect(log.leads(at: ms(5010)))
    }

    @Test("an earlier life's tenure is not mine, and its records earn no lease")
    func earlierIncarnation() {
        _ = judge(.claim, by: 1, term: 1, sentAt: 0, incarnation: 6, at: 1)
        #expect(!log.isMine)
        #expect(!log.leads(at: ms(10)))
        #expect(log.lease.until == .zero)
    }

    @Test("a resignation ends one's own lease at once")
    func resignEndsLease() {
        _ = judge(.claim, by: 1, term: 1, sentAt: 0, at: 1)
        #expect(log.leads(at: ms(10)))
        _ = judge(.resign, by: 1, term: 1, sentAt: 10, at: 11)
        #expect(!log.leads(at: ms(12)))
        #expect(!log.isMine)
    }

    @Test("another's claim ends one's own lead at once, whatever is left of the lease")
    func deposed() {
        _ = judge(.claim, by: 1, term: 1, sentAt: 0, at: 1)
        _ = judge(.claim, by: 2, term: 2, at: 5)
        #expect(!log.leads(at: ms(6)))
    }

    @Test("a second tenure of one's own does not inherit the first one's lease")
    func leaseNotInherited() {
        _ = judge(.claim, by: 1, term: 1, sentAt: 0, at: 1)
        _ = judge(by: 1, term: 1, sentAt: 100, leaseMs: 5000, at: 101)
        _ = judge(.claim, by: 2, term: 2, leaseMs: 0, at: 200)
        _ = judge(.claim, by: 1, term: 3, sentAt: 300, at: 310)
        #expect(log.lease.until == ms(1100))
    }

    // MARK: Waiting out those before

    @Test("a winner waits for its predecessor's LED: 1.25 of its leases from the reading on")
    func waitsOut() {
        _ = judge(.claim, by: 2, term: 1, at: 0)
        _ = judge(by: 2, term: 1, at: 1000)
        _ = judge(.claim, by: 1, term: 2, sentAt: 1100, at: 1101)
        _ = judge(by: 1, term: 2, sentAt: 1500, at: 1501)
        #expect(!log.leads(at: ms(1999)))
        #expect(log.leads(at: ms(2000)))
        #expect(log.nextChange(after: ms(1501)) == ms(2000))
        #expect(log.nextChange(after: ms(2000)) == ms(2300))
    }

    @Test("a predecessor is waited for until its longest lease is over, not its last one")
    func waitsOutLongest() {
        _ = judge(.claim, by: 2, term: 1, leaseMs: 5000, at: 0)
        _ = judge(by: 2, term: 1, leaseMs: 100, at: 10)
        _ = judge(.claim, by: 1, term: 2, sentAt: 6000, at: 6001)
        #expect(!log.leads(at: ms(6249)))
        #expect(log.leads(at: ms(6250)))
    }

    @Test("after a timeout of the leader there is nothing left to wait for")
    func noWaitAfterTimeout() {
        _ = judge(.claim, by: 2, term: 1, at: 0)
        _ = judge(.claim, by: 1, term: 2, sentAt: 1000, at: 1001)
        #expect(log.leads(at: ms(1001)))
    }

    @Test("after a resignation there is nothing to wait for")
    func noWaitAfterResign() {
        _ = judge(.claim, by: 2, term: 1, at: 0)
        _ = judge(.resign, by: 2, term: 1, at: 100)
        _ = judge(.claim, by: 1, term: 2, sentAt: 101, at: 102)
        #expect(log.leads(at: ms(102)))
    }

    @Test("a resigned winner's predecessor is still waited for")
    func waitsForPredecessorOfResigned() {
        _ = judge(.claim, by: 2, term: 1, at: 0)
        _ = judge(.claim, by: 3, term: 2, at: 10)
        _ = judge(.resign, by: 3, term: 2, at: 20)
        _ = judge(.claim, by: 1, term: 3, sentAt: 300, at: 301)
        #expect(!log.leads(at: ms(999)))
        #expect(log.leads(at: ms(1000)))
    }

    @Test("the predecessor's predecessor is waited for when its lease is the longest")
    func waitsForAllBefore() {
        _ = judge(.claim, by: 2, term: 1, leaseMs: 5000, at: 0)
        _ = judge(.claim, by: 3, term: 2, leaseMs: 100, at: 10)
        _ = judge(.claim, by: 1, term: 3, sentAt: 6000, at: 6001)
        #expect(!log.leads(at: ms(6249)))
        #expect(log.leads(at: ms(6250)))
    }

    @Test("one's own earlier life is waited for as any other predecessor")
    func waitsForEarlierLife() {
        _ = judge(.claim, by: 1, term: 1, incarnation: 6, at: 0)
        _ = judge(.claim, by: 1, term: 2, sentAt: 10, at: 11)
        #expect(log.isMine)
        #expect(!log.leads(at: ms(800)))
    }

    @Test("one's own last tenure needs no waiting for")
    func noWaitForMyself() {
        _ = judge(.claim, by: 1, term: 1, sentAt: 0, at: 1)
        _ = judge(.claim, by: 1, term: 2, sentAt: 10, at: 11)
        #expect(log.leads(at: ms(12)))
    }

    @Test(
        "after a loss, the lease of a record that is void for us is waited for as well, a twin's too",
        arguments: [(3, 7), (1, 8)])
    func waitsForVoid(number: Int, incarnation: Incarnation) {
        _ = judge(.claim, by: 2, term: 5)
        log.loseRecords()
        #expect(judge(by: number, term: 4, incarnation: incarnation, at: 3000) == .void)
        #expect(log.lease.quietAt(leaseMs: 800) == ms(4000))
        _ = judge(.claim, by: 1, term: 6, sentAt: 3000, at: 3000)
        _ = judge(by: 1, term: 6, sentAt: 3700, at: 3700)
        #expect(!log.leads(at: ms(3999)))
        #expect(log.leads(at: ms(4000)))
    }

    @Test("after a loss the marks of others do not disturb the quiet: nobody leads by one")
    func marksAreQuiet() {
        _ = judge(.claim, by: 2, term: 5)
        log.loseRecords()
        let quietAt = log.lease.quietAt(leaseMs: 800)
        #expect(judge(by: 3, term: 0, leaseMs: 0, at: 9000) == .void)
        #expect(log.lease.quietAt(leaseMs: 800) == quietAt)
    }

    @Test("who does not know whose lease runs assumes one as long as the longest that it has heard")
    func assumesLongest() {
        _ = judge(.claim, by: 2, term: 1, leaseMs: 4000)
        log.loseRecords()
        log.assumeLeaseRuns(leaseMs: 800, at: ms(10_000))
        _ = judge(.claim, by: 1, term: 2, sentAt: 10_000, at: 10_000)
        _ = judge(by: 1, term: 2, sentAt: 14_900, at: 14_900)
        #expect(!log.leads(at: ms(14_999)))
        #expect(log.leads(at: ms(15_000)))
    }

    @Test("quiet begins when the longest lease of all that were heard could be over")
    func quiet() {
        _ = judge(.claim, by: 2, term: 1, leaseMs: 4000, at: 100)
        _ = judge(by: 2, term: 1, leaseMs: 800, at: 200)
        #expect(log.lease.quietAt(leaseMs: 800) == ms(200 + 4080))
        #expect(log.lease.quietAt(leaseMs: 5000) == ms(200 + 5100))
    }

    @Test("who has just caught up assumes that the holder spoke just now")
    func assumesHeard() {
        _ = judge(.claim, by: 2, term: 1, at: 0)
        log.assumeLeaseRuns(leaseMs: 800, at: ms(5000))
        #expect(log.lease.heardAt == ms(5000))
        _ = judge(.claim, by: 1, term: 2, sentAt: 5010, at: 5011)
        #expect(!log.leads(at: ms(5809)))
    }
}
