/// The leader in every node (design, sections 5 and 6): it begins with a tenure of ours and ends
/// with it. Before and after it only hears who is there.
///
/// One request on foot: `RequestReader` takes it in, `Ledger` keeps it, `Assigning` gives it to a
/// worker, `Outcomes` reads how that ended. `Cancelling` takes work back from whoever does not
/// answer, `Checkpoints` and `Takeover` let the next leader go on. What the broker loses meanwhile is
/// the matter of `RequestsLoss` and `Blindness`.
struct Leader: ~Copyable {
    var roster: Roster
    var ledger: Ledger
    var takeover = Takeover()
    var requests = RequestReader()
    var requestsLoss: RequestsLoss
    var blindness = Blindness()
    var checkpoints = Checkpoints()
    var timing: Timing
    var failedStarts: FailedStarts
    /// Since when outcomes that we say ourselves are written and none is read; nil: there is none.
    var unheardSince: Instant?
    /// The protocol of what we write.
    var speaks: Int32 = 0
    /// When everything that is out is looked at next.
    var sweepAt = Instant.never
    /// More can be assigned; the last step had no room for it.
    var isBehind = false

    init(_ capacities: Capacities, _ arena: inout Arena) {
        roster = Roster(capacities, &arena)
        ledger = Ledger(capacities, &arena)
        requestsLoss = RequestsLoss(&arena)
        timing = Timing(&arena)
        failedStarts = FailedStarts(capacities, &arena)
    }

    /// The ledger is complete, and ours.
    func isOpen(_ elector: borrowing Elector) -> Bool {
        takeover.phase == .done && elector.isMine
    }

    /// Requests may be admitted: their rows fit into everybody's open-work table.
    func hasRoom(_ desk: borrowing Desk) -> Bool {
        hasRoomToOpen(desk)
            && checkpoints.unread < Int64(desk.settings.capacities.ledger)
    }

    /// One more request can be open: a checkpoint can say it.
    func hasRoomToOpen(_ desk: borrowing Desk) -> Bool {
        ledger.unfinished < Int32(desk.settings.capacities.ledger)
    }

    /// Whether the next record of `requests` may be fed.
    func wantsRequests(_ elector: borrowing Elector, _ desk: borrowing Desk) -> Bool {
        guard isOpen(elector), elector.wasLeading else { return false }
        return hasRoom(desk) || requests.isSeeking || requestsLoss.isVerifying
    }
}

// MARK: - What is due

extension Leader {
    /// Since when we have nothing but ourselves to say how requests end, and are not heard.
    func unheardSince(_ elector: borrowing Elector) -> Instant {
        isOpen(elector) ? unheardSince ?? .never : .never
    }

    /// Everything that the leader does about work: bounded by the room of a step, resumed at once.
    mutating func act(_ elector: inout Elector, _ desk: inout Desk) {
        guard isOpen(elector), elector.leads(desk) else { return }
        if desk.now >= requestsLoss.looksAt, desk.hasRoom { lookAtRequests(&desk) }
        steer(&elector, &desk)
        if desk.now >= sweepAt {
            sweepMembers(&elector, &desk)
            removeAllIfBlind(&elector, &desk)
            sweep(&elector, &desk)
        }
        checkpointIfDue(&elector, &desk)
        assignWaiting(&elector, &desk)
    }

    /// When `act` has something to do next.
    func deadline(_ elector: borrowing Elector, _ desk: borrowing Desk) -> Instant {
        guard isOpen(elector), elector.leads(desk) else { return .never }
        if isBehind { return desk.now }
        let next = min(sweepAt, requestsLoss.looksAt)
        return checkpointWaits(desk) ? min(next, checkpoints.dueAt) : next
    }

    /// Looks at everything that is out, a few times per timeout.
    private mutating func sweep(_ elector: inout Elector, _ desk: inout Desk) {
        sweepAt = desk.now + min(desk.settings.heartbeatMs, 100)
        var concludes = false
        for index in 0..<ledger.capacity where ledger.entries.isUsed(index) {
            guard desk.hasRoom else {
                sweepAt = desk.now
                return
            }
            switch ledger.entries[index].state {
            case .assigned: sweepAssigned(index, &elector, &desk)
            case .cancelling(let reason): sweepCancelling(index, reason, &elector, &desk)
            case .concluded:
                concludes = true
                sweepConcluded(index, &elector, &desk)
            case .repeats: sweepRepeating(index, &elector, &desk)
            case .waiting, .fetching, .settled: break
            }
        }
        if !concludes { unheardSince = nil }
        cancelStalled(&elector, &desk)
    }
}

// MARK: - Workers report

extension Leader {
    /// A heartbeat of whoever lives under its id.
    mutating func onHeartbeat(
        _ h: Heartbeat, _ running: Span<UInt8>, _ elector: inout Elector, _ desk: inout Desk
    ) {
        let knowsUs = elector.isMine && h.term == elector.term
        let isCurrent = knowsUs && h.leaderID == desk.settings.workerID
        let hasWork = ledger.unfinished > 0 && ledger.holdsAny(of: h.workerID)
        guard let index = roster.findOrAdd(h.workerID, isOfUnion: isCurrent || hasWork, desk) else {
            desk.count(.rosterFull)
            if hasWork { roster.notePassedOver(at: desk.now, holdMs: h.longestHoldMs) }
            if elector.leads(desk) { desk.say(.rosterFull(h.workerID)) }
            return
        }
        // A leader alone works without being added: what it has is counted when it is known.
        if h.workerID == desk.settings.workerID, roster[index].heardAt == .zero {
            countInFlight(index)
        }
        guard roster.counts(h, index, leadingSince: elector.leadingSince, desk) else { return }
        if roster[index].isMember, roster[index].added != h.incarnation, elector.leads(desk) {
            // The board was started anew: what it had is lost.
            removeMember(index, &elector, &desk)
        }
        // Of a log that is lost it may have read more than there is now.
        let leaderOffset = min(h.leaderOffset, desk.next(.leader))
        roster.hear(h, index, leaderOffset: leaderOffset, isCurrent: isCurrent, desk)
        guard elector.leads(desk) else { return }
        let isMember = roster[index].isMember || h.workerID == desk.settings.workerID
        let fits = isMember || understands(h, index, &desk)
        if knowsUs, h.leaderID == nil { onAbsence(h, running, of: index, &elector, &desk) }
        guard isCurrent else { return }
        if roster.callStuck(index) {
            let op = h.stuckOp
            desk.say(op.map { .workerStuck(h.workerID, $0) } ?? .workerCannotReport(h.workerID))
        }
        if h.isLeftOut { roster.doubtAddition(index) }
        addAgainIfLost(index, &elector, &desk)
        if !isMember, fits {
            if roster.isQuickEnough(index, desk) {
                addMember(index, &elector, &desk)
            } else if roster.callUnfit(index) {
                desk.say(.tooSlow(h.workerID, holdMs: roster[index].holdMs))
            }
        }
        if isOpen(elector) { onReport(h, running, by: index, &elector, &desk) }
    }

    /// Whether all members, and we, understand it, and it us. (Where it knows as much, it does not follow.)
    private mutating func understands(
        _ h: Heartbeat, _ index: Int, _ desk: inout Desk
    ) -> Bool {
        let common = roster.versions(desk)
        guard !common.fits(h.versions) else { return true }
        if roster.callUnfit(index) { desk.say(.otherVersion(h.workerID, h.versions, common)) }
        return false
    }

    /// Another is heard under our id.
    mutating func onTwin(_ h: Heartbeat, _ desk: borrowing Desk) {
        if let index = roster.find(h.workerID) { roster.noteOther(h, index, desk) }
    }

    /// Workers beside this one that were heard lately, led or not.
    func others(_ desk: borrowing Desk) -> Heard {
        roster.heard(since: desk.now - desk.settings.memberTimeoutMs, desk)
    }

    /// A member's heartbeat under our own term: what it has, and what it has dropped.
    private mutating func onReport(
        _ h: Heartbeat, _ running: Span<UInt8>, by worker: Int, _ elector: inout Elector,
        _ desk: inout Desk
    ) {
        var unconfirmed: Int32 = 0
        for i in 0..<h.runningCount {
            guard let index = ledger.find(Heartbeat.running(running, i)),
                ledger.isHeld(index, by: h.workerID)
            else {
                unconfirmed += 1
                continue
            }
            let deadlineMs = i < h.deadlineCount ? h.deadlineMs(running, i) : nil
            ledger.noteShown(index, deadlineMs: deadlineMs, at: desk.now)
        }
        if roster.speaksForAll(worker, desk) { endDropped(h, running, &elector, &desk) }
        roster.noteUnconfirmed(worker, unconfirmed)
    }

    /// It has read our claim, and does not follow: of what it has no more it tells the truth, and when
    /// it has nothing it is no member any more.
    private mutating func onAbsence(
        _ h: Heartbeat, _ running: Span<UInt8>, of worker: Int, _ elector: inout Elector,
        _ desk: inout Desk
    ) {
        if isOpen(elector) { onReport(h, running, by: worker, &elector, &desk) }
        if roster[worker].isMember, roster[worker].inFlight == 0 {
            removeMember(worker, &elector, &desk)
        }
    }

    /// The broker has lost heartbeats: whoever is not heard may have spoken.
    mutating func noteHeartbeatsSkipped(_ desk: borrowing Desk) {
        roster.noteSkipped(at: desk.now)
    }

    /// Nobody was listened to for a while: who was there may not be, and others are.
    mutating func forgetWhoIsThere() { roster.removeAll() }

    /// A record's way into the leader log and back, as our own records show it.
    mutating func noteRoundTrip(of r: LeaderRecord, _ desk: borrowing Desk) {
        timing.noteRoundTrip(us: desk.now.us - r.sentAt.us)
    }
}

// MARK: - Members

extension Leader {
    private mutating func addMember(
        _ index: Int, _ elector: inout Elector, _ desk: inout Desk
    ) {
        if blindness.isBlind && roster[index].blindRemovalAt == .zero {
            removeBlindly(index, &elector, &desk)
        }
        roster.add(index, at: desk.now)
        countInFlight(index)
        speak(&desk)
        desk.count(.membersAdded)
        desk.say(.memberAdded(roster.id(index)))
        writeAddition(index, &elector, &desk)
    }

    /// A worker takes orders only once it has read that it was added.
    private mutating func addAgainIfLost(
        _ index: Int, _ elector: inout Elector, _ desk: inout Desk
    ) {
        guard roster[index].isMember, !roster[index].isAdded,
            desk.now >= roster[index].addedAt + desk.settings.ackTimeoutMs
        else { return }
        writeAddition(index, &elector, &desk)
    }

    mutating func writeAddition(_ index: Int, _ elector: inout Elector, _ desk: inout Desk) {
        roster.noteAdditionWritten(index, at: desk.now)
        packMembers(&desk)
        elector.order(.addMember(roster.id(index), roster[index].incarnation), &desk)
    }

    /// Our own `ADD_MEMBER` was read back.
    mutating func onOwnAddition(_ id: WorkerID, _ incarnation: Incarnation) {
        roster.noteAdditionRead(id, incarnation)
    }

    /// A new member may have work from before it was one.
    mutating func countInFlight(_ index: Int) {
        let id = roster.id(index)
        var (inFlight, slow, overrun): (Int32, Int32, Int32) = (0, 0, 0)
        for i in 0..<ledger.capacity where ledger.isHeld(i, by: id) {
            inFlight += 1
            if !ledger.entries[i].isShort { slow += 1 }
            if ledger.entries[i].state == .cancelling(.overrun) { overrun += 1 }
        }
        roster.has(index, inFlight: inFlight, slow: slow, overrun: overrun)
    }

    /// We speak the oldest protocol among the members.
    private mutating func speak(_ desk: inout Desk) {
        let newest = roster.versions(desk).newest
        guard newest != speaks else { return }
        speaks = newest
        desk.say(.speaks(newest, newest == desk.settings.versions.newest))
    }

    /// Members that were not heard for `member_timeout_ms`.
    private mutating func sweepMembers(_ elector: inout Elector, _ desk: inout Desk) {
        speak(&desk)
        for i in 0..<roster.count where roster[i].isMember {
            guard desk.hasRoom else { return }
            if roster.isSilent(i, leadingSince: elector.leadingSince, desk) {
                removeMember(i, &elector, &desk)
            }
        }
    }

    /// Writes `REMOVE_MEMBER`; the worker's open assignments end when it is read back.
    private mutating func removeMember(
        _ index: Int, _ elector: inout Elector, _ desk: inout Desk
    ) {
        roster.remove(index)
        writeRemoval(of: roster.id(index), &elector, &desk)
    }

    mutating func writeRemoval(
        of id: WorkerID, _ elector: inout Elector, _ desk: inout Desk
    ) {
        desk.count(.membersRemoved)
        desk.say(.memberRemoved(id))
        packMembers(&desk)
        elector.order(.removeMember(id), &desk)
        cancelWithRemoval(of: id, desk)
    }

    private func packMembers(_ desk: inout Desk) {
        for i in 0..<roster.count where roster[i].isMember { desk.pack(roster.id(i)) }
    }
}
