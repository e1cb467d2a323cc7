/// What this node does as a worker (design, section 6): the valid assignments addressed to it, in
/// the order of the log, and their results until the broker has them.
struct Bench: ~Copyable {
    enum State: Equatable {
        case free, queued, running
        /// It was taken from us while it ran, and is being killed.
        case dropped(Drop)
        /// It was killed, and does not die: it waits in the kernel, and will never run on. Nobody waits
        /// for its end.
        case stuck
        /// The result is written, and not known to be in the log.
        case finished
        /// The producer gave the result up: it is written again.
        case undelivered

        /// Whether a process may live there.
        var isAlive: Bool {
            switch self {
            case .running, .dropped, .stuck: true
            case .free, .queued, .finished, .undelivered: false
            }
        }

        /// Whether its result is written, and not known to be in the log.
        var hasResult: Bool { self == .finished || self == .undelivered }

        /// Whether it may run, and is shown as such.
        var isShown: Bool { isAlive && self != .stuck }
    }

    /// Why a job is killed.
    enum Drop {
        /// The order was withdrawn: nobody waits for its end.
        case withdrawn
        /// We may not run it any more: its attempt is `lost`.
        case lost
        /// The node leaves in good order: the same, and the attempt does not count.
        case givenBack
    }

    struct Job {
        fileprivate(set) var state = State.free
        fileprivate(set) var assignment = Assignment(
            attempt: Attempt(requestOffset: 0, attempt: 0, workerID: WorkerID(high: 0, low: 0)),
            failures: 0,
            request: WorkRequest(
                requestID: RequestID(), opCode: OpName(), timeoutMs: nil, maxAttempts: 1))
        fileprivate(set) var term: Term = 0
        /// Where in the leader log it was assigned.
        fileprivate var orderedAt: Offset = 0
        /// From its start.
        fileprivate(set) var deadlineMs: Int32 = 0
        /// It was killed at once.
        fileprivate var isDead = false
        /// When it should have ended; and whether it was killed for not having done so.
        fileprivate var endsBy = Instant.never
        fileprivate var isOverdue = false
        /// When its result was written first; and whether others are to do it, for it is not delivered.
        fileprivate var finishedAt = Instant.zero
        fileprivate(set) var isGivenUp = false
        /// Its place in the queue; also tells a result's delivery from its predecessor's.
        fileprivate(set) var serial: UInt32 = 0
        fileprivate(set) var end = JobEnd(
            status: .lost, exitCode: nil, truncated: false, durationMs: 0)
        /// The attempt counts (design, section 6).
        fileprivate(set) var counts = true
        /// Why there is no output, where we say so ourselves.
        fileprivate(set) var reason: WorkResult.Reason?
        /// Bytes of its payload: the request's until it runs, then the output's.
        fileprivate var payloadCount: Int32 = 0
    }

    /// What tells an assignment that is read twice. Key and term are in it because offsets, and
    /// attempts, begin anew when a broker loses everything.
    private struct Seen: Equatable {
        var requestOffset: Offset
        var attempt: Int32
        var requestKey: UInt64
        var term: Term
    }

    private var jobs: Table<Job>
    private var payloads: Table<UInt8>
    /// The last assignments, each at its request's offset modulo the table's size.
    private var seen: Table<Seen>
    private var completed: Ring<RequestID>
    private var completedCount: Int64 = 0
    private var serial: UInt32 = 0
    /// Nothing was started that was assigned at or after this offset of the leader log.
    private var startedOffset: Offset = 0
    /// Places where a process may live, where an assignment waits, and all that are not free.
    private(set) var running: Int32 = 0
    private(set) var queued: Int32 = 0
    private(set) var used: Int32 = 0
    /// Those of `running` that do not die.
    private(set) var stuck: Int32 = 0
    /// Those that are finished, and are not shown any more.
    private(set) var givenUp: Int32 = 0
    /// Every other result that is not delivered was finished then or later.
    private(set) var unreportedSince = Instant.never
    /// No job should have ended, and has not, before then.
    private(set) var overdueAt = Instant.never

    init(_ capacities: Capacities, _ arena: inout Arena) {
        jobs = arena.table(capacities.bench, filler: Job())
        payloads = arena.bytes(capacities.bench * Limits.requestPayloadBytes)
        let filler = Seen(requestOffset: -1, attempt: 0, requestKey: 0, term: 0)
        seen = arena.table(Limits.recentAttempts, filler: filler)
        completed = Ring(capacity: Limits.completedIDs, filler: RequestID(), &arena)
    }

    var capacity: Int { jobs.count }

    subscript(place: Int) -> Job { jobs[place] }

    @_lifetime(borrow self)
    borrowing func payload(_ place: Int) -> Span<UInt8> {
        let start = place * Limits.requestPayloadBytes
        return payloads.span(start..<(start + Int(jobs[place].payloadCount)))
    }

    private mutating func keep(_ bytes: Span<UInt8>, at place: Int) {
        precondition(bytes.count <= Limits.requestPayloadBytes, "Bench: payload too long")
        payloads.copy(bytes, at: place * Limits.requestPayloadBytes)
        jobs[place].payloadCount = Int32(bytes.count)
    }

    /// The ways between states.
    private static func leads(from old: State, to new: State) -> Bool {
        switch (old, new) {
        case (.free, .queued): true
        case (.queued, .running), (.queued, .finished), (.queued, .free): true
        case (.running, .dropped), (.running, .finished), (.running, .stuck): true
        case (.dropped(.withdrawn), .free), (.dropped, .stuck), (.stuck, .free): true
        case (.dropped(.withdrawn), _): false
        case (.dropped, .dropped(.withdrawn)), (.dropped, .finished): true
        case (.finished, .free), (.finished, .undelivered): true
        case (.undelivered, .finished), (.undelivered, .free): true
        default: false
        }
    }

    /// The only place where a job changes its state.
    private mutating func change(_ place: Int, to state: State) {
        let old = jobs[place].state
        precondition(Self.leads(from: old, to: state), "Bench: no such way")
        if old == .free { used += 1 }
        if old == .queued { queued -= 1 }
        if old.isAlive { running -= 1 }
        if old == .stuck { stuck -= 1 }
        if state == .free {
            used -= 1
            if jobs[place].isGivenUp { givenUp -= 1 }
            jobs[place].isGivenUp = false
        }
        if state == .queued { queued += 1 }
        if state.isAlive { running += 1 }
        if state == .stuck { stuck += 1 }
        jobs[place].state = state
    }
}

// MARK: - Orders

extension Bench {
    enum Acceptance { case queued, wasHere, full }

    /// Queues an assignment, which stands at `offset` in the leader log. `isOpen`: others than those that
    /// are here already are taken.
    mutating func accept(
        _ a: Assignment, _ bytes: Span<UInt8>, term: Term, at offset: Offset, isOpen: Bool
    ) -> Acceptance {
        let order = Seen(
            requestOffset: a.attempt.requestOffset, attempt: a.attempt.attempt,
            requestKey: a.request.requestID.key, term: term)
        let index = Int(order.requestOffset) & (Limits.recentAttempts - 1)
        guard seen[index] != order else { return .wasHere }
        seen[index] = order
        guard isOpen, stuck == 0, let place = firstFree() else { return .full }
        serial &+= 1
        jobs[place].assignment = a
        jobs[place].term = term
        jobs[place].orderedAt = offset
        jobs[place].isDead = false
        jobs[place].isOverdue = false
        jobs[place].serial = serial
        keep(bytes, at: place)
        change(place, to: .queued)
        return .queued
    }

    private func firstFree() -> Int? {
        guard used < jobs.count else { return nil }
        for i in 0..<jobs.count where jobs[i].state == .free { return i }
        return nil
    }

    func find(_ attempt: Attempt) -> Int? {
        for i in 0..<jobs.count
        where jobs[i].state != .free && jobs[i].assignment.attempt == attempt {
            return i
        }
        return nil
    }

    /// It is ours no more; true when what runs there must be killed, and should have ended by `endsBy`.
    mutating func withdraw(_ place: Int, endsBy: Instant) -> Bool {
        switch jobs[place].state {
        case .queued: change(place, to: .free)
        case .running:
            change(place, to: .dropped(.withdrawn))
            expectEnd(place, by: endsBy)
            return true
        case .dropped(.lost), .dropped(.givenBack): change(place, to: .dropped(.withdrawn))
        case .finished, .undelivered:
            // The leader has given it to another by now.
            if jobs[place].isGivenUp { change(place, to: .free) }
        case .free, .dropped(.withdrawn), .stuck: break
        }
        return false
    }

    /// It is to be killed, and its end is reported.
    mutating func dropRunning(_ place: Int, _ why: Drop, endsBy: Instant) {
        precondition(jobs[place].state == .running, "Bench: nothing runs there")
        change(place, to: .dropped(why))
        expectEnd(place, by: endsBy)
    }

    /// The broker has lost the leader log's tail: its offsets are used again.
    mutating func forgetStarted() { startedOffset = 0 }
}

// MARK: - Running

extension Bench {
    /// The assignment that has waited longest; not one whose former attempt is being killed here.
    func nextQueued() -> Int? {
        guard queued > 0 else { return nil }
        var next: Int?
        for i in 0..<jobs.count where jobs[i].state == .queued && !isStillAlive(i) {
            if isOlder(i, than: next) { next = i }
        }
        return next
    }

    private func isOlder(_ place: Int, than other: Int?) -> Bool {
        other.map { jobs[place].serial < jobs[$0].serial } ?? true
    }

    private func isStillAlive(_ place: Int) -> Bool {
        guard running > 0 else { return false }
        let offset = jobs[place].assignment.attempt.requestOffset
        for i in 0..<jobs.count
        where jobs[i].state.isAlive && jobs[i].assignment.attempt.requestOffset == offset {
            return true
        }
        return false
    }

    mutating func start(_ place: Int, deadlineMs: Int32, endsBy: Instant) {
        precondition(jobs[place].state == .queued, "Bench: it does not wait")
        jobs[place].endsBy = .never
        expectEnd(place, by: endsBy)
        jobs[place].deadlineMs = deadlineMs
        startedOffset = max(startedOffset, jobs[place].orderedAt + 1)
        change(place, to: .running)
    }

    /// Whoever is killed at once has its time for that, and no less.
    private mutating func expectEnd(_ place: Int, by instant: Instant) {
        guard !jobs[place].isOverdue else { return }
        jobs[place].endsBy = min(jobs[place].endsBy, instant)
        overdueAt = min(overdueAt, jobs[place].endsBy)
    }

    /// The next place of a job that should have ended, and has not: it is to be killed at once
    /// (`isStuck` is false), and has `moreMs` for that; then it is stuck.
    mutating func nextOverdue(at now: Instant, moreMs: Int32) -> (place: Int, isStuck: Bool)? {
        overdueAt = .never
        for i in 0..<jobs.count where jobs[i].state.isShown {
            guard now >= jobs[i].endsBy else {
                overdueAt = min(overdueAt, jobs[i].endsBy)
                continue
            }
            guard jobs[i].isOverdue else {
                jobs[i].isOverdue = true
                jobs[i].endsBy = now + moreMs
                overdueAt = min(overdueAt, jobs[i].endsBy)
                guard mustDieNow(i) else { continue }
                overdueAt = now
                return (i, false)
            }
            overdueAt = now
            change(i, to: .stuck)
            return (i, true)
        }
        return nil
    }

    /// Whether a job may live there that has not been killed at once.
    func isLeftAlive(_ place: Int) -> Bool { jobs[place].state.isAlive && !jobs[place].isDead }

    /// The same; from now on it has.
    mutating func mustDieNow(_ place: Int) -> Bool {
        guard isLeftAlive(place) else { return false }
        jobs[place].isDead = true
        return true
    }
}

// MARK: - Results

extension Bench {
    /// The job there has ended; false when nobody waits for its end.
    mutating func onEnded(
        _ place: Int, _ end: JobEnd, _ output: Span<UInt8>, at now: Instant
    ) -> Bool {
        var end = end
        var counts = end.start == .made
        switch jobs[place].state {
        case .running: break
        case .dropped(.withdrawn), .stuck:
            change(place, to: .free)
            return false
        case .dropped(let why):
            // It may have ended by itself before the signal came.
            if end.status != .completed { end.status = .lost }
            if why == .givenBack { counts = false }
        case .free, .queued, .finished, .undelivered:
            preconditionFailure("Bench: no job runs there")
        }
        keep(output.extracting(0..<min(output.count, Limits.outputBytes)), at: place)
        finish(place, end, counts: counts, nil, at: now)
        return true
    }

    /// The node leaves before the job was started.
    mutating func endUnstarted(_ place: Int, at now: Instant) {
        precondition(jobs[place].state == .queued, "Bench: it does not wait")
        jobs[place].payloadCount = 0
        let lost = JobEnd(status: .lost, exitCode: nil, truncated: false, durationMs: 0)
        finish(place, lost, counts: false, .neverStarted, at: now)
    }

    private mutating func finish(
        _ place: Int, _ end: JobEnd, counts: Bool, _ reason: WorkResult.Reason?, at now: Instant
    ) {
        change(place, to: .finished)
        jobs[place].finishedAt = now
        unreportedSince = min(unreportedSince, now)
        jobs[place].end = end
        jobs[place].counts = counts
        jobs[place].reason = reason
        guard end.status != .lost else { return }
        completedCount += 1
        completed.push(jobs[place].assignment.request.requestID)
    }

    /// The broker has the result; false when the report is about a predecessor's.
    mutating func onDelivered(_ place: Int, serial: UInt32) -> Bool {
        guard hasResult(place, serial) else { return false }
        change(place, to: .free)
        return true
    }

    /// The producer gave the result up; true when it is to be written again.
    mutating func onUndelivered(_ place: Int, serial: UInt32) -> Bool {
        guard hasResult(place, serial), jobs[place].state == .finished else { return false }
        change(place, to: .undelivered)
        return true
    }

    /// Nobody takes the result as it is: without most of the output somebody may; without all of it it has
    /// failed, for that is not what the job has said.
    mutating func shorten(_ place: Int) {
        precondition(jobs[place].state == .undelivered, "Bench: there is no result to write")
        if jobs[place].payloadCount > Self.shortOutput {
            jobs[place].payloadCount = Self.shortOutput
            jobs[place].end.truncated = true
        } else {
            jobs[place].payloadCount = 0
            jobs[place].reason = .resultRefused
            if jobs[place].end.status != .lost { jobs[place].end.status = .failed }
        }
    }

    /// Bytes of output in a result that was refused with more.
    private static var shortOutput: Int32 { 256 }

    /// Results that were finished so long ago, and are not delivered, are for others to do: they are
    /// shown no more. False: there are none.
    mutating func giveUp(finishedBefore limit: Instant) -> Bool {
        let before = givenUp
        unreportedSince = .never
        for i in 0..<jobs.count where jobs[i].state.hasResult && !jobs[i].isGivenUp {
            if jobs[i].finishedAt <= limit {
                jobs[i].isGivenUp = true
                givenUp += 1
            } else {
                unreportedSince = min(unreportedSince, jobs[i].finishedAt)
            }
        }
        return givenUp > before
    }

    /// One was delivered: the others may be soon.
    mutating func showAgain(at now: Instant) {
        for i in 0..<jobs.count where jobs[i].isGivenUp {
            jobs[i].isGivenUp = false
            jobs[i].finishedAt = now
            unreportedSince = min(unreportedSince, now)
        }
        givenUp = 0
    }

    /// The result is being written again.
    mutating func writeAgain(_ place: Int) {
        precondition(jobs[place].state == .undelivered, "Bench: there is no result to write")
        change(place, to: .finished)
    }

    private func hasResult(_ place: Int, _ serial: UInt32) -> Bool {
        guard place >= 0, place < capacity, jobs[place].serial == serial else { return false }
        return jobs[place].state.hasResult
    }
}

// MARK: - What heartbeats say of it

extension Bench {
    /// Fills in what runs and what is finished, and packs the heartbeat's payload.
    func report(_ h: inout Heartbeat, _ desk: inout Desk) {
        var oldest: Int?
        var stuckFirst: Int?
        for i in 0..<jobs.count where jobs[i].state == .stuck && isOlder(i, than: stuckFirst) {
            stuckFirst = i
        }
        if let stuckFirst { h.stuckOp = jobs[stuckFirst].assignment.request.opCode }
        for i in 0..<jobs.count where jobs[i].state.isShown {
            desk.pack(jobs[i].assignment.attempt.requestOffset)
            if isOlder(i, than: oldest) { oldest = i }
        }
        if let oldest { h.current = jobs[oldest].assignment.request.requestID }
        for i in 0..<jobs.count
        where jobs[i].state != .free && !jobs[i].state.isAlive && !jobs[i].isGivenUp {
            desk.pack(jobs[i].assignment.attempt.requestOffset)
        }
        for i in 0..<jobs.count where jobs[i].state.isShown {
            desk.pack(deadlineMs: jobs[i].deadlineMs)
        }
        h.runningCount = used - stuck - givenUp
        h.deadlineCount = running - stuck
        h.startedOffset = startedOffset
        for i in 0..<completed.count { desk.packCompleted(completed[i]) }
        h.completedCount = completedCount
    }
}
