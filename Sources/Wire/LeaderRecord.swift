import Union

extension LeaderRecord {
    init(
        _ object: borrowing JSONObject, _ names: borrowing FieldTable,
        payload: inout Payload.Buffer
    ) throws(Malformed) {
        self.init(
            workerID: try object.workerID(.workerID),
            incarnation: try object.hex(.incarnation),
            term: try object.integer(.term),
            sentAt: Instant(us: try object.integer(.sentUs)),
            leaseMs: try object.small(.leaseMs, to: Int64(Limits.timingMs)),
            heartbeatOffset: try object.integer(.heartbeatOffset),
            checkpointOffset: try object.integer(.checkpointOffset, from: -1),
            order: try Order(object, names, payload: &payload))
        guard case .claim = order else { return }
        memberTimeoutMs = try object.memberTimeoutMs
        callsBack = try object.optionalBoolean(.callsBack) ?? false
        accepts = AcceptedKeys(bits: try object.optionalHex(.acceptsKeys) ?? 0)
        versions = try object.versions
    }

    func write(_ payload: Span<UInt8>, into buffer: inout RecordBuffer) {
        buffer.openObject()
        buffer.field(.workerID, workerID)
        buffer.field(.opCode, word: order.code.word)
        buffer.name(.metadata)
        buffer.writeNull()
        order.write(payload, into: &buffer)
        buffer.field(.term, term)
        buffer.field(.incarnation, hex: incarnation)
        buffer.field(.sentUs, sentAt.us)
        buffer.field(.leaseMs, leaseMs)
        buffer.field(.heartbeatOffset, heartbeatOffset)
        buffer.field(.checkpointOffset, checkpointOffset)
        if let memberTimeoutMs { buffer.field(.memberTimeoutMs, memberTimeoutMs) }
        if callsBack { buffer.field(.callsBack, true) }
        if accepts != AcceptedKeys() { buffer.field(.acceptsKeys, hex: accepts.bits) }
        buffer.field(versions)
        buffer.closeObject()
    }
}

extension Order {
    fileprivate init(
        _ object: borrowing JSONObject, _ names: borrowing FieldTable,
        payload: inout Payload.Buffer
    ) throws(Malformed) {
        switch try OrderCode(object) {
        case .claim: self = .claim
        case .noop: self = .noop
        case .resign: self = .resign
        case .addMember:
            try object.packIDs(.unionMembers, into: &payload)
            self = .addMember(
                try object.workerID(.memberID), try object.hex(.memberIncarnation))
        case .removeMember:
            try object.packIDs(.unionMembers, into: &payload)
            self = .removeMember(try object.workerID(.memberID))
        case .assign:
            let token = try object.required(.workRequest)
            guard object.tokens[token].isObject else { throw Malformed(.notMap, .workRequest) }
            let request = try JSONObject(object.text, object.tokens, at: token, names)
            self = .assign(
                Assignment(
                    attempt: try Attempt(object), failures: try object.small(.failures),
                    request: try WorkRequest(request, payload: &payload)))
        case .cancel:
            self = .cancel(
                try Attempt(object),
                unlessStarted: try object.optionalBoolean(.unlessStarted) ?? false)
        case .checkpoint:
            let saysMore = try object.packUnfinished(into: &payload)
            var checkpoint = Checkpoint(
                requestsNext: try object.integer(.requestsNext),
                resultsNext: try object.integer(.resultsNext),
                resultsRead: try object.optionalInteger(.resultsRead),
                firstRequest: Checkpoint.First(
                    offset: try object.optionalInteger(.firstOffset) ?? 0,
                    digest: try object.optionalHex(.firstRequest) ?? 0),
                lastRequest: try object.optionalHex(.lastRequest) ?? 0,
                lastResult: try object.optionalHex(.lastResult) ?? 0,
                memberTimeoutMs: try object.memberTimeoutMs)
            checkpoint.saysMore = saysMore
            self = .checkpoint(checkpoint)
        case .unknown: self = .unknown
        }
    }

    fileprivate var code: OrderCode {
        switch self {
        case .claim: .claim
        case .noop: .noop
        case .resign: .resign
        case .addMember: .addMember
        case .removeMember: .removeMember
        case .assign: .assign
        case .cancel: .cancel
        case .checkpoint: .checkpoint
        case .unknown: .unknown
        }
    }

    fileprivate func write(_ payload: Span<UInt8>, into buffer: inout RecordBuffer) {
        switch self {
        case .claim, .noop, .resign, .unknown: break
        case .addMember(let member, let incarnation):
            buffer.field(.unionMembers, ids: payload)
            buffer.field(.memberID, member)
            buffer.field(.memberIncarnation, hex: incarnation)
        case .removeMember(let member):
            buffer.field(.unionMembers, ids: payload)
            buffer.field(.memberID, member)
        case .assign(let assignment):
            assignment.attempt.write(into: &buffer)
            buffer.field(.failures, assignment.failures)
            buffer.name(.workRequest)
            assignment.request.write(payload, into: &buffer)
        case .cancel(let attempt, let unlessStarted):
            attempt.write(into: &buffer)
            buffer.field(.unlessStarted, unlessStarted)
        case .checkpoint(let checkpoint):
            buffer.field(.requestsNext, checkpoint.requestsNext)
            buffer.field(.resultsNext, checkpoint.resultsNext)
            buffer.field(.resultsRead, checkpoint.resultsRead)
            if checkpoint.firstRequest != Checkpoint.First() {
                buffer.field(.firstOffset, checkpoint.firstRequest.offset)
                buffer.field(.firstRequest, hex: checkpoint.firstRequest.digest)
            }
            buffer.field(.lastRequest, hex: checkpoint.lastRequest)
            buffer.field(.lastResult, hex: checkpoint.lastResult)
            buffer.field(.memberTimeoutMs, checkpoint.memberTimeoutMs)
            buffer.field(unfinished: payload)
        }
    }
}

private enum OrderCode: UInt8 {
    case noop, addMember, removeMember, assign, claim, resign, cancel, checkpoint, unknown

    init(_ object: borrowing JSONObject) throws(Malformed) {
        let word = try object.string(at: object.required(.opCode), .opCode)
        self = .unknown
        for raw in UInt8(0)...7 {
            if let code = OrderCode(rawValue: raw), code.word.bytes.hasSameBytes(as: word) {
                self = code
                return
            }
        }
    }

    var word: StaticString {
        switch self {
        case .noop: "NOOP"
        case .addMember: "ADD_MEMBER"
        case .removeMember: "REMOVE_MEMBER"
        case .assign: "ASSIGN_WORK_REQUEST"
        case .claim: "CLAIM"
        case .resign: "RESIGN"
        case .cancel: "CANCEL_WORK_REQUEST"
        case .checkpoint: "CHECKPOINT"
        case .unknown: "UNKNOWN"
        }
    }
}

extension Attempt {
    fileprivate init(_ object: borrowing JSONObject) throws(Malformed) {
        self.init(
            requestOffset: try object.integer(.requestOffset),
            attempt: try object.small(.attempt, from: 1),
            workerID: try object.workerID(.memberID))
    }

    fileprivate func write(into buffer: inout RecordBuffer) {
        buffer.field(.memberID, workerID)
        buffer.field(.requestOffset, requestOffset)
        buffer.field(.attempt, attempt)
    }
}

extension JSONObject {
    fileprivate var memberTimeoutMs: Int32? {
        get throws(Malformed) {
            try optionalSmall(.memberTimeoutMs, from: 1, to: Int64(Limits.timingMs))
        }
    }
}

// MARK: A checkpoint's rows: [offset, attempt, worker id or null, failures, key, timeout]; what a later
// version has added behind that is passed over.

extension JSONObject {
    /// True: there are rows that hold more than we know.
    fileprivate func packUnfinished(
        into payload: inout Payload.Buffer
    ) throws(Malformed) -> Bool {
        let list = try list(.unfinished, limit: Limits.ledger)
        var row = list.token + 1
        var saysMore = false
        for _ in 0..<list.count {
            payload.pack(try openWork(at: row))
            saysMore = saysMore || tokens[row].count > 6
            row = after(row)
        }
        return saysMore
    }

    private func openWork(at row: Int) throws(Malformed) -> OpenWork {
        guard tokens[row].isList, tokens[row].count >= 6 else {
            throw Malformed(.notRow, .unfinished)
        }
        for i in 1...6 where after(row + i) != row + i + 1 { throw Malformed(.notRow, .unfinished) }
        return OpenWork(
            requestOffset: try integer(at: row + 1, .unfinished),
            attempt: try Int32(integer(at: row + 2, .unfinished, to: Self.maxSmall)),
            failures: try Int32(integer(at: row + 4, .unfinished, to: Self.maxSmall)),
            workerID: isNull(row + 3) ? nil : try workerID(at: row + 3, .unfinished),
            requestKey: try hex(at: row + 5, .unfinished),
            timeoutMs: isNull(row + 6)
                ? nil : try Int32(integer(at: row + 6, .unfinished, from: 1, to: Self.maxSmall)))
    }
}

extension RecordBuffer {
    fileprivate mutating func field(unfinished rows: Span<UInt8>) {
        name(.unfinished)
        openList()
        for i in 0..<(rows.count / Limits.packedOpenWorkBytes) {
            let row = Payload.openWork(rows, at: i * Limits.packedOpenWorkBytes)
            separate()
            openList()
            write(decimal: row.requestOffset)
            separate()
            write(decimal: Int64(row.attempt))
            separate()
            write(row.workerID)
            separate()
            write(decimal: Int64(row.failures))
            separate()
            write(hex: row.requestKey)
            separate()
            if let timeoutMs = row.timeoutMs {
                write(decimal: Int64(timeoutMs))
            } else {
                writeNull()
            }
            closeList()
        }
        closeList()
    }
}
