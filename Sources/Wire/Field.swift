import Union

/// Every field name on the wire; what a field means is said at the record's own declaration.
/// `worker_id`, `incarnation` and `term` are common to several kinds of record.
enum Field: UInt8 {
    case workerID, incarnation, term

    // Of claims, heartbeats and candidacies.
    case protocolNumber, reads

    // Candidacy, on `election`.
    case ranking, votesReceived, acceptanceCountdown, nominee

    // LeaderRecord, on `leader`.
    case opCode, metadata, unionMembers, memberID, memberIncarnation, workRequest
    case sentUs, leaseMs, heartbeatOffset, checkpointOffset, memberTimeoutMs, callsBack
    case acceptsKeys
    case requestOffset, attempt, failures, unlessStarted
    case requestsNext, resultsNext, resultsRead, firstOffset, firstRequest, lastRequest, lastResult
    case unfinished

    // Heartbeat, on `heartbeat`.
    case count, leaderID, leaderOffset, startedOffset, role, slots
    case workerLeaseMs, killGraceMs, stuckOp, cannotReport, leaving, leftOut
    case currentRequestID, running, runningTimeoutsMs, completedRequestIDs, completedCount

    // WorkRequest, on `requests` and in ASSIGN_WORK_REQUEST.
    case requestID, code, parameters, requesterID, signature, timeoutMs, maxAttempts

    // WorkResult, on `results`.
    case status, exitCode, output, truncated, durationMs, counts, cannotStart, final, duplicateOf

    static let all = Int(Field.duplicateOf.rawValue) + 1

    var name: StaticString {
        switch self {
        case .workerID: "worker_id"
        case .incarnation: "incarnation"
        case .term: "term"
        case .protocolNumber: "protocol"
        case .reads: "reads"
        case .ranking: "ranking"
        case .votesReceived: "votes_received"
        case .acceptanceCountdown: "acceptance_countdown"
        case .nominee: "withdrawn_and_nominating_worker_id"
        case .opCode: "op_code"
        case .metadata: "metadata"
        case .unionMembers: "union_members"
        case .memberID: "member_id"
        case .memberIncarnation: "member_incarnation"
        case .workRequest: "work_request"
        case .sentUs: "sent_us"
        case .leaseMs: "lease_ms"
        case .heartbeatOffset: "heartbeat_offset"
        case .checkpointOffset: "checkpoint_offset"
        case .memberTimeoutMs: "member_timeout_ms"
        case .callsBack: "calls_back"
        case .acceptsKeys: "accepts_keys"
        case .requestOffset: "request_offset"
        case .attempt: "attempt"
        case .failures: "failures"
        case .unlessStarted: "unless_started"
        case .requestsNext: "requests_next"
        case .resultsNext: "results_next"
        case .resultsRead: "results_read"
        case .firstOffset: "first_offset"
        case .firstRequest: "first_request"
        case .lastRequest: "last_request"
        case .lastResult: "last_result"
        case .unfinished: "unfinished"
        case .count: "count"
        case .leaderID: "leader_id"
        case .leaderOffset: "leader_offset"
        case .startedOffset: "started_offset"
        case .role: "role"
        case .slots: "slots"
        case .workerLeaseMs: "worker_lease_ms"
        case .killGraceMs: "kill_grace_ms"
        case .stuckOp: "stuck_op_code"
        case .cannotReport: "cannot_report"
        case .leaving: "leaving"
        case .leftOut: "left_out"
        case .currentRequestID: "current_work_request_id"
        case .running: "running"
        case .runningTimeoutsMs: "running_timeouts_ms"
        case .completedRequestIDs: "completed_work_request_ids"
        case .completedCount: "completed_count"
        case .requestID: "request_id"
        case .code: "code"
        case .parameters: "parameters"
        case .requesterID: "requester_id"
        case .signature: "signature"
        case .timeoutMs: "timeout_ms"
        case .maxAttempts: "max_attempts"
        case .status: "status"
        case .exitCode: "exit_code"
        case .output: "output"
        case .truncated: "truncated"
        case .durationMs: "duration_ms"
        case .counts: "counts"
        case .cannotStart: "cannot_start"
        case .final: "final"
        case .duplicateOf: "duplicate_of"
        }
    }
}

/// Finds a field by its name: an open hash table, so that a key costs one comparison.
struct FieldTable {
    /// A field's raw value + 1; 0 is a free place.
    private var places = InlineArray<128, UInt8>(repeating: 0)

    init() {
        for raw in 0..<UInt8(Field.all) {
            guard let field = Field(rawValue: raw) else { continue }
            var place = Self.hash(field.name.bytes)
            while places[place] != 0 { place = (place + 1) % places.count }
            places[place] = raw + 1
        }
    }

    /// The field called `name`, or nil.
    func field(_ name: Span<UInt8>) -> Field? {
        guard !name.isEmpty else { return nil }
        var place = Self.hash(name)
        while places[place] != 0 {
            guard let field = Field(rawValue: places[place] - 1) else { return nil }
            if field.name.bytes.hasSameBytes(as: name) { return field }
            place = (place + 1) % places.count
        }
        return nil
    }

    /// Of a name that is not empty. Length, first, middle and last byte tell the names apart.
    private static func hash(_ name: Span<UInt8>) -> Int {
        let ends = Int(name[0]) &* 7 &+ Int(name[name.count - 1]) &* 31
        return (name.count &+ ends &+ Int(name[name.count / 2]) &* 5) % 128
    }
}

extension Span where Element == UInt8 {
    func hasSameBytes(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for i in 0..<count where self[i] != other[i] { return false }
        return true
    }
}
