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
    public internal(set) var desk: Desk
    var joining = Joining()
    var twin = Twin()
    var keyWatch = KeyWatch()
    var admission = Admission()
    /// It has said its last word.
    private var hasLeft = false
    var hearing = Hearing()
    var elector: Elector
    var worker: Worker
    var leader: Leader

    var brokerIsThere = true
    /// When anything was read or delivered last.
    var contactAt = Instant.zero
    private var shown: (role: Role, online: Bool, working: Bool)?

    /// When the next `Event.tick` is due.
    public private(set) var deadline = Instant.zero

    /// Bytes that a node takes from an arena. Most of it is never touched.
    public static var arenaBytes: Int { 6 * 1024 * 1024 }

    /// A node, before its first step. Traps when the settings contradict each other: who loads them
    /// asks `Settings.broken` first.
    public init(_ settings: Settings, seed: UInt64, _ arena: inout Arena) {
        precondition(settings.broken == nil, "Node: the timings contradict each other")
        precondition(settings.capacities.areWithinLimits, "Node: tables of an impossible size")
        desk = Desk(settings, seed: seed, &arena)
        elector = Elector(settings, &arena)
        worker = Worker(settings.capacities, &arena)
        leader = Leader(settings.capacities, &arena)
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
        case .void(let topic, let id, let digest, let isSigned, let offset):
            onVoid(topic, id, digest, isSigned: isSigned, at: offset)
        case .reachedEnd(let topic, let offset): onEnd(of: topic, at: offset)
        case .delivered(let receipt, let offset): onDelivered(receipt, at: offset)
        case .undelivered(let receipt): onUndelivered(receipt, forGood: false)
        case .refused(let receipt): onUndelivered(receipt, forGood: true)
        case .bounds(let topic, let low, let high, let askedAt):
            onBounds(topic, low: low, high: high, askedAt: askedAt)
        case .vanished(let topic): onVanished(topic)
        case .brokerLost: onBroker(isThere: false)
        case .brokerFound: onBroker(isThere: true)
        case .keeperLost: desk.keeper(answers: false)
        case .keeperFound: desk.keeper(answers: true)
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

    /// The pace of the present leader, where it is not ours.
    public var otherPace: OtherPace? {
        guard let other = elector.otherPace, !elector.log.tenure.resigned,
            elector.log.tenure.holder == other.leader
        else { return nil }
        return other
    }

    /// Another living worker has our id (section 5), or the others' records are void for us, or ours
    /// for them (section 2): we stand back.
    public var standsBack: StandingBack? {
        twin.standsBack ? .twin : keyWatch.standsBack ? .key : nil
    }

    /// The leader has not taken us in for long (section 5).
    public var isLeftOut: Bool { admission.isLeftOut }

    /// Whether this worker leads at `now` (section 3).
    public func leads(at now: Instant) -> Bool { elector.leads(at: now, desk) }

    /// Until when this worker leads, should nothing change; in the past: it does not. For who must
    /// darken its LED should the worker be stopped.
    public var leadsUntil: Instant { leads(at: desk.now) ? elector.log.lease.until : .zero }

    /// What this node is at `now`; offline, a member.
    public func role(at now: Instant) -> Role { elector.role(at: now, isOnline: isOnline, desk) }

    /// Until when this worker may run jobs. For who must kill them should the worker be stopped.
    public var jobsUntil: Instant { worker.jobsUntil }

    /// Whether the next record of `requests` may be fed; the shell holds it back otherwise.
    public var wantsRequests: Bool { leader.wantsRequests(elector, desk) }

    /// Whether an effect may still be carried out at `now`: a process can be stopped between a
    /// step and its effects, and must not light the leader's LED or give orders when it wakes. A
    /// `start` that does not hold any more is answered with `jobEnded`, as `lost`.
    public func stillHolds(_ effect: Effect, at now: Instant) -> Bool {
        switch effect {
        case .show(.leader, _, _): return leads(at: now)
        case .start: return now < worker.jobsUntil
        case .write(.leader(let r), _):
            switch r.order {
            case .claim, .noop, .resign, .unknown: return r.isMark || now < r.sentAt + r.leaseMs
            case .addMember, .removeMember, .assign, .cancel, .checkpoint: return leads(at: now)
            }
        case .write(.result, .none): return leads(at: now)
        case .write, .show, .kill, .ask, .seek, .close, .say, .ready, .exit: return true
        }
    }

    /// Caught up, and in touch with the broker and the keeper of the LEDs: the role LED is steady,
    /// and campaigns are run.
    private var isOnline: Bool {
        joining.isJoined && brokerIsThere && desk.hasKeeper && desk.now < outOfTouchAt
    }

    /// Our own heartbeats alone should have been read long before.
    private var outOfTouchAt: Instant {
        contactAt + max(desk.settings.leaderTimeoutMs, 2 * desk.settings.heartbeatMs)
    }
}

// MARK: - What a step begins with: leases that ended, before anything is said

extension Node {
    private mutating func observe(since before: Instant) {
        let pauseMs = max(desk.settings.leaderTimeoutMs / 2, 2 * desk.settings.heartbeatMs)
        // Nobody was heard while we were stopped, either.
        if joining.watchesUntil != nil, desk.now > deadline + pauseMs { watchOn() }
        if desk.now > before + pauseMs {
            elector.notePause(&desk)
            desk.count(.pauses)
        }
        noticeLeading()
        actOnBench()
    }

    /// Carries out what belongs to the beginning and the end of leading.
    mutating func noticeLeading() {
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

    private mutating func actOnBench() { worker.act(&desk) }
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
        case .candidacy(let c): elector.onCandidacy(c, at: offset, isOnline: isOnline, &desk)
        case .heartbeat(let h): onHeartbeat(h, bytes, at: offset)
        case .request(let r): leader.onRequest(r, bytes, at: offset, &elector, &desk)
        case .result(let r):
            leader.onResult(r, at: offset, &elector, &desk)
            leader.findResultsLost(&desk)
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
        case .heartbeat:
            elector.hasRead(heartbeatsBefore: offset + 1)
            // That renews the lease of whoever wrote it.
            leader.noteHeartbeatsSkipped(desk)
        case .requests: leader.onMalformedRequest(why, id, at: offset, &elector, &desk)
        case .results:
            leader.onVoidResult(.malformed(id, why), at: offset, &elector, &desk)
        case .election: break
        }
        finishJoining()
    }

    /// A record without a valid signature is as if it were not there, but that reading has come past it.
    private mutating func onVoid(
        _ topic: Topic, _ id: RequestID, _ digest: Digest, isSigned: Bool, at offset: Offset
    ) {
        guard advance(topic, past: offset) else { return }
        desk.sayVoid(topic, offset, isSigned ? .signedOtherwise : .unsigned)
        switch topic {
        case .leader:
            keyWatch.onVoidLeader(desk)
            if joining.isLookingForWayIn {
                _ = joining.lookAt(nil, at: offset, &elector, &desk)
                return
            }
            elector.passOver(malformedAt: offset)
        case .heartbeat:
            keyWatch.onVoidHeartbeat(desk)
            elector.hasRead(heartbeatsBefore: offset + 1)
        case .requests: leader.onVoidRequest(id, digest, at: offset, &elector, &desk)
        case .results: leader.onVoidResult(digest, at: offset, &elector, &desk)
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
        if topic == .results { leader.onResultsEnd(offset, &desk) }
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
                // What an earlier life said was written before we came.
                if offset >= joining.heartbeatTarget { leader.onTwin(h, desk) }
                if twin.onHeartbeat(h, at: offset, joining, desk) { standBackForTwin(.twin) }
                return
            }
            if twin.onOwnHeartbeat(h, joining) { standBackForTwin(.twin) }
            elector.noteHeartbeatRead(h.count, desk)
        } else {
            keyWatch.onHeartbeat(h, desk)
            // What its claim says no heartbeat in its name changes.
            if elector.isHolder(h), !elector.log.tenure.isClaimed {
                noteLeader(h.workerID, h.versions)
            }
        }
        leader.onHeartbeat(h, running, &elector, &desk)
    }

    /// Another lives under our id, and stays: until it is silent we neither lead nor work, and are not
    /// heard.
    mutating func standBackForTwin(_ why: Notice) {
        watchOn()
        if twin.standBack() { beginStandingBack(why) }
    }

    /// The same, until others take what we write for valid, and we what they write.
    mutating func standBack(_ hindrance: KeyWatch.Hindrance) {
        watchOn()
        guard keyWatch.standBack() else { return }
        switch hindrance {
        case .otherKey: beginStandingBack(.otherKey)
        case .notAccepted(let id): beginStandingBack(.keyNotAccepted(by: id))
        case .tooEarly: beginStandingBack(.keyTooEarly)
        }
    }

    private mutating func beginStandingBack(_ why: Notice) {
        desk.count(.standsBack)
        desk.say(why)
        elector.stopLeading()
        noticeLeading()
        worker.standBack(&desk)
    }

    private mutating func watchOn() {
        joining.standBack(forMs: desk.settings.memberTimeoutMs, desk)
    }

    mutating func finishJoining() {
        if joining.finish(twin, keyWatch, &elector, &desk) { onJoined() }
    }

    private mutating func onJoined() {
        if twin.comeBack() { desk.say(.twinGone) }
        if keyWatch.comeBack() { desk.say(.keyAccepted) }
        contactAt = desk.now
        elector.returnToMember(&desk)
        worker.beginHeartbeats(desk)
        joining.noteJoined(&desk)
    }
}

// MARK: - What the broker says

extension Node {
    private mutating func onDelivered(_ receipt: Receipt, at offset: Offset) {
        contactAt = desk.now
        switch receipt {
        case .none, .refusal: break
        case .heartbeat(let count):
            // Nothing else shows how long a record takes while heartbeats are not read.
            if !hearing.isListening { elector.noteHeartbeatRead(count, desk) }
            worker.onHeartbeatDelivered(count, at: offset, isHeard: twin.wasHeard, desk)
        case .result(let place, let serial):
            worker.onResultDelivered(Int(place), serial: serial, &desk)
        }
    }

    private mutating func onUndelivered(_ receipt: Receipt, forGood: Bool) {
        desk.count(.undelivered)
        switch receipt {
        case .none, .heartbeat, .refusal: break
        case .result(let place, let serial):
            worker.onResultUndelivered(Int(place), serial: serial, forGood: forGood, desk)
        }
    }

    /// SIGTERM: stop, then resign, then leave (section 3).
    private mutating func onShutdown() {
        guard !desk.isLeaving else { return }
        desk.leave(withinMs: desk.settings.leaseMs + desk.settings.killGraceMs)
        noticeLeading()
        show()
        worker.giveBack(&desk)
        elector.resign(&desk)
    }
}

// MARK: - What is due

extension Node {
    private mutating func act() {
        elector.giveUpIfUnheard(since: leader.unheardSince(elector), &desk)
        noticeLeading()
        // Silence is nothing, where nobody could be heard.
        if joining.watchesUntil != nil, !hearing.isListening || !brokerIsThere { watchOn() }
        // Who was cut off may come back to others than he left, or find that they have begun anew.
        // Who leads all the while is not deposed by void words.
        if isOnline, !elector.leads(desk), hearing.hasListened(desk),
            keyWatch.isBesideAnother(desk)
        {
            standBack(.otherKey)
        }
        if joining.hasWatched(desk), let why = keyWatch.hindrance(desk) {
            standBack(why)
        }
        if joining.finishWatching(desk) { onJoined() }
        if let leavesAt = desk.leavesAt,
            desk.now >= leavesAt || (!elector.isMine && worker.isIdle)
        {
            // What it gave back is over as soon as its heartbeat shows that.
            if joining.isJoined, !hasLeft { sayHeartbeat() }
            hasLeft = true
            return desk.emit(.exit)
        }
        if joining.isJoined, !isOnline { elector.stayOffline(&desk) }
        if isOnline, !desk.isLeaving {
            elector.actOnCampaign(isOutside: admission.isOutside, &desk)
        }
        hear()
        admission.look(
            isLed: isOnline && elector.follows, isAdded: twin.isAdded(desk), &desk)
        leader.act(&elector, &desk)
        actOnBench()
        if isOnline { elector.giveUpIfDue(&desk) }
        elector.announceIfDue(&desk)
        markIfDue()
        if joining.isJoined, !desk.isLeaving, desk.now >= worker.heartbeatDueAt { sayHeartbeat() }
    }

    private mutating func sayHeartbeat() {
        let role = role(at: desk.now)
        hearing.note(leader.others(desk))
        worker.noteOthers(hearing.heard, desk)
        elector.noteHeartbeatSent(worker.heartbeatCount, hearing.heard, desk)
        worker.sayHeartbeat(
            elector.log.tenure, role, ranking: elector.ranking(desk),
            follows: !admission.isOutside, isLeftOut: admission.isLeftOut, &desk)
    }

    /// Heartbeats are read where they are needed, and by turns.
    private mutating func hear() {
        let isNeeded =
            !joining.isJoined || !twin.wasHeard || twin.isNear(desk) || elector.mustHear
        if hearing.act(isNeeded: isNeeded, leader.roster, &desk) { elector.doubtHeartbeats() }
        // Whoever may speak meanwhile is not silent.
        if !hearing.isListening { leader.noteHeartbeatsSkipped(desk) }
    }

    /// Who has work, and nobody to renew its lease, shows by a mark that nobody can lead.
    private mutating func markIfDue() {
        guard desk.now >= marksAt else { return }
        worker.noteMarked(desk)
        elector.mark(&desk)
    }

    private var marksAt: Instant {
        guard joining.isJoined, brokerIsThere else { return .never }
        return worker.marksAt(quietAt: elector.quietAt(desk), desk)
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
            min(worker.deadline(desk), marksAt))
        if let until = joining.watchesUntil { next = min(next, until) }
        if let leavesAt = desk.leavesAt { return min(next, leavesAt) }
        if elector.isMine { next = min(next, elector.announcesAt(desk)) }
        guard joining.isJoined else { return next }
        next = min(next, min(worker.heartbeatDueAt, hearing.dueAt(desk)))
        next = min(next, admission.dueAt(desk))
        if isOnline {
            next = min(next, min(elector.campaignsAt(desk), outOfTouchAt))
            next = min(next, elector.givesUpAt(desk))
        }
        return min(next, leader.deadline(elector, desk))
    }

    private mutating func show() {
        let (role, working) = (role(at: desk.now), worker.isWorking)
        let online = isOnline && !admission.isLeftOut
        if let shown, shown == (role, online, working) { return }
        shown = (role, online, working)
        desk.emit(.show(role, online: online, working: working))
    }
}
