/// A worker node as a pure state machine: events and the time go in, effects come out. It knows
/// no clock, no socket and no file, allocates nothing, and does the same for the same inputs.
///
/// The whole of the loop around it:
///
/// ```swift
/// var node = Node(settings, seed: seed, &arena)
/// node.start(at: clock.now)
/// while true {
///     let outbox = node.desk.outbox
///     for i in 0..<outbox.count where node.stillHolds(outbox[i], at: clock.now) {
///         carryOut(outbox[i], outbox.payload(i))
///     }
///     node.clearOutbox()
///     let (event, bytes) = wait(until: node.deadline)      // .tick when nothing else happened
///     node.step(event, bytes, at: clock.now)
/// }
/// ```
///
/// Three people live here: an *elector*, a *worker*, and sometimes a *leader*. The node is their
/// switchboard: it knows which of them a thing concerns, and in which order. One request on foot:
/// `Node`, `RequestReader`, `Ledger`, `Assigning` (the leader gives it away), `Node`, `Worker` (and
/// its job), `Node`, `Outcomes` (the leader reads its result).
public struct Node: ~Copyable {
    /// What the last step wants done stands in its outbox. (A stored property: an accessor of the
    /// node's would copy it.)
    public private(set) var desk: Desk
    private(set) var joining = Joining()
    private(set) var twin = Twin()
    private(set) var elector: Elector
    private(set) var worker: Worker
    private(set) var leader: Leader

    private var brokerIsThere = true
    /// When anything was read or delivered last.
    private var contactAt = Instant.zero
    private var shown: (role: Role, online: Bool, working: Bool)?

    /// When the next `Event.tick` is due.
    public private(set) var deadline = Instant.zero

    /// Bytes that a node takes from an arena. Most of it is never touched.
    public static var arenaBytes: Int { 6 * 1024 * 1024 }

    /// A node, before its first step. Traps when the settings contradict each other: who loads them
    /// asks `Settings.broken` first.
    public init(_ settings: Settings, seed: UInt64, _ arena: inout Arena) {
        precondition(settings.broken == nil, "Node: the timings contradict each other")
        desk = Desk(settings, seed: seed, &arena)
        elector = Elector(settings, &arena)
        worker = Worker(&arena)
        leader = Leader(&arena)
    }

    /// The first step: asks for what there is to read.
    public mutating func start(at now: Instant) {
        desk.begin(at: now)
        contactAt = now
        joining.begin(&desk)
        finish()
    }

    /// Takes one event, with its bytes, at the time `now`, which never goes back. What is to be
    /// done stands in `desk.outbox` then, in the order in which it must be done.
    public mutating func step(_ event: Event, _ bytes: Span<UInt8>, at now: Instant) {
        let before = desk.now
        desk.begin(at: now)
        observe(since: before)
        switch event {
        case .read(let record, let offset): onRecord(record, bytes, at: offset)
        case .malformed(let topic, let id, let offset): onMalformed(topic, id, bytes, at: offset)
        case .reachedEnd(let topic, let offset): onEnd(of: topic, at: offset)
        case .delivered(let receipt, let offset): onDelivered(receipt, at: offset)
        case .undelivered(let receipt): onUndelivered(receipt)
        case .bounds(let topic, let low, let high, let askedAt):
            onBounds(topic, low: low, high: high, askedAt: askedAt)
        case .vanished(let topic): onVanished(topic)
        case .brokerLost: onBroker(isThere: false)
        case .brokerFound: onBroker(isThere: true)
        case .jobEnded(let place, let end): worker.onJobEnded(Int(place), end, bytes, &desk)
        case .tick: break
        case .shutdown: onShutdown()
        }
        act()
        finish()
    }
}

// MARK: - What a node is

extension Node {
    public var settings: Settings { desk.settings }
    public var counters: Counters { desk.counters }

    public mutating func clearOutbox() { desk.clearOutbox() }

    /// The term of the tenure that the leader log has now; 0 when it has none.
    public var term: Term { elector.term }

    /// Whether this worker leads at `now` (section 3).
    public func leads(at now: Instant) -> Bool { elector.leads(at: now, desk) }

    /// What this node is at `now`; offline, a member.
    public func role(at now: Instant) -> Role { elector.role(at: now, isOnline: isOnline, desk) }

    /// Until when this worker may run jobs. For who must kill them should the worker be stopped.
    public var jobsUntil: Instant { worker.jobsUntil }

    /// Whether the next record of `requests` may be fed; the shell holds it back otherwise.
    public var wantsRequests: Bool { leader.wantsRequests(elector) }

    /// Whether an effect may still be carried out at `now`: a process can be stopped between a
    /// step and its effects, and must not light the leader's LED or give orders when it wakes. A
    /// `start` that does not hold any more is answered with `jobEnded`, as `lost`.
    public func stillHolds(_ effect: Effect, at now: Instant) -> Bool {
        switch effect {
        case .show(.leader, _, _): return leads(at: now)
        case .start: return now < worker.jobsUntil
        case .write(.leader(let r), _):
            switch r.order {
            case .claim, .noop, .resign: return now < r.sentAt + r.leaseMs
            case .addMember, .removeMember, .assign, .cancel, .checkpoint: return leads(at: now)
            }
        case .write(.result, .none): return leads(at: now)
        case .write, .show, .kill, .ask, .seek, .close, .say, .ready, .exit: return true
        }
    }

    /// Caught up, and in touch with the broker: the role LED is steady, and campaigns are run.
    private var isOnline: Bool { joining.isJoined && brokerIsThere && desk.now < outOfTouchAt }

    /// Our own heartbeats alone should have been read long before.
    private var outOfTouchAt: Instant {
        contactAt + max(desk.settings.leaderTimeoutMs, 2 * desk.settings.heartbeatMs)
    }
}

// MARK: - What a step begins with: leases that ended, before anything is said

extension Node {
    private mutating func observe(since before: Instant) {
        let pauseMs = max(desk.settings.leaderTimeoutMs / 2, 2 * desk.settings.heartbeatMs)
        if desk.now > before + pauseMs {
            elector.notePause(&desk)
            desk.count(.pauses)
        }
        noticeLeading()
        actOnBench()
    }

    /// Carries out what belongs to the beginning and the end of leading.
    private mutating func noticeLeading() {
        switch elector.edge(desk) {
        case nil: return
        case .beganToLead:
            twin.noteLed()
            desk.count(.terms)
            show()
            desk.say(.leads(elector.term))
        case .steppedDown:
            show()
            desk.count(.stepsDown)
            desk.say(.steppedDown(elector.term))
        }
        worker.hastenHeartbeat()
    }

    private mutating func actOnBench() {
        worker.act(quietAt: elector.quietAt(desk), &desk)
    }
}

// MARK: - What was read

extension Node {
    private mutating func onRecord(_ record: Record, _ bytes: Span<UInt8>, at offset: Offset) {
        guard advance(record.topic, past: offset) else { return }
        switch record {
        case .leader(let r):
            guard !joining.isLookingForWayIn || joining.lookAt(r, at: offset, &elector, &desk)
            else { return }
            onLeader(r, bytes, at: offset)
        case .candidacy(let c): elector.onCandidacy(c, isOnline: isOnline, &desk)
        case .heartbeat(let h): onHeartbeat(h, bytes, at: offset)
        case .request(let r): leader.onRequest(r, bytes, at: offset, &elector, &desk)
        case .result(let r):
            leader.onResult(r, at: offset, &elector, &desk)
            leader.finishTakeover(&elector, &desk)
        }
        finishJoining()
    }

    private mutating func onMalformed(
        _ topic: Topic, _ id: RequestID, _ why: Span<UInt8>, at offset: Offset
    ) {
        guard advance(topic, past: offset) else { return }
        desk.count(.malformed)
        desk.pack(why)
        desk.say(.malformed(topic, offset))
        switch topic {
        case .leader:
            if joining.isLookingForWayIn {
                _ = joining.lookAt(nil, at: offset, &elector, &desk)
                return
            }
            elector.passOver(malformedAt: offset)
        case .heartbeat: elector.hasRead(heartbeatsBefore: offset + 1)
        case .requests: leader.onMalformedRequest(why, id, at: offset, &elector, &desk)
        case .results: leader.onMalformedResult(at: offset, &elector, &desk)
        case .election: break
        }
        finishJoining()
    }

    /// The topic has been read up to `offset`, where there is nothing yet.
    private mutating func onEnd(of topic: Topic, at offset: Offset) {
        guard desk.next(topic) >= 0, offset >= desk.next(topic) else { return }
        if joining.isLookingForWayIn, topic == .leader {
            return joining.lookedBeyondEnd(at: offset, &elector, &desk)
        }
        if topic == .requests { leader.passRequests(to: offset, &elector, &desk) }
        joining.endsEarlier(topic, at: offset)
        let from = desk.next(topic)
        desk.hasRead(topic, to: offset)
        if topic == .requests { leader.onRequestsEnd(offset, from: from, &elector, &desk) }
        if topic == .results { leader.noteResultsEnd() }
        contactAt = desk.now
        leader.finishTakeover(&elector, &desk)
        finishJoining()
    }

    /// Moves on to what follows `offset`; false when it was read before, or is not read now.
    private mutating func advance(_ topic: Topic, past offset: Offset) -> Bool {
        guard desk.next(topic) >= 0, offset >= desk.next(topic) else {
            desk.count(.readTwice)
            return false
        }
        if topic == .requests { leader.passRequests(to: offset, &elector, &desk) }
        desk.hasRead(topic, to: offset + 1)
        if topic == .requests { leader.noteRequest(at: offset) }
        contactAt = desk.now
        return true
    }

    private mutating func onHeartbeat(
        _ h: Heartbeat, _ running: Span<UInt8>, at offset: Offset
    ) {
        elector.hasRead(heartbeatsBefore: offset + 1)
        if h.workerID == desk.settings.workerID {
            guard h.incarnation == desk.settings.incarnation else {
                return twin.onHeartbeat(
                    h, at: offset, joining, ownCount: worker.heartbeatCount, &desk)
            }
            twin.noteHeard()
        }
        leader.onHeartbeat(h, running, &elector, &desk)
    }

    private mutating func finishJoining() {
        if joining.finish(sawOwnID: twin.sawOwnID, &elector, &desk) { onJoined() }
    }

    private mutating func onJoined() {
        contactAt = desk.now
        elector.returnToMember(&desk)
        worker.beginHeartbeats(desk)
        joining.noteJoined(&desk)
    }
}

// MARK: - A record of the leader log: judged first, for everybody alike; then obeyed

extension Node {
    private mutating func onLeader(_ r: LeaderRecord, _ bytes: Span<UInt8>, at offset: Offset) {
        let wasMine = elector.isMine
        let verdict = elector.judge(r, at: offset, desk)
        guard verdict != .void else {
            desk.count(.voidRecords)
            return desk.say(.void(.leader, offset))
        }
        if verdict == .newTenure { onNewTenure(r) }
        if wasMine && !elector.isMine { leader.end(&desk) }
        noticeLeading()
        obey(r, bytes, at: offset)
        if case .claim = r.order {
            // Who claims does not lead yet, and acknowledges nothing.
        } else {
            worker.onAcknowledged(
                before: r.heartbeatOffset, at: offset, isHeard: twin.wasHeard, desk)
        }
        if case .resign = r.order {
            desk.count(.resignations)
            desk.say(.resigned(r.workerID, r.term))
            worker.hastenHeartbeat()
            return elector.campaignSoon(&desk)
        }
        // Any word of the leader ends a campaign, but not our own way into the tenure.
        elector.returnToMember(&desk)
    }

    private mutating func onNewTenure(_ r: LeaderRecord) {
        desk.count(.tenures)
        elector.onNewTenure(r.term)
        if r.workerID == desk.settings.workerID, r.incarnation != desk.settings.incarnation {
            twin.onTenure(of: r.incarnation)
        }
        desk.say(.ledBy(r.workerID, r.term))
        worker.hastenHeartbeat()
        guard elector.isMine else { return }
        leader.end(&desk)
        leader.begin(elector, &desk)
    }

    private mutating func obey(_ r: LeaderRecord, _ bytes: Span<UInt8>, at offset: Offset) {
        let me = desk.settings.workerID
        let isOurs = r.workerID == me && r.incarnation == desk.settings.incarnation
        if isOurs { leader.noteRoundTrip(of: r, desk) }
        switch r.order {
        case .claim, .noop, .resign: break
        case .addMember(let id, let incarnation):
            if id == me { twin.onAdded(incarnation, &desk) }
            if isOurs { leader.onOwnAddition(id, incarnation) }
        case .removeMember(let id):
            if id == me {
                twin.onRemoved()
                worker.onRemoved(&desk)
            }
            if isOurs { leader.onOwnRemoval(of: id, sentAt: r.sentAt, elector, &desk) }
        case .assign(let a): onAssigned(a, bytes, term: r.term, isOurs: isOurs)
        case .cancel(let attempt):
            if attempt.workerID == me { worker.onCancelled(attempt, &desk) }
            if isOurs { leader.onOwnCancel(attempt, at: offset, desk) }
        case .checkpoint(let requestsNext, let resultsNext, let lastRequest):
            let isBelieved = elector.keep(
                checkpointAt: offset, bytes, requestsNext: requestsNext, resultsNext: resultsNext,
                lastRequest: lastRequest, isReadingFromFirst: joining.isReadingFromFirst)
            if isOurs && isBelieved { leader.onOwnCheckpoint(requestsNext: requestsNext) }
        }
    }

    private mutating func onAssigned(
        _ a: Assignment, _ bytes: Span<UInt8>, term: Term, isOurs: Bool
    ) {
        guard elector.keep(a, term: term) else { return desk.count(.voidAssignments) }
        worker.dropOtherAttempts(than: a.attempt, &desk)
        guard a.attempt.workerID == desk.settings.workerID else { return }
        // Orders are for the incarnation that was added last; a leader alone works unadded.
        guard isOurs || twin.isAdded(desk) else { return desk.count(.notAccepted) }
        // What was ordered before we came was another life's: the leader gives it to another.
        guard !desk.isLeaving, joining.hasJoinedBefore else { return }
        worker.onAssigned(a, bytes, term: term, &desk)
    }
}

// MARK: - What the broker says

extension Node {
    private mutating func onDelivered(_ receipt: Receipt, at offset: Offset) {
        contactAt = desk.now
        switch receipt {
        case .none: break
        case .heartbeat(let count):
            worker.onHeartbeatDelivered(count, at: offset, isHeard: twin.wasHeard, desk)
        case .result(let place, let serial):
            worker.onResultDelivered(Int(place), serial: serial)
        }
    }

    private mutating func onUndelivered(_ receipt: Receipt) {
        desk.count(.undelivered)
        switch receipt {
        case .none, .heartbeat: break
        case .result(let place, let serial):
            worker.onResultUndelivered(Int(place), serial: serial, desk)
        }
    }

    private mutating func onBounds(
        _ topic: Topic, low: Offset, high: Offset, askedAt: Instant
    ) {
        switch topic {
        case .leader: onLeaderBounds(low: low, high: high, askedAt: askedAt)
        case .election: joining.onElectionBounds(high: high, &desk)
        case .heartbeat:
            if joining.knowsHeartbeats { leader.noteHeartbeatsSkipped(desk) }
            let from = joining.onHeartbeatBounds(low: low, high: high, &desk)
            elector.hasRead(heartbeatsBefore: from)
        case .results: leader.onResultsBounds(low: low, high: high, &elector, &desk)
        case .requests: leader.onRequestsBounds(low: low, high: high, &elector, &desk)
        }
        finishJoining()
    }

    private mutating func onLeaderBounds(low: Offset, high: Offset, askedAt: Instant) {
        if worker.trust(from: high, askedAt: askedAt), brokerIsThere { desk.emit(.ask(.leader)) }
        guard joining.isAsking else {
            return worker.onLeaderLogEnd(
                high, askedAt: askedAt, quietAt: elector.quietAt(desk), desk)
        }
        let next = desk.next(.leader)
        if next > high { desk.say(.logLost(.leader, wanted: next, from: low)) }
        // Who was added may be lost; unless only the log's first records were removed.
        if next >= low { twin.forgetAdded() }
        joining.onLeaderBounds(low: low, high: high, &elector, &desk)
    }

    /// The broker does not have the offset where we wanted to read on.
    private mutating func onVanished(_ topic: Topic) {
        desk.count(.logsLost)
        switch topic {
        case .leader:
            joining.beginAgain()
            twin.onLeaderLogLost()
            elector.loseRecords(desk)
            worker.doubtHeartbeats(desk)
            leader.end(&desk)
            noticeLeading()
            // Nobody else may know what we were ordered to do.
            worker.dropAll(&desk)
        case .heartbeat: worker.onHeartbeatsLost()
        case .election: break
        case .results:
            guard leader.hasTenure else { return }
        case .requests:
            guard leader.hasTenure else { return }
            leader.onRequestsVanished()
        }
        desk.emit(.ask(topic))
    }

    private mutating func onBroker(isThere: Bool) {
        guard isThere != brokerIsThere else { return }
        desk.say(isThere ? .brokerFound : .brokerLost)
        brokerIsThere = isThere
        // What anybody had read of heartbeats may be lost, and others at those offsets.
        worker.doubtHeartbeats(desk)
        elector.doubtHeartbeats()
        if isThere {
            leader.doubtRequests(&desk)
            desk.emit(.ask(.leader))
        }
        contactAt = desk.now
        elector.returnToMember(&desk)
    }

    /// SIGTERM: stop, then resign, then leave (section 3).
    private mutating func onShutdown() {
        guard !desk.isLeaving else { return }
        desk.leave(withinMs: desk.settings.leaseMs + desk.settings.killGraceMs)
        noticeLeading()
        show()
        worker.dropAll(&desk)
        elector.resign(&desk)
    }
}

// MARK: - What is due

extension Node {
    private mutating func act() {
        noticeLeading()
        if joining.finishWatching(desk) { onJoined() }
        if let leavesAt = desk.leavesAt,
            desk.now >= leavesAt || (!elector.isMine && worker.isIdle)
        {
            return desk.emit(.exit(.done))
        }
        if joining.isJoined, !isOnline { elector.stayOffline(&desk) }
        if isOnline, !desk.isLeaving { elector.actOnCampaign(&desk) }
        leader.act(&elector, &desk)
        actOnBench()
        elector.announceIfDue(&desk)
        if joining.isJoined, !desk.isLeaving, desk.now >= worker.heartbeatDueAt {
            let role = role(at: desk.now)
            worker.sayHeartbeat(elector.log.tenure, role, ranking: elector.ranking(desk), &desk)
        }
    }

    private mutating func finish() {
        show()
        deadline = nextDeadline()
    }

    /// Inlined, for a call would copy the node.
    @inline(__always)
    private func nextDeadline() -> Instant {
        var next = min(
            elector.log.nextChange(after: desk.now),
            worker.deadline(quietAt: elector.quietAt(desk), desk))
        if let until = joining.watchesUntil { next = min(next, until) }
        if let leavesAt = desk.leavesAt { return min(next, leavesAt) }
        guard joining.isJoined else { return next }
        next = min(next, worker.heartbeatDueAt)
        if isOnline { next = min(next, min(elector.campaignsAt(desk), outOfTouchAt)) }
        if elector.isMine { next = min(next, elector.announcesAt(desk)) }
        return min(next, leader.deadline(elector, desk))
    }

    private mutating func show() {
        let (role, online, working) = (role(at: desk.now), isOnline, worker.isWorking)
        if let shown, shown == (role, online, working) { return }
        shown = (role, online, working)
        desk.emit(.show(role, online: online, working: working))
    }
}
