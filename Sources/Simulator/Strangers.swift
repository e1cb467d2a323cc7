import Union

/// Well-formed records that no node of the union has written: anybody who reaches the broker can
/// write them. And records that are there twice, or are read twice.
extension SimulatedUnion {
    func strikeAsStranger(_ fault: Fault) -> Bool {
        switch fault {
        case .replay: return replay()
        case .fullTables: return fillTables()
        case .impersonate: return impersonate()
        default:
            strangerWrites()
            return true
        }
    }

    /// An id that no board has.
    private func stranger() -> WorkerID {
        WorkerID(high: 0xBAD0_0000_0000_0000, low: random.next() | 1)
    }

    private func strangerWrites() {
        // Where nothing of his is valid, he may write whatever boards do, in their names.
        if isValid(0) == false, random.below(2) == 0 { return copies() }
        let term = highestTerm()
        let record: Record
        switch random.below(6) {
        case 0:
            // Where nobody holds a term, his would be valid: no log can tell him from a leader.
            guard term > 0 else { return }
            record = .leader(strangerOrders(term: max(1, term - Term(random.below(2)))))
        case 1: record = .leader(order(.claim, by: stranger(), term: above(term)))
        case 2:
            let ranking = random.below(3) == 0 ? 1_000_000 : random.below(1000)
            record = .candidacy(
                Candidacy(
                    workerID: stranger(), incarnation: random.next(),
                    term: max(term, above(term) - Term(random.below(2))), ranking: ranking,
                    countdown: random.below(2) == 0 ? nil : random.below(4), nominee: nil))
        case 3: record = .heartbeat(heartbeat(of: stranger(), isMember: true))
        default: record = .result(strangerResult(term: term))
        }
        forge(record, [], on: record.topic)
    }

    /// What a board or a user has written lately, or the same with another place in time.
    private func copies() {
        let topic = Topic.all[Int(random.below(Int32(Topic.count)))]
        let log = topics[topic.index]
        guard log.high > log.low else { return }
        let entry = log[max(log.low, log.high - 1 - Offset(random.below(60)))]
        guard var record = entry.record else { return }
        let later = Int64(random.below(3))
        switch record {
        case .leader(var r):
            (r.term, r.sentAt) = (r.term + later, r.sentAt + Int32(later) * 1000)
            if random.below(3) == 0 { (r.order, r.callsBack) = (.claim, true) }
            if random.below(3) == 0 { r.heartbeatOffset = topics[Topic.heartbeat.index].high }
            record = .leader(r)
        case .candidacy(var c):
            (c.term, c.ranking) = (c.term + later, 1_000_000)
            record = .candidacy(c)
        case .heartbeat(var h):
            (h.count, h.leaderOffset) = (h.count + later, topics[Topic.leader.index].high)
            h.versions = Versions(newest: 1 + Int32(later), oldest: 1 + Int32(later))
            if random.below(3) == 0 { (h.isLeaving, h.cannotReport) = (true, true) }
            record = .heartbeat(h)
        case .result(var r):
            r.final = random.below(2) == 0
            record = .result(r)
        case .request: break
        }
        forge(record, entry.payload, on: topic)
    }

    /// The next term; the highest that may be, or one that may not.
    private func above(_ term: Term) -> Term {
        let most = Limits.highestTerm(at: topics[Topic.leader.index].high)
        return switch random.below(8) {
        case 0: most
        case 1: most + 1
        case 2: 1 << 53 - 1
        default: min(term + 1, most)
        }
    }

    private func order(_ order: Order, by id: WorkerID, term: Term) -> LeaderRecord {
        LeaderRecord(
            workerID: id, incarnation: random.next(), term: term, sentAt: Instant(us: now),
            leaseMs: boards[0].settings.leaseMs, heartbeatOffset: Offset(random.below(1000)),
            checkpointOffset: -1, order: order)
    }

    /// Orders under a term that another holds.
    private func strangerOrders(term: Term) -> LeaderRecord {
        let victim = boards[Int(random.below(Int32(boards.count)))].settings.workerID
        let requests = topics[Topic.requests.index]
        let offset = requests.high > 0 ? between(0, requests.high) : 0
        let attempt = Attempt(
            requestOffset: offset, attempt: 1 + random.below(100), workerID: victim)
        switch random.below(6) {
        case 0: return order(.removeMember(victim), by: stranger(), term: term)
        case 1: return order(.cancel(attempt), by: stranger(), term: term)
        case 2: return order(.resign, by: stranger(), term: term)
        case 3: return order(.claim, by: stranger(), term: term)
        case 4:
            // Under a term of his own his word counts (section 12), and settles what is open.
            guard let leader, let life = boards[leader].life else {
                return order(.noop, by: stranger(), term: term)
            }
            let all = Order.checkpoint(Checkpoint(requestsNext: requests.high, resultsNext: 0))
            return order(all, by: stranger(), term: min(term, life.node.term))
        default: return order(.noop, by: stranger(), term: term)
        }
    }

    private func strangerResult(term: Term) -> WorkResult {
        let requests = topics[Topic.requests.index]
        var offset = Offset(random.below(1_000_000))
        // Or the id of a request that is still to come.
        var id = RequestID("forged")
        if random.below(2) == 0 {
            id = RequestID("r")
            id.append(decimal: Int64(tally.requests) + 1 + Int64(random.below(3)))
        }
        if random.below(2) == 0, requests.high > requests.low {
            offset = between(requests.low, requests.high)
            if case .request(let r)? = requests[offset].record { id = r.requestID }
        }
        var result = WorkResult(
            requestID: id, requestOffset: offset, workerID: stranger(), term: term,
            attempt: 1 + random.below(4), status: random.below(2) == 0 ? .completed : .failed,
            exitCode: 0, truncated: false, durationMs: 1, final: random.below(2) == 0)
        // What the log says that somebody has is over, a worker's very word would be.
        if random.below(3) == 0, let (attempt, term) = recentAssignment() {
            (result.requestOffset, result.attempt) = (attempt.requestOffset, attempt.attempt)
            (result.workerID, result.term) = (attempt.workerID, term)
            if requests.contains(attempt.requestOffset),
                case .request(let r)? = requests[attempt.requestOffset].record
            {
                result.requestID = r.requestID
            }
            if random.below(2) == 0 { (result.status, result.counts) = (.lost, false) }
            result.final = random.below(4) == 0
        }
        if random.below(4) == 0 { result.duplicateOf = Offset(random.below(1000)) }
        return result
    }

    /// One of the last attempts that were given away, and under which term.
    private func recentAssignment() -> (Attempt, Term)? {
        let log = topics[Topic.leader.index]
        let last = log.high - 1 - Offset(random.below(40))
        var offset = last
        while log.contains(offset), last - offset < 40 {
            if case .leader(let r)? = log[offset].record, case .assign(let a) = r.order {
                return (a.attempt, r.term)
            }
            offset -= 1
        }
        return nil
    }

    private func heartbeat(of id: WorkerID, isMember: Bool) -> Heartbeat {
        var h = Heartbeat(workerID: id, incarnation: random.next())
        // (Whom boards of a later version do not understand keeps them from two elections, which take
        // long where he seems to be many.)
        if random.below(4) == 0 || boards.contains(where: { $0.settings.versions == .later }) {
            h.versions = Versions(newest: 2 + random.below(8), oldest: 1)
        }
        if random.below(8) == 0 { (h.workerLeaseMs, h.killGraceMs) = (1 + random.below(9000), 50) }
        guard isMember, let leader else { return h }
        h.leaderID = boards[leader].settings.workerID
        h.term = highestTerm()
        h.leaderOffset = topics[Topic.leader.index].high
        return h
    }

    /// Somebody speaks under a board's id for a while, as if he followed the log, and had said more or
    /// less than the board.
    private func impersonate() -> Bool {
        let board = boards[Int(random.below(Int32(boards.count)))]
        var h = heartbeat(of: board.settings.workerID, isMember: random.below(2) == 0)
        h.count = random.below(2) == 0 ? 0 : 1_000_000
        faults.masks.append((h, 2 + random.below(40)))
        checker.isSpokenFor.insert(board.index)
        speakMasked(board, faults.masks.count - 1)
        return true
    }

    func speakMasked(_ board: Board, _ mask: Int) {
        guard faults.isActive, brokerIsUp, faults.masks[mask].left > 0 else { return }
        faults.masks[mask].left -= 1
        faults.masks[mask].heartbeat.count += 1
        let beyond = random.below(4) == 0 ? between(0, 1 << 40) : Int64(random.below(2))
        faults.masks[mask].heartbeat.leaderOffset = topics[Topic.leader.index].high + beyond
        forge(.heartbeat(faults.masks[mask].heartbeat), [], on: .heartbeat)
        let heartbeatUs = Int64(board.settings.heartbeatMs) * 1000
        agenda.plan(
            .mends(.impersonate, board: board.index, serial: mask),
            at: now + between(heartbeatUs / 2, heartbeatUs * 2))
    }

    private func highestTerm() -> Term { boards.map { $0.life?.node.term ?? 0 }.max() ?? 0 }

    /// More strangers than a union has room for.
    private func fillTables() -> Bool {
        switch random.below(3) {
        case 0: strangersSpeak(moreTimes: random.below(2) == 0 ? 0 : Int(random.below(40)))
        case 1:
            let term = highestTerm() + 1
            for _ in 0..<(capacities.members + 20) {
                let candidacy = Candidacy(
                    workerID: stranger(), incarnation: random.next(), term: term,
                    ranking: random.below(1000), countdown: nil, nominee: nil)
                forge(.candidacy(candidacy), [], on: .election)
            }
        default:
            guard checker.open < 100 else { return false }
            for _ in 0..<(3 * capacities.ledger) { submit("noop") }
        }
        return true
    }

    /// A board's own heartbeat that nobody can read, or not: it was damaged on its way.
    func isDamaged(_ record: Record) -> Bool {
        guard case .heartbeat = record, conditions.damagedOneIn > 0 else { return false }
        return random.below(conditions.damagedOneIn) == 0
    }

    /// More than there is room for, with new names each time.
    func strangersSpeak(moreTimes: Int) {
        guard brokerIsUp else { return }
        for _ in 0..<(capacities.members + 20) {
            let heartbeat = heartbeat(of: stranger(), isMember: random.below(20) == 0)
            forge(.heartbeat(heartbeat), [], on: .heartbeat)
        }
        guard moreTimes > 0, faults.isActive else { return }
        agenda.plan(
            .mends(.fullTables, board: 0, serial: moreTimes - 1),
            at: now + between(100_000, 2_000_000))
    }

    /// A record that was written long ago is there once more.
    private func replay() -> Bool {
        let topic = Topic.all[Int(random.below(Int32(Topic.count)))]
        let log = topics[topic.index]
        guard log.high > log.low else { return false }
        let entry = log[between(log.low, log.high)]
        guard let record = entry.record else { return false }
        if case .heartbeat(let h) = record {
            // An earlier life that speaks is a twin: `clone` is that fault.
            let lives = boards.contains { $0.life?.node.settings.incarnation == h.incarnation }
            guard lives else { return false }
        }
        guard isValid(entry.signedBy) != nil else { return false }
        append(record, entry.payload, on: topic, by: -1, signedBy: entry.signedBy)
        return true
    }

    /// A client hands a record over that the board has read before.
    func readAgain(_ board: Board) -> Bool {
        let topic = Topic.all[Int(random.below(Int32(Topic.count)))]
        let last = board.readers[topic.index].position - 1
        guard let life = board.life, board.pausedUntil == nil, topics[topic.index].contains(last),
            let record = topics[topic.index][last].record
        else { return false }
        feed(board, .tick)
        guard board.life === life, board.pausedUntil == nil,
            board.readers[topic.index].position == last + 1
        else { return false }
        checker.isFeedingVoid = true
        feed(board, .read(record, last), topics[topic.index][last].payload.span)
        checker.isFeedingVoid = false
        return true
    }
}
