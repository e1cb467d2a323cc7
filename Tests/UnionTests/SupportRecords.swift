import Testing

@testable import Union

// Short ways to say records in tests. Worker 1 is the node under test where there is only one.

func worker(_ number: Int) -> WorkerID { WorkerID(high: 0xB0A2D, low: UInt64(number)) }

/// A moment, in milliseconds of the tests' clock.
func ms(_ value: Int64) -> Instant { Instant(us: value * 1000) }

func text<let n: Int>(_ string: String) -> FixedText<n> {
    var text = FixedText<n>()
    for byte in string.utf8 { precondition(text.append(byte), "test text too long") }
    return text
}

func string<let n: Int>(_ text: FixedText<n>) -> String {
    String(decoding: (0..<text.count).map { text[$0] }, as: UTF8.self)
}

/// A request's payload with nothing in it: no code, parameters, requester or signature.
let emptyPayload = [UInt8](repeating: 0, count: 6)

func leaderRecord(
    _ order: Order = .noop, by number: Int, term: Term, sentAt: Instant = .zero,
    incarnation: Incarnation = 1, leaseMs: Int32 = 800, heartbeatOffset: Offset = 0,
    checkpointOffset: Offset = -1
) -> LeaderRecord {
    var r = LeaderRecord(
        workerID: worker(number), incarnation: incarnation, term: term, sentAt: sentAt,
        leaseMs: leaseMs, heartbeatOffset: heartbeatOffset, checkpointOffset: checkpointOffset,
        order: order)
    if case .claim = order { (r.memberTimeoutMs, r.versions) = (500, .current) }
    return r
}

func candidacy(
    by number: Int, term: Term, ranking: Int32 = 100, countdown: Int32? = nil,
    nominee: Int? = nil, incarnation: Incarnation = 1
) -> Candidacy {
    Candidacy(
        workerID: worker(number), incarnation: incarnation, term: term, ranking: ranking,
        countdown: countdown, nominee: nominee.map(worker))
}

func heartbeat(
    by number: Int, leader: Int? = nil, term: Term = 0, running: Int = 0, leaderOffset: Offset = 0,
    slots: Int32 = 1, count: Int64 = 0, incarnation: Incarnation = 1
) -> Heartbeat {
    var h = Heartbeat(workerID: worker(number), incarnation: incarnation)
    h.leaderID = leader.map(worker)
    h.term = term
    h.leaderOffset = leaderOffset
    h.slots = slots
    h.count = count
    h.runningCount = Int32(running)
    (h.workerLeaseMs, h.killGraceMs, h.versions) = (400, 50, .current)
    return h
}

func request(
    _ id: String, op: String = "thumbnail", timeoutMs: Int32? = nil, maxAttempts: Int32 = 3
) -> WorkRequest {
    WorkRequest(
        requestID: text(id), opCode: text(op), timeoutMs: timeoutMs, maxAttempts: maxAttempts)
}

func assignment(
    _ offset: Offset, attempt: Int32 = 1, to number: Int, failures: Int32 = 0,
    _ request: WorkRequest? = nil
) -> Assignment {
    Assignment(
        attempt: Attempt(requestOffset: offset, attempt: attempt, workerID: worker(number)),
        failures: failures, request: request ?? UnionTests.request("r\(offset)"))
}

func result(
    of offset: Offset, by number: Int, attempt: Int32 = 1, _ status: Status = .completed,
    final: Bool = true, id: String? = nil, term: Term = 1, durationMs: Int64 = 1
) -> WorkResult {
    WorkResult(
        requestID: text(id ?? "r\(offset)"), requestOffset: offset, workerID: worker(number),
        term: term, attempt: attempt, status: status, exitCode: nil, truncated: false,
        durationMs: durationMs, final: final)
}

func jobEnd(_ status: Status = .completed, durationMs: Int64 = 1) -> JobEnd {
    JobEnd(status: status, exitCode: 0, truncated: false, durationMs: durationMs)
}

/// A checkpoint's rows as they travel beside it.
func packed(_ rows: [OpenWork]) -> [UInt8] {
    var buffer = Payload.Buffer()
    for row in rows { buffer.pack(row) }
    return (0..<buffer.count).map { buffer[$0] }
}

func openWork(
    _ offset: Offset, attempt: Int32 = 0, failures: Int32 = 0, worker number: Int? = nil,
    id: String? = nil, timeoutMs: Int32? = nil
) -> OpenWork {
    OpenWork(
        requestOffset: offset, attempt: attempt, failures: failures,
        workerID: number.map(worker), requestKey: text(id ?? "r\(offset)", as: RequestID.self).key,
        timeoutMs: timeoutMs)
}

private func text(_ string: String, as: RequestID.Type) -> RequestID { text(string) }

extension Settings {
    /// What the tests count in, whatever the pace says.
    mutating func countRoundly() {
        (memberTimeoutMs, workerLeaseMs, ackTimeoutMs) = (2000, 1750, 2000)
    }
}
