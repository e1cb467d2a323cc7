import CLinux
import CRdkafka
import Shell
import Union

/// The handle that reads and asks. Each topic's only partition has a queue of its own, so that
/// the owner decides what is read first, and what waits (design, section 2).
///
/// It uses librdkafka's simple consumer, which reads from stated offsets: there is no group whose
/// coordinator could be missing.
@safe
struct KafkaReader: ~Copyable {
    private let handle: OpaquePointer
    /// Errors, log lines and the answers to admin requests.
    private let queue: OpaquePointer
    private let names: TopicNames
    private var topics = unsafe InlineArray<5, OpaquePointer?>(repeating: nil)
    private var records = unsafe InlineArray<5, OpaquePointer?>(repeating: nil)
    private var isOpen = InlineArray<5, Bool>(repeating: false)

    /// Opens the handle; its events and records ring `bell`.
    init(_ conf: consuming KafkaConf, _ names: TopicNames, bell: Int32) throws(KafkaError) {
        unsafe handle = try conf.open(RD_KAFKA_CONSUMER)
        unsafe queue = rd_kafka_queue_get_main(handle)
        self.names = names
        unsafe ring(bell, for: queue)
        for i in 0..<Topic.count {
            unsafe records[i] = rd_kafka_queue_new(handle)
            unsafe ring(bell, for: records[i]!)
        }
        unsafe rd_kafka_set_log_queue(handle, queue)
    }

    /// Every partition is stopped before the handle is destroyed, as rd_kafka_destroy(3) demands.
    deinit {
        for i in 0..<Topic.count {
            if isOpen[i] { unsafe rd_kafka_consume_stop(topics[i], 0) }
            if let topic = unsafe topics[i] { unsafe rd_kafka_topic_destroy(topic) }
            if let records = unsafe records[i] { unsafe rd_kafka_queue_destroy(records) }
        }
        unsafe rd_kafka_queue_destroy(queue)
        unsafe destroyAside(handle)
    }

    /// Reads `topic`, which is not being read, from `offset` on: rd_kafka_consume_start_queue(3).
    /// What was fetched before a `stop` is dropped.
    mutating func read(_ topic: Topic, from offset: Offset) {
        let index = Int(topic.rawValue)
        if unsafe topics[index] == nil {
            unsafe topics[index] = rd_kafka_topic_new(handle, names[topic].cString, nil)
        }
        let result = unsafe rd_kafka_consume_start_queue(topics[index], 0, offset, records[index])
        precondition(result == 0, "rd_kafka_consume_start_queue")
        isOpen[index] = true
    }

    /// Reads `topic` no more: rd_kafka_consume_stop(3), which waits for a thread of librdkafka
    /// that does not block.
    mutating func stop(_ topic: Topic) {
        let index = Int(topic.rawValue)
        unsafe rd_kafka_consume_stop(topics[index], 0)
        isOpen[index] = false
    }

    /// The next record of `topic` or event in its place, nil when none is here yet:
    /// rd_kafka_consume_queue(3).
    func next(of topic: Topic) -> Message? {
        let index = Int(topic.rawValue)
        guard isOpen[index] else { return nil }
        return unsafe Message(rd_kafka_consume_queue(records[index], 0))
    }

    /// The next event: rd_kafka_queue_poll(3).
    func nextEvent() -> KafkaEvent? { unsafe KafkaEvent(rd_kafka_queue_poll(queue, 0)) }
}

// Admin requests. Each is answered by an event within its timeout, whatever happens.
extension KafkaReader {
    /// Asks where a topic begins or ends: rd_kafka_ListOffsets(3). The end is that of what can
    /// be read: records of a transaction that is still open lie after it.
    func listOffset(_ request: BoundRequest) {
        let wanted = unsafe rd_kafka_topic_partition_list_new(1)
        defer { unsafe rd_kafka_topic_partition_list_destroy(wanted) }
        let spec =
            switch request.bound {
            case .low: RD_KAFKA_OFFSET_SPEC_EARLIEST
            case .high: RD_KAFKA_OFFSET_SPEC_LATEST
            }
        let name = unsafe names[request.topic].cString
        unsafe rd_kafka_topic_partition_list_add(wanted, name, 0).pointee.offset =
            Int64(spec.rawValue)
        let number = request.number
        unsafe withOptions(RD_KAFKA_ADMIN_OP_LISTOFFSETS, timeoutMs: 3000, opaque: number) {
            unsafe destroy(
                rd_kafka_AdminOptions_set_isolation_level(
                    $0, RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED))
            unsafe rd_kafka_ListOffsets(handle, wanted, $0, queue)
        }
    }

    /// Asks whether the five topics exist: rd_kafka_DescribeTopics(3), which creates none. The
    /// question goes to the cluster's controller, and to broker 1 for librdkafka's mock cluster,
    /// which says that it has no controller: two answers (`TopicSetup.answers`).
    func describeTopics(opaque: UInt) {
        var pointers = unsafe InlineArray<5, UnsafePointer<CChar>?>(repeating: nil)
        for topic in Topic.all { unsafe pointers[Int(topic.rawValue)] = names[topic].cString }
        var span = unsafe pointers.mutableSpan
        let topics = unsafe span.withUnsafeMutableBufferPointer {
            unsafe rd_kafka_TopicCollection_of_topic_names($0.baseAddress, Topic.count)
        }
        defer { unsafe rd_kafka_TopicCollection_destroy(topics) }
        for way in 0..<TopicSetup.answers {
            unsafe withOptions(RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeoutMs: 3000, opaque: opaque) {
                if way == 1 { unsafe rd_kafka_AdminOptions_set_broker($0, 1, nil, 0) }
                unsafe rd_kafka_DescribeTopics(handle, topics, $0, queue)
            }
        }
    }

    /// Asks how many brokers there are: rd_kafka_DescribeCluster(3).
    func describeCluster() {
        unsafe withOptions(RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER, timeoutMs: 3000, opaque: 0) {
            unsafe rd_kafka_DescribeCluster(handle, $0, queue)
        }
    }

    /// Creates the topics in `missing`: rd_kafka_CreateTopics(3).
    func createTopics(_ missing: PerTopic<Bool>, replication: Int32) {
        var topics = unsafe InlineArray<5, OpaquePointer?>(repeating: nil)
        var count = 0
        for topic in Topic.all where missing[topic] {
            let created = unsafe rd_kafka_NewTopic_new(
                names[topic].cString, 1, replication, nil, 0)
            guard let created = unsafe created else { continue }
            KafkaSettings.forTopic(topic, replication: replication) { setting in
                let (key, value) = (Argument(setting.key), Argument(setting.value))
                _ = unsafe rd_kafka_NewTopic_set_config(created, key.cString, value.cString)
            }
            unsafe topics[count] = created
            count += 1
        }
        var span = unsafe topics.mutableSpan
        unsafe withOptions(RD_KAFKA_ADMIN_OP_CREATETOPICS, timeoutMs: 5000, opaque: 0) { options in
            unsafe rd_kafka_AdminOptions_set_operation_timeout(options, 3000, nil, 0)
            unsafe span.withUnsafeMutableBufferPointer {
                unsafe rd_kafka_CreateTopics(handle, $0.baseAddress, count, options, queue)
                unsafe rd_kafka_NewTopic_destroy_array($0.baseAddress, count)
            }
        }
    }

    /// Lends rd_kafka_AdminOptions_t with this timeout.
    @unsafe
    private func withOptions(
        _ operation: rd_kafka_admin_op_t, timeoutMs: Int32, opaque: UInt,
        _ body: (OpaquePointer) -> Void
    ) {
        guard let options = unsafe rd_kafka_AdminOptions_new(handle, operation) else {
            fatalError("rd_kafka_AdminOptions_new")
        }
        unsafe rd_kafka_AdminOptions_set_request_timeout(options, timeoutMs, nil, 0)
        unsafe rd_kafka_AdminOptions_set_opaque(
            options, UnsafeMutableRawPointer(bitPattern: opaque))
        unsafe body(options)
        unsafe rd_kafka_AdminOptions_destroy(options)
    }
}
