/// The design's properties (section 10), checked from outside: from what boards do, show and
/// write, and from the topics. Nothing here asks a `Node` what it thinks.
import Union

/// A property that did not hold.
public struct Violation: Sendable {
    /// As the design numbers them, 1 to 9.
    public var property: Int
    public var what: String
    /// µs of true time.
    public var at: Int64
}

final class Checker {
    private(set) var violation: Violation?

    /// Section 3's referee, written anew: who holds the tenure after each record of the log.
    private struct Tenure: Equatable {
        /// When its holder wrote its last valid record: an older one is late, and void.
        var sentAt = Instant.zero
        var term: Term = 0
        var holder: WorkerID?
        var incarnation: Incarnation = 0
        var isOver = false

        func isOf(_ other: Tenure) -> Bool {
            term == other.term && holder == other.holder && incarnation == other.incarnation
                && !isOver
        }
    }
    private var tenures: [Tenure] = []
    private var isVoid: [Bool] = []
    private var holders: [Term: Tenure] = [:]
    /// What the board speaks that claimed a term.
    private var speaks: [Term: Versions] = [:]
    /// When the broker lost records of the leader log last.
    private var leaderLostAt: Int64 = 0
    /// What boards have passed over in `results`, because they read beyond an end that the broker has
    /// lost.
    private var unread: [Int: Range<Offset>] = [:]
    /// The first record of the leader log that retention has left.
    private var leaderLow: Offset = 0
    /// The broker has lost records of a topic, or removed its first ones.
    private(set) var hasLost = [Bool](repeating: false, count: Topic.count)

    /// When the broker lost records of requests or results, while it has done so once only.
    private var lossAt: Int64?
    /// After that one loss no request before this offset is read again; nil: that cannot be said.
    private var rereadFrom: Offset? = .max

    /// Boards that have read the leader log from a sound beginning to its end.
    private var isCaughtUp: Set<Int> = []
    var isFeedingVoid = false
    /// Boards under whose ids a stranger has spoken: they may stand back without a twin.
    var isSpokenFor: Set<Int> = []
    /// This board has just been woken, and has not had its first turn.
    var isWaking = -1
    private var mustLook = false

    /// A request: where it stands, and its id. A broker that lost records uses offsets again.
    private struct Name: Hashable {
        var offset: Offset
        var key: UInt64
    }
    /// The first final result of each request: its status, and where it stands.
    private var outcomes: [Name: (status: Status, at: Offset)] = [:]
    /// Requests without an outcome, roughly.
    var open: Int { requests.count - outcomes.count }
    var outcomeCount: Int { outcomes.count }
    private var settledIDs: [UInt64: Offset] = [:]
    /// Requests that a stranger has said the outcome of: it counts.
    private var forgedIDs: Set<UInt64> = []
    /// Requests of which a stranger has said that an attempt does not count.
    private var calledVain: Set<Offset> = []
    /// Requests that were settled, and open for long before, when the broker lost their outcomes.
    private var forgiven: Set<UInt64> = []
    /// The highest `requests_next` that a checkpoint has said.
    private var requestsNext: Offset = 0
    /// Offsets of requests that the broker has lost.
    private var usedOffsets = 0..<Offset(0)
    /// Every request that the broker has.
    private var requests: [Offset: UInt64] = [:]
    /// And every one that it has had.
    private var keysEver: [Offset: UInt64] = [:]
    private var attempts: [Offset: Int32] = [:]
    /// How often each request was started, but for what was given back in good order.
    private var starts: [Name: Int32] = [:]
    /// Where `results` ended when the present tenure began.
    private var resultsAtTenure: Offset = 0

    func fail(_ property: Int, _ union: SimulatedUnion, _ what: String) {
        guard violation == nil else { return }
        violation = Violation(property: property, what: what, at: union.now)
        union.transcript.say(union.now, "checker", "property \(property): \(what)")
    }

    /// A node contradicts itself: that is a broken machine, as a trap is.
    func onBroken(_ invariant: Invariant, _ board: Board, _ union: SimulatedUnion) {
        fail(8, union, "\(invariant) does not hold on board \(board.index)")
    }

    /// After each act of the simulation.
    func look(_ union: SimulatedUnion) {
        guard mustLook else { return }
        mustLook = false
        checkLights(union)
    }
}

// MARK: - 1 and 2: who leads

extension Checker {
    func onShow(_ board: Board, _ role: Role, _ union: SimulatedUnion) {
        if role == .leader { mustLook = true }
    }

    /// At no instant two leader LEDs of boards that do anything.
    private func checkLights(_ union: SimulatedUnion) {
        var lit = -1
        for board in union.boards where board.isLit(at: union.now) {
            if lit >= 0 { fail(2, union, "boards \(lit) and \(board.index) both lead") }
            lit = board.index
        }
    }

    func onNotice(_ board: Board, _ notice: Notice, _ union: SimulatedUnion) {
        switch notice {
        case .leads(let term):
            board.speaks = board.settings.versions.newest
            // It led before the broker lost that, or does not know of it, and only says so now.
            guard board.steppedAt >= leaderLostAt, !board.readers[Topic.leader.index].isBehindCut
            else { return }
            let me = Tenure(
                term: term, holder: board.settings.workerID,
                incarnation: board.life!.node.settings.incarnation)
            if let other = holders[term], other != me {
                fail(1, union, "two workers have led in term \(term)")
            }
            holders[term] = me
        case .settled(let offset, let status):
            // Where the broker lost records, an offset does not name one request any more.
            guard !hasLost[Topic.results.index], !hasLost[Topic.requests.index] else { return }
            guard let truth = outcome(of: offset) else {
                return fail(4, union, "requests[\(offset)] is settled without a result")
            }
            // What was void at one step of the key, and rejected, may be valid a step back (section 2).
            let wasVoid = truth.status == .rejected && union.hasRolledKey
            if truth.status != status, !wasVoid {
                fail(4, union, "requests[\(offset)] is \(truth.status), not \(status)")
            }
        case .twin:
            let hasTwin = union.boards.contains { $0.isTwin(of: board) }
            // By a log that has lost records, an earlier life's late words may be a living one's.
            if !hasTwin, !isSpokenFor.contains(board.index), !hasLost[Topic.leader.index] {
                fail(7, union, "board \(board.index) stands back, but it has no twin")
            }
        case .speaks(let newest, _): board.speaks = newest
        case .caughtUp: isCaughtUp.insert(board.index)
        case .logLost(.leader, _, _): isCaughtUp.remove(board.index)
        default: break
        }
    }

    func onEnd(_ board: Board, _ union: SimulatedUnion) {
        isCaughtUp.remove(board.index)
        unread[board.index] = nil
    }
}

// MARK: - 3: void records

extension Checker {
    func onAppend(
        _ topic: Topic, _ offset: Offset, _ record: Record?, _ writer: Int, isUnsigned: Bool,
        _ union: SimulatedUnion
    ) {
        switch topic {
        case .leader:
            judge(record, at: offset, union)
            if writer >= 0, !isVoid[Int(offset)], case .leader(let r)? = record,
                case .claim = r.order
            {
                speaks[r.term] = union.boards[writer].settings.versions
            }
        case .results: onResult(record, at: offset, by: writer, union)
        case .requests:
            var id = isUnsigned ? RequestID() : SimulatedTopic.readableID(ofMalformedAt: offset)
            if case .request(let r)? = record { id = r.requestID }
            guard !id.isEmpty else {
                // Without an id, it is a duplicate of what stood here before the broker lost it.
                if !usedOffsets.contains(offset) { requests[offset] = Self.keyOfUnnamed(offset) }
                return
            }
            requests[offset] = id.key
            // A result under the offset's name was another's, which the broker has lost.
            outcomes[Name(offset: offset, key: Self.keyOfUnnamed(offset))] = nil
            keysEver[offset] = id.key
        case .election, .heartbeat: break
        }
    }

    private func judge(_ record: Record?, at offset: Offset, _ union: SimulatedUnion) {
        var tenure = tenures.last ?? Tenure()
        var void = true
        if case .leader(let r)? = record {
            let said = Tenure(
                sentAt: r.sentAt, term: r.term, holder: r.workerID, incarnation: r.incarnation)
            var isClaim = false
            if case .claim = r.order { isClaim = true }
            if r.term > offset + 1 << 40 {
                // No record can have such a term there.
            } else if case .unknown = r.order {
                // Whoever does not know the order comes to the same verdicts.
                void = !(tenure.isOf(said) && r.sentAt >= tenure.sentAt)
            } else if r.term > tenure.term {
                tenure = said
                resultsAtTenure = union.topics[Topic.results.index].high
                void = false
            } else if !isClaim && tenure.isOf(said) && r.sentAt >= tenure.sentAt {
                tenure.sentAt = r.sentAt
                void = false
            }
            if case .resign = r.order, !void { tenure.isOver = true }
            if case .checkpoint(let said) = r.order, !void {
                requestsNext = max(requestsNext, said.requestsNext)
            }
        }
        precondition(tenures.count == Int(offset))
        tenures.append(tenure)
        isVoid.append(void)
    }

    /// Whether reading this record of the leader log must not make the board do anything.
    func expectsNothing(of offset: Offset, _ board: Board, _ union: SimulatedUnion) -> Bool {
        guard !hasLost[Topic.leader.index], isCaughtUp.contains(board.index) else { return false }
        guard isVoid[Int(offset)] else { return false }
        union.tally.voidFed += 1
        return true
    }

    func onEffect(_ board: Board, _ effect: Effect, _ union: SimulatedUnion) {
        // From there on it reads what is there now.
        if case .seek(.results, let offset) = effect, let unread = unread[board.index] {
            let left = unread.clamped(to: 0..<max(offset, 0))
            self.unread[board.index] = left.isEmpty ? nil : left
        }
        guard isFeedingVoid else { return }
        switch effect {
        case .say, .show(.member, online: true, _): break
        default:
            fail(3, union, "a void record makes board \(board.index) \(Transcript.name(effect))")
        }
    }

    /// The broker lost everything from `offset` on.
    func onCut(_ topic: Topic, at offset: Offset, _ union: SimulatedUnion) {
        hasLost[topic.index] = true
        noteLoss(topic, at: offset, union)
        switch topic {
        case .leader:
            // A term whose every trace is lost may be claimed again.
            var kept: Term = 0
            for i in 0..<min(Int(offset), tenures.count) where i >= leaderLow && !isVoid[i] {
                kept = max(kept, tenures[i].term)
            }
            leaderLow = min(leaderLow, offset)
            leaderLostAt = union.now
            // (What is left may be of an earlier step of the key, and void for who reads it now.)
            for term in holders.keys where term > kept || union.hasRolledKey {
                holders[term] = nil
            }
            tenures.removeLast(max(0, tenures.count - Int(offset)))
            isVoid.removeLast(max(0, isVoid.count - Int(offset)))
            isCaughtUp = []
        case .results:
            for (name, outcome) in outcomes where outcome.at >= offset {
                outcomes[name] = nil
                attempts[name.offset] = nil
                // Long open, and settled a moment ago (section 10, "known"). A leader has read at
                // most a ledger further than its checkpoint says.
                let next = requestsNext + Offset(union.capacities.ledger)
                guard name.offset < next - Offset(Limits.openWork) else { continue }
                requests[name.offset] = nil
                forgiven.insert(name.key)
            }
            for (key, at) in settledIDs where at >= offset { settledIDs[key] = nil }
            resultsAtTenure = min(resultsAtTenure, offset)
            for board in union.boards where board.readers[topic.index].position > offset {
                let to = board.readers[topic.index].position
                unread[board.index] = min(unread[board.index]?.lowerBound ?? offset, offset)..<to
            }
        case .requests:
            usedOffsets = 0..<max(usedOffsets.upperBound, (requests.keys.max() ?? -1) + 1)
            for request in requests.keys where request >= offset {
                requests[request] = nil
                attempts[request] = nil
            }
        case .election, .heartbeat: break
        }
    }

    /// After two, or after the loss of all orders, nothing is promised of what was settled before.
    private func noteLoss(_ topic: Topic, at offset: Offset, _ union: SimulatedUnion) {
        switch topic {
        case .leader:
            if offset <= union.topics[topic.index].low { rereadFrom = nil }
        case .requests, .results:
            if lossAt ?? union.now != union.now { rereadFrom = nil }
            lossAt = union.now
            let end = topic == .requests ? min(requestsNext, offset) : requestsNext
            rereadFrom = rereadFrom.map { min($0, end - Offset(Limits.openWork)) }
        case .election, .heartbeat: break
        }
    }

    func onExpire(_ topic: Topic, before offset: Offset) {
        hasLost[topic.index] = true
        rereadFrom = nil
        if topic == .leader { leaderLow = offset }
        guard topic == .requests else { return }
        for request in requests.keys where request < offset { requests[request] = nil }
    }
}

// MARK: - 4, 5 and 6: work

extension Checker {
    private func onResult(
        _ record: Record?, at offset: Offset, by writer: Int, _ union: SimulatedUnion
    ) {
        guard case .result(let r)? = record else { return }
        if writer < 0, !r.final, !r.counts { calledVain.insert(r.requestOffset) }
        guard r.final else { return }
        let key = r.requestID.isEmpty ? Self.keyOfUnnamed(r.requestOffset) : r.requestID.key
        let name = Name(offset: r.requestOffset, key: key)
        if writer < 0 { forgedIDs.insert(key) }
        if let first = r.duplicateOf, !forgedIDs.contains(key), !hasLost.contains(true),
            let own = requests[first],
            own != key || outcomes[Name(offset: first, key: key)]?.status != r.status
        {
            fail(4, union, "requests[\(r.requestOffset)] does not end as requests[\(first)]")
        }
        if outcomes[name] == nil { outcomes[name] = (r.status, offset) }
        if settledIDs[key] == nil { settledIDs[key] = offset }
        // Who could not read the request any more did not know its id, which others may have, too.
        if key == Self.keyOfUnnamed(r.requestOffset), let id = keysEver[r.requestOffset] {
            settledIDs[id] = settledIDs[id] ?? offset
        }
    }

    /// What a request is called that has no id, or whose id is not known any more.
    private static func keyOfUnnamed(_ offset: Offset) -> UInt64 {
        var id = RequestID("offset-")
        id.append(decimal: offset)
        return id.key
    }

    /// The outcome of the request that is there now.
    private func outcome(of offset: Offset) -> (status: Status, at: Offset)? {
        let named = requests[offset].flatMap { outcomes[Name(offset: offset, key: $0)] }
        let unnamed = outcomes[Name(offset: offset, key: Self.keyOfUnnamed(offset))]
        guard let named, let unnamed else { return named ?? unnamed }
        return named.at < unnamed.at ? named : unnamed
    }

    func onWrite(_ board: Board, _ record: Record, _ union: SimulatedUnion) {
        if case .result(let r) = record { checkGivenBack(r, board, union) }
        guard case .leader(let r) = record, case .assign(let a) = r.order else { return }
        guard let outcome = outcome(of: a.attempt.requestOffset) else { return }
        // It knows one that is gone, and does not know yet that another has its offset.
        if let key = requests[a.attempt.requestOffset], key != a.request.requestID.key { return }
        guard unread[board.index]?.contains(outcome.at) != true else { return }
        var read = board.readers[Topic.results.index].position
        // A takeover has read them all as they were at the claim.
        if tenures.last?.term == r.term { read = max(read, resultsAtTenure) }
        guard outcome.at < read, union.isValid(outcome.at, of: .results, for: board) else { return }
        // What was void at one step of the key, and rejected, may be valid a step back.
        if outcome.status == .rejected, union.hasRolledKey { return }
        if hasLost.contains(true) {
            // Outcomes of the last requests are known, if they are among the last results. (One
            // without an id may be another than stood there before.)
            let offset = a.attempt.requestOffset
            guard let key = requests[offset],
                let named = outcomes[Name(offset: offset, key: key)], named.at < read,
                key != Self.keyOfUnnamed(offset) || !usedOffsets.contains(offset)
            else { return }
            guard let rereadFrom else { return }
            let recent = union.topics[Topic.results.index].high - Offset(Limits.recentlySettled)
            guard offset < rereadFrom || outcome.at >= recent else { return }
        }
        fail(4, union, "\(Transcript.name(a.attempt)) is ordered after its outcome was read")
    }

    /// What has started counts, unless its board is leaving.
    private func checkGivenBack(_ r: WorkResult, _ board: Board, _ union: SimulatedUnion) {
        guard !r.counts, r.workerID == board.settings.workerID, !hasLost.contains(true),
            let started = board.started[r.requestOffset],
            started == (r.attempt, r.term)
        else { return }
        guard board.isLeaving else {
            return fail(9, union, "board \(board.index) takes a start for none")
        }
        board.started[r.requestOffset] = nil
        starts[Name(offset: r.requestOffset, key: r.requestID.key), default: 0] -= 1
    }

    func onJobStarts(
        _ board: Board, _ a: Assignment, _ term: Term, _ union: SimulatedUnion
    ) {
        let offset = a.attempt.requestOffset
        if let theirs = speaks[term], !hasLost[Topic.leader.index],
            !theirs.fits(board.settings.versions)
        {
            fail(3, union, "board \(board.index) obeys a leader that it does not understand")
        }
        board.started[offset] = (a.attempt.attempt, term)
        let name = Name(offset: offset, key: a.request.requestID.key)
        starts[name, default: 0] += 1
        if starts[name]! > a.request.maxAttempts, !calledVain.contains(offset),
            !hasLost.contains(true)
        {
            fail(9, union, "requests[\(offset)] is started \(starts[name]!) times")
        }
        checkAlone(board, offset, union)
        if let last = attempts[offset], a.attempt.attempt <= last,
            !hasLost[Topic.leader.index], !hasLost[Topic.requests.index],
            !hasLost[Topic.results.index]
        {
            fail(5, union, "\(Transcript.name(a.attempt)) starts after attempt \(last)")
        }
        attempts[offset] = a.attempt.attempt
    }

    /// At no instant one request on two boards.
    private func checkAlone(_ board: Board, _ offset: Offset, _ union: SimulatedUnion) {
        for other in union.boards where other !== board && other.jobCount > 0 {
            guard other.jobsRunOn || (other.isRunning && other.index != isWaking) else { continue }
            for case .some(let job) in other.jobs
            where job.attempt.requestOffset == offset && !job.isOver {
                fail(
                    5, union,
                    "requests[\(offset)] runs on boards \(other.index) and \(board.index)")
            }
        }
    }

    /// A board that stood still has had its first turn.
    func onAwake(_ board: Board, _ union: SimulatedUnion) {
        mustLook = true
        for case .some(let job) in board.jobs where !job.isOver {
            checkAlone(board, job.attempt.requestOffset, union)
        }
    }

    /// A request that the broker has and that has no outcome; of those, the first. After a loss one under
    /// its id is enough.
    func unanswered() -> Offset? {
        var first: Offset?
        for (offset, key) in requests where offset < first ?? .max {
            guard !forgiven.contains(key), !hasLost.contains(true) || settledIDs[key] == nil
            else { continue }
            if outcome(of: offset) == nil { first = offset }
        }
        return first
    }
}
