// MARK: - Work is taken back (design, section 6)

extension Leader {
    /// Orders the worker that has this entry to drop it.
    mutating func cancel(
        _ index: Int, _ reason: CancelReason, _ elector: inout Elector, _ desk: inout Desk
    ) {
        precondition(ledger.entries[index].state == .assigned, "Leader: nobody has it")
        ledger.cancel(index, reason)
        desk.count(.cancelled)
        let worker = ledger.entries[index].workerID.flatMap { roster.find($0) }
        switch reason {
        case .unacknowledged:
            desk.count(.unacknowledged)
            if let worker { roster.doubtAddition(worker) }
        case .overrun:
            desk.count(.overruns)
            if let worker { roster.suspend(worker) }
        case .stalled, .removed, .forgotten, .settled: break
        }
        desk.say(.cancelled(attempt(of: index, desk), reason))
        writeCancel(index, &elector, &desk)
    }

    private mutating func writeCancel(
        _ index: Int, _ elector: inout Elector, _ desk: inout Desk
    ) {
        guard case .cancelling(let reason) = ledger.entries[index].state else {
            preconditionFailure("Leader: it is not cancelled")
        }
        ledger.noteCancelWritten(index, at: desk.now)
        let order = Order.cancel(attempt(of: index, desk), unlessStarted: reason == .stalled)
        elector.order(order, &desk)
    }

    /// Our own `ASSIGN_WORK_REQUEST` was read back.
    mutating func onOwnAssignment(
        _ attempt: Attempt, at offset: Offset, _ desk: borrowing Desk
    ) {
        guard let index = ledger.find(attempt.requestOffset), ledger.isOut(index),
            self.attempt(of: index, desk) == attempt
        else { return }
        ledger.noteOrdered(index, at: offset)
    }

    /// Our own `CANCEL_WORK_REQUEST` was read back.
    mutating func onOwnCancel(_ attempt: Attempt, at offset: Offset, _ desk: borrowing Desk) {
        guard let index = ledger.find(attempt.requestOffset),
            case .cancelling = ledger.entries[index].state,
            self.attempt(of: index, desk) == attempt, ledger.entries[index].cancelOffset == nil
        else { return }
        ledger.noteCancelRead(index, at: offset, desk.now)
    }
}

// MARK: - When

extension Leader {
    mutating func sweepAssigned(_ index: Int, _ elector: inout Elector, _ desk: inout Desk) {
        if removeIfSilent(index, &elector, &desk) { return }
        let entry = ledger.entries[index]
        let shownAt = max(max(entry.shownAt, elector.leadingSince), roster.skippedAt)
        let ackMs = max(desk.settings.ackTimeoutMs, timeoutMs(of: entry.workerID, desk))
        if desk.now >= shownAt + ackMs {
            return cancel(index, .unacknowledged, &elector, &desk)
        }
        guard let deadlineMs = entry.deadlineMs else { return }
        // The worker has the time that it needs to start it and to kill it; then it is ours.
        let grace = ackMs + 2 * desk.settings.killGraceMs
        let startedAt = max(entry.startedAt ?? entry.since, elector.leadingSince)
        if desk.now >= startedAt + deadlineMs + grace {
            cancel(index, .overrun, &elector, &desk)
        }
    }

    /// Whoever has an entry, and is not heard for so long, has no job any more.
    func timeoutMs(of worker: WorkerID?, _ desk: borrowing Desk) -> Int32 {
        guard let worker, worker != desk.settings.workerID else {
            return desk.settings.memberTimeoutMs
        }
        return roster.timeoutMs(of: worker, desk)
    }

    /// An entry whose worker is no member and was not heard: nobody removed it yet (takeover).
    private mutating func removeIfSilent(
        _ index: Int, _ elector: inout Elector, _ desk: inout Desk
    ) -> Bool {
        guard let id = ledger.entries[index].workerID, id != desk.settings.workerID
        else { return false }
        if let worker = roster.find(id) {
            guard !roster[worker].isMember,
                roster.isSilent(worker, leadingSince: elector.leadingSince, desk)
            else { return false }
        } else {
            // Its heartbeats were acknowledged even where there was no room to know it.
            let silentSince = max(elector.leadingSince, roster.passedOverAt)
            guard desk.now >= silentSince + timeoutMs(of: id, desk) else { return false }
        }
        writeRemoval(of: id, &elector, &desk)
        return true
    }

    /// A short op that turns out slow must not hold those after it: they are taken back.
    mutating func cancelStalled(_ elector: inout Elector, _ desk: inout Desk) {
        // Members that speak 1 would drop what they have started, too.
        guard speaks >= 2 else { return }
        for worker in 0..<roster.count where roster[worker].inFlight > roster[worker].slots {
            let id = roster.id(worker)
            var overdue: Int32 = 0
            for index in 0..<ledger.capacity where ledger.isHeld(index, by: id) {
                let entry = ledger.entries[index]
                guard entry.state == .assigned, entry.shownAt >= entry.since + timing.slowMs
                else { continue }
                overdue += 1
                guard entry.isShort else { continue }
                ledger.noteSlow(index)
                roster.noteSlow(worker)
            }
            if overdue >= roster[worker].slots { cancelQueue(of: worker, &elector, &desk) }
        }
    }

    /// Takes back all that this worker has not started but the oldest, as many as it has slots.
    private mutating func cancelQueue(
        of worker: Int, _ elector: inout Elector, _ desk: inout Desk
    ) {
        let id = roster.id(worker)
        for index in 0..<ledger.capacity where ledger.entries.isUsed(index) {
            guard desk.hasRoom else { return }
            let entry = ledger.entries[index]
            guard entry.state == .assigned, entry.workerID == id, entry.startedAt == nil
            else { continue }
            if olderAssignments(than: index) >= roster[worker].slots {
                cancel(index, .stalled, &elector, &desk)
            }
        }
    }

    private func olderAssignments(than index: Int) -> Int32 {
        let entry = ledger.entries[index]
        let offset = ledger.entries.offset(at: index)
        var older: Int32 = 0
        for i in 0..<ledger.capacity where ledger.entries.isUsed(i) {
            let other = ledger.entries[i]
            guard other.state == .assigned, other.workerID == entry.workerID else { continue }
            if other.since < entry.since
                || (other.since == entry.since && ledger.entries.offset(at: i) < offset)
            {
                older += 1
            }
        }
        return older
    }
}

// MARK: - How it ends

extension Leader {
    /// A heartbeat under our term: what its worker was told to drop, or is said to have ended, and
    /// does not have any more is over.
    mutating func endDropped(
        _ h: Heartbeat, _ running: Span<UInt8>, _ elector: inout Elector, _ desk: inout Desk
    ) {
        guard ledger.unfinished > 0 else { return }
        for index in 0..<ledger.capacity where ledger.isHeld(index, by: h.workerID) {
            guard let offset = ledger.ends(index, term: elector.term), h.leaderOffset > offset
            else { continue }
            if h.hasRunning(ledger.entries.offset(at: index), running) {
                resumeIfStalled(index, h, &desk)
                continue
            }
            // Its next heartbeat says the same of the rest.
            guard desk.hasRoom else { return }
            if endAsSaid(index, &desk) { continue }
            guard case .cancelling(let reason) = ledger.entries[index].state else { continue }
            // Of a removed worker's attempts another incarnation cannot speak.
            let counts =
                reason == .removed
                || !ledger.surelyNotStarted(
                    index, before: h.startedOffset ?? .max, term: elector.term)
            endCancelled(index, reason, counts: counts, elector, &desk)
        }
    }

    /// It was to be taken back unless it had started, and had.
    private mutating func resumeIfStalled(_ index: Int, _ h: Heartbeat, _ desk: inout Desk) {
        let entry = ledger.entries[index]
        guard entry.state == .cancelling(.stalled), let offset = entry.cancelOffset,
            h.leaderOffset > offset
        else { return }
        ledger.resume(index, at: desk.now)
    }

    /// True: its worker has said how the attempt ended.
    private mutating func endAsSaid(_ index: Int, _ desk: inout Desk) -> Bool {
        guard let said = ledger.entries[index].saidOver else { return false }
        // Where nobody else can be asked it is the request's own: else it would never end.
        let isOwn = said.cannotStart && !noteFailedStart(index, &desk)
        let counts = said.counts || isOwn
        end(index, said.status, counts: counts, cannotStart: said.cannotStart, &desk)
        return true
    }

    /// A worker that was told to drop a job, and does not say that it has read it. Its lease is
    /// renewed only by what it reads, and all that it can read before our order was there before
    /// it: `member_timeout_ms` after we read the order back, that lease is over.
    mutating func sweepCancelling(
        _ index: Int, _ reason: CancelReason, _ elector: inout Elector, _ desk: inout Desk
    ) {
        let entry = ledger.entries[index]
        // What was written is on its way.
        if entry.cancelOffset == nil, desk.now < entry.since + desk.settings.ackTimeoutMs { return }
        switch reason {
        case .unacknowledged, .overrun, .forgotten, .settled:
            if removeIfSilent(index, &elector, &desk) { return }
        case .removed, .stalled: break
        }
        guard let offset = entry.cancelOffset else { return writeCancel(index, &elector, &desk) }
        guard let id = entry.workerID, desk.now >= entry.since + timeoutMs(of: id, desk)
        else { return }
        if let worker = roster.find(id) {
            guard roster[worker].leaderOffset <= offset else { return }
            roster.mustRead(worker, beyond: offset)
        }
        endCancelled(index, reason, counts: true, elector, &desk)
    }

    /// `REMOVE_MEMBER` for this worker was written just now, and cancels all that it has. It may be
    /// lost on its way: until it is read back, the worker may run what it has.
    mutating func cancelWithRemoval(of id: WorkerID, _ desk: borrowing Desk) {
        for index in 0..<ledger.capacity where ledger.isHeld(index, by: id) {
            switch ledger.entries[index].state {
            case .assigned, .cancelling(.unacknowledged), .cancelling(.overrun),
                .cancelling(.stalled):
                ledger.cancel(index, .removed)
            case .cancelling: break
            case .waiting, .fetching, .repeats, .concluded, .settled: continue
            }
            // Should the removal be lost, a new CANCEL is written.
            ledger.noteCancelWritten(index, at: desk.now)
        }
    }

    /// Our own `REMOVE_MEMBER` was read back: what the worker was to drop before it has ended.
    mutating func onOwnRemoval(
        of id: WorkerID, sentAt: Instant, _ elector: borrowing Elector, _ desk: inout Desk
    ) {
        noteBlindRemovalRead(id, sentAt: sentAt, desk)
        // While nobody led, the worker may have renewed its lease alone.
        guard elector.leads(desk), sentAt >= elector.leadingSince else { return }
        for index in 0..<ledger.capacity where ledger.isHeld(index, by: id) {
            guard case .cancelling(let reason) = ledger.entries[index].state,
                ledger.entries[index].since <= sentAt
            else { continue }
            endCancelled(index, reason, counts: true, elector, &desk)
        }
    }

    /// `counts`: nobody can know that it was not started.
    private mutating func endCancelled(
        _ index: Int, _ reason: CancelReason, counts: Bool, _ elector: borrowing Elector,
        _ desk: inout Desk
    ) {
        if endAsSaid(index, &desk) { return }
        switch reason {
        // It was another request's attempt.
        case .forgotten: end(index, .lost, counts: false, &desk)
        case .stalled, .settled: end(index, .lost, counts: counts, &desk)
        case .unacknowledged, .overrun, .removed:
            endAsLost(index, counts: counts, elector, &desk)
        }
    }
}
