import Union

/// The sections of a configuration, in the order of the example file.
package enum ConfigSection: UInt8, Worded {
    case worker, union, timing, kafka, op, leds, log

    package var word: StaticString {
        switch self {
        case .worker: "worker"
        case .union: "union"
        case .timing: "timing"
        case .kafka: "kafka"
        case .op: "op"
        case .leds: "leds"
        case .log: "log"
        }
    }
}

/// Every key but those of `[kafka]`, which are librdkafka's own; grouped by what becomes of its
/// value. A new key is a new case of its group, and the compiler names every place that it needs.
package enum ConfigKey: Equatable {
    case number(NumberKey)
    case word(WordKey)
    case op(OpKey)
    /// Where an LED is.
    case lamp(Lamp)

    package var section: ConfigSection {
        switch self {
        case .number(let key): key.section
        case .word(let key): key.section
        case .op: .op
        case .lamp: .leds
        }
    }

    package var word: StaticString {
        switch self {
        case .number(let key): key.word
        case .word(let key): key.word
        case .op(let key): key.word
        case .lamp(let lamp): lamp.word
        }
    }

    package static var all: IteratorSequence<All> { IteratorSequence(All()) }

    /// Every key, group by group.
    package struct All: IteratorProtocol {
        private var words = WordKey.all
        private var numbers = NumberKey.all
        private var ops = OpKey.all
        private var lamps = Lamp.all

        package mutating func next() -> ConfigKey? {
            if let key = words.next() { return .word(key) }
            if let key = numbers.next() { return .number(key) }
            if let key = ops.next() { return .op(key) }
            if let lamp = lamps.next() { return .lamp(lamp) }
            return nil
        }
    }
}

/// A number in `Settings`.
package enum NumberKey: UInt8, Worded {
    case ranking, slots
    case announceMs, leaseMs, leaderTimeoutMs, heartbeatMs, memberTimeoutMs, workerLeaseMs
    case killGraceMs, ackTimeoutMs, countdownStart, countdownDelayMs, campaignTtlMs

    package var section: ConfigSection {
        switch self {
        case .ranking, .slots: .worker
        case .announceMs, .leaseMs, .leaderTimeoutMs, .heartbeatMs, .memberTimeoutMs,
            .workerLeaseMs, .killGraceMs, .ackTimeoutMs, .countdownStart, .countdownDelayMs,
            .campaignTtlMs:
            .timing
        }
    }

    package var word: StaticString {
        switch self {
        case .ranking: "ranking"
        case .slots: "slots"
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
        }
    }

    /// The whole numbers that it takes.
    package var range: ClosedRange<Int32> {
        switch self {
        case .ranking: 0...Limits.ranking
        case .slots: 1...Int32(Limits.slots)
        case .countdownStart: 0...Limits.countdown
        case .countdownDelayMs, .killGraceMs: 0...Limits.timingMs
        case .leaseMs: 1...Limits.leaseMs
        case .announceMs, .leaderTimeoutMs, .heartbeatMs, .memberTimeoutMs, .workerLeaseMs,
            .ackTimeoutMs, .campaignTtlMs:
            1...Limits.timingMs
        }
    }
}

extension Settings {
    /// Sets the number that `key` configures.
    mutating func set(_ key: NumberKey, _ value: Int32) {
        switch key {
        case .ranking: ranking = value
        case .slots: slots = value
        case .announceMs: announceMs = value
        case .leaseMs: leaseMs = value
        case .leaderTimeoutMs: leaderTimeoutMs = value
        case .heartbeatMs: heartbeatMs = value
        case .memberTimeoutMs: memberTimeoutMs = value
        case .workerLeaseMs: workerLeaseMs = value
        case .killGraceMs: killGraceMs = value
        case .ackTimeoutMs: ackTimeoutMs = value
        case .countdownStart: countdownStart = value
        case .countdownDelayMs: countdownDelayMs = value
        case .campaignTtlMs: campaignTtlMs = value
        }
    }
}

/// A value of a form of its own.
package enum WordKey: UInt8, Worded {
    case id, topicPrefix, pace
    case keyFile, keyStep, previousKeyFile
    case driver, activeLow
    case level

    package var section: ConfigSection {
        switch self {
        case .id, .topicPrefix, .pace: .worker
        case .keyFile, .keyStep, .previousKeyFile: .union
        case .driver, .activeLow: .leds
        case .level: .log
        }
    }

    package var word: StaticString {
        switch self {
        case .id: "id"
        case .topicPrefix: "topic_prefix"
        case .pace: "pace"
        case .keyFile: "key_file"
        case .keyStep: "key_step"
        case .previousKeyFile: "previous_key_file"
        case .driver: "driver"
        case .activeLow: "active_low"
        case .level: "level"
        }
    }
}

/// What `[op.NAME]` says of an op.
package enum OpKey: UInt8, Worded {
    case exec, timeoutMs

    package var word: StaticString {
        switch self {
        case .exec: "exec"
        case .timeoutMs: "timeout_ms"
        }
    }
}

// By name.
extension ConfigKey {
    /// The key called `name` in `section`.
    package static func find(_ name: Span<UInt8>, in section: ConfigSection) -> ConfigKey? {
        for key in all where key.section == section && name.equals(key.word) { return key }
        return nil
    }

    /// The key of `section` that someone who wrote `name` may have meant.
    package static func nearest(
        to name: Span<UInt8>, in section: ConfigSection
    ) -> StaticString? {
        var nearest = Nearest(to: name)
        for key in all where key.section == section { nearest.consider(key.word, like: name) }
        return nearest.word
    }
}

extension ConfigSection {
    /// What someone who wrote `name` may have meant.
    package static func nearest(to name: Span<UInt8>) -> StaticString? {
        var nearest = Nearest(to: name)
        for section in all { nearest.consider(section.word, like: name) }
        return nearest.word
    }
}

/// The likest of some words; none, when all are too far away.
private struct Nearest {
    private(set) var word: StaticString?
    /// A word must not be further away: a third of the letters, or one.
    private var limit: Int

    init(to name: Span<UInt8>) { limit = max(1, name.count / 3) }

    mutating func consider(_ candidate: StaticString, like name: Span<UInt8>) {
        let distance = editDistance(name, candidate.bytes)
        if distance <= limit { (limit, word) = (distance - 1, candidate) }
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
