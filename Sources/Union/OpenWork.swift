/// The open-work table (design, section 6, takeover): what every node knows of unfinished
/// requests from the leader log alone, a pure function of its prefix. The last valid checkpoint's
/// rows, and the valid assignments after it.
struct OpenWorkTable: ~Copyable {
    /// A row that a checkpoint left out: its request was settled.
    struct Dropped {
        var row: OpenWork
        /// It had no outcome in `results` before this offset.
        var openAt: Offset
    }

    private var rows: OffsetTable<OpenWork>
    private var isListed: Table<Bool>
    /// What the last checkpoint says beside its rows.
    private(set) var checkpoint = Checkpoint(requestsNext: 0, resultsNext: 0)
    /// Whoever has work of these, and was not heard for so many ms, has no job any more: as the last
    /// checkpoint and the claims after it say.
    private(set) var memberTimeoutMs: Int32 = 0
    /// The rows that checkpoints left out last: should the broker lose their outcomes, they are open
    /// again (section 12).
    private(set) var dropped: Ring<Dropped>

    init(_ capacities: Capacities, _ arena: inout Arena) {
        let filler = OpenWork(
            requestOffset: 0, attempt: 0, failures: 0, workerID: nil, requestKey: 0)
        rows = OffsetTable(capacity: capacities.openWork, filler: filler, &arena)
        isListed = arena.table(capacities.openWork, filler: false)
        let none = Dropped(row: filler, openAt: 0)
        dropped = Ring(capacity: capacities.ledger, filler: none, &arena)
    }

    var capacity: Int { rows.capacity }

    /// The row in this place, if there is one.
    func row(_ place: Int) -> OpenWork? { rows.isUsed(place) ? rows[place] : nil }

    /// A checkpoint says all: what it does not list is settled. Bytes: its packed rows.
    mutating func replace(_ list: Span<UInt8>, _ checkpoint: Checkpoint) {
        let count = list.count / Limits.packedOpenWorkBytes
        for i in 0..<count {
            if let known = rows.find(Self.row(list, i).requestOffset) { isListed[known] = true }
        }
        for place in 0..<rows.capacity where rows.isUsed(place) {
            if !isListed[place] {
                dropped.push(Dropped(row: rows[place], openAt: self.checkpoint.resultsNext))
                rows.remove(at: place)
            }
            isListed[place] = false
        }
        for i in 0..<count {
            let row = Self.row(list, i)
            if let known = rows.find(row.requestOffset) {
                rows[known] = row
            } else if row.requestOffset >= 0 {
                _ = rows.insert(row.requestOffset, row)
            }
        }
        self.checkpoint = checkpoint
        if let ms = checkpoint.memberTimeoutMs { memberTimeoutMs = ms }
    }

    /// A tenure: its holder gives work. Who does not say how long it waits may have given it to boards of
    /// the slowest pace.
    mutating func begin(memberTimeoutMs ms: Int32?) {
        memberTimeoutMs = max(memberTimeoutMs, ms ?? Settings.slowestHoldMs)
    }

    private static func row(_ list: Span<UInt8>, _ index: Int) -> OpenWork {
        var row = Payload.openWork(list, at: index * Limits.packedOpenWorkBytes)
        if row.attempt > Limits.attemptsEver { row.attempt = 0 }
        return row
    }

    /// The broker has lost the whole log: no offset means what it meant.
    mutating func forgetDropped() { dropped.removeAll() }

    /// Applies an assignment; false when it is void: for a request that is settled, or an attempt
    /// number that was used before (it was written long ago and appears late). What a checkpoint
    /// (`isAfterCheckpoint`) does not list is settled.
    mutating func assign(_ a: Assignment, term: Term, isAfterCheckpoint: Bool) -> Bool {
        var row = OpenWork(
            requestOffset: a.attempt.requestOffset, attempt: a.attempt.attempt,
            failures: a.failures, workerID: a.attempt.workerID,
            requestKey: a.request.requestID.key, timeoutMs: a.request.timeoutMs)
        row.term = term
        guard row.attempt <= Limits.attemptsEver else { return false }
        if let known = rows.find(row.requestOffset) {
            guard row.attempt > rows[known].attempt else { return false }
            rows[known] = row
            return true
        }
        let isSettled = isAfterCheckpoint && row.requestOffset < checkpoint.requestsNext
        guard row.requestOffset >= 0, !isSettled else { return false }
        return rows.insert(row.requestOffset, row) != nil
    }
}
