import CLinux
import Shell
import Union
import Wire

/// The node's only loop (design, section 1): waits, feeds the core what happened, and carries out
/// what it wants.
///
/// In each turn timers come before input, and the leader log comes before the other topics, for
/// it says what they mean. The clock is read anew for every step and before every effect: a
/// process that was stopped must notice before it says anything.
struct EventLoop: ~Copyable {
    /// Records taken from one topic, and events from the log, in one turn.
    private static let recordsPerTurn = 64
    private static let eventsPerTurn = 256
    /// Turns in a row that neither waited nor took anything: a deadline that never passes.
    private static let idleTurns = 10_000
    /// For what is still in the producer when the node leaves.
    private static let flushMs: Int32 = 500

    private var node: Node
    private var log: KafkaLog
    private var keeper: KeeperLink
    private var jobs: Jobs
    private var notify: Notify
    private let signals: Signals
    private var alarm: Alarm
    private let teller: CounterTeller
    private var decoder = RecordDecoder()
    private var encoded = RecordBuffer()
    private var payload = Payload.Buffer()
    private var polled = PollSet()

    /// There may be more to take than was taken.
    private var hasMore = true
    /// Requests were left unread in this turn, because the node did not want them.
    private var heldRequestsBack = false
    /// What was taken in this turn, and the records among it.
    private var taken = 0
    private var recordsRead = 0
    private var idle = 0
    /// What systemd is told, and was told last.
    private var status = NodeStatus()
    private var toldStatus: NodeStatus?
    /// When it was first told to leave.
    private var leavingSince: Instant?
    private static let oneSignalMs: Int32 = 250
    private var exitCode: Int32?
    /// What the core was told last.
    private var hasKeeper = true
    /// A RESIGN that waits until the keeper has put the LED out.
    private var resignation: LeaderRecord?

    init(
        _ node: consuming Node, _ log: consuming KafkaLog,
        _ keeper: consuming KeeperLink, _ jobs: consuming Jobs, _ notify: Notify,
        _ signals: consuming Signals, _ alarm: consuming Alarm, _ teller: consuming CounterTeller
    ) {
        self.node = node
        self.log = log
        self.keeper = keeper
        self.jobs = jobs
        self.notify = notify
        self.signals = signals
        self.alarm = alarm
        self.teller = teller
    }

    /// Runs until the node leaves; returns the process's exit code.
    mutating func run(_ config: borrowing Config) throws(Errno) -> Int32 {
        node.start(at: Clock.now)
        carryOut(config)
        while true {
            try turn(config)
            if let exitCode {
                log.flush(ms: Self.flushMs)
                return exitCode
            }
            try wait()
        }
    }

    private mutating func turn(_ config: borrowing Config) throws(Errno) {
        (taken, recordsRead) = (0, 0)
        (hasMore, heldRequestsBack) = (false, false)
        try onKeeper(config)
        onTimers(config)
        try onSignals(config)
        onJobs(config)
        onLogEvents(config)
        for topic in Topic.all { onRecords(topic, config) }
        // Records leave events behind (`KafkaLog.read`), and orders end jobs that need no process.
        onLogEvents(config)
        onEndedJobs(config)
        // librdkafka does not ring for what lay there before.
        if heldRequestsBack && node.wantsRequests { hasMore = true }
        log.tick(at: Clock.now)
        Log.tick()
        tellStatus()
        notify.goOn(keeper)
        if recordsRead > 0 || !log.isOnline { notify.alive(at: Clock.now, keeper) }
    }

    private mutating func tellStatus() {
        (status.term, status.otherPace) = (node.term, node.otherPace)
        (status.standsBack, status.isLeftOut) = (node.standsBack, node.isLeftOut)
        if status != toldStatus && notify.status(status, keeper) { toldStatus = status }
    }
}

// MARK: - Waiting

extension EventLoop {
    private mutating func wait() throws(Errno) {
        let due = deadline
        let isDue = due <= Clock.now
        idle = taken == 0 && (isDue || hasMore) ? idle + 1 : 0
        precondition(idle < Self.idleTurns, "EventLoop: a deadline never passes")
        polled.removeAll()
        polled.add(log.fd, POLLIN)
        polled.add(signals.fd, POLLIN)
        polled.add(alarm.fd, POLLIN)
        polled.add(teller.fd, POLLIN)
        polled.add(keeper.fd, POLLIN)
        jobs.addDescriptors(to: &polled)
        if hasMore || isDue {
            try polled.wait(ms: 0)
        } else {
            try alarm.arm(for: due)
            try polled.wait(ms: -1)
        }
        if polled.isReady(0) { try log.acknowledge() }
        if polled.isReady(2) { try alarm.acknowledge() }
        if polled.isReady(3) { teller.tell(node.counters) }
    }

    private var deadline: Instant {
        let own = min(node.deadline, min(log.deadline, jobs.deadline))
        // Online, records come by themselves and feed the watchdog.
        let keepers = keeper.deadline(after: Clock.now)
        return min(min(own, keepers), log.isOnline ? .never : notify.deadline)
    }
}

// MARK: - What happens

extension EventLoop {
    /// Feeds the core, and carries out what it wants.
    private mutating func step(_ event: Event, _ bytes: Span<UInt8>, _ config: borrowing Config) {
        taken += 1
        node.step(event, bytes, at: Clock.now)
        carryOut(config)
    }

    private mutating func step(_ event: Event, _ config: borrowing Config) {
        step(event, Argument("").bytes, config)
    }

    private mutating func onTimers(_ config: borrowing Config) {
        let now = Clock.now
        if node.deadline <= now {
            node.step(.tick, Argument("").bytes, at: now)
            carryOut(config)
        }
        log.tick(at: now)
        keeper.tick(at: now)
        jobs.tick(at: now)
    }

    /// Hears what the keeper of the LEDs answers, and tells the core when it does not any more.
    private mutating func onKeeper(_ config: borrowing Config) throws(Errno) {
        let now = Clock.now
        try keeper.hear(at: now)
        let answers = keeper.isAnswering(at: now)
        if answers != hasKeeper {
            hasKeeper = answers
            Log.write(answers ? .info : .warning) { (line: inout Log.Line) in
                line.put("the keeper of the LEDs ")
                line.put(answers ? "answers again" : "does not answer: this node cannot lead")
            }
            step(answers ? .keeperFound : .keeperLost, config)
        }
        resignWhenDark(now)
    }

    /// SIGUSR1 asks for the counters. The first other signal asks the node to hand over; the
    /// second one does not ask.
    private mutating func onSignals(_ config: borrowing Config) throws(Errno) {
        while let signal = try signals.next() {
            if signal == SIGUSR1 {
                Log.say(node.counters)
                continue
            }
            if let leavingSince {
                // Who signals the whole process group reaches us twice: directly, and by our keeper.
                guard Clock.now >= leavingSince + Self.oneSignalMs else { continue }
                exitCode = EX_TEMPFAIL
                return
            }
            leavingSince = Clock.now
            notify.stopping(keeper)
            step(.shutdown, config)
        }
    }

    private mutating func onJobs(_ config: borrowing Config) {
        jobs.serve(at: Clock.now)
        onEndedJobs(config)
    }

    private mutating func onEndedJobs(_ config: borrowing Config) {
        // A job that ends at once can be followed by another on its place: one round a turn.
        for _ in 0..<Limits.bench {
            guard let place = jobs.nextEnded() else { return }
            taken += 1
            if jobs.end(of: place).start == .failed { sayWhy(place) }
            Self.feed(&node, endOf: place, jobs)
            jobs.release(place)
            carryOut(config)
        }
        hasMore = true
    }

    /// What would be a job's output says why there is none.
    private func sayWhy(_ place: Int) {
        Log.write(.warning) { (line: inout Log.Line) in line.put(foreign: jobs.output(of: place)) }
    }

    /// A function of its own: in one of `self` the compiler takes the bytes for a part of all of
    /// it. The same holds for the two others of this kind below.
    private static func feed(
        _ node: inout Node, endOf place: Int, _ jobs: borrowing Jobs
    ) {
        node.step(
            .jobEnded(Place(place), jobs.end(of: place)), jobs.output(of: place), at: Clock.now)
    }

    private mutating func onLogEvents(_ config: borrowing Config) {
        for _ in 0..<Self.eventsPerTurn {
            guard exitCode == nil, let event = log.nextEvent(at: Clock.now) else { return }
            onLogEvent(event, config)
        }
        hasMore = true
    }

    private mutating func onLogEvent(_ event: KafkaLog.Event, _ config: borrowing Config) {
        switch event {
        case .delivered(let tag, let offset): step(.delivered(Receipt(tag: tag), offset), config)
        case .undelivered(let tag): step(.undelivered(Receipt(tag: tag)), config)
        case .refused(let tag): step(.refused(Receipt(tag: tag)), config)
        case .bounds(let topic, let low, let high, let askedAt):
            step(.bounds(topic, low: low, high: high, askedAt: askedAt), config)
        case .reachedEnd(let topic, let offset): step(.reachedEnd(topic, offset), config)
        case .vanished(let topic): step(.vanished(topic), config)
        case .brokerLost: step(.brokerLost, config)
        case .brokerFound: step(.brokerFound, config)
        case .topicsReady: break
        case .line(let level):
            Log.write(Log.Level(syslog: level)) { (line: inout Log.Line) in line.put(log.text) }
        case .unfit:
            Log.write(.error) { (line: inout Log.Line) in line.put(log.text) }
            exitCode = EX_CONFIG
        }
    }

    private mutating func onRecords(_ topic: Topic, _ config: borrowing Config) {
        for _ in 0..<Self.recordsPerTurn {
            guard exitCode == nil else { return }
            guard topic != .requests || node.wantsRequests else {
                heldRequestsBack = true
                return
            }
            guard let message = log.read(topic) else { return }
            onRecord(message, topic, config)
        }
        hasMore = true
    }

    private mutating func onRecord(
        _ message: borrowing Message, _ topic: Topic, _ config: borrowing Config
    ) {
        let verdict = message.verdict(log.seal, of: topic, &decoder)
        var event: Event
        do throws(Malformed) {
            let record = try decoder.decode(message.bytes, from: topic, payload: &payload)
            event = .read(record, message.offset)
        } catch {
            payload.removeAll()
            payload.put(error.describe())
            event = .malformed(topic, decoder.refusedID, message.offset)
        }
        if verdict != .valid {
            event = event.asVoid(isSigned: verdict == .signedOtherwise, payload.span)
            payload.removeAll()
        }
        taken += 1
        recordsRead += 1
        node.step(event, payload.span, at: Clock.now)
        carryOut(config)
    }
}

// MARK: - What the core wants

extension EventLoop {
    /// Carries out the outbox, in order, and empties it. An effect whose time is over since the
    /// step is left out; nothing here steps the core again.
    private mutating func carryOut(_ config: borrowing Config) {
        jobs.setLease(node.jobsUntil)
        keeper.setLease(node.leadsUntil)
        for i in 0..<node.desk.outbox.count {
            let effect = node.desk.outbox[i]
            let now = Clock.now
            if node.stillHolds(effect, at: now) {
                carryOut(effect, at: i, now, config)
            } else if case .start(let place, _, _, _) = effect {
                jobs.refuse(Int(place), .lost, "the worker's lease ended before it began", at: now)
            }
        }
        node.clearOutbox()
    }

    private mutating func carryOut(
        _ effect: Effect, at index: Int, _ now: Instant, _ config: borrowing Config
    ) {
        switch effect {
        case .write(.leader(let record), _) where record.order.isResign && !keeper.hasShownAll:
            resignation = record
        case .write(let record, let receipt): write(record, receipt, at: index, now)
        case .show(let role, let online, let working):
            keeper.tell(.node(role, online: online, working: working), at: now)
            (status.role, status.online) = (role, online)
        case .start(let place, let assignment, let term, let deadlineMs):
            Self.start(
                &jobs, place, assignment, term, deadlineMs, node.desk.outbox, index, config, at: now
            )
        case .kill(let place, let isUrgent): jobs.kill(Int(place), now: isUrgent, at: now)
        case .ask(let topic): log.ask(topic)
        case .seek(let topic, let offset):
            log.seek(topic, to: offset)
            // What was fetched before still lies there, and keeps the new from ringing.
            hasMore = true
        case .close(let topic): log.close(topic)
        case .say(let notice): Log.say(notice, node.desk.outbox.payload(index))
        case .ready: notify.ready(keeper)
        case .exit: exitCode = EX_OK
        }
    }

    private mutating func write(
        _ record: Record, _ receipt: Receipt, at index: Int, _ now: Instant
    ) {
        send(
            Self.encode(record, node.desk.outbox, index, into: &encoded), to: record.topic, receipt,
            now)
    }

    /// Others may lead as soon as they read it: it waits until the LED is surely dark. If the
    /// keeper does not answer it is never written, and they wait for the lease's end.
    private mutating func resignWhenDark(_ now: Instant) {
        guard let record = resignation, keeper.hasShownAll else { return }
        resignation = nil
        guard node.stillHolds(.write(.leader(record), .none), at: now) else { return }
        send(
            Wire.encode(.leader(record), Argument("").bytes, into: &encoded), to: .leader, .none,
            now)
    }

    /// Writes what was just encoded, if it fitted.
    private mutating func send(
        _ fits: Bool, to topic: Topic, _ receipt: Receipt, _ now: Instant
    ) {
        precondition(fits, "EventLoop: a record that nobody could read")
        switch log.write(encoded.span, to: topic, tag: receipt.tag) {
        case .taken: break
        case .notNow: log.giveUp(tag: receipt.tag, forGood: false, at: now)
        case .never: log.giveUp(tag: receipt.tag, forGood: true, at: now)
        }
    }
}

extension EventLoop {
    private static func start(
        _ jobs: inout Jobs, _ place: Place, _ assignment: Assignment, _ term: Term,
        _ deadlineMs: Int32, _ outbox: borrowing Outbox, _ index: Int, _ config: borrowing Config,
        at now: Instant
    ) {
        jobs.start(
            Int(place), assignment, term: term, deadlineMs: deadlineMs, outbox.payload(index),
            config, at: now)
    }

    private static func encode(
        _ record: Record, _ outbox: borrowing Outbox, _ index: Int,
        into buffer: inout RecordBuffer
    ) -> Bool {
        Wire.encode(record, outbox.payload(index), into: &buffer)
    }
}

extension Order {
    fileprivate var isResign: Bool {
        if case .resign = self { return true }
        return false
    }
}

extension Receipt {
    /// The receipt as a record's tag; 0 asks for no report.
    fileprivate var tag: UInt {
        switch self {
        case .none: 0
        case .heartbeat(let count): UInt(truncatingIfNeeded: count) << 2 | 1
        case .result(let place, let serial): UInt(serial) << 10 | UInt(place) << 2 | 2
        case .refusal: 3
        }
    }

    fileprivate init(tag: UInt) {
        switch tag & 3 {
        case 1: self = .heartbeat(Int64(tag >> 2))
        case 2: self = .result(Place(tag >> 2 & 255), serial: UInt32(truncatingIfNeeded: tag >> 10))
        case 3: self = .refusal
        default: self = .none
        }
    }
}

extension Log.Level {
    /// For a line of librdkafka's. A broker out of reach is no error of ours.
    fileprivate init(syslog level: Int32) {
        switch level {
        case ...LOG_CRIT: self = .error
        case ...LOG_WARNING: self = .warning
        case ...LOG_INFO: self = .info
        default: self = .debug
        }
    }
}
