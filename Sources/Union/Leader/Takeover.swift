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

    private(set) var phase = Phase.none
    /// The next result to read, and the digest of what was read before it; 0: not known.
    private(set) var next: Offset = 0
    private var last: Digest = 0
    /// `results` has been read to its end: the answer about its bounds may say less.
    private var hasEnded = false
    /// Where reading of `results` began. Checkpoints name it until every request whose outcome was
    /// read before the request itself has been passed.
    private(set) var readFrom: Offset = 0
    /// What was read last: a record must stand there still, and this one where its digest is known.
    private var verifies: (offset: Offset, digest: Digest)?
    /// The broker has lost results: requests without an outcome are looked for (section 12).
    private(set) var hasLost = false
    /// What had been read before the loss.
    private(set) var hadReadTo: Offset = 0

    /// We have become the holder; the last checkpoint says where to go on in `results`.
    mutating func begin(_ checkpoint: Checkpoint) {
        self = Takeover()
        phase = .asking
        (next, last) = (checkpoint.resultsRead, checkpoint.lastResult)
        verifyLast()
        (next, last) = (checkpoint.resultsNext, 0)
    }

    /// What was read last is compared with what stands there now. Nil: nothing was read.
    @discardableResult
    mutating func verifyLast() -> Offset? {
        verifies = next > 0 ? (next - 1, last) : nil
        hadReadTo = next
        return verifies?.offset
    }

    /// A record of `results`; its digest.
    mutating func hasRead(_ digest: Digest, at offset: Offset) {
        if let (wanted, expected) = verifies, offset >= wanted {
            if offset == wanted, digest != expected, expected != 0 { hasLost = true }
            verifies = nil
        }
        next = offset + 1
        last = digest
    }

    /// `results` has been read to its end. Only reading says where that is.
    mutating func hasReadAll(to end: Offset) {
        hasEnded = true
        if let (wanted, _) = verifies, end <= wanted { hasLost = true }
        verifies = nil
        if next > end { (next, last) = (end, 0) }
        guard case .reading(let until) = phase, end < until else { return }
        hasLost = true
        phase = .reading(until: end)
    }

    /// The broker has, or may have, lost results: what is still there is read again, and shows it.
    mutating func readAgain() {
        precondition(phase != .none, "Takeover: nobody reads")
        if verifies == nil && !hasLost { verifyLast() }
        hasEnded = false
        phase = .asking
    }

    /// `results` reaches to `high`; where to read it from: a little from before the checkpoint, for
    /// the ids that were settled a short while ago.
    fileprivate mutating func onBounds(low: Offset, high: Offset, readsAll: Bool) -> Offset {
        readFrom = readsAll ? low : max(low, min(next, high) - Offset(Limits.recentlySettled))
        if phase != .done { phase = .reading(until: high) }
        return readFrom
    }

    /// Whether all that was open at the claim is known.
    fileprivate mutating func finish(_ desk: borrowing Desk) -> Bool {
        guard case .reading(let until) = phase, desk.next(.results) >= until, hasEnded else {
            return false
        }
        phase = .done
        return true
    }

    fileprivate mutating func endLoss() { hasLost = false }

    /// Where a next leader goes on. `isAhead`: outcomes were read of requests that were not.
    func checkpoint(
        _ requests: RequestReader, _ firstRequest: Checkpoint.First, isAhead: Bool,
        memberTimeoutMs: Int32
    ) -> Checkpoint {
        Checkpoint(
            requestsNext: requests.next, resultsNext: isAhead ? readFrom : next,
            resultsRead: next, firstRequest: firstRequest,
            lastRequest: requests.last, lastResult: last,
            memberTimeoutMs: memberTimeoutMs)
    }
}

extension Leader {
    /// We have become the holder of the tenure.
    mutating func begin(_ elector: borrowing Elector, _ desk: inout Desk) {
        precondition(elector.isMine, "Leader: the tenure is another's")
        desk.count(.takeovers)
        roster.forgetMembers(inheritedHoldMs: elector.openWork.memberTimeoutMs)
        ledger.removeAll()
        checkpoints = Checkpoints()
        unheardSince = nil
        sweepAt = .never
        isBehind = false
        // What members speak is still to be heard.
        speaks = desk.settings.versions.newest
        requests.begin(
            at: elector.openWork.checkpoint.requestsNext, elector.openWork.checkpoint.lastRequest)
        for place in 0..<elector.openWork.capacity {
            guard let row = elector.openWork.row(place) else { continue }
            ledger.takeOver(row, at: desk.now)
            if let id = row.workerID { roster.noteOfUnion(id) }
        }
        takeover.begin(elector.openWork.checkpoint)
        requestsLoss.begin(
            isDoubted: elector.log.loss.hasLostRecords, elector.openWork.checkpoint.firstRequest)
        blindness.begin(isBlind: elector.log.loss.isBlind, at: desk.now)
        desk.emit(.ask(.results))
        desk.emit(.ask(.requests))
    }

    /// The tenure is somebody else's, or nobody's.
    mutating func end(_ desk: inout Desk) {
        guard hasTenure else { return }
        takeover = Takeover()
        blindness.end()
        ledger.removeAll()
        roster.forgetMembers()
        desk.close(.results)
        desk.close(.requests)
    }

    /// We hold the tenure, whether its ledger is complete or not.
    var hasTenure: Bool { takeover.phase != .none }

    /// `results` has been read to its end.
    mutating func onResultsEnd(_ end: Offset, _ desk: inout Desk) {
        guard hasTenure else { return }
        takeover.hasReadAll(to: end)
        findResultsLost(&desk)
    }

    /// The answer to where `results` begins and ends.
    mutating func onResultsBounds(
        low: Offset, high: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) {
        guard hasTenure else { return }
        let readsAll = elector.log.loss.beganAnew
        desk.open(.results, from: takeover.onBounds(low: low, high: high, readsAll: readsAll))
        finishTakeover(&elector, &desk)
    }

    /// A record of `results` that is malformed, or void, ends nothing.
    mutating func onVoidResult(
        _ digest: Digest, at offset: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) {
        takeover.hasRead(digest, at: offset)
        findResultsLost(&desk)
        finishTakeover(&elector, &desk)
    }

    /// Whether what `results` held at the claim has been read; then, and later, where to read
    /// `requests`.
    mutating func finishTakeover(_ elector: inout Elector, _ desk: inout Desk) {
        if requests.low != nil, takeover.finish(desk) {
            requestsLoss.beginReading(at: requests.next)
            verifyPredecessorsLast(elector, desk)
            if takeover.hasLost { openAgain(elector, &desk) }
            takeover.endLoss()
            sweepAt = desk.now
            checkpoints.want()
            // An end of `requests` that was read meanwhile is said again.
            desk.forgetPosition(of: .requests)
            var assigned: Int32 = 0
            for i in 0..<ledger.capacity where ledger.entries.isUsed(i) {
                if ledger.entries[i].state == .assigned { assigned += 1 }
            }
            if let own = roster.find(desk.settings.workerID) { countInFlight(own) }
            desk.say(.tookOver(open: ledger.unfinished, assigned: assigned))
        }
        steer(&elector, &desk)
    }
}
