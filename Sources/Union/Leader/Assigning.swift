/// How long things take, as far as it decides how much a worker gets at once.
struct Timing: ~Copyable {
    /// How long an op takes, as its results say.
    private struct OpTime {
        var key: Digest = 0
        var us: Int32 = 0
        var samples: Int32 = 0
    }

    private var ops: Ring<OpTime>
    /// A record's way into the leader log and back, smoothed.
    private(set) var roundTripUs: Int64 = 2000

    /// An op is short when its last runs took less than this on average.
    private static var shortUs: Int32 { 5000 }
    /// Results say whole milliseconds; less than one counts as this much.
    private static var leastUs: Int32 { 100 }

    init(_ arena: inout Arena) { ops = Ring(capacity: Limits.ops, filler: OpTime(), &arena) }

    mutating func noteRoundTrip(us: Int64) {
        guard us >= 0, us < 10_000_000 else { return }
        roundTripUs += (us - roundTripUs) / 8
    }

    mutating func learn(_ op: OpName, durationMs: Int64) {
        let key = op.key
        let us = max(Self.leastUs, Int32(clamping: durationMs * 1000))
        for i in 0..<ops.count where ops[i].key == key {
            ops[i].us += (us - ops[i].us) / 4
            ops[i].samples = min(ops[i].samples + 1, 1000)
            return
        }
        ops.push(OpTime(key: key, us: us, samples: 1))
    }

    /// The smoothed time of a short op in µs; nil: not known to be short.
    func shortTime(_ op: OpName) -> Int32? {
        let key = op.key
        for i in 0..<ops.count where ops[i].key == key {
            return ops[i].samples >= 3 && ops[i].us < Self.shortUs ? ops[i].us : nil
        }
        return nil
    }

    /// Slots, plus what a short op's worker can do while an order and a result travel.
    func window(slots: Int32, shortUs: Int32, bench: Int) -> Int32 {
        let queue = 2 * roundTripUs * Int64(slots) / Int64(max(1, shortUs)) + 1
        return Int32(min(Int64(slots) + queue, Int64(max(bench * 3 / 4, 1))))
    }

    /// A short op that its worker still has after so long is slow.
    var slowMs: Int32 { Int32(clamping: 50 + 10 * roundTripUs / 1000) }
}

/// Who could not start which op (design, section 6): it gets no more of it for a while, which grows.
struct FailedStarts: ~Copyable {
    private struct Row {
        var worker = WorkerID(high: 0, low: 0)
        /// 0: the row is free.
        var op: Digest = 0
        var until = Instant.zero
        var restMs: Int32 = 0
    }

    /// For each place of the roster so many.
    private var rows: Table<Row>
    private static var each: Int { 8 }
    private var isUsed = false

    private static var firstRestMs: Int32 { 1000 }
    private static var longestRestMs: Int32 { 30_000 }

    init(_ capacities: Capacities, _ arena: inout Arena) {
        rows = arena.table(Self.each * capacities.members, filler: Row())
    }

    /// It could not, and rests for so many ms: what was ordered before it rested makes that no longer.
    mutating func note(_ place: Int, _ worker: WorkerID, _ op: OpName, at now: Instant) -> Int32 {
        isUsed = true
        let row = find(place, worker, op.key) ?? freeRow(of: place)
        if rows[row].worker != worker || rows[row].op != op.key
            || now >= rows[row].until + 2 * Self.longestRestMs
        {
            rows[row] = Row(worker: worker, op: op.key)
        }
        guard now >= rows[row].until else { return rows[row].restMs }
        rows[row].restMs = min(max(2 * rows[row].restMs, Self.firstRestMs), Self.longestRestMs)
        rows[row].until = now + rows[row].restMs
        return rows[row].restMs
    }

    /// It could.
    mutating func forget(_ place: Int, _ worker: WorkerID, _ op: OpName) {
        guard let row = find(place, worker, op.key) else { return }
        rows[row] = Row()
    }

    func rests(_ place: Int, _ worker: WorkerID, _ op: Digest, at now: Instant) -> Bool {
        guard let row = find(place, worker, op) else { return false }
        return now < rows[row].until
    }

    /// It could not when it was asked last.
    func holds(_ place: Int, _ worker: WorkerID, _ op: Digest) -> Bool {
        find(place, worker, op) != nil
    }

    private func find(_ place: Int, _ worker: WorkerID, _ op: Digest) -> Int? {
        guard isUsed else { return nil }
        let first = place * Self.each
        for i in first..<(first + Self.each) where rows[i].op == op && rows[i].worker == worker {
            return i
        }
        return nil
    }

    /// A row of another worker's, which had the place before, or the one whose rest ends first.
    private func freeRow(of place: Int) -> Int {
        let begin = place * Self.each
        var first = begin
        for i in begin..<(begin + Self.each) {
            if rows[i].op == 0 { return i }
            if rows[i].until < rows[first].until { first = i }
        }
        return first
    }
}

// MARK: - Work goes out (design, section 6)

extension Leader {
    mutating func assignWaiting(_ elector: inout Elector, _ desk: inout Desk) {
        isBehind = false
        guard !blindness.isBlind else { return }
        // Those before it need somebody who rests now: who comes after them does not wait for that.
        var position = 0
        var held: Digest = 0
        while position < ledger.waiting {
            let index = ledger.inTurn(position)
            guard desk.hasRoom else {
                isBehind = true
                return
            }
            let entry = ledger.entries[index]
            if entry.failures >= entry.request.maxAttempts {
                let reason: WorkResult.Reason =
                    entry.couldNotStart ? .cannotBeStarted : .attemptsFailed(entry.failures)
                conclude(index, .exhausted, reason, &elector, &desk)
                continue
            }
            if entry.inVain >= Limits.attemptsInVain {
                conclude(index, .exhausted, .attemptsInVain(entry.inVain), &elector, &desk)
                continue
            }
            guard entry.request.opCode.key != held else {
                position += 1
                continue
            }
            let shortUs = timing.shortTime(entry.request.opCode)
            switch pick(entry.request.opCode, shortUs: shortUs, elector, desk) {
            case .worker(let worker):
                assign(index, to: worker, isShort: shortUs != nil, &elector, &desk)
            case .nobody: return
            case .resting:
                held = entry.request.opCode.key
                position += 1
            }
        }
    }

    private enum Pick {
        case worker(Int)
        case nobody
        /// Who is free could not start this op a short while ago.
        case resting
    }

    /// The free worker that has waited longest; for a short op, where none is free, the one with
    /// the shortest queue that keeps it busy over a round trip. Where no member is fit, or there is none,
    /// ourselves.
    private func pick(
        _ op: OpName, shortUs: Int32?, _ elector: borrowing Elector, _ desk: borrowing Desk
    ) -> Pick {
        let bench = desk.settings.capacities.bench
        var picked: Int?
        var isOneResting = false
        for i in 0..<roster.count where isEligible(i, for: op, elector, desk) {
            let worker = roster[i]
            guard worker.inFlight + worker.unconfirmed < Int32(bench) else { continue }
            if worker.inFlight >= worker.slots {
                guard let shortUs, worker.slow == 0 else { continue }
                let window = timing.window(slots: worker.slots, shortUs: shortUs, bench: bench)
                guard worker.inFlight < window else { continue }
            }
            if rests(i, op, desk) {
                isOneResting = true
                continue
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
        if let picked { return .worker(picked) }
        return isOneResting ? .resting : .nobody
    }

    private func rests(_ place: Int, _ op: OpName, _ desk: borrowing Desk) -> Bool {
        failedStarts.rests(place, roster.id(place), op.key, at: desk.now)
    }

    /// Whether this member may start such an op, sooner or later: it is not known that it cannot. Whose
    /// rest is over is asked again when it is free.
    private func mayStart(_ place: Int, _ op: OpName, _ desk: borrowing Desk) -> Bool {
        guard roster[place].isMember, !roster[place].isSuspended, !rests(place, op, desk) else {
            return false
        }
        return roster[place].inFlight < roster[place].slots
            || !failedStarts.holds(place, roster.id(place), op.key)
    }

    /// Its worker could not start it, and gets no more of its op for a while. True: somebody else can be
    /// asked.
    mutating func noteFailedStart(_ index: Int, _ desk: inout Desk) -> Bool {
        let entry = ledger.entries[index]
        guard entry.isLoaded, let id = entry.workerID else { return true }
        let op = entry.request.opCode
        desk.count(.failedStarts)
        guard let place = roster.find(id) else { return true }
        let restMs = failedStarts.note(place, id, op, at: desk.now)
        desk.say(.failedStart(attempt(of: index, desk), op, restMs: restMs))
        for i in 0..<roster.count where i != place {
            let isOurs = roster.id(i) == desk.settings.workerID
            if mayStart(i, op, desk) || isOurs && !rests(i, op, desk) { return true }
        }
        return false
    }

    private func isEligible(
        _ index: Int, for op: OpName, _ elector: borrowing Elector, _ desk: borrowing Desk
    ) -> Bool {
        guard roster[index].isCurrent, !roster[index].isSuspended else { return false }
        if roster[index].isMember {
            return roster.isQuickEnough(index, desk)
                && !roster.isSilent(index, leadingSince: elector.leadingSince, desk)
        }
        guard roster.id(index) == desk.settings.workerID else { return false }
        for i in 0..<roster.count where mayStart(i, op, desk) { return false }
        return true
    }

    private mutating func assign(
        _ index: Int, to worker: Int, isShort: Bool, _ elector: inout Elector,
        _ desk: inout Desk
    ) {
        precondition(isOpen(elector) && !blindness.isBlind, "Leader: who has what is not known")
        precondition(ledger.entries[index].isLoaded, "Leader: its request is not known")
        ledger.assign(
            index, to: roster.id(worker), term: elector.term, isShort: isShort, at: desk.now)
        roster.give(worker, isShort: isShort, at: desk.now)
        checkpoints.want()
        desk.count(.assigned)
        desk.pack(ledger.payload(index))
        let entry = ledger.entries[index]
        let assignment = Assignment(
            attempt: attempt(of: index, desk), failures: entry.failures, request: entry.request)
        elector.order(.assign(assignment), &desk)
    }

    func attempt(of index: Int, _ desk: borrowing Desk) -> Attempt {
        ledger.attempt(of: index, orBy: desk.settings.workerID)
    }
}
