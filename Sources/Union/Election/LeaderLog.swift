/// The leader log as one node reads it (design, section 3): the referee says who holds the tenure,
/// the lease whether the holder leads, and the loss what the broker has lost of the log.
struct LeaderLog {
    private let me: WorkerID
    private let incarnation: Incarnation
    private var referee = Referee()
    /// What whoever begins to read now makes of the same records: after the broker has lost some, our
    /// own tenure may be ahead of the log, and records that are void for us are valid for them.
    private var newReader = Referee()
    private(set) var lease = LeaderLease()
    private(set) var loss = LeaderLogLoss()

    init(_ me: WorkerID, _ incarnation: Incarnation) {
        self.me = me
        self.incarnation = incarnation
    }

    var tenure: Referee.Tenure { referee.tenure }
    var joinedMidLog: Bool { referee.joinedMidLog }

    /// Judges the next record of the log, at `offset`, read at `now`. `isSaid`: it is valid for whoever
    /// begins to read now, so what it says of open work holds.
    mutating func judge(
        _ record: LeaderRecord, at offset: Offset, _ now: Instant
    ) -> (verdict: Referee.Verdict, isSaid: Bool) {
        let isSaid = newReader.judge(record, at: offset) != .void
        return (judgeForUs(record, at: offset, now), isSaid)
    }

    private mutating func judgeForUs(
        _ record: LeaderRecord, at offset: Offset, _ now: Instant
    ) -> Referee.Verdict {
        let verdict = referee.judge(record, at: offset)
        let isOurs = record.workerID == me && record.incarnation == incarnation
        switch verdict {
        case .void:
            // (Nobody leads by a mark.)
            if loss.hasLostRecords && !isOurs, !record.isMark { lease.hearVoid(record, at: now) }
            return .void
        case .newTenure: lease.beginTenure(at: now)
        case .valid: break
        }
        lease.hear(record, isOurs: isOurs, at: now)
        return verdict
    }

    /// Whether the tenure is this worker's own, in this life of the process.
    var isMine: Bool { isHeldByUs(referee.tenure) && !referee.tenure.resigned }

    private func isHeldByUs(_ tenure: Referee.Tenure) -> Bool {
        tenure.holder == me && tenure.incarnation == incarnation
    }

    /// Whether this worker leads at `now`: derived from log and clock each time it is asked.
    func leads(at now: Instant) -> Bool { isMine && lease.runs(at: now) }

    /// When `leads` may become true or false next without a record being read.
    func nextChange(after now: Instant) -> Instant {
        isMine ? lease.nextChange(after: now) : .never
    }

    /// The log has been read to its end, `end`. Where no record could have a higher term than the one that
    /// we know, it is another log, and a stranger has driven the former one's terms up: nobody could claim
    /// the next. So we forget that, and go on as whoever begins to read now.
    mutating func caughtUp(at end: Offset) {
        guard tenure.term >= Limits.highestTerm(at: end) else { return }
        let said = newReader.tenure
        referee.goOn(as: newReader, isOurs: isHeldByUs(said))
        loss.beginTerms(at: said.term)
    }

    /// Reading begins; `midLog`: at no checkpoint, after the log's first record.
    mutating func startReading(midLog: Bool) {
        referee.startReading(midLog: midLog)
        newReader = Referee()
        newReader.startReading(midLog: midLog)
        if midLog { loss.startReadingMidLog() }
    }

    /// Reading begins at a checkpoint that a later record names.
    mutating func startReadingAtCheckpoint() {
        startReading(midLog: false)
        loss.enterAtCheckpoint()
    }

    /// We hold the tenure, and lead no more in it.
    mutating func giveUp() {
        precondition(isMine, "LeaderLog: another's tenure is given up")
        lease.giveUp()
    }

    mutating func beginsWith(_ record: LeaderRecord?, at offset: Offset) {
        loss.beginsWith(record, at: offset)
    }

    mutating func beginsEmpty(at offset: Offset) { loss.beginsEmpty(at: offset) }

    mutating func assumeLeaseRuns(leaseMs: Int32, at now: Instant) {
        lease.assumeOneRuns(leaseMs: leaseMs, at: now)
    }

    /// The broker lost records of the log. Whoever holds the tenure leads no more.
    mutating func loseRecords() {
        loss.loseRecords(term: tenure.term)
        let isOurs = isMine
        referee.loseRecords(isOurs: isOurs)
        if isOurs { lease.end() }
    }

    /// A checkpoint that is said was read; whether it says what is open.
    mutating func believes(checkpointReadingFromFirst isFromFirst: Bool) -> Bool {
        let said = newReader.tenure
        guard loss.believesCheckpoint(of: said, readingFromFirst: isFromFirst) else {
            return false
        }
        loss.onCheckpoint(term: said.term)
        return true
    }
}
