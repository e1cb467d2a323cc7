import CLinux
import CRdkafka
import Shell
import Union
import Wire

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

    /// Why the event says that something failed; nil when it does not.
    var failure: KafkaFailure? { unsafe KafkaFailure(rd_kafka_event_error(event)) }

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
            switch unsafe KafkaFailure(message.pointee.err)?.kind {
            case nil: .delivered(unsafe message.pointee.offset)
            case .unknownTopic: .unknownTopic
            case .recordRefused: .refused
            default: .undelivered
            }
        return Delivery(tag: unsafe UInt(bitPattern: message.pointee._private), outcome)
    }

    /// Lends a line of librdkafka's log, and its syslog level: rd_kafka_event_log(3).
    func withLogLine<Result>(
        _ body: (Int32, _ facility: Span<UInt8>, _ words: Span<UInt8>) -> Result?
    ) -> Result? {
        var facility: UnsafePointer<CChar>?
        var words: UnsafePointer<CChar>?
        var level: Int32 = 0
        guard unsafe rd_kafka_event_log(event, &facility, &words, &level) == 0,
            let facility = unsafe facility, let words = unsafe words
        else { return nil }
        return unsafe body(
            level, Argument(cString: facility).bytes, Argument(cString: words).bytes)
    }

    /// The offset in a RD_KAFKA_EVENT_LISTOFFSETS_RESULT about one partition.
    func listedOffset() -> Offset? {
        guard failure == nil, let result = unsafe rd_kafka_event_ListOffsets_result(event)
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
    func brokerCount() -> Int {
        guard let result = unsafe rd_kafka_event_DescribeCluster_result(event) else { return 0 }
        var count = 0
        _ = unsafe rd_kafka_DescribeCluster_result_nodes(result, &count)
        return count
    }

    /// What a RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT says of each topic.
    func findings(_ names: TopicNames) -> PerTopic<TopicFinding> {
        var findings = PerTopic(TopicFinding.absent)
        guard let result = unsafe rd_kafka_event_DescribeTopics_result(event) else {
            return findings
        }
        var count = 0
        let topics = unsafe rd_kafka_DescribeTopics_result_topics(result, &count)
        for i in 0..<count {
            guard let description = unsafe topics?[i],
                let name = unsafe rd_kafka_TopicDescription_name(description),
                let topic = unsafe names.topic(named: Argument(cString: name).bytes)
            else { continue }
            let error = unsafe rd_kafka_TopicDescription_error(description)
            if let failure = unsafe KafkaFailure(rd_kafka_error_code(error)) {
                findings[topic] = failure.kind == .unknownTopic ? .absent : .failed(failure)
            } else {
                var partitions = 0
                _ = unsafe rd_kafka_TopicDescription_partitions(description, &partitions)
                findings[topic] = .present(partitions: partitions)
            }
        }
        return findings
    }

    /// What a RD_KAFKA_EVENT_CREATETOPICS_RESULT says of each topic.
    func creationFailures(_ names: TopicNames) -> PerTopic<KafkaFailure?> {
        var failures = PerTopic(KafkaFailure?.none)
        guard let result = unsafe rd_kafka_event_CreateTopics_result(event) else {
            return failures
        }
        var count = 0
        let topics = unsafe rd_kafka_CreateTopics_result_topics(result, &count)
        for i in 0..<count {
            guard let outcome = unsafe topics?[i],
                let name = unsafe rd_kafka_topic_result_name(outcome),
                let topic = unsafe names.topic(named: Argument(cString: name).bytes)
            else { continue }
            failures[topic] = unsafe KafkaFailure(rd_kafka_topic_result_error(outcome))
        }
        return failures
    }
}

extension KafkaFailure {
    /// Nil for success. The words are rd_kafka_err2str(3)'s, which are never freed.
    init?(_ code: rd_kafka_resp_err_t) {
        let kind: Kind
        switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR: return nil
        case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,
            RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
            kind = .outOfRange
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            kind = .unknownTopic
        case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: kind = .topicExists
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
            RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
            kind = .recordRefused
        case RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TRANSPORT: kind = .unreachable
        case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN: kind = .allBrokersDown
        default: kind = .other
        }
        unsafe self.init(kind, Argument(cString: rd_kafka_err2str(code)))
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

    /// Whether it is a record, or what stands in its place.
    var reading: KafkaSession.Reading {
        let code = unsafe message.pointee.err
        if code == RD_KAFKA_RESP_ERR__PARTITION_EOF { return .end(offset) }
        return KafkaFailure(code).map { .failed($0, offset) } ?? .record(offset)
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

    /// The record's key; empty when it has none.
    private var key: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get {
            let key = unsafe UnsafeBufferPointer(
                start: message.pointee.key?.assumingMemoryBound(to: UInt8.self),
                count: message.pointee.key_len)
            return unsafe _overrideLifetime(Span(_unsafeElements: key), borrowing: self)
        }
    }

    /// What the last header of the signature's name holds; nil: there is none, or librdkafka cannot
    /// read the headers: rd_kafka_header_get_last(3).
    private var signature: Span<UInt8>? {
        @_lifetime(borrow self)
        borrowing get {
            var headers: OpaquePointer?
            guard
                unsafe rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR,
                let headers = unsafe headers
            else { return nil }
            var value: UnsafeRawPointer?
            var count = 0
            let result = unsafe rd_kafka_header_get_last(
                headers, Argument(signatureHeader).cString, &value, &count)
            guard result == RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
            let bytes = unsafe UnsafeBufferPointer(
                start: value?.assumingMemoryBound(to: UInt8.self), count: count)
            return unsafe _overrideLifetime(Span(_unsafeElements: bytes), borrowing: self)
        }
    }

    /// Whether the record, read from `topic`, counts.
    func verdict(
        _ seal: borrowing UnionSeal, of topic: Topic, _ decoder: inout RecordDecoder
    ) -> UnionSeal.Verdict {
        seal.judge(bytes, key: key, signature: signature, of: topic, &decoder)
    }
}
