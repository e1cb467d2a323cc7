import Testing

@testable import Union

/// A whole union in memory: nodes, one simulated broker, a virtual clock. Effects are carried out
/// as `Effect` and `Event` say, each record takes `latencyUs` to the broker and as long from it,
/// and nothing else takes time. After every step it checks what must always hold (design,
/// section 10); what did not is in `violations`.
final class MemoryUnion {
    /// What happens to a record on its way to the broker.
    enum Fate {
        case sent, lost
        /// Its writer is told that it is lost, and it appears this long after it was written.
        case late(ms: Int64)
    }

    /// What a job does, by its op's name; an op that is not named ends well after 1 ms.
    enum Job {
        case ends(afterMs: Int64, Status)
        /// Runs until it is killed.
        case hangs
        /// Runs for ever, killed or not.
        case isDeaf
        /// Takes its worker with it.
        case crashes
    }

    final class Machine: Process {
        struct Cursor {
            var next: Offset
            var toldEnd = false
        }
        let number: Int
        let life: Int
        var cursors = [Cursor?](repeating: nil, count: Topic.count)
        var jobs: [Place: (offset: Offset, serial: Int, isDeaf: Bool)] = [:]
        var isStopped = false
        var backlog: [Action] = []
        var tickAt = Instant.never
        var hasLeft = false
        /// Topics that do not reach it, and whether what it writes reaches the broker.
        var deafTo: Set<Topic> = []
        var isMute = false
        var shown: (role: Role, online: Bool)?
        var ticksAtOnce = 0
        /// Whether it led after its last step: asking a node itself is slow in a debug build.
        var led = false

        init(_ number: Int, life: Int, _ settings: Settings, seed: UInt64) {
            self.number = number
            self.life = life
            super.init(settings, seed: seed)
        }
    }

    struct Stored {
        /// nil: unreadable.
        var record: Record?
        var bytes: [UInt8]
        var at: Instant
    }

    final class Log {
        var low: Offset = 0
        var entries: [Stored] = []
        var high: Offset { low + Offset(entries.count) }
        subscript(offset: Offset) -> Stored { entries[Int(offset - low)] }
    }

    indirect enum Action {
        case event(Machine, Event, [UInt8])
        case poll(Machine, Topic)
        case wakeReaders(Topic)
        case tick(Machine)
        case append(Machine?, Record, [UInt8], Receipt)
        case ask(Machine, Topic, askedAt: Instant)
        case jobEnds(Machine, Place, serial: Int, JobEnd)
    }

    private(set) var now = ms(1_000_000)
    let latencyUs: Int64
    private(set) var machines: [Machine] = []
    let logs: [Log] = (0..<Topic.count).map { _ in Log() }
    var jobs: [String: Job] = [:]
    var fate: (Machine, Record) -> Fate = { _, _ in .sent }
    var isBrokerDown = false
    var violations: [String] = []
    private var agenda = Agenda<Action>()
    private var lives = 0
    private var jobSerial = 0
    /// Where each request runs, by offset.
    private var running: [Offset: Int] = [:]
    private var lastLeader: Machine?
    /// The first final result of each request, by offset.
    private(set) var outcomes: [Offset: Status] = [:]
    private(set) var starts: [(offset: Offset, attempt: Int32, number: Int)] = []
    private let change: (inout Settings, Int) -> Void
    private let seed: UInt64

    /// `count` nodes with the ids of workers 1 ... `count`, started at once.
    init(
        _ count: Int, latencyUs: Int64 = 1000, seed: UInt64 = 1,
        _ change: @escaping (inout Settings, Int) -> Void = { _, _ in }
    ) {
        self.latencyUs = latencyUs
        self.change = change
        self.seed = seed
        for number in 0..<count { launch(number + 1) }
    }

    // MARK: What a test does to it

    /// Starts a life of worker `number`; another one may live under the same id.
    @discardableResult
    func launch(_ number: Int) -> Machine {
        lives += 1
        var settings = Settings(workerID: worker(number), incarnation: UInt64(lives))
        settings.countRoundly()
        change(&settings, number)
        let machine = Machine(number, life: lives, settings, seed: seed &* 1000 &+ UInt64(lives))
        machines.append(machine)
        carryOut(machine, machine.start(now))
        return machine
    }

    func crash(_ machine: Machine) {
        machine.hasLeft = true
        for job in machine.jobs.values where running[job.offset] == machine.life {
            running[job.offset] = nil
        }
        machine.jobs = [:]
        machines.removeAll { $0 === machine }
    }

    func stop(_ machine: Machine) { machine.isStopped = true }

    func wake(_ machine: Machine) {
        machine.isStopped = false
        for action in machine.backlog { agenda.add(action, at: now) }
        machine.backlog = []
    }

    func shutDown(_ machine: Machine) { agenda.add(.event(machine, .shutdown, []), at: now) }

    func setDeaf(_ machine: Machine, to topics: Set<Topic>) {
        machine.deafTo = topics
        pollAll(machine)
    }

    func setBroker(isDown: Bool) {
        isBrokerDown = isDown
        for machine in machines {
            agenda.add(.event(machine, isDown ? .brokerLost : .brokerFound, []), at: now)
            if !isDown { pollAll(machine) }
        }
    }

    /// The broker loses what it has of this topic from `offset` on.
    func truncate(_ topic: Topic, to offset: Offset) {
        let log = self[topic]
        log.entries.removeLast(Int(max(0, log.high - offset)))
        agenda.add(.wakeReaders(topic), at: now)
    }

    func submit(_ request: WorkRequest) {
        append(nil, .request(request), emptyPayload, .none)
    }

    /// A record that no node of the union has written.
    func appendForged(_ record: Record) { append(nil, record, [], .none) }

    func appendMalformed(_ topic: Topic, _ why: String) {
        self[topic].entries.append(Stored(record: nil, bytes: Array(why.utf8), at: now))
        agenda.add(.wakeReaders(topic), at: now)
    }

    // MARK: What a test asks of it

    subscript(topic: Topic) -> Log { logs[Int(topic.rawValue)] }

    var leader: Machine? {
        guard let lastLeader, !lastLeader.hasLeft, lastLeader.node.leads(at: now) else {
            return nil
        }
        return lastLeader
    }

    func isLed(by machine: Machine) -> Bool { machine.node.leads(at: now) }

    func machine(_ number: Int) -> Machine { machines.first { $0.number == number }! }

    var leaderRecords: [LeaderRecord] {
        self[.leader].entries.compactMap { if case .leader(let r)? = $0.record { r } else { nil } }
    }

    var results: [WorkResult] {
        self[.results].entries.compactMap { if case .result(let r)? = $0.record { r } else { nil } }
    }

    func outcome(_ offset: Offset) -> Status? { outcomes[offset] }

    /// Every request in the log has an outcome.
    var isAllDone: Bool { outcomes.count >= Int(self[.requests].high) }

    // MARK: Time

    func run(_ milliseconds: Int64) { _ = run(within: milliseconds) { false } }

    /// Runs until the condition holds, looked at after every step; false when it did not in time.
    @discardableResult
    func run(within milliseconds: Int64, until condition: () -> Bool) -> Bool {
        let end = now.adding(us: milliseconds * 1000)
        while !condition() {
            guard let at = agenda.nextAt, at <= end else {
                now = end
                return condition()
            }
            now = max(now, at)
            perform(agenda.takeFirst())
        }
        return true
    }

    private func perform(_ action: Action) {
        switch action {
        case .event(let machine, let event, let bytes): step(machine, action, event, bytes)
        case .poll(let machine, let topic): poll(machine, topic)
        case .wakeReaders(let topic): for machine in machines { poll(machine, topic) }
        case .tick(let machine): tick(machine)
        case .append(let machine, let record, let bytes, let receipt):
            append(machine, record, bytes, receipt)
        case .ask(let machine, let topic, let askedAt): answer(machine, topic, askedAt)
        case .jobEnds(let machine, let place, let serial, let end):
            guard machine.jobs[place]?.serial == serial else { return }
            if machine.isStopped { return machine.backlog.append(action) }
            endJob(machine, place)
            step(machine, action, .jobEnded(place, end), [])
        }
    }

    private func step(_ machine: Machine, _ action: Action, _ event: Event, _ bytes: [UInt8]) {
        guard !machine.hasLeft else { return }
        if machine.isStopped { return machine.backlog.append(action) }
        carryOut(machine, machine.step(event, bytes, now))
        check(machine)
    }

    private func tick(_ machine: Machine) {
        guard now >= machine.tickAt, !machine.hasLeft else { return }
        machine.tickAt = .never
        guard machine.node.deadline <= now else { return schedule(machine) }
        step(machine, .tick(machine), .tick, [])
    }

    private func schedule(_ machine: Machine) {
        let at = max(now, machine.node.deadline)
        guard at < machine.tickAt else { return }
        machine.tickAt = at
        agenda.add(.tick(machine), at: at)
    }
}

// MARK: - The broker

extension MemoryUnion {
    private func append(
        _ machine: Machine?, _ record: Record, _ bytes: [UInt8], _ receipt: Receipt
    ) {
        let log = self[record.topic]
        let there = now.adding(us: latencyUs)
        log.entries.append(Stored(record: record, bytes: bytes, at: there))
        if case .result(let r) = record, r.final, outcomes[r.requestOffset] == nil {
            outcomes[r.requestOffset] = r.status
        }
        if let machine, receipt != .none {
            agenda.add(.event(machine, .delivered(receipt, log.high - 1), []), at: there)
        }
        agenda.add(.wakeReaders(record.topic), at: there)
    }

    private func answer(_ machine: Machine, _ topic: Topic, _ askedAt: Instant) {
        guard !isBrokerDown, !machine.deafTo.contains(topic) else {
            let later = now.adding(us: 100_000)
            return agenda.add(.ask(machine, topic, askedAt: later), at: later)
        }
        let log = self[topic]
        let event = Event.bounds(topic, low: log.low, high: log.high, askedAt: askedAt)
        agenda.add(.event(machine, event, []), at: now.adding(us: latencyUs))
    }

    /// Gives the machine the next record of the topic, or says that there is none.
    private func poll(_ machine: Machine, _ topic: Topic) {
        let index = Int(topic.rawValue)
        guard !isBrokerDown, !machine.deafTo.contains(topic), !machine.hasLeft,
            let cursor = machine.cursors[index]
        else { return }
        if machine.isStopped { return machine.backlog.append(.poll(machine, topic)) }
        let log = self[topic]
        guard cursor.next >= log.low, cursor.next <= log.high else {
            machine.cursors[index] = nil
            return step(machine, .poll(machine, topic), .vanished(topic), [])
        }
        guard cursor.next < log.high else {
            guard !cursor.toldEnd else { return }
            machine.cursors[index]!.toldEnd = true
            return step(machine, .poll(machine, topic), .reachedEnd(topic, cursor.next), [])
        }
        let stored = log[cursor.next]
        guard stored.at <= now else { return agenda.add(.poll(machine, topic), at: stored.at) }
        if topic == .requests && !machine.node.wantsRequests { return }
        // Kafka says it again after every batch; for topics that all follow once is enough here.
        let isShared = topic == .leader || topic == .election || topic == .heartbeat
        machine.cursors[index] = .init(next: cursor.next + 1, toldEnd: isShared && cursor.toldEnd)
        if cursor.next + 1 < log.high || !machine.cursors[index]!.toldEnd {
            agenda.add(.poll(machine, topic), at: now)
        }
        let event: Event =
            stored.record.map { .read($0, cursor.next) }
            ?? .malformed(topic, RequestID(), cursor.next)
        step(machine, .poll(machine, topic), event, stored.bytes)
    }

    private func pollAll(_ machine: Machine) {
        for topic in [Topic.leader, .election, .heartbeat, .results, .requests] {
            agenda.add(.poll(machine, topic), at: now)
        }
    }
}

// MARK: - The shell around a node

extension MemoryUnion {
    private func carryOut(_ machine: Machine, _ effects: [Done]) {
        for done in effects where !machine.hasLeft {
            guard machine.node.stillHolds(done.effect, at: now) else {
                violations.append("an effect held no more when its step had just ended")
                continue
            }
            switch done.effect {
            case .write(let record, let receipt): write(machine, record, done.bytes, receipt)
            case .show(let role, let online, _): machine.shown = (role, online)
            case .start(let place, let assignment, _, _): startJob(machine, place, assignment)
            case .kill(let place, _): killJob(machine, place)
            case .ask(let topic):
                agenda.add(.ask(machine, topic, askedAt: now), at: now.adding(us: latencyUs))
            case .seek(let topic, let offset):
                machine.cursors[Int(topic.rawValue)] = .init(next: offset)
                agenda.add(.poll(machine, topic), at: now.adding(us: latencyUs))
            case .close(let topic): machine.cursors[Int(topic.rawValue)] = nil
            case .exit: crash(machine)
            case .say, .ready: break
            }
        }
        guard !machine.hasLeft else { return }
        schedule(machine)
        if machine.cursors[Int(Topic.requests.rawValue)] != nil, machine.node.wantsRequests {
            agenda.add(.poll(machine, .requests), at: now)
        }
    }

    private func write(
        _ machine: Machine, _ record: Record, _ bytes: [UInt8], _ receipt: Receipt
    ) {
        let there = now.adding(us: latencyUs)
        let givenUp = now + machine.settings.leaseMs
        let fate = isBrokerDown || machine.isMute ? .lost : fate(machine, record)
        switch fate {
        case .sent: agenda.add(.append(machine, record, bytes, receipt), at: there)
        case .lost: agenda.add(.event(machine, .undelivered(receipt), []), at: givenUp)
        case .late(let delay):
            agenda.add(.event(machine, .undelivered(receipt), []), at: givenUp)
            let action = Action.append(nil, record, bytes, .none)
            agenda.add(action, at: there.adding(us: delay * 1000))
        }
    }

    private func startJob(_ machine: Machine, _ place: Place, _ a: Assignment) {
        let offset = a.attempt.requestOffset
        if let other = running[offset] {
            violations.append("request \(offset) runs in lives \(other) and \(machine.life)")
        }
        starts.append((offset, a.attempt.attempt, machine.number))
        running[offset] = machine.life
        jobSerial += 1
        machine.jobs[place] = (offset, jobSerial, false)
        switch jobs[string(a.request.opCode)] ?? .ends(afterMs: 1, .completed) {
        case .ends(let after, let status):
            let end = jobEnd(status, durationMs: after)
            let action = Action.jobEnds(machine, place, serial: jobSerial, end)
            agenda.add(action, at: now.adding(us: after * 1000))
        case .hangs: break
        case .isDeaf: machine.jobs[place]!.isDeaf = true
        case .crashes: crash(machine)
        }
    }

    private func killJob(_ machine: Machine, _ place: Place) {
        guard let job = machine.jobs[place], !job.isDeaf else { return }
        let action = Action.jobEnds(machine, place, serial: job.serial, jobEnd(.failed))
        agenda.add(action, at: now.adding(us: 10_000))
    }

    private func endJob(_ machine: Machine, _ place: Place) {
        guard let job = machine.jobs.removeValue(forKey: place) else { return }
        if running[job.offset] == machine.life { running[job.offset] = nil }
    }

    /// What must hold after every step.
    private func check(_ machine: Machine) {
        let leads = !machine.hasLeft && machine.node.leads(at: now)
        machine.led = leads
        if leads {
            lastLeader = machine
            for other in machines
            where other.led && other !== machine && other.node.leads(at: now) {
                violations.append("\(machine.number) and \(other.number) lead at \(now.us)")
            }
        }
        if !machine.hasLeft, let shown = machine.shown, (shown.role == .leader) != leads {
            violations.append("\(machine.number) shows \(shown.role), and leads: \(leads)")
        }
        machine.ticksAtOnce = machine.node.deadline <= now ? machine.ticksAtOnce + 1 : 0
        if machine.ticksAtOnce == 1000 {
            violations.append("the deadline of \(machine.number) stays in the past")
        }
    }
}

/// Actions in the order of their time, and of their coming where the time is the same.
struct Agenda<Action> {
    private struct Entry {
        let at: Int64
        let serial: Int
        let action: Action
    }

    private var heap: [Entry] = []
    private var serial = 0

    var nextAt: Instant? { heap.isEmpty ? nil : Instant(us: heap[0].at) }

    mutating func add(_ action: Action, at time: Instant) {
        serial += 1
        heap.append(Entry(at: time.us, serial: serial, action: action))
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func takeFirst() -> Action {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast().action
        var parent = 0
        while 2 * parent + 1 < heap.count {
            var child = 2 * parent + 1
            if child + 1 < heap.count, isBefore(child + 1, child) { child += 1 }
            guard isBefore(child, parent) else { break }
            heap.swapAt(parent, child)
            parent = child
        }
        return first
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        heap[a].at != heap[b].at ? heap[a].at < heap[b].at : heap[a].serial < heap[b].serial
    }
}
