/// Who holds the tenure (design, section 3): a pure function of the leader log's prefix, so every
/// reader agrees about every record, whatever the clocks do.
///
/// ```swift
/// var referee = Referee()
/// referee.startReading(midLog: offset > 0)
/// for (offset, record) in log where referee.judge(record, at: offset) != .void { obey(record) }
/// ```
public struct Referee: Sendable {
    public struct Tenure: Sendable {
        /// 0 before the first claim.
        public fileprivate(set) var term: Term = 0
        public fileprivate(set) var holder: WorkerID?
        public fileprivate(set) var incarnation: Incarnation = 0
        public fileprivate(set) var resigned = false
        /// The latest `sentAt` among the tenure's records. One process writes them all, with a
        /// clock that never goes back: what was sent before it was given up once, and appears late.
        fileprivate var sentAt = Instant.zero
        /// Its claim was read, not only a later record.
        fileprivate(set) var isClaimed = false
        /// Taken from a claim by a reader that joined in the middle of the log, and that may have
        /// missed an earlier claim of the same term: the holder's next record confirms it.
        fileprivate(set) var provisional = false
        /// The broker has lost records, perhaps this tenure's own: a claim of the same term that is
        /// read now is the first one for everybody who comes later.
        fileprivate var mayBeLost = false
    }

    public enum Verdict: Equatable, Sendable {
        case void
        /// Said by the holder of the tenure.
        case valid
        /// The same, and the tenure is new: claimed, or adopted because its claim was missed.
        case newTenure
    }

    public private(set) var tenure = Tenure()
    /// Set when reading began after the log's first record and not at a checkpoint, until a claim
    /// that was read is sure to be its term's first.
    private(set) var joinedMidLog = false

    public init() {}

    /// Reading begins; `midLog`: at no checkpoint, after the log's first record.
    public mutating func startReading(midLog: Bool) { joinedMidLog = midLog }

    /// Judges the next record of the log, at `offset`.
    public mutating func judge(_ record: LeaderRecord, at offset: Offset) -> Verdict {
        guard record.term <= Limits.highestTerm(at: offset) else { return .void }
        guard record.isHeardByAll else { return isSaidByHolder(record) ? .valid : .void }
        let verdict = weigh(record)
        if verdict != .void, case .resign = record.order { tenure.resigned = true }
        return verdict
    }

    /// What not every version reads is the holder's word, and changes nothing: those who do not read it
    /// would come to other verdicts.
    private func isSaidByHolder(_ record: LeaderRecord) -> Bool {
        isHolder(record) && record.term == tenure.term && !tenure.resigned
            && record.sentAt >= tenure.sentAt
    }

    private func isHolder(_ record: LeaderRecord) -> Bool {
        record.workerID == tenure.holder && record.incarnation == tenure.incarnation
    }

    /// Section 3's table, and one rule more: a record that appears after a later one of the same
    /// tenure is void. (Else a late `ASSIGN` could undo the `CANCEL` that it was given up for.)
    private mutating func weigh(_ record: LeaderRecord) -> Verdict {
        let isHolder = isHolder(record)
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
        precondition(record.term >= tenure.term, "Referee: a tenure goes back")
        tenure = Tenure(
            term: record.term, holder: record.workerID, incarnation: record.incarnation,
            sentAt: record.sentAt, provisional: provisional)
        if case .claim = record.order { tenure.isClaimed = true }
    }

    /// Goes on as whoever begins to read now; should the tenure be ours, it is over.
    mutating func goOn(as newReader: Referee, isOurs: Bool) {
        self = newReader
        if isOurs { tenure.resigned = true }
    }

    /// The broker lost records of the log: claims that we have read may be among them, or claims
    /// that others have read and we have not. The tenure moves forward only; its holder cannot be
    /// sure that all know that (`isOurs`: we are the holder), and leads no more.
    mutating func loseRecords(isOurs: Bool) {
        tenure.mayBeLost = tenure.holder != nil
        if isOurs { tenure.resigned = true }
    }
}
