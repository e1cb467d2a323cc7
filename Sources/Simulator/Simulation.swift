import Union

/// One run: a union under faults (safety), then the same without (liveness), as TigerBeetle's
/// VOPR does it. The seed decides everything.
public struct Simulation {
    public struct Options: Sendable {
        public var nodes = 5
        public var pace = Settings.Pace.normal
        /// Ten minutes in all, when little is open at the end.
        public var safetyMs: Int64 = 575_000
        /// After the faults, while work is open, there is an outcome at least so often.
        public var livenessMs: Int64 = 60_000
        public var isTranscriptKept = false
        /// nil: a random half of them.
        public var faults: Set<Fault>?
        public var without: Set<Fault> = []
        /// Whether the union has a key, which strangers have not; nil: half of the seeds.
        public var hasKey: Bool?

        public init() {}
    }

    public let seed: UInt64
    public let union: SimulatedUnion
    public let violation: Violation?
    /// Everything that was counted, all lives of all nodes together.
    public let tally: Tally
    public var simulatedMs: Int64 { union.now / 1000 }

    public init(seed: UInt64, _ options: Options) {
        self.seed = seed
        union = SimulatedUnion(
            nodes: options.nodes, seed: seed, pace: options.pace,
            transcript: options.isTranscriptKept)
        union.drawConditions(seed, options)
        union.run(ms: options.safetyMs)
        if union.violation == nil { union.heal() }
        if union.violation == nil { union.mustBeLive(withinMs: options.livenessMs) }
        violation = union.violation
        var tally = union.tally
        for board in union.boards {
            if let life = board.life { tally.add(life.node.counters) }
        }
        self.tally = tally
    }
}

// MARK: - What a seed decides

extension SimulatedUnion {
    /// Every other seed has tables that are full at once: nothing else shows what happens then. Drawn
    /// by itself, so that a seed tells the same story otherwise.
    private func drawCapacities(_ seed: UInt64) {
        var luck = Random(seed: ~seed)
        guard luck.below(2) == 0 else { return }
        if luck.below(2) == 0 { capacities.members = 4 + Int(luck.below(4)) }
        if luck.below(2) == 0 { capacities.ledger = 4 << Int(luck.below(3)) }
        if luck.below(2) == 0 { capacities.bench = 2 + Int(luck.below(4)) }
        // No board listens less often than in the largest union.
        let turns = Int32(Limits.members) / Limits.smallUnion
        capacities.smallUnion = max(
            1 + luck.below(Limits.smallUnion), Int32(capacities.members) / turns)
    }

    /// Every other seed has a key. Drawn by itself, too.
    private func drawKey(_ seed: UInt64, _ wanted: Bool?) {
        var luck = Random(seed: seed ^ 0x6B65_7900)
        let hasKey = luck.below(2) == 0
        if wanted ?? hasKey { setKey() }
    }

    func drawConditions(_ seed: UInt64, _ options: Simulation.Options) {
        drawCapacities(seed)
        drawKey(seed, options.hasKey)
        conditions.delayUs = [100, 500, 2000, 10_000, 40_000][Int(random.below(5))]
        conditions.idleUs = between(10_000, 500_000)
        conditions.submitMeanUs = [50_000, 200_000, 500_000, 2_000_000][Int(random.below(4))]
        if random.below(2) == 0 {
            conditions.tailOneIn = 20 + random.below(1000)
            conditions.tailUs = 10_000 + random.below(3_000_000)
        }
        let allEqual = random.below(2) == 0
        for board in boards {
            board.settings.slots = min(1 + random.below(3), Int32(capacities.bench))
            board.settings.ranking = allEqual ? 100 : random.below(1000)
        }
        agenda.plan(.submits, at: 1_000_000)
        faults.isActive = true
        for fault in Fault.allCases {
            let isOn = options.faults?.contains(fault) ?? (random.below(2) == 0)
            let mean = between(5_000_000, 120_000_000)
            let oneIn = 50 + random.below(2000)
            guard isOn, !options.without.contains(fault) else { continue }
            switch fault {
            case .produceFails: conditions.failOneIn = oneIn
            case .produceLost: conditions.loseOneIn = oneIn
            case .produceLate: conditions.lateOneIn = oneIn
            case .answersLate: conditions.answersLateOneIn = 2 + oneIn / 50
            case .pauseInStep: conditions.pauseInStepOneIn = 20 * oneIn
            case .malformedRecord:
                conditions.damagedOneIn = 10 + oneIn
                faults.meanUs[fault.rawValue] = mean
            case .hungJobs: conditions.hungOneIn = 30 + random.below(300)
            case .starvingJobs: conditions.starvingOneIn = 10 + random.below(200)
            case .clockRates: drawClocks()
            case .deadlinesNeglected:
                conditions.poisonOneIn = 100 + random.below(300)
                faults.meanUs[fault.rawValue] = mean * 3
            case .logLost, .logTailLost, .brokerSetBack, .retention:
                faults.meanUs[fault.rawValue] = mean * 3
            case .join: delayStarts()
            case .keyRolls: faults.meanUs[fault.rawValue] = mean / 12
            case .clone:
                for _ in 0...random.below(3) {
                    let original = Int(random.below(Int32(boards.count)))
                    clone(original, startsAt: between(0, options.safetyMs * 1000))
                }
            default: faults.meanUs[fault.rawValue] = mean
            }
            planFault(fault)
        }
    }

    private func drawClocks() {
        for board in boards {
            board.ppm = between(-10_000, 10_001)
            tally.faults[Fault.clockRates.rawValue] += 1
        }
    }

    /// Some boards come only later.
    private func delayStarts() {
        for board in boards.dropFirst() where random.below(3) == 0 {
            tally.faults[Fault.join.rawValue] += 1
            board.startsAt = between(1_000_000, 60_000_000)
        }
    }
}

// MARK: - The second phase

extension SimulatedUnion {
    /// No more faults: everything is connected and runs.
    func heal() {
        transcript.say(now, "faults", "end")
        faults.isActive = false
        var healthy = Conditions()
        healthy.delayUs = min(conditions.delayUs, 10_000)
        healthy.idleUs = conditions.idleUs
        conditions = healthy
        if !brokerIsUp { setBroker(isUp: true) }
        for board in boards {
            board.slowUs = 0
            board.mendLink()
            board.neglectsDeadlines = false
            // Of those who may not report one stays so, where others can do its work.
            board.mayReport = board.mayReport || isAllowedAgain(board) || !speaksAsOthers(board)
            // And one cannot start anything to the end, where another can.
            let others = boards.filter { $0 !== board && !$0.cannotStart }
            board.cannotStart = board.cannotStart && others.count == boards.count - 1 && count > 1
            if let stop = board.stoppedKeeper { onKeeperGoesOn(board, stop.serial) }
            board.startsAt = 0
            if board.readCut != 0 || board.writeCut != 0 { cut(board, reading: 0, writing: 0) }
            if board.pausedUntil != nil { onWake(board, board.pauses) }
            if board.life == nil { agenda.plan(.starts(board: board.index), at: now) }
            if board.hasOwnPace { giveUnionsPace(board) }
        }
    }

    /// Whether others can lead it.
    private func speaksAsOthers(_ board: Board) -> Bool {
        boards.allSatisfy { $0.settings.versions == board.settings.versions }
    }

    private func isAllowedAgain(_ board: Board) -> Bool {
        let others = boards.filter { !$0.isTwin(of: board) && $0 !== board }
        return others.count < 2 || boards.contains { $0 !== board && !$0.mayReport }
    }

    /// Nobody promises that a union of several paces keeps its leader. systemd starts a board again
    /// after two seconds.
    private func giveUnionsPace(_ board: Board) {
        board.nextPace = pace
        crash(board.index)
        agenda.plan(.starts(board: board.index), at: now + 2_000_000)
    }

    /// Property 7, and 6: a leader within a bound, who stays; every request with an outcome.
    func mustBeLive(withinMs ms: Int64) {
        let bound: Int64 = 30_000
        guard run(until: { $0.leader != nil }, withinMs: bound) else {
            return checker.fail(7, self, "no leader within \(bound) ms after the last fault")
        }
        var outcomes = -1
        while violation == nil, !run(until: { $0.nothingIsOpen }, withinMs: ms) {
            guard checker.outcomeCount == outcomes else {
                outcomes = checker.outcomeCount
                continue
            }
            let what = checker.unanswered().map { "requests[\($0)] has no outcome" }
            return checker.fail(6, self, what ?? "a job runs for ever")
        }
        // What was under way when the faults ended has its effects; and what killed the board that
        // ran it may have been among the work.
        run(ms: 10_000)
        guard run(until: { $0.leader != nil }, withinMs: bound), let stays = leader else {
            if violation == nil { checker.fail(7, self, "no leader when the work is done") }
            return
        }
        let terms = counters(stays)?[.terms]
        run(ms: 15_000)
        // Who may not write results gives up when it has outcomes to say.
        if violation == nil, boards[stays].mayReport,
            leader != stays || counters(stays)?[.terms] != terms
        {
            checker.fail(7, self, "board \(stays) leads no more, without a fault")
        }
        // The last job may have killed the board that ran it, a moment ago.
        _ = run(until: { $0.lone == nil }, withinMs: bound)
        if violation == nil, let lone {
            checker.fail(7, self, "board \(lone.index) is not online, without a fault")
        }
        // A stranger may have played the largest union there is: then each board listens by turns that
        // long, and a twin is heard in the next one.
        let turns = Int64(Limits.members) / Int64(Limits.smallUnion) + 1
        let turnsMs = turns * Int64(boards[0].settings.memberTimeoutMs)
        _ = run(until: { !$0.boards.contains(where: $0.hasWorkingTwin) }, withinMs: turnsMs + bound)
        if violation == nil, let twin = boards.first(where: hasWorkingTwin) {
            checker.fail(7, self, "board \(twin.index) and another work under one identity")
        }
    }

    /// A board that should be online, and is not.
    private var lone: Board? {
        boards.first { board in
            !isOnline(board.index) && board.life?.node.isLeftOut != true
                && !boards.contains { $0.works && $0.isTwin(of: board) }
        }
    }

    private func hasWorkingTwin(_ board: Board) -> Bool {
        board.works && boards.contains { $0.works && $0.isTwin(of: board) }
    }

    /// Asked every simulated second: it looks at every request.
    private var nothingIsOpen: Bool {
        guard now >= faults.lookedAt + 1_000_000 else { return false }
        faults.lookedAt = now
        return checker.unanswered() == nil && boards.allSatisfy { $0.jobCount == 0 }
    }
}
