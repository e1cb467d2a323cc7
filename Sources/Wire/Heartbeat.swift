import Union

extension Heartbeat {
    init(_ object: borrowing JSONObject, payload: inout Payload.Buffer) throws(Malformed) {
        self.init(
            workerID: try object.workerID(.workerID), incarnation: try object.hex(.incarnation))
        count = try object.integer(.count)
        leaderID = try object.optionalWorkerID(.leaderID)
        term = try object.integer(.term)
        leaderOffset = try object.integer(.leaderOffset)
        startedOffset = try object.optionalInteger(.startedOffset)
        role = try Role(object)
        ranking = try object.small(.ranking)
        slots = try object.small(.slots, from: 1, to: Int64(Limits.slots))
        workerLeaseMs = try object.optionalSmall(
            .workerLeaseMs, from: 1, to: Int64(Limits.timingMs))
        killGraceMs = try object.optionalSmall(.killGraceMs, to: Int64(Limits.timingMs))
        stuckOp = try object.text(.stuckOp)
        cannotReport = try object.optionalBoolean(.cannotReport) ?? false
        isLeaving = try object.optionalBoolean(.leaving) ?? false
        isLeftOut = try object.optionalBoolean(.leftOut) ?? false
        accepts = AcceptedKeys(bits: try object.optionalHex(.acceptsKeys) ?? 0)
        versions = try object.versions
        current = try object.text(.currentRequestID)
        let running = try object.list(.running, limit: Limits.bench)
        for i in 0..<running.count {
            payload.pack(try object.integer(at: running.token + 1 + i, .running))
        }
        runningCount = Int32(running.count)
        if let deadlines = try object.optionalList(.runningTimeoutsMs, limit: running.count) {
            for i in 0..<deadlines.count {
                let ms = try object.integer(
                    at: deadlines.token + 1 + i, .runningTimeoutsMs, from: 1,
                    to: Int64(Limits.timeoutMs))
                payload.pack(deadlineMs: Int32(ms))
            }
            deadlineCount = Int32(deadlines.count)
        }
        let completed = try object.list(.completedRequestIDs, limit: Limits.completedIDs)
        for i in 0..<completed.count {
            let token = completed.token + 1 + i
            payload.packCompleted(try object.text(at: token, .completedRequestIDs))
        }
        completedCount = try object.integer(.completedCount)
    }

    func write(_ payload: Span<UInt8>, into buffer: inout RecordBuffer) {
        buffer.openObject()
        buffer.field(.workerID, workerID)
        buffer.field(.incarnation, hex: incarnation)
        buffer.field(.count, count)
        buffer.field(.leaderID, leaderID)
        buffer.field(.term, term)
        buffer.field(.leaderOffset, leaderOffset)
        buffer.field(.startedOffset, startedOffset)
        buffer.field(.role, word: role.word)
        buffer.field(.ranking, ranking)
        buffer.field(.slots, slots)
        buffer.field(.workerLeaseMs, workerLeaseMs)
        buffer.field(.killGraceMs, killGraceMs)
        if let stuckOp {
            buffer.name(.stuckOp)
            buffer.write(string: stuckOp)
        }
        if cannotReport { buffer.field(.cannotReport, true) }
        if isLeaving { buffer.field(.leaving, true) }
        if isLeftOut { buffer.field(.leftOut, true) }
        if accepts != AcceptedKeys() { buffer.field(.acceptsKeys, hex: accepts.bits) }
        buffer.field(versions)
        buffer.name(.currentRequestID)
        if let current { buffer.write(string: current) } else { buffer.writeNull() }
        buffer.name(.running)
        buffer.openList()
        for i in 0..<runningCount {
            buffer.separate()
            buffer.write(decimal: Heartbeat.running(payload, i))
        }
        buffer.closeList()
        buffer.name(.runningTimeoutsMs)
        buffer.openList()
        for i in 0..<deadlineCount {
            buffer.separate()
            buffer.write(decimal: Int64(deadlineMs(payload, i)))
        }
        buffer.closeList()
        buffer.name(.completedRequestIDs)
        buffer.openList()
        var next = 8 * Int(runningCount) + 4 * Int(deadlineCount)
        while next < payload.count {
            let end = next + 1 + Int(payload[next])
            buffer.separate()
            buffer.write(string: payload.extracting((next + 1)..<end))
            next = end
        }
        buffer.closeList()
        buffer.field(.completedCount, completedCount)
        buffer.closeObject()
    }
}

extension Role {
    /// A role that this version does not know is a member's: roles are for people.
    fileprivate init(_ object: borrowing JSONObject) throws(Malformed) {
        let word = try object.string(at: object.required(.role), .role)
        for raw in UInt8(0)...3 {
            if let role = Role(rawValue: raw), role.word.bytes.hasSameBytes(as: word) {
                self = role
                return
            }
        }
        self = .member
    }

    /// The role's name on the wire, and for people.
    public var word: StaticString {
        switch self {
        case .leader: "leader"
        case .candidate: "candidate"
        case .voter: "voter"
        case .member: "member"
        }
    }
}
