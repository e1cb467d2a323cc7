import Foundation
import Harness
import Union

/// What one step of the core costs in a full union: a leader of 256 members. The core is compiled
/// for the host here (`-O`), not as Embedded Swift.
struct StepBench {
    private static let rounds = 200

    func run() {
        Table.title("Node.step, a leader with \(Limits.members) members, nanoseconds")
        let lab = Lab()
        lab.elect()
        for member in 1..<Limits.members { lab.hear(member) }
        lab.settle()
        var heartbeats: [Double] = []
        var requests: [Double] = []
        var assignments: [Double] = []
        var results: [Double] = []
        for _ in 0..<Self.rounds {
            lab.advance(ms: 10)
            for member in 1..<Limits.members { heartbeats.append(lab.hear(member)) }
            for _ in 0..<10 {
                let work = lab.work()
                requests.append(work.request)
                assignments.append(work.assignment)
                results.append(work.result)
            }
        }
        precondition(lab.members == Limits.members, "members were lost on the way")
        Table.row("a heartbeat is read", Sample(heartbeats), "ns")
        Table.row("a request is read, and assigned", Sample(requests), "ns")
        Table.row("an assignment is read back", Sample(assignments), "ns")
        Table.row("its result is read", Sample(results), "ns")
    }
}

/// One node on topics in memory, whose broker answers at once.
private final class Lab {
    private static let me = WorkerID(high: 0, low: 1)
    private var node: Node
    private var now = Instant(us: 1_000_000_000)
    private var topics = [[(record: Union.Record, bytes: [UInt8])]](repeating: [], count: 5)
    /// The next offset that the node reads of each topic; nil: it reads it not.
    private var cursors = [Int?](repeating: nil, count: 5)
    private var toldEnd = [Bool](repeating: false, count: 5)
    private var answers: [Event] = []
    private var counts = [Int64](repeating: 0, count: Limits.members + 1)
    private(set) var members = 1

    init() {
        let region = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Node.arenaBytes, alignment: 4096)
        region.initializeMemory(as: UInt8.self, repeating: 0)
        var arena = Arena(region)
        node = Node(Settings(workerID: Self.me, incarnation: 1), seed: 1, &arena)
        node.start(at: now)
        settle()
    }

    func elect() {
        while !node.leads(at: now) { advance(ms: 1) }
        settle()
    }

    func advance(ms: Int32) {
        now = now + ms
        _ = step(.tick, [])
        settle()
    }

    /// A heartbeat of this member. Returns what reading it takes, in ns.
    @discardableResult
    func hear(_ member: Int) -> Double {
        var heartbeat = Heartbeat(
            workerID: WorkerID(high: 1, low: UInt64(member)), incarnation: UInt64(member))
        heartbeat.count = counts[member]
        heartbeat.leaderID = Self.me
        heartbeat.term = 1
        heartbeat.leaderOffset = Offset(topics[0].count)
        counts[member] += 1
        return append(.heartbeat(heartbeat), [])
    }

    /// A request from its reading to its result, each step timed.
    func work() -> (request: Double, assignment: Double, result: Double) {
        settle()
        let offset = Offset(topics[Int(Topic.requests.rawValue)].count)
        var id = RequestID()
        for byte in "request-\(offset)".utf8 { precondition(id.append(byte)) }
        var op = OpName()
        for byte in "noop".utf8 { precondition(op.append(byte)) }
        let request = WorkRequest(requestID: id, opCode: op, timeoutMs: nil, maxAttempts: 3)
        let took = append(.request(request), [0, 0, 0, 0, 0, 0])
        var found: (order: Assignment, ns: Double)?
        // A checkpoint may stand before it.
        while found == nil, let next = readNext(.leader) {
            guard case .leader(let r) = next.record, case .assign(let order) = r.order else {
                continue
            }
            found = (order, next.ns)
        }
        guard let assigned = found else { preconditionFailure("the request was not assigned") }
        let result = WorkResult(
            requestID: id, requestOffset: offset, workerID: assigned.order.attempt.workerID,
            term: 1, attempt: assigned.order.attempt.attempt, status: .completed, exitCode: 0,
            truncated: false,
            durationMs: 0, final: true)
        return (took, assigned.ns, append(.result(result), []))
    }

    /// Lets the node read all that is there.
    func settle() {
        var isBusy = true
        while isBusy {
            isBusy = !answers.isEmpty
            while !answers.isEmpty { _ = step(answers.removeFirst(), []) }
            for index in 0..<5 {
                let topic = Topic(rawValue: UInt8(index))!
                while readNext(topic) != nil { isBusy = true }
                if let next = cursors[index], !toldEnd[index] {
                    toldEnd[index] = true
                    isBusy = true
                    _ = step(.reachedEnd(topic, Offset(next)), [])
                }
            }
        }
    }

    private func readNext(_ topic: Topic) -> (record: Union.Record, ns: Double)? {
        let index = Int(topic.rawValue)
        guard let next = cursors[index], next < topics[index].count,
            topic != .requests || node.wantsRequests
        else { return nil }
        cursors[index] = next + 1
        let (record, bytes) = topics[index][next]
        return (record, step(.read(record, Offset(next)), bytes))
    }

    /// Appends a record, which is then the next that the node reads of its topic.
    private func append(_ record: Union.Record, _ bytes: [UInt8]) -> Double {
        topics[Int(record.topic.rawValue)].append((record, bytes))
        guard let read = readNext(record.topic) else { preconditionFailure("it is not read") }
        return read.ns
    }

    private func step(_ event: Event, _ bytes: [UInt8]) -> Double {
        let began = monotonicNs()
        node.step(event, bytes.span, at: now)
        let took = monotonicNs() - began
        carryOut()
        return Double(took)
    }

    private func carryOut() {
        for i in 0..<node.desk.outbox.count {
            switch node.desk.outbox[i] {
            case .write(let record, let receipt):
                var bytes: [UInt8] = []
                let payload = node.desk.outbox.payload(i)
                for place in payload.indices { bytes.append(payload[place]) }
                let index = Int(record.topic.rawValue)
                topics[index].append((record, bytes))
                if receipt != .none {
                    answers.append(.delivered(receipt, Offset(topics[index].count - 1)))
                }
            case .ask(let topic):
                let high = Offset(topics[Int(topic.rawValue)].count)
                answers.append(.bounds(topic, low: 0, high: high, askedAt: now))
            case .seek(let topic, let offset):
                cursors[Int(topic.rawValue)] = Int(offset)
                toldEnd[Int(topic.rawValue)] = false
            case .close(let topic): cursors[Int(topic.rawValue)] = nil
            case .say(.memberAdded): members += 1
            case .say(.memberRemoved): members -= 1
            default: break
            }
        }
        node.clearOutbox()
    }
}
