import CLinux
import CRdkafka
import Shell
import Union

/// Sees to it that the five topics exist with one partition each (design, section 2): looks,
/// creates what is missing, and looks again. The broker may be unreachable for as long as it
/// likes, and may lose its topics later.
struct TopicSetup {
    private enum Stage {
        case due(Instant)
        case waiting
        case ready
    }

    private static let retryMs: Int32 = 200
    /// Between two looks that found a topic missing where it could not be created.
    private static let patienceMs: Int32 = 2000

    private var stage = Stage.due(Instant(us: .min))
    /// Counts the looks, and the answers to the last one that are still to come: the first good
    /// one is enough.
    private var look: UInt = 0
    private var answersLeft = 0
    /// A bit for each topic that the last look did not find.
    private var missing: UInt8 = 0
    /// What creating them failed with.
    private var refusal = RD_KAFKA_RESP_ERR_NO_ERROR
    private var readyAt: Instant?
    /// Topics that were there are gone. They are made again through fresh handles only (see
    /// `Connection`), with a fresh setup.
    private(set) var hasLostTopics = false
    private var complaints = RateLimit(everyMs: 5000)

    var isReady: Bool { if case .ready = stage { true } else { false } }

    var deadline: Instant { if case .due(let when) = stage { when } else { .never } }

    /// Something points at a topic that is gone, or at a broker that is: look again.
    mutating func checkAgain() {
        if isReady, let readyAt { stage = .due(readyAt + 500) }
    }

    /// Looks, when it is time to.
    mutating func tick(at now: Instant, _ reader: borrowing KafkaReader) {
        guard deadline <= now else { return }
        stage = .waiting
        look += 1
        answersLeft = KafkaReader.describers
        reader.describeTopics(opaque: look)
    }

    /// Takes an admin request's answer, and goes on. Text: what people should know.
    mutating func answer(
        _ event: borrowing KafkaEvent, _ names: TopicNames, _ reader: borrowing KafkaReader,
        at now: Instant, words: inout FixedText<512>
    ) -> KafkaLog.Event? {
        switch event.type {
        case RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT:
            return onDescribed(event, names, reader, at: now, words: &words)
        case RD_KAFKA_EVENT_DESCRIBECLUSTER_RESULT:
            if let brokers = event.brokerCount(), brokers > 0 {
                reader.createTopics(missing, replication: Int32(min(3, brokers)))
            } else {
                refusal = event.code
                stage = .due(now + Self.retryMs)
            }
        case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
            refusal = event.code
            event.createdTopics(names) { _, code in
                let isThere =
                    code == RD_KAFKA_RESP_ERR_NO_ERROR
                    || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS
                if !isThere { refusal = code }
            }
            stage = .due(refusal == RD_KAFKA_RESP_ERR_NO_ERROR ? now : now + Self.retryMs)
        default: break
        }
        return nil
    }

    private mutating func onDescribed(
        _ event: borrowing KafkaEvent, _ names: TopicNames, _ reader: borrowing KafkaReader,
        at now: Instant, words: inout FixedText<512>
    ) -> KafkaLog.Event? {
        guard event.opaque == look && answersLeft > 0 else { return nil }
        answersLeft -= 1
        guard event.code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            guard answersLeft == 0 else { return nil }
            stage = .due(now + Self.retryMs)
            // librdkafka has said why no broker can be reached.
            let isUnreachable =
                event.code == RD_KAFKA_RESP_ERR__TIMED_OUT
                || event.code == RD_KAFKA_RESP_ERR__TRANSPORT
            return isUnreachable ? nil : say(nil, event.code, names, at: now, words: &words)
        }
        answersLeft = 0
        missing = 0
        var unfit: (topic: Topic, partitions: Int)?
        var failed: (topic: Topic, code: rd_kafka_resp_err_t)?
        event.describedTopics(names) { topic, code, partitions in
            switch code {
            case RD_KAFKA_RESP_ERR_NO_ERROR: if partitions > 1 { unfit = (topic, partitions) }
            case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: missing |= 1 << topic.rawValue
            default: failed = (topic, code)
            }
        }
        if let unfit { return refuse(unfit.topic, unfit.partitions, names, words: &words) }
        if let failed {
            stage = .due(now + Self.retryMs)
            return say(failed.topic, failed.code, names, at: now, words: &words)
        }
        if missing == 0 {
            stage = .ready
            readyAt = now
            refusal = RD_KAFKA_RESP_ERR_NO_ERROR
            return .topicsReady
        }
        return create(reader, names, at: now, words: &words)
    }

    /// Topics are missing: creates them, unless the broker refused that a moment ago.
    private mutating func create(
        _ reader: borrowing KafkaReader, _ names: TopicNames, at now: Instant,
        words: inout FixedText<512>
    ) -> KafkaLog.Event? {
        guard readyAt == nil else {
            hasLostTopics = true
            stage = .waiting
            return nil
        }
        guard refusal != RD_KAFKA_RESP_ERR_NO_ERROR else {
            reader.describeCluster()
            return nil
        }
        let topic = Topic(rawValue: UInt8(missing.trailingZeroBitCount))!
        let event = say(topic, refusal, names, at: now, words: &words)
        refusal = RD_KAFKA_RESP_ERR_NO_ERROR
        stage = .due(now + Self.patienceMs)
        return event
    }

    private mutating func say(
        _ topic: Topic?, _ code: rd_kafka_resp_err_t, _ names: TopicNames, at now: Instant,
        words: inout FixedText<512>
    ) -> KafkaLog.Event? {
        guard complaints.allows(at: now) else { return nil }
        words.removeAll()
        if let topic {
            words.put("topic ")
            unsafe words.put(cString: names[topic])
            words.put(
                missing == 0
                    ? ": "
                    : " does not exist; create it with one partition, for the broker refused to: ")
        } else {
            words.put("cannot look at the topics: ")
        }
        if let text = unsafe rd_kafka_err2str(code) { unsafe words.put(cString: text) }
        return .line(level: LOG_ERR)
    }

    private func refuse(
        _ topic: Topic, _ partitions: Int, _ names: TopicNames, words: inout FixedText<512>
    ) -> KafkaLog.Event {
        words.removeAll()
        words.put("topic ")
        unsafe words.put(cString: names[topic])
        words.put(" has ")
        words.put(partitions)
        words.put(
            """
             partitions, a union needs exactly 1: delete it and create it with one partition, or \
            choose another topic_prefix
            """)
        return .unfit(topic)
    }
}
