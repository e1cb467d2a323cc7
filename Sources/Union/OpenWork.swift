/// The open-work table (design, section 6, takeover): what every node knows of unfinished
/// requests from the leader log alone, a pure function of its prefix. The last valid checkpoint's
/// rows, and the valid assignments after it.
struct OpenWorkTable: ~Copyable {
    private var rows: OffsetTable<OpenWork>
    /// Where a new leader goes on reading.
    private(set) var requestsNext: Offset = 0
    private(set) var resultsNext: Offset = 0
    /// What stood before `requestsNext`.
    private(set) var lastRequest: Digest = 0

    init(_ arena: inout Arena) {
        let filler = OpenWork(
            requestOffset: 0, attempt: 0, failures: 0, workerID: nil, requestKey: 0)
        rows = OffsetTable(capacity: Limits.openWork, filler: filler, &arena)
    }

    var capacity: Int { rows.capacity }

    /// The row in this place, if there is one.
    func row(_ place: Int) -> OpenWork? { rows.isUsed(place) ? rows[place] : nil }

    /// A checkpoint says all: what it does not list is settled. Bytes: its packed rows.
    mutating func replace(
        _ list: Span<UInt8>, requestsNext: Offset, resultsNext: Offset, lastRequest: Digest = 0
    ) {
        rows.removeAll()
        for i in 0..<(list.count / Limits.packedOpenWorkBytes) {
            var row = Payload.openWork(list, at: i * Limits.packedOpenWorkBytes)
            if row.attempt > Limits.attemptsEver { row.attempt = 0 }
            guard row.requestOffset >= 0, rows.find(row.requestOffset) == nil else { continue }
            _ = rows.insert(row.requestOffset, row)
        }
        self.requestsNext = requestsNext
        self.resultsNext = resultsNext
        self.lastRequest = lastRequest
    }

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
        let isSettled = isAfterCheckpoint && row.requestOffset < requestsNext
        guard row.requestOffset >= 0, !isSettled else { return false }
        return rows.insert(row.requestOffset, row) != nil
    }
}
