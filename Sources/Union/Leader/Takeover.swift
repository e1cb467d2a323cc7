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
    /// The next result to read.
    private(set) var next: Offset = 0
    /// `results` has been read to its end: the answer about its bounds may say less.
    private var hasEnded = false
    /// Where reading of `results` began. Checkpoints name it until every request whose outcome was
    /// read before the request itself has been passed.
    private var readFrom: Offset = 0

    /// We have become the holder; the last checkpoint says where to go on in `results`.
    mutating func begin(resultsNext: Offset) {
        self = Takeover()
        phase = .asking
        next = resultsNext
    }

    mutating func hasRead(resultsTo offset: Offset) {
        precondition(offset > 0, "Takeover: nothing stands there")
        next = offset
    }

    mutating func noteResultsEnd() { hasEnded = true }

    /// `results` reaches to `high`; where to read it from: a little from before the checkpoint, for
    /// the ids that were settled a short while ago.
    fileprivate mutating func onBounds(low: Offset, high: Offset, readsAll: Bool) -> Offset {
        next = min(next, high)
        readFrom = readsAll ? low : max(low, next - Offset(Limits.recentlySettled))
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

    /// Where a next leader should go on in `results`.
    func resultsNext(isAhead: Bool) -> Offset { isAhead ? readFrom : next }
}

extension Leader {
    /// We have become the holder of the tenure.
    mutating func begin(_ elector: borrowing Elector, _ desk: inout Desk) {
        precondition(elector.isMine, "Leader: the tenure is another's")
        desk.count(.takeovers)
        roster.forgetMembers()
        ledger.removeAll()
        checkpoints = Checkpoints()
        sweepAt = .never
        isBehind = false
        requests.begin(at: elector.openWork.requestsNext, elector.openWork.lastRequest)
        for place in 0..<elector.openWork.capacity {
            if let row = elector.openWork.row(place) { ledger.takeOver(row, at: desk.now) }
        }
        takeover.begin(resultsNext: elector.openWork.resultsNext)
        requestsLoss.begin(isDoubted: elector.log.loss.hasLostRecords)
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

    mutating func noteResultsEnd() { takeover.noteResultsEnd() }

    /// The answer to where `results` begins and ends.
    mutating func onResultsBounds(
        low: Offset, high: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) {
        guard hasTenure else { return }
        if takeover.phase == .done {
            desk.say(.logLost(.results, wanted: takeover.next, from: high))
        }
        let readsAll = elector.log.loss.beganAnew
        desk.open(.results, from: takeover.onBounds(low: low, high: high, readsAll: readsAll))
        finishTakeover(&elector, &desk)
    }

    /// A record of `results` that cannot be read ends nothing.
    mutating func onMalformedResult(
        at offset: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) {
        takeover.hasRead(resultsTo: offset + 1)
        finishTakeover(&elector, &desk)
    }

    /// Whether what `results` held at the claim has been read; then, and later, where to read
    /// `requests`.
    mutating func finishTakeover(_ elector: inout Elector, _ desk: inout Desk) {
        if requests.low != nil, takeover.finish(desk) {
            requestsLoss.beginReading(at: requests.next)
            verifyPredecessorsLast()
            sweepAt = desk.now
            checkpoints.want()
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
