/// The capacities of one union's tables, the same in all its nodes: a leader counts on what the
/// others have room for. Small ones fill in a moment, which is how their edges are tested; what ships
/// has the largest.
public struct Capacities: Sendable {
    /// Members of the union, 1 to `Limits.members`.
    public var members = Limits.members
    /// Requests that a leader holds unfinished: a power of two, 1 to `Limits.ledger`.
    public var ledger = Limits.ledger
    /// Jobs that a worker runs, has queued, or has finished without a delivery report: 1 to
    /// `Limits.bench`, and not below its slots.
    public var bench = Limits.bench
    /// Members from which on an election takes its time, and heartbeats are read by turns: 1 to
    /// `Limits.smallUnion`.
    public var smallUnion = Limits.smallUnion

    public init() {}

    /// Rows of the open-work table that every node keeps: a checkpoint's list, and the assignments
    /// up to the next checkpoint.
    var openWork: Int { 2 * ledger }

    var areWithinLimits: Bool {
        members >= 1 && members <= Limits.members && ledger >= 1 && ledger <= Limits.ledger
            && ledger & (ledger - 1) == 0 && bench >= 1 && bench <= Limits.bench
            && smallUnion >= 1 && smallUnion <= Limits.smallUnion
    }
}

/// Every capacity of the node (design, section 9). What does not fit is refused with an error
/// that names the limit. Relations between them are checked by `LimitsTests`.
public enum Limits {
    /// Members of one union.
    public static let members = 256
    /// Requests that a leader holds unfinished.
    public static let ledger = 256
    /// Rows of the open-work table that every node keeps: a checkpoint's list, and the
    /// assignments up to the next checkpoint.
    public static let openWork = 2 * ledger
    /// Bytes of a request's `code`.
    public static let codeBytes = 4096
    /// Parameters of a request, and the bytes of all their names and values together.
    public static let parameters = 16
    public static let parameterBytes = 1024
    /// How far the term of a record of the leader log may be above the record's offset. Each term takes a
    /// record, its claim, so one above the last is always possible at the next; and who begins to read
    /// anywhere says the same of each record.
    static let termLead: Term = 1 << 40

    /// The highest term that the leader log's record at this offset can have.
    public static func highestTerm(at offset: Offset) -> Term { termLead + offset }
    /// Bytes of `request_id`, `requester_id` and of an op's name.
    public static let idBytes = 64
    public static let opBytes = 32
    /// Attempts that a request may ask for, and the longest deadline: a day.
    public static let maxAttempts: Int32 = 100
    public static let timeoutMs: Int32 = 86_400_000
    public static let signatureBytes = 256
    /// Bytes of a request's packed payload (see `Payload`): the four bulky fields and their
    /// lengths.
    public static let requestPayloadBytes = 5510
    /// Bytes of the largest payload of any record: a checkpoint's `ledger` rows.
    public static let payloadBytes = 11264
    /// Bytes of a job's output that come back in its result.
    public static let outputBytes = 4096
    /// Bytes of one record on the wire.
    public static let recordBytes = 32 * 1024
    /// Bytes of one request on the wire: the order that assigns it holds the request and less than
    /// 1 KiB of its own.
    public static let requestBytes = recordBytes - 1024
    /// What a configuration may say of timings, rankings and countdowns.
    public static let timingMs: Int32 = 3_600_000
    /// And of a leader's lease: one that a record says, and that is longer, is waited for no longer.
    public static let leaseMs: Int32 = 60_000
    public static let ranking: Int32 = 1_000_000
    public static let countdown: Int32 = 100
    /// How often a leader looks whether `requests` is the topic that it was.
    static let looksAtRequestsMs: Int32 = 10_000
    /// Leads that a board may lose in a minute before it lets others lead.
    public static let leadsLostPerMinute: Int32 = 20
    /// Members from which on an election takes its time, and heartbeats are read by turns: every word
    /// costs a read by everybody.
    public static let smallUnion: Int32 = 8
    /// Jobs that a worker runs at once.
    public static let slots = 8
    /// Jobs that a worker runs, has queued, or has finished without a delivery report.
    public static let bench = 64
    /// Finished requests that a heartbeat names.
    public static let completedIDs = 4
    /// Heartbeats whose offsets a worker remembers until the leader acknowledges them.
    public static let unacknowledgedHeartbeats = 64
    /// Requests whose ids a leader remembers after they are settled, against duplicates. More than
    /// are read again when results are lost, and so many results are read again then.
    public static let recentlySettled = 1024
    /// Attempts at a request that do not count, under one leader: then it is given up.
    public static let attemptsInVain: Int32 = 100
    /// Attempts at one request that are believed: strangers write results, too.
    public static let attempts: Int32 = 10_000
    /// And those that anybody obeys: no number of a stranger's may be the last one possible.
    public static let attemptsEver: Int32 = 1_000_000
    /// A worker knows an assignment again until it gets one for a request whose offset is the same
    /// modulo this. A power of two.
    public static let recentAttempts = 1024
    /// Job kinds that a configuration may name.
    public static let ops = 32
    /// Effects of one step, and the bytes that travel with them.
    public static let effects = 128
    public static let effectBytes = 256 * 1024
    /// Bytes of one packed worker id and of one packed row of open work (see `Payload`).
    public static let packedIDBytes = 16
    public static let packedOpenWorkBytes = 44
}
