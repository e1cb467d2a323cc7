/// The leader's ledger (design, section 6): every request that it has taken from `requests` and
/// that has no outcome in `results` yet. An entry comes, changes its state and goes only here.
///
/// ```
///            admit             assign             cancel
///  requests ───────▶ waiting ─────────▶ assigned ────────▶ cancelling
///            │        ▲   ▲                │ end             │ end
///            │        │   └────────────────┴─────────────────┘
///            │     fetching ◀── take over (and where its record is not known)
///            ▼        ▲ │
///          repeats ───┴─┘        any ── conclude ──▶ concluded ── settle ──▶ gone
/// ```
struct Ledger: ~Copyable {
    enum State: Equatable {
        /// Waits for a worker.
        case waiting
        /// Its payload must be read again from `requests` first.
        case fetching
        /// Another request with its id came before it: it ends as that does, and not earlier.
        case repeats
        /// A worker has it.
        case assigned
        /// Its worker was told to drop it, and has not confirmed.
        case cancelling(CancelReason)
        /// We wrote its outcome ourselves and wait to read it back.
        case concluded(Status, WorkResult.Reason?)
        /// Its outcome was read before the request itself was read again (takeover).
        case settled
    }

    struct Entry {
        fileprivate(set) var state = State.waiting
        /// Its request was read, not only its row of open work.
        fileprivate(set) var isLoaded = false
        fileprivate(set) var request = WorkRequest(
            requestID: RequestID(), opCode: OpName(), timeoutMs: nil, maxAttempts: 1)
        fileprivate(set) var requestKey: Digest = 0
        /// The present attempt's deadline in ms: the request's, or what its worker says; nil: not
        /// known.
        fileprivate(set) var deadlineMs: Int32?
        /// The highest attempt number used, how many attempts counted, and how many did not.
        fileprivate(set) var attempt: Int32 = 0
        fileprivate(set) var failures: Int32 = 0
        fileprivate(set) var inVain: Int32 = 0
        fileprivate(set) var workerID: WorkerID?
        /// Under which term it has the attempt; 0: not known.
        fileprivate(set) var term: Term = 0
        /// Since when it is in its state.
        fileprivate(set) var since = Instant.zero
        /// When its worker's heartbeat showed it last, and when first as started; nil: not yet.
        fileprivate(set) var shownAt = Instant.zero
        fileprivate(set) var startedAt: Instant?
        /// Where our own order that assigned it was read back.
        fileprivate(set) var orderedAt: Offset?
        /// Where our own `CANCEL_WORK_REQUEST` was read back.
        fileprivate(set) var cancelOffset: Offset?
        /// A result says that the present attempt is over. Its worker has not shown it yet.
        fileprivate(set) var saidOver: (status: Status, counts: Bool, cannotStart: Bool)?
        /// All attempts that counted were such as could not be started.
        fileprivate(set) var couldNotStart = false
        /// Whether its op is known to be short, as it was when it was assigned.
        fileprivate(set) var isShort = false
        fileprivate var payloadCount: Int32 = 0
    }

    /// How the request at an offset ended.
    struct Outcome {
        var offset: Offset
        var status: Status
    }

    private struct EndedAttempt {
        var key: Digest
        var attempt: Int32
    }

    private(set) var entries: OffsetTable<Entry>
    private var payloads: Table<UInt8>
    /// Entries that wait for a worker, by offset, in the order of their turn.
    private(set) var turn: Ring<Offset>
    /// The ids of the requests that were settled last, and how each ended.
    private var recent: Table<Digest>
    private var outcomes: Table<Outcome>
    private var recentNext = 0
    /// Attempts that have ended, as results say: their numbers are never used again, also when the
    /// broker has lost the orders.
    private var endedAttempts: Ring<EndedAttempt>

    /// Entries that have no outcome yet, and those of them whose payload must be read again.
    private(set) var unfinished: Int32 = 0
    private(set) var fetching: Int32 = 0
    /// Those that wait for another request with their id.
    private(set) var repeating: Int32 = 0
    /// Entries that are `settled`: their requests are still to be passed.
    private(set) var settledAhead: Int32 = 0

    init(_ capacities: Capacities, _ arena: inout Arena) {
        entries = OffsetTable(capacity: capacities.openWork, filler: Entry(), &arena)
        payloads = arena.bytes(capacities.openWork * Limits.requestPayloadBytes)
        recent = arena.table(Limits.recentlySettled, filler: 0)
        outcomes = arena.table(
            Limits.recentlySettled, filler: Outcome(offset: -1, status: .completed))
        turn = Ring(capacity: capacities.openWork, filler: -1, &arena)
        let ended = EndedAttempt(key: 0, attempt: 0)
        endedAttempts = Ring(capacity: Limits.recentlySettled, filler: ended, &arena)
    }

    mutating func removeAll() {
        entries.removeAll()
        turn.removeAll()
        endedAttempts.removeAll()
        for i in 0..<recent.count { recent[i] = 0 }
        unfinished = 0
        fetching = 0
        repeating = 0
        settledAhead = 0
    }
}

// MARK: - The gate

extension Ledger {
    private mutating func insert(_ offset: Offset, _ entry: Entry) -> Int? {
        guard let index = entries.insert(offset, entry) else { return nil }
        count(entry.state, 1)
        return index
    }

    private mutating func change(_ index: Int, to state: State) {
        precondition(Self.leads(from: entries[index].state, to: state), "Ledger: no such way")
        count(entries[index].state, -1)
        entries[index].state = state
        count(state, 1)
    }

    /// The ways between states, as they are drawn above.
    private static func leads(from old: State, to new: State) -> Bool {
        switch (old, new) {
        case (.waiting, .waiting), (.waiting, .assigned), (.waiting, .concluded): true
        case (.fetching, .waiting), (.fetching, .concluded): true
        case (.waiting, .repeats), (.fetching, .repeats), (.repeats, .concluded): true
        // The one before it is gone without an outcome; or the broker gave its offset to another.
        case (.repeats, .fetching), (.repeats, .waiting): true
        case (.assigned, .cancelling), (.assigned, .waiting), (.assigned, .fetching): true
        // Somebody has it, and its record turns out to be no request.
        case (.assigned, .concluded): true
        case (.cancelling, .cancelling(.removed)): true
        // It was to be taken back unless it had started, and had.
        case (.cancelling(.stalled), .assigned): true
        case (.cancelling, .waiting), (.cancelling, .fetching): true
        // The broker lost what it was concluded for, and gave its offset to another.
        case (.concluded, .waiting): true
        case (.settled, _): false
        case (_, .settled): true
        default: false
        }
    }

    private mutating func remove(at index: Int) {
        count(entries[index].state, -1)
        entries.remove(at: index)
    }

    private mutating func count(_ state: State, _ change: Int32) {
        switch state {
        case .settled: settledAhead += change
        case .fetching:
            fetching += change
            unfinished += change
        case .repeats:
            repeating += change
            unfinished += change
        case .waiting, .assigned, .cancelling, .concluded: unfinished += change
        }
    }
}

// MARK: - What is in it

extension Ledger {
    var capacity: Int { entries.capacity }

    func find(_ offset: Offset) -> Int? { entries.find(offset) }

    @_lifetime(borrow self)
    borrowing func payload(_ index: Int) -> Span<UInt8> {
        let start = index * Limits.requestPayloadBytes
        return payloads.span(start..<(start + Int(entries[index].payloadCount)))
    }

    /// The attempt that the entry's worker has, or had last; `me`: the leader, where nobody did.
    func attempt(of index: Int, orBy me: WorkerID) -> Attempt {
        Attempt(
            requestOffset: entries.offset(at: index), attempt: entries[index].attempt,
            workerID: entries[index].workerID ?? me)
    }

    /// Whether a worker with this id has the entry in this place.
    func isHeld(_ index: Int, by id: WorkerID) -> Bool {
        entries.isUsed(index) && entries[index].workerID == id
    }

    /// Whether a worker with this id has any.
    func holdsAny(of id: WorkerID) -> Bool {
        for index in 0..<capacity where isHeld(index, by: id) { return true }
        return false
    }

    /// Whether an attempt is under way; not where we concluded it although somebody has it.
    func isOut(_ index: Int) -> Bool {
        switch entries[index].state {
        case .assigned, .cancelling: true
        case .waiting, .fetching, .repeats, .concluded, .settled: false
        }
    }

    /// The entry in this place is to be read again, from `start` or after it.
    func isFetching(_ index: Int, from start: Offset) -> Bool {
        entries.isUsed(index) && entries[index].state == .fetching
            && entries.offset(at: index) >= start
    }

    /// The first entry, before `end`, whose request must be read again.
    func firstToFetch(before end: Offset) -> Int? {
        guard fetching > 0 else { return nil }
        var first: Int?
        for i in 0..<capacity
        where isFetching(i, from: 0) && entries.offset(at: i) < end {
            if first.map({ entries.offset(at: i) < entries.offset(at: $0) }) ?? true { first = i }
        }
        return first
    }

    /// Whether an open request is to be read again where the topic does not reach.
    func fetches(from end: Offset) -> Bool {
        guard fetching > 0 else { return false }
        for i in 0..<capacity where isFetching(i, from: end) { return true }
        return false
    }

    /// A request with this id is open, or was settled a short while ago.
    func isKnown(_ key: Digest) -> Bool {
        for i in 0..<recent.count where recent[i] == key { return true }
        for i in 0..<capacity
        where entries.isUsed(i) && entries[i].requestKey == key && entries[i].state != .settled {
            return true
        }
        return false
    }

    /// Whether nobody has the request in this place, and it is another than the first one with its id:
    /// that one is open, or has ended a short while ago.
    func isRepeat(_ index: Int) -> Bool {
        switch entries[index].state {
        case .waiting, .fetching: break
        case .repeats, .assigned, .cancelling, .concluded, .settled: return false
        }
        if isOneOpen(before: index) { return true }
        let offset = entries.offset(at: index)
        return outcome(of: entries[index].requestKey).map { $0.offset != offset } ?? false
    }

    /// Whether a request with the same id is open, and stands before this one.
    func isOneOpen(before index: Int) -> Bool {
        let (key, offset) = (entries[index].requestKey, entries.offset(at: index))
        for i in 0..<capacity
        where entries.isUsed(i) && entries[i].requestKey == key && entries.offset(at: i) < offset
            && entries[i].state != .settled
        {
            return true
        }
        return false
    }

    /// The request with this id is, or was a short while ago, the one at this offset.
    func isTaken(_ key: Digest, at offset: Offset) -> Bool {
        if let index = find(offset), entries[index].requestKey == key { return key != 0 }
        return outcome(of: key)?.offset == offset
    }

    /// How a request with this id ended a short while ago; of several, the one that was read first.
    func outcome(of key: Digest) -> Outcome? {
        guard key != 0 else { return nil }
        var first: Int?
        for i in 0..<recent.count where recent[i] == key {
            // The oldest stands where the next one goes.
            if i >= recentNext { return outcomes[i] }
            first = first ?? i
        }
        return first.map { outcomes[$0] }
    }

    /// What a request is called that has no id, or whose id is not known any more.
    static func name(after offset: Offset) -> RequestID {
        var id = RequestID("offset-")
        id.append(decimal: offset)
        return id
    }
}

// MARK: - Requests come in

extension Ledger {
    /// Takes a request in; nil when the table is full of unfinished ones.
    mutating func admit(_ offset: Offset, _ key: Digest) -> Int? {
        var entry = Entry()
        entry.requestKey = key
        return insert(offset, entry)
    }

    /// Takes over a row of open work; what does not fit is lost.
    mutating func takeOver(_ row: OpenWork, at now: Instant) {
        var entry = Entry()
        entry.requestKey = row.requestKey
        entry.deadlineMs = row.timeoutMs
        entry.attempt = row.attempt
        entry.failures = row.failures
        entry.workerID = row.workerID
        entry.term = row.term
        entry.state = row.workerID == nil ? .fetching : .assigned
        entry.since = now
        entry.shownAt = now
        _ = insert(row.requestOffset, entry)
    }

    /// Its request was read.
    mutating func load(
        _ index: Int, _ request: WorkRequest, _ bytes: Span<UInt8>, at now: Instant
    ) {
        keep(bytes, at: index)
        entries[index].request = request
        entries[index].requestKey = request.requestID.key
        entries[index].isLoaded = true
        switch entries[index].state {
        case .fetching, .waiting: wait(index, at: now)
        case .repeats, .assigned, .cancelling, .concluded, .settled: break
        }
    }

    /// It ends as the request does that came before it with its id; is only a name until then.
    mutating func follow(_ index: Int, _ id: RequestID, at now: Instant) {
        entries[index].request.requestID = id
        entries[index].since = now
        change(index, to: .repeats)
    }

    /// The one before it is gone, and has no outcome.
    mutating func followNobody(_ index: Int) { change(index, to: .fetching) }

    /// Its record is no request, or is gone: it is only a name, and `why`.
    mutating func name(_ index: Int, _ id: RequestID, _ why: Span<UInt8>) {
        entries[index].request.requestID = id
        keep(why, at: index)
    }

    /// It is called by its offset: its id is not known, or says something about another.
    mutating func nameByOffset(_ index: Int) {
        let id = Self.name(after: entries.offset(at: index))
        entries[index].request.requestID = id
        entries[index].requestKey = id.key
    }

    private mutating func keep(_ bytes: Span<UInt8>, at index: Int) {
        precondition(bytes.count <= Limits.requestPayloadBytes, "Ledger: payload too long")
        payloads.copy(bytes, at: index * Limits.requestPayloadBytes)
        entries[index].payloadCount = Int32(bytes.count)
    }

    private mutating func wait(_ index: Int, at now: Instant) {
        change(index, to: .waiting)
        entries[index].since = now
        let queued = turn.append(entries.offset(at: index))
        precondition(queued, "Ledger: more entries wait than there are")
    }

    /// Gives the entry to the request that has its offset now; its attempt numbers go on. Where
    /// somebody has it (`.assigned`), the caller cancels that.
    mutating func giveTo(_ key: Digest, _ index: Int) {
        entries[index].requestKey = key
        entries[index].failures = 0
        entries[index].inVain = 0
        entries[index].couldNotStart = false
        entries[index].saidOver = nil
        entries[index].isLoaded = false
        switch entries[index].state {
        case .assigned, .cancelling, .settled: break
        case .waiting: leaveTurn(entries.offset(at: index))
        case .fetching, .repeats, .concluded: change(index, to: .waiting)
        }
    }

    /// The broker lost what was to be read again in this place, or it has its outcome.
    mutating func forget(_ index: Int) {
        precondition(entries[index].workerID == nil, "Ledger: somebody has it")
        remove(at: index)
    }
}

// MARK: - Attempts begin and end

extension Ledger {
    /// How many entries wait.
    var waiting: Int { turn.count }

    /// The entry that waits behind so many others.
    func inTurn(_ position: Int) -> Int {
        guard let index = entries.find(turn[position]), entries[index].state == .waiting else {
            preconditionFailure("Ledger: it has its turn, and does not wait")
        }
        return index
    }

    private mutating func leaveTurn(_ offset: Offset) {
        if !turn.isEmpty, turn[0] == offset {
            turn.removeFirst()
            return
        }
        for _ in 0..<turn.count {
            let first = turn.removeFirst()
            if first != offset { turn.append(first) }
        }
    }

    /// A worker gets the entry, which waits. The attempt's number is a new one.
    mutating func assign(
        _ index: Int, to id: WorkerID, term: Term, isShort: Bool, at now: Instant
    ) {
        precondition(entries[index].state == .waiting, "Ledger: it does not wait")
        leaveTurn(entries.offset(at: index))
        let used = lastAttempt(of: entries[index].requestKey)
        entries[index].attempt = max(entries[index].attempt, used) + 1
        change(index, to: .assigned)
        entries[index].workerID = id
        entries[index].term = term
        entries[index].deadlineMs = entries[index].request.timeoutMs
        entries[index].since = now
        entries[index].shownAt = now
        entries[index].startedAt = nil
        entries[index].orderedAt = nil
        entries[index].cancelOffset = nil
        entries[index].saidOver = nil
        entries[index].isShort = isShort
    }

    /// Its worker's heartbeat shows it. `deadlineMs`: where it runs, as the worker says.
    mutating func noteShown(_ index: Int, deadlineMs: Int32?, at now: Instant) {
        entries[index].shownAt = now
        guard let deadlineMs else { return }
        entries[index].deadlineMs = deadlineMs
        if entries[index].startedAt == nil { entries[index].startedAt = now }
    }

    /// Our own `ASSIGN_WORK_REQUEST` was read back.
    mutating func noteOrdered(_ index: Int, at offset: Offset) {
        entries[index].orderedAt = offset
    }

    /// Whether a worker that has started what was assigned before `startedOffset`, and nothing
    /// after, has surely not started this, which was cancelled under `term`.
    func surelyNotStarted(_ index: Int, before startedOffset: Offset, term: Term) -> Bool {
        let entry = entries[index]
        if let orderedAt = entry.orderedAt { return orderedAt >= startedOffset }
        // We have read our own CANCEL of it, and no order of ours before: none can come any more.
        return entry.term == term && entry.cancelOffset != nil
    }

    /// A result in its worker's name says that the attempt is over. Of two the last one says how, and
    /// that it counts if either does.
    mutating func noteSaidOver(_ index: Int, _ r: WorkResult) {
        let counts = r.counts || entries[index].saidOver?.counts ?? false
        entries[index].saidOver = (r.status, counts, r.cannotStart && !counts)
    }

    /// How far the worker must have read the leader log, under `term`, so that its not having the entry
    /// means that the attempt is over; nil: it means nothing yet.
    func ends(_ index: Int, term: Term) -> Offset? {
        guard isOut(index) else { return nil }
        let entry = entries[index]
        if entry.saidOver != nil {
            // What another leader has assigned stands before our claim.
            return entry.orderedAt ?? (entry.term == term ? entry.cancelOffset : -1)
        }
        guard case .cancelling = entry.state else { return nil }
        return entry.cancelOffset
    }

    /// It had started when it was to be taken back: it stays where it is.
    mutating func resume(_ index: Int, at now: Instant) {
        change(index, to: .assigned)
        entries[index].cancelOffset = nil
        entries[index].shownAt = now
    }

    /// It takes longer than a short op may.
    mutating func noteSlow(_ index: Int) { entries[index].isShort = false }

    mutating func cancel(_ index: Int, _ reason: CancelReason) {
        change(index, to: .cancelling(reason))
    }

    /// The order to drop it is written, or is part of one: should it be lost, another is written.
    mutating func noteCancelWritten(_ index: Int, at now: Instant) {
        entries[index].since = now
        entries[index].cancelOffset = nil
    }

    /// Our own `CANCEL_WORK_REQUEST` was read back.
    mutating func noteCancelRead(_ index: Int, at offset: Offset, _ now: Instant) {
        entries[index].cancelOffset = offset
        entries[index].since = now
    }

    /// Nobody has it any more.
    mutating func clearWorker(_ index: Int) { entries[index].workerID = nil }

    /// The attempt is over. One rule says whether it counts (design, section 6).
    /// What we have taken back ourselves before it started was not even in vain; nor what could not be
    /// started as long as another can be asked, for rests keep that from being often.
    mutating func noteAttemptOver(_ index: Int, counts: Bool, cannotStart: Bool) {
        if counts {
            entries[index].failures += 1
            let isFirst = entries[index].failures == 1
            entries[index].couldNotStart = cannotStart && (isFirst || entries[index].couldNotStart)
        } else if entries[index].state != .cancelling(.stalled), !cannotStart {
            entries[index].inVain += 1
        }
    }

    /// The attempt is over without an outcome: it waits for another, once its request is known.
    mutating func end(_ index: Int, at now: Instant) {
        precondition(entries[index].workerID == nil, "Ledger: somebody has it")
        guard !entries[index].isLoaded else { return wait(index, at: now) }
        change(index, to: .fetching)
        entries[index].since = now
    }

    /// No honest number is as high as `Limits.attempts`.
    mutating func noteAttempt(_ attempt: Int32, of key: Digest) {
        guard attempt < Limits.attempts else { return }
        endedAttempts.push(EndedAttempt(key: key, attempt: attempt))
    }

    /// The highest number of an attempt at this request that has ended; 0: none is known.
    private func lastAttempt(of key: Digest) -> Int32 {
        var last: Int32 = 0
        for i in 0..<endedAttempts.count where endedAttempts[i].key == key {
            last = max(last, endedAttempts[i].attempt)
        }
        return last
    }
}

// MARK: - Outcomes

extension Ledger {
    /// We say ourselves how the request ends.
    mutating func conclude(_ index: Int, _ status: Status, _ reason: WorkResult.Reason?) {
        if entries[index].state == .waiting { leaveTurn(entries.offset(at: index)) }
        entries[index].isLoaded = false
        if reason != nil { entries[index].payloadCount = 0 }
        change(index, to: .concluded(status, reason))
    }

    /// Our outcome is written; .zero: it is still to be.
    mutating func noteConclusion(_ index: Int, writtenAt now: Instant) {
        entries[index].since = now
    }

    /// Its outcome was read. `isAhead`: its request is still to be passed.
    mutating func settle(_ index: Int, isAhead: Bool) {
        precondition(entries[index].workerID == nil, "Ledger: somebody has it")
        if entries[index].state == .waiting { leaveTurn(entries.offset(at: index)) }
        if isAhead { change(index, to: .settled) } else { remove(at: index) }
    }

    /// The outcome of a request was read that is read again later; what does not fit runs again.
    mutating func settleAhead(_ offset: Offset, _ key: Digest, at now: Instant) {
        var entry = Entry()
        entry.state = .settled
        entry.requestKey = key
        entry.since = now
        _ = insert(offset, entry)
    }

    /// Voids the outcomes, read before `instant`, of requests at `end` or after it: none is there.
    /// Returns how many were voided, and whether there are later ones. (That they were read is
    /// remembered: an end may have been told too low.)
    mutating func voidOutcomes(
        from end: Offset, readBefore instant: Instant
    ) -> (void: Int, isLeft: Bool) {
        var result = (void: 0, isLeft: false)
        guard settledAhead > 0 else { return result }
        for i in 0..<capacity
        where entries.isUsed(i) && entries[i].state == .settled && entries.offset(at: i) >= end {
            guard entries[i].since <= instant else {
                result.isLeft = true
                continue
            }
            pass(i)
            result.void += 1
        }
        return result
    }

    /// The request of a settled entry is passed, or the broker has lost it.
    mutating func pass(_ index: Int) {
        precondition(entries[index].state == .settled, "Ledger: it has no outcome")
        remove(at: index)
    }

    /// Makes room: the request that is furthest ahead may be run again; its outcome stands.
    mutating func forgetLastSettled() {
        var last: Int?
        for i in 0..<capacity where entries.isUsed(i) && entries[i].state == .settled {
            if last.map({ entries.offset(at: i) > entries.offset(at: $0) }) ?? true { last = i }
        }
        if let last { remove(at: last) }
    }

    /// The broker has lost results: which requests are settled is read again.
    mutating func forgetOutcomes() {
        for i in 0..<recent.count { recent[i] = 0 }
        for i in 0..<capacity where entries.isUsed(i) && entries[i].state == .settled { pass(i) }
    }

    mutating func rememberSettled(_ key: Digest, _ outcome: Outcome) {
        guard key != 0 else { return }
        recent[recentNext] = key
        outcomes[recentNext] = outcome
        recentNext = (recentNext + 1) % recent.count
    }
}
