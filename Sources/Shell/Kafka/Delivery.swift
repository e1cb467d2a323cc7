import Union

/// What librdkafka reports of a record that was handed to it.
package struct Delivery: Equatable {
    package enum Outcome: Equatable {
        /// The broker has it at this offset.
        case delivered(Offset)
        /// It was given up: the broker does not know the topic.
        case unknownTopic
        /// It was given up. It may still appear in the log.
        case undelivered
        /// The broker does not take it as it is: it is too large, or against a policy.
        case refused
    }

    /// What the record was written with; 0 asks for no report.
    package var tag: UInt
    package var outcome: Outcome

    package init(tag: UInt, _ outcome: Outcome) {
        self.tag = tag
        self.outcome = outcome
    }

    /// What its writer is told.
    package var event: KafkaSession.Event? {
        guard tag != 0 else { return nil }
        return switch outcome {
        case .delivered(let offset): .delivered(tag: tag, offset)
        case .unknownTopic, .undelivered: .undelivered(tag: tag)
        case .refused: .refused(tag: tag)
        }
    }
}
