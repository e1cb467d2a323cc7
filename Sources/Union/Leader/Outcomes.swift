// MARK: - Attempts end, and requests have their outcome (design, section 6)

extension Leader {
    /// A record of `results`. The first final one of a request is its outcome; one that is not
    /// final ends the attempt, as soon as its worker's heartbeat does not show it any more: anybody
    /// can write such a record.
    mutating func onResult(
        _ r: WorkResult, at offset: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) {
        guard elector.isMine else { return }
        takeover.hasRead(r.digest, at: offset)
        if r.workerID == desk.settings.workerID { unheardSince = nil }
        let id = r.requestID.isEmpty ? Ledger.name(after: r.requestOffset) : r.requestID
        let key = id.key
        ledger.noteAttempt(r.attempt, of: key)
        guard let index = ledger.find(r.requestOffset) else {
            if r.final { onUnknownOutcome(r, key, &desk) }
            return
        }
        let entry = ledger.entries[index]
        let isOfThis = entry.requestKey == key || entry.requestKey == 0 && entry.state != .settled
        // The broker lost one request, and gave its offset to another.
        if !isOfThis && r.final { return ledger.rememberSettled(key, r.outcome) }
        guard entry.state != .settled, isOfThis else { return desk.count(.voidResults) }
        // A number that was used before the broker lost records may be used again.
        let isCurrent =
            entry.attempt == r.attempt && entry.workerID == r.workerID && r.term >= entry.term
        if isCurrent && entry.isLoaded && r.status != .lost && r.status != .rejected {
            timing.learn(entry.request.opCode, durationMs: r.durationMs)
            if let place = roster.find(r.workerID) {
                failedStarts.forget(place, r.workerID, entry.request.opCode)
            }
        }
        if r.final {
            settle(index, r, isCurrent: isCurrent, &elector, &desk)
        } else if isCurrent && ledger.isOut(index) {
            ledger.noteSaidOver(index, r)
        } else {
            desk.count(.voidResults)
        }
    }

    /// Takeover: the outcome of a request that is read again later.
    private mutating func onUnknownOutcome(_ r: WorkResult, _ key: Digest, _ desk: inout Desk) {
        ledger.rememberSettled(key, r.outcome)
        guard r.requestOffset >= requests.next else { return desk.count(.voidResults) }
        ledger.settleAhead(r.requestOffset, key, at: desk.now)
        if r.requestOffset >= requests.end { askEnd(&desk) }
    }

    private mutating func settle(
        _ index: Int, _ r: WorkResult, isCurrent: Bool, _ elector: inout Elector,
        _ desk: inout Desk
    ) {
        let entry = ledger.entries[index]
        if !isCurrent, entry.workerID != nil, entry.state == .assigned, elector.leads(desk) {
            let attempt = attempt(of: index, desk)
            desk.count(.cancelled)
            desk.say(.cancelled(attempt, .settled))
            elector.order(.cancel(attempt), &desk)
        }
        takeBack(index, desk)
        desk.count(.settled)
        if r.status != .completed {
            desk.say(.settled(requestOffset: r.requestOffset, r.status))
        }
        ledger.rememberSettled(
            r.requestID.isEmpty ? entry.requestKey : r.requestID.key, r.outcome)
        checkpoints.want()
        ledger.settle(index, isAhead: r.requestOffset >= requests.next)
    }

    /// The present attempt is over without an outcome.
    mutating func end(
        _ index: Int, _ status: Status, counts: Bool, cannotStart: Bool = false,
        _ desk: inout Desk
    ) {
        if desk.hasRoom { desk.say(.attemptEnded(attempt(of: index, desk), status)) }
        desk.count(.attemptsEnded)
        if ledger.entries[index].state == .cancelling(.stalled) { desk.count(.stalled) }
        takeBack(index, desk)
        checkpoints.want()
        ledger.noteAttemptOver(index, counts: counts, cannotStart: cannotStart)
        ledger.end(index, at: desk.now)
    }

    /// The same, where its worker is lost, or does not do what it was told.
    mutating func endAsLost(
        _ index: Int, counts: Bool, _ elector: borrowing Elector, _ desk: inout Desk
    ) {
        desk.count(.attemptsLost)
        if ledger.entries[index].isLoaded && desk.hasRoom {
            let reason = counts ? WorkResult.Reason.workerLost : .neverStarted
            writeOwnResult(index, .lost, reason, counts: counts, final: false, elector, &desk)
        }
        end(index, .lost, counts: counts, &desk)
    }

    /// The entry's worker has one thing less to do.
    mutating func takeBack(_ index: Int, _ desk: borrowing Desk) {
        let entry = ledger.entries[index]
        guard let id = entry.workerID else { return }
        ledger.clearWorker(index)
        guard let worker = roster.find(id) else { return }
        roster.takeBack(
            worker, wasShort: entry.isShort, wasOverrun: entry.state == .cancelling(.overrun),
            at: desk.now)
    }
}

// MARK: - Requests with one id

extension Leader {
    /// The request in this place is not the first with its id. Who waits by the id must not be misled: it
    /// gets the first one's status, and not before the first has it.
    mutating func repeatFirst(
        _ index: Int, _ id: RequestID, _ elector: inout Elector, _ desk: inout Desk
    ) {
        desk.count(.duplicates)
        desk.say(.duplicate(requestOffset: ledger.entries.offset(at: index)))
        ledger.follow(index, id, at: desk.now)
        sweepRepeating(index, &elector, &desk)
        // The ledger is not theirs alone.
        if ledger.entries[index].state == .repeats,
            ledger.repeating > Int32((desk.settings.capacities.ledger + 3) / 4)
        {
            ledger.nameByOffset(index)
            conclude(index, .rejected, .tooManyDuplicates, &elector, &desk)
        }
    }

    /// Whether the first one has ended by now, or is gone.
    mutating func sweepRepeating(_ index: Int, _ elector: inout Elector, _ desk: inout Desk) {
        if ledger.isOneOpen(before: index) { return }
        if let first = ledger.outcome(of: ledger.entries[index].requestKey) {
            // What we do not know, others may not read.
            let status = first.status == .unknown ? .failed : first.status
            conclude(index, status, .duplicate(of: first.offset), &elector, &desk)
        } else {
            ledger.followNobody(index)
        }
    }
}

// MARK: - Outcomes that the leader says itself

extension Leader {
    /// We say ourselves how a request ends, and why: `reason`, or where that is nil what the ledger
    /// has for its payload. It is over when that is read back.
    mutating func conclude(
        _ index: Int, _ status: Status, _ reason: WorkResult.Reason?,
        _ elector: inout Elector, _ desk: inout Desk
    ) {
        ledger.conclude(index, status, reason)
        checkpoints.want()
        desk.count(.concluded)
        // Without room for it, the next sweep writes it.
        guard desk.hasRoom else { return ledger.noteConclusion(index, writtenAt: .zero) }
        writeConclusion(index, elector, &desk)
    }

    /// Not read back in time: it may have been lost on its way.
    mutating func sweepConcluded(_ index: Int, _ elector: inout Elector, _ desk: inout Desk) {
        if desk.now >= ledger.entries[index].since + desk.settings.ackTimeoutMs {
            writeConclusion(index, elector, &desk)
        }
    }

    private mutating func writeConclusion(
        _ index: Int, _ elector: borrowing Elector, _ desk: inout Desk
    ) {
        guard case .concluded(let status, let reason) = ledger.entries[index].state else {
            preconditionFailure("Leader: nothing is concluded there")
        }
        ledger.noteConclusion(index, writtenAt: desk.now)
        if unheardSince == nil { unheardSince = desk.now }
        if reason == nil { desk.pack(ledger.payload(index)) }
        let counts = ledger.entries[index].attempt > 0
        writeOwnResult(index, status, reason, counts: counts, final: true, elector, &desk)
    }

    /// A result by the leader; it names itself, for only a worker's own word ends an attempt.
    private func writeOwnResult(
        _ index: Int, _ status: Status, _ reason: WorkResult.Reason?, counts: Bool, final: Bool,
        _ elector: borrowing Elector, _ desk: inout Desk
    ) {
        let entry = ledger.entries[index]
        var result = WorkResult(
            requestID: entry.request.requestID, requestOffset: ledger.entries.offset(at: index),
            workerID: desk.settings.workerID, term: elector.term, attempt: entry.attempt,
            status: status, exitCode: nil, truncated: false, durationMs: 0, final: final)
        if case .duplicate(let first) = reason { result.duplicateOf = first }
        result.reason = reason
        result.counts = counts
        desk.write(.result(result))
    }
}

extension WorkResult {
    /// What it says of its id: where the request with it stood that ended so. The first one stands before
    /// the others.
    fileprivate var outcome: Ledger.Outcome {
        let first = min(duplicateOf ?? requestOffset, requestOffset)
        return Ledger.Outcome(offset: first, status: status)
    }
}
