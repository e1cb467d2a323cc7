import CLinux
import Shell
import Union
import Wire

/// `demo`: a broker and a few nodes as processes of this machine, work flowing, and a live
/// picture. It knows which LEDs are really lit, because each node reports every change with its
/// moment on the boot clock; so it can tell whether two leaders' LEDs were ever lit at once.
struct Demo: ~Copyable {
    static let mostNodes = 16
    /// The original's rate: two requests a second.
    private static let requestEveryUs: Int64 = 500_000
    private static let turnMs: Int32 = 20
    private static let drainMs: Int32 = 30_000
    private static let goodbyeMs: Int32 = 3000

    /// A node as the demo sees it.
    private struct Member {
        var process = DemoProcess()
        var lit: Role?
        /// When we killed it; what it reports up to then still counts.
        var killedAt: Instant?
        /// When it is to be started.
        var startAt = Instant.never
    }

    private var broker: DemoProcess
    private var members = InlineArray<16, Member>(repeating: Member())
    private let nodes: Int
    private let servers: FixedText<256>
    private let pace: Settings.Pace
    private let folder: LogFolder

    private var client: KafkaClient
    private var union: UnionView
    private var terminal: Terminal
    private var lights = LeaderLights()
    private var requests = Requests(limit: Int(Options.mostRequests), name: Argument("").bytes)
    private var random: Random
    private var buffer = RecordBuffer()
    private var payload = Payload.Buffer()

    private let startedAt: Instant
    private let killEveryUs: Int64?
    private var killAt: Instant
    private var endAt: Instant
    private var requestAt = Instant.never
    private var kills = 0
    /// Nodes that ended although nobody killed them.
    private var crashes = 0
    private var isEnding = false

    static func perform(_ options: borrowing Options) throws(Exit) {
        // For real nodes: `worker.id`, for one, would make all of ours twins.
        Environment.removeAll(withPrefix: "SCRAP_")
        let folder: LogFolder
        do { folder = try LogFolder() } catch { throw fail("no folder for logs in /tmp: ", error) }
        var broker = DemoProcess()
        let servers = try startBroker(&broker, folder)
        var loader = ConfigLoader<KafkaKeys>()
        loader.setForDemo(servers: servers.span, pace: options.pace)
        let config = try loader.finish(identity: false)
        let client = try KafkaClient.open(config, withinS: 30)
        var demo = Demo(options, config, client, broker, servers, folder)
        let wasInterruptedTwice = try demo.run()
        try demo.finish(wasInterruptedTwice)
    }

    private init(
        _ options: borrowing Options, _ config: borrowing Config, _ client: consuming KafkaClient,
        _ broker: DemoProcess, _ servers: FixedText<256>, _ folder: consuming LogFolder
    ) {
        self.client = client
        self.broker = broker
        self.servers = servers
        pace = options.pace
        self.folder = folder
        nodes = Int(options.nodes)
        union = UnionView(silenceMs: config.settings.memberTimeoutMs)
        terminal = Terminal(STDOUT_FILENO)
        random = Random(seed: randomNumber())
        startedAt = Clock.now
        killEveryUs = options.killLeaderEveryS.map { Int64($0 * 1_000_000) }
        killAt = killEveryUs.map { Clock.now.adding(us: $0) } ?? .never
        endAt = options.forS.map { Clock.now.adding(us: Int64($0 * 1_000_000)) } ?? .never
        for i in 0..<nodes {
            members[i].startAt = startedAt
            _ = union.place(of: Self.id(i))
        }
        for topic in Topic.all where topic != .requests { self.client.log.ask(topic) }
    }

    deinit {
        var (members, broker) = (members, broker)
        for i in 0..<Self.mostNodes { members[i].process.destroy() }
        broker.destroy()
    }

    /// True when the user did not want to wait for the last results.
    private mutating func run() throws(Exit) -> Bool {
        var giveUpAt = Instant.never
        while true {
            let due = min(Clock.now + Self.turnMs, terminal.isLive ? terminal.due : .never)
            let goesOn = try client.wait(until: due)
            let now = Clock.now
            if !isEnding && (!goesOn || now >= endAt) {
                isEnding = true
                giveUpAt = now + Self.drainMs
                say("no more requests; waiting for the last results")
            } else if !goesOn {
                return true
            }
            try turn(at: now)
            if isEnding && (requests.open == 0 || now >= giveUpAt) { return false }
        }
    }

    private mutating func turn(at now: Instant) throws(Exit) {
        while let event = try client.nextEvent() { onEvent(event, at: now) }
        readLog(at: now)
        try tend(at: now)
        if !isEnding {
            submit(at: now)
            killLeader(at: now)
        }
        while case .worker = union.nextSilent(at: now) {}
        if terminal.isLive && terminal.due <= now { draw(at: now) }
    }
}

// The log.
extension Demo {
    private mutating func onEvent(_ event: KafkaLog.Event, at now: Instant) {
        switch event {
        case .bounds(let topic, let low, _, _):
            if topic == .leader { union.startReadingLeader(midLog: low > 0) }
            client.log.seek(topic, to: low)
            if topic == .results && requestAt == .never { requestAt = now }
        case .vanished(let topic): client.log.ask(topic)
        case .delivered(let tag, let offset): requests.noteDelivered(tag: tag, offset)
        case .undelivered(let tag), .refused(let tag): requests.noteUndelivered(tag: tag)
        default: break
        }
    }

    private mutating func readLog(at now: Instant) {
        for topic in Topic.all where topic != .requests {
            while let record = client.read(topic) {
                if case .result(let result) = record { _ = requests.settle(result, at: now) }
                let change = union.apply(record, client.payload.span, at: client.offset, now)
                if case .leader = change, let leader = union.leader {
                    let term = union.term
                    say { (line: inout FixedText<256>) in
                        line.put(short: leader)
                        line.put(" won the election for term ")
                        line.put(term)
                    }
                }
            }
        }
    }

    /// Two requests a second: nothing, an echo, some sleep, a blink, in turn.
    private mutating func submit(at now: Instant) {
        guard now >= requestAt && Int(requests.sent) < requests.limit else { return }
        requestAt = requestAt.adding(us: Self.requestEveryUs)
        let kind = requests.sent % 4
        var op = OpName()
        op.put(kind == 0 ? "noop" : kind == 1 ? "echo" : kind == 2 ? "sleep" : "blink")
        var parameters = Parameters()
        var ms = FixedText<8>()
        ms.put(200 + random.below(600))
        do throws(Malformed) {
            if kind > 1 { try parameters.add(name: Argument("ms").bytes, value: ms.span) }
            let code = kind == 1 ? Argument("hello").bytes : nil
            try RequestPayload.pack(
                code: code, parameters, requesterID: nil, signature: nil, into: &payload)
        } catch {
            preconditionFailure("a demo's request is well-formed")
        }
        let request = WorkRequest(
            requestID: requests.id(Int(requests.sent)), opCode: op, timeoutMs: nil,
            maxAttempts: 10)
        guard encode(.request(request), payload.span, into: &buffer),
            client.log.write(buffer.span, to: .requests, tag: requests.nextTag) == .taken
        else { return }
        requests.noteSent(at: now)
    }
}

// The nodes.
extension Demo {
    /// `11111111-0000-4000-8000-000000000000` and so on: their short names are easy to tell apart.
    private static func id(_ node: Int) -> WorkerID {
        let digits = UInt64(node < 15 ? (node + 1) * 0x1111_1111 : 0x1010_1010)
        return WorkerID(high: digits << 32 | 0x4000, low: 0x8000_0000_0000_0000)
    }

    /// Hears what the nodes report, notices their ends, starts those that are due.
    private mutating func tend(at now: Instant) throws(Exit) {
        for i in 0..<nodes {
            hear(i)
            if members[i].process.hasEnded() { onEnd(i, at: now) }
            if members[i].startAt <= now && !members[i].process.isRunning { try start(i) }
        }
        if broker.hasEnded() {
            Log.write(.error, "the demo's broker has ended")
            throw Exit(code: EX_SOFTWARE)
        }
    }

    private mutating func start(_ i: Int) throws(Exit) {
        members[i].startAt = .never
        members[i].killedAt = nil
        var words = Self.words("run")
        words.add("--option=kafka.bootstrap.servers=")
        words.put(servers)
        // Waiting readers are not woken by new records on the mock cluster.
        words.add("--option=kafka.fetch.wait.max.ms=5")
        words.add("--option=leds.driver=fd:3")
        words.add("--option=worker.pace=")
        words.put(pace.word)
        words.add("--option=worker.id=")
        words.put(Self.id(i).uuid)
        do throws(Errno) {
            try members[i].process.start(words, target: 3, log: folder.path(Self.id(i)))
        } catch {
            throw Self.fail("a node cannot be started: ", error)
        }
    }

    /// A node's reports: see `LedReport`.
    private mutating func hear(_ i: Int) {
        while let line = members[i].process.nextLine() {
            guard let report = line.withSpan({ LedReport($0) }) else { continue }
            let role = report.isOnline ? report.role : nil
            if role != .leader { lights.darken(Int32(i), at: report.at) }
            if role == .leader && members[i].lit != .leader {
                lights.light(Int32(i), at: report.at)
            }
            if role != members[i].lit {
                members[i].lit = role
                sayRole(i)
            }
        }
    }

    private mutating func onEnd(_ i: Int, at now: Instant) {
        hear(i)
        lights.darken(Int32(i), at: members[i].killedAt ?? now)
        members[i].lit = nil
        guard members[i].killedAt == nil else { return }
        crashes += 1
        members[i].startAt = now + 1000
        say { (line: inout FixedText<256>) in
            line.put(short: Self.id(i))
            line.put(" ended although nobody killed it")
        }
    }

    private mutating func killLeader(at now: Instant) {
        guard let every = killEveryUs, now >= killAt else { return }
        for i in 0..<nodes where members[i].lit == .leader && members[i].process.isRunning {
            let killedAt = Clock.now
            members[i].process.signal(SIGKILL)
            members[i].killedAt = killedAt
            members[i].startAt = killedAt + (2000 + random.below(1000))
            killAt = killedAt.adding(us: every)
            kills += 1
            return say { (line: inout FixedText<256>) in
                line.put("killed the leader, ")
                line.put(short: Self.id(i))
            }
        }
    }

    /// Asks all nodes to leave, and waits a little.
    private mutating func sendHome() {
        for i in 0..<nodes {
            members[i].startAt = .never
            members[i].process.signal(SIGTERM)
        }
        let end = Clock.now + Self.goodbyeMs
        var running = nodes
        while running > 0 && Clock.now < end {
            _ = poll(nil, 0, Self.turnMs)
            running = 0
            for i in 0..<nodes {
                hear(i)
                if members[i].process.hasEnded() {
                    hear(i)
                    lights.darken(Int32(i), at: members[i].killedAt ?? Clock.now)
                }
                if members[i].process.isRunning { running += 1 }
            }
        }
    }
}

// What people see.
extension Demo {
    private mutating func draw(at now: Instant) {
        terminal.begin(at: now)
        terminal.put(" ")
        terminal.colour(.bold)
        terminal.put("Scrap Worker demo")
        terminal.plain()
        terminal.put("  broker ")
        terminal.put(servers)
        terminal.put("  ")
        terminal.put(now.ms(since: startedAt) / 1000)
        terminal.put(isEnding ? " s, ending" : " s, Ctrl-C ends it")
        terminal.endLine()
        union.drawLeader(&terminal, at: now)
        for i in 0..<min(nodes, Int(terminal.room) - 6) {
            if let row = union.index(of: Self.id(i)) {
                union.drawRow(row, members[i].lit, &terminal, at: now)
            }
        }
        terminal.put(" submitted ")
        terminal.put(requests.sent)
        terminal.put("  without result ")
        terminal.put(requests.open)
        terminal.put("  leaders killed ")
        terminal.put(kills)
        terminal.endLine()
        terminal.end()
    }

    private mutating func sayRole(_ i: Int) {
        let lit = members[i].lit
        say { (line: inout FixedText<256>) in
            line.put(short: Self.id(i))
            line.put(" LED ")
            line.put(lit?.word ?? "blinks")
        }
    }

    private mutating func say(_ words: StaticString) {
        say { (line: inout FixedText<256>) in line.put(words) }
    }

    /// A line, where there is no live picture that shows it.
    private mutating func say(_ words: (inout FixedText<256>) -> Void) {
        guard !terminal.isLive else { return }
        var line = FixedText<256>()
        let ms = Clock.now.ms(since: startedAt)
        line.put(ms / 1000, width: 4)
        line.put(".")
        line.put(ms % 1000, width: 3, fill: UInt8(ascii: "0"))
        line.put("  ")
        words(&line)
        line.put("\n")
        writeAll(STDOUT_FILENO, line.span)
    }

    /// The summary. Throws when something is wrong with it.
    private mutating func finish(_ wasInterruptedTwice: Bool) throws(Exit) {
        let end = Clock.now
        if terminal.isLive { draw(at: end) }
        let gapUs = lights.longestGap(until: end)
        sendHome()
        let overlaps = lights.overlaps
        let lost = requests.open
        var line = FixedText<1024>()
        line.put("\nelections ")
        line.put(union.elections)
        line.put(", leaders killed ")
        line.put(kills)
        if let first = lights.first {
            line.put("\nfirst leader after ")
            line.put((first.us - startedAt.us) / 1000)
            line.put(" ms, longest time without one ")
            line.put(gapUs / 1000)
            line.put(" ms\n")
        } else {
            line.put("\nthere never was a leader\n")
        }
        line.put("requests submitted ")
        line.put(requests.sent)
        line.put(", completed ")
        line.put(requests.outcomes[.completed])
        line.put(", other results ")
        line.put(requests.outcomes.all - requests.outcomes[.completed])
        line.put(wasInterruptedTwice ? ", not waited for " : ", lost ")
        line.put(lost)
        line.put("\ntwo leaders lit at once: ")
        if overlaps == 0 { line.put("never") } else { line.put(overlaps) }
        if lights.missed > 0 { line.put(" (not all tenures could be looked at)") }
        if crashes > 0 {
            line.put("\nnodes that ended although nobody killed them: ")
            line.put(crashes)
        }
        let isFine = lost == 0 && overlaps == 0 && crashes == 0 && lights.first != nil
        if isFine {
            folder.remove(nil)
            for i in 0..<nodes { folder.remove(Self.id(i)) }
            folder.remove()
        } else {
            line.put("\nlogs are in ")
            line.put(folder.path)
        }
        line.put("\n")
        writeAll(STDOUT_FILENO, line.span)
        guard isFine else { throw Exit(code: wasInterruptedTwice ? 128 + SIGINT : 1) }
    }
}

// Beginning and end.
extension Demo {
    /// How a child's command line begins.
    private static func words(_ command: StaticString) -> Words {
        var words = Words()
        words.add("scrap-worker")
        words.add(command)
        words.add("--die-with-parent=")
        words.put(getpid())
        words.add("--config=/dev/null")
        return words
    }

    /// Starts the broker and waits for its address.
    private static func startBroker(
        _ broker: inout DemoProcess, _ folder: borrowing LogFolder
    ) throws(Exit) -> FixedText<256> {
        let words = words("broker")
        do throws(Errno) {
            try broker.start(words, target: STDOUT_FILENO, log: folder.path(nil))
        } catch {
            throw fail("the broker cannot be started: ", error)
        }
        for _ in 0..<500 {
            if let line = broker.nextLine() { return line }
            _ = poll(nil, 0, turnMs)
        }
        broker.destroy()
        throw fail("the broker does not say its address: ", Errno(code: ETIMEDOUT))
    }

    private static func fail(_ what: StaticString, _ errno: Errno) -> Exit {
        Log.write(.error) { (line: inout Log.Line) in
            line.put(what)
            line.put(errno: errno.code)
        }
        return Exit(code: EX_OSERR)
    }
}
