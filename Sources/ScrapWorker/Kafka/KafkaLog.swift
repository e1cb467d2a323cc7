import CLinux
import CRdkafka
import Shell
import Union

/// The union's five topics on a Kafka cluster (design, section 2): append, read from an offset,
/// ask for bounds. Stands on librdkafka; one handle writes, one reads and asks. This is the layer
/// between the handles and `KafkaSession`, which decides.
///
/// Nothing here blocks, and no code of ours runs on librdkafka's threads. Whatever happens makes
/// `fd` readable; the owner then acknowledges it, and takes events with `nextEvent` and records
/// with `read` until there are none. It calls `tick` when `deadline` comes, which repeats what
/// the broker has not answered. librdkafka rings only when a queue was empty before, so who
/// stops early must come back without waiting.
///
/// ```
/// var log = try KafkaLog(config)
/// log.ask(.results)
/// log.tick(at: now)
/// while let event = log.nextEvent(at: now) { … }
/// while let message = log.read(.results) { … message.bytes, message.offset … }
/// ```
struct KafkaLog: ~Copyable {
    typealias Event = KafkaSession.Event

    private var session: KafkaSession
    private let names: TopicNames
    private let writerConf: KafkaConf
    private let readerConf: KafkaConf
    private let leaseMs: Int32
    let seal: UnionSeal
    private var writer: KafkaWriter
    /// A writer that was replaced, until its last delivery report is taken.
    private var retired: KafkaWriter?
    /// The event whose delivery reports are being handed out.
    private var reports: KafkaEvent?
    private var reader: KafkaReader
    /// Last, for it is closed last: librdkafka's threads ring it until the handles are gone, and
    /// would write into whatever was opened under its number since.
    private let bell: Bell

    /// Opens both handles; the broker need not be reachable yet. Throws when librdkafka refuses
    /// a key of `[kafka]`, or when this build cannot do what they ask for.
    ///
    /// Signals must be blocked already (see `Signals`): this starts librdkafka's threads.
    init(_ config: borrowing Config) throws(KafkaError) {
        let bell = try Self.bell()
        let names = TopicNames(config)
        let leaseMs = config.settings.leaseMs
        let shared = try KafkaConf(config)
        let writerConf = shared.forWriter()
        let readerConf = shared.forReader()
        let reader = try KafkaReader(readerConf.copy(), names, bell: bell.fd)
        writer = try KafkaWriter(writerConf.copy(), names, leaseMs: leaseMs, bell: bell.fd)
        session = KafkaSession(
            names, bearableAnswerMs: config.settings.bearableAnswerMs, pace: config.pace)
        self.bell = bell
        self.names = names
        seal = UnionSeal(config.keys, prefix: config.topicPrefix)
        self.leaseMs = leaseMs
        self.writerConf = writerConf
        self.readerConf = readerConf
        self.reader = reader
    }

    private static func bell() throws(KafkaError) -> Bell {
        do { return try Bell() } catch { throw KafkaError(error) }
    }

    /// Readable when there is something to take.
    var fd: Int32 { bell.fd }

    /// To be called before taking, when `fd` is readable.
    mutating func acknowledge() throws(Errno) { try bell.acknowledge() }

    /// Whether a broker answered, and nothing says that none would now.
    var isOnline: Bool { session.isOnline }

    /// The words that belong to the event taken last.
    var text: FixedText<512> { session.text }

    /// When `tick` must be called, or `nextEvent`: at once when reading left an event behind.
    var deadline: Instant { session.deadline }

    /// Sends the questions that are due.
    mutating func tick(at now: Instant) {
        session.tick(at: now, isRetiring: retired != nil)
        carryOut()
    }
}

// What the owner wants.
extension KafkaLog {
    /// Signs a record as the configuration says, and appends it. `tag` comes back in `delivered`,
    /// `undelivered` or `refused`; 0 asks for no report.
    mutating func write(_ bytes: Span<UInt8>, to topic: Topic, tag: UInt) -> KafkaWriter.Answer {
        let answer = writer.write(
            bytes, signature: seal.sign(bytes, for: topic), to: topic, tag: tag)
        if answer == .taken {
            session.onWrite(tag: tag, at: Clock.now)
        } else {
            session.onRefusedWrite(isFatal: writer.isUseless)
        }
        return answer
    }

    /// Tells, after a while, that a record was not taken; 0: nobody is told.
    mutating func giveUp(tag: UInt, forGood: Bool, at now: Instant) {
        session.giveUp(tag: tag, forGood: forGood, at: now)
    }

    /// Reads `topic` from `offset` on, wherever it was read before.
    mutating func seek(_ topic: Topic, to offset: Offset) {
        session.seek(topic, to: offset)
        carryOut()
    }

    /// Reads `topic` no more.
    mutating func close(_ topic: Topic) {
        session.close(topic)
        carryOut()
    }

    /// Finds out which offsets the topic holds; answered by `bounds` as soon as a broker can. A
    /// question that is asked again is a new question. It leaves with the next `tick`.
    mutating func ask(_ topic: Topic) { session.ask(topic) }

    /// Records that are not delivered yet, and reports that are not taken yet.
    var undelivered: Int { writer.pending }

    /// Waits up to `ms` until everything is delivered or given up, and drops the reports.
    mutating func flush(ms: Int32) { writer.flush(ms: ms) }
}

// What happens.
extension KafkaLog {
    /// The next record of `topic`, nil when there is none now. What stands in a record's place
    /// becomes an event, so the owner looks for events again after it has read.
    mutating func read(_ topic: Topic) -> Message? {
        while let message = reader.next(of: topic) {
            let reading = message.reading
            session.onRead(topic, reading)
            if case .record = reading { return message }
            carryOut()
        }
        return nil
    }

    /// The next event, nil when there is none now.
    mutating func nextEvent(at now: Instant) -> Event? {
        while true {
            if let event = session.nextEvent(at: now) { return event }
            if let report = nextReport() {
                if let event = understand(report, at: now) { return event }
            } else if let event = takeEvent() {
                if event.type == RD_KAFKA_EVENT_DR {
                    reports = consume event
                } else if let event = understand(event, at: now) {
                    return event
                }
            } else {
                return nil
            }
        }
    }

    private mutating func nextReport() -> Delivery? {
        guard var event = reports.take(), let report = event.nextReport() else { return nil }
        reports = consume event
        return report
    }

    private mutating func understand(_ report: Delivery, at now: Instant) -> Event? {
        let isDelivered = if case .delivered = report.outcome { true } else { false }
        return session.onReport(report, isFatal: !isDelivered && writer.isUseless, at: now)
    }

    private mutating func takeEvent() -> KafkaEvent? {
        if let event = writer.nextEvent() { return event }
        if let old = retired.take() {
            let event = old.nextEvent()
            if event != nil || old.pending > 0 { retired = consume old }
            if let event { return event }
        }
        return reader.nextEvent()
    }

    private mutating func understand(_ event: consuming KafkaEvent, at now: Instant) -> Event? {
        defer { carryOut() }
        let failure = event.failure
        switch event.type {
        case RD_KAFKA_EVENT_LOG:
            return event.withLogLine { session.onLogLine(level: $0, facility: $1, $2, at: now) }
        case RD_KAFKA_EVENT_ERROR:
            guard let failure else { return nil }
            return session.onError(failure, event.words, isFatal: writer.isUseless)
        case RD_KAFKA_EVENT_LISTOFFSETS_RESULT:
            let request = BoundRequest(number: event.opaque)
            return session.onBound(request, event.listedOffset(), at: now)
        case RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT:
            if let failure { return session.onLook(event.opaque, failure, at: now) }
            return session.onLook(event.opaque, event.findings(names), at: now)
        case RD_KAFKA_EVENT_DESCRIBECLUSTER_RESULT:
            if failure == nil { session.onBrokers(event.brokerCount(), at: now) }
        case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
            if failure == nil { session.onCreated(event.creationFailures(names), at: now) }
        default: return nil
        }
        if let failure { session.onRefusal(failure, at: now) }
        return nil
    }
}

// What is to be done.
extension KafkaLog {
    private mutating func carryOut() {
        while let action = session.nextAction() {
            switch action {
            case .reading(let topic, .read(let offset)): reader.read(topic, from: offset)
            case .reading(let topic, .stop): reader.stop(topic)
            case .reading(let topic, .listOffsets(let serial)):
                for bound in BoundsQuestion.Bound.all {
                    reader.listOffset(BoundRequest(topic, bound, serial: serial))
                }
            case .describeTopics(let look): reader.describeTopics(opaque: look)
            case .describeCluster: reader.describeCluster()
            case .createTopics(let missing, let replication):
                reader.createTopics(missing, replication: replication)
            case .replaceWriter: replaceWriter()
            case .replaceReader: replaceReader()
            }
        }
    }

    /// What the old writer had is given up and reported: a broker that lost acknowledged records
    /// no longer accepts it after a fatal error.
    private mutating func replaceWriter() {
        writer.purge()
        do {
            var other = try KafkaWriter(writerConf.copy(), names, leaseMs: leaseMs, bell: bell.fd)
            swap(&writer, &other)
            retired = consume other
        } catch {
            Self.refuseNoHandle()
        }
    }

    private mutating func replaceReader() {
        do {
            reader = try KafkaReader(readerConf.copy(), names, bell: bell.fd)
        } catch {
            Self.refuseNoHandle()
        }
    }

    /// The same configuration was good before: the system is out of threads or memory.
    private static func refuseNoHandle() -> Never { fatalError("rd_kafka_new") }
}
