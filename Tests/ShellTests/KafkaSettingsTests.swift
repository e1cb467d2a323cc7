import Testing
import Union

@testable import Shell

private func pairs<let n: Int>(_ settings: InlineArray<n, KafkaSetting>) -> [String] {
    settings.indices.map { "\(settings[$0].key)=\(settings[$0].value)" }
}

private func refusal(of key: String) -> String? {
    key.lend { KafkaSettings.refusal(of: $0) }.map { string($0) }
}

@Suite("How librdkafka is set")
struct KafkaSettingsTests {
    @Test("the writer waits for all replicas, writes once, and creates no topic")
    func writer() {
        #expect(
            pairs(KafkaSettings.writer) == [
                "acks=all", "enable.idempotence=true", "allow.auto.create.topics=false",
            ])
    }

    @Test("the reader passes nothing over, sees the end, commits nothing and creates no topic")
    func reader() {
        #expect(
            pairs(KafkaSettings.reader) == [
                "auto.offset.reset=error", "enable.partition.eof=true", "enable.auto.commit=false",
                "allow.auto.create.topics=false",
            ])
    }

    @Test("what writer and reader are set to is nobody else's to set, and is told so")
    func owned() {
        let settings =
            KafkaSettings.writer.indices.map { KafkaSettings.writer[$0].key }
            + KafkaSettings.reader.indices.map { KafkaSettings.reader[$0].key }
        for key in settings.map({ string($0) }) {
            #expect(
                refusal(of: key)
                    == "\(key) is not yours to set: the union's guarantees depend on it")
        }
    }

    @Test(
        "other names of the same, and what would make librdkafka another client, are refused",
        arguments: [
            "request.required.acks", "transactional.id", "message.timeout.ms",
            "delivery.timeout.ms", "log.queue", "group.id", "enabled_events",
        ])
    func aliases(_ key: String) { #expect(refusal(of: key) != nil) }

    @Test("the defaults are there to be overridden, but for the queue of log lines")
    func defaults() {
        let keys = KafkaSettings.defaults.indices.map { string(KafkaSettings.defaults[$0].key) }
        #expect(Set(keys).count == keys.count)
        #expect(keys.filter { refusal(of: $0) != nil } == ["log.queue"])
        #expect(refusal(of: "bootstrap.servers") == nil && refusal(of: "acks.") == nil)
    }

    @Test("a word is sent for a lease, but not less than the socket waits; a result for ever")
    func timeouts() {
        for topic in [Topic.leader, .election, .heartbeat] {
            #expect(KafkaSettings.messageTimeoutMs(topic, leaseMs: 15_000) == 15_000)
            // A record that is given up earlier takes the connection with it.
            let patience = KafkaSettings.defaults.indices.map { KafkaSettings.defaults[$0] }
                .first { string($0.key) == "socket.timeout.ms" }.map { string($0.value) }
            #expect("\(KafkaSettings.messageTimeoutMs(topic, leaseMs: 300))" == patience)
        }
        #expect(KafkaSettings.messageTimeoutMs(.results, leaseMs: 1500) == 0)
        #expect(KafkaSettings.messageTimeoutMs(.requests, leaseMs: 1500) == 30_000)
    }

    @Test("topics are created with the broker's clock, and kept as the design says")
    func topics() {
        func settings(_ topic: Topic, _ replication: Int32) -> [String] {
            var settings: [String] = []
            KafkaSettings.forTopic(topic, replication: replication) {
                settings.append("\($0.key)=\($0.value)")
            }
            return settings
        }
        let clock = "message.timestamp.type=LogAppendTime"
        #expect(settings(.requests, 1) == [clock])
        #expect(settings(.results, 2) == [clock])
        #expect(settings(.results, 3) == ["min.insync.replicas=2", clock])
        #expect(settings(.election, 1) == [clock, "retention.ms=86400000"])
        #expect(settings(.heartbeat, 1) == [clock, "retention.ms=3600000"])
        #expect(
            settings(.leader, 1) == [clock, "retention.ms=-1", "retention.bytes=1073741824"])
    }

    @Test("a topic is known by its full name")
    func names() {
        let names = TopicNames(Config())
        #expect(string(names[.heartbeat].bytes) == "scrapworkerunion-1-heartbeat")
        for topic in Topic.all {
            #expect(names.topic(named: names[topic].bytes) == topic)
        }
        #expect("scrapworkerunion-1-leade".lend { names.topic(named: $0) } == nil)
    }

    @Test("a host in .local is seen, wherever it stands in the list of brokers")
    func localNames() {
        for list in ["pi.local", "pi.local:9092", "a:1,pi.local:9092", "pi.local,a:1"] {
            #expect(list.lend { $0.hasLocalName })
        }
        for list in ["", "pi:9092", "pi.localdomain:9092", "pi.local.example:9092", "local:9092"] {
            #expect(!list.lend { $0.hasLocalName })
        }
    }
}
