/// A worker node as a pure state machine: events and the time go in, effects come out. It knows
/// no clock, no socket and no file, allocates nothing, and does the same for the same inputs.
///
/// The whole of the loop around it:
///
/// ```swift
/// var outbox = Outbox(&arena)
/// var node = Node(settings, seed: seed, &arena)
/// node.start(at: clock.now, into: &outbox)
/// while true {
///     for i in 0..<outbox.count where node.stillHolds(outbox[i], at: clock.now) {
///         carryOut(outbox[i], outbox.payload(i))
///     }
///     outbox.removeAll()
///     let (event, bytes) = wait(until: node.deadline)      // .tick when nothing else happened
///     node.step(event, bytes, at: clock.now, into: &outbox)
/// }
/// ```
///
/// One request on foot: `Joining` (how a node comes to read), `LeaderLog` and `Campaign` (who
/// leads), `Roster` (who is there), `Ledger` (the leader takes a request in and assigns it),
/// `Workbench` (a worker runs it and writes the result), `Ledger` again (its outcome is read),
/// `OpenWork` and `Takeover` (the next leader knows).
public struct Node: ~Copyable {
    public let settings: Settings
    public internal(set) var counters = Counters()
    var random: Random

    var joining = Joining()
    var hasJoinedBefore = false
    var log: LeaderLog
    var campaign: Campaign
    var roster: Roster
    var heartbeats: Heartbeats
    var openWork: OpenWorkTable
    var ledger: Ledger
    var takeover = Takeover()
    var bench: Workbench
    var leaving: Leaving?

    /// This incarnation was added as a member, or has led: whoever is added under our id after
    /// that is another.
    var wasAdded = false
    /// Which incarnation under our id the leader log has added last; 0: it was removed since.
    var addedIncarnation: Incarnation = 0
    /// Since when this worker leads without interruption.
    var leadingSince = Instant.zero
    private var wasLeading = false
    /// The last record written to the leader log.
    private var announcedAt = Instant.zero
    var brokerIsThere = true
    /// When anything was read or delivered last.
    var contactAt = Instant.zero
    /// The time of the present step.
    private(set) var now = Instant.zero
    private var shown: (role: Role, online: Bool, working: Bool)?
    /// The next offset to read of each topic; -1: not read.
    private var nextOffsets = InlineArray<5, Offset>(repeating: -1)

    /// When the next `Event.tick` is due.
    public private(set) var deadline = Instant.zero

    /// The term of the tenure that the leader log has now; 0 when it has none.
    public var term: Term { log.tenure.term }

    /// After SIGTERM.
    struct Leaving {
        var until: Instant
    }

    /// Bytes that `Outbox` and `Node` take from an arena. Most of it is never touched.
    public static var arenaBytes: Int { 6 * 1024 * 1024 }

    public init(_ settings: Settings, seed: UInt64, _ arena: inout Arena) {
        precondition(settings.broken == nil, "Node: the timings contradict each other")
        self.settings = settings
        random = Random(seed: seed)
        log = LeaderLog(settings.workerID, settings.incarnation)
        campaign = Campaign(&arena)
        roster = Roster(&arena)
        heartbeats = Heartbeats(&arena)
        openWork = OpenWorkTable(&arena)
        ledger = Ledger(&arena)
        bench = Workbench(&arena)
    }

    /// The first step: asks for what there is to read.
    public mutating func start(at now: Instant, into outbox: inout Outbox) {
        self.now = now
        contactAt = now
        join(&outbox)
        finish(&outbox)
    }

    /// Takes one event, with its bytes, at the time `now`, which never goes back. What is to be
    /// done is appended to `outbox`, in the order in which it must be done.
    public mutating func step(
        _ event: Event, _ bytes: Span<UInt8>, at now: Instant, into outbox: inout Outbox
    ) {
        precondition(now >= self.now, "Node: time goes back")
        let before = self.now
        self.now = now
        observe(since: before, &outbox)
        switch event {
        case .read(let record, let offset): onRecord(record, bytes, at: offset, &outbox)
        case .malformed(let topic, let offset): onMalformed(topic, bytes, at: offset, &outbox)
        case .reachedEnd(let topic, let offset): onEnd(of: topic, at: offset, &outbox)
        case .delivered(let receipt, let offset): onDelivered(receipt, at: offset)
        case .undelivered(let receipt): onUndelivered(receipt)
        case .bounds(let topic, let low, let high, let askedAt):
            onBounds(topic, low: low, high: high, askedAt: askedAt, &outbox)
        case .vanished(let topic): onVanished(topic, &outbox)
        case .brokerLost: onBroker(isThere: false, &outbox)
        case .brokerFound: onBroker(isThere: true, &outbox)
        case .jobEnded(let place, let end): onJobEnded(Int(place), end, bytes, &outbox)
        case .tick: break
        case .shutdown: onShutdown(&outbox)
        }
        act(&outbox)
        finish(&outbox)
    }
}

// MARK: - What a step begins with: leases that ended, before anything is said

extension Node {
    private mutating func observe(since before: Instant, _ outbox: inout Outbox) {
        if now > before + max(settings.leaderTimeoutMs / 2, 2 * settings.heartbeatMs) {
            // We were stopped, or slept: what the others said meanwhile is still to be read.
            if campaign.stand == .member { restartElectionTimer() }
            counters.pauses += 1
        }
        noticeLeading(&outbox)
        actOnBench(&outbox)
    }

    /// Whether this worker leads at `now` (section 3).
    public func leads(at now: Instant) -> Bool { leaving == nil && log.leads(at: now) }

    /// Carries out what belongs to the beginning and the end of leading. Whether we lead is asked
    /// anew each time; only the edge is remembered.
    mutating func noticeLeading(_ outbox: inout Outbox) {
        let leading = leads(at: now)
        guard leading != wasLeading else { return }
        wasLeading = leading
        if leading {
            leadingSince = now
            wasAdded = true
            counters.terms += 1
            show(&outbox)
            outbox.say(.leads(log.tenure.term))
        } else {
            show(&outbox)
            counters.stepsDown += 1
            outbox.say(.steppedDown(log.tenure.term))
        }
        hastenHeartbeat()
    }
}

// MARK: - What was read

extension Node {
    private mutating func onRecord(
        _ record: Record, _ bytes: Span<UInt8>, at offset: Offset, _ outbox: inout Outbox
    ) {
        guard advance(record.topic, past: offset, &outbox) else { return }
        switch record {
        case .leader(let r):
            if isLookingForWayIn {
                guard lookAt(r, at: offset, &outbox) else { return }
            }
            onLeader(r, bytes, at: offset, &outbox)
        case .candidacy(let c): onCandidacy(c, &outbox)
        case .heartbeat(let h): onHeartbeat(h, bytes, at: offset, &outbox)
        case .request(let r): onRequest(r, bytes, at: offset, &outbox)
        case .result(let r):
            onResult(r, at: offset, &outbox)
            finishTakeover(&outbox)
        }
        finishJoining(&outbox)
    }

    private mutating func onMalformed(
        _ topic: Topic, _ why: Span<UInt8>, at offset: Offset, _ outbox: inout Outbox
    ) {
        guard advance(topic, past: offset, &outbox) else { return }
        counters.malformed += 1
        outbox.pack(why)
        outbox.say(.malformed(topic, offset))
        switch topic {
        case .leader:
            if isLookingForWayIn {
                _ = lookAt(nil, at: offset, &outbox)
                return
            }
            if !log.isBeginningKnown { log.beginsWith(nil, at: offset) }
        case .heartbeat: roster.heartbeatOffset = offset + 1
        case .requests: onMalformedRequest(why, at: offset, &outbox)
        case .results:
            ledger.resultsNext = offset + 1
            finishTakeover(&outbox)
        case .election: break
        }
        finishJoining(&outbox)
    }

    /// The topic has been read up to `offset`, where there is nothing yet.
    private mutating func onEnd(
        of topic: Topic, at offset: Offset, _ outbox: inout Outbox
    ) {
        guard next(topic) >= 0, offset >= next(topic) else { return }
        if isLookingForWayIn, topic == .leader { return lookedBeyondEnd(at: offset, &outbox) }
        if topic == .requests { passRequests(to: offset, &outbox) }
        endsEarlier(topic, at: offset)
        let from = next(topic)
        setNext(topic, offset)
        if topic == .requests { onRequestsEnd(offset, from: from, &outbox) }
        if topic == .results { takeover.resultsEnded = true }
        contactAt = now
        finishTakeover(&outbox)
        finishJoining(&outbox)
    }

    /// Moves on to what follows `offset`; false when it was read before, or is not read now.
    private mutating func advance(
        _ topic: Topic, past offset: Offset, _ outbox: inout Outbox
    ) -> Bool {
        guard next(topic) >= 0, offset >= next(topic) else {
            counters.readTwice += 1
            return false
        }
        if topic == .requests { passRequests(to: offset, &outbox) }
        setNext(topic, offset + 1)
        if topic == .requests { takeover.requestsEnd = max(takeover.requestsEnd, offset + 1) }
        contactAt = now
        return true
    }

    /// A record of the leader log: judged first, for everybody alike; then obeyed.
    private mutating func onLeader(
        _ r: LeaderRecord, _ bytes: Span<UInt8>, at offset: Offset, _ outbox: inout Outbox
    ) {
        if !log.isBeginningKnown { log.beginsWith(r, at: offset) }
        let wasMine = log.isMine
        let verdict = log.judge(r, at: now)
        guard verdict != .void else {
            counters.voidRecords += 1
            outbox.say(.void(.leader, offset))
            return
        }
        if verdict == .newTenure { onNewTenure(r, &outbox) }
        if wasMine && !log.isMine { endTenure(&outbox) }
        noticeLeading(&outbox)
        obey(r, bytes, at: offset, &outbox)
        if case .claim = r.order {
            // Who claims does not lead yet, and acknowledges nothing.
        } else {
            heartbeats.acknowledged(before: r.heartbeatOffset, at: offset)
            renewWorkerLease()
        }
        if case .resign = r.order {
            counters.resignations += 1
            outbox.say(.resigned(r.workerID, r.term))
            hastenHeartbeat()
            return campaignSoon()
        }
        // Any word of the leader ends a campaign, but not our own way into the tenure.
        returnToMember()
    }

    private mutating func onNewTenure(
        _ r: LeaderRecord, _ outbox: inout Outbox
    ) {
        counters.tenures += 1
        campaign.drop(notRenewedSince: .zero, termsUpTo: r.term)
        if r.workerID == settings.workerID, r.incarnation != settings.incarnation {
            // It gives orders to our id, and means itself.
            addedIncarnation = r.incarnation
        }
        outbox.say(.ledBy(r.workerID, r.term))
        hastenHeartbeat()
        guard log.isMine else { return }
        if takeover.phase != .none { endTenure(&outbox) }
        beginTakeover(&outbox)
    }

    private mutating func obey(
        _ r: LeaderRecord, _ bytes: Span<UInt8>, at offset: Offset, _ outbox: inout Outbox
    ) {
        let isOurs = r.workerID == settings.workerID && r.incarnation == settings.incarnation
        if isOurs { measureRoundTrip(r) }
        switch r.order {
        case .claim, .noop, .resign: break
        case .addMember(let id, let incarnation):
            onMemberAdded(id, incarnation, &outbox)
            if isOurs { onOwnAddition(id, incarnation) }
        case .removeMember(let id):
            if id == settings.workerID {
                addedIncarnation = 0
                dropAllJobs(&outbox)
            }
            if isOurs { onOwnRemoval(of: id, sentAt: r.sentAt, &outbox) }
        case .assign(let a):
            guard openWork.assign(a, term: r.term) else {
                counters.voidAssignments += 1
                return
            }
            dropOtherAttempts(than: a.attempt, &outbox)
            guard a.attempt.workerID == settings.workerID else { return }
            // Orders are for the incarnation that was added last; a leader alone works unadded.
            guard isOurs || isAdded else {
                counters.notAccepted += 1
                return
            }
            onAssignment(a, bytes, term: r.term)
        case .cancel(let attempt):
            if attempt.workerID == settings.workerID { onCancel(attempt, &outbox) }
            if isOurs { onOwnCancel(attempt, at: offset) }
        case .checkpoint(let requestsNext, let resultsNext, let lastRequest):
            let isFromFirst = joining.leader == .reading && joining.readsFromFirst
            guard log.believesCheckpoint(readingFromFirst: isFromFirst) else { return }
            openWork.replace(
                bytes, at: offset, requestsNext: requestsNext, resultsNext: resultsNext,
                lastRequest: lastRequest)
            log.onCheckpoint(term: r.term)
            if isOurs { onOwnCheckpoint(requestsNext: requestsNext) }
        }
    }

    private mutating func measureRoundTrip(_ r: LeaderRecord) {
        let us = now.us - r.sentAt.us
        guard us >= 0, us < 10_000_000 else { return }
        ledger.roundTripUs += (us - ledger.roundTripUs) / 8
    }
}

// MARK: - What the broker says

extension Node {
    private mutating func onDelivered(_ receipt: Receipt, at offset: Offset) {
        contactAt = now
        switch receipt {
        case .none: break
        case .heartbeat(let count):
            heartbeats.delivered(count, at: offset)
            renewWorkerLease()
        case .result(let place, let serial): onResultDelivered(Int(place), serial: serial)
        }
    }

    private mutating func onUndelivered(_ receipt: Receipt) {
        counters.undelivered += 1
        if case .result(let place, let serial) = receipt {
            onResultUndelivered(Int(place), serial: serial)
        }
    }

    private mutating func onBroker(isThere: Bool, _ outbox: inout Outbox) {
        guard isThere != brokerIsThere else { return }
        outbox.say(isThere ? .brokerFound : .brokerLost)
        brokerIsThere = isThere
        // What anybody had read of heartbeats may be lost, and others at those offsets.
        heartbeats.doubt(at: now)
        roster.heartbeatOffset = 0
        if isThere {
            doubtRequests(&outbox)
            outbox.append(.ask(.leader))
        }
        contactAt = now
        returnToMember()
    }

    /// Caught up, and in touch with the broker: the role LED is steady, and campaigns are run.
    var isOnline: Bool { joining.phase == .joined && brokerIsThere && !isOutOfTouch }

    private var isOutOfTouch: Bool { now >= outOfTouchAt }

    /// Our own heartbeats alone should have been read long before.
    private var outOfTouchAt: Instant {
        contactAt + max(settings.leaderTimeoutMs, 2 * settings.heartbeatMs)
    }

    /// SIGTERM: stop, then resign, then leave (section 3).
    private mutating func onShutdown(_ outbox: inout Outbox) {
        guard leaving == nil else { return }
        leaving = Leaving(until: now + settings.leaseMs + settings.killGraceMs)
        noticeLeading(&outbox)
        show(&outbox)
        giveUpAll(&outbox)
        if log.isMine { writeLeaderRecord(.resign, term: log.tenure.term, &outbox) }
    }
}

// MARK: - What is due

extension Node {
    private mutating func act(_ outbox: inout Outbox) {
        noticeLeading(&outbox)
        if case .watching(let until) = joining.phase, now >= until {
            finishWatching(&outbox)
        }
        if let leaving {
            if now >= leaving.until || (!log.isMine && bench.used == 0) {
                return outbox.append(.exit(.done))
            }
        }
        wentOffline()
        actOnCampaign(&outbox)
        actOnLedger(&outbox)
        actOnBench(&outbox)
        if log.isMine, leaving == nil, now >= announcedAt + settings.announceMs {
            announce(&outbox)
        }
        if joining.phase == .joined, leaving == nil, now >= heartbeats.dueAt {
            sayHeartbeat(&outbox)
        }
    }

    /// Out of touch, we are a member; and a full timeout passes before we are anything else.
    private mutating func wentOffline() {
        guard joining.phase == .joined, !isOnline else { return }
        if campaign.stand != .member || now >= campaign.electionAt { returnToMember() }
    }

    private mutating func finish(_ outbox: inout Outbox) {
        show(&outbox)
        deadline = nextDeadline(after: now)
    }

    private func nextDeadline(after now: Instant) -> Instant {
        var next = min(log.nextChange(after: now), benchDeadline(after: now))
        if case .watching(let until) = joining.phase { next = min(next, until) }
        if let leaving { return min(next, leaving.until) }
        guard joining.phase == .joined else { return next }
        next = min(min(next, heartbeats.dueAt), campaignDeadline)
        if isOnline { next = min(next, outOfTouchAt) }
        if log.isMine { next = min(next, announcedAt + settings.announceMs) }
        guard isLedgerOpen, leads(at: now) else { return next }
        if ledger.isBehind { return now }
        next = min(next, ledger.sweepAt)
        if checkpointWaits { next = min(next, ledger.checkpointAt + Self.checkpointMs) }
        return next
    }

    private mutating func show(_ outbox: inout Outbox) {
        let (role, online, working) = (role(at: now), isOnline, bench.running > 0)
        if let shown, shown == (role, online, working) { return }
        shown = (role, online, working)
        outbox.append(.show(role, online: online, working: working))
    }

    /// What this node is at `now`; offline, a member.
    public func role(at now: Instant) -> Role {
        if leads(at: now) { return .leader }
        guard isOnline else { return .member }
        switch campaign.stand {
        case .member: return .member
        case .candidate: return .candidate
        case .voter: return .voter
        }
    }

    /// Whether the next record of `requests` may be fed; the shell holds it back otherwise.
    public var wantsRequests: Bool {
        guard isLedgerOpen, wasLeading else { return false }
        return ledger.hasRoom || takeover.isSeeking || takeover.verifies != nil
    }

    /// Whether an effect may still be carried out at `now`: a process can be stopped between a
    /// step and its effects, and must not light the leader's LED or give orders when it wakes. A
    /// `start` that does not hold any more is answered with `jobEnded`, as `lost`.
    public func stillHolds(_ effect: Effect, at now: Instant) -> Bool {
        switch effect {
        case .show(.leader, _, _): return leads(at: now)
        case .start: return now < bench.leaseUntil
        case .write(.leader(let r), _):
            switch r.order {
            case .claim, .noop, .resign: return now < r.sentAt + r.leaseMs
            default: return leads(at: now)
            }
        case .write(.result, .none): return leads(at: now)
        default: return true
        }
    }
}

// MARK: - What is written to the leader log

extension Node {
    /// "I am here", when there is nothing else to say.
    mutating func announce(_ outbox: inout Outbox) {
        writeLeaderRecord(.noop, term: log.tenure.term, &outbox)
    }

    /// An order, under our own term. Only a leader gives orders.
    mutating func writeAsLeader(_ order: Order, _ outbox: inout Outbox) {
        precondition(leads(at: now), "Node: an order by somebody who does not lead")
        writeLeaderRecord(order, term: log.tenure.term, &outbox)
    }

    mutating func writeLeaderRecord(
        _ order: Order, term: Term, _ outbox: inout Outbox
    ) {
        announcedAt = now
        let record = LeaderRecord(
            workerID: settings.workerID, incarnation: settings.incarnation, term: term,
            sentAt: now, leaseMs: settings.leaseMs, heartbeatOffset: roster.heartbeatOffset,
            checkpointOffset: openWork.checkpointOffset, order: order)
        outbox.append(.write(.leader(record), .none))
    }
}

// MARK: - Where each topic is read

extension Node {
    /// The next offset to read; -1 when the topic is not read.
    func next(_ topic: Topic) -> Offset { nextOffsets[Int(topic.rawValue)] }

    mutating func setNext(_ topic: Topic, _ offset: Offset) {
        nextOffsets[Int(topic.rawValue)] = offset
    }

    mutating func open(_ topic: Topic, from offset: Offset, _ outbox: inout Outbox) {
        setNext(topic, offset)
        outbox.append(.seek(topic, offset))
    }
}
