/// The worker in every node (design, sections 5 and 6): says that it lives, takes orders, runs jobs
/// while its lease runs, at most `slots` at once, and writes their results until the broker has them.
struct Worker: ~Copyable {
    private(set) var bench: Bench
    private(set) var lease: WorkerLease
    /// When results that the producer gave up are written again.
    private var retryAt = Instant.never
    /// Results that were finished long ago are not delivered: others must do what we have, and we take
    /// nothing. Until one is delivered; or until then, when nobody asks for those any more.
    private var muteUntil: Instant?
    /// How long it was so the last time; 0: a result was delivered since.
    private var muteMs: Int32 = 0
    /// Since when the broker is there; `.never`: it is not.
    private var reachableSince = Instant.zero
    /// Heartbeats written so far.
    private(set) var heartbeatCount: Int64 = 0
    private var heartbeatSentAt = Instant.zero
    /// Our leader is of an older version: it has not said how long it waits for who is silent.
    private var isLedByOlder = false
    private(set) var heartbeatDueAt = Instant.never

    private static var coalescedMs: Int32 { 20 }

    init(_ capacities: Capacities, _ arena: inout Arena) {
        bench = Bench(capacities, &arena)
        lease = WorkerLease(&arena)
    }

    /// Until when this worker may run jobs.
    var jobsUntil: Instant { lease.until }
    var isWorking: Bool { bench.running > 0 }
    /// Nothing is left to do, or to say.
    var isIdle: Bool { bench.used == 0 }
    private var isMute: Bool { muteUntil != nil }
}

// MARK: - Orders

extension Worker {
    /// A valid assignment to us, in this life, at `offset` in the leader log.
    mutating func onAssigned(
        _ a: Assignment, _ bytes: Span<UInt8>, term: Term, at offset: Offset, _ desk: inout Desk
    ) {
        // A lease that cannot be renewed in time would end each job.
        let isOpen = !isMute && lease.lengthMs(desk) >= desk.settings.leastWorkerLeaseMs
        switch bench.accept(a, bytes, term: term, at: offset, isOpen: isOpen) {
        case .queued:
            desk.count(.accepted)
            hastenHeartbeat()
        case .wasHere: desk.count(.notAccepted)
        case .full:
            desk.count(.notAccepted)
            refuse(a, term: term, &desk)
        }
    }

    /// The leader counts our places as we do, and does not know yet at most that one is stuck, or that we
    /// cannot report: it is told at once.
    private func refuse(_ a: Assignment, term: Term, _ desk: inout Desk) {
        var result = WorkResult(
            requestID: a.request.requestID, requestOffset: a.attempt.requestOffset,
            workerID: desk.settings.workerID, term: term, attempt: a.attempt.attempt,
            status: .lost, exitCode: nil, truncated: false, durationMs: 0, final: false)
        result.counts = false
        result.reason = bench.stuck > 0 ? .boardStuck : .benchFull
        desk.write(.result(result), .refusal)
    }

    /// A valid `CANCEL_WORK_REQUEST` for us. `unlessStarted`: only what waits is meant.
    mutating func onCancelled(_ attempt: Attempt, unlessStarted: Bool, _ desk: inout Desk) {
        hastenHeartbeat()
        guard let place = bench.find(attempt) else { return }
        if unlessStarted && bench[place].state != .queued { return }
        withdraw(place, &desk)
    }

    /// Another attempt of a request was assigned: what we have of it is over, even where the
    /// `CANCEL` or `REMOVE_MEMBER` before it got lost on its way.
    mutating func dropOtherAttempts(than attempt: Attempt, _ desk: inout Desk) {
        guard bench.used > 0 else { return }
        for place in 0..<bench.capacity where bench[place].state != .free {
            let own = bench[place].assignment.attempt
            if own.requestOffset == attempt.requestOffset && own != attempt {
                withdraw(place, &desk)
            }
        }
    }

    /// We are no member any more: nothing that was ordered before is ours.
    mutating func onRemoved(_ desk: inout Desk) {
        for place in 0..<bench.capacity { withdraw(place, &desk) }
    }

    /// When a job should have ended that is told to end in so many ms: it is killed `kill_grace_ms`
    /// after that, and we hear of it soon.
    private func endsBy(in ms: Int32, _ desk: borrowing Desk) -> Instant {
        let grace = Int64(desk.settings.killGraceMs) + Int64(desk.settings.heartbeatMs)
        return desk.now + Int32(clamping: Int64(ms) + grace)
    }

    private mutating func withdraw(_ place: Int, _ desk: inout Desk) {
        if bench.withdraw(place, endsBy: endsBy(in: 0, desk)) {
            desk.emit(.kill(Place(place), now: false))
        }
    }
}

// MARK: - Running

extension Worker {
    /// Kills what runs without a lease, starts what waits with one.
    mutating func act(_ desk: inout Desk) {
        if let muteUntil, bench.givenUp == 0, desk.now >= muteUntil { self.muteUntil = nil }
        guard bench.used > 0 else { return }
        if lease.runs(at: desk.now) {
            startWaiting(&desk)
        } else {
            let jobs = dropRunning(.lost, &desk)
            if jobs > 0 {
                desk.count(.workerLeasesLost)
                desk.say(.workerLeaseLost(jobs: jobs))
            }
            if desk.now >= lease.until + desk.settings.killGraceMs { killWhatIsLeft(&desk) }
        }
        if desk.now >= bench.overdueAt { endOverdue(&desk) }
        if desk.now >= retryAt { writeUndelivered(&desk) }
        if desk.now >= givesUpResultsAt(desk) { giveUpResults(&desk) }
    }

    /// A job that SIGKILL does not end waits in the kernel, and may for ever: who has one takes no work
    /// and has none to show, so that others do what it has.
    private mutating func endOverdue(_ desk: inout Desk) {
        let moreMs = desk.settings.ackTimeoutMs
        while let (place, isStuck) = bench.nextOverdue(at: desk.now, moreMs: moreMs) {
            guard isStuck else {
                desk.emit(.kill(Place(place), now: true))
                continue
            }
            desk.count(.stuckJobs)
            let job = bench[place].assignment
            desk.say(.stuck(job.request.opCode, job.attempt))
            hastenHeartbeat()
        }
        if bench.stuck > 0 { giveBackQueued(&desk) }
    }

    private mutating func startWaiting(_ desk: inout Desk) {
        while canStart(desk), desk.hasRoom, let place = bench.nextQueued() {
            desk.count(.started)
            let job = bench[place]
            let deadlineMs = desk.settings.deadlineMs(of: job.assignment.request)
            bench.start(place, deadlineMs: deadlineMs, endsBy: endsBy(in: deadlineMs, desk))
            desk.pack(bench.payload(place))
            desk.emit(.start(Place(place), job.assignment, term: job.term, deadlineMs: deadlineMs))
        }
    }

    private func canStart(_ desk: borrowing Desk) -> Bool {
        !desk.isLeaving && bench.stuck == 0 && !isMute && bench.running < desk.settings.slots
    }

    /// How many jobs that were.
    private mutating func dropRunning(_ why: Bench.Drop, _ desk: inout Desk) -> Int32 {
        var jobs: Int32 = 0
        for place in 0..<bench.capacity where bench[place].state == .running {
            bench.dropRunning(place, why, endsBy: endsBy(in: 0, desk))
            desk.emit(.kill(Place(place), now: false))
            jobs += 1
        }
        return jobs
    }

    /// A job's grace counts from the end of the lease, not from when we noticed it: we may have
    /// been stopped for long, and somebody else may have the job by now.
    private mutating func killWhatIsLeft(_ desk: inout Desk) {
        for place in 0..<bench.capacity where bench.mustDieNow(place) {
            desk.emit(.kill(Place(place), now: true))
        }
    }

    /// The node leaves: what waits and what runs goes back.
    mutating func giveBack(_ desk: inout Desk) { dropAll(.givenBack, &desk) }

    /// The broker has lost our orders: nobody else may know that they are ours.
    mutating func loseOrders(_ desk: inout Desk) {
        dropAll(.lost, &desk)
        bench.forgetStarted()
    }

    /// Another lives under our id: what we have is the leader's to give to others.
    mutating func standBack(_ desk: inout Desk) { dropAll(.lost, &desk) }

    private mutating func dropAll(_ why: Bench.Drop, _ desk: inout Desk) {
        giveBackQueued(&desk)
        _ = dropRunning(why, &desk)
    }

    private mutating func giveBackQueued(_ desk: inout Desk) {
        for place in 0..<bench.capacity where bench[place].state == .queued {
            bench.endUnstarted(place, at: desk.now)
            writeResult(place, &desk)
        }
    }

    /// When `act` has something to do next.
    func deadline(_ desk: borrowing Desk) -> Instant {
        guard bench.used > 0 else { return muteUntil ?? .never }
        var next = min(min(retryAt, bench.overdueAt), givesUpResultsAt(desk))
        if let muteUntil, bench.givenUp == 0 { next = min(next, muteUntil) }
        guard lease.runs(at: desk.now) else {
            let killAt = lease.until + desk.settings.killGraceMs
            return bench.running > 0 && desk.now < killAt ? min(killAt, next) : next
        }
        if canStart(desk), bench.nextQueued() != nil { return desk.now }
        return bench.running > 0 ? min(lease.until, next) : next
    }

    /// When a mark is to be written to the leader log (`WorkerLease.marksAt`).
    func marksAt(quietAt: Instant, _ desk: borrowing Desk) -> Instant {
        let hasJob = bench.running > 0 && lease.runs(at: desk.now)
        return lease.marksAt(quietAt: quietAt, hasJob: hasJob, desk)
    }

    mutating func noteMarked(_ desk: borrowing Desk) { lease.noteMarked(desk) }
}

// MARK: - Results

extension Worker {
    /// The job on this place has ended.
    mutating func onJobEnded(
        _ place: Int, _ end: JobEnd, _ output: Span<UInt8>, _ desk: inout Desk
    ) {
        precondition(place >= 0 && place < bench.capacity, "Worker: no such place")
        hastenHeartbeat()
        if bench.onEnded(place, end, output, at: desk.now) { writeResult(place, &desk) }
    }

    private mutating func writeResult(_ place: Int, _ desk: inout Desk) {
        let job = bench[place]
        let a = job.assignment
        let isLast = a.failures + 1 >= a.request.maxAttempts
        let final =
            switch job.end.status {
            case .completed, .rejected, .exhausted, .unknown: true
            case .failed, .timedOut: isLast
            case .lost: false
            }
        desk.count(.results)
        desk.pack(bench.payload(place))
        var result = WorkResult(
            requestID: a.request.requestID, requestOffset: a.attempt.requestOffset,
            workerID: desk.settings.workerID, term: job.term, attempt: a.attempt.attempt,
            status: job.end.status, exitCode: job.end.exitCode, truncated: job.end.truncated,
            durationMs: job.end.durationMs, final: final)
        result.reason = job.reason
        result.cannotStart = job.end.start == .failed
        // An older leader would ask us again and again.
        result.counts = job.counts || result.cannotStart && isLedByOlder
        desk.write(.result(result), .result(Place(place), serial: job.serial))
    }

    mutating func onResultDelivered(_ place: Int, serial: UInt32, _ desk: inout Desk) {
        guard bench.onDelivered(place, serial: serial) else { return }
        hastenHeartbeat()
        muteMs = 0
        guard isMute else { return }
        muteUntil = nil
        bench.showAgain(at: desk.now)
        desk.say(.canReport)
    }

    /// `forGood`: as it is it would never be.
    mutating func onResultUndelivered(
        _ place: Int, serial: UInt32, forGood: Bool, _ desk: borrowing Desk
    ) {
        guard bench.onUndelivered(place, serial: serial) else { return }
        if forGood { bench.shorten(place) }
        retryAt = min(retryAt, desk.now + desk.settings.announceMs)
    }

    /// Whether the producer gives a result up or goes on trying: what is not delivered by then is for
    /// others to do. (An outage is nobody's fault.)
    private func givesUpResultsAt(_ desk: borrowing Desk) -> Instant {
        guard bench.unreportedSince != .never, reachableSince != .never else { return .never }
        return max(bench.unreportedSince, reachableSince) + 2 * desk.settings.ackTimeoutMs
    }

    private mutating func giveUpResults(_ desk: inout Desk) {
        let limit = desk.now - 2 * desk.settings.ackTimeoutMs
        guard bench.giveUp(finishedBefore: limit) else { return }
        hastenHeartbeat()
        if !isMute {
            desk.say(.cannotReport)
            muteMs = min(max(2 * muteMs, 10 * desk.settings.ackTimeoutMs), Limits.timingMs)
        }
        muteUntil = desk.now + muteMs
        giveBackQueued(&desk)
    }

    /// Results must not be lost: they are written until the broker has them.
    private mutating func writeUndelivered(_ desk: inout Desk) {
        retryAt = .never
        for place in 0..<bench.capacity where bench[place].state == .undelivered {
            guard desk.hasRoom else {
                retryAt = desk.now
                return
            }
            bench.writeAgain(place)
            writeResult(place, &desk)
        }
    }
}

// MARK: - Heartbeats

extension Worker {
    /// Something that others wait for has changed: the next heartbeat comes sooner, but at most
    /// one in 20 ms.
    mutating func hastenHeartbeat() {
        heartbeatDueAt = min(heartbeatDueAt, heartbeatSentAt + Self.coalescedMs)
    }

    /// It has joined: from now on it is heard.
    mutating func beginHeartbeats(_ desk: borrowing Desk) { heartbeatDueAt = desk.now }

    /// Writes a heartbeat with what the elector says of us, and what is on the bench.
    mutating func sayHeartbeat(
        _ tenure: Referee.Tenure, _ role: Role, ranking: Int32, follows: Bool,
        isLeftOut: Bool, _ desk: inout Desk
    ) {
        var h = Heartbeat(
            workerID: desk.settings.workerID, incarnation: desk.settings.incarnation)
        h.count = heartbeatCount
        h.leaderID = tenure.resigned || !follows ? nil : tenure.holder
        h.term = tenure.term
        h.leaderOffset = desk.next(.leader)
        h.role = role
        h.ranking = ranking
        h.slots = desk.settings.slots
        h.workerLeaseMs = desk.settings.workerLeaseMs
        h.killGraceMs = desk.settings.killGraceMs
        h.isLeftOut = isLeftOut
        h.cannotReport = isMute
        h.isLeaving = desk.isLeaving
        h.accepts = desk.settings.accepts
        h.versions = desk.settings.versions
        bench.report(&h, &desk)
        desk.write(.heartbeat(h), .heartbeat(h.count))
        lease.noteSent(h.count, desk)
        heartbeatCount += 1
        heartbeatSentAt = desk.now
        heartbeatDueAt = desk.now + desk.settings.heartbeatMs
    }

    /// The broker has this heartbeat. Nobody is renewed (`isHeard` is false) before its own first
    /// heartbeat was read back: until then it may be a twin.
    mutating func onHeartbeatDelivered(
        _ count: Int64, at offset: Offset, isHeard: Bool, _ desk: borrowing Desk
    ) {
        lease.noteDelivered(count, at: offset)
        if isHeard { lease.renew(desk) }
    }

    /// Whether the present leader has said how long it waits for who is silent. Who has not may wait for
    /// less than our own lease asks for: it is of an older version.
    mutating func noteLeader(saysTimeout: Bool, leaseMs: Int32, _ desk: borrowing Desk) {
        let least = Settings.leastMemberTimeoutMs(lease: leaseMs)
        isLedByOlder = !saysTimeout
        lease.underLeaderMs =
            saysTimeout ? .max : desk.settings.longestWorkerLeaseMs(memberTimeout: least)
    }

    /// Others are there, of whom one may speak 1, and lead next: what we have then, and perhaps do not
    /// hear of that, must end in its time. Unless our timings leave no time for it.
    mutating func noteOthers(_ heard: Heard, _ desk: borrowing Desk) {
        let least = Settings.leastMemberTimeoutMs(lease: desk.settings.leaseMs)
        let ms = desk.settings.longestWorkerLeaseMs(memberTimeout: least)
        let isShort = heard.oldest == 1 && ms >= desk.settings.leastWorkerLeaseMs
        lease.amongOthersMs = isShort ? ms : .max
    }

    /// A valid record of the leader's acknowledges heartbeats.
    mutating func onAcknowledged(
        before offset: Offset, isHeard: Bool, _ desk: borrowing Desk
    ) {
        lease.noteAcknowledged(before: offset)
        if isHeard { lease.renew(desk) }
    }
}

// MARK: - What the broker says of the logs

extension Worker {
    /// A mark of ours was read.
    mutating func onMark(sentAt: Instant, quietAt: Instant, _ desk: borrowing Desk) {
        lease.onMark(sentAt: sentAt, quietAt: quietAt, desk)
    }

    /// The broker was away, or has lost records: it may have lost heartbeats of ours.
    mutating func doubtHeartbeats(_ desk: borrowing Desk) { lease.doubt(desk) }

    mutating func onBroker(isThere: Bool, _ desk: borrowing Desk) {
        reachableSince = isThere ? desk.now : .never
    }

    /// The broker has lost heartbeats.
    mutating func onHeartbeatsLost() { lease.forgetOffsets() }
}
