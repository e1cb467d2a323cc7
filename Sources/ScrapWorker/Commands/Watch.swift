import CLinux
import Shell
import Union
import Wire

/// `watch`: the union as it is. It reads from the topics' ends and writes nothing.
struct Watch: ~Copyable {
    /// How far back in the leader log the last tenure and checkpoint are looked for.
    private static let leaderRecords: Offset = 2000

    private var client: KafkaClient
    private var union: UnionView
    private var terminal: Terminal
    private var output: Output
    private let isJSON: Bool
    private let isLive: Bool
    private var counters: CounterAsker
    private let workerID: WorkerID
    private let servers: FixedText<256>
    private let prefix: FixedText<64>

    static func perform(_ options: borrowing Options, _ config: borrowing Config) throws(Exit) {
        let client = try KafkaClient.open(config, withinS: options.withinS)
        var watch = Watch(options, config, client)
        try watch.run()
    }

    private init(
        _ options: borrowing Options, _ config: borrowing Config, _ client: consuming KafkaClient
    ) {
        self.client = client
        union = UnionView(silenceMs: config.settings.memberTimeoutMs)
        isJSON = options.json
        // A terminal of descriptor -1 draws nothing.
        terminal = Terminal(options.json ? -1 : STDOUT_FILENO)
        isLive = terminal.isLive
        output = Output(STDOUT_FILENO)
        var servers = FixedText<256>()
        if let text = config.kafka("bootstrap.servers") { servers.put(config.bytes(text)) }
        self.servers = servers
        prefix = config.topicPrefix
        workerID = config.settings.workerID
        counters = CounterAsker(workerID)
        for topic in Topic.all where topic != .requests { self.client.log.ask(topic) }
    }

    private mutating func run() throws(Exit) {
        var wasOnline = false
        while try client.wait(until: isLive ? terminal.due : Clock.now + 500), !output.isBroken {
            while let event = try client.nextEvent() { onEvent(event) }
            let now = Clock.now
            for topic in Topic.all where topic != .requests { readAll(topic, at: now) }
            while case .worker(let i) = union.nextSilent(at: now) { say(.worker(i)) }
            while case .pace(let i) = union.nextOtherPace() { say(.pace(i)) }
            if client.isOnline != wasOnline {
                wasOnline = client.isOnline
                sayBroker(wasOnline)
            }
            if isLive && terminal.due <= now { draw(at: now) }
            if isJSON && counters.hasNews(at: now) { putCountersJSON() }
            output.flush()
        }
    }

    private mutating func onEvent(_ event: KafkaLog.Event) {
        switch event {
        case .bounds(let topic, let low, let high, _):
            let from = topic == .leader ? max(low, high - Self.leaderRecords) : high
            if topic == .leader { union.startReadingLeader(midLog: from > 0) }
            client.log.seek(topic, to: from)
        case .vanished(let topic): client.log.ask(topic)
        default: break
        }
    }

    private mutating func readAll(_ topic: Topic, at now: Instant) {
        while let record = client.read(topic) {
            let change = union.apply(record, client.payload.span, at: client.offset, now)
            if case .settled = change, case .result(let result) = record {
                say(result)
            } else {
                say(change)
            }
        }
    }
}

// The live union.
extension Watch {
    private mutating func draw(at now: Instant) {
        terminal.begin(at: now)
        terminal.put(" ")
        terminal.colour(.bold)
        terminal.put("Scrap Worker")
        terminal.plain()
        terminal.put("  ")
        servers.withSpan { terminal.put($0.extracting(first: 40)) }
        terminal.put("  ")
        prefix.withSpan { terminal.put($0.extracting(first: 24)) }
        terminal.endLine()
        if client.isOnline {
            union.drawLeader(&terminal, at: now)
        } else {
            terminal.colour(.red)
            terminal.put(" the broker cannot be reached")
            terminal.plain()
            terminal.endLine()
        }
        let room = Int(terminal.room) - 5
        for i in 0..<min(union.count, room) {
            union.drawRow(i, union[i].isSilent ? nil : union[i].role, &terminal, at: now)
        }
        if union.count > room {
            terminal.put("   and ")
            terminal.put(union.count - room)
            terminal.put(" more")
            terminal.endLine()
        }
        terminal.end()
    }
}

// A line for each change.
extension Watch {
    private mutating func say(_ change: UnionView.Change) {
        guard !isLive else { return }
        switch change {
        case .none, .settled: break
        case .leader: isJSON ? putLeaderJSON() : putLeader()
        case .worker(let i): isJSON ? putWorkerJSON(union[i]) : putWorker(union[i])
        case .joined(let id): putMember(id, "joined")
        case .left(let id): putMember(id, "left")
        case .void(let id): putMember(id, "void")
        case .pace(let i): isJSON ? putPaceJSON(union[i]) : putPace(union[i])
        }
    }

    private mutating func sayBroker(_ isOnline: Bool) {
        guard !isLive else { return }
        if isJSON {
            output.put("{\"type\":\"broker\",\"reachable\":")
            output.put(isOnline ? "true}\n" : "false}\n")
        } else {
            output.put(isOnline ? "broker reached\n" : "broker out of reach\n")
        }
    }

    private mutating func putCountersJSON() {
        output.put("{\"type\":\"counters\",\"worker_id\":")
        putJSON(workerID)
        counters.putJSON(to: &output)
        output.put("}\n")
    }

    private mutating func putLeader() {
        output.put("leader ")
        if let leader = union.leader { output.put(short: leader) } else { output.put("nobody") }
        output.put(" term ")
        output.put(union.term)
        output.put("\n")
    }

    private mutating func putLeaderJSON() {
        output.put("{\"type\":\"leader\",\"worker_id\":")
        putJSON(union.leader)
        output.put(",\"term\":")
        output.put(union.term)
        output.put("}\n")
    }

    private mutating func putWorker(_ worker: UnionView.Worker) {
        output.put("worker ")
        output.put(short: worker.id)
        output.put(" ")
        output.put(worker.isSilent ? "silent" : worker.role.word)
        output.put(" rank ")
        output.put(worker.ranking)
        output.put(" term ")
        output.put(worker.term)
        output.put(" completed ")
        output.put(worker.completed)
        if !worker.job.isEmpty {
            output.put(" job ")
            output.put(foreign: worker.job)
        }
        if worker.isLeftOut { output.put(" left out by its leader") }
        if worker.cannotReport { output.put(" cannot write results") }
        if let op = worker.stuckOp {
            output.put(" stuck with a job of ")
            output.put(foreign: op)
        }
        output.put("\n")
    }

    private mutating func putWorkerJSON(_ worker: UnionView.Worker) {
        output.put("{\"type\":\"worker\",\"worker_id\":")
        putJSON(worker.id)
        output.put(",\"role\":\"")
        output.put(worker.role.word)
        output.put("\",\"silent\":")
        output.put(worker.isSilent ? "true" : "false")
        output.put(",\"ranking\":")
        output.put(worker.ranking)
        output.put(",\"term\":")
        output.put(worker.term)
        output.put(",\"running\":")
        output.put(worker.running)
        output.put(",\"completed\":")
        output.put(worker.completed)
        output.put(",\"job\":")
        if worker.job.isEmpty { output.put("null") } else { output.put(json: worker.job) }
        output.put(",\"left_out\":")
        output.put(worker.isLeftOut ? "true" : "false")
        output.put(",\"cannot_report\":")
        output.put(worker.cannotReport ? "true" : "false")
        output.put(",\"stuck_op_code\":")
        if let op = worker.stuckOp { output.put(json: op) } else { output.put("null") }
        output.put("}\n")
    }

    private mutating func putPace(_ worker: UnionView.Worker) {
        guard let leader = union.leader else { return }
        output.put("worker ")
        output.put(short: worker.id)
        output.put(" has ")
        output.put(pace: Settings.Pace(workerLeaseMs: worker.leaseMs ?? 0))
        output.put(", its leader ")
        output.put(short: leader)
        output.put(" ")
        output.put(pace: Settings.Pace(workerLeaseMs: union.leaderLeaseMs ?? 0))
        output.put("\n")
    }

    private mutating func putPaceJSON(_ worker: UnionView.Worker) {
        output.put("{\"type\":\"pace\",\"worker_id\":")
        putJSON(worker.id)
        output.put(",\"worker_lease_ms\":")
        output.put(worker.leaseMs ?? 0)
        output.put(",\"leader_id\":")
        putJSON(union.leader)
        output.put(",\"leader_worker_lease_ms\":")
        output.put(union.leaderLeaseMs ?? 0)
        output.put("}\n")
    }

    private mutating func putMember(_ id: WorkerID, _ what: StaticString) {
        if isJSON {
            output.put("{\"type\":\"")
            output.put(what)
            output.put("\",\"worker_id\":")
            putJSON(id)
            output.put("}\n")
        } else {
            output.put(what)
            output.put(" ")
            output.put(short: id)
            output.put("\n")
        }
    }

    private mutating func putJSON(_ id: WorkerID?) {
        guard let id else { return output.put("null") }
        output.put("\"")
        output.put(id.uuid)
        output.put("\"")
    }

    private mutating func say(_ result: WorkResult) {
        guard !isLive else { return }
        if isJSON {
            output.put("{\"type\":\"result\",\"request_id\":")
            output.put(json: result.requestID)
            output.put(",\"request_offset\":")
            output.put(result.requestOffset)
            output.put(",\"status\":\"")
            output.put(result.status.word)
            output.put("\",\"attempt\":")
            output.put(result.attempt)
            output.put(",\"worker_id\":")
            putJSON(result.workerID)
            output.put("}\n")
        } else {
            output.put("result ")
            output.put(foreign: result.requestID)
            output.put(" ")
            output.put(result.status.word)
            output.put(" by ")
            output.put(short: result.workerID)
            output.put(" attempt ")
            output.put(result.attempt)
            output.put("\n")
        }
    }
}
