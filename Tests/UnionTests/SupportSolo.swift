import Testing

@testable import Union

/// One node, driven by hand: the test is the clock, the broker and everybody else. What the node
/// writes lies in `unread` until the test says that the broker delivers it and the node reads it.
final class Solo: Process {
    private(set) var now: Instant
    /// Effects since the last `clear()`.
    private(set) var done: [Done] = []
    /// The offset that the next record of each topic gets.
    var ends = [Offset](repeating: 0, count: Topic.count)
    private(set) var unread: [(record: Record, bytes: [UInt8], receipt: Receipt)] = []

    init(
        at start: Instant = ms(10_000), seed: UInt64 = 1,
        _ change: (inout Settings) -> Void = { _ in }
    ) {
        now = start
        var settings = Settings(workerID: worker(1), incarnation: 1)
        settings.countRoundly()
        change(&settings)
        super.init(settings, seed: seed)
    }

    var leads: Bool { node.leads(at: now) }
    var role: Role { node.role(at: now) }
    var counters: Counters { node.counters }
    var wantsRequests: Bool { node.wantsRequests }

    /// Whether the effect may still be carried out at `time`.
    func stillHolds(_ effect: Effect, at time: Instant) -> Bool {
        node.stillHolds(effect, at: time)
    }

    // MARK: Time and events

    func clear() { done = [] }

    func begin() { keep(start(now)) }

    func give(_ event: Event, _ bytes: [UInt8] = []) { keep(step(event, bytes, now)) }

    private func keep(_ effects: [Done]) {
        done += effects
        for effect in effects {
            if case .write(let record, let receipt) = effect.effect {
                unread.append((record, effect.bytes, receipt))
            }
        }
    }

    /// Lets time pass, with a tick at each of the node's own deadlines.
    func wait(_ milliseconds: Int64) {
        let end = now.adding(us: milliseconds * 1000)
        var ticksAtOnce = 0
        while node.deadline <= end {
            ticksAtOnce = node.deadline > now ? 0 : ticksAtOnce + 1
            guard ticksAtOnce < 100 else {
                Issue.record("the node's deadline stays in the past")
                break
            }
            now = max(now, node.deadline)
            give(.tick)
        }
        now = end
        give(.tick)
    }

    /// As `wait`, while the node's heartbeats are delivered and read: it is in touch, and alone.
    func idle(_ milliseconds: Int64, until condition: () -> Bool = { false }) {
        pass(milliseconds, until: condition) { self.readBackOnce { $0.topic == .heartbeat } }
    }

    /// The same for all of its records.
    func live(_ milliseconds: Int64, until condition: () -> Bool = { false }) {
        readBack()
        pass(milliseconds, until: condition) { self.readBack() }
    }

    private func pass(
        _ milliseconds: Int64, until condition: () -> Bool, _ afterEach: () -> Void
    ) {
        let end = now.adding(us: milliseconds * 1000)
        var ticks = 0
        while now < end && !condition() {
            now = max(now, min(end, node.deadline))
            give(.tick)
            afterEach()
            ticks += 1
            guard ticks < 10_000 else {
                Issue.record("the node's deadline stays in the past")
                return
            }
        }
    }

    /// Time stands still for the node: it is stopped, or its laptop sleeps.
    func sleep(_ milliseconds: Int64) { now = now.adding(us: milliseconds * 1000) }

    func sleep(until instant: Instant) { now = instant }

    // MARK: The log

    @discardableResult
    func read(_ record: Record, _ bytes: [UInt8] = [], at offset: Offset? = nil) -> Offset {
        let offset = offset ?? ends[Int(record.topic.rawValue)]
        ends[Int(record.topic.rawValue)] = offset + 1
        give(.read(record, offset), bytes)
        return offset
    }

    /// The next record of its topic has no valid signature.
    @discardableResult
    func readVoid(_ record: Record, _ bytes: [UInt8] = [], isSigned: Bool = false) -> Offset {
        let offset = ends[Int(record.topic.rawValue)]
        ends[Int(record.topic.rawValue)] = offset + 1
        give(Event.read(record, offset).asVoid(isSigned: isSigned, bytes))
        return offset
    }

    @discardableResult
    func read(_ record: LeaderRecord, _ bytes: [UInt8] = []) -> Offset {
        read(.leader(record), bytes)
    }

    @discardableResult
    func read(_ candidacy: Candidacy) -> Offset { read(.candidacy(candidacy)) }

    @discardableResult
    func read(_ heartbeat: Heartbeat) -> Offset { read(.heartbeat(heartbeat)) }

    @discardableResult
    func read(_ result: WorkResult) -> Offset { read(.result(result)) }

    @discardableResult
    func read(_ request: WorkRequest) -> Offset { read(.request(request), emptyPayload) }

    /// The broker has all that was written, and the node reads it; and what it writes then.
    func readBack() {
        var rounds = 0
        while !unread.isEmpty {
            readBackOnce()
            rounds += 1
            guard rounds < 1000 else {
                Issue.record("the node never stops writing")
                return
            }
        }
    }

    /// The same for what is written up to now.
    func readBackOnce(where wanted: (Record) -> Bool = { _ in true }) {
        let batch = unread.filter { wanted($0.record) }
        unread.removeAll { wanted($0.record) }
        for (record, bytes, receipt) in batch {
            let offset = ends[Int(record.topic.rawValue)]
            if receipt != .none { give(.delivered(receipt, offset)) }
            read(record, bytes, at: offset)
        }
    }

    /// What was written and not read yet never reaches the broker.
    func loseUnread() { unread = [] }

    // MARK: Ways into a state

    /// Joins a log that ends where `ends` says, with nothing in it.
    func join() {
        begin()
        for topic in [Topic.leader, .election, .heartbeat] {
            let end = ends[Int(topic.rawValue)]
            give(.bounds(topic, low: end, high: end, askedAt: now))
        }
        #expect(done.isReady)
    }

    /// Joins, is elected, and takes over `results` and `requests` as `ends` says.
    func lead() {
        join()
        winElection()
        takeOver()
        clear()
    }

    func winElection() {
        runForLeader()
        // Somebody's LED may be lit, for all it knows.
        live(300) { leads }
        #expect(leads)
    }

    /// Hears nobody until it is a candidate; its candidacy is written and not read back yet.
    func runForLeader() {
        idle(2000) { role == .candidate }
        #expect(role == .candidate)
    }

    func takeOver() {
        for topic in [Topic.results, .requests] {
            let end = ends[Int(topic.rawValue)]
            give(.bounds(topic, low: 0, high: end, askedAt: now))
        }
        for topic in [Topic.results, .requests] { reachEnd(topic) }
        readBack()
    }

    /// The broker loses the leader log, and the node learns that nothing is left of it.
    func loseLeaderLog() {
        give(.vanished(.leader))
        give(.bounds(.leader, low: 0, high: 0, askedAt: now))
        ends[Int(Topic.leader.rawValue)] = 0
    }

    /// What the topic holds has been read.
    func reachEnd(_ topic: Topic) { give(.reachedEnd(topic, ends[Int(topic.rawValue)])) }

    /// Joins, and reads that worker 2 leads and has added it.
    func follow(term: Term = 1, isAdded: Bool = true) {
        join()
        read(leaderRecord(.claim, by: 2, term: term))
        read(leaderRecord(by: 2, term: term))
        let added = Order.addMember(settings.workerID, settings.incarnation)
        if isAdded { read(leaderRecord(added, by: 2, term: term)) }
        clear()
    }

    /// A leader's: worker `number` says that it is there, and is a member then.
    func addMember(_ number: Int, slots: Int32 = 1, incarnation: Incarnation = 1) {
        report(number, slots: slots, incarnation: incarnation)
        readBack()
    }

    /// A result that ends no request, and a heartbeat of its worker, which has read the order and does
    /// not show the attempt any more.
    func readOver(_ r: WorkResult, slots: Int32 = 1, running: [Offset] = []) {
        read(r)
        readBack()
        let number = (1...9).first { worker($0) == r.workerID }!
        report(number, running: running, slots: slots)
    }

    /// A leader's: worker `number` has read everything, and has these requests; the first of them
    /// run, with these deadlines. `started`: nothing from that offset of the leader log on; nil: it
    /// does not say.
    func report(
        _ number: Int, running: [Offset] = [], deadlines: [Int32] = [], started: Offset? = nil,
        slots: Int32 = 1, incarnation: Incarnation = 1,
        _ change: (inout Heartbeat) -> Void = { _ in }
    ) {
        var h = heartbeat(
            by: number, leader: 1, term: node.elector.log.tenure.term, running: running.count,
            leaderOffset: node.desk.next(.leader), slots: slots, incarnation: incarnation)
        h.deadlineCount = Int32(deadlines.count)
        h.startedOffset = started
        change(&h)
        var payload = Payload.Buffer()
        for offset in running { payload.pack(offset) }
        for ms in deadlines { payload.pack(deadlineMs: ms) }
        read(.heartbeat(h), (0..<payload.count).map { payload[$0] })
    }

    /// A follower's: its next heartbeat is delivered, and worker 2, the leader, has read it.
    func renewLease(term: Term = 1) {
        wait(Int64(settings.heartbeatMs))
        readBackOnce { $0.topic == .heartbeat }
        read(leaderRecord(by: 2, term: term, heartbeatOffset: ends[Int(Topic.heartbeat.rawValue)]))
    }
}

// MARK: - A new leader

/// Worker 1 has followed worker 2, read its checkpoint and its assignments since, and holds the
/// next tenure now; nothing of `results` and `requests` has been read yet.
func claimed(
    rows: [OpenWork], assigned: [Assignment] = [], requestsNext: Offset = 10,
    resultsNext: Offset = 0, firstRequest: Checkpoint.First = .init(), lastRequest: Digest = 0,
    ledger: Int = Limits.ledger
) -> Solo {
    let solo = Solo { $0.capacities.ledger = ledger }
    solo.follow()
    let order = Order.checkpoint(
        Checkpoint(
            requestsNext: requestsNext, resultsNext: resultsNext, firstRequest: firstRequest,
            lastRequest: lastRequest))
    solo.read(leaderRecord(order, by: 2, term: 1), packed(rows))
    for assignment in assigned {
        solo.read(leaderRecord(.assign(assignment), by: 2, term: 1), emptyPayload)
    }
    solo.idle(900)
    solo.read(leaderRecord(.resign, by: 2, term: 1))
    solo.winElection()
    return solo
}

/// The broker's answers: `results` holds 0 ..< `results`, and `requests` 0 ..< `requests`.
func answer(_ solo: Solo, results: Offset = 0, requests: Offset = 10, low: Offset = 0) {
    solo.ends[Int(Topic.results.rawValue)] = 0
    solo.ends[Int(Topic.requests.rawValue)] = requests
    solo.give(.bounds(.results, low: 0, high: results, askedAt: solo.now))
    solo.give(.bounds(.requests, low: low, high: requests, askedAt: solo.now))
    if results == 0 { solo.reachEnd(.results) }
}

extension Event {
    func asVoid(isSigned: Bool, _ bytes: [UInt8]) -> Event {
        asVoid(isSigned: isSigned, bytes.span)
    }
}
