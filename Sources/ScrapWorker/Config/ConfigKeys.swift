import Union

/// The sections of a configuration, in the order of the example file.
enum ConfigSection: UInt8 {
    case worker, timing, kafka, op, leds, log

    static let count: UInt8 = 6

    var name: StaticString {
        switch self {
        case .worker: "worker"
        case .timing: "timing"
        case .kafka: "kafka"
        case .op: "op"
        case .leds: "leds"
        case .log: "log"
        }
    }
}

/// Every key but those of `[kafka]`, which are librdkafka's own.
enum ConfigKey: UInt8 {
    case id, ranking, slots, topicPrefix, pace
    case announceMs, leaseMs, leaderTimeoutMs, heartbeatMs, memberTimeoutMs, workerLeaseMs
    case killGraceMs, ackTimeoutMs, countdownStart, countdownDelayMs, campaignTtlMs
    case exec, timeoutMs
    case driver, leader, candidate, voter, member, work, activeLow
    case level

    static let count: UInt8 = 26

    var section: ConfigSection {
        switch self {
        case .id, .ranking, .slots, .topicPrefix, .pace: .worker
        case .exec, .timeoutMs: .op
        case .driver, .leader, .candidate, .voter, .member, .work, .activeLow: .leds
        case .level: .log
        default: .timing
        }
    }

    var name: StaticString {
        switch self {
        case .id: "id"
        case .ranking: "ranking"
        case .slots: "slots"
        case .topicPrefix: "topic_prefix"
        case .pace: "pace"
        case .announceMs: "announce_ms"
        case .leaseMs: "lease_ms"
        case .leaderTimeoutMs: "leader_timeout_ms"
        case .heartbeatMs: "heartbeat_ms"
        case .memberTimeoutMs: "member_timeout_ms"
        case .workerLeaseMs: "worker_lease_ms"
        case .killGraceMs: "kill_grace_ms"
        case .ackTimeoutMs: "ack_timeout_ms"
        case .countdownStart: "countdown_start"
        case .countdownDelayMs: "countdown_delay_ms"
        case .campaignTtlMs: "campaign_ttl_ms"
        case .exec: "exec"
        case .timeoutMs: "timeout_ms"
        case .driver: "driver"
        case .leader: "leader"
        case .candidate: "candidate"
        case .voter: "voter"
        case .member: "member"
        case .work: "work"
        case .activeLow: "active_low"
        case .level: "level"
        }
    }

    /// The whole numbers that the key takes; nil when it takes something else.
    var range: ClosedRange<Int64>? {
        switch self {
        case .ranking: 0...1_000_000
        case .slots: 1...Int64(Limits.slots)
        case .countdownStart: 0...100
        case .countdownDelayMs, .killGraceMs: 0...3_600_000
        case .timeoutMs: 1...86_400_000
        default: section == .timing ? 1...3_600_000 : nil
        }
    }

    /// The key called `name` in `section`.
    static func find(_ name: Span<UInt8>, in section: ConfigSection) -> ConfigKey? {
        for i in 0..<count {
            let key = ConfigKey(rawValue: i)!
            if key.section == section && name.equals(key.name) { return key }
        }
        return nil
    }
}

extension ConfigSection {
    static func find(_ name: Span<UInt8>) -> ConfigSection? {
        for i in 0..<count where name.equals(ConfigSection(rawValue: i)!.name) {
            return ConfigSection(rawValue: i)
        }
        return nil
    }

    /// What someone who wrote `name` may have meant.
    static func nearest(to name: Span<UInt8>) -> StaticString? {
        var best: StaticString?
        var least = max(1, name.count / 3)
        for i in 0..<count {
            let candidate = ConfigSection(rawValue: i)!.name
            let distance = editDistance(name, candidate.bytes)
            if distance <= least { (least, best) = (distance - 1, candidate) }
        }
        return best
    }

    /// The key of this section that someone who wrote `name` may have meant.
    func nearestKey(to name: Span<UInt8>) -> StaticString? {
        var best: StaticString?
        var least = max(1, name.count / 3)
        for i in 0..<ConfigKey.count where ConfigKey(rawValue: i)!.section == self {
            let candidate = ConfigKey(rawValue: i)!.name
            let distance = editDistance(name, candidate.bytes)
            if distance <= least { (least, best) = (distance - 1, candidate) }
        }
        return best
    }
}

/// Letters to insert, delete or replace to make `a` into `b` (Levenshtein); texts longer than 32
/// bytes count as unlike anything.
func editDistance(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Int {
    guard a.count <= 32 && b.count <= 32 else { return 32 }
    var row = InlineArray<33, Int>(repeating: 0)
    for j in 0...b.count { row[j] = j }
    for i in a.indices {
        var diagonal = row[0]
        row[0] = i + 1
        for j in b.indices {
            let replaced = diagonal + (a[i] == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, min(row[j], row[j + 1]) + 1)
        }
    }
    return row[b.count]
}
