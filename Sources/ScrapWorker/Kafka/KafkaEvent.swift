import CLinux
import CRdkafka
import Shell
import Union

/// What librdkafka put on one of its queues: rd_kafka_event_t, destroyed with its owner.
@safe
struct KafkaEvent: ~Copyable {
    private let event: OpaquePointer

    @unsafe
    init?(_ event: OpaquePointer?) {
        guard let event = unsafe event else { return nil }
        unsafe self.event = event
    }

    deinit { unsafe rd_kafka_event_destroy(event) }

    var type: Int32 { unsafe rd_kafka_event_type(event) }

    var code: rd_kafka_resp_err_t { unsafe rd_kafka_event_error(event) }

    /// The number that an admin request was sent with.
    var opaque: UInt { unsafe UInt(bitPattern: rd_kafka_event_opaque(event)) }

    /// The error's words.
    var words: FixedText<512> {
        var text = FixedText<512>()
        if let words = unsafe rd_kafka_event_error_string(event) {
            unsafe text.put(cString: words)
        }
        return text
    }

    /// The next delivery report of a RD_KAFKA_EVENT_DR: rd_kafka_event_message_next(3).
    mutating func nextReport() -> Delivery? {
        guard let message = unsafe rd_kafka_event_message_next(event) else { return nil }
        let outcome: Delivery.Outcome =
            switch unsafe message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR: .delivered(unsafe message.pointee.offset)
            case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: .unknownTopic
            default: .undelivered
            }
        return Delivery(tag: unsafe UInt(bitPattern: message.pointee._private), outcome)
    }

    /// A line of librdkafka's log, and its syslog level: rd_kafka_event_log(3). Nil for what is
    /// no news: `[kafka]` goes to both handles, and each warns of the other's keys.
    func logLine(into text: inout FixedText<512>) -> (level: Int32, isFailure: Bool)? {
        var facility: UnsafePointer<CChar>?
        var words: UnsafePointer<CChar>?
        var level: Int32 = 0
        guard unsafe rd_kafka_event_log(event, &facility, &words, &level) == 0,
            let facility = unsafe facility, let words = unsafe words
        else { return nil }
        if unsafe strcmp(facility, Argument("CONFWARN").cString) == 0,
            unsafe strstr(words, Argument("will be ignored by").cString) != nil
        {
            return nil
        }
        text.removeAll()
        unsafe text.put(cString: words)
        if unsafe strstr(words, Argument("Failed to resolve").cString) != nil,
            unsafe strstr(words, Argument(".local:").cString) != nil
        {
            text.put(" ")
            text.put(localNamesAdvice)
        }
        return (level, unsafe strcmp(facility, Argument("FAIL").cString) == 0)
    }

    /// The offset in a RD_KAFKA_EVENT_LISTOFFSETS_RESULT about one partition.
    func listedOffset() -> Offset? {
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR,
            let result = unsafe rd_kafka_event_ListOffsets_result(event)
        else { return nil }
        var count = 0
        let infos = unsafe rd_kafka_ListOffsets_result_infos(result, &count)
        guard count == 1, let info = unsafe infos?[0],
            let answer = unsafe rd_kafka_ListOffsetsResultInfo_topic_partition(info)
        else { return nil }
        let isGood = unsafe answer.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR
        return unsafe isGood && answer.pointee.offset >= 0 ? answer.pointee.offset : nil
    }

    /// How many brokers a RD_KAFKA_EVENT_DESCRIBECLUSTER_RESULT names.
    func brokerCount() -> Int? {
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR,
            let result = unsafe rd_kafka_event_DescribeCluster_result(event)
        else { return nil }
        var count = 0
        _ = unsafe rd_kafka_DescribeCluster_result_nodes(result, &count)
        return count
    }

    /// Hands over what a RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT says of each topic: its error, and
    /// how many partitions it has.
    func describedTopics(
        _ names: TopicNames, _ body: (Topic, rd_kafka_resp_err_t, Int) -> Void
    ) {
        guard let result = unsafe rd_kafka_event_DescribeTopics_result(event) else { return }
        var count = 0
        let topics = unsafe rd_kafka_DescribeTopics_result_topics(result, &count)
        for i in 0..<count {
            guard let description = unsafe topics?[i],
                let name = unsafe rd_kafka_TopicDescription_name(description),
                let topic = unsafe names.topic(named: name)
            else { continue }
            var partitions = 0
            _ = unsafe rd_kafka_TopicDescription_partitions(description, &partitions)
            let error = unsafe rd_kafka_error_code(rd_kafka_TopicDescription_error(description))
            body(topic, error, partitions)
        }
    }

    /// Hands over what a RD_KAFKA_EVENT_CREATETOPICS_RESULT says of each topic.
    func createdTopics(_ names: TopicNames, _ body: (Topic, rd_kafka_resp_err_t) -> Void) {
        guard let result = unsafe rd_kafka_event_CreateTopics_result(event) else { return }
        var count = 0
        let topics = unsafe rd_kafka_CreateTopics_result_topics(result, &count)
        for i in 0..<count {
            guard let outcome = unsafe topics?[i],
                let name = unsafe rd_kafka_topic_result_name(outcome),
                let topic = unsafe names.topic(named: name)
            else { continue }
            body(topic, unsafe rd_kafka_topic_result_error(outcome))
        }
    }
}

/// A record as it was read: rd_kafka_message_t, destroyed with its owner.
@safe
struct Message: ~Copyable {
    private let message: UnsafeMutablePointer<rd_kafka_message_t>

    @unsafe
    init?(_ message: UnsafeMutablePointer<rd_kafka_message_t>?) {
        guard let message = unsafe message else { return nil }
        unsafe self.message = message
    }

    deinit { unsafe rd_kafka_message_destroy(message) }

    var offset: Offset { unsafe message.pointee.offset }

    /// A record, or what came in its place.
    enum Kind {
        case record
        /// The topic ends at `offset` for now.
        case end
        /// The broker does not have the offset where we wanted to read on.
        case outOfRange
        case unknownTopic
        /// Another rd_kafka_resp_err_t.
        case failure(Int32)
    }

    var kind: Kind {
        let code = unsafe message.pointee.err
        return switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR: .record
        case RD_KAFKA_RESP_ERR__PARTITION_EOF: .end
        case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,
            RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
            .outOfRange
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            .unknownTopic
        default: .failure(code.rawValue)
        }
    }

    /// The record's value; empty when it has none.
    var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get {
            let value = unsafe UnsafeBufferPointer(
                start: message.pointee.payload?.assumingMemoryBound(to: UInt8.self),
                count: message.pointee.len)
            return unsafe _overrideLifetime(Span(_unsafeElements: value), borrowing: self)
        }
    }
}
