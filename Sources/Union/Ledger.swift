/// The leader's ledger (design, section 6): every request that it has taken from `requests` and
/// that has no outcome in `results` yet.
struct Ledger: ~Copyable {
    enum State: Equatable {
        /// Waits for a worker.
        case waiting
        /// Its payload must be read again from `requests` first.
        case fetching
        /// A worker has it.
        case assigned
        /// Its worker was told to drop it, and has not confirmed.
        case cancelling(CancelReason)
        /// We wrote its outcome ourselves and wait to read it back.
        case concluded(Status)
        /// Its outcome was read before the request itself was read again (takeover).
        case settled
    }

    struct Entry {
        var state = State.waiting
        /// Its request was read, not only its row of open work.
        var isLoaded = false
        var request = WorkRequest(
            requestID: RequestID(), opCode: OpName(), timeoutMs: nil, maxAttempts: 1)
        var requestKey: UInt64 = 0
        /// The highest attempt number used, and how many attempts failed.
        var attempt: Int32 = 0
        var failures: Int32 = 0
        var workerID: WorkerID?
        /// Under which term it has the attempt; 0: not known.
        var term: Term = 0
        /// Since when it is in its state.
        var since = Instant.zero
        /// When its worker's heartbeat showed it last.
        var shownAt = Instant.zero
        /// Where our own `CANCEL_WORK_REQUEST` was read back.
        var cancelOffset: Offset?
        /// Whether its op is known to be short, as it was when it was assigned.
        var isShort = false
        var payloadCount: Int32 = 0
    }

    private struct EndedAttempt {
        var key: UInt64
        var attempt: Int32
    }

    /// How long an op takes, as its results say.
    private struct OpTime {
        var key: UInt64 = 0
        var us: Int32 = 0
        var samples: Int32 = 0
    }

    var entries: OffsetTable<Entry>
    private var payloads: Table<UInt8>
    /// Entries that wait for a worker, by offset, in the order of their turn.
    var turn: Ring<Offset>
    /// The requests that were read last, by offset; and where this tenure's reading began.
    private var lastRead: Table<Digest>
    var readFrom: Offset = 0
    /// What stands before `requestsNext`.
    var lastRequest: Digest = 0
    private var recent: Table<UInt64>
    private var recentNext = 0
    private var opTimes: Ring<OpTime>
    /// Attempts that have ended, as results say: their numbers are never used again, also when the
    /// broker has lost the orders.
    private var endedAttempts: Ring<EndedAttempt>

    /// Entries that have no outcome yet, and those of them whose payload must be read again.
    private(set) var unfinished: Int32 = 0
    private(set) var fetching: Int32 = 0
    /// Entries that are `settled`: their requests are still to be passed.
    private(set) var settledAhead: Int32 = 0
    /// The next request, and the next result, to read.
    var requestsNext: Offset = 0
    var resultsNext: Offset = 0

    /// Requests admitted so far; what it was at the last checkpoint written, and read back.
    var admitted: Int64 = 0
    var admittedAtWritten: Int64 = 0
    var admittedAtRead: Int64 = 0
    var needsCheckpoint = false
    var checkpointAt = Instant.zero
    /// The checkpoint that was written and is not read back yet, by its `requests_next`.
    var checkpointUnderWay: Offset?
    var sweepAt = Instant.never
    /// More can be assigned; the outbox of the last step had no room for it.
    var isBehind = false
    /// A record's way into the leader log and back, smoothed.
    var roundTripUs: Int64 = 2000

    init(_ arena: inout Arena) {
        entries = OffsetTable(capacity: Limits.openWork, filler: Entry(), &arena)
        payloads = arena.bytes(Limits.openWork * Limits.requestPayloadBytes)
        lastRead = arena.table(Limits.ledger, filler: 0)
        recent = arena.table(Limits.recentlySettled, filler: 0)
        turn = Ring(capacity: Limits.openWork, filler: -1, &arena)
        opTimes = Ring(capacity: Limits.ops, filler: OpTime(), &arena)
        let ended = EndedAttempt(key: 0, attempt: 0)
        endedAttempts = Ring(capacity: Limits.recentlySettled, filler: ended, &arena)
    }

    @_lifetime(borrow self)
    borrowing func payload(_ index: Int) -> Span<UInt8> {
        let start = index * Limits.requestPayloadBytes
        return payloads.span(start..<(start + Int(entries[index].payloadCount)))
    }

    mutating func keep(_ bytes: Span<UInt8>, at index: Int) {
        precondition(bytes.count <= Limits.requestPayloadBytes, "Ledger: payload too long")
        payloads.copy(bytes, at: index * Limits.requestPayloadBytes)
        entries[index].payloadCount = Int32(bytes.count)
    }

    mutating func keep<let n: Int>(_ text: FixedText<n>, at index: Int) {
        let start = index * Limits.requestPayloadBytes
        for i in 0..<text.count { payloads[start + i] = text[i] }
        entries[index].payloadCount = Int32(text.count)
    }

    mutating func removeAll() {
        entries.removeAll()
        turn.removeAll()
        endedAttempts.removeAll()
        for i in 0..<recent.count { recent[i] = 0 }
        for i in 0..<lastRead.count { lastRead[i] = 0 }
        unfinished = 0
        fetching = 0
        settledAhead = 0
        needsCheckpoint = false
        checkpointAt = .zero
        checkpointUnderWay = nil
        sweepAt = .never
        isBehind = false
        (admitted, admittedAtWritten, admittedAtRead) = (0, 0, 0)
    }

    // MARK: The only places where an entry comes, changes its state, or goes

    mutating func insert(_ offset: Offset, _ entry: Entry) -> Int? {
        let index = entries.insert(offset, entry)
        if index != nil { count(entry.state, 1) }
        return index
    }

    mutating func change(_ index: Int, to state: State) {
        count(entries[index].state, -1)
        entries[index].state = state
        count(state, 1)
    }

    mutating func remove(at index: Int) {
        count(entries[index].state, -1)
        entries.remove(at: index)
    }

    private mutating func count(_ state: State, _ change: Int32) {
        if state == .settled { settledAhead += change } else { unfinished += change }
        if state == .fetching { fetching += change }
    }

    /// Requests may be admitted: their rows fit into everybody's open-work table.
    var hasRoom: Bool {
        unfinished < Int32(Limits.ledger) && admitted - admittedAtRead < Int64(Limits.ledger)
    }

    /// The entry in this place is to be read again, from `start` or behind it.
    func isFetching(_ index: Int, from start: Offset) -> Bool {
        entries.isUsed(index) && entries[index].state == .fetching
            && entries.offset(at: index) >= start
    }

    /// An entry that waits has its offset in `turn` once, so `turn` has room for all.
    mutating func leaveTurn(_ offset: Offset) {
        for _ in 0..<turn.count {
            let first = turn.removeFirst()
            if first != offset { turn.append(first) }
        }
    }

    /// What a request is called that has no id, or whose id is not known any more.
    static func name(after offset: Offset) -> RequestID {
        var id = RequestID("offset-")
        id.append(decimal: offset)
        return id
    }

    mutating func noteRead(_ digest: Digest, at offset: Offset) {
        lastRead[Int(offset) & (Limits.ledger - 1)] = digest.at(offset)
        requestsNext = offset + 1
        lastRequest = digest
    }

    /// It is to be read again.
    mutating func forgetRead(at offset: Offset) {
        lastRead[Int(offset) & (Limits.ledger - 1)] = 0
        requestsNext = offset
        lastRequest = 0
    }

    /// This very request was read at this offset, one of the last `Limits.ledger`.
    func wasRead(_ digest: Digest, at offset: Offset) -> Bool {
        offset >= readFrom && lastRead[Int(offset) & (Limits.ledger - 1)] == digest.at(offset)
    }

    mutating func rememberSettled(_ key: UInt64) {
        guard key != 0 else { return }
        recent[recentNext] = key
        recentNext = (recentNext + 1) % recent.count
    }

    /// A request with this id is open, or was settled a short while ago.
    func isKnown(_ key: UInt64) -> Bool {
        for i in 0..<recent.count where recent[i] == key { return true }
        for i in 0..<entries.capacity
        where entries.isUsed(i) && entries[i].requestKey == key && entries[i].state != .settled {
            return true
        }
        return false
    }

    /// No honest number is as high as `Limits.attempts`.
    mutating func noteAttempt(_ attempt: Int32, of key: UInt64) {
        guard attempt < Limits.attempts else { return }
        endedAttempts.push(EndedAttempt(key: key, attempt: attempt))
    }

    /// The highest number of an attempt at this request that has ended; 0: none is known.
    func lastAttempt(of key: UInt64) -> Int32 {
        var last: Int32 = 0
        for i in 0..<endedAttempts.count where endedAttempts[i].key == key {
            last = max(last, endedAttempts[i].attempt)
        }
        return last
    }

    // MARK: How long ops take

    /// An op is short when its last runs took less than this on average.
    private static var shortUs: Int32 { 5000 }
    /// Results say whole milliseconds; less than one counts as this much.
    private static var leastUs: Int32 { 100 }

    mutating func learn(_ op: OpName, durationMs: Int64) {
        let key = op.key
        let us = max(Self.leastUs, Int32(clamping: durationMs * 1000))
        for i in 0..<opTimes.count where opTimes[i].key == key {
            opTimes[i].us += (us - opTimes[i].us) / 4
            opTimes[i].samples = min(opTimes[i].samples + 1, 1000)
            return
        }
        opTimes.push(OpTime(key: key, us: us, samples: 1))
    }

    /// The smoothed time of a short op in µs; nil: not known to be short.
    func shortTime(_ op: OpName) -> Int32? {
        let key = op.key
        for i in 0..<opTimes.count where opTimes[i].key == key {
            return opTimes[i].samples >= 3 && opTimes[i].us < Self.shortUs ? opTimes[i].us : nil
        }
        return nil
    }
}

// MARK: - Requests come in

extension Node {
    mutating func onRequest(
        _ request: WorkRequest, _ bytes: Span<UInt8>, at offset: Offset, _ outbox: inout Outbox
    ) {
        var request = request
        let digest = request.digest(bytes)
        let isNamed = !request.requestID.isEmpty
        if !isNamed { request.requestID = Ledger.name(after: offset) }
        let key = request.requestID.key
        guard let index = findEntry(for: key, digest, isNamed: isNamed, at: offset, &outbox)
        else { return }
        load(index, request, bytes)
    }

    /// A record that is no request: its outcome is `rejected`, with the reason.
    mutating func onMalformedRequest(
        _ why: Span<UInt8>, at offset: Offset, _ outbox: inout Outbox
    ) {
        let name = Ledger.name(after: offset)
        var digest = Digest.empty
        digest.add(why)
        guard
            let index = findEntry(
                for: name.key, digest.orOne, isNamed: false, at: offset, &outbox)
        else { return }
        // What a worker still has at this offset is another's: it is called back first.
        if case .cancelling = ledger.entries[index].state { return }
        ledger.entries[index].request.requestID = name
        ledger.keep(why, at: index)
        conclude(index, .rejected, &outbox)
    }

    /// The entry for the record that was read from `requests` at this offset; nil when nothing is
    /// to be done with the record.
    private mutating func findEntry(
        for key: UInt64, _ digest: Digest, isNamed: Bool, at offset: Offset, _ outbox: inout Outbox
    ) -> Int? {
        guard isLedgerOpen, leads(at: now) else { return nil }
        if findsLastRequestLost(digest, at: offset, &outbox) { return nil }
        // What is sought may lie ahead of what is next, where the broker lost what was before it.
        let isInOrder =
            offset == ledger.requestsNext || (offset > ledger.requestsNext && !takeover.isSeeking)
        if let settled = ledger.entries.find(offset), ledger.entries[settled].state == .settled,
            isUsedAgain(settled, by: key)
        {
            // That outcome was of a request that the broker has lost.
            counters.offsetsUsedAgain += 1
            ledger.remove(at: settled)
        }
        if let index = ledger.entries.find(offset) {
            if isInOrder { ledger.noteRead(digest, at: offset) }
            if isUsedAgain(index, by: key) { return replace(index, by: key, &outbox) }
            switch ledger.entries[index].state {
            case .settled:
                guard isInOrder else { return nil }
                ledger.remove(at: index)
                return nil
            case .fetching: return index
            case .assigned, .cancelling: return ledger.entries[index].isLoaded ? nil : index
            case .waiting, .concluded: return nil
            }
        }
        // What lies before was settled, or is being fetched and has vanished.
        guard isInOrder else { return nil }
        let wasRead =
            offset < takeover.rereadsUntil
            && (ledger.wasRead(digest, at: offset) || ledger.isKnown(key))
        ledger.noteRead(digest, at: offset)
        ledger.needsCheckpoint = true
        if wasRead { return nil }
        if isNamed && ledger.isKnown(key) {
            counters.duplicates += 1
            outbox.say(.duplicate(requestOffset: offset))
            return nil
        }
        return admit(offset, key)
    }

    /// The broker lost the request that this entry stands for, and gave its offset to another.
    private func isUsedAgain(_ index: Int, by key: UInt64) -> Bool {
        let entry = ledger.entries[index]
        guard entry.requestKey != 0 && entry.requestKey != key else { return false }
        // Of two that stood there one after the other, both may have their outcomes.
        return entry.state != .settled || !ledger.isKnown(key)
    }

    /// Gives the entry to the request that has its offset now. Its attempt numbers go on.
    private mutating func replace(
        _ index: Int, by key: UInt64, _ outbox: inout Outbox
    ) -> Int {
        counters.offsetsUsedAgain += 1
        ledger.needsCheckpoint = true
        ledger.entries[index].requestKey = key
        ledger.entries[index].failures = 0
        ledger.entries[index].isLoaded = false
        switch ledger.entries[index].state {
        case .assigned: cancel(index, .recalled, &outbox)
        case .cancelling, .settled: break
        case .fetching:
            ledger.change(index, to: .waiting)
            // What stood behind it is lost as well.
            forgetRequests(from: takeover.requestsEnd)
        case .waiting:
            ledger.leaveTurn(ledger.entries.offset(at: index))
        case .concluded: ledger.change(index, to: .waiting)
        }
        return index
    }

    private mutating func admit(_ offset: Offset, _ key: UInt64) -> Int? {
        var entry = Ledger.Entry()
        entry.requestKey = key
        if ledger.entries.isFull { forgetLastSettled() }
        guard ledger.hasRoom, let index = ledger.insert(offset, entry) else {
            // Read again when there is room.
            counters.ledgerFull += 1
            ledger.forgetRead(at: offset)
            return nil
        }
        ledger.admitted += 1
        counters.admitted += 1
        return index
    }

    /// Makes room: the request that is furthest ahead may be run again; its outcome stands.
    private mutating func forgetLastSettled() {
        var last: Int?
        for i in 0..<ledger.entries.capacity where ledger.entries.isUsed(i) {
            guard ledger.entries[i].state == .settled else { continue }
            if last.map({ ledger.entries.offset(at: i) > ledger.entries.offset(at: $0) }) ?? true {
                last = i
            }
        }
        guard let last else { return }
        ledger.remove(at: last)
    }

    /// The request of an entry has been read.
    private mutating func load(
        _ index: Int, _ request: WorkRequest, _ bytes: Span<UInt8>
    ) {
        ledger.keep(bytes, at: index)
        ledger.entries[index].request = request
        if request.timeoutMs == nil {
            // The op's own deadline travels with the assignment: the next leader must know it.
            ledger.entries[index].request.timeoutMs = settings.timeout(of: request.opCode)
        }
        ledger.entries[index].requestKey = request.requestID.key
        ledger.entries[index].isLoaded = true
        switch ledger.entries[index].state {
        case .fetching, .waiting: wait(index)
        case .assigned, .cancelling, .concluded, .settled: break
        }
    }

    private mutating func wait(_ index: Int) {
        ledger.change(index, to: .waiting)
        ledger.entries[index].since = now
        let queued = ledger.turn.append(ledger.entries.offset(at: index))
        precondition(queued, "Ledger: more entries wait than there are")
    }
}

// MARK: - Work goes out

extension Node {
    /// Everything that the leader does about work: bounded by the outbox, resumed at once.
    mutating func actOnLedger(_ outbox: inout Outbox) {
        guard isLedgerOpen, leads(at: now) else { return }
        steerRequests(&outbox)
        if now >= ledger.sweepAt {
            sweepMembers(&outbox)
            if takeover.isBlind {
                callAllBack(&outbox)
                takeover.isBlind = !areAllCalledBack()
            }
            sweepLedger(&outbox)
        }
        checkpointIfDue(&outbox)
        assignWaiting(&outbox)
    }

    private mutating func assignWaiting(_ outbox: inout Outbox) {
        ledger.isBehind = false
        guard !takeover.isBlind else { return }
        while !ledger.turn.isEmpty {
            guard outbox.hasRoom else {
                ledger.isBehind = true
                return
            }
            guard let index = ledger.entries.find(ledger.turn[0]),
                ledger.entries[index].state == .waiting
            else {
                ledger.turn.removeFirst()
                continue
            }
            if ledger.entries[index].failures >= ledger.entries[index].request.maxAttempts {
                ledger.turn.removeFirst()
                exhaust(index, &outbox)
                continue
            }
            let shortUs = ledger.shortTime(ledger.entries[index].request.opCode)
            guard let worker = pickWorker(shortUs: shortUs) else { return }
            ledger.turn.removeFirst()
            assign(index, to: worker, isShort: shortUs != nil, &outbox)
        }
    }

    /// The free worker that has waited longest; for a short op, where none is free, the one with
    /// the shortest queue that keeps it busy over a round trip. Without members, ourselves.
    private func pickWorker(shortUs: Int32?) -> Int? {
        var picked: Int?
        for i in 0..<roster.count where isEligible(i) {
            let worker = roster[i]
            if worker.inFlight >= worker.slots {
                guard let shortUs, worker.slow == 0, worker.inFlight < window(worker, shortUs)
                else { continue }
            }
            guard let best = picked else {
                picked = i
                continue
            }
            let (a, b) = (max(0, worker.inFlight - worker.slots + 1), roster[best])
            let queueOfBest = max(0, b.inFlight - b.slots + 1)
            if a < queueOfBest || (a == queueOfBest && worker.freeSince < b.freeSince) {
                picked = i
            }
        }
        return picked
    }

    private func isEligible(_ index: Int) -> Bool {
        let worker = roster[index]
        guard worker.isCurrent, worker.overrun == 0, worker.leaderOffset > worker.mustRead
        else { return false }
        if worker.isMember { return !isSilent(index) }
        return roster.members == 0 && roster.id(index) == settings.workerID
    }

    /// Slots, plus what a short op's worker can do while an order and a result travel.
    private func window(_ worker: Roster.Worker, _ shortUs: Int32) -> Int32 {
        let queue = 2 * ledger.roundTripUs * Int64(worker.slots) / Int64(max(1, shortUs)) + 1
        return Int32(min(Int64(worker.slots) + queue, Int64(Limits.bench) * 3 / 4))
    }

    private mutating func assign(
        _ index: Int, to worker: Int, isShort: Bool, _ outbox: inout Outbox
    ) {
        let id = roster.id(worker)
        let used = ledger.lastAttempt(of: ledger.entries[index].requestKey)
        ledger.entries[index].attempt = max(ledger.entries[index].attempt, used) + 1
        ledger.change(index, to: .assigned)
        ledger.entries[index].workerID = id
        ledger.entries[index].term = log.tenure.term
        ledger.entries[index].since = now
        ledger.entries[index].shownAt = now
        ledger.entries[index].cancelOffset = nil
        ledger.entries[index].isShort = isShort
        ledger.needsCheckpoint = true
        roster[worker].inFlight += 1
        if !isShort { roster[worker].slow += 1 }
        roster[worker].freeSince = now
        counters.assigned += 1
        let entry = ledger.entries[index]
        let attempt = attempt(of: index)
        outbox.pack(ledger.payload(index))
        let assignment = Assignment(
            attempt: attempt, failures: entry.failures, request: entry.request)
        writeAsLeader(.assign(assignment), &outbox)
    }

    private func attempt(of index: Int) -> Attempt {
        Attempt(
            requestOffset: ledger.entries.offset(at: index), attempt: ledger.entries[index].attempt,
            workerID: ledger.entries[index].workerID ?? settings.workerID)
    }

    /// The entry's worker has one thing less to do.
    private mutating func release(_ index: Int) {
        guard let id = ledger.entries[index].workerID else { return }
        ledger.entries[index].workerID = nil
        guard let worker = roster.find(id) else { return }
        if ledger.entries[index].state == .cancelling(.overrun), roster[worker].overrun > 0 {
            roster[worker].overrun -= 1
        }
        guard roster[worker].inFlight > 0 else { return }
        roster[worker].inFlight -= 1
        if !ledger.entries[index].isShort, roster[worker].slow > 0 { roster[worker].slow -= 1 }
        roster[worker].freeSince = now
    }
}

// MARK: - Attempts end

extension Node {
    /// A record of `results`. The first final one of a request is its outcome; one that is not
    /// final ends the attempt, when its own worker says so.
    mutating func onResult(
        _ r: WorkResult, at offset: Offset, _ outbox: inout Outbox
    ) {
        guard log.isMine else { return }
        ledger.resultsNext = offset + 1
        let id = r.requestID.isEmpty ? Ledger.name(after: r.requestOffset) : r.requestID
        let key = id.key
        if !r.final { ledger.noteAttempt(r.attempt, of: key) }
        guard let index = ledger.entries.find(r.requestOffset) else {
            if r.final { onUnknownOutcome(r, key) }
            return
        }
        let entry = ledger.entries[index]
        if entry.state == .settled && entry.requestKey != key && r.final {
            // The broker lost one request, and gave its offset to another.
            return ledger.rememberSettled(key)
        }
        let isOfThis = entry.requestKey == key || entry.requestKey == 0
        guard entry.state != .settled, isOfThis else {
            counters.voidResults += 1
            return
        }
        // A number that was used before the broker lost records may be used again.
        let isCurrent =
            entry.attempt == r.attempt && entry.workerID == r.workerID && r.term >= entry.term
        if isCurrent && entry.isLoaded && r.status != .lost && r.status != .rejected {
            ledger.learn(entry.request.opCode, durationMs: r.durationMs)
        }
        if r.final {
            settle(index, r, isCurrent: isCurrent, &outbox)
        } else if isCurrent {
            endAttempt(index, r.status, &outbox)
        } else {
            counters.voidResults += 1
        }
    }

    /// Takeover: the outcome of a request that is read again later.
    private mutating func onUnknownOutcome(_ r: WorkResult, _ key: UInt64) {
        ledger.rememberSettled(key)
        guard r.requestOffset >= ledger.requestsNext else {
            counters.voidResults += 1
            return
        }
        var entry = Ledger.Entry()
        entry.state = .settled
        entry.requestKey = key
        _ = ledger.insert(r.requestOffset, entry)
    }

    private mutating func settle(
        _ index: Int, _ r: WorkResult, isCurrent: Bool, _ outbox: inout Outbox
    ) {
        let entry = ledger.entries[index]
        if !isCurrent, entry.workerID != nil, entry.state == .assigned, leads(at: now) {
            let attempt = attempt(of: index)
            counters.cancelled += 1
            outbox.say(.cancelled(attempt, .settled))
            writeAsLeader(.cancel(attempt), &outbox)
        }
        release(index)
        counters.settled += 1
        if r.status != .completed { outbox.say(.settled(requestOffset: r.requestOffset, r.status)) }
        ledger.rememberSettled(r.requestID.isEmpty ? entry.requestKey : r.requestID.key)
        ledger.needsCheckpoint = true
        if entry.state == .waiting { ledger.leaveTurn(r.requestOffset) }
        if r.requestOffset >= ledger.requestsNext {
            ledger.change(index, to: .settled)
        } else {
            ledger.remove(at: index)
        }
    }

    /// The current attempt is over without an outcome.
    private mutating func endAttempt(
        _ index: Int, _ status: Status, _ outbox: inout Outbox
    ) {
        if outbox.hasRoom { outbox.say(.attemptEnded(attempt(of: index), status)) }
        counters.attemptsEnded += 1
        // A worker that gave a job up says nothing against the job.
        let isRecall = ledger.entries[index].state == .cancelling(.recalled)
        if status == .failed || status == .timedOut { ledger.entries[index].failures += 1 }
        release(index)
        if isRecall { counters.recalls += 1 }
        tryAgain(index)
    }

    /// The entry has no worker: it waits for another, once its request is known.
    private mutating func tryAgain(_ index: Int) {
        ledger.needsCheckpoint = true
        guard !ledger.entries[index].isLoaded else { return wait(index) }
        ledger.change(index, to: .fetching)
        ledger.entries[index].since = now
    }

    /// `max_attempts` have failed.
    private mutating func exhaust(_ index: Int, _ outbox: inout Outbox) {
        let failures = ledger.entries[index].failures
        var why = FixedText<64>()
        why.append(decimal: Int64(failures))
        why.append(failures == 1 ? " attempt failed or was lost" : " attempts failed or were lost")
        ledger.keep(why, at: index)
        conclude(index, .exhausted, &outbox)
    }

    /// We say ourselves how a request ends; why, stands in its payload's place. It is over when
    /// that is read back.
    mutating func conclude(
        _ index: Int, _ status: Status, _ outbox: inout Outbox
    ) {
        ledger.entries[index].isLoaded = false
        ledger.change(index, to: .concluded(status))
        ledger.needsCheckpoint = true
        counters.concluded += 1
        guard outbox.hasRoom else {
            // The next sweep writes it.
            ledger.entries[index].since = .zero
            return
        }
        writeConclusion(index, &outbox)
    }

    private mutating func writeConclusion(_ index: Int, _ outbox: inout Outbox) {
        guard case .concluded(let status) = ledger.entries[index].state else { return }
        ledger.entries[index].since = now
        outbox.pack(ledger.payload(index))
        writeOwnResult(index, status, final: true, &outbox)
    }

    /// A result by the leader; it names itself, for only a worker's own word ends an attempt.
    private func writeOwnResult(
        _ index: Int, _ status: Status, final: Bool, _ outbox: inout Outbox
    ) {
        let entry = ledger.entries[index]
        let result = WorkResult(
            requestID: entry.request.requestID, requestOffset: ledger.entries.offset(at: index),
            workerID: settings.workerID, term: log.tenure.term, attempt: entry.attempt,
            status: status, exitCode: nil, truncated: false, durationMs: 0, final: final)
        outbox.append(.write(.result(result), .none))
    }

    /// A new member may have work from before it was one.
    mutating func countInFlight(_ worker: Int) {
        roster[worker].inFlight = 0
        roster[worker].slow = 0
        let id = roster.id(worker)
        for i in 0..<ledger.entries.capacity where ledger.entries.isUsed(i) {
            guard ledger.entries[i].workerID == id else { continue }
            roster[worker].inFlight += 1
            if !ledger.entries[i].isShort { roster[worker].slow += 1 }
        }
    }

    /// `REMOVE_MEMBER` for this worker was written just now. It may be lost on its way: until it is
    /// read back, the worker may run what it has.
    mutating func callBack(from id: WorkerID) {
        if let worker = roster.find(id) { roster[worker].overrun = 0 }
        for index in 0..<ledger.entries.capacity
        where ledger.entries.isUsed(index) && ledger.entries[index].workerID == id {
            switch ledger.entries[index].state {
            case .assigned, .cancelling(.unacknowledged), .cancelling(.overrun):
                ledger.change(index, to: .cancelling(.removed))
            case .cancelling: break
            case .waiting, .fetching, .concluded, .settled: continue
            }
            // Should the removal be lost, a new CANCEL is written.
            ledger.entries[index].since = now
            ledger.entries[index].cancelOffset = nil
        }
    }

    /// Our own `REMOVE_MEMBER` was read back: what the worker was to drop before it is lost.
    mutating func onOwnRemoval(
        of id: WorkerID, sentAt: Instant, _ outbox: inout Outbox
    ) {
        if takeover.isBlind, let worker = roster.find(id), !roster[worker].isCalledBack,
            roster[worker].calledBackAt <= sentAt
        {
            roster[worker].isCalledBack = true
            takeover.calledBackAt = now
        }
        // While nobody led, the worker may have renewed its lease alone.
        guard leads(at: now), sentAt >= leadingSince else { return }
        for index in 0..<ledger.entries.capacity
        where ledger.entries.isUsed(index) && ledger.entries[index].workerID == id {
            guard ledger.entries[index].state == .cancelling(.removed),
                ledger.entries[index].since <= sentAt
            else { continue }
            endCancelled(index, .removed, &outbox)
        }
    }

    private mutating func loseAttempt(_ index: Int, _ outbox: inout Outbox) {
        counters.attemptsLost += 1
        ledger.entries[index].failures += 1
        if ledger.entries[index].isLoaded && outbox.hasRoom {
            outbox.pack(FixedText<64>("its worker was lost"))
            writeOwnResult(index, .lost, final: false, &outbox)
        }
        endAttempt(index, .lost, &outbox)
    }
}

// MARK: - Workers report, and fall silent

extension Node {
    /// A member's heartbeat under our own term: what it has, and what it has dropped.
    mutating func onReport(
        _ h: Heartbeat, _ running: Span<UInt8>, from worker: Int, _ outbox: inout Outbox
    ) {
        guard isLedgerOpen else { return }
        for i in 0..<h.runningCount {
            guard let index = ledger.entries.find(Heartbeat.running(running, i)),
                ledger.entries[index].workerID == h.workerID
            else { continue }
            ledger.entries[index].shownAt = now
        }
        guard ledger.unfinished > 0 else { return }
        for index in 0..<ledger.entries.capacity where ledger.entries.isUsed(index) {
            guard case .cancelling(let reason) = ledger.entries[index].state,
                ledger.entries[index].workerID == h.workerID,
                let offset = ledger.entries[index].cancelOffset, h.leaderOffset > offset,
                !h.hasRunning(ledger.entries.offset(at: index), running)
            else { continue }
            // Its next heartbeat says the same of the rest.
            guard outbox.hasRoom else { return }
            endCancelled(index, reason, &outbox)
        }
    }

    private mutating func endCancelled(
        _ index: Int, _ reason: CancelReason, _ outbox: inout Outbox
    ) {
        switch reason {
        case .recalled, .settled: endAttempt(index, .lost, &outbox)
        // Everybody was called back: nobody has failed.
        case .removed where takeover.isBlind: endAttempt(index, .lost, &outbox)
        case .unacknowledged, .overrun, .removed: loseAttempt(index, &outbox)
        }
    }

    /// Looks at everything that is out, a few times per timeout.
    private mutating func sweepLedger(_ outbox: inout Outbox) {
        ledger.sweepAt = now + min(settings.heartbeatMs, 100)
        for index in 0..<ledger.entries.capacity where ledger.entries.isUsed(index) {
            guard outbox.hasRoom else {
                ledger.sweepAt = now
                return
            }
            switch ledger.entries[index].state {
            case .assigned: sweepAssigned(index, &outbox)
            case .cancelling(let reason):
                if reason != .removed && reason != .recalled,
                    removeIfSilent(index, &outbox)
                {
                    continue
                }
                sweepCancelling(index, &outbox)
            case .concluded:
                // Not read back in time: it may have been lost on its way.
                if now >= ledger.entries[index].since + settings.ackTimeoutMs {
                    writeConclusion(index, &outbox)
                }
            case .waiting, .fetching, .settled: break
            }
        }
        recallQueued(&outbox)
    }

    /// A worker that was told to drop a job, and does not say that it has read it. Its lease is
    /// renewed only by what it reads, and all that it can read before our order was there before
    /// it: `member_timeout_ms` after we read the order back, that lease is over.
    private mutating func sweepCancelling(
        _ index: Int, _ outbox: inout Outbox
    ) {
        let entry = ledger.entries[index]
        guard let offset = entry.cancelOffset else {
            if now >= entry.since + settings.ackTimeoutMs { writeCancel(index, &outbox) }
            return
        }
        guard case .cancelling(let reason) = entry.state, let id = entry.workerID,
            now >= entry.since + settings.memberTimeoutMs
        else { return }
        if let worker = roster.find(id) {
            guard roster[worker].leaderOffset <= offset else { return }
            roster[worker].mustRead = offset
        }
        endCancelled(index, reason, &outbox)
    }

    private mutating func sweepAssigned(_ index: Int, _ outbox: inout Outbox) {
        if removeIfSilent(index, &outbox) { return }
        let entry = ledger.entries[index]
        let shownAt = max(entry.shownAt, leadingSince)
        if now >= shownAt + settings.ackTimeoutMs {
            return cancel(index, .unacknowledged, &outbox)
        }
        guard let timeoutMs = entry.request.timeoutMs else { return }
        // The worker has the time that it needs to start it and to kill it; then it is ours.
        let grace = settings.ackTimeoutMs + 2 * settings.killGraceMs
        if now >= max(entry.since, leadingSince) + timeoutMs + grace {
            cancel(index, .overrun, &outbox)
        }
    }

    /// An entry whose worker is no member and was not heard: nobody removed it yet (takeover).
    private mutating func removeIfSilent(
        _ index: Int, _ outbox: inout Outbox
    ) -> Bool {
        guard let id = ledger.entries[index].workerID, id != settings.workerID else { return false }
        if let worker = roster.find(id) {
            if roster[worker].isMember { return false }
            guard isSilent(worker) else { return false }
        } else {
            // Its heartbeats were acknowledged even where there was no room to know it.
            let silentSince = max(leadingSince, roster.passedOverAt)
            guard now >= silentSince + settings.memberTimeoutMs else { return false }
        }
        writeRemoval(of: id, &outbox)
        return true
    }

    private mutating func cancel(
        _ index: Int, _ reason: CancelReason, _ outbox: inout Outbox
    ) {
        ledger.change(index, to: .cancelling(reason))
        counters.cancelled += 1
        switch reason {
        case .unacknowledged:
            counters.unacknowledged += 1
            // It may not know that it was added: the broker may have lost that.
            if let id = ledger.entries[index].workerID, let worker = roster.find(id) {
                roster[worker].isAdded = false
            }
        case .overrun:
            counters.overruns += 1
            if let id = ledger.entries[index].workerID, let worker = roster.find(id) {
                roster[worker].overrun += 1
            }
        case .recalled, .removed, .settled: break
        }
        outbox.say(.cancelled(attempt(of: index), reason))
        writeCancel(index, &outbox)
    }

    private mutating func writeCancel(_ index: Int, _ outbox: inout Outbox) {
        ledger.entries[index].since = now
        ledger.entries[index].cancelOffset = nil
        writeAsLeader(.cancel(attempt(of: index)), &outbox)
    }

    /// Our own `CANCEL_WORK_REQUEST` was read back.
    mutating func onOwnCancel(_ attempt: Attempt, at offset: Offset) {
        guard let index = ledger.entries.find(attempt.requestOffset),
            case .cancelling = ledger.entries[index].state,
            self.attempt(of: index) == attempt, ledger.entries[index].cancelOffset == nil
        else { return }
        ledger.entries[index].cancelOffset = offset
        ledger.entries[index].since = now
    }

    /// A short op that turns out slow must not hold those behind it: they are called back.
    private mutating func recallQueued(_ outbox: inout Outbox) {
        for worker in 0..<roster.count where roster[worker].inFlight > roster[worker].slots {
            let id = roster.id(worker)
            var overdue: Int32 = 0
            for index in 0..<ledger.entries.capacity where ledger.entries.isUsed(index) {
                let entry = ledger.entries[index]
                guard entry.state == .assigned, entry.workerID == id,
                    entry.shownAt >= entry.since + Self.slowMs(ledger.roundTripUs)
                else { continue }
                overdue += 1
                guard entry.isShort else { continue }
                ledger.entries[index].isShort = false
                roster[worker].slow += 1
            }
            if overdue >= roster[worker].slots { recall(from: worker, &outbox) }
        }
    }

    /// A short op that its worker still has after so long is slow.
    private static func slowMs(_ roundTripUs: Int64) -> Int32 {
        Int32(clamping: 50 + 10 * roundTripUs / 1000)
    }

    /// Calls back all that this worker has but the oldest, as many as it has slots: those run.
    private mutating func recall(from worker: Int, _ outbox: inout Outbox) {
        let id = roster.id(worker)
        for index in 0..<ledger.entries.capacity where ledger.entries.isUsed(index) {
            guard outbox.hasRoom else { return }
            let entry = ledger.entries[index]
            guard entry.state == .assigned, entry.workerID == id else { continue }
            if olderAssignments(than: index) >= roster[worker].slots {
                cancel(index, .recalled, &outbox)
            }
        }
    }

    private func olderAssignments(than index: Int) -> Int32 {
        let entry = ledger.entries[index]
        let offset = ledger.entries.offset(at: index)
        var older: Int32 = 0
        for i in 0..<ledger.entries.capacity where ledger.entries.isUsed(i) {
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
