import Union

extension WorkResult {
    init(_ object: borrowing JSONObject, payload: inout Payload.Buffer) throws(Malformed) {
        self.init(
            requestID: try object.text(.requestID) ?? RequestID(),
            requestOffset: try object.integer(.requestOffset),
            workerID: try object.workerID(.workerID),
            term: try object.integer(.term),
            attempt: try object.small(.attempt),
            status: try Status(object),
            exitCode: try object.optionalSmall(
                .exitCode, from: Int64(Int32.min), to: Int64(Int32.max)),
            truncated: try object.boolean(.truncated),
            durationMs: try object.integer(.durationMs),
            final: try object.boolean(.final))
        counts = try object.optionalBoolean(.counts) ?? true
        cannotStart = try object.optionalBoolean(.cannotStart) ?? false
        duplicateOf = try object.optionalInteger(.duplicateOf)
        try object.unescape(
            object.required(.output), .output, limit: Limits.outputBytes, nul: true, into: &payload)
    }

    /// The output may be any bytes. What is not UTF-8 grows when it becomes U+FFFD; so that
    /// readers need to expect no more than `Limits.outputBytes`, the rest is cut, and flagged.
    func write(_ output: Span<UInt8>, into buffer: inout RecordBuffer) {
        buffer.openObject()
        buffer.field(.requestID, requestID)
        buffer.field(.requestOffset, requestOffset)
        buffer.field(.workerID, workerID)
        buffer.field(.term, term)
        buffer.field(.attempt, attempt)
        buffer.field(.status, word: status.word)
        buffer.field(.exitCode, exitCode)
        buffer.name(.output)
        let isWhole: Bool
        if let reason {
            let words = reason.words
            isWhole = words.withSpan { buffer.write(string: $0, limit: Limits.outputBytes) }
        } else {
            isWhole = buffer.write(string: output, limit: Limits.outputBytes)
        }
        buffer.field(.truncated, truncated || !isWhole)
        buffer.field(.durationMs, durationMs)
        buffer.field(.counts, counts)
        if cannotStart { buffer.field(.cannotStart, true) }
        buffer.field(.final, final)
        if let duplicateOf { buffer.field(.duplicateOf, duplicateOf) }
        buffer.closeObject()
    }
}

extension WorkResult.Reason {
    /// What stands for the output, for people.
    public var words: FixedText<64> {
        switch self {
        case .workerLost: return FixedText("its worker was lost")
        case .attemptsFailed(let count):
            var text = FixedText<64>()
            text.append(decimal: Int64(count))
            text.append(
                count == 1 ? " attempt failed or was lost" : " attempts failed or were lost")
            return text
        case .cannotBeStarted:
            return FixedText("no worker could start it: the log of each says why")
        case .attemptsInVain(let count):
            var text = FixedText<64>()
            text.append(decimal: Int64(count))
            text.append(" attempts were not started, or given back")
            return text
        case .recordGone: return FixedText("the broker has this request's record no more")
        case .neverStarted: return FixedText("it was not started")
        case .benchFull: return FixedText("its worker had no place for it")
        case .resultRefused:
            return FixedText("the broker refused the result, also without its output")
        case .boardStuck: return FixedText("its worker has a job that does not die")
        case .duplicate(let first):
            var text = FixedText<64>("as requests[")
            text.append(decimal: first)
            text.append("], which had the same id")
            return text
        case .tooManyDuplicates:
            return FixedText("too many requests wait for another with their id")
        }
    }
}

extension Status {
    fileprivate init(_ object: borrowing JSONObject) throws(Malformed) {
        let word = try object.string(at: object.required(.status), .status)
        self = .unknown
        for raw in UInt8(0)...5 {
            if let status = Status(rawValue: raw), status.word.bytes.hasSameBytes(as: word) {
                self = status
                return
            }
        }
    }

    /// The status's name on the wire, and for people.
    public var word: StaticString {
        switch self {
        case .completed: "completed"
        case .failed: "failed"
        case .timedOut: "timed_out"
        case .rejected: "rejected"
        case .lost: "lost"
        case .exhausted: "exhausted"
        case .unknown: "unknown"
        }
    }
}
