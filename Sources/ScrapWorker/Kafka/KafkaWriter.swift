import CLinux
import CRdkafka
import Shell
import Union

/// The handle that appends: an idempotent producer, acks=all (design, section 2).
@safe
struct KafkaWriter: ~Copyable {
    private let handle: OpaquePointer
    /// Delivery reports, errors and log lines.
    private let queue: OpaquePointer
    private let names: TopicNames
    private let leaseMs: Int32
    private var topics = unsafe InlineArray<5, OpaquePointer?>(repeating: nil)

    /// Opens the handle; its events ring `bell`.
    init(
        _ conf: consuming KafkaConf, _ names: TopicNames, leaseMs: Int32, bell: Int32
    ) throws(KafkaError) {
        unsafe handle = try conf.open(RD_KAFKA_PRODUCER)
        unsafe queue = rd_kafka_queue_get_main(handle)
        self.names = names
        self.leaseMs = leaseMs
        unsafe ring(bell, for: queue)
        unsafe rd_kafka_set_log_queue(handle, queue)
    }

    /// What is not delivered is dropped.
    deinit {
        for i in 0..<Topic.count {
            if let topic = unsafe topics[i] { unsafe rd_kafka_topic_destroy(topic) }
        }
        unsafe rd_kafka_queue_destroy(queue)
        unsafe destroyAside(handle)
    }

    /// Records that are not delivered yet, and reports that are not taken yet.
    var pending: Int { unsafe Int(rd_kafka_outq_len(handle)) }

    /// Hands a record over, with its signature if it has one: rd_kafka_produce(3) to partition 0.
    mutating func write(
        _ bytes: Span<UInt8>, signature: SHA256Hash?, to topic: Topic, tag: UInt
    ) -> Answer {
        guard let destination = unsafe open(topic) else { return .notNow }
        if var signature {
            var span = signature.mutableSpan
            let result = unsafe bytes.withUnsafeBytes { bytes in
                unsafe span.withUnsafeMutableBufferPointer {
                    unsafe scrap_produce_signed(
                        handle, destination, bytes.baseAddress, bytes.count,
                        Argument(signatureHeader).cString, $0.baseAddress, $0.count,
                        UnsafeMutableRawPointer(bitPattern: tag))
                }
            }
            return Answer(result)
        }
        let result = unsafe bytes.withUnsafeBytes {
            unsafe rd_kafka_produce(
                destination, 0, Int32(RD_KAFKA_MSG_F_COPY),
                UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count, nil, 0,
                UnsafeMutableRawPointer(bitPattern: tag))
        }
        return Answer(result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error())
    }

    /// What becomes of a record that is handed over.
    enum Answer {
        case taken
        /// Its queue is full, or it met a fatal error.
        case notNow
        /// It is too large for `[kafka] message.max.bytes`.
        case never

        fileprivate init(_ code: rd_kafka_resp_err_t) {
            switch KafkaFailure(code)?.kind {
            case nil: self = .taken
            case .recordRefused: self = .never
            default: self = .notNow
            }
        }
    }

    /// The next event: rd_kafka_queue_poll(3).
    func nextEvent() -> KafkaEvent? { unsafe KafkaEvent(rd_kafka_queue_poll(queue, 0)) }

    /// Whether the handle met an error after which it takes no record: rd_kafka_fatal_error(3).
    var isUseless: Bool {
        unsafe rd_kafka_fatal_error(handle, nil, 0) != RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// Gives everything up: rd_kafka_purge(3), without waiting. Each record is still reported.
    func purge() {
        unsafe rd_kafka_purge(
            handle,
            RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING)
    }

    /// Waits up to `ms` until everything is delivered or given up; whatever is reported
    /// meanwhile is dropped.
    func flush(ms: Int32) {
        let end = Clock.now + ms
        while pending > 0 && Clock.now < end {
            if let event = unsafe rd_kafka_queue_poll(queue, 10) {
                unsafe rd_kafka_event_destroy(event)
            }
        }
    }

    /// The topic's handle. It is made when it is first needed, because librdkafka remembers for a
    /// while that a topic does not exist.
    private mutating func open(_ topic: Topic) -> OpaquePointer? {
        let index = Int(topic.rawValue)
        if unsafe topics[index] == nil {
            let conf = unsafe rd_kafka_default_topic_conf_dup(handle)
            var timeout = FixedText<12>()
            timeout.put(KafkaSettings.messageTimeoutMs(topic, leaseMs: leaseMs))
            let result = unsafe timeout.withCString {
                unsafe rd_kafka_topic_conf_set(
                    conf, Argument("message.timeout.ms").cString, $0, nil, 0)
            }
            precondition(result == RD_KAFKA_CONF_OK)
            unsafe topics[index] = rd_kafka_topic_new(handle, names[topic].cString, conf)
        }
        return unsafe topics[index]
    }
}

/// Destroys a handle: rd_kafka_destroy(3), on a thread of its own. It waits for librdkafka's
/// threads, one of which may be resolving a name without a network; a leader's LED must not wait.
@unsafe
func destroyAside(_ handle: OpaquePointer) {
    var thread = pthread_t()
    let failure = unsafe pthread_create(
        &thread, nil,
        {
            unsafe rd_kafka_destroy(OpaquePointer($0!))
            return nil
        }, UnsafeMutableRawPointer(handle))
    guard failure == 0 else { return unsafe rd_kafka_destroy(handle) }
    pthread_detach(thread)
}

/// Makes a queue ring an eventfd whenever it is no longer empty: rd_kafka_queue_io_event_enable.
@unsafe
func ring(_ bell: Int32, for queue: OpaquePointer) {
    var one: UInt64 = 1
    unsafe rd_kafka_queue_io_event_enable(queue, bell, &one, MemoryLayout<UInt64>.size)
}

/// Destroys an error that says nothing new: rd_kafka_error_destroy(3).
@unsafe
func destroy(_ error: OpaquePointer?) {
    if let error = unsafe error { unsafe rd_kafka_error_destroy(error) }
}
