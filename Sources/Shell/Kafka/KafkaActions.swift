import Union

/// What a handle is to do.
package enum KafkaAction: Equatable {
    /// What a topic's reading wants: start or stop, or ask for its bounds.
    case reading(Topic, TopicReading.Action)
    /// Ask whether the topics exist. Answered twice, with this number.
    case describeTopics(look: UInt)
    /// Ask how many brokers there are.
    case describeCluster
    /// Create these topics.
    case createTopics(PerTopic<Bool>, replication: Int32)
    /// Take a new handle to write with; what the old one had is given up and reported.
    case replaceWriter
    /// Take a new handle to read and ask with.
    case replaceReader
}

/// What is to be done, in this order, before anything else happens.
package struct KafkaActions {
    private var actions = FixedArray<16, KafkaAction>(filler: .describeCluster)

    /// Traps when nobody carries out what is wanted: a tick wants two for each topic, and three.
    mutating func add(_ action: KafkaAction) {
        precondition(actions.append(action), "KafkaActions: not carried out")
    }

    package mutating func next() -> KafkaAction? {
        guard !actions.isEmpty else { return nil }
        let first = actions[0]
        actions.remove(at: 0)
        return first
    }
}

/// Why a broker, or librdkafka, did not do something.
package struct KafkaFailure {
    /// What makes a difference here.
    package enum Kind {
        /// The offset to be read is not in the log.
        case outOfRange
        case unknownTopic
        case topicExists
        /// A record that is too large, or against a policy.
        case recordRefused
        /// No broker answers, and librdkafka's log says why.
        case unreachable
        /// No broker at all can be reached.
        case allBrokersDown
        case other
    }

    package var kind: Kind
    /// librdkafka's words for it.
    package var words: Argument

    package init(_ kind: Kind, _ words: Argument) {
        self.kind = kind
        self.words = words
    }
}

extension KafkaFailure: Equatable {
    package static func == (a: KafkaFailure, b: KafkaFailure) -> Bool {
        a.kind == b.kind && a.words.bytes.equals(b.words.bytes)
    }
}

/// What the broker says of a topic.
package enum TopicFinding {
    case absent
    case present(partitions: Int)
    case failed(KafkaFailure)
}
