/// What the leader log says, and whom in this node it concerns (design, section 3).
extension Node {
    /// A record of the leader log: judged first, for everybody alike; then obeyed.
    mutating func onLeader(_ r: LeaderRecord, _ bytes: Span<UInt8>, at offset: Offset) {
        let wasMine = elector.isMine
        let (verdict, isSaid) = elector.judge(r, at: offset, desk)
        if r.isMark {
            guard r.isOurs(desk) else { return }
            return worker.onMark(sentAt: r.sentAt, quietAt: elector.quietAt(desk), desk)
        }
        guard verdict != .void else {
            if isSaid { _ = keepOpenWork(r, bytes, at: offset) }
            let isTooHigh = r.term > Limits.highestTerm(at: offset)
            return desk.sayVoid(.leader, offset, isTooHigh ? .termTooHigh : .tenureOver)
        }
        keyWatch.onLeader(r, desk)
        if verdict == .newTenure { onNewTenure(r) }
        if wasMine && !elector.isMine { leader.end(&desk) }
        noticeLeading()
        obey(r, bytes, at: offset, isSaid: isSaid)
        if case .claim = r.order {
            // Who claims does not lead yet, and acknowledges nothing.
        } else {
            worker.onAcknowledged(
                before: r.heartbeatOffset, isHeard: twin.wasHeard, desk)
        }
        if case .resign = r.order {
            desk.count(.resignations)
            desk.say(.resigned(r.workerID, r.term))
            worker.hastenHeartbeat()
            return elector.onResigned(r, &desk)
        }
        // Any word of the leader ends a campaign, but not our own way into the tenure.
        elector.hearLeader(r, &desk)
    }

    private mutating func onNewTenure(_ r: LeaderRecord) {
        desk.count(.tenures)
        elector.onNewTenure(r.term)
        if r.workerID == desk.settings.workerID, r.incarnation != desk.settings.incarnation {
            twin.onTenure(of: r.incarnation)
        }
        desk.say(.ledBy(r.workerID, r.term))
        if !elector.log.tenure.isClaimed {
            elector.keepTenure(r)
            // It has said nothing yet; its next heartbeat may.
            noteLeader(r.workerID, .unsaid)
        }
        worker.noteLeader(saysTimeout: false, leaseMs: r.leaseMs, desk)
        worker.hastenHeartbeat()
        if joining.isJoined, keyWatch.isRefused(by: r, desk) {
            standBack(.notAccepted(by: r.workerID))
        }
        guard elector.isMine else { return }
        leader.end(&desk)
        leader.begin(elector, &desk)
        // Its claim was on its way when it met its twin.
        if standsBack != nil { elector.stopLeading() }
    }

    /// What the leader speaks. Who does not understand it does not follow: it has nothing, and takes
    /// nothing.
    mutating func noteLeader(_ id: WorkerID, _ versions: Versions) {
        guard admission.note(leader: id, versions, desk) else { return }
        twin.onRemoved()
        worker.standBack(&desk)
    }

    /// What the log says of open work is kept for whoever leads next, whether we obey it or not; false
    /// when it says nothing new.
    private mutating func keepOpenWork(
        _ r: LeaderRecord, _ bytes: Span<UInt8>, at offset: Offset
    ) -> Bool {
        switch r.order {
        case .noop, .resign, .addMember, .removeMember, .cancel, .unknown: return false
        case .claim:
            elector.keepTenure(r)
            return false
        case .assign(let a): return elector.keep(a, term: r.term)
        case .checkpoint(let checkpoint):
            return r.speaksOfThisLog(at: offset)
                && elector.keep(
                    checkpoint, at: offset, bytes, isReadingFromFirst: joining.isReadingFromFirst)
        }
    }

    private mutating func obey(
        _ r: LeaderRecord, _ bytes: Span<UInt8>, at offset: Offset, isSaid: Bool
    ) {
        let isKept = isSaid && keepOpenWork(r, bytes, at: offset)
        let me = desk.settings.workerID
        let isOurs = r.isOurs(desk)
        if isOurs { leader.noteRoundTrip(of: r, desk) }
        switch r.order {
        case .claim:
            worker.noteLeader(saysTimeout: r.memberTimeoutMs != nil, leaseMs: r.leaseMs, desk)
            noteLeader(r.workerID, r.versions)
            guard r.callsBack else { break }
            twin.onRemoved()
            worker.onRemoved(&desk)
        case .noop, .resign: break
        case .unknown:
            desk.count(.unknownOrders)
            desk.say(.unknownOrder(r.workerID, offset))
        case .addMember(let id, let incarnation):
            if id == me, twin.onAdded(incarnation, desk) { standBackForTwin(.superseded) }
            if isOurs { leader.onOwnAddition(id, incarnation) }
        case .removeMember(let id):
            if id == me {
                twin.onRemoved()
                worker.onRemoved(&desk)
            }
            if isOurs { leader.onOwnRemoval(of: id, sentAt: r.sentAt, elector, &desk) }
        case .assign(let a):
            guard isKept else { return desk.count(.voidAssignments) }
            if isOurs { leader.onOwnAssignment(a.attempt, at: offset, desk) }
            onAssigned(a, bytes, term: r.term, at: offset, isOurs: isOurs)
        case .cancel(let attempt, let unlessStarted):
            if attempt.workerID == me {
                worker.onCancelled(attempt, unlessStarted: unlessStarted, &desk)
            }
            if isOurs { leader.onOwnCancel(attempt, at: offset, desk) }
        case .checkpoint(let checkpoint):
            if checkpoint.memberTimeoutMs != nil {
                worker.noteLeader(saysTimeout: true, leaseMs: r.leaseMs, desk)
            }
            if isOurs && isKept {
                leader.onOwnCheckpoint(requestsNext: checkpoint.requestsNext)
            }
        }
    }

    private mutating func onAssigned(
        _ a: Assignment, _ bytes: Span<UInt8>, term: Term, at offset: Offset, isOurs: Bool
    ) {
        worker.dropOtherAttempts(than: a.attempt, &desk)
        guard a.attempt.workerID == desk.settings.workerID else { return }
        // Orders are for the incarnation that was added last; a leader alone works unadded.
        guard isOurs || (twin.isAdded(desk) && !admission.isOutside) else {
            return desk.count(.notAccepted)
        }
        // What was ordered before we came was another life's: the leader gives it to another.
        guard !desk.isLeaving, joining.hasJoinedBefore else { return }
        worker.onAssigned(a, bytes, term: term, at: offset, &desk)
    }
}
