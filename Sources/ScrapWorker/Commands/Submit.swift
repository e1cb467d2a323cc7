import CLinux
import Shell
import Union
import Wire

/// `submit`: writes requests, and with `--wait` reads what came of them.
///
/// The results are read from their topic's end as it was before the first request was written, so
/// none can be missed.
struct Submit: ~Copyable {
    private static let progressMs: Int32 = 100

    private var client: KafkaClient
    private var requests: Requests
    private let request: WorkRequest
    private let payload: Payload.Buffer
    private var buffer = RecordBuffer()
    private var output = Output(STDOUT_FILENO)

    private let waits: Bool
    private let isJSON: Bool
    private let hasProgress: Bool
    private let count: Int64
    private let intervalUs: Double
    private var isReady = false
    /// A result that was read and may be ours: see `Requests.settle`.
    private var undecided: WorkResult?
    private var progressAt = Instant.zero
    private var hasProgressLine = false

    static func perform(_ options: borrowing Options, _ config: borrowing Config) throws(Exit) {
        let client = try KafkaClient.open(config, withinS: options.withinS ?? 30)
        var payload = Payload.Buffer()
        try pack(options, into: &payload)
        var submit = Submit(options, client, payload)
        try submit.checkSize()
        let isDone = try submit.run()
        submit.finish()
        guard isDone else { throw Exit(code: 128 + SIGINT) }
        guard submit.requests.undelivered == 0 else { throw Exit(code: EX_UNAVAILABLE) }
        let allCompleted = submit.requests.outcomes[.completed] == submit.count
        if submit.waits && !allCompleted { throw Exit(code: 1) }
    }

    private init(
        _ options: borrowing Options, _ client: consuming KafkaClient, _ payload: Payload.Buffer
    ) {
        self.client = client
        self.payload = payload
        var op = OpName()
        op.put(options.op.bytes)
        request = WorkRequest(
            requestID: RequestID(), opCode: op, timeoutMs: options.timeoutMs,
            maxAttempts: options.maxAttempts)
        waits = options.wait
        isJSON = options.json
        hasProgress = waits && isatty(STDERR_FILENO) == 1
        count = options.requests
        intervalUs = options.rate.map { 1_000_000 / $0 } ?? 0
        requests = Requests(limit: Int(count), name: options.id.bytes)
        if waits { self.client.log.ask(.results) }
    }

    /// False when the user interrupted it.
    private mutating func run() throws(Exit) -> Bool {
        while !isFinished {
            guard try client.wait(until: nextDue) else { return false }
            while let event = try client.nextEvent() { onEvent(event) }
            readResults()
            if isReady { writeDue() }
            showProgress()
            output.flush()
        }
        return true
    }

    private var isFinished: Bool {
        guard requests.sent == count else { return false }
        return waits ? requests.open <= requests.undelivered : client.log.undelivered == 0
    }

    private var nextDue: Instant {
        let progress = hasProgress ? progressAt + Self.progressMs : .never
        guard isReady && requests.sent < count else { return progress }
        guard intervalUs > 0 && requests.sent > 0 else { return Clock.now + 1 }
        return min(progress, dueAt(requests.sent))
    }

    /// When the request with this number is to be written.
    private func dueAt(_ number: Int64) -> Instant {
        number == 0
            ? .zero : requests.firstSentAt.adding(us: Int64(Double(number) * intervalUs))
    }

    private mutating func onEvent(_ event: KafkaLog.Event) {
        switch event {
        case .topicsReady:
            if !waits { isReady = true }
        case .bounds(.results, let low, let high, _):
            // After the broker lost what we wanted: read everything that is left.
            client.log.seek(.results, to: isReady ? low : high)
            isReady = true
        case .vanished(.results): client.log.ask(.results)
        case .delivered(let tag, let offset): requests.noteDelivered(tag: tag, offset)
        case .undelivered(let tag): requests.noteUndelivered(tag: tag)
        case .refused(let tag): onRefused(tag)
        default: break
        }
    }

    /// Writes the requests that are due, as many as the producer takes.
    private mutating func writeDue() {
        while requests.sent < count {
            let now = Clock.now
            guard intervalUs == 0 || dueAt(requests.sent) <= now else { return }
            var record = request
            record.requestID = requests.id(Int(requests.sent))
            _ = encode(.request(record), payload.span, into: &buffer)
            let tag = requests.nextTag
            switch client.log.write(buffer.span, to: .requests, tag: tag) {
            case .taken: requests.noteSent(at: now)
            case .notNow: return
            case .never:
                requests.noteSent(at: now)
                onRefused(tag)
            }
        }
    }

    private mutating func onRefused(_ tag: UInt) {
        if requests.undelivered == 0 {
            Log.write(.error) { (line: inout Log.Line) in
                line.put("the broker does not take a request of this size: ")
                line.put(buffer.span.count)
                line.put(" bytes")
            }
        }
        requests.noteUndelivered(tag: tag)
    }

    private mutating func readResults() {
        while let result = undecided ?? nextResult() {
            undecided = nil
            switch requests.settle(result, at: Clock.now) {
            case .foreign: continue
            case .undecided:
                // Its payload stays with the client until another record is read.
                undecided = result
                return
            case .settled(let latencyUs): put(result, latencyUs)
            }
        }
    }

    private mutating func nextResult() -> WorkResult? {
        guard case .result(let result) = client.read(.results) else { return nil }
        return result
    }

    private mutating func put(_ result: WorkResult, _ latencyUs: Int64) {
        clearProgress()
        if isJSON {
            putJSON(result, latencyUs)
        } else if count == 1 {
            putOutput(result)
        } else {
            putLine(result, latencyUs)
        }
    }
}

// What it asks for.
extension Submit {
    private static func pack(
        _ options: borrowing Options, into payload: inout Payload.Buffer
    ) throws(Exit) {
        var parameters = Parameters()
        do throws(Malformed) {
            for i in 0..<options.parameters.count {
                let pair = options.parameters[i].bytes
                let equals = pair.firstIndex(of: UInt8(ascii: "="))!
                try parameters.add(
                    name: pair.extracting(0..<equals),
                    value: pair.extracting((equals + 1)..<pair.count))
            }
            if let code = options.code, code.bytes.equals("-") {
                // One byte more than is allowed, so that what is too long is refused.
                var text = FixedText<4097>()
                readAll(STDIN_FILENO, into: &text)
                try RequestPayload.pack(
                    code: text.span, parameters, requesterID: nil, signature: nil, into: &payload)
            } else {
                try RequestPayload.pack(
                    code: options.code?.bytes, parameters, requesterID: nil, signature: nil,
                    into: &payload)
            }
        } catch {
            let words = error.describe()
            Log.write(.error) { (line: inout Log.Line) in line.put(words) }
            throw Exit(code: EX_DATAERR)
        }
    }
}

extension Submit {
    /// All requests are the same but for their ids, of which the last one's is the longest.
    private mutating func checkSize() throws(Exit) {
        var record = request
        record.requestID = requests.id(Int(count) - 1)
        guard !encode(.request(record), payload.span, into: &buffer) else { return }
        Log.write(.error) { (line: inout Log.Line) in
            line.put("the request is longer than ")
            line.put(Limits.requestBytes)
            line.put(" bytes as JSON: it holds too many control characters")
        }
        throw Exit(code: EX_DATAERR)
    }
}

// What came of it.
extension Submit {
    /// A single request: its output is ours.
    private mutating func putOutput(_ result: WorkResult) {
        output.put(client.payload.span)
        let ended = client.payload.isEmpty || client.payload[client.payload.count - 1] == 0x0A
        if !ended { output.put("\n") }
        output.flush()
        guard result.status != .completed || result.truncated else { return }
        Log.write(.warning) { (line: inout Log.Line) in
            line.put(result.status.word)
            if let code = result.exitCode {
                line.put(", exit code ")
                line.put(code)
            }
            line.put(", attempt ")
            line.put(result.attempt)
            line.put(" by ")
            line.put(short: result.workerID)
            if result.truncated { line.put("; the output is cut") }
        }
    }

    /// `ID completed 6f1d0c3e 12.3 ms  first line of the output`
    private mutating func putLine(_ result: WorkResult, _ latencyUs: Int64) {
        output.put(foreign: result.requestID)
        output.put(" ")
        output.put(result.status.word)
        output.put(" ")
        output.put(short: result.workerID)
        output.put(" ")
        output.put(tenthsOfMs: latencyUs)
        output.put(" ms")
        let text = client.payload.span
        if text.count > 0 {
            output.put("  ")
            let end = text.firstIndex(of: 0x0A) ?? text.count
            output.put(foreign: text.extracting(0..<min(end, 200)))
        }
        output.put("\n")
    }

    private mutating func putJSON(_ result: WorkResult, _ latencyUs: Int64) {
        output.put("{\"request_id\":")
        output.put(json: result.requestID)
        output.put(",\"request_offset\":")
        output.put(result.requestOffset)
        output.put(",\"status\":\"")
        output.put(result.status.word)
        output.put("\",\"worker_id\":\"")
        output.put(result.workerID.uuid)
        output.put("\",\"attempt\":")
        output.put(result.attempt)
        output.put(",\"exit_code\":")
        if let code = result.exitCode { output.put(code) } else { output.put("null") }
        output.put(",\"truncated\":")
        output.put(result.truncated ? "true" : "false")
        output.put(",\"duration_ms\":")
        output.put(result.durationMs)
        output.put(",\"latency_us\":")
        output.put(latencyUs)
        output.put(",\"output\":")
        output.put(json: client.payload.span)
        output.put("}\n")
    }

    private mutating func showProgress() {
        let now = Clock.now
        guard hasProgress && now >= progressAt + Self.progressMs else { return }
        progressAt = now
        var line = FixedText<256>("\r")
        if isReady {
            line.put(requests.outcomes.all)
            line.put(" of ")
            line.put(count)
            line.put(" done")
            let bad = requests.outcomes.all - requests.outcomes[.completed]
            if bad > 0 {
                line.put(", ")
                line.put(bad)
                line.put(" not completed")
            }
        } else {
            line.put("waiting for the broker")
        }
        line.put("\u{1B}[K")
        writeAll(STDERR_FILENO, line.span)
        hasProgressLine = true
    }

    private mutating func clearProgress() {
        guard hasProgressLine else { return }
        writeAll(STDERR_FILENO, Argument("\r\u{1B}[K").bytes)
        hasProgressLine = false
    }

    private mutating func finish() {
        output.flush()
        clearProgress()
        if requests.undelivered > 0 {
            let lost = requests.undelivered
            Log.write(.error) { (line: inout Log.Line) in
                line.put("the broker did not take ")
                line.put(lost)
                line.put(" requests in time; some of them may be in its log nevertheless")
            }
        }
        if count > 1 { isJSON ? putSummaryJSON() : putSummary() }
    }

    private mutating func putSummary() {
        var line = FixedText<512>("submitted ")
        line.put(requests.sent)
        if waits {
            line.put(", completed ")
            line.put(requests.outcomes[.completed])
            for status in Status.all where status != .completed {
                guard requests.outcomes[status] > 0 else { continue }
                line.put(", ")
                line.put(status.word)
                line.put(" ")
                line.put(requests.outcomes[status])
            }
            if requests.outcomes.all > 0 {
                line.put("; ")
                line.put(perSecond)
                line.put(" a second, latency p50 ")
                line.put(tenthsOfMs: requests.percentile(50))
                line.put(" ms, p99 ")
                line.put(tenthsOfMs: requests.percentile(99))
                line.put(" ms")
            }
        }
        line.put("\n")
        writeAll(STDERR_FILENO, line.span)
    }

    private mutating func putSummaryJSON() {
        output.put("{\"submitted\":")
        output.put(requests.sent)
        for status in Status.all {
            output.put(",\"")
            output.put(status.word)
            output.put("\":")
            output.put(requests.outcomes[status])
        }
        if requests.outcomes.all > 0 {
            output.put(",\"per_second\":")
            output.put(perSecond)
            output.put(",\"latency_p50_us\":")
            output.put(requests.percentile(50))
            output.put(",\"latency_p99_us\":")
            output.put(requests.percentile(99))
        }
        output.put("}\n")
        output.flush()
    }

    /// Requests settled in each second from the first one sent to the last one settled.
    private var perSecond: Int64 {
        let us = max(1, requests.lastSettledAt.us - requests.firstSentAt.us)
        return requests.outcomes.all * 1_000_000 / us
    }
}
