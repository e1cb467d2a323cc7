import Union

// MARK: - Ends and pauses of a process

extension SimulatedUnion {
    /// The process is gone, and its jobs with it.
    func end(_ board: Board) {
        for place in board.jobs.indices { endJob(board, place) }
        if let life = board.life { tally.add(life.node.counters) }
        board.life = nil
        board.reset()
        checker.onEnd(board, self)
    }

    func drawPause() -> Int64 { between(1000, conditions.pauseUs) }

    /// The whole board stands still, and so do its jobs; or only its process does.
    func pause(_ board: Board, us: Int64, _ kind: Fault) {
        guard board.life != nil, board.pausedUntil == nil else { return }
        tally.faults[kind.rawValue] += 1
        transcript.say(now, board, "is stopped for \(us / 1000) ms")
        board.pausedUntil = now + us
        board.pauses += 1
        agenda.plan(.wakes(board: board.index, pause: board.pauses), at: now + us)
        if kind == .pauseProcess { leaveToMinders(board) }
    }

    func onWake(_ board: Board, _ pause: Int) {
        guard board.pauses == pause, board.pausedUntil != nil, let life = board.life else { return }
        transcript.say(now, board, "goes on")
        checker.isWaking = board.index
        board.pausedUntil = nil
        board.tickAt = .max
        settle(board, life)
        if board.life === life, board.pausedUntil == nil { feed(board, .tick) }
        checker.isWaking = -1
        board.jobsRunOn = false
        if board.isRunning { checker.onAwake(board, self) }
        let deferred = board.deferred
        board.deferred = []
        for act in deferred { agenda.plan(act, at: now) }
    }

    /// The process is stopped, its jobs are not: each has a minder.
    func leaveToMinders(_ board: Board) {
        guard let life = board.life else { return }
        board.jobsRunOn = true
        let end = board.time(of: life.node.jobsUntil + board.settings.killGraceMs)
        for place in board.jobs.indices {
            guard let job = board.jobs[place], !job.isOver else { continue }
            agenda.plan(
                .minded(board: board.index, life: life.number, place: place, serial: job.serial),
                at: max(now, end))
        }
    }

    func onMinded(_ board: Board, _ life: Int, _ place: Int, _ serial: Int) {
        guard board.life?.number == life, board.jobsRunOn, let job = board.jobs[place],
            job.serial == serial, !job.isOver
        else { return }
        let offset = job.attempt.requestOffset
        transcript.say(now, board, "requests[\(offset)] is killed by its minder")
        board.jobs[place]!.isOver = true
        board.jobs[place]!.status = .failed
        board.jobs[place]!.endsAt = now
        planEnd(board, place)
    }

    /// An event from outside, which waits while the process is stopped.
    func hand(_ board: Board, _ event: Event) {
        guard board.pausedUntil == nil else { return }
        feed(board, event)
    }
}

// MARK: - The keeper of the LEDs

extension SimulatedUnion {
    /// A keeper that is stopped leaves the LED as it is (design, section 7).
    func stopKeeper(_ board: Board, us: Int64) {
        guard board.isRunning, board.stoppedKeeper == nil else { return }
        transcript.say(now, board, "its keeper is stopped for \(us / 1000) ms")
        tally.faults[Fault.keeperStops.rawValue] += 1
        board.keeperStops += 1
        let settings = board.settings
        var litUntil: Instant?
        if board.isLit(at: now) {
            litUntil = board.toldUntil + settings.ledMarginMs
            agenda.plan(
                .keeperKilled(board: board.index, stop: board.keeperStops),
                at: max(now, board.time(of: board.toldUntil + settings.ledMarginMs)))
        }
        board.stoppedKeeper = (board.keeperStops, litUntil)
        agenda.plan(
            .keeperMissed(board: board.index, stop: board.keeperStops),
            at: now + Int64(settings.leaseMs) * 1000)
        agenda.plan(
            .mends(.keeperStops, board: board.index, serial: board.keeperStops), at: now + us)
    }

    func onKeeperMissed(_ board: Board, _ stop: Int) {
        guard board.stoppedKeeper?.serial == stop else { return }
        guard board.pausedUntil == nil else {
            return board.deferred.append(.keeperMissed(board: board.index, stop: stop))
        }
        feed(board, .keeperLost)
    }

    /// Its node dies with it; systemd starts both again.
    func onKeeperKilled(_ board: Board, _ stop: Int) {
        guard board.stoppedKeeper?.serial == stop else { return }
        transcript.say(now, board, "its keeper is killed, with the LED lit")
        crash(board.index)
        agenda.plan(.starts(board: board.index), at: now + between(200_000, 2_000_000))
    }

    /// It answers again, and shows what its node says now.
    func onKeeperGoesOn(_ board: Board, _ stop: Int) {
        guard board.stoppedKeeper?.serial == stop else { return }
        guard board.pausedUntil == nil else {
            return board.deferred.append(
                .mends(.keeperStops, board: board.index, serial: stop))
        }
        board.stoppedKeeper = nil
        feed(board, .keeperFound)
    }
}

// MARK: - Jobs

extension SimulatedUnion {
    /// The boards' own deadline of the ops that do not end by themselves.
    static let opDeadlineMs: Int32 = 5000

    func startJob(
        _ board: Board, _ place: Int, _ assignment: Assignment, _ term: Term, deadlineMs: Int32
    ) {
        let a = assignment.attempt
        let (op, argument) = Self.parse(assignment.request.opCode)
        transcript.say(now, board, "runs requests[\(a.requestOffset)] attempt \(a.attempt) (\(op))")
        precondition(board.jobs[place] == nil, "two jobs on one place")
        board.jobSerial += 1
        let timeout = Int64(deadlineMs) * 1000
        var lasts = Int64(1000 + random.below(500))
        var status = Status.completed
        switch op {
        case "noop": lasts = Int64(100 + random.below(300))
        case "sleep", "stubborn": lasts = argument * 1000
        case "hang", "never": lasts = .max / 4
        case "fail": status = .failed
        case "hung":
            tally.faults[Fault.hungJobs.rawValue] += 1
            // What it waits for answers soon once the faults are over.
            lasts = between(1_000_000, faults.isActive ? 40_000_000 : 2_000_000)
            status = .failed
        case "starve":
            let us = argument > 0 ? argument * 1000 : between(500_000, 5_000_000)
            agenda.plan(.starves(board: board.index, life: board.lives, us: us), at: now + 100)
        case "poison":
            agenda.plan(.poisons(board: board.index, life: board.lives), at: now + lasts)
            lasts = .max / 4
        default: status = .rejected
        }
        // Nothing ends what waits in the kernel; nor does it run on once it was killed.
        let isHung = op == "hung"
        let enforces = !board.neglectsDeadlines && op != "never" && !isHung
        if lasts > timeout && enforces {
            let grace = op == "stubborn" ? Int64(board.settings.killGraceMs) * 1000 : 2000
            lasts = timeout + min(grace, lasts - timeout)
            status = .timedOut
        }
        tally.jobs += 1
        board.jobCount += 1
        board.jobs[place] = Board.Job(
            attempt: a, requestID: assignment.request.requestID, serial: board.jobSerial,
            status: status, startedAt: now, endsAt: now + lasts, isStubborn: op == "stubborn",
            isHung: isHung)
        checker.onJobStarts(board, assignment, term, self)
        guard lasts < .max / 8 else { return }
        planEnd(board, place)
    }

    private func planEnd(_ board: Board, _ place: Int) {
        guard let job = board.jobs[place] else { return }
        agenda.plan(
            .jobEnds(board: board.index, life: board.lives, place: place, serial: job.serial),
            at: job.endsAt)
    }

    /// `sleep-250` is the op `sleep` with the argument 250.
    private static func parse(_ name: OpName) -> (String, Int64) {
        let text = name.span.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        guard let dash = text.utf8.firstIndex(of: UInt8(ascii: "-")) else { return (text, 0) }
        let argument = Int64(text[text.utf8.index(after: dash)...]) ?? 0
        return (String(text[..<dash]), argument)
    }

    func killJob(_ board: Board, _ place: Int, _ atOnce: Bool) {
        guard var job = board.jobs[place] else { return }
        transcript.say(
            now, board, "kills requests[\(job.attempt.requestOffset)]\(atOnce ? " at once" : "")")
        tally.kills += 1
        // A later, lesser kill does not bring it back.
        if atOnce { job.isOver = true }
        guard !job.isHung else {
            job.isKilled = true
            board.jobs[place] = job
            return
        }
        let grace = job.isStubborn ? Int64(board.settings.killGraceMs) * 1000 : 2000
        job.endsAt = max(now, min(job.endsAt, atOnce ? now : now + grace))
        if !job.isKilled { job.status = .failed }
        job.isKilled = true
        job.serial = board.jobSerial + 1
        board.jobSerial += 1
        board.jobs[place] = job
        planEnd(board, place)
    }

    private func endJob(_ board: Board, _ place: Int) {
        guard board.jobs[place] != nil else { return }
        board.jobCount -= 1
        board.jobs[place] = nil
    }

    func onJobEnds(_ board: Board, _ life: Int, _ place: Int, _ serial: Int, _ act: Agenda.Act) {
        guard board.life?.number == life, let job = board.jobs[place], job.serial == serial else {
            return
        }
        if board.pausedUntil != nil {
            if board.jobsRunOn { board.jobs[place]!.isOver = true }
            return board.deferred.append(act)
        }
        transcript.say(now, board, "requests[\(job.attempt.requestOffset)] ends: \(job.status)")
        endJob(board, place)
        let end = JobEnd(
            status: job.status, exitCode: job.status == .completed ? 0 : 1, truncated: false,
            durationMs: (now - job.startedAt) / 1000)
        // Half of the jobs say something, up to 400 bytes.
        let size = Int(max(0, job.attempt.requestOffset * 37 % 800 - 400))
        let output = [UInt8](repeating: 0x78, count: size)
        feed(board, .jobEnded(Place(place), end), output.span)
    }
}
