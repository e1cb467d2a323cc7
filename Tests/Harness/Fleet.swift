import Foundation

/// A union under test: workers on one broker, and what an independent client reads of it.
public final class Fleet: Sendable {
    public let broker: Broker
    public let client: Client
    public let prefix: String
    public let folder: String
    public let jobs: Jobs
    public let leds: LedObserver
    private let ops: [Op]

    private struct State {
        /// Every life of every worker, in the order of their starts.
        var lives: [Worker] = []
        var tails: [String: Tail] = [:]
        /// Requests with an outcome that the broker may have lost since.
        var settledBefore: Set<String> = []
        /// What a stranger wrote into a union with a key: it is void.
        var strangers: Set<String> = []
    }
    private let state = Shared(State())
    private static let serial = Shared(0)

    /// A union without workers yet, with topics of its own.
    public init(on broker: Broker, ops: [Op] = []) throws {
        self.broker = broker
        client = Client(broker)
        let number = Self.serial.change { serial -> Int in
            serial += 1
            return serial
        }
        prefix = broker.kind.isMock ? Broker.Kind.usualPrefix : "test-\(number)-"
        folder = try newFolder("fleet-\(number)")
        jobs = try Jobs(folder)
        leds = try LedObserver()
        self.ops = ops
        for op in ops { try op.write(to: folder) }
    }

    /// Runs `body` on a union, then checks all that must always hold (`Audit`). An error tells
    /// what the union did last. `losing`: the broker loses records that it has taken.
    public static func run(
        on broker: Broker, losing: Bool = false, ops: [Op] = [], _ body: (Fleet) throws -> Void
    ) throws {
        let fleet = try Fleet(on: broker, ops: ops)
        defer { fleet.destroy() }
        do {
            try body(fleet)
            try fleet.close(losing: losing)
        } catch {
            throw Unmet("\(error)\n\(fleet.story)")
        }
    }

    // Workers.

    /// Starts the worker with this number, again when it has ended.
    @discardableResult
    public func launch(
        _ number: Int, _ adjust: (inout WorkerPlan) -> Void = { _ in }
    ) throws -> Worker {
        var plan = WorkerPlan(number)
        if broker.kind != .noida { plan.options.append("kafka.fetch.wait.max.ms=5") }
        adjust(&plan)
        let configuration = plan.file(
            broker: broker.address, prefix: prefix, ops: ops.map { $0.section(folder) }.joined())
        let life = lives.filter { $0.id == plan.id }.count + 1
        let worker = try Worker(
            plan, configuration: configuration, folder: folder, life: life, leds: leds)
        state.change { $0.lives.append(worker) }
        return worker
    }

    /// Starts workers 1 to `count` and waits until each is caught up.
    public func launchAll(_ count: Int) throws {
        let workers = try (1...count).map { try launch($0) }
        for worker in workers { try worker.awaitReady() }
    }

    public var lives: [Worker] { state.read { $0.lives } }
    public var living: [Worker] { lives.filter { !$0.child.hasEnded } }

    public func worker(_ id: String) throws -> Worker {
        guard let worker = living.last(where: { $0.id == id }) else {
            throw Unmet("no worker \(id) lives")
        }
        return worker
    }

    /// A file with a new key for a union, made by `scrap-worker key`.
    public func keyFile(_ name: String) throws -> String {
        let command = try Child("key", Programs.scrapWorker, ["key"])
        guard try command.waitForEnd() == .exit(0) else { throw Unmet("no key\n\(command.story)") }
        let path = "\(folder)/\(name)"
        try Data((command.output.text + "\n").utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        return path
    }

    // Topics.

    public func topic(_ word: String) -> String { prefix + word }

    public func tail(_ word: String) throws -> Tail {
        try state.change { state in
            if let tail = state.tails[word] { return tail }
            let tail = try client.tail(topic(word))
            state.tails[word] = tail
            return tail
        }
    }

    /// The results that were read by now.
    public var results: [Record] { state.read { $0.tails["results"]?.all ?? [] } }

    /// Reads topics anew: the broker lost some of what was read. Outcomes that were there hold.
    public func forgetTails() {
        state.change { state in
            for outcome in Audit.outcomes(state.tails["results"]?.all ?? []).values {
                if let id = outcome["request_id"].string { state.settledBefore.insert(id) }
            }
            state.tails = [:]
        }
    }

    public func submit(_ requests: [String]) throws {
        try client.write(requests, to: topic("requests"))
    }

    /// Writes a record without a signature into a union with a key. Its text stands nowhere else.
    public func writeAsStranger(_ text: String, to word: String) throws {
        state.change { _ = $0.strangers.insert(text) }
        try client.write([text], to: topic(word))
    }

    /// All that the topic holds now, but for what strangers wrote.
    public func recordsOfOurs(_ word: String) throws -> [Record] {
        let strangers = state.read { $0.strangers }
        return try client.dump(topic(word)).filter { !strangers.contains($0.text) }
    }

    /// The worker that leads, once somebody else than `former` does.
    @discardableResult
    public func awaitLeader(otherThan former: Worker? = nil) throws -> Worker {
        let id = try tail("leader").wait(for: "a leader other than \(former?.id ?? "none")") {
            let referee = Referee($0)
            return referee.leader == former?.id ? nil : referee.leader
        }
        return try worker(id)
    }

    /// The outcomes by request offset, once there are `count`.
    public func awaitOutcomes(_ count: Int) throws -> [Int: Record] {
        try tail("results").wait(for: "\(count) outcomes") {
            let outcomes = Audit.outcomes($0)
            return outcomes.count >= count ? outcomes : nil
        }
    }

    /// The same; each of them must be `completed`.
    @discardableResult
    public func awaitCompletion(_ count: Int) throws -> [Int: Record] {
        let outcomes = try awaitOutcomes(count)
        for outcome in outcomes.values where outcome.status != "completed" {
            throw Unmet("not completed: \(outcome)")
        }
        return outcomes
    }

    /// The outcome of the request with this id.
    @discardableResult
    public func awaitOutcome(of id: String) throws -> Record {
        try tail("results").wait(for: "the outcome of \(id)") {
            $0.first { $0.isFinal && $0["request_id"].string == id }
        }
    }

    /// Waits until each request that the broker holds has an outcome.
    public func awaitAllOutcomes() throws {
        let before = state.read { $0.settledBefore }
        for request in try client.dump(topic("requests")) {
            guard let id = request["request_id"].string, !before.contains(id) else { continue }
            try awaitOutcome(of: id)
        }
    }

    /// The valid assignment of the request with this id, by the independent referee.
    @discardableResult
    public func awaitAssignment(of id: String, attempt: Int = 1) throws -> Record {
        try tail("leader").wait(for: "the assignment of \(id)") {
            Referee($0).valid.first {
                $0.op == "ASSIGN_WORK_REQUEST" && $0.attempt == attempt
                    && $0["work_request"]["request_id"].string == id
            }
        }
    }

    // The end.

    /// Ends the union in good order, reads every topic from its beginning, and checks what must
    /// always hold; when the broker lost records, only that each request has an outcome.
    public func close(losing: Bool = false) throws {
        for worker in living { worker.terminate() }
        for worker in living {
            let end = try worker.child.waitForEnd()
            guard end == .exit(0) else { throw Unmet("\(worker.child.name) ended with \(end)") }
        }
        guard !lives.isEmpty else { return }
        let audit = Audit(
            leader: try recordsOfOurs("leader"), requests: try recordsOfOurs("requests"),
            results: try recordsOfOurs("results"),
            settledBefore: state.read { $0.settledBefore },
            leaderSpans: lives.flatMap { worker in worker.leaderSpans.map { (worker.id, $0) } },
            sights: leds.sights)
        let problems = jobs.overlaps + (losing ? audit.lost : audit.problems)
        guard problems.isEmpty else {
            throw Unmet("broken promises:\n" + problems.joined(separator: "\n"))
        }
    }

    public func destroy() {
        jobs.close()
        for worker in living { worker.kill() }
        leds.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    public var story: String {
        let tails = state.read { $0.tails.sorted { $0.key < $1.key } }
        let parts = tails.map(\.value.story) + lives.map(\.child.story)
        return (parts + ["  jobs said \(jobs.lines.all.suffix(20))"]).joined(separator: "\n")
    }
}

/// A request as any Kafka client would write it.
public func request(
    _ op: String, id: String? = nil, code: String? = nil, parameters: [String: String]? = nil,
    timeoutMs: Int? = nil, maxAttempts: Int? = nil
) -> String {
    var fields: [String: Any] = ["op_code": op]
    fields["request_id"] = id
    fields["code"] = code
    fields["parameters"] = parameters
    fields["timeout_ms"] = timeoutMs
    fields["max_attempts"] = maxAttempts
    do {
        let data = try JSONSerialization.data(withJSONObject: fields, options: .sortedKeys)
        return String(decoding: data, as: UTF8.self)
    } catch {
        preconditionFailure("\(error)")
    }
}
