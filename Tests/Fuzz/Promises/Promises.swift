import Union
import Wire

/// What `Wire` promises about any bytes at all, checked on one input after the other: by the
/// fuzzer on millions (`make fuzz`), by `CorpusTests` on those that were kept.
///
/// An input is one digit, which is the topic's number, and after it the bytes of a record.
public struct Promises: ~Copyable {
    /// Both are used for every input, as in a node, but the other one has always just read the
    /// same record: nothing of one record may show in the next.
    private var desk = Desk()
    private var otherDesk = Desk()
    private let lastRecord = Array(
        """
        {"worker_id":"00000000-0000-0000-0000-000000000001","op_code":"ASSIGN_WORK_REQUEST",\
        "member_id":"00000000-0000-0000-0000-000000000001","request_offset":1,"attempt":1,\
        "failures":1,"work_request":{"op_code":"x","code":"y","parameters":{"a":"b"}},"term":1,\
        "incarnation":"0000000000000001","sent_us":1,"lease_ms":1,"heartbeat_offset":1,\
        "checkpoint_offset":1}
        """.utf8)
    private var packed = Payload.Buffer()

    public init() {}

    /// What became of an input.
    public enum Outcome {
        case accepted(Record)
        case refused(Malformed)
    }

    /// The promise that was not kept.
    public struct Broken: Error {
        public let promise: String
    }

    /// What becomes of `input`; throws the first promise that is not kept.
    public mutating func examine(_ input: [UInt8]) throws(Broken) -> Outcome {
        let digit = (input.first ?? 0) &- UInt8(ascii: "0")
        let topic = Topic(rawValue: digit % UInt8(Topic.count))!
        let bytes = Array(input.dropFirst())
        guard case .success = otherDesk.read(lastRecord, from: .leader) else {
            throw Broken(promise: "what was a record remains one")
        }
        try checkSignature(bytes)
        switch (desk.read(bytes, from: topic), otherDesk.read(bytes, from: topic)) {
        case (.success(let reading), .success(let other)):
            try expect(reading.record.topic == topic, "a topic has records of its own kind")
            try expect(bytes.count <= limit(topic), "what is accepted is within its limit")
            let written = try rewrite(reading, topic)
            try expect(
                other.payload == reading.payload && otherDesk.write(other) == written,
                "a record says the same, whatever was read before")
            try checkPayload(reading)
            try compare(bytes, written)
            return .accepted(reading.record)
        case (.failure(let refusal), .failure(let other)):
            try expect(words(refusal) == words(other), "a refusal is the same for every decoder")
            try checkRefusal(refusal, of: bytes, from: topic)
            return .refused(refusal)
        default:
            throw Broken(promise: "what one decoder accepts, every decoder accepts")
        }
    }
}

func expect(_ kept: Bool, _ promise: String) throws(Promises.Broken) {
    if !kept { throw Promises.Broken(promise: promise) }
}

func limit(_ topic: Topic) -> Int {
    topic == .requests ? Limits.requestBytes : Limits.recordBytes
}

extension Promises {
    /// Where a signature is found are the digits that it was made of.
    private mutating func checkSignature(_ bytes: [UInt8]) throws(Broken) {
        guard let written = desk.signature(bytes) else { return }
        try expect(written.digits.upperBound < bytes.count, "a signature ends before its quote")
        let digits = String(decoding: bytes[written.digits], as: UTF8.self).lowercased()
        let said = (0..<written.bytes.count).map { i in
            let digits = String(written.bytes[i], radix: 16)
            return digits.count < 2 ? "0" + digits : digits
        }
        try expect(digits.utf8.count == 64 && said.joined() == digits, "a signature is its digits")
    }
}

// MARK: What is accepted

extension Promises {
    /// The record as `Wire` writes it. That is within the limit, and reads as the same record.
    private mutating func rewrite(_ reading: Reading, _ topic: Topic) throws(Broken) -> [UInt8] {
        guard let written = desk.write(reading) else {
            throw Broken(promise: "what is accepted can be written again")
        }
        try expect(written.count <= limit(topic), "what is written is within its limit")
        guard case .success(let again) = desk.read(written, from: topic) else {
            throw Broken(promise: "what is written is accepted")
        }
        try expect(again.payload == reading.payload, "a payload is read as it was written")
        try expect(desk.write(again) == written, "a record is read as it was written")
        if case .request(let request) = reading.record { try assign(request, reading.payload) }
        return written
    }

    /// A request that was accepted fits the largest order that can assign it.
    private mutating func assign(
        _ request: WorkRequest, _ payload: [UInt8]
    ) throws(Broken) {
        let number: Int64 = 1 << 53 - 1
        let worker = WorkerID(high: .max, low: .max)
        let attempt = Attempt(requestOffset: number, attempt: 1_000_000_000, workerID: worker)
        let order = LeaderRecord(
            workerID: worker, incarnation: .max, term: number, sentAt: Instant(us: number),
            leaseMs: 3_600_000, heartbeatOffset: number, checkpointOffset: number,
            order: .assign(Assignment(attempt: attempt, failures: 1_000_000_000, request: request)))
        guard let written = desk.write(Reading(record: .leader(order), payload: payload)),
            case .success(let again) = desk.read(written, from: .leader)
        else { throw Broken(promise: "a request that is accepted can be assigned") }
        try expect(again.payload == payload, "a job sees what the request said")
    }

    /// What the core and a job take out of a payload, packed again, is that payload.
    private mutating func checkPayload(_ reading: Reading) throws(Broken) {
        let payload = reading.payload
        switch reading.record {
        case .candidacy: try checkIDs(payload)
        case .heartbeat(let heartbeat): try checkHeartbeat(heartbeat, payload)
        case .request: try checkRequest(payload)
        case .result:
            try expect(payload.count <= Limits.outputBytes, "an output is within its limit")
        case .leader(let record):
            switch record.order {
            case .claim, .noop, .resign, .cancel, .unknown:
                try expect(payload.isEmpty, "an order without a list has no payload")
            case .addMember, .removeMember: try checkIDs(payload)
            case .assign: try checkRequest(payload)
            case .checkpoint: try checkRows(payload)
            }
        }
    }

    private mutating func checkIDs(_ payload: [UInt8]) throws(Broken) {
        let count = payload.count / Limits.packedIDBytes
        packed.removeAll()
        for i in 0..<count {
            let id = Payload.workerID(payload.span, at: i * Limits.packedIDBytes)
            try expect(id != nil, "a list of workers names nobody that is not one")
            packed.pack(id)
        }
        try expect(count <= Limits.members, "a list of workers is within its limit")
        try expect(array(packed.span) == payload, "a list of workers is packed as its ids")
    }

    private mutating func checkHeartbeat(
        _ heartbeat: Heartbeat, _ payload: [UInt8]
    ) throws(Broken) {
        try expect(heartbeat.runningCount <= Limits.bench, "running requests are within a limit")
        packed.removeAll()
        for i in 0..<heartbeat.runningCount { packed.pack(Heartbeat.running(payload.span, i)) }
        try expect(
            heartbeat.deadlineCount <= heartbeat.runningCount, "only what runs has a deadline")
        for i in 0..<heartbeat.deadlineCount {
            packed.pack(deadlineMs: heartbeat.deadlineMs(payload.span, i))
        }
        var count = 0
        while packed.count < payload.count {
            var id = RequestID()
            for byte in payload[(packed.count + 1)...].prefix(Int(payload[packed.count])) {
                id.append(byte)
            }
            packed.packCompleted(id)
            count += 1
        }
        try expect(count <= Limits.completedIDs, "finished requests are within a limit")
        try expect(array(packed.span) == payload, "a heartbeat is packed as its lists")
    }

    private mutating func checkRows(_ payload: [UInt8]) throws(Broken) {
        let count = payload.count / Limits.packedOpenWorkBytes
        packed.removeAll()
        for i in 0..<count {
            packed.pack(Payload.openWork(payload.span, at: i * Limits.packedOpenWorkBytes))
        }
        try expect(count <= Limits.ledger, "a checkpoint is within its limit")
        try expect(array(packed.span) == payload, "a checkpoint is packed as its rows")
    }

    private mutating func checkRequest(_ payload: [UInt8]) throws(Broken) {
        try expect(
            payload.count <= Limits.requestPayloadBytes, "a request's payload is within its limit")
        let request = RequestPayload(payload.span)
        var parameters = Parameters()
        packed.removeAll()
        do throws(Malformed) {
            for i in 0..<request.parameterCount {
                let parameter = request.parameter(i)
                try parameters.add(name: parameter.name, value: parameter.value)
            }
            try RequestPayload.pack(
                code: request.code, parameters, requesterID: request.requesterID,
                signature: request.signature, into: &packed)
        } catch {
            throw Broken(promise: "what a request says could have been submitted")
        }
        try expect(array(packed.span) == payload, "a request is packed as what it says")
    }
}

// MARK: What is refused

extension Promises {
    /// A refusal has words, and names a field or a place in the record.
    private mutating func checkRefusal(
        _ refusal: Malformed, of bytes: [UInt8], from topic: Topic
    ) throws(Broken) {
        let size = words(refusal).utf8.count
        try expect(size > 0 && size <= 200, "a refusal has words that fit a line")
        let isLong = bytes.count > limit(topic)
        try expect(isLong == (refusal.reason == .recordTooLong), "all that is too long is refused")
        let hasField = refusal.field.utf8CodeUnitCount > 0
        let place = Int(refusal.given)
        switch refusal.reason {
        case .notJSON, .tooDeep:
            try expect(!hasField && (0...bytes.count).contains(place), "a place is in the record")
            // The same bytes up to that place, with nothing behind it.
            let cut = desk.read(Array(bytes.prefix(place + 1)), from: topic)
            guard case .failure(let other) = cut, words(other) == words(refusal) else {
                throw Broken(promise: "nothing behind a place changes what is wrong there")
            }
        case .notText:
            try expect(!hasField && bytes.indices.contains(place), "a place is in the record")
        case .recordTooLong:
            try expect(!hasField && place == bytes.count, "a record's size is what it is")
        case .notAnObject, .tooManyValues:
            try expect(!hasField, "a whole record is refused without a field's name")
        default:
            try expect(hasField, "what is wrong with a field names the field")
        }
        if refusal.reason == .notJSON { try confirm(bytes, notJSONAt: place) }
    }
}

func words(_ refusal: Malformed) -> String {
    refusal.describe().withSpan { String(decoding: array($0), as: UTF8.self) }
}
