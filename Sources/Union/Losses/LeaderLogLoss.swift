/// What a node knows of the leader log itself: with which record it begins, and what the broker has
/// lost of it (design, section 12).
///
/// Everything else asks here: whether others may have orders that are not in our tables
/// (`isBlind`), whether all was lost (`beganAnew`), and whether a checkpoint is to be believed.
struct LeaderLogLoss {
    /// The log's first record, as far as it tells one from another; zeros: it is unreadable.
    private struct First: Equatable {
        var offset: Offset
        var term: Term
        var incarnation: Incarnation
        var sentAt: Instant
    }

    private var first: First?
    private(set) var hasLostRecords = false
    /// The broker has lost all records, and no checkpoint of a later tenure was read since.
    private(set) var beganAnew = false
    /// The term when the broker lost records last; and when it lost all of them.
    private var termAtLoss: Term = 0
    private var termBeforeAnew: Term = 0
    /// Others may have orders that are not in our tables: reading began at no checkpoint and after
    /// the log's first record, or the broker has lost records; and no later tenure's checkpoint was
    /// read since.
    private(set) var isBlind = false

    var isBeginningKnown: Bool { first != nil }

    /// The log begins with this record (nil: it is unreadable). Where the broker has lost records,
    /// and another stood there before, it has lost all. (Retention removes the first ones: then the
    /// log begins further on.)
    mutating func beginsWith(_ record: LeaderRecord?, at offset: Offset) {
        let read = First(
            offset: offset, term: record?.term ?? 0, incarnation: record?.incarnation ?? 0,
            sentAt: record?.sentAt ?? .zero)
        if let first, offset <= first.offset, read != first { beginAnew() }
        first = read
    }

    /// The log is empty; its first record will stand at `offset` or after it.
    mutating func beginsEmpty(at offset: Offset) {
        if let first, offset <= first.offset { beginAnew() }
        first = nil
    }

    private mutating func beginAnew() {
        guard hasLostRecords else { return }
        beganAnew = true
        termBeforeAnew = termAtLoss
    }

    /// The broker lost records of the log, in this term.
    mutating func loseRecords(term: Term) {
        hasLostRecords = true
        termAtLoss = term
        isBlind = true
    }

    /// Terms begin anew, after this one.
    mutating func beginTerms(at term: Term) {
        termAtLoss = min(termAtLoss, term)
        termBeforeAnew = min(termBeforeAnew, term)
    }

    /// Reading begins at no checkpoint, after the log's first record.
    mutating func startReadingMidLog() { isBlind = true }

    /// Reading begins at a checkpoint, which is of this log: who has read the log names it.
    mutating func enterAtCheckpoint() { termBeforeAnew = 0 }

    /// Whether a checkpoint of the tenure says what is open in this log. One that was on its way
    /// when the broker lost everything speaks of the lost one. It has no claim in this log; who has
    /// not read this log from its beginning, and knows of the loss, goes by the term. (An old term is
    /// claimed once more by who never knew that it was claimed.)
    func believesCheckpoint(of tenure: Referee.Tenure, readingFromFirst: Bool) -> Bool {
        let mayBeOld = readingFromFirst || (beganAnew && tenure.term <= termBeforeAnew)
        return tenure.isClaimed || !mayBeOld
    }

    /// A checkpoint of this term says what is open, and is believed.
    mutating func onCheckpoint(term: Term) {
        if term > termAtLoss { isBlind = false }
        if term > termBeforeAnew { beganAnew = false }
    }
}

extension LeaderRecord {
    /// False when it was on its way as the broker lost the log's tail: it names a checkpoint that
    /// would stand after it.
    func speaksOfThisLog(at offset: Offset) -> Bool { checkpointOffset < offset }
}
