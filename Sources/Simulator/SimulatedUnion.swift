/// A whole union in memory: unmodified `Node`s on simulated boards, five simulated topics, a
/// virtual clock, and one seed from which everything else follows.
///
/// ```swift
/// let union = SimulatedUnion(nodes: 3, seed: 7)
/// union.run(ms: 3_000)
/// union.submit("sleep-50", id: "a")
/// union.crash(union.leader!)
/// union.run(until: { $0.outcome(of: "a") != nil }, withinMs: 10_000)
/// ```
///
/// Every property of the design's section 10 is checked after each step; the first one that does
/// not hold stands in `violation`, and nothing happens after it.
import Union

public final class SimulatedUnion {
    var agenda = Agenda()
    /// The true time in µs. No node ever sees it.
    public internal(set) var now: Int64 = 0
    var random: Random
    var topics = [SimulatedTopic](repeating: SimulatedTopic(), count: Topic.count)
    var boards: [Board] = []
    var writes = Writes()
    let checker: Checker
    public let transcript: Transcript
    var conditions = Conditions()
    var faults = FaultState()
    public internal(set) var tally = Tally()
    /// Whether the broker can be reached by anybody.
    var brokerIsUp = true
    /// What its nodes have room for.
    var capacities: Capacities
    /// When a broker of bounded throughput has done what it was asked for.
    var brokerIsFreeAt: Int64 = 0

    /// How far its boards are, or should be, with its key (`KeyStep`).
    var keyStep = 0
    /// With which key the last checkpoint was signed.
    var checkpointKey: KeyID = 0
    /// Records without a signature, which were void.
    var strangersWrote = false

    let pace: Settings.Pace

    public var violation: Violation? { checker.violation }

    /// `nodes` boards that start within a few milliseconds; `transcript` keeps every line.
    public init(
        nodes: Int, seed: UInt64, pace: Settings.Pace = .normal,
        capacities: Capacities = Capacities(), transcript: Bool = false,
        configure: (Int, inout Settings) -> Void = { _, _ in }
    ) {
        precondition(nodes > 0 && nodes <= Limits.members)
        self.capacities = capacities
        self.pace = pace
        random = Random(seed: seed)
        self.transcript = Transcript(isKept: transcript)
        checker = Checker()
        for index in 0..<nodes {
            let id = WorkerID(high: 0x5C2A_0000_0000_0000, low: UInt64(index + 1))
            var settings = Self.settings(id, pace)
            configure(index, &settings)
            boards.append(Board(index, settings))
            boards[index].boot(at: 0, clock: Int64(random.below(1_000_000)) * 1000)
            agenda.plan(.starts(board: index), at: Int64(random.below(20_000)))
        }
    }

    private static func settings(_ id: WorkerID, _ pace: Settings.Pace) -> Settings {
        var settings = Settings(workerID: id, incarnation: 0, pace: pace)
        for op in ["hang", "never"] {
            var name = OpName()
            name.append(Array(op.utf8).span)
            settings.setTimeout(of: name, ms: opDeadlineMs)
        }
        return settings
    }

    // MARK: Running

    /// Runs for so long, or to the first violation.
    public func run(ms: Int64) { run(until: { _ in false }, withinMs: ms) }

    /// Runs until `condition` holds; false when it does not within the time, or after a violation.
    @discardableResult
    public func run(until condition: (SimulatedUnion) -> Bool, withinMs ms: Int64) -> Bool {
        let end = now + ms * 1000
        while violation == nil {
            if condition(self) { return true }
            guard let next = agenda.nextAt, next <= end, let act = agenda.next() else {
                now = end
                return false
            }
            precondition(next >= now, "something is planned for the past")
            now = next
            perform(act)
        }
        return false
    }

    private func perform(_ act: Agenda.Act) {
        switch act {
        case .tick(let board, let life): onTick(boards[board], life)
        case .sent(let write, let use): onSent(write, use, act)
        case .taken(let write, let use): onTaken(write, use)
        case .acknowledged(let write, let use): onAcknowledged(write, use, act)
        case .expired(let write, let use): onExpired(write, use, act)
        case .fetched(let board, let topic, let seek): onFetched(boards[board], topic, seek, act)
        case .asksAgain(let board, let topic, let seek):
            guard boards[board].readers[topic.index].seek == seek else { return }
            fetch(topic, boards[board])
        case .idle(let board, let topic, let seek): onIdle(boards[board], topic, seek, act)
        case .asked(let board, let topic, let life, let at):
            onAsked(boards[board], topic, life, at)
        case .answered(let board, let topic, let life, let low, let high, let at):
            onAnswered(boards[board], topic, life, low, high, at, act)
        case .jobEnds(let board, let life, let place, let serial):
            onJobEnds(boards[board], life, place, serial, act)
        case .starves(let board, let life, let us):
            guard boards[board].life?.number == life else { return }
            pause(boards[board], us: us, .starvingJobs)
            leaveToMinders(boards[board])
        case .poisons(let board, let life):
            // It may have been killed before.
            guard boards[board].life?.number == life, boards[board].jobCount > 0 else { return }
            crash(board)
            agenda.plan(.starts(board: board), at: now + between(200_000, 2_000_000))
        case .minded(let board, let life, let place, let serial):
            onMinded(boards[board], life, place, serial)
        case .keeperMissed(let board, let stop): onKeeperMissed(boards[board], stop)
        case .keeperKilled(let board, let stop): onKeeperKilled(boards[board], stop)
        case .wakes(let board, let pause): onWake(boards[board], pause)
        case .starts(let board): start(boards[board])
        case .brokerSeen(let board, let life, let isThere):
            onBrokerSeen(boards[board], life, isThere, act)
        case .fault(let fault): onFault(fault)
        case .mends(let fault, let board, let serial): onMends(fault, board, serial)
        case .submits: onSubmits()
        }
        checker.look(self)
    }

    // MARK: The loop around a node

    func start(_ board: Board) {
        guard board.life == nil else { return }
        guard now >= board.startsAt else {
            return agenda.plan(.starts(board: board.index), at: board.startsAt)
        }
        board.lives += 1
        if let pace = board.nextPace {
            let before = board.settings
            board.settings = Self.settings(before.workerID, pace)
            (board.settings.slots, board.settings.ranking) = (before.slots, before.ranking)
            board.settings.versions = before.versions
        }
        if let versions = board.nextVersions { board.settings.versions = versions }
        if board.lives == 1 { board.keyStep = keyStep }
        if let step = board.nextKeyStep { board.keyStep = step }
        takeKeyStep(board)
        (board.nextPace, board.nextVersions, board.nextKeyStep) = (nil, nil, nil)
        var settings = board.settings
        settings.incarnation = random.next() | 1
        settings.capacities = capacities
        let life = Life(settings, seed: random.next(), number: board.lives)
        board.life = life
        board.reset()
        tally.starts += 1
        transcript.say(now, board, "starts, incarnation \(settings.incarnation)")
        life.node.start(at: board.clock(at: now))
        settle(board, life)
    }

    /// One turn of the loop: the clock is read, the event is taken, its effects are carried out.
    func feed(_ board: Board, _ event: Event, _ bytes: Span<UInt8> = Span()) {
        guard let life = board.life else { return }
        life.node.step(event, bytes, at: board.clock(at: now))
        board.steppedAt = now
        tally.steps += 1
        if let broken = life.node.brokenInvariant { checker.onBroken(broken, board, self) }
        if conditions.pauseInStepOneIn > 0, board.pausedUntil == nil, strikesBeforeEffects(life) {
            return pause(board, us: drawPause(), .pauseInStep)
        }
        settle(board, life)
    }

    /// Whether the process stops now, after a step and before its effects: most often where that
    /// hurts most.
    private func strikesBeforeEffects(_ life: Life) -> Bool {
        guard life.node.desk.outbox.count > 0 else { return false }
        var isBad = false
        for i in 0..<life.node.desk.outbox.count {
            switch life.node.desk.outbox[i] {
            case .start, .kill, .show(.leader, _, _): isBad = true
            default: break
            }
        }
        return random.below(conditions.pauseInStepOneIn) < (isBad ? 20 : 1)
    }

    /// Carries out what is in the outbox, in order; a pause may have gone before.
    func settle(_ board: Board, _ life: Life) {
        let clock = board.clock(at: now)
        board.toldUntil = life.node.leadsUntil
        var i = 0
        while i < life.node.desk.outbox.count {
            let effect = life.node.desk.outbox[i]
            if life.node.stillHolds(effect, at: clock) {
                carryOut(effect, i, board, life)
                guard board.life === life else { return }
            } else {
                dropped(effect, board)
            }
            i += 1
        }
        life.node.clearOutbox()
        planTick(board, life)
        while !board.lostStarts.isEmpty {
            let (place, start) = board.lostStarts.removeFirst()
            var lost = JobEnd(status: .lost, exitCode: nil, truncated: false, durationMs: 0)
            lost.start = start
            feed(board, .jobEnded(place, lost))
            guard board.life === life, board.pausedUntil == nil else { return }
        }
        feedHeld(board)
    }

    private func carryOut(_ effect: Effect, _ i: Int, _ board: Board, _ life: Life) {
        checker.onEffect(board, effect, self)
        switch effect {
        case .write(let record, let receipt):
            let bytes = life.node.desk.outbox.bytes(i)
            write(written(record, by: board), bytes, receipt, by: board)
            if let order = orderOfLater(with: record, by: board) {
                write(order, [], .none, by: board)
            }
        case .show(let role, let online, _):
            transcript.say(now, board, "is \(role)\(online ? "" : ", offline")")
            board.shown = (role, online)
            checker.onShow(board, role, self)
        case .start(let place, let assignment, let term, let deadlineMs):
            if board.cannotStart, board.settings.versions == .current, random.below(4) > 0 {
                transcript.say(now, board, "cannot start \(assignment.attempt)")
                board.lostStarts.append((place, .failed))
            } else {
                startJob(board, Int(place), assignment, term, deadlineMs: deadlineMs)
            }
        case .kill(let place, let atOnce): killJob(board, Int(place), atOnce)
        case .ask(let topic): ask(topic, board)
        case .seek(let topic, let offset): seek(topic, offset, board)
        case .close(let topic): close(topic, board)
        case .say(let notice):
            transcript.say(now, board, "\(notice)")
            checker.onNotice(board, notice, self)
        case .ready: transcript.say(now, board, "ready")
        case .exit: leave(board)
        }
    }

    private func dropped(_ effect: Effect, _ board: Board) {
        tally.effectsDropped += 1
        transcript.say(now, board, "too late: \(Transcript.name(effect))")
        if case .start(let place, _, _, _) = effect { board.lostStarts.append((place, .none)) }
    }

    private func leave(_ board: Board) {
        transcript.say(now, board, "leaves")
        end(board)
    }

    // MARK: Ticks

    /// A node that is behind is due again at once, a few times: no more than its tables are long.
    static let mostTicksAtOnce = 1000

    func planTick(_ board: Board, _ life: Life) {
        let due = max(now, board.time(of: life.node.deadline))
        guard due < board.tickAt else { return }
        board.tickAt = due
        agenda.plan(.tick(board: board.index, life: life.number), at: due)
    }

    private func onTick(_ board: Board, _ number: Int) {
        guard let life = board.life, life.number == number, board.tickAt <= now else { return }
        board.tickAt = .max
        guard board.pausedUntil == nil else { return }
        if life.node.deadline <= board.clock(at: now) {
            board.ticksAtOnce = board.tickedAt == now ? board.ticksAtOnce + 1 : 1
            board.tickedAt = now
            guard board.ticksAtOnce < Self.mostTicksAtOnce else {
                return checker.fail(
                    8, self, "board \(board.index) is due again at once, without end")
            }
            feed(board, .tick)
        } else {
            planTick(board, life)
        }
    }

    func between(_ low: Int64, _ high: Int64) -> Int64 {
        high > low ? low + Int64(random.next() % UInt64(high - low)) : low
    }
}

// MARK: - What a test does to it, and asks it

extension SimulatedUnion {
    public var count: Int { boards.count }

    public var nowMs: Int64 { now / 1000 }

    /// The board whose leader LED is lit.
    public var leader: Int? { boards.firstIndex { $0.isRunning && $0.shown?.role == .leader } }

    public func role(_ board: Int) -> Role? {
        boards[board].life == nil ? nil : boards[board].shown?.role
    }
    public func isOnline(_ board: Int) -> Bool {
        boards[board].life != nil && boards[board].shown?.online == true
    }

    /// Records that the board was handed so far, over all of its lives.
    public func recordsRead(_ board: Int) -> Int64 { boards[board].recordsRead }

    public func counters(_ board: Int) -> Counters? { boards[board].life?.node.counters }

    /// Writes a request, as a user does; the broker takes it at once. Ops: `noop`, `sleep-MS`,
    /// `stubborn-MS` (ignores SIGTERM), `hang`, `never`, `fail`, `starve-MS` (stops its board),
    /// `poison` (its board crashes); others are unknown and rejected.
    @discardableResult
    public func submit(
        _ op: String, id: String = "", timeoutMs: Int32? = nil, maxAttempts: Int32 = 3,
        codeBytes: Int = 0
    ) -> Offset {
        var request = WorkRequest(
            requestID: RequestID(), opCode: OpName(), timeoutMs: timeoutMs,
            maxAttempts: maxAttempts)
        precondition(request.requestID.append(Array(id.utf8).span))
        precondition(request.opCode.append(Array(op.utf8).span))
        return append(.request(request), Self.payload(codeBytes: codeBytes))
    }

    /// Writes bytes that are no request.
    @discardableResult
    public func submitMalformed(_ why: String) -> Offset {
        append(nil, Array(why.utf8), on: .requests, by: -1, signedBy: usersKey)
    }

    /// The status of the first final result with this id in `results`.
    public func outcome(of id: String) -> Status? {
        var wanted = RequestID()
        wanted.append(Array(id.utf8).span)
        let results = topics[Topic.results.index]
        for offset in results.low..<results.high {
            if case .result(let r) = results[offset].record, r.final, r.requestID == wanted {
                return r.status
            }
        }
        return nil
    }

    /// Every record of a topic that the broker has, in order.
    public func records(of topic: Topic) -> [Record] {
        let log = topics[topic.index]
        return (log.low..<log.high).compactMap { log[$0].record }
    }

    /// The board on which the request with this id runs.
    public func runs(_ id: String) -> Int? {
        var wanted = RequestID()
        wanted.append(Array(id.utf8).span)
        return boards.firstIndex { board in
            board.jobs.contains { $0.map { $0.requestID == wanted && !$0.isOver } ?? false }
        }
    }

    /// Nobody reaches the broker until `startBroker`; it comes back without these topics' records, or
    /// without the `last` ones of them.
    public func stopBroker(losing lost: [Topic] = [], last: Offset = .max) {
        setBroker(isUp: false)
        for topic in lost {
            let high = topics[topic.index].high
            lose(topic, from: max(0, high - min(high, last)))
        }
    }

    /// Nobody reaches the broker until `startBroker`; it comes back as it was `ms` earlier.
    public func stopBroker(setBackMs ms: Int64) {
        setBroker(isUp: false)
        setBack(us: ms * 1000)
    }

    public func startBroker() { setBroker(isUp: true) }

    public func crash(_ board: Int) {
        guard boards[board].life != nil else { return }
        transcript.say(now, boards[board], "crashes")
        end(boards[board])
    }

    /// A board whose card is a copy of this one's starts now.
    public func clone(_ board: Int) { clone(board, startsAt: now) }

    func clone(_ original: Int, startsAt: Int64) {
        let clone = Board(boards.count, boards[original].settings)
        clone.boot(at: 0, clock: Int64(random.below(1_000_000)) * 1000)
        boards.append(clone)
        tally.faults[Fault.clone.rawValue] += 1
        clone.startsAt = startsAt
        agenda.plan(.starts(board: clone.index), at: startsAt)
    }

    public func restart(_ board: Int) { agenda.plan(.starts(board: board), at: now) }

    public func pause(_ board: Int, ms: Int64) { pause(boards[board], us: ms * 1000, .pause) }

    /// This board's way to the broker takes so much longer each way, and up to `jitterMs` more.
    public func slowLink(_ board: Int, ms: Int64, jitterMs: Int64 = 0) {
        boards[board].linkUs = ms * 1000
        boards[board].jitterUs = jitterMs * 1000
    }

    /// The broker takes and hands out so much in a second, for all boards together.
    public func boundBroker(recordsPerSecond: Int64, bytesPerSecond: Int64 = .max) {
        conditions.recordsPerSecond = recordsPerSecond
        conditions.bytesPerSecond = bytesPerSecond
    }

    /// SIGSTOP for its process only: its jobs go on, each with a minder.
    public func stopProcess(_ board: Int, ms: Int64) {
        pause(boards[board], us: ms * 1000, .pauseProcess)
    }

    /// Cuts a board off from some topics, for reading, writing or both, until `mend`.
    public func cut(
        _ board: Int, reading: [Topic] = Topic.everyTopic, writing: [Topic] = Topic.everyTopic
    ) {
        cut(boards[board], reading: Topic.mask(reading), writing: Topic.mask(writing))
    }

    /// The board is in the smaller half of a broken network, with a broker that does not know.
    public func leaveBehind(_ board: Int) { leaveBehind(boards[board]) }

    public func mend(_ board: Int) { cut(boards[board], reading: 0, writing: 0) }

    /// A record that the broker has appears once more: its producer had timed out, or somebody
    /// copied it.
    public func repeatRecord(of topic: Topic, at offset: Offset) {
        let entry = topics[topic.index][offset]
        append(
            entry.record, entry.payload, on: topic, by: entry.writer, signedBy: entry.signedBy)
    }

    /// SIGTERM.
    public func shutDown(_ board: Int) {
        guard boards[board].life != nil else { return }
        transcript.say(now, boards[board], "is told to leave")
        boards[board].isLeaving = true
        hand(boards[board], .shutdown)
    }

    static func payload(codeBytes: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(codeBytes + 6)
        let length = codeBytes == 0 ? 0 : codeBytes + 1
        bytes.append(UInt8(truncatingIfNeeded: length))
        bytes.append(UInt8(truncatingIfNeeded: length >> 8))
        for i in 0..<codeBytes { bytes.append(UInt8(truncatingIfNeeded: 32 + i % 90)) }
        bytes.append(contentsOf: [0, 0, 0, 0])
        return bytes
    }
}

extension Topic {
    public static var everyTopic: [Topic] { all }
    static func mask(_ topics: [Topic]) -> UInt8 { topics.reduce(0) { $0 | 1 << $1.rawValue } }
}

extension Outbox {
    borrowing func bytes(_ index: Int) -> [UInt8] {
        let span = payload(index)
        guard span.count > 0 else { return [] }
        return span.withUnsafeBufferPointer { Array($0) }
    }
}
