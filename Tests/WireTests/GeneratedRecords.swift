import Union

@testable import Wire

/// Records of every kind with every field, from a seed.
struct Generator {
    var random: Random

    init(seed: UInt64) { random = Random(seed: seed) }

    mutating func record() throws(Malformed) -> Decoded {
        switch random.below(5) {
        case 0: return candidacy()
        case 1: return try leader()
        case 2: return heartbeat()
        case 3: return try request()
        default: return result()
        }
    }

    mutating func candidacy() -> Decoded {
        Decoded(
            record: .candidacy(
                Candidacy(
                    workerID: id(), incarnation: random.next(), term: number(), ranking: small(),
                    countdown: chance() ? nil : small(), nominee: chance() ? nil : id(),
                    versions: versions())),
            payload: ids())
    }

    mutating func leader() throws(Malformed) -> Decoded {
        var order: Order
        var payload: [UInt8] = []
        switch random.below(8) {
        case 0: order = .claim
        case 1: order = .noop
        case 2: order = .resign
        case 3: (order, payload) = (.addMember(id(), random.next()), ids())
        case 4: (order, payload) = (.removeMember(id()), ids())
        case 5:
            let request = try request()
            guard case .request(let work) = request.record else { fatalError() }
            order = .assign(Assignment(attempt: attempt(), failures: small(), request: work))
            payload = request.payload
        case 6: order = .cancel(attempt(), unlessStarted: chance())
        default:
            order = .checkpoint(
                Checkpoint(
                    requestsNext: number(), resultsNext: number(), resultsRead: number(),
                    firstRequest: Checkpoint.First(
                        offset: number(), digest: random.next() | 1),
                    lastRequest: random.next(), lastResult: random.next(),
                    memberTimeoutMs: timing()))
            payload = openWork(rows: Int(random.below(30)))
        }
        var record = LeaderRecord(
            workerID: id(), incarnation: random.next(), term: number(),
            sentAt: Instant(us: number()), leaseMs: random.below(3_600_001),
            heartbeatOffset: number(), checkpointOffset: chance() ? -1 : number(), order: order)
        if case .claim = order {
            (record.memberTimeoutMs, record.callsBack) = (timing(), chance())
            record.versions = versions()
        }
        return Decoded(record: .leader(record), payload: payload)
    }

    private mutating func versions() -> Versions {
        Versions(newest: 1 + random.below(4), oldest: 1 + random.below(4))
    }

    private mutating func timing() -> Int32? { chance() ? nil : 1 + random.below(Limits.timingMs) }

    mutating func heartbeat() -> Decoded {
        var heartbeat = Heartbeat(workerID: id(), incarnation: random.next())
        heartbeat.count = number()
        heartbeat.leaderID = chance() ? nil : id()
        heartbeat.term = number()
        heartbeat.leaderOffset = number()
        heartbeat.startedOffset = chance() ? nil : number()
        heartbeat.role = Role(rawValue: UInt8(random.below(4)))!
        heartbeat.ranking = small()
        heartbeat.slots = 1 + random.below(Int32(Limits.slots))
        heartbeat.workerLeaseMs = timing()
        heartbeat.stuckOp = chance() ? nil : fixed(text(32, nul: false))
        (heartbeat.cannotReport, heartbeat.isLeftOut) = (chance(), chance())
        heartbeat.isLeaving = chance()
        heartbeat.accepts = AcceptedKeys(bits: random.next())
        heartbeat.versions = versions()
        heartbeat.killGraceMs = chance() ? nil : random.below(Limits.timingMs + 1)
        heartbeat.current = chance() ? nil : fixed(text(64, nul: false))
        heartbeat.runningCount = random.below(65)
        var payload = Payload.Buffer()
        for _ in 0..<heartbeat.runningCount { payload.pack(number()) }
        heartbeat.deadlineCount = min(random.below(9), heartbeat.runningCount)
        for _ in 0..<heartbeat.deadlineCount {
            payload.pack(deadlineMs: 1 + random.below(Limits.timeoutMs))
        }
        for _ in 0..<random.below(5) { payload.packCompleted(fixed(text(64, nul: false))) }
        heartbeat.completedCount = number()
        return Decoded(record: .heartbeat(heartbeat), payload: contents(of: payload))
    }

    mutating func request() throws(Malformed) -> Decoded {
        let work = WorkRequest(
            requestID: fixed(text(64, nul: false)), opCode: fixed([0x6F] + text(31, nul: false)),
            timeoutMs: chance() ? nil : 1 + random.below(86_400_000),
            maxAttempts: 1 + random.below(100))
        var parameters: [(name: [UInt8], value: [UInt8])] = []
        for i in 0..<random.below(17) {
            parameters.append((Array("p\(i)".utf8), text(60, nul: false)))
        }
        return Decoded(
            record: .request(work),
            payload: try requestPayload(
                code: chance() ? nil : text(300, nul: true), parameters,
                requesterID: chance() ? nil : text(64, nul: false),
                signature: chance() ? nil : text(256, nul: false)))
    }

    mutating func result() -> Decoded {
        var result = WorkResult(
            requestID: fixed(text(64, nul: false)), requestOffset: number(),
            workerID: id(), term: number(), attempt: small(),
            status: Status(rawValue: UInt8(random.below(6)))!,
            exitCode: chance() ? nil : Int32(truncatingIfNeeded: random.next()),
            truncated: chance(), durationMs: number(), final: chance())
        result.counts = chance()
        if chance() { result.duplicateOf = number() }
        return Decoded(record: .result(result), payload: text(300, nul: true))
    }

    // MARK: Values

    private mutating func chance() -> Bool { random.below(2) == 0 }
    private mutating func id() -> WorkerID { WorkerID(high: random.next(), low: random.next()) }

    /// 0 ... 2⁵³ - 1, short numbers as often as long ones.
    private mutating func number() -> Int64 {
        Int64(random.next() >> UInt64(11 + random.below(53)))
    }

    private mutating func small() -> Int32 { random.below(1_000_000_001) >> random.below(30) }

    private mutating func attempt() -> Attempt {
        Attempt(requestOffset: number(), attempt: max(small(), 1), workerID: id())
    }

    private mutating func ids() -> [UInt8] {
        var payload = Payload.Buffer()
        for _ in 0..<random.below(20) { payload.pack(id()) }
        return contents(of: payload)
    }

    mutating func openWork(rows: Int) -> [UInt8] {
        var payload = Payload.Buffer()
        for _ in 0..<rows {
            payload.pack(
                OpenWork(
                    requestOffset: number(), attempt: small(), failures: small(),
                    workerID: chance() ? nil : id(), requestKey: random.next(),
                    timeoutMs: chance() ? nil : 1 + small() / 2))
        }
        return contents(of: payload)
    }

    /// UTF-8 of at most `limit` bytes, with characters of each length and what JSON escapes.
    private mutating func text(_ limit: Int, nul: Bool) -> [UInt8] {
        let escaped = "\"\\\u{8}\u{9}\u{A}\u{C}\u{D}\u{1}\u{1F}"
        let alphabet = Array(escaped + "az09 /\u{7F}äπ\u{7FF}€\u{FFFF}😀\u{10FFFF}")
        var bytes: [UInt8] = []
        for _ in 0..<random.below(Int32(limit) / 2 + 1) {
            let index = Int(random.below(Int32(alphabet.count) + (nul ? 1 : 0)))
            let next = index < alphabet.count ? Array(String(alphabet[index]).utf8) : [0]
            if bytes.count + next.count <= limit { bytes += next }
        }
        return bytes
    }
}

// MARK: What a record says

/// Every field of a record, so that two can be compared: the core's types have no equality.
func facts(_ decoded: Decoded) -> [String] {
    var facts: [String] = [String(describing: decoded.record.topic)]
    switch decoded.record {
    case .candidacy(let it):
        facts += ["\(it.workerID)", "\(it.incarnation)", "\(it.term)", "\(it.ranking)"]
        facts += ["\(String(describing: it.countdown))", "\(String(describing: it.nominee))"]
        facts += ["\(it.versions)"]
    case .leader(let it):
        facts += ["\(it.workerID)", "\(it.incarnation)", "\(it.term)", "\(it.sentAt.us)"]
        facts += ["\(it.leaseMs)", "\(it.heartbeatOffset)", "\(it.checkpointOffset)"]
        facts += [String(describing: it.memberTimeoutMs), "\(it.callsBack)", "\(it.versions)"]
        facts += describe(it.order)
    case .heartbeat(let it):
        facts += ["\(it.workerID)", "\(it.incarnation)", "\(it.count)"]
        facts += ["\(String(describing: it.leaderID))", "\(it.term)", "\(it.leaderOffset)"]
        facts += ["\(it.role)", "\(it.ranking)", "\(it.slots)"]
        facts += [it.current.map { string($0) } ?? "none", "\(it.runningCount)"]
        facts += ["\(it.completedCount)", "\(it.deadlineCount)"]
        facts += [String(describing: it.startedOffset), String(describing: it.workerLeaseMs)]
        facts += ["\(String(describing: it.killGraceMs))", it.stuckOp.map { string($0) } ?? "none"]
        facts += ["\(it.cannotReport)", "\(it.isLeftOut)", "\(it.isLeaving)", "\(it.accepts)"]
        facts += ["\(it.versions)"]
    case .request(let it): facts += describe(it)
    case .result(let it):
        facts += [string(it.requestID), "\(it.requestOffset)", "\(it.workerID)", "\(it.term)"]
        facts += ["\(it.attempt)", "\(it.status)", "\(String(describing: it.exitCode))"]
        facts += ["\(it.truncated)", "\(it.durationMs)", "\(it.counts)", "\(it.final)"]
        facts += ["\(it.duplicateOf ?? -1)"]
    }
    return facts + ["\(decoded.payload)"]
}

private func describe(_ order: Order) -> [String] {
    switch order {
    case .assign(let it):
        ["assign", "\(it.attempt)", "\(it.failures)"] + describe(it.request)
    default: ["\(order)"]
    }
}

private func describe(_ it: WorkRequest) -> [String] {
    [
        string(it.requestID), string(it.opCode), String(describing: it.timeoutMs),
        "\(it.maxAttempts)",
    ]
}
