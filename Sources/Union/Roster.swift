/// Who is there (design, section 5): every worker whose heartbeats were read, and of those the
/// union's members, as the leader has added them.
struct Roster: ~Copyable {
    struct Worker {
        /// Whose heartbeats count: another's do once this one is silent.
        var incarnation: Incarnation = 0
        /// When any incarnation was heard last: its lease may have been renewed. And this one.
        var heardAt = Instant.zero
        var spokeAt = Instant.zero
        var slots: Int32 = 1
        /// It has read the leader log up to here.
        var leaderOffset: Offset = 0
        /// It gets no work before it has read beyond here.
        var mustRead: Offset = -1
        /// Its last heartbeat carried our term: it has read every order before our claim.
        var isCurrent = false
        var isMember = false
        /// Which incarnation `ADD_MEMBER` named, when, and whether that was read back.
        var added: Incarnation = 0
        var addedAt = Instant.zero
        var isAdded = false
        /// When a leader that does not know what it has called it back, and whether that was read
        /// back.
        var calledBackAt = Instant.zero
        var isCalledBack = false
        /// Open assignments, and those of them that are not known to be short.
        var inFlight: Int32 = 0
        var slow: Int32 = 0
        /// Since when it has had a free slot.
        var freeSince = Instant.zero
        /// Attempts that it overran and has not been seen to stop: it gets no work meanwhile.
        var overrun: Int32 = 0
    }

    private var ids: Table<WorkerID>
    private var workers: Table<Worker>
    private(set) var count = 0
    var members: Int32 = 0
    /// When a heartbeat was passed over last because there was no room for its worker.
    var passedOverAt = Instant.zero
    /// When heartbeats were passed over last because the broker had lost some.
    var skippedAt = Instant.zero
    /// Every heartbeat before this offset has been read: the members' acknowledgement. 0: not known.
    var heartbeatOffset: Offset = 0

    init(_ arena: inout Arena) {
        ids = arena.table(Limits.members, filler: WorkerID(high: 0, low: 0))
        workers = arena.table(Limits.members, filler: Worker())
    }

    subscript(index: Int) -> Worker {
        get { workers[index] }
        set { workers[index] = newValue }
    }

    func id(_ index: Int) -> WorkerID { ids[index] }

    func find(_ id: WorkerID) -> Int? {
        for i in 0..<count where ids[i] == id { return i }
        return nil
    }

    /// The worker's index; nil when it is unknown and there is no room: the places of workers
    /// last heard before `silentSince` that are no members are given away.
    mutating func findOrAdd(_ id: WorkerID, silentSince: Instant) -> Int? {
        if let known = find(id) { return known }
        if count < ids.count {
            count += 1
            ids[count - 1] = id
            workers[count - 1] = Worker()
            return count - 1
        }
        for i in 0..<count where !workers[i].isMember && workers[i].heardAt < silentSince {
            ids[i] = id
            workers[i] = Worker()
            return i
        }
        return nil
    }

    /// A new tenure knows no members yet.
    mutating func forgetMembers() {
        members = 0
        for i in 0..<count {
            workers[i].isMember = false
            workers[i].isCurrent = false
            workers[i].inFlight = 0
            workers[i].slow = 0
            workers[i].overrun = 0
            workers[i].mustRead = -1
            workers[i].leaderOffset = 0
            workers[i].calledBackAt = .zero
            workers[i].isCalledBack = false
        }
    }
}

extension Node {
    mutating func onHeartbeat(
        _ h: Heartbeat, _ running: Span<UInt8>, at offset: Offset, _ outbox: inout Outbox
    ) {
        roster.heartbeatOffset = offset + 1
        if h.workerID == settings.workerID {
            if h.incarnation != settings.incarnation { return onTwin(h, at: offset, &outbox) }
            joining.wasHeard = true
        }
        let silent = now - settings.memberTimeoutMs
        guard let index = roster.findOrAdd(h.workerID, silentSince: silent) else {
            counters.rosterFull += 1
            roster.passedOverAt = now
            return
        }
        if roster[index].incarnation != h.incarnation {
            guard roster[index].incarnation == 0 || takesTheOthersPlace(h, index) else {
                // Two may live: no work for either before it is clear who does.
                roster[index].heardAt = now
                roster[index].isCurrent = false
                return
            }
            roster[index].incarnation = h.incarnation
        }
        if roster[index].isMember, roster[index].added != h.incarnation, leads(at: now) {
            // The board was started anew: what it had is lost.
            removeMember(index, &outbox)
        }
        roster[index].heardAt = now
        roster[index].spokeAt = now
        // Of a log that is lost it may have read more than there is now.
        roster[index].leaderOffset = min(h.leaderOffset, next(.leader))
        roster[index].slots = max(1, min(h.slots, Int32(Limits.slots)))
        guard log.isMine, h.term == log.tenure.term, h.leaderID == settings.workerID else {
            roster[index].isCurrent = false
            return
        }
        roster[index].isCurrent = true
        guard leads(at: now) else { return }
        addAgainIfLost(index, &outbox)
        if !roster[index].isMember && h.workerID != settings.workerID {
            addMember(index, &outbox)
        }
        onReport(h, running, from: index, &outbox)
    }

    private mutating func addMember(_ index: Int, _ outbox: inout Outbox) {
        if takeover.isBlind && roster[index].calledBackAt == .zero {
            callBackUnknown(index, &outbox)
        }
        roster[index].isMember = true
        roster[index].freeSince = now
        countInFlight(index)
        roster.members += 1
        counters.membersAdded += 1
        outbox.say(.memberAdded(roster.id(index)))
        writeAddition(index, &outbox)
    }

    private mutating func writeAddition(_ index: Int, _ outbox: inout Outbox) {
        roster[index].added = roster[index].incarnation
        roster[index].addedAt = now
        roster[index].isAdded = false
        packMembers(&outbox)
        writeAsLeader(.addMember(roster.id(index), roster[index].incarnation), &outbox)
    }

    /// A worker takes orders only once it has read that it was added.
    private mutating func addAgainIfLost(_ index: Int, _ outbox: inout Outbox) {
        guard roster[index].isMember, !roster[index].isAdded,
            now >= roster[index].addedAt + settings.ackTimeoutMs
        else { return }
        writeAddition(index, &outbox)
    }

    /// Our own `ADD_MEMBER` was read back.
    mutating func onOwnAddition(_ id: WorkerID, _ incarnation: Incarnation) {
        guard let index = roster.find(id), roster[index].added == incarnation else { return }
        roster[index].isAdded = true
    }

    /// Writes `REMOVE_MEMBER`; the worker's open assignments are lost when it is read back.
    mutating func removeMember(_ index: Int, _ outbox: inout Outbox) {
        roster[index].isMember = false
        roster[index].isCurrent = false
        roster.members -= 1
        let id = roster.id(index)
        writeRemoval(of: id, &outbox)
        roster[index].inFlight = 0
        roster[index].slow = 0
    }

    mutating func writeRemoval(of id: WorkerID, _ outbox: inout Outbox) {
        counters.membersRemoved += 1
        outbox.say(.memberRemoved(id))
        packMembers(&outbox)
        writeAsLeader(.removeMember(id), &outbox)
        callBack(from: id)
    }

    /// We do not know who has what: everybody is removed, and drops what he has when he reads that.
    mutating func callAllBack(_ outbox: inout Outbox) {
        for i in 0..<roster.count where mustBeCalledBack(i) {
            guard outbox.hasRoom else { return }
            let isDue = now >= roster[i].calledBackAt + settings.ackTimeoutMs
            guard roster[i].calledBackAt == .zero || isDue else { continue }
            callBackUnknown(i, &outbox)
            if roster[i].isMember { writeAddition(i, &outbox) }
        }
    }

    private mutating func callBackUnknown(_ index: Int, _ outbox: inout Outbox) {
        roster[index].calledBackAt = now
        writeRemoval(of: roster.id(index), &outbox)
    }

    private func mustBeCalledBack(_ index: Int) -> Bool {
        !roster[index].isCalledBack && roster.id(index) != settings.workerID
    }

    /// Nobody can still have what we do not know of: who has not read his removal yet has a lease
    /// from before it.
    func areAllCalledBack() -> Bool {
        // Whom we had no room to know may have a lease from what we have read.
        let last = max(takeover.calledBackAt, roster.passedOverAt)
        guard now >= last + settings.memberTimeoutMs else { return false }
        for i in 0..<roster.count where mustBeCalledBack(i) { return false }
        return true
    }

    private func packMembers(_ outbox: inout Outbox) {
        for i in 0..<roster.count where roster[i].isMember { outbox.pack(roster.id(i)) }
    }

    /// Members that were not heard for `member_timeout_ms`, counted anew from the beginning of
    /// each time that we lead: a paused leader has read nothing, which is nobody's fault.
    mutating func sweepMembers(_ outbox: inout Outbox) {
        for i in 0..<roster.count where roster[i].isMember {
            guard outbox.hasRoom else { return }
            if isSilent(i) { removeMember(i, &outbox) }
        }
    }

    /// Whether a worker's lease is surely over, for it was not heard long enough.
    func isSilent(_ index: Int) -> Bool {
        now >= max(max(roster[index].heardAt, leadingSince), roster.skippedAt)
            + settings.memberTimeoutMs
    }

    /// Whether another incarnation than the one that counts does from now on. A board that was
    /// started anew cannot be told from a clone of one that is cut off and still works: the former
    /// must be silent. And who speaks must have read on since: else it is an earlier life's late word.
    private func takesTheOthersPlace(_ h: Heartbeat, _ index: Int) -> Bool {
        now >= max(roster[index].spokeAt, leadingSince) + settings.memberTimeoutMs
            && h.leaderOffset > roster[index].leaderOffset
    }
}

// MARK: - This node's own heartbeats, and its twin

extension Node {
    mutating func sayHeartbeat(_ outbox: inout Outbox) {
        var h = Heartbeat(workerID: settings.workerID, incarnation: settings.incarnation)
        h.count = heartbeats.count
        h.leaderID = log.tenure.resigned ? nil : log.tenure.holder
        h.term = log.tenure.term
        h.leaderOffset = next(.leader)
        h.role = role(at: now)
        h.ranking = campaign.stand == .member ? settings.ranking : campaign.ranking
        h.slots = settings.slots
        bench.report(&h, into: &outbox)
        outbox.append(.write(.heartbeat(h), .heartbeat(h.count)))
        heartbeats.sent(at: now)
        heartbeats.dueAt = now + settings.heartbeatMs
    }

    /// Something that others wait for has changed: the next heartbeat comes sooner, but at most
    /// one in 20 ms.
    mutating func hastenHeartbeat() {
        heartbeats.dueAt = min(heartbeats.dueAt, heartbeats.sentAt + Heartbeats.coalescedMs)
    }

    /// A heartbeat with our id that is not ours: an earlier life of this board, or a living twin
    /// (a cloned card). An earlier life has read nothing of what was written since we came, whenever
    /// its heartbeats appear. Of two that live, the later one leaves.
    private mutating func onTwin(
        _ h: Heartbeat, at offset: Offset, _ outbox: inout Outbox
    ) {
        joining.sawOwnID = true
        guard offset >= joining.heartbeatTarget else { return }
        if !joining.wasHeard { joining.twinBeforeUs = h.incarnation }
        guard h.leaderOffset > joining.leaderEnd else { return }
        guard now >= joining.twinAt + settings.heartbeatMs / 2 else { return }
        joining.twinAt = now
        joining.twinHeartbeats += 1
        let enough = joining.phase == .joined ? 3 : 2
        let wasFirst = joining.twinBeforeUs == h.incarnation
        if wasFirst, joining.twinHeartbeats >= enough { return leaveToTwin(&outbox) }
        // Both were heard before they met: who has said less leaves.
        let saysMore =
            h.count > heartbeats.count
            || (h.count == heartbeats.count && h.incarnation > settings.incarnation)
        if joining.phase == .joined, saysMore, joining.twinHeartbeats >= 10 {
            leaveToTwin(&outbox)
        }
    }

    private func leaveToTwin(_ outbox: inout Outbox) {
        outbox.say(.twin)
        outbox.append(.exit(.twin))
    }

    /// Orders for our id are ours: the log has added this incarnation last.
    var isAdded: Bool { addedIncarnation == settings.incarnation }

    /// The leader has added another incarnation of us after this one: we were taken for dead and
    /// somebody else lives under our id now.
    mutating func onMemberAdded(
        _ id: WorkerID, _ incarnation: Incarnation, _ outbox: inout Outbox
    ) {
        guard id == settings.workerID else { return }
        addedIncarnation = incarnation
        if incarnation == settings.incarnation {
            wasAdded = true
        } else if wasAdded {
            outbox.say(.superseded)
            outbox.append(.exit(.twin))
        }
    }
}

/// This node's heartbeats that the leader has not acknowledged yet.
struct Heartbeats: ~Copyable {
    static let coalescedMs: Int32 = 20

    private struct Sent {
        var count: Int64
        var at: Instant
        var offset: Offset?
        /// Up to where the leader had read when it was sent, as far as we knew: it stands behind.
        var readBefore: Offset
    }

    private var sent: Ring<Sent>
    /// The leader has read every heartbeat before this offset, as its last record said.
    private var readBefore: Offset = 0
    /// Only leader records from here on acknowledge anything: older ones may speak of heartbeats
    /// that the broker has lost, and whose offsets others have now.
    private var trustedFrom: Offset = 0
    private var doubtedAt = Instant.zero
    /// Heartbeats written so far.
    private(set) var count: Int64 = 0
    private(set) var sentAt = Instant.zero
    var dueAt = Instant.never

    init(_ arena: inout Arena) {
        let filler = Sent(count: 0, at: .zero, offset: nil, readBefore: 0)
        sent = Ring(capacity: Limits.unacknowledgedHeartbeats, filler: filler, &arena)
    }

    mutating func sent(at now: Instant) {
        sent.push(Sent(count: count, at: now, offset: nil, readBefore: readBefore))
        sentAt = now
        count += 1
    }

    mutating func delivered(_ count: Int64, at offset: Offset) {
        for i in 0..<sent.count where sent[i].count == count { sent[i].offset = offset }
    }

    /// A record of the holder, itself at `leaderOffset`, says how far it has read; 0: it cannot say.
    mutating func acknowledged(before offset: Offset, at leaderOffset: Offset) {
        if offset > 0 && leaderOffset >= trustedFrom { readBefore = offset }
    }

    /// When the newest heartbeat was sent that the leader has read; it and the older ones are
    /// done with. An acknowledgement may be here before the delivery report.
    mutating func newestAcknowledged() -> Instant? {
        var newest: Int?
        for i in 0..<sent.count {
            guard let at = sent[i].offset else { continue }
            if at >= sent[i].readBefore && at < readBefore { newest = i }
        }
        guard let newest else { return nil }
        let at = sent[newest].at
        for _ in 0...newest { sent.removeFirst() }
        return at
    }

    /// Their offsets mean nothing any more: the broker lost them. What the leader had read says still
    /// which offsets it can mean others by.
    mutating func forgetOffsets() { sent.removeAll() }

    /// The broker was away, or has lost other records: it may have lost some.
    mutating func doubt(at now: Instant) {
        forgetOffsets()
        trustedFrom = .max
        doubtedAt = now
    }

    /// The leader log ended at `end` when that was asked, or later.
    mutating func trust(from end: Offset, askedAt: Instant) {
        if isInDoubt && askedAt >= doubtedAt { trustedFrom = end }
    }

    /// It is not known yet from where on leader records count again.
    var isInDoubt: Bool { trustedFrom == .max }
}
