/// What this node does as a worker (design, section 6): the valid assignments addressed to it, in
/// the order of the log, and their results until the broker has them. It runs at most `slots` at
/// once, and none without a lease (section 5).
struct Workbench: ~Copyable {
    enum State: Equatable {
        case free, queued, running
        /// Being killed; its end is not worth a result.
        case discarded
        /// Being killed because the lease ended or the node leaves: the attempt is `lost`.
        case givenUp
        /// The result is written, and not known to be in the log.
        case finished
        /// The producer gave the result up: it is written again.
        case undelivered
    }

    struct Job {
        var state = State.free
        var assignment = Assignment(
            attempt: Attempt(requestOffset: 0, attempt: 0, workerID: WorkerID(high: 0, low: 0)),
            failures: 0,
            request: WorkRequest(
                requestID: RequestID(), opCode: OpName(), timeoutMs: nil, maxAttempts: 1))
        var term: Term = 0
        /// It was killed at once.
        var isDead = false
        /// Its place in the queue; also tells a result's delivery from its predecessor's.
        var serial: UInt32 = 0
        var end = JobEnd(status: .lost, exitCode: nil, truncated: false, durationMs: 0)
        /// Bytes of its payload: the request's until it runs, then the output's.
        var payloadCount: Int32 = 0
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
    /// Jobs may run until then.
    var leaseUntil = Instant.zero
    var retryAt = Instant.never
    /// When the end of the leader log was asked for last, to keep the lease without a leader.
    var askedAt = Instant.zero
    private(set) var running: Int32 = 0
    private(set) var queued: Int32 = 0
    /// Places that are not free.
    private(set) var used: Int32 = 0

    init(_ arena: inout Arena) {
        jobs = arena.table(Limits.bench, filler: Job())
        payloads = arena.bytes(Limits.bench * Limits.requestPayloadBytes)
        let filler = Seen(requestOffset: -1, attempt: 0, requestKey: 0, term: 0)
        seen = arena.table(Limits.recentAttempts, filler: filler)
        completed = Ring(capacity: Limits.completedIDs, filler: RequestID(), &arena)
    }

    subscript(place: Int) -> Job { jobs[place] }

    var capacity: Int { jobs.count }

    @_lifetime(borrow self)
    borrowing func payload(_ place: Int) -> Span<UInt8> {
        let start = place * Limits.requestPayloadBytes
        return payloads.span(start..<(start + Int(jobs[place].payloadCount)))
    }

    private mutating func keep(_ bytes: Span<UInt8>, at place: Int) {
        precondition(bytes.count <= Limits.requestPayloadBytes, "Workbench: payload too long")
        payloads.copy(bytes, at: place * Limits.requestPayloadBytes)
        jobs[place].payloadCount = Int32(bytes.count)
    }

    /// Queues an assignment; false when it was here before, or there is no place.
    mutating func accept(_ a: Assignment, _ bytes: Span<UInt8>, term: Term) -> Bool {
        let order = Seen(
            requestOffset: a.attempt.requestOffset, attempt: a.attempt.attempt,
            requestKey: a.request.requestID.key, term: term)
        let index = Int(order.requestOffset) & (Limits.recentAttempts - 1)
        guard seen[index] != order, let place = firstFree() else { return false }
        seen[index] = order
        serial &+= 1
        jobs[place].state = .queued
        jobs[place].assignment = a
        jobs[place].term = term
        jobs[place].isDead = false
        jobs[place].serial = serial
        keep(bytes, at: place)
        used += 1
        queued += 1
        return true
    }

    private func firstFree() -> Int? {
        guard used < jobs.count else { return nil }
        for i in 0..<jobs.count where jobs[i].state == .free { return i }
        return nil
    }

    /// The assignment that has waited longest; not one whose former attempt is being killed here.
    func nextQueued() -> Int? {
        guard queued > 0 else { return nil }
        var next: Int?
        for i in 0..<jobs.count where jobs[i].state == .queued && !isStillRunning(i) {
            if next.map({ jobs[i].serial < jobs[$0].serial }) ?? true { next = i }
        }
        return next
    }

    private func isStillRunning(_ place: Int) -> Bool {
        guard running > 0 else { return false }
        let offset = jobs[place].assignment.attempt.requestOffset
        for i in 0..<jobs.count
        where isRunning(jobs[i].state) && jobs[i].assignment.attempt.requestOffset == offset {
            return true
        }
        return false
    }

    func find(_ attempt: Attempt) -> Int? {
        for i in 0..<jobs.count
        where jobs[i].state != .free && jobs[i].assignment.attempt == attempt {
            return i
        }
        return nil
    }

    mutating func change(_ place: Int, to state: State) {
        let old = jobs[place].state
        if old == .queued { queued -= 1 }
        if isRunning(old) { running -= 1 }
        if isRunning(state) { running += 1 }
        if state == .free { used -= 1 }
        jobs[place].state = state
    }

    /// Whether a job runs there that has not been killed at once; from now on it has.
    mutating func mustDieNow(_ place: Int) -> Bool {
        guard isRunning(jobs[place].state), !jobs[place].isDead else { return false }
        jobs[place].isDead = true
        return true
    }

    private func isRunning(_ state: State) -> Bool {
        state == .running || state == .discarded || state == .givenUp
    }

    mutating func finish(_ place: Int, _ end: JobEnd, _ output: Span<UInt8>) {
        let kept = min(output.count, Limits.outputBytes)
        keep(output.extracting(0..<kept), at: place)
        noteFinished(place, end)
    }

    /// The same, with words of our own.
    mutating func finish<let n: Int>(_ place: Int, _ end: JobEnd, _ why: FixedText<n>) {
        for i in 0..<why.count { payloads[place * Limits.requestPayloadBytes + i] = why[i] }
        jobs[place].payloadCount = Int32(why.count)
        noteFinished(place, end)
    }

    private mutating func noteFinished(_ place: Int, _ end: JobEnd) {
        change(place, to: .finished)
        jobs[place].end = end
        guard end.status != .lost else { return }
        completedCount += 1
        completed.push(jobs[place].assignment.request.requestID)
    }

    /// What a heartbeat says of the bench, and its payload.
    func report(_ h: inout Heartbeat, into outbox: inout Outbox) {
        var oldest: Int?
        for i in 0..<jobs.count where jobs[i].state != .free {
            outbox.pack(jobs[i].assignment.attempt.requestOffset)
            h.runningCount += 1
            guard isRunning(jobs[i].state) else { continue }
            if oldest.map({ jobs[i].serial < jobs[$0].serial }) ?? true { oldest = i }
        }
        if let oldest { h.current = jobs[oldest].assignment.request.requestID }
        for i in 0..<completed.count { outbox.packCompleted(completed[i]) }
        h.completedCount = completedCount
    }
}

// MARK: - Orders

extension Node {
    /// A valid assignment to us.
    mutating func onAssignment(_ a: Assignment, _ bytes: Span<UInt8>, term: Term) {
        // What was ordered before we came was another life's: the leader gives it to another.
        guard leaving == nil, hasJoinedBefore else { return }
        if bench.accept(a, bytes, term: term) {
            counters.accepted += 1
            hastenHeartbeat()
        } else {
            counters.notAccepted += 1
        }
    }

    /// A valid `CANCEL_WORK_REQUEST` for us.
    mutating func onCancel(_ attempt: Attempt, _ outbox: inout Outbox) {
        hastenHeartbeat()
        guard let place = bench.find(attempt) else { return }
        drop(place, &outbox)
    }

    /// Another attempt of a request was assigned: what we have of it is over, even where the
    /// `CANCEL` or `REMOVE_MEMBER` before it got lost on its way.
    mutating func dropOtherAttempts(than attempt: Attempt, _ outbox: inout Outbox) {
        guard bench.used > 0 else { return }
        for place in 0..<bench.capacity where bench[place].state != .free {
            let own = bench[place].assignment.attempt
            if own.requestOffset == attempt.requestOffset && own != attempt { drop(place, &outbox) }
        }
    }

    /// We are no member any more: nothing that was ordered before is ours.
    mutating func dropAllJobs(_ outbox: inout Outbox) {
        for place in 0..<bench.capacity { drop(place, &outbox) }
    }

    private mutating func drop(_ place: Int, _ outbox: inout Outbox) {
        switch bench[place].state {
        case .queued: bench.change(place, to: .free)
        case .running, .givenUp:
            if bench[place].state == .running { outbox.append(.kill(Place(place), now: false)) }
            bench.change(place, to: .discarded)
        case .free, .discarded, .finished, .undelivered: break
        }
    }

    /// A heartbeat of ours is known to have been read by the holder: the lease runs on.
    mutating func renewWorkerLease() {
        guard joining.wasHeard, let sentAt = heartbeats.newestAcknowledged() else { return }
        bench.leaseUntil = max(bench.leaseUntil, sentAt + settings.workerLeaseMs)
    }

    /// While nobody leads, nobody can take our jobs away. That nobody does is known when, at the
    /// moment `askedAt`, the leader log ended where we have read, and what we read last was old
    /// enough for its lease to be over: whoever leads later began later, and waits
    /// `member_timeout_ms` from its beginning before it gives a silent worker's jobs to another.
    mutating func onLeaderLogEnd(_ end: Offset, askedAt: Instant) {
        let longest = max(settings.leaseMs, log.longestLeaseMs)
        let quietAt = log.heardAt + Settings.withClockMargin(longest)
        guard end <= next(.leader), quietAt <= askedAt else { return }
        bench.leaseUntil = max(bench.leaseUntil, askedAt + settings.workerLeaseMs)
    }
}

// MARK: - Running, and giving up

extension Node {
    /// Until when this worker may run jobs. For who must kill them should the worker be stopped.
    public var jobsUntil: Instant { bench.leaseUntil }

    /// Kills what runs without a lease, starts what waits with one.
    mutating func actOnBench(_ outbox: inout Outbox) {
        guard bench.used > 0 else { return }
        if now >= bench.leaseUntil {
            giveUpRunning(&outbox)
            if now >= bench.leaseUntil + settings.killGraceMs { killWhatIsLeft(&outbox) }
        } else {
            askForLeaderLogEnd(&outbox)
            while leaving == nil, bench.running < settings.slots, outbox.hasRoom,
                let place = bench.nextQueued()
            {
                start(place, &outbox)
            }
        }
        if now >= bench.retryAt { writeUndelivered(&outbox) }
    }

    private mutating func start(_ place: Int, _ outbox: inout Outbox) {
        counters.started += 1
        bench.change(place, to: .running)
        outbox.pack(bench.payload(place))
        outbox.append(.start(Place(place), bench[place].assignment, term: bench[place].term))
    }

    private mutating func giveUpRunning(_ outbox: inout Outbox) {
        var jobs: Int32 = 0
        for place in 0..<bench.capacity where bench[place].state == .running {
            bench.change(place, to: .givenUp)
            outbox.append(.kill(Place(place), now: false))
            jobs += 1
        }
        guard jobs > 0 else { return }
        counters.workerLeasesLost += 1
        outbox.say(.workerLeaseLost(jobs: jobs))
    }

    /// A job's grace counts from the end of the lease, not from when we noticed it: we may have
    /// been stopped for long, and somebody else may have the job by now.
    private mutating func killWhatIsLeft(_ outbox: inout Outbox) {
        for place in 0..<bench.capacity where bench.mustDieNow(place) {
            outbox.append(.kill(Place(place), now: true))
        }
    }

    private mutating func askForLeaderLogEnd(_ outbox: inout Outbox) {
        guard bench.running > 0, now >= leaderLogEndDue else { return }
        bench.askedAt = now
        outbox.append(.ask(.leader))
    }

    /// When the leader log's end is asked for: half of the lease is gone, and no leader renews it.
    private var leaderLogEndDue: Instant {
        let quiet =
            log.heardAt + Settings.withClockMargin(max(settings.leaseMs, log.longestLeaseMs))
        let half = bench.leaseUntil - settings.workerLeaseMs / 2
        return max(max(half, quiet), bench.askedAt + settings.heartbeatMs)
    }

    /// The node leaves, or has lost its orders: what waits goes back, what runs is killed.
    mutating func giveUpAll(_ outbox: inout Outbox) {
        let lost = JobEnd(status: .lost, exitCode: nil, truncated: false, durationMs: 0)
        for place in 0..<bench.capacity where bench[place].state == .queued {
            bench.finish(place, lost, FixedText<64>("the worker gave it up before it ran"))
            writeResult(place, &outbox)
        }
        giveUpRunning(&outbox)
    }

    func benchDeadline(after now: Instant) -> Instant {
        guard bench.used > 0 else { return .never }
        guard now < bench.leaseUntil else {
            let killAt = bench.leaseUntil + settings.killGraceMs
            return bench.running > 0 && now < killAt ? min(killAt, bench.retryAt) : bench.retryAt
        }
        if leaving == nil, bench.running < settings.slots, bench.nextQueued() != nil { return now }
        let due = bench.running > 0 ? min(bench.leaseUntil, leaderLogEndDue) : .never
        return min(due, bench.retryAt)
    }
}

// MARK: - Results

extension Node {
    mutating func onJobEnded(
        _ place: Int, _ end: JobEnd, _ output: Span<UInt8>, _ outbox: inout Outbox
    ) {
        precondition(place >= 0 && place < bench.capacity, "jobEnded: no such place")
        hastenHeartbeat()
        switch bench[place].state {
        case .running:
            bench.finish(place, end, output)
            writeResult(place, &outbox)
        case .givenUp:
            var lost = end
            // It may have ended by itself before the signal came.
            if end.status != .completed { lost.status = .lost }
            bench.finish(place, lost, output)
            writeResult(place, &outbox)
        case .discarded:
            bench.change(place, to: .free)
        case .free, .queued, .finished, .undelivered:
            preconditionFailure("jobEnded: no job runs there")
        }
    }

    private mutating func writeResult(_ place: Int, _ outbox: inout Outbox) {
        let job = bench[place]
        let a = job.assignment
        let isLast = a.failures + 1 >= a.request.maxAttempts
        let final =
            switch job.end.status {
            case .completed, .rejected, .exhausted: true
            case .failed, .timedOut: isLast
            case .lost: false
            }
        counters.results += 1
        outbox.pack(bench.payload(place))
        let result = WorkResult(
            requestID: a.request.requestID, requestOffset: a.attempt.requestOffset,
            workerID: settings.workerID, term: job.term, attempt: a.attempt.attempt,
            status: job.end.status, exitCode: job.end.exitCode, truncated: job.end.truncated,
            durationMs: job.end.durationMs, final: final)
        outbox.append(.write(.result(result), .result(Place(place), serial: job.serial)))
    }

    mutating func onResultDelivered(_ place: Int, serial: UInt32) {
        guard let job = finishedJob(place, serial) else { return }
        precondition(job == .finished || job == .undelivered)
        bench.change(place, to: .free)
        hastenHeartbeat()
    }

    mutating func onResultUndelivered(_ place: Int, serial: UInt32) {
        guard finishedJob(place, serial) == .finished else { return }
        bench.change(place, to: .undelivered)
        bench.retryAt = min(bench.retryAt, now + settings.announceMs)
    }

    private func finishedJob(_ place: Int, _ serial: UInt32) -> Workbench.State? {
        guard place >= 0, place < bench.capacity, bench[place].serial == serial else { return nil }
        let state = bench[place].state
        return state == .finished || state == .undelivered ? state : nil
    }

    /// Results must not be lost: they are written until the broker has them.
    private mutating func writeUndelivered(_ outbox: inout Outbox) {
        bench.retryAt = .never
        for place in 0..<bench.capacity where bench[place].state == .undelivered {
            guard outbox.hasRoom else {
                bench.retryAt = now
                return
            }
            bench.change(place, to: .finished)
            writeResult(place, &outbox)
        }
    }
}
