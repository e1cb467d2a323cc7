/// Who is there (design, section 5): every worker whose heartbeats were read, and of those the
/// union's members, as the leader has added them.
struct Roster: ~Copyable {
    struct Entry {
        /// Whose heartbeats count: another's do once this one is silent.
        fileprivate(set) var incarnation: Incarnation = 0
        fileprivate(set) var knownSince = Instant.zero
        /// When any incarnation was heard last: its lease may have been renewed. And this one.
        fileprivate(set) var heardAt = Instant.zero
        fileprivate(set) var spokeAt = Instant.zero
        /// When another incarnation was heard last, which does not count.
        fileprivate(set) var otherAt = Instant.zero
        fileprivate(set) var otherHoldMs: Int32 = 0
        fileprivate(set) var slots: Int32 = 1
        /// For so long, after a heartbeat that is acknowledged, it may have jobs that nobody hears of.
        fileprivate(set) var holdMs: Int32 = 0
        /// It says so itself. And that under our term: an earlier life of it, whose words come late, has
        /// not.
        fileprivate(set) var saysHold = false
        fileprivate(set) var hasToldUs = false
        fileprivate(set) var versions = Versions.unsaid
        fileprivate(set) var isCalledUnfit = false
        /// It has a job that was killed and does not die, or cannot write results.
        fileprivate(set) var isStuck = false
        fileprivate(set) var isCalledStuck = false
        fileprivate(set) var isLeaving = false
        /// It has read the leader log up to here.
        fileprivate(set) var leaderOffset: Offset = 0
        /// It gets no work before it has read beyond here.
        fileprivate(set) var mustRead: Offset = -1
        /// Its last heartbeat carried our term: it has read every order before our claim.
        fileprivate(set) var isCurrent = false
        /// It has read our claim, or has had work by the log: it is no stranger.
        fileprivate(set) var isOfUnion = false
        fileprivate(set) var isMember = false
        /// Which incarnation `ADD_MEMBER` named, when, and whether that was read back.
        fileprivate(set) var added: Incarnation = 0
        fileprivate(set) var addedAt = Instant.zero
        fileprivate(set) var isAdded = false
        /// When a leader that does not know who has what removed it, and whether that was read back.
        fileprivate(set) var blindRemovalAt = Instant.zero
        fileprivate(set) var isBlindRemovalRead = false
        /// Open assignments, and those of them that are not known to be short.
        fileprivate(set) var inFlight: Int32 = 0
        fileprivate(set) var slow: Int32 = 0
        /// Places of its bench that are taken by what is over, as far as we know: the results'
        /// delivery reports are still on their way to it.
        fileprivate(set) var unconfirmed: Int32 = 0
        /// Since when it has had a free slot.
        fileprivate(set) var freeSince = Instant.zero
        /// Attempts that it overran and has not been seen to stop: it gets no work meanwhile.
        fileprivate(set) var overrun: Int32 = 0

        /// It has a job that it cannot end, leaves, or may not know that one was taken from it.
        var isSuspended: Bool { overrun > 0 || isStuck || isLeaving || leaderOffset <= mustRead }
    }

    private var ids: Table<WorkerID>
    private var entries: Table<Entry>
    private(set) var count = 0
    private(set) var members: Int32 = 0
    /// When a heartbeat was passed over last for whose worker there was no room, and which has work.
    private(set) var passedOverAt = Instant.zero
    /// When heartbeats were passed over last because the broker had lost some.
    private(set) var skippedAt = Instant.zero
    /// What was given before this tenure was given to nobody who may have jobs for longer than this
    /// unheard.
    private var inheritedHoldMs: Int32 = 0
    /// The longest hold of those who were passed over.
    private var passedOverHoldMs: Int32 = 0

    init(_ capacities: Capacities, _ arena: inout Arena) {
        ids = arena.table(capacities.members, filler: WorkerID(high: 0, low: 0))
        entries = arena.table(capacities.members, filler: Entry())
    }

    subscript(index: Int) -> Entry {
        precondition(index < count, "Roster: index out of range")
        return entries[index]
    }

    func id(_ index: Int) -> WorkerID { ids[index] }

    func find(_ id: WorkerID) -> Int? {
        for i in 0..<count where ids[i] == id { return i }
        return nil
    }

    /// Whether a worker's lease is surely over, for it was not heard long enough; counted anew from
    /// `leadingSince`, for a paused leader has read nothing, which is nobody's fault.
    func isSilent(_ index: Int, leadingSince: Instant, _ desk: borrowing Desk) -> Bool {
        desk.now >= max(max(entries[index].heardAt, leadingSince), skippedAt)
            + timeoutMs(of: index, desk)
    }
}

// MARK: - How long silence must last (design, section 5: paces differ)

extension Roster {
    /// A worker that is not heard for so long has no job any more. Who has said nothing under our term
    /// may be another than we knew.
    func timeoutMs(of index: Int, _ desk: borrowing Desk) -> Int32 {
        let hold = max(entries[index].holdMs, otherHoldMs(index, desk))
        let known = max(desk.settings.memberTimeoutMs, hold)
        return entries[index].hasToldUs ? known : max(known, inheritedHoldMs)
    }

    /// What another incarnation under its id may have, unheard, for as long as that may be.
    private func otherHoldMs(_ index: Int, _ desk: borrowing Desk) -> Int32 {
        let ms = entries[index].otherHoldMs
        return ms > 0 && desk.now < entries[index].otherAt + ms ? ms : 0
    }

    /// The same of one that may not be known.
    func timeoutMs(of id: WorkerID, _ desk: borrowing Desk) -> Int32 {
        guard let index = find(id) else {
            return max(desk.settings.memberTimeoutMs, max(inheritedHoldMs, passedOverHoldMs))
        }
        return timeoutMs(of: index, desk)
    }

    /// The same of everybody.
    func longestTimeoutMs(_ desk: borrowing Desk) -> Int32 {
        var ms = max(desk.settings.memberTimeoutMs, max(inheritedHoldMs, passedOverHoldMs))
        for i in 0..<count { ms = max(ms, entries[i].holdMs) }
        return ms
    }

    /// Whether it may get work: next to us nobody waits longer for its silence than we do. (Whoever says
    /// nothing of it is of an older version, and gets work while it is heard.)
    func isQuickEnough(_ index: Int, _ desk: borrowing Desk) -> Bool {
        !entries[index].saysHold || entries[index].holdMs < desk.settings.memberTimeoutMs
    }

    /// True when it was not said yet in this tenure why it is no member.
    mutating func callUnfit(_ index: Int) -> Bool {
        defer { entries[index].isCalledUnfit = true }
        return !entries[index].isCalledUnfit
    }

    /// True when it is stuck, and that was not said of it yet.
    mutating func callStuck(_ index: Int) -> Bool {
        defer { entries[index].isCalledStuck = entries[index].isStuck }
        return entries[index].isStuck && !entries[index].isCalledStuck
    }
}

// MARK: - Heartbeats

extension Roster {
    /// The worker's index; nil when it is unknown and there is no room: the places of workers that were
    /// not heard for long, and are no members, are given away. `isOfUnion`: it has read our claim, or
    /// the log says that it has work; then it has the place of one of whom neither is known.
    mutating func findOrAdd(_ id: WorkerID, isOfUnion: Bool, _ desk: borrowing Desk) -> Int? {
        guard let place = find(id) ?? freePlace(isOfUnion: isOfUnion, desk) else { return nil }
        if place == count || ids[place] != id {
            if place < count {
                // Whose place that was may have jobs for as long.
                passedOverHoldMs = max(passedOverHoldMs, entries[place].holdMs)
            }
            count = max(count, place + 1)
            ids[place] = id
            entries[place] = Entry(knownSince: desk.now)
        }
        if isOfUnion { entries[place].isOfUnion = true }
        return place
    }

    /// The log says that it has work.
    mutating func noteOfUnion(_ id: WorkerID) {
        if let index = find(id) { entries[index].isOfUnion = true }
    }

    private func freePlace(isOfUnion: Bool, _ desk: borrowing Desk) -> Int? {
        if count < ids.count { return count }
        for i in 0..<count where !entries[i].isMember {
            if desk.now > entries[i].heardAt + timeoutMs(of: i, desk) { return i }
        }
        guard isOfUnion else { return nil }
        for i in 0..<count where !entries[i].isMember && !entries[i].isOfUnion {
            if ids[i] != desk.settings.workerID { return i }
        }
        return nil
    }

    /// A heartbeat was passed over: its worker, whom we have no room to know, has work.
    mutating func notePassedOver(at now: Instant, holdMs: Int32 = 0) {
        passedOverAt = now
        passedOverHoldMs = max(passedOverHoldMs, holdMs)
    }

    /// Whether this incarnation's heartbeats count, from now on if not before. A board that was
    /// started anew cannot be told from a clone of one that is cut off and still works: the former
    /// must be silent. And who speaks must have read on since: else it is an earlier life's late
    /// word.
    mutating func counts(
        _ h: Heartbeat, _ index: Int, leadingSince: Instant, _ desk: borrowing Desk
    ) -> Bool {
        let known = entries[index]
        guard known.incarnation != h.incarnation else { return true }
        let silentSince = max(max(known.spokeAt, leadingSince), skippedAt)
        let isFormerSilent =
            desk.now >= silentSince + timeoutMs(of: index, desk)
        guard known.incarnation == 0 || (isFormerSilent && h.leaderOffset > known.leaderOffset)
        else {
            // Two may live: no work for either before it is clear who does.
            entries[index].heardAt = desk.now
            entries[index].isCurrent = false
            noteOther(h, index, desk)
            return false
        }
        entries[index].incarnation = h.incarnation
        entries[index].isCalledUnfit = false
        entries[index].isCalledStuck = false
        return true
    }

    /// Another incarnation was heard, which does not count.
    mutating func noteOther(_ h: Heartbeat, _ index: Int, _ desk: borrowing Desk) {
        entries[index].otherAt = desk.now
        entries[index].otherHoldMs = max(entries[index].otherHoldMs, h.longestHoldMs)
    }

    /// What it does not have, nobody has under its id.
    func speaksForAll(_ index: Int, _ desk: borrowing Desk) -> Bool {
        let at = entries[index].otherAt
        return at == .zero || desk.now >= at + timeoutMs(of: index, desk)
    }

    /// It was heard, and has read the leader log up to `leaderOffset`. `isCurrent`: under our term.
    mutating func hear(
        _ h: Heartbeat, _ index: Int, leaderOffset: Offset, isCurrent: Bool,
        _ desk: borrowing Desk
    ) {
        entries[index].heardAt = desk.now
        entries[index].spokeAt = desk.now
        entries[index].leaderOffset = leaderOffset
        entries[index].slots = max(1, min(h.slots, Int32(Limits.slots)))
        entries[index].holdMs = h.longestHoldMs
        entries[index].saysHold = h.holdMs != nil
        if isCurrent, h.holdMs != nil { entries[index].hasToldUs = true }
        entries[index].versions = h.versions
        entries[index].isStuck = h.stuckOp != nil || h.cannotReport
        entries[index].isLeaving = h.isLeaving
        entries[index].isCurrent = isCurrent
    }

    /// The others who were heard after `limit`.
    func heard(since limit: Instant, _ desk: borrowing Desk) -> Heard {
        var heard = Heard()
        for i in 0..<count where entries[i].heardAt > limit && ids[i] != desk.settings.workerID {
            heard.note(entries[i].versions, desk)
        }
        return heard
    }

    /// The broker lost heartbeats: nobody is silent for not having been heard.
    mutating func noteSkipped(at now: Instant) {
        skippedAt = now
        notePassedOver(at: now)
    }
}

// MARK: - Members

extension Roster {
    /// A new tenure knows no members yet. `holdMs`: what was given before, was given to nobody who may
    /// have jobs for longer unheard.
    mutating func forgetMembers(inheritedHoldMs holdMs: Int32 = 0) {
        members = 0
        inheritedHoldMs = holdMs
        passedOverHoldMs = 0
        for i in 0..<count {
            entries[i].isMember = false
            entries[i].isCurrent = false
            entries[i].isOfUnion = false
            entries[i].hasToldUs = false
            entries[i].isCalledUnfit = false
            entries[i].isCalledStuck = false
            entries[i].inFlight = 0
            entries[i].slow = 0
            entries[i].unconfirmed = 0
            entries[i].overrun = 0
            entries[i].mustRead = -1
            entries[i].leaderOffset = 0
            entries[i].blindRemovalAt = .zero
            entries[i].isBlindRemovalRead = false
        }
    }

    /// Nobody is known any more.
    mutating func removeAll() {
        members = 0
        count = 0
    }

    mutating func add(_ index: Int, at now: Instant) {
        precondition(!entries[index].isMember, "Roster: it is a member")
        entries[index].isMember = true
        entries[index].freeSince = now
        members += 1
    }

    /// `ADD_MEMBER` is written.
    mutating func noteAdditionWritten(_ index: Int, at now: Instant) {
        entries[index].added = entries[index].incarnation
        entries[index].addedAt = now
        entries[index].isAdded = false
    }

    /// Our own `ADD_MEMBER` was read back.
    mutating func noteAdditionRead(_ id: WorkerID, _ incarnation: Incarnation) {
        guard let index = find(id), entries[index].added == incarnation else { return }
        entries[index].isAdded = true
    }

    /// What is understood by all members, and by us.
    func versions(_ desk: borrowing Desk) -> Versions {
        var versions = desk.settings.versions
        for i in 0..<count where entries[i].isMember { versions.narrow(to: entries[i].versions) }
        return versions
    }

    /// It may not know that it was added: the broker may have lost that.
    mutating func doubtAddition(_ index: Int) { entries[index].isAdded = false }

    mutating func remove(_ index: Int) {
        precondition(entries[index].isMember, "Roster: it is no member")
        entries[index].isMember = false
        entries[index].isCurrent = false
        members -= 1
        entries[index].inFlight = 0
        entries[index].slow = 0
        entries[index].unconfirmed = 0
    }

    mutating func noteBlindRemovalWritten(_ index: Int, at now: Instant) {
        entries[index].blindRemovalAt = now
    }

    /// Our own `REMOVE_MEMBER`, sent at `sentAt`, was read back; true when it is the one for which a
    /// blind leader waits.
    mutating func noteBlindRemovalRead(_ index: Int, sentAt: Instant) -> Bool {
        guard !entries[index].isBlindRemovalRead, entries[index].blindRemovalAt <= sentAt
        else { return false }
        entries[index].isBlindRemovalRead = true
        return true
    }
}

// MARK: - What they have

extension Roster {
    /// It gets an attempt.
    mutating func give(_ index: Int, isShort: Bool, at now: Instant) {
        entries[index].inFlight += 1
        if !isShort { entries[index].slow += 1 }
        entries[index].freeSince = now
    }

    /// It has one attempt less. `wasOverrun`: it was suspended for that one.
    mutating func takeBack(_ index: Int, wasShort: Bool, wasOverrun: Bool, at now: Instant) {
        if wasOverrun, entries[index].overrun > 0 { entries[index].overrun -= 1 }
        guard entries[index].inFlight > 0 else { return }
        entries[index].inFlight -= 1
        entries[index].unconfirmed += 1
        if !wasShort, entries[index].slow > 0 { entries[index].slow -= 1 }
        entries[index].freeSince = now
    }

    /// Its heartbeat shows so many that it has and that are over.
    mutating func noteUnconfirmed(_ index: Int, _ count: Int32) {
        entries[index].unconfirmed = count
    }

    /// It has this, from before it was a member.
    mutating func has(_ index: Int, inFlight: Int32, slow: Int32, overrun: Int32) {
        entries[index].inFlight = inFlight
        entries[index].slow = slow
        entries[index].overrun = overrun
    }

    /// An attempt of it was thought to be short, and is not.
    mutating func noteSlow(_ index: Int) { entries[index].slow += 1 }

    /// It overran a deadline: it is suspended until it is seen to have stopped, or is removed.
    mutating func suspend(_ index: Int) { entries[index].overrun += 1 }

    /// It gets no work before it has read the leader log beyond `offset`.
    mutating func mustRead(_ index: Int, beyond offset: Offset) { entries[index].mustRead = offset }
}
