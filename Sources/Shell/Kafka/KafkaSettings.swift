import Union

/// A key of librdkafka's configuration, and its value.
package struct KafkaSetting {
    package var key: StaticString
    package var value: StaticString

    package init(_ key: StaticString, _ value: StaticString) {
        self.key = key
        self.value = value
    }
}

/// How librdkafka is set. `[kafka]` overrides the defaults; what the union's guarantees stand on is
/// set after it, and refused there.
package enum KafkaSettings {
    /// A board has little memory, a union's records are small, and a broker that comes back must
    /// be found within a lease or two.
    package static var defaults: InlineArray<21, KafkaSetting> {
        [
            KafkaSetting("client.id", "scrap-worker"),
            KafkaSetting("log.queue", "true"),
            KafkaSetting("log.connection.close", "false"),
            KafkaSetting("enable.metrics.push", "false"),
            KafkaSetting("linger.ms", "0"),
            KafkaSetting("socket.nagle.disable", "true"),
            KafkaSetting("socket.keepalive.enable", "true"),
            KafkaSetting("socket.timeout.ms", "6000"),
            KafkaSetting("socket.connection.setup.timeout.ms", "3000"),
            KafkaSetting("reconnect.backoff.max.ms", "1000"),
            KafkaSetting("retry.backoff.ms", "20"),
            KafkaSetting("retry.backoff.max.ms", "500"),
            KafkaSetting("queue.buffering.max.messages", "10000"),
            KafkaSetting("queue.buffering.max.kbytes", "16384"),
            KafkaSetting("check.crcs", "true"),
            KafkaSetting("queued.min.messages", "1000"),
            KafkaSetting("queued.max.messages.kbytes", "1024"),
            KafkaSetting("fetch.message.max.bytes", "262144"),
            KafkaSetting("fetch.max.bytes", "1048576"),
            KafkaSetting("fetch.queue.backoff.ms", "10"),
            KafkaSetting("fetch.error.backoff.ms", "100"),
        ]
    }

    /// What the guarantees need of the handle that writes (design, section 2): what the broker
    /// acknowledged is not lost with one of its machines, and is in the log once.
    package static var writer: InlineArray<3, KafkaSetting> {
        [
            KafkaSetting("acks", "all"),
            KafkaSetting("enable.idempotence", "true"),
            KafkaSetting("allow.auto.create.topics", "false"),
        ]
    }

    /// What the guarantees need of the handle that reads (design, section 2): records are not
    /// passed over silently, and the log's end is seen.
    package static var reader: InlineArray<4, KafkaSetting> {
        [
            KafkaSetting("auto.offset.reset", "error"),
            KafkaSetting("enable.partition.eof", "true"),
            KafkaSetting("enable.auto.commit", "false"),
            KafkaSetting("allow.auto.create.topics", "false"),
        ]
    }

    /// Why this key of `[kafka]` is refused whatever its value is, in words; nil when it is not.
    package static func refusal(of key: Span<UInt8>) -> FixedText<512>? {
        guard isOwned(key) else { return nil }
        var text = FixedText<512>()
        text.put(foreign: key)
        text.put(" is not yours to set: the union's guarantees depend on it")
        return text
    }

    private static func isOwned(_ key: Span<UInt8>) -> Bool {
        key.equals("acks") || key.equals("request.required.acks")
            || key.equals("enable.idempotence") || key.equals("transactional.id")
            || key.equals("message.timeout.ms") || key.equals("delivery.timeout.ms")
            || key.equals("auto.offset.reset") || key.equals("enable.partition.eof")
            || key.equals("enable.auto.commit")
            || key.equals("allow.auto.create.topics") || key.equals("log.queue")
            || key.equals("group.id") || key.equals("enabled_events")
    }

    /// `socket.timeout.ms` of `defaults`.
    private static let patienceMs: Int32 = 6000

    /// How long a record is worth sending: late words are worthless, results must not be lost (0:
    /// for ever), and a user waits for a request. librdkafka's `message.timeout.ms`.
    ///
    /// A lease, but not less than librdkafka's patience with a broker, `socket.timeout.ms`: when a
    /// record's time is over while it is on its way, librdkafka drops the connection, and a broker
    /// that is only slow would be lost.
    package static func messageTimeoutMs(_ topic: Topic, leaseMs: Int32) -> Int32 {
        switch topic {
        case .leader, .election, .heartbeat: max(leaseMs, patienceMs)
        case .results: 0
        case .requests: 30_000
        }
    }
}

// What topics are created with.
extension KafkaSettings {
    /// Hands over the table in the design, section 2.
    package static func forTopic(
        _ topic: Topic, replication: Int32, _ set: (KafkaSetting) -> Void
    ) {
        if replication == 3 { set(KafkaSetting("min.insync.replicas", "2")) }
        // The broker's clock: a board without one of its own that lasts writes as of a date long
        // past, which retention would delete at once, or of one to come, which Kafka 4 refuses.
        set(KafkaSetting("message.timestamp.type", "LogAppendTime"))
        switch topic {
        case .election: set(KafkaSetting("retention.ms", "86400000"))
        case .heartbeat: set(KafkaSetting("retention.ms", "3600000"))
        case .leader:
            set(KafkaSetting("retention.ms", "-1"))
            set(KafkaSetting("retention.bytes", "1073741824"))
        case .results, .requests: break
        }
    }
}
