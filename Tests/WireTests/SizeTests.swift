import Testing
import Union

@testable import Wire

/// The largest records: each must fit `Limits.recordBytes`.
struct SizeTests {
    let station = Station()

    private let ann = WorkerID(high: .max, low: .max)
    private static let bigNumber = JSONObject.maxInteger
    private static let bigSmall = Int32(JSONObject.maxSmall)

    private func control(_ count: Int) -> [UInt8] { [UInt8](repeating: 1, count: count) }

    private func leader(_ order: Order) -> Record {
        .leader(
            LeaderRecord(
                workerID: ann, incarnation: .max, term: Self.bigNumber,
                sentAt: Instant(us: Self.bigNumber), leaseMs: 3_600_000,
                heartbeatOffset: Self.bigNumber, checkpointOffset: Self.bigNumber, order: order))
    }

    private func attempt() -> Attempt {
        Attempt(requestOffset: Self.bigNumber, attempt: Self.bigSmall, workerID: ann)
    }

    /// Written, within the limit, and read back as it was.
    @discardableResult
    private func expectFits(_ record: Decoded) throws -> Int {
        let bytes = try #require(station.encode(record))
        #expect(bytes.count <= Limits.recordBytes)
        let read = try station.decode(bytes, from: record.record.topic)
        #expect(facts(read) == facts(record))
        return bytes.count
    }

    @Test("a union of 256 fits its orders and candidacies")
    func members() throws {
        var ids = Payload.Buffer()
        for i in 0..<Limits.members { ids.pack(WorkerID(high: .max, low: UInt64(i))) }
        let payload = contents(of: ids)
        try expectFits(Decoded(record: leader(.addMember(ann, .max)), payload: payload))
        try expectFits(Decoded(record: leader(.removeMember(ann)), payload: payload))
        let candidacy = Candidacy(
            workerID: ann, incarnation: .max, term: Self.bigNumber, ranking: Self.bigSmall,
            countdown: Self.bigSmall, nominee: ann,
            versions: Versions(newest: Self.bigSmall, oldest: Self.bigSmall))
        let size = try expectFits(Decoded(record: .candidacy(candidacy), payload: payload))
        #expect(size < 12 * 1024)
    }

    @Test("one member too many is refused")
    func tooManyMembers() {
        let ids = (0...256).map { _ in "\"\(GoldenTests.bob)\"" }.joined(separator: ",")
        let json = Fields(of: GoldenTests.candidacy).with("votes_received", "[\(ids)]").json
        #expect(
            station.complaint(json, from: .election)
                == "votes_received: 257 given, at most 256 allowed")
    }

    @Test("a full ledger's checkpoint fits")
    func checkpoint() throws {
        var rows = Payload.Buffer()
        for _ in 0..<Limits.ledger {
            rows.pack(
                OpenWork(
                    requestOffset: Self.bigNumber, attempt: Self.bigSmall,
                    failures: Self.bigSmall, workerID: ann, requestKey: .max,
                    timeoutMs: Self.bigSmall))
        }
        let order = Order.checkpoint(
            Checkpoint(requestsNext: Self.bigNumber, resultsNext: Self.bigNumber))
        let record = Decoded(record: leader(order), payload: contents(of: rows))
        #expect(record.payload.count == Limits.payloadBytes)
        try expectFits(record)
    }

    @Test("there are tokens for the largest record, and none has a number that does not fit")
    func tokens() {
        #expect(Tokens.capacity >= 1 + 2 * Field.all + 9 * Limits.ledger)
        #expect(Tokens.capacity <= Int(Int16.max))
    }

    @Test("a buffer holds a record of the largest size and not a byte more")
    func buffer() {
        var buffer = RecordBuffer()
        for _ in 0..<Limits.recordBytes { buffer.write(0x61) }
        let full = buffer.isOverrun
        buffer.write(0x61)
        let overfull = buffer.isOverrun
        #expect(contents(of: buffer).count == Limits.recordBytes)
        buffer.removeAll()
        let empty = buffer.isOverrun
        #expect([full, overfull, empty] == [false, true, false])
    }

    @Test("one row too many is refused")
    func tooManyRows() {
        let rows = (0...256).map { "[\($0),1,null,0,\"0000000000000000\",null]" }
        let json = Fields(of: GoldenTests.orders.last!)
            .with("unfinished", "[\(rows.joined(separator: ","))]").json
        #expect(
            station.complaint(json, from: .leader) == "unfinished: 257 given, at most 256 allowed")
    }

    @Test("a heartbeat with everything in it fits")
    func heartbeat() throws {
        var heartbeat = Heartbeat(workerID: ann, incarnation: .max)
        (heartbeat.workerLeaseMs, heartbeat.killGraceMs) = (Limits.timingMs, Limits.timingMs)
        heartbeat.stuckOp = fixed(control(32))
        (heartbeat.cannotReport, heartbeat.isLeaving) = (true, true)
        heartbeat.isLeftOut = true
        heartbeat.accepts = AcceptedKeys(bits: .max)
        heartbeat.versions = Versions(newest: Self.bigSmall, oldest: Self.bigSmall)
        heartbeat.current = fixed(control(Limits.idBytes))
        heartbeat.runningCount = Int32(Limits.bench)
        var payload = Payload.Buffer()
        for _ in 0..<Limits.bench { payload.pack(Self.bigNumber) }
        for _ in 0..<Limits.completedIDs { payload.packCompleted(fixed(control(Limits.idBytes))) }
        try expectFits(Decoded(record: .heartbeat(heartbeat), payload: contents(of: payload)))
    }

    @Test(
        "a result fits whatever its job put out",
        arguments: [0, 1, 0x1F, 0x22, 0x5C, 0x61, 0x7F, 0x80, 0xFF] as [UInt8])
    func result(byte: UInt8) throws {
        var result = WorkResult(
            requestID: fixed(control(Limits.idBytes)), requestOffset: Self.bigNumber,
            workerID: ann, term: Self.bigNumber, attempt: Self.bigSmall, status: .completed,
            exitCode: .min, truncated: true, durationMs: Self.bigNumber, final: false)
        result.duplicateOf = Self.bigNumber
        let output = [UInt8](repeating: byte, count: Limits.outputBytes)
        let bytes = try #require(station.encode(Decoded(record: .result(result), payload: output)))
        #expect(bytes.count <= Limits.recordBytes)
        let read = try station.decode(bytes, from: .results)
        #expect(read.payload.count <= Limits.outputBytes)
    }

    // MARK: Requests

    /// The largest request that decodes: each field at its limit, `escaped` control characters.
    private func request(code: Int, escaped: Int) throws -> Decoded {
        let work = WorkRequest(
            requestID: fixed(control(Limits.idBytes)), opCode: fixed(control(Limits.opBytes)),
            timeoutMs: 86_400_000, maxAttempts: 100)
        var parameters: [(name: [UInt8], value: [UInt8])] = []
        for i in 0..<Limits.parameters {
            parameters.append(([UInt8(i) + 1] + control(1), control(62)))
        }
        let plain = [UInt8](repeating: 0x61, count: code - escaped)
        return Decoded(
            record: .request(work),
            payload: try requestPayload(
                code: control(escaped) + plain, parameters,
                requesterID: control(Limits.idBytes), signature: control(Limits.signatureBytes)))
    }

    @Test("code of control characters alone fits a request and its assignment")
    func code() throws {
        let work = WorkRequest(
            requestID: RequestID(), opCode: fixed("op"), timeoutMs: nil, maxAttempts: 3)
        let payload = try requestPayload(code: [UInt8](repeating: 0, count: Limits.codeBytes))
        try expectFits(Decoded(record: .request(work), payload: payload))
        let assignment = Assignment(attempt: attempt(), failures: Self.bigSmall, request: work)
        try expectFits(Decoded(record: leader(.assign(assignment)), payload: payload))
    }

    @Test("a request with every field full of control characters is one too long")
    func tooLong() throws {
        let worst = try request(code: Limits.codeBytes, escaped: Limits.codeBytes)
        #expect(station.encode(worst) == nil)
    }

    @Test("the longest request that is read fits the order that assigns it")
    func assignment() throws {
        // As many as fit, by bisection.
        var (escaped, tooMany) = (0, Limits.codeBytes)
        while escaped + 1 < tooMany {
            let middle = (escaped + tooMany) / 2
            let fits = station.encode(try request(code: Limits.codeBytes, escaped: middle)) != nil
            if fits { escaped = middle } else { tooMany = middle }
        }
        let longest = try request(code: Limits.codeBytes, escaped: escaped)
        let bytes = try #require(station.encode(longest))
        #expect(bytes.count > Limits.requestBytes - 6)
        let read = try station.decode(bytes, from: .requests)
        guard case .request(let work) = read.record else { fatalError() }
        let assignment = Assignment(attempt: attempt(), failures: Self.bigSmall, request: work)
        try expectFits(Decoded(record: leader(.assign(assignment)), payload: read.payload))
    }

    /// What grows when it is written again: bare numbers get quotes, absent fields their names.
    @Test("a request that grows when it is assigned fits too")
    func growing() throws {
        var names = (0..<14).map { "\"\($0)\":0" }
        // Short escapes of ours are never longer than any other.
        names.append("\"x\":\"" + String(repeating: "\\u0001", count: 900) + "\"")
        names.append("\"y\":1e5")
        var json = """
            {"op_code":"x","max_attempts":1e2,"timeout_ms":864e5,\
            "parameters":{\(names.joined(separator: ","))},"code":"
            """
        let room = Limits.requestBytes - json.utf8.count - 2
        json += String(repeating: "\\u0001", count: min(room / 6, Limits.codeBytes)) + "\"}"
        let read = try station.decode(json, from: .requests)
        guard case .request(let work) = read.record else { fatalError() }
        let assignment = Assignment(attempt: attempt(), failures: Self.bigSmall, request: work)
        try expectFits(Decoded(record: leader(.assign(assignment)), payload: read.payload))
    }

    @Test("an order adds less than 1 KiB to its request")
    func envelope() throws {
        let work = WorkRequest(
            requestID: RequestID(), opCode: fixed("x"), timeoutMs: nil, maxAttempts: 3)
        let assignment = Assignment(attempt: attempt(), failures: Self.bigSmall, request: work)
        let payload = try requestPayload()
        let order = Decoded(record: leader(.assign(assignment)), payload: payload)
        let quotes = 2 * Limits.parameters
        // All of it but `{"op_code":"x"}`, which the user wrote.
        #expect(try expectFits(order) - 15 + quotes < Limits.recordBytes - Limits.requestBytes)
    }
}
