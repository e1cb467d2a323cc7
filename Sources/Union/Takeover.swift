/// How a new leader learns what is open (design, section 6, takeover). The open-work table says it
/// at the claim; what has been settled since the last checkpoint stands in `results`.
struct Takeover {
    enum Phase: Equatable {
        /// We do not hold the tenure.
        case none
        /// `results` and `requests` were asked for their bounds.
        case asking
        /// `results` is read up to its end as it was then.
        case reading(until: Offset)
        /// The ledger is complete.
        case done
    }

    var phase = Phase.none
    /// The first offset of `requests` that the broker still has; nil: not known yet.
    var requestsLow: Offset?
    /// `requests` reaches to here at least.
    var requestsEnd: Offset = 0
    /// `results` has been read to its end: the answer about its bounds may say less.
    var resultsEnded = false
    /// The broker did not have the offset of `requests` where we wanted to read on.
    var lostRequests = false
    /// It may have lost records of `requests` and got others in their place since.
    var doubtsRequests = false
    /// Up to here `requests` is read again because of a doubt.
    var rereadsUntil: Offset = 0
    /// Who has what is not known: each worker is removed first, and so drops what it has.
    var isBlind = false
    /// When the last of these removals was read back.
    var calledBackAt = Instant.zero
    /// Reading heads for an open request that must be read again, not for what is next.
    var isSeeking = false
    /// The last request that the leader before us has read stood here: does it still?
    var verifies: Offset?
    var verifiesDigest: Digest = 0
    /// Who has what is not known, or whether `requests` still holds what we have read. No checkpoint
    /// says it meanwhile: the next leader would believe it.
    var isUnsure: Bool { isBlind || doubtsRequests || lostRequests || verifies != nil }
    /// Where reading of `results` began. Checkpoints name it until every request whose outcome was
    /// read before the request itself has been passed.
    var resultsFrom: Offset = 0
}

extension Node {
    /// The ledger is complete, and ours.
    var isLedgerOpen: Bool { takeover.phase == .done && log.isMine }

    /// We have become the holder of the tenure.
    mutating func beginTakeover(_ outbox: inout Outbox) {
        counters.takeovers += 1
        roster.forgetMembers()
        ledger.removeAll()
        ledger.requestsNext = openWork.requestsNext
        ledger.resultsNext = openWork.resultsNext
        ledger.lastRequest = openWork.lastRequest
        for place in 0..<openWork.capacity {
            guard let row = openWork.row(place) else { continue }
            takeOver(row)
        }
        takeover = Takeover(phase: .asking)
        takeover.doubtsRequests = log.hasLostRecords
        takeover.isBlind = log.isBlind
        takeover.calledBackAt = now
        outbox.append(.ask(.results))
        outbox.append(.ask(.requests))
    }

    private mutating func takeOver(_ row: OpenWork) {
        var entry = Ledger.Entry()
        entry.requestKey = row.requestKey
        entry.request.timeoutMs = row.timeoutMs
        entry.attempt = row.attempt
        entry.failures = row.failures
        entry.workerID = row.workerID
        entry.term = row.term
        entry.state = row.workerID == nil ? .fetching : .assigned
        entry.since = now
        entry.shownAt = now
        _ = ledger.insert(row.requestOffset, entry)
    }

    /// The tenure is somebody else's, or nobody's.
    mutating func endTenure(_ outbox: inout Outbox) {
        guard takeover.phase != .none else { return }
        takeover = Takeover()
        ledger.removeAll()
        roster.forgetMembers()
        outbox.append(.close(.results))
        outbox.append(.close(.requests))
    }

    mutating func onResultsBounds(
        low: Offset, high: Offset, _ outbox: inout Outbox
    ) {
        guard takeover.phase != .none else { return }
        if takeover.phase == .done {
            outbox.say(.logLost(.results, wanted: ledger.resultsNext, from: high))
        }
        ledger.resultsNext = min(ledger.resultsNext, high)
        // A little from before the checkpoint: ids that were settled a short while ago.
        let recent = ledger.resultsNext - Offset(Limits.recentlySettled)
        let from = log.beganAnew ? low : max(low, recent)
        open(.results, from: from, &outbox)
        takeover.resultsFrom = from
        if takeover.phase != .done { takeover.phase = .reading(until: high) }
        finishTakeover(&outbox)
    }

    mutating func onRequestsBounds(
        low: Offset, high: Offset, _ outbox: inout Outbox
    ) {
        guard takeover.phase != .none else { return }
        takeover.requestsLow = low
        // Only reading says where a topic ends: the answer may be old, or say less than there is.
        takeover.requestsEnd = max(takeover.requestsEnd, high)
        if takeover.lostRequests {
            cutRequests(at: high, &outbox)
        } else if takeover.doubtsRequests || high < ledger.requestsNext {
            verifyLastRequest()
        }
        takeover.doubtsRequests = false
        ledger.requestsNext = max(ledger.requestsNext, low)
        // Not where it was before: the first `steerRequests` seeks.
        setNext(.requests, -1)
        finishTakeover(&outbox)
    }

    /// The broker has lost records that stood before `end`, and may have others there: the last ones
    /// are read again; all of them, if it lost the leader log as well. Of our own tenure's reading
    /// we remember what stood where; else ids tell what is known.
    private mutating func readRequestsAgain(before end: Offset) {
        let low = takeover.requestsLow ?? 0
        takeover.rereadsUntil = min(max(end, takeover.rereadsUntil), takeover.requestsEnd)
        takeover.verifies = nil
        let from = log.beganAnew ? low : max(low, takeover.rereadsUntil - Offset(Limits.ledger))
        ledger.requestsNext = min(ledger.requestsNext, from)
        ledger.readFrom = min(ledger.readFrom, ledger.requestsNext)
        ledger.lastRequest = 0
        // Everybody must know it first: what lies before `requests_next` is taken for settled.
        ledger.needsCheckpoint = true
        ledger.checkpointAt = .zero
    }

    /// The last request that was read is compared with what stands there now.
    private mutating func verifyLastRequest() {
        guard ledger.requestsNext > 0 else { return }
        takeover.verifies = ledger.requestsNext - 1
        takeover.verifiesDigest = ledger.lastRequest
    }

    /// A record of `requests` was read: if it stands where the last one stood that was read before,
    /// and is another, then the broker has lost some since, and those are read again.
    mutating func findsLastRequestLost(
        _ digest: Digest, at offset: Offset, _ outbox: inout Outbox
    ) -> Bool {
        guard let wanted = takeover.verifies, offset >= wanted,
            offset == wanted || !takeover.isSeeking
        else { return false }
        takeover.verifies = nil
        // Where all was lost, one that is alike proves nothing.
        let isTheSame = digest == takeover.verifiesDigest && !log.beganAnew
        guard offset == wanted, !isTheSame else { return false }
        counters.logsLost += 1
        readRequestsAgain(before: wanted + 1)
        outbox.say(.logLost(.requests, wanted: wanted + 1, from: ledger.requestsNext))
        steerRequests(&outbox)
        return true
    }

    /// The broker lost what was at the end of `requests`, and may have put other records there
    /// since: they have offsets that we have seen. What must be fetched from there is gone.
    private mutating func cutRequests(at end: Offset, _ outbox: inout Outbox) {
        takeover.lostRequests = false
        takeover.requestsEnd = end
        forgetRequests(from: end)
        let wanted = ledger.requestsNext
        // It may have grown again beyond what we had read.
        readRequestsAgain(before: min(end, wanted))
        outbox.say(.logLost(.requests, wanted: wanted, from: ledger.requestsNext))
    }

    /// `requests` has been read from `from` to its end.
    mutating func onRequestsEnd(
        _ end: Offset, from: Offset, _ outbox: inout Outbox
    ) {
        guard isLedgerOpen, takeover.requestsLow != nil else { return }
        if end < ledger.requestsNext || fetchesBeyond(end) {
            counters.logsLost += 1
            return cutRequests(at: end, &outbox)
        }
        takeover.requestsEnd = max(takeover.requestsEnd, end)
        if leads(at: now) { takeover.verifies = nil }
        // What lies before the end and is no record is a transaction's mark.
        if from == ledger.requestsNext, end > from {
            ledger.requestsNext = end
            ledger.lastRequest = 0
        }
    }

    /// Whether an open request is to be read again where the topic does not reach.
    private func fetchesBeyond(_ end: Offset) -> Bool {
        guard ledger.fetching > 0 else { return false }
        for i in 0..<ledger.entries.capacity where ledger.isFetching(i, from: end) { return true }
        return false
    }

    /// The broker was away. It may be another that knows less, and has new records already where
    /// we have read others: the last of `requests` is read again.
    mutating func doubtRequests(_ outbox: inout Outbox) {
        guard takeover.phase == .done else { return }
        takeover.doubtsRequests = true
        outbox.append(.ask(.requests))
    }

    /// The end of what `results` held at the claim has been read.
    mutating func finishTakeover(_ outbox: inout Outbox) {
        if case .reading(let until) = takeover.phase {
            guard next(.results) >= until, takeover.resultsEnded, takeover.requestsLow != nil
            else { return }
            takeover.phase = .done
            ledger.readFrom = max(ledger.requestsNext, takeover.rereadsUntil)
            if ledger.lastRequest != 0, takeover.rereadsUntil == 0 { verifyLastRequest() }
            ledger.sweepAt = now
            ledger.needsCheckpoint = true
            var assigned: Int32 = 0
            for i in 0..<ledger.entries.capacity where ledger.entries.isUsed(i) {
                if ledger.entries[i].state == .assigned { assigned += 1 }
            }
            if let own = roster.find(settings.workerID) { countInFlight(own) }
            outbox.say(.tookOver(open: ledger.unfinished, assigned: assigned))
        }
        steerRequests(&outbox)
    }

    /// Where to read `requests` next: what must be fetched again, then what is new.
    mutating func steerRequests(_ outbox: inout Outbox) {
        guard isLedgerOpen, let low = takeover.requestsLow else { return }
        takeover.isSeeking = false
        // What lies beyond the end waits for reading to come there, if it can.
        let end = ledger.hasRoom ? takeover.requestsEnd : .max
        while outbox.hasRoom, let index = firstToFetch(before: end) {
            let offset = ledger.entries.offset(at: index)
            guard offset < low else {
                takeover.isSeeking = true
                return readRequests(from: offset, &outbox)
            }
            vanish(index, &outbox)
        }
        if let offset = takeover.verifies, offset >= low {
            return readRequests(from: offset, &outbox)
        }
        readRequests(from: ledger.requestsNext, &outbox)
    }

    /// Not beyond the end that is known: reading from there shows whether there is more.
    private mutating func readRequests(from offset: Offset, _ outbox: inout Outbox) {
        let end = max(takeover.requestsEnd, takeover.requestsLow ?? 0)
        let start = min(offset, end)
        if next(.requests) != start { open(.requests, from: start, &outbox) }
    }

    private func firstToFetch(before end: Offset) -> Int? {
        guard ledger.fetching > 0 else { return nil }
        var first: Int?
        for i in 0..<ledger.entries.capacity
        where ledger.entries.isUsed(i) && ledger.entries[i].state == .fetching
            && ledger.entries.offset(at: i) < end
        {
            if first.map({ ledger.entries.offset(at: i) < ledger.entries.offset(at: $0) }) ?? true {
                first = i
            }
        }
        return first
    }

    /// The broker lost what was to be read again from `end` on. Nothing is said of it in `results`:
    /// other requests will stand at those offsets, and that would be read as theirs.
    mutating func forgetRequests(from end: Offset) {
        for i in 0..<ledger.entries.capacity where ledger.isFetching(i, from: end) {
            ledger.remove(at: i)
            counters.requestsForgotten += 1
            ledger.needsCheckpoint = true
        }
    }

    /// Retention has removed the record of an open request.
    private mutating func vanish(_ index: Int, _ outbox: inout Outbox) {
        // Its id is not known here; who reads results finds it by its offset.
        let name = Ledger.name(after: ledger.entries.offset(at: index))
        ledger.entries[index].request.requestID = name
        ledger.entries[index].requestKey = name.key
        ledger.keep(FixedText<64>("the broker has this request's record no more"), at: index)
        conclude(index, .rejected, &outbox)
    }

    /// Reading of `requests` has gone from where it was on to `offset`: what was to be fetched
    /// between them is gone. Before that nothing was looked for: the seek is still to come.
    mutating func passRequests(to offset: Offset, _ outbox: inout Outbox) {
        guard isLedgerOpen, leads(at: now) else { return }
        while outbox.hasRoom, let index = firstToFetch(before: offset),
            ledger.entries.offset(at: index) >= next(.requests)
        {
            vanish(index, &outbox)
        }
    }
}

// MARK: - Checkpoints

extension Node {
    /// A checkpoint every second in which something changed, and before other nodes' open-work
    /// tables could be full.
    mutating func checkpointIfDue(_ outbox: inout Outbox) {
        // The log's first records are removed: a checkpoint must not be among them.
        let isOld = now >= ledger.checkpointAt + 3_600_000
        guard checkpointWaits || (isOld && mayCheckpoint), outbox.hasRoom else { return }
        let isDue = now >= ledger.checkpointAt + Self.checkpointMs
        let admitted = ledger.admitted - ledger.admittedAtWritten
        let isFull = admitted >= Int64(Limits.ledger) * 3 / 4 && ledger.checkpointUnderWay == nil
        guard isDue || isFull else { return }
        for i in 0..<ledger.entries.capacity where ledger.entries.isUsed(i) {
            let entry = ledger.entries[i]
            guard entry.state != .settled else { continue }
            outbox.pack(
                OpenWork(
                    requestOffset: ledger.entries.offset(at: i), attempt: entry.attempt,
                    failures: entry.failures, workerID: entry.workerID,
                    requestKey: entry.requestKey, timeoutMs: entry.request.timeoutMs))
        }
        ledger.needsCheckpoint = false
        ledger.checkpointAt = now
        ledger.checkpointUnderWay = ledger.requestsNext
        ledger.admittedAtWritten = ledger.admitted
        counters.checkpoints += 1
        let order = Order.checkpoint(
            requestsNext: ledger.requestsNext,
            resultsNext: ledger.settledAhead > 0 ? takeover.resultsFrom : ledger.resultsNext,
            lastRequest: ledger.lastRequest)
        writeAsLeader(order, &outbox)
    }

    /// Something has changed since the last checkpoint, or this one is not known to be in the log.
    var checkpointWaits: Bool {
        (ledger.needsCheckpoint || ledger.checkpointUnderWay != nil) && mayCheckpoint
    }

    /// It would say what is known, and fit into everybody's open-work table.
    private var mayCheckpoint: Bool {
        !takeover.isUnsure && ledger.unfinished <= Int32(Limits.ledger)
    }

    static var checkpointMs: Int32 { 1000 }

    /// Our own checkpoint was read back: everybody has it.
    mutating func onOwnCheckpoint(requestsNext: Offset) {
        guard ledger.checkpointUnderWay == requestsNext else { return }
        ledger.checkpointUnderWay = nil
        ledger.admittedAtRead = ledger.admittedAtWritten
    }
}
