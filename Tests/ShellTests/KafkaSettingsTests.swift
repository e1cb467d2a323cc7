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

    @Test("a word is sent for a lease or a second, a request for half a minute, a result for ever")
    func timeouts() {
        for topic in [Topic.leader, .election, .heartbeat] {
            #expect(KafkaSettings.messageTimeoutMs(topic, leaseMs: 1500) == 1500)
            #expect(KafkaSettings.messageTimeoutMs(topic, leaseMs: 300) == 1000)
        }
        #expect(KafkaSettings.messageTimeoutMs(.results, leaseMs: 1500) == 0)
        #expect(KafkaSettings.messageTimeoutMs(.requests, leaseMs: 1500) == 30_000)
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
