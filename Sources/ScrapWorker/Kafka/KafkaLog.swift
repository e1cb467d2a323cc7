import CLinux
import CRdkafka
import Shell
import Union

/// The union's five topics on a Kafka cluster (design, section 2): append, read from an offset,
/// ask for bounds. Stands on librdkafka; one handle writes, one reads and asks.
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
    /// Something that happened, other than a record.
    enum Event {
        /// The broker has the record written with this tag, at this offset.
        case delivered(tag: UInt, Offset)
        /// The producer gave the record up. It may still appear in the log.
        case undelivered(tag: UInt)
        /// The topic holds `low ..< high`; `askedAt` is when the answered question left.
        case bounds(Topic, low: Offset, high: Offset, askedAt: Instant)
        /// The topic has been read up to this offset, where it ends for now. Comes once after
        /// each `seek`, and again only where the end does not lie right after a record.
        case reachedEnd(Topic, Offset)
        /// The broker does not have the offset where we wanted to read on; reading has stopped.
        case vanished(Topic)
        /// All five topics exist and have one partition.
        case topicsReady
        /// The topic has more than one partition, so the union cannot use it. Text: what to do.
        case unfit(Topic)
        /// No broker can be reached / one can again. Text: why.
        case brokerLost
        case brokerFound
        /// Text: a line for the log, with its syslog level.
        case line(level: Int32)
    }

    /// The words that belong to the event taken last.
    private(set) var text = FixedText<512>()

    private let names: TopicNames
    private let writerConf: KafkaConf
    private let readerConf: KafkaConf
    private let leaseMs: Int32
    private var writer: KafkaWriter
    /// A writer that was replaced, until its last delivery report is taken.
    private var retired: KafkaWriter?
    /// The event whose delivery reports are being handed out.
    private var reports: KafkaEvent?
    private var reader: KafkaReader
    /// By topic.
    private var readings = InlineArray<5, TopicReading>(repeating: TopicReading())
    private var setup = TopicSetup()
    private var connection = Connection()
    /// Last, for it is closed last: librdkafka's threads ring it until the handles are gone, and would
    /// write into whatever was opened under its number since.
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
        self.bell = bell
        self.names = names
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
    var isOnline: Bool { connection.state == .online && setup.isReady }

    /// When `tick` must be called, or `nextEvent`: at once when reading left an event behind.
    var deadline: Instant {
        var first = min(connection.deadline, setup.deadline)
        if connection.hasEvent { first = .zero }
        for i in 0..<Topic.count {
            if readings[i].hasEvent { first = .zero }
            if setup.isReady { first = min(first, readings[i].deadline) }
        }
        return first
    }

    /// Sends the questions that are due.
    mutating func tick(at now: Instant) {
        replaceHandles(at: now)
        setup.tick(at: now, reader)
        for topic in Topic.all { carryOut(topic, at: now) }
    }
}

// What the owner wants.
extension KafkaLog {
    /// Appends a record. `tag` comes back in `delivered` or `undelivered`; 0 asks for no report.
    /// False when the producer takes none now: its queue is full, or it is being replaced.
    mutating func write(_ bytes: Span<UInt8>, to topic: Topic, tag: UInt) -> Bool {
        let isTaken = writer.write(bytes, to: topic, tag: tag)
        if !isTaken { noteFatalError() }
        return isTaken
    }

    /// Reads `topic` from `offset` on, wherever it was read before.
    mutating func seek(_ topic: Topic, to offset: Offset) {
        readings[topic.index].seek(to: offset)
        carryOut(topic)
    }

    /// Reads `topic` no more.
    mutating func close(_ topic: Topic) {
        readings[topic.index].close()
        carryOut(topic)
    }

    /// Finds out which offsets the topic holds; answered by `bounds` as soon as a broker can. A
    /// question that is asked again is a new question. It leaves with the next `tick`.
    mutating func ask(_ topic: Topic) { readings[topic.index].ask() }

    /// Has the reader do what the topic's reading wants. `now`: nil where no question is to leave.
    private mutating func carryOut(_ topic: Topic, at now: Instant? = nil) {
        while let action = readings[topic.index].act(at: now, topicsReady: setup.isReady) {
            switch action {
            case .read(let offset): reader.read(topic, from: offset)
            case .stop: reader.stop(topic)
            case .listOffsets(let serial):
                for bound in BoundsQuestion.Bound.all {
                    reader.listOffset(BoundRequest(topic, bound, serial: serial))
                }
            }
        }
    }

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
            onMessage(message.kind, at: message.offset, of: topic)
            if case .record = message.kind { return message }
        }
        return nil
    }

    private mutating func onMessage(_ kind: Message.Kind, at offset: Offset, of topic: Topic) {
        switch kind {
        case .record: readings[topic.index].onRecord(at: offset)
        case .end: readings[topic.index].onEnd(at: offset)
        case .outOfRange:
            readings[topic.index].onOutOfRange()
            carryOut(topic)
        case .unknownTopic: setup.checkAgain()
        case .failure(let code): connection.onReadError(code: code)
        }
    }

    /// The next event, nil when there is none now.
    mutating func nextEvent(at now: Instant) -> Event? {
        while true {
            if let event = nextOwnEvent(at: now) { return event }
            if let report = nextReport() {
                if let event = understand(report) { return event }
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

    /// What was noticed on the way to something else.
    private mutating func nextOwnEvent(at now: Instant) -> Event? {
        if let event = connection.nextEvent(at: now) { return understand(event) }
        for topic in Topic.all {
            if let event = readings[topic.index].nextEvent() { return Event(event, of: topic) }
        }
        return nil
    }

    private mutating func understand(_ event: Connection.Event) -> Event {
        text.removeAll()
        switch event {
        case .brokerFound: return .brokerFound
        case .newWriter:
            text.put("the broker lost records that it had acknowledged: new producer")
            return .line(level: LOG_WARNING)
        case .cannotRead(let code):
            text.put("cannot read: ")
            unsafe text.put(cString: rd_kafka_err2str(rd_kafka_resp_err_t(code)))
            return .line(level: LOG_ERR)
        }
    }

    private mutating func nextReport() -> Delivery? {
        guard var event = reports.take(), let report = event.nextReport() else { return nil }
        reports = consume event
        return report
    }

    private mutating func understand(_ report: Delivery) -> Event? {
        switch report.outcome {
        case .delivered: break
        case .unknownTopic:
            setup.checkAgain()
            noteFatalError()
        case .undelivered: noteFatalError()
        }
        return report.event.map { Event($0) }
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
        switch event.type {
        case RD_KAFKA_EVENT_LOG:
            return onLogLine(event, at: now)
        case RD_KAFKA_EVENT_ERROR:
            return onError(event)
        case RD_KAFKA_EVENT_LISTOFFSETS_RESULT:
            return onListedOffset(event, at: now)
        default:
            if event.code == RD_KAFKA_RESP_ERR_NO_ERROR { connection.onAnswer() }
            let outcome = setup.answer(event, names, reader, at: now, words: &text)
            if case .topicsReady = outcome {
                for topic in Topic.all {
                    readings[topic.index].onTopicsReady()
                    carryOut(topic)
                }
            }
            if setup.hasLostTopics { connection.onTopicsLost() }
            return outcome
        }
    }

    private mutating func onListedOffset(
        _ event: consuming KafkaEvent, at now: Instant
    ) -> Event? {
        let (request, offset) = (BoundRequest(number: event.opaque), event.listedOffset())
        if offset != nil { connection.onAnswer() }
        let answer = readings[request.topic.index].onBound(
            request.bound, offset, serial: request.serial, at: now)
        carryOut(request.topic)
        return answer.map { Event($0, of: request.topic) }
    }

    private mutating func onLogLine(_ event: consuming KafkaEvent, at now: Instant) -> Event? {
        guard let line = event.logLine(into: &text) else { return nil }
        guard !line.isFailure || connection.tellsFailure(at: now) else { return nil }
        return .line(level: line.level)
    }

    /// librdkafka's log has a line for every error too; here is what must be acted on.
    private mutating func onError(_ event: consuming KafkaEvent) -> Event? {
        guard event.code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, connection.onAllBrokersDown()
        else {
            noteFatalError()
            return nil
        }
        setup.checkAgain()
        text = event.words
        return .brokerLost
    }

    /// Looks whether the writer is of no use any more; librdkafka does not always send an event.
    private mutating func noteFatalError() { if writer.isUseless { connection.onFatalError() } }
}

// New handles for old ones.
extension KafkaLog {
    /// Replaces what is to be replaced. What the old writer had is given up and reported: a
    /// broker that lost acknowledged records no longer accepts it after a fatal error.
    private mutating func replaceHandles(at now: Instant) {
        guard let what = connection.replacement(at: now, isRetiring: retired != nil) else {
            return
        }
        writer.purge()
        do {
            var other = try KafkaWriter(writerConf.copy(), names, leaseMs: leaseMs, bell: bell.fd)
            swap(&writer, &other)
            retired = consume other
            guard what == .bothHandles else { return }
            reader = try KafkaReader(readerConf.copy(), names, bell: bell.fd)
        } catch {
            // The same configuration was good before: the system is out of threads or memory.
            fatalError("rd_kafka_new")
        }
        setup = TopicSetup()
        for i in 0..<Topic.count { readings[i].onHandleReplaced() }
    }
}

extension KafkaLog.Event {
    fileprivate init(_ event: TopicReading.Event, of topic: Topic) {
        self =
            switch event {
            case .bounds(let low, let high, let askedAt):
                .bounds(topic, low: low, high: high, askedAt: askedAt)
            case .reachedEnd(let offset): .reachedEnd(topic, offset)
            case .vanished: .vanished(topic)
            }
    }

    fileprivate init(_ event: Delivery.Event) {
        self =
            switch event {
            case .delivered(let tag, let offset): .delivered(tag: tag, offset)
            case .undelivered(let tag): .undelivered(tag: tag)
            }
    }
}

extension Topic {
    fileprivate var index: Int { Int(rawValue) }
}
