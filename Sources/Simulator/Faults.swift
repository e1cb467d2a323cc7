import Union

/// Everything that goes wrong, by kind.
public enum Fault: Int, CaseIterable, Sendable {
    case crash, reboot, shutDown, pause, pauseProcess, pauseInStep, join, clone
    case cutOff, cutReading, cutWriting, cutTopic
    case produceFails, produceLost, produceLate
    case brokerOutage, logTailLost, logLost, retention
    case clockRates, slowBoard, slowLink, busyBroker, deadlinesNeglected
    case malformedRequest, malformedRecord, hostileRecord, replay, readTwice
    case duplicateRequest, burst, fullTables
    case brokerSetBack
    case keeperStops
    case answersLate
    case staleHalf
    case mixedPaces
    case hungJobs, starvingJobs
    case impersonate
    case resultsDenied
    case requestsAnew
    case mixedVersions
    case keyRolls
    case startsFail
    case resultsTooLarge
}

struct FaultState {
    /// The mean time between two faults of a kind in µs; 0: never.
    var meanUs = [Int64](repeating: 0, count: Fault.allCases.count)
    var isActive = false
    var outageSerial = 0
    /// Heartbeats that strangers write under boards' ids, and how many more there will be.
    var masks: [(heartbeat: Heartbeat, left: Int32)] = []
    /// When it was looked whether anything is open.
    var lookedAt: Int64 = 0
}

extension SimulatedUnion {
    /// For use in expressions: counts a fault.
    func count(_ fault: Fault) -> Fault {
        tally.faults[fault.rawValue] += 1
        return fault
    }

    func planFault(_ fault: Fault) {
        let mean = faults.meanUs[fault.rawValue]
        guard mean > 0 else { return }
        agenda.plan(.fault(fault), at: now + between(mean / 10, mean * 2))
    }

    func onFault(_ fault: Fault) {
        guard faults.isActive else { return }
        if strike(fault) { tally.faults[fault.rawValue] += 1 }
        planFault(fault)
    }

    /// Once in so many times the leader, where there is one.
    private func leader(oneIn times: Int32, or board: Board) -> Board {
        random.below(times) == 0 ? leader.map { boards[$0] } ?? board : board
    }

    private func anyBoard() -> Board { boards[Int(random.below(Int32(boards.count)))] }

    /// Lets it happen; false when it could not, or when it counts itself.
    private func strike(_ fault: Fault) -> Bool {
        let board = anyBoard()
        switch fault {
        case .crash, .reboot: return strikeLife(board, fault)
        case .shutDown:
            guard board.life != nil, board.pausedUntil == nil else { return false }
            shutDown(board.index)
            agenda.plan(.starts(board: board.index), at: now + between(3_000_000, 20_000_000))
            return true
        case .pause, .pauseProcess:
            // The leader is the one whose pauses hurt.
            pause(leader(oneIn: 2, or: board), us: drawPause(), fault)
            return false
        case .mixedPaces: return changePace(leader(oneIn: 3, or: board))
        case .keyRolls: return rollKey()
        case .mixedVersions: return changeVersion(leader(oneIn: 3, or: board))
        case .cutOff, .cutReading, .cutWriting, .cutTopic: return strikeConnection(board, fault)
        case .staleHalf: return strikeHalf()
        case .brokerOutage, .logTailLost, .logLost, .brokerSetBack, .retention:
            return strikeBroker(fault)
        case .keeperStops:
            // The one whose LED is lit is the one that matters.
            stopKeeper(leader(oneIn: 2, or: board), us: between(50_000, 10_000_000))
            return false
        case .slowBoard:
            board.slowUs = between(1_000, 400_000)
            agenda.plan(
                .mends(fault, board: board.index, serial: 0),
                at: now + between(1_000_000, 30_000_000))
            return true
        case .resultsDenied:
            board.mayReport = false
            // Somebody sees it after a while, or not at all.
            if random.below(3) > 0 {
                agenda.plan(
                    .mends(fault, board: board.index, serial: 0),
                    at: now + between(1_000_000, 90_000_000))
            }
            return true
        case .startsFail:
            board.cannotStart = true
            agenda.plan(
                .mends(fault, board: board.index, serial: 0),
                at: now + between(1_000_000, 90_000_000))
            return true
        case .resultsTooLarge:
            conditions.resultBytes = Int(random.below(500))
            agenda.plan(
                .mends(fault, board: 0, serial: 0), at: now + between(1_000_000, 60_000_000))
            return true
        case .slowLink:
            board.linkUs = between(10_000, 300_000)
            board.jitterUs = random.below(2) == 0 ? 0 : between(10_000, 300_000)
            agenda.plan(
                .mends(fault, board: board.index, serial: 0),
                at: now + between(1_000_000, 60_000_000))
            return true
        case .busyBroker:
            conditions.recordsPerSecond = between(300, 5_000)
            agenda.plan(
                .mends(fault, board: 0, serial: 0), at: now + between(1_000_000, 20_000_000))
            return true
        case .deadlinesNeglected:
            board.neglectsDeadlines = true
            return true
        case .malformedRequest:
            guard brokerIsUp else { return false }
            submitMalformed("this is no request")
            return true
        case .malformedRecord:
            guard brokerIsUp else { return false }
            let topics: [Topic] = [.leader, .election, .heartbeat, .results]
            forge(nil, Array("garbage".utf8), on: topics[Int(random.below(4))])
            return true
        case .requestsAnew: return makeRequestsAnew()
        case .duplicateRequest:
            return repeatRequest()
        case .hostileRecord, .replay, .fullTables, .impersonate:
            guard brokerIsUp else { return false }
            return strikeAsStranger(fault)
        case .readTwice: return readAgain(board)
        case .burst:
            guard brokerIsUp, checker.open < 100 else { return false }
            for _ in 0..<(50 + random.below(500)) { submitSomething() }
            return true
        case .pauseInStep, .join, .clone, .produceFails, .produceLost, .produceLate, .clockRates,
            .answersLate, .hungJobs, .starvingJobs:
            return false
        }
    }

    private func strikeLife(_ board: Board, _ fault: Fault) -> Bool {
        let victim = leader(oneIn: 3, or: board)
        guard victim.life != nil else { return false }
        crash(victim.index)
        if fault == .reboot { victim.boot(at: now, clock: between(0, 1_000_000)) }
        let rest =
            switch random.below(3) {
            case 0: between(1_000, 100_000)
            case 1: between(100_000, 5_000_000)
            default: between(5_000_000, 60_000_000)
            }
        agenda.plan(.starts(board: victim.index), at: now + rest)
        return true
    }

    /// Somebody gives it another pace, and starts it again.
    private func changePace(_ board: Board) -> Bool {
        guard board.life != nil, board.pausedUntil == nil else { return false }
        let paces = Array(Settings.Pace.all)
        board.nextPace = paces[Int(random.below(Int32(paces.count)))]
        board.hasOwnPace = true
        startAgain(board)
        return true
    }

    /// Somebody has changed what it is told at its start. Who leaves needs a while for that.
    func startAgain(_ board: Board) {
        let isAtOnce = random.below(3) == 0
        if isAtOnce { crash(board.index) } else { shutDown(board.index) }
        let after = between(isAtOnce ? 100_000 : 3_000_000, isAtOnce ? 5_000_000 : 20_000_000)
        agenda.plan(.starts(board: board.index), at: now + after)
    }

    private func strikeConnection(_ board: Board, _ fault: Fault) -> Bool {
        let all: UInt8 = 0x1F
        let one: UInt8 = 1 << UInt8(random.below(Int32(Topic.count)))
        switch fault {
        case .cutReading: cut(board, reading: all, writing: 0)
        case .cutWriting: cut(board, reading: 0, writing: all)
        case .cutTopic: cut(board, reading: one, writing: one)
        default: cut(board, reading: all, writing: all)
        }
        agenda.plan(
            .mends(.cutOff, board: board.index, serial: board.cutSerial),
            at: now + between(10_000, 15_000_000))
        return true
    }

    func cut(_ board: Board, reading: UInt8, writing: UInt8) {
        transcript.say(now, board, "is cut off: reading \(reading), writing \(writing)")
        board.cutSerial += 1
        board.readCut = reading
        board.writeCut = writing
        board.staleEnds = nil
        brokerSeen(board)
        resume(board)
    }

    /// Up to half of the boards, for the same time.
    private func strikeHalf() -> Bool {
        let mostAtOnce = Int32(max(1, boards.count / 2))
        let lasts = between(1_000_000, 60_000_000)
        for _ in 0...random.below(mostAtOnce) {
            let board = anyBoard()
            leaveBehind(board)
            agenda.plan(
                .mends(.staleHalf, board: board.index, serial: board.cutSerial), at: now + lasts)
        }
        return true
    }

    /// Its broker has lost its brothers: it takes no record, for nobody else has it then, and goes
    /// on answering from what it has.
    func leaveBehind(_ board: Board) {
        cut(board, reading: 0, writing: 0x1F)
        board.staleEnds = Topic.all.map { topics[$0.index].high }
    }

    /// The client notices a while later that no broker is there, or one is again.
    private func brokerSeen(_ board: Board) {
        guard let life = board.life else { return }
        let isThere = brokerIsUp && (board.readCut != 0x1F || board.writeCut != 0x1F)
        agenda.plan(
            .brokerSeen(board: board.index, life: life.number, isThere: isThere),
            at: now + between(1_000, isThere ? 300_000 : 2_000_000))
    }

    private func strikeBroker(_ fault: Fault) -> Bool {
        if fault == .retention {
            let topic = Topic.all[Int(random.below(Int32(Topic.count)))]
            let log = topics[topic.index]
            let most = topic == .leader ? lastOfTenure(log) : log.high
            expire(topic, before: log.low + between(0, most - log.low + 1))
            return true
        }
        guard brokerIsUp else { return false }
        setBroker(isUp: false)
        switch fault {
        case .logTailLost: loseTail()
        case .logLost: for topic in Topic.all { lose(topic, from: 0) }
        case .brokerSetBack: setBack(us: drawSetBack())
        default: break
        }
        startClones()
        faults.outageSerial += 1
        agenda.plan(
            .mends(.brokerOutage, board: 0, serial: faults.outageSerial),
            at: now + between(100_000, 15_000_000))
        return true
    }

    /// The last record under the highest term. The leader log is removed by size only, a GiB of it stays:
    /// never nothing but marks.
    private func lastOfTenure(_ log: SimulatedTopic) -> Offset {
        var (last, highest): (Offset, Term) = (log.low, 0)
        for offset in log.low..<log.high {
            guard case .leader(let r)? = log[offset].record, r.term >= max(highest, 1) else {
                continue
            }
            (last, highest) = (offset, r.term)
        }
        return last
    }

    /// Of one topic, or of all; sometimes the leader goes with it, and nobody has seen the loss.
    private func loseTail() {
        let one = Topic.all[Int(random.below(Int32(Topic.count)))]
        for topic in random.below(3) == 0 ? Topic.all : [one] {
            let log = topics[topic.index]
            lose(topic, from: log.high - min(log.high - log.low, between(1, 50)))
        }
        guard random.below(3) == 0, let leader else { return }
        crash(leader)
        agenda.plan(.starts(board: leader), at: now + between(1_000_000, 30_000_000))
    }

    /// Most often back to right after a request was written: it is there, and what was said of it is not.
    private func drawSetBack() -> Int64 {
        let requests = topics[Topic.requests.index]
        let last = min(requests.high - requests.low, 300)
        guard last > 0, random.below(4) > 0 else { return between(50_000, 5_000_000) }
        let written = requests[requests.high - between(1, last)].at
        return max(1_000, now - written - between(1_000, 300_000))
    }

    /// All topics are what they were so long ago: the broker's data were set back, or it lost its
    /// power before it wrote them.
    func setBack(us: Int64) {
        for topic in Topic.all {
            let log = topics[topic.index]
            let offset = log.firstOffset(since: now - us)
            if offset < log.high { lose(topic, from: offset) }
        }
    }

    /// A clone that is switched on now cannot hear its twin.
    private func startClones() {
        for board in boards where board.lives == 0 && board.startsAt > now {
            guard boards.contains(where: { $0.isTwin(of: board) }) else { continue }
            board.startsAt = now + between(0, 3_000_000)
            agenda.plan(.starts(board: board.index), at: board.startsAt)
        }
    }

    func setBroker(isUp: Bool) {
        transcript.say(now, "broker", isUp ? "is there again" : "is gone")
        brokerIsUp = isUp
        for board in boards {
            brokerSeen(board)
            if isUp { resume(board) }
        }
    }

    /// The broker comes back without the records from `offset` on; at 0, with new topics.
    func lose(_ topic: Topic, from end: Offset) {
        var offset = end
        // Nobody brings back a log that some boards take for valid to its end, and others do not, while
        // they are at several steps of a key ("known, and left").
        while topic == .leader, offset > topics[topic.index].low,
            isValid(topics[topic.index][offset - 1].signedBy) == nil
        {
            offset -= 1
        }
        transcript.say(now, "broker", "loses \(topic) from \(offset) on")
        if offset == 0 { topics[topic.index].recreate() }
        topics[topic.index].cut(at: offset)
        for board in boards {
            board.readers[topic.index].fetchedTo = nil
            board.readers[topic.index].isHeld = false
            // The client knows the leader's epoch (KIP-320): it notices even when the offset
            // exists again.
            if board.readers[topic.index].position > offset {
                board.readers[topic.index].isBehindCut = true
            }
        }
        checker.onCut(topic, at: max(offset, topics[topic.index].low), self)
    }

    /// Somebody deletes the topic and makes it anew under a living broker, and nobody's client notices
    /// what has an offset that there is again.
    private func makeRequestsAnew() -> Bool {
        guard brokerIsUp else { return false }
        let high = topics[Topic.requests.index].high
        lose(.requests, from: 0)
        for board in boards { board.readers[Topic.requests.index].isBehindCut = false }
        // As many as are read before it is looked at, or more; or a few.
        let count = random.below(2) == 0 ? between(0, 10) : high + between(0, 30)
        // Without names two may be alike, which nothing tells apart.
        for _ in 0..<min(count, 300) { submitSomething(isNamed: true) }
        return true
    }

    func expire(_ topic: Topic, before offset: Offset) {
        transcript.say(now, "broker", "removes \(topic) before \(offset)")
        checker.onExpire(topic, before: offset)
        let held = topics[topic.index].low
        guard offset > held else { return }
        for board in boards where board.readers[topic.index].position < offset {
            board.readers[topic.index].fetchedTo = nil
            board.readers[topic.index].isHeld = false
            let seek = board.readers[topic.index].seek
            guard board.readers[topic.index].position >= 0 else { continue }
            agenda.plan(.fetched(board: board.index, topic, seek: seek), at: now)
        }
        topics[topic.index].expire(before: offset)
    }

    func onMends(_ fault: Fault, _ board: Int, _ serial: Int) {
        switch fault {
        case .brokerOutage:
            if serial == faults.outageSerial, !brokerIsUp { setBroker(isUp: true) }
        case .keeperStops: onKeeperGoesOn(boards[board], serial)
        case .slowBoard: boards[board].slowUs = 0
        case .resultsDenied: boards[board].mayReport = true
        case .startsFail: boards[board].cannotStart = false
        case .slowLink: boards[board].mendLink()
        case .busyBroker: conditions.recordsPerSecond = 0
        case .resultsTooLarge: conditions.resultBytes = .max
        case .impersonate: speakMasked(boards[board], serial)
        case .fullTables: strangersSpeak(moreTimes: serial)
        default:
            guard boards[board].cutSerial == serial else { return }
            cut(boards[board], reading: 0, writing: 0)
        }
    }
}

// MARK: - Users

extension SimulatedUnion {
    func onSubmits() {
        guard conditions.submitMeanUs > 0 else { return }
        if brokerIsUp, checker.open < capacities.ledger * 3 / 2 { submitSomething() }
        agenda.plan(
            .submits, at: now + between(conditions.submitMeanUs / 10, conditions.submitMeanUs * 2))
    }

    private func repeatRequest() -> Bool {
        let log = topics[Topic.requests.index]
        guard brokerIsUp, log.high > log.low else { return false }
        let offset = log.high - 1 - min(log.high - log.low - 1, between(0, 20))
        guard let record = log[offset].record else { return false }
        append(record, log[offset].payload)
        return true
    }

    func submitSomething(isNamed: Bool = false) {
        tally.requests += 1
        let id = random.below(10) == 0 && !isNamed ? "" : "r\(tally.requests)"
        let code = random.below(20) == 0 ? Int(random.below(4097)) : 0
        let timeout: Int32? = random.below(2) == 0 ? nil : 200 + random.below(4000)
        let op = drawOp()
        // Nobody but the request says how long a job may take that its worker never ends.
        submit(
            op, id: id, timeoutMs: ["never", "hung"].contains(op) ? 1000 : timeout,
            maxAttempts: 1 + random.below(4),
            codeBytes: code)
    }

    private func drawOp() -> String {
        let c = conditions
        if c.poisonOneIn > 0, random.below(c.poisonOneIn) == 0 { return "poison" }
        if c.hungOneIn > 0, random.below(c.hungOneIn) == 0 { return "hung" }
        if c.starvingOneIn > 0, random.below(c.starvingOneIn) == 0 { return "starve" }
        switch random.below(40) {
        case 0: return "fail"
        case 1: return "unknown"
        case 2: return "hang"
        case 3: return c.poisonOneIn > 0 ? "never" : "hang"
        case 4..<8: return "stubborn-\(random.below(3000))"
        case 8..<20: return "sleep-\(random.below(2000))"
        case 20..<30: return "sleep-\(random.below(30))"
        default: return "noop"
        }
    }
}
