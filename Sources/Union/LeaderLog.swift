/// Who leads (design, section 3): the referee over the `leader` topic, and the lease.
///
/// The referee is a pure function of the log's prefix, so every node agrees about every record.
/// The lease adds time: a holder leads only while a record that it wrote *and read back* is
/// younger than `leaseMs`, and only after its predecessors' leases are surely over.
struct LeaderLog {
    struct Tenure {
        var term: Term = 0
        var holder: WorkerID?
        var incarnation: Incarnation = 0
        var resigned = false
        /// The latest `sentAt` among the tenure's records. One process writes them all, with a
        /// clock that never goes back: what was sent before it was given up once, and appears late.
        var sentAt = Instant.zero
        /// Its claim was read, not only a later record.
        var isClaimed = false
        /// Taken from a claim by a reader that joined in the middle of the log, and that may have
        /// missed an earlier claim of the same term: the holder's next record confirms it.
        var provisional = false
        /// The broker has lost records, perhaps this tenure's own: a claim of the same term that is
        /// read now is the first one for everybody who comes later.
        var mayBeLost = false
    }

    enum Verdict: Equatable {
        case void
        /// Said by the holder of the tenure.
        case valid
        /// The same, and the tenure is new: claimed, or adopted because its claim was missed.
        case newTenure
    }

    /// The log's first record, as far as it tells one from another; zeros: it is unreadable.
    private struct First: Equatable {
        var offset: Offset
        var term: Term
        var incarnation: Incarnation
        var sentAt: Instant
    }

    private let me: WorkerID
    private let incarnation: Incarnation
    private(set) var tenure = Tenure()
    private var first: First?
    var isBeginningKnown: Bool { first != nil }
    /// Set when reading began behind the log's first record and not at a checkpoint, until a claim
    /// that was read is sure to be its term's first.
    private(set) var joinedMidLog = false

    /// When the last valid record was read; any worker's, this one's included.
    private(set) var heardAt = Instant.zero
    /// The longest lease that any valid record claimed.
    private(set) var longestLeaseMs: Int32 = 0
    /// The lease that our own records have earned; it is over at this instant.
    private(set) var leaseUntil = Instant.zero
    /// Until when the present holder may lead, as seen from here; and all holders before it.
    private var holderMayLeadUntil = Instant.zero
    private var formersMayLeadUntil = Instant.zero
    /// The same for those whose records are void for us, and valid for readers who never saw the
    /// claim that made them so: that is possible once the broker has lost records.
    private var othersMayLeadUntil = Instant.zero
    private(set) var hasLostRecords = false
    /// The broker has lost all records, and no checkpoint of a later tenure was read since.
    private(set) var beganAnew = false
    private var termAtLoss: Term = 0
    /// Others may have orders that are not in our tables: reading began at no checkpoint and behind
    /// the log's first record, or the broker has lost records; and no later tenure's checkpoint was
    /// read since.
    private(set) var isBlind = false

    init(_ me: WorkerID, _ incarnation: Incarnation) {
        self.me = me
        self.incarnation = incarnation
    }

    /// The log begins with this record (nil: it is unreadable). Where the broker has lost records, and
    /// another stood there before, it has lost all. (Retention removes the first ones: then the log
    /// begins further on.)
    mutating func beginsWith(_ record: LeaderRecord?, at offset: Offset) {
        let read = First(
            offset: offset, term: record?.term ?? 0, incarnation: record?.incarnation ?? 0,
            sentAt: record?.sentAt ?? .zero)
        if let first, hasLostRecords, offset <= first.offset, read != first { beganAnew = true }
        first = read
    }

    /// The log is empty; its first record will stand at `offset` or behind it.
    mutating func beginsEmpty(at offset: Offset) {
        if let first, hasLostRecords, offset <= first.offset { beganAnew = true }
        first = nil
    }

    /// Judges the next record of the log, read at `now`.
    mutating func judge(_ record: LeaderRecord, at now: Instant) -> Verdict {
        let verdict = referee(record)
        guard verdict != .void else {
            if hasLostRecords && record.workerID != me {
                let wait = Settings.withClockMargin(record.leaseMs)
                othersMayLeadUntil = max(othersMayLeadUntil, now + wait)
            }
            return .void
        }
        heardAt = now
        longestLeaseMs = max(longestLeaseMs, record.leaseMs)
        if record.workerID == me && record.incarnation == incarnation {
            leaseUntil = max(leaseUntil, record.sentAt + record.leaseMs)
        } else {
            let wait = Settings.withClockMargin(record.leaseMs)
            holderMayLeadUntil = max(holderMayLeadUntil, now + wait)
        }
        if case .resign = record.order {
            // It stopped leading before it wrote this. Its predecessors' leases are untouched.
            tenure.resigned = true
            holderMayLeadUntil = .zero
            leaseUntil = .zero
        }
        return verdict
    }

    /// Section 3's table, and one rule more: a record that appears behind a later one of the same
    /// tenure is void. (Else a late `ASSIGN` could undo the `CANCEL` that it was given up for.)
    private mutating func referee(_ record: LeaderRecord) -> Verdict {
        guard record.term <= Limits.term else { return .void }
        let isHolder = record.workerID == tenure.holder && record.incarnation == tenure.incarnation
        if record.term == tenure.term, tenure.mayBeLost {
            tenure.mayBeLost = false
            if !isHolder {
                begin(record, provisional: joinedMidLog)
                return .newTenure
            }
            if !tenure.resigned { return .valid }
        }
        if case .claim = record.order {
            guard record.term > tenure.term else { return .void }
            begin(record, provisional: joinedMidLog)
            return .newTenure
        }
        if record.term > tenure.term {
            begin(record, provisional: false)
            return .newTenure
        }
        guard record.term == tenure.term, !tenure.resigned else { return .void }
        if isHolder {
            guard record.sentAt >= tenure.sentAt else { return .void }
            tenure.sentAt = record.sentAt
            // Whose own claim was void would not go on.
            if tenure.provisional { joinedMidLog = false }
            tenure.provisional = false
            return .valid
        }
        guard tenure.provisional else { return .void }
        begin(record, provisional: false)
        return .newTenure
    }

    private mutating func begin(_ record: LeaderRecord, provisional: Bool) {
        formersMayLeadUntil = max(
            max(formersMayLeadUntil, holderMayLeadUntil), othersMayLeadUntil)
        holderMayLeadUntil = .zero
        leaseUntil = .zero
        tenure = Tenure(
            term: record.term, holder: record.workerID, incarnation: record.incarnation,
            sentAt: record.sentAt, provisional: provisional)
        if case .claim = record.order { tenure.isClaimed = true }
    }

    /// A reader that has just joined, or finds that the log lost records, cannot know whose leases
    /// run: it assumes one that was written just now.
    mutating func assumeHolderWasHeard(leaseMs: Int32, at now: Instant) {
        heardAt = now
        let wait = Settings.withClockMargin(max(leaseMs, longestLeaseMs))
        formersMayLeadUntil = max(formersMayLeadUntil, now + wait)
    }

    /// The broker lost records of the log: claims that we have read may be among them, or claims
    /// that others have read and we have not. The tenure moves forward only, but who holds it and
    /// cannot be sure that all know that claims anew.
    mutating func loseRecords() {
        hasLostRecords = true
        termAtLoss = tenure.term
        isBlind = true
        tenure.mayBeLost = tenure.holder != nil
        guard isMine else { return }
        tenure.resigned = true
        leaseUntil = .zero
    }

    /// Whether the tenure is this worker's own, in this life of the process.
    var isMine: Bool {
        tenure.holder == me && tenure.incarnation == incarnation && !tenure.resigned
    }

    /// Reading begins; `midLog`: at no checkpoint, behind the log's first record.
    mutating func startReading(midLog: Bool) {
        joinedMidLog = midLog
        if midLog { isBlind = true }
    }

    /// Whether a checkpoint of the tenure says what is open in this log. One that was on its way when
    /// the broker lost everything speaks of the lost one: for those who know of the loss, by its term;
    /// for those who read a log from its beginning, by having no claim there.
    func believesCheckpoint(readingFromFirst: Bool) -> Bool {
        if beganAnew && tenure.term <= termAtLoss { return false }
        return tenure.isClaimed || !readingFromFirst
    }

    /// A checkpoint that is believed says what is open.
    mutating func onCheckpoint(term: Term) {
        guard term > termAtLoss else { return }
        isBlind = false
        beganAnew = false
    }

    /// Whether this worker leads at `now`: derived from log and clock each time it is asked.
    func leads(at now: Instant) -> Bool {
        isMine && now < leaseUntil && now >= formersMayLeadUntil
    }

    /// When `leads` may become true or false next without a record being read.
    func nextChange(after now: Instant) -> Instant {
        guard isMine, now < leaseUntil else { return .never }
        return now < formersMayLeadUntil ? formersMayLeadUntil : leaseUntil
    }
}
