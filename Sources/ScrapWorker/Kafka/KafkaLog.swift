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
        /// The topic has been read up to this offset, where it ends for now. Comes once behind
        /// each `seek`, and again only where the end does not lie right behind a record.
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

    private let bell: Bell
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
    private var questions = KafkaQuestions(kind: 0)
    /// Whether the broker still has what was read (see `checkPositions`).
    private var checks = KafkaQuestions(kind: 1)
    /// Where each topic is to be read next, and where that was when the check was begun; -1: not
    /// read. The reader follows as soon as the topics are there.
    private var positions = InlineArray<5, Offset>(repeating: -1)
    private var checkedPositions = InlineArray<5, Offset>(repeating: -1)
    private var setup = TopicSetup()
    private var connection = Connection.unknown
    /// Topics, a bit for each, whose `vanished` is not handed out yet.
    private var vanished: UInt8 = 0
    /// The ends that were read and not handed out yet.
    private var ends = InlineArray<5, Offset?>(repeating: nil)
    /// Topics, a bit for each, whose end was handed out since they were sought.
    private var hasReachedEnd: UInt8 = 0
    private var isFound = false
    private var readError = RD_KAFKA_RESP_ERR_NO_ERROR
    private var readErrorSaidAt = Instant(us: -5_000_000)
    /// The writer met a fatal error, and that is not said yet.
    private var isWriterLost = false
    private var failureSaidAt = Instant(us: -5_000_000)
    /// When the writer is to be replaced, whether the reader is too, and when that was done last.
    private var replaceAt = Instant.never
    private var replacesReader = false
    private var replacedAt = Instant(us: -1_000_000)

    private enum Connection { case unknown, online, lost }

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
    var isOnline: Bool { connection == .online && setup.isReady }

    /// When `tick` must be called, or `nextEvent`: at once when reading left an event behind.
    var deadline: Instant {
        if hasOwnEvent { return .zero }
        let asked = setup.isReady ? min(questions.deadline, checks.deadline) : .never
        return min(replaceAt, min(setup.deadline, asked))
    }

    /// Sends the questions that are due.
    mutating func tick(at now: Instant) {
        replaceHandles(at: now)
        setup.tick(at: now, reader)
        if setup.isReady {
            questions.tick(at: now, reader)
            checks.tick(at: now, reader)
        }
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
        forgetEvents(of: topic)
        positions[Int(topic.rawValue)] = offset
        if setup.isReady { reader.seek(topic, to: offset) } else { reader.close(topic) }
    }

    /// Reads `topic` no more.
    mutating func close(_ topic: Topic) {
        forgetEvents(of: topic)
        positions[Int(topic.rawValue)] = -1
        reader.close(topic)
    }

    private mutating func forgetEvents(of topic: Topic) {
        vanished &= ~(1 << topic.rawValue)
        hasReachedEnd &= ~(1 << topic.rawValue)
        ends[Int(topic.rawValue)] = nil
    }

    /// Finds out which offsets the topic holds; answered by `bounds` as soon as a broker can. A
    /// question that is asked again is a new question. It leaves with the next `tick`.
    mutating func ask(_ topic: Topic) { questions.ask(topic) }

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
        while let message = reader.read(topic) {
            let code = message.code
            if code == RD_KAFKA_RESP_ERR_NO_ERROR {
                positions[Int(topic.rawValue)] = message.offset + 1
                // An end that was not handed out yet was none.
                ends[Int(topic.rawValue)] = nil
                return message
            }
            switch code {
            case RD_KAFKA_RESP_ERR__PARTITION_EOF:
                noteEnd(of: topic, at: message.offset)
            case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,
                RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
                lose(topic)
            case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
                setup.checkAgain()
            default: readError = code
            }
        }
        return nil
    }

    /// The end comes behind nearly every record of a quiet topic, and then says nothing new.
    private mutating func noteEnd(of topic: Topic, at offset: Offset) {
        let (index, bit) = (Int(topic.rawValue), UInt8(1) << topic.rawValue)
        guard hasReachedEnd & bit == 0 || offset != positions[index] else { return }
        ends[index] = offset
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

    /// Whether `nextOwnEvent` may have one.
    private var hasOwnEvent: Bool {
        for i in 0..<Topic.count where ends[i] != nil { return true }
        return isFound || saysNewWriter || vanished != 0
            || readError != RD_KAFKA_RESP_ERR_NO_ERROR
    }

    private var saysNewWriter: Bool { isWriterLost && replaceAt == .never }

    /// What was noticed on the way to something else.
    private mutating func nextOwnEvent(at now: Instant) -> Event? {
        if isFound {
            isFound = false
            text.removeAll()
            return .brokerFound
        }
        if saysNewWriter {
            isWriterLost = false
            text.removeAll()
            text.put("the broker lost records that it had acknowledged: new producer")
            return .line(level: LOG_WARNING)
        }
        for i in 0..<UInt8(Topic.count) where vanished & (1 << i) != 0 {
            vanished &= ~(1 << i)
            return .vanished(Topic(rawValue: i)!)
        }
        for i in 0..<Topic.count {
            if let end = ends[i] {
                ends[i] = nil
                hasReachedEnd |= 1 << UInt8(i)
                return .reachedEnd(Topic(rawValue: UInt8(i))!, end)
            }
        }
        let code = readError
        readError = RD_KAFKA_RESP_ERR_NO_ERROR
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR, now >= readErrorSaidAt + 5000 else {
            return nil
        }
        readErrorSaidAt = now
        text.removeAll()
        text.put("cannot read: ")
        if let words = unsafe rd_kafka_err2str(code) { unsafe text.put(cString: words) }
        return .line(level: LOG_ERR)
    }

    private mutating func nextReport() -> KafkaEvent.Report? {
        guard var event = reports.take(), let report = event.nextReport() else { return nil }
        reports = consume event
        return report
    }

    private mutating func understand(_ report: KafkaEvent.Report) -> Event? {
        if report.code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART { setup.checkAgain() }
        if report.offset == nil { noteFatalError() }
        guard report.tag != 0 else { return nil }
        guard let offset = report.offset else { return .undelivered(tag: report.tag) }
        return .delivered(tag: report.tag, offset)
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
            let offset = event.listedOffset()
            if offset != nil { noteOnline() }
            guard KafkaQuestions.kind(event.opaque) == 0 else {
                if let answer = checks.answer(event.opaque, offset, at: now) { onCheck(answer) }
                return nil
            }
            return questions.answer(event.opaque, offset, at: now)
        default:
            if event.code == RD_KAFKA_RESP_ERR_NO_ERROR { noteOnline() }
            let outcome = setup.answer(event, names, reader, at: now, words: &text)
            if case .topicsReady = outcome { resumeReading() }
            if setup.hasLostTopics { replaceAll() }
            return outcome
        }
    }

    /// Reads on where it was read, and asks whether the topics still reach so far. Not every
    /// broker answers a fetch behind the end with an error, so a topic that was lost and made
    /// again would stay silent until it has grown as long as it was.
    private mutating func resumeReading() {
        checkedPositions = positions
        for i in 0..<Topic.count where positions[i] >= 0 {
            let topic = Topic(rawValue: UInt8(i))!
            if !reader.reads(topic) { reader.seek(topic, to: positions[i]) }
            if positions[i] > 0 { checks.ask(topic) }
        }
    }

    private mutating func onCheck(_ answer: Event) {
        guard case .bounds(let topic, _, let high, _) = answer else { return }
        let index = Int(topic.rawValue)
        if positions[index] >= checkedPositions[index] && high < checkedPositions[index] {
            lose(topic)
        }
    }

    /// What we want to read on is not there.
    private mutating func lose(_ topic: Topic) {
        close(topic)
        vanished |= 1 << topic.rawValue
    }

    /// A broker that is out of reach fails twice a second: that is said now and then.
    private mutating func onLogLine(_ event: consuming KafkaEvent, at now: Instant) -> Event? {
        guard let line = event.logLine(into: &text) else { return nil }
        if line.isFailure && connection == .lost {
            guard now >= failureSaidAt + 5000 else { return nil }
            failureSaidAt = now
        }
        return .line(level: line.level)
    }

    /// librdkafka's log has a line for every error too; here is what must be acted on.
    private mutating func onError(_ event: consuming KafkaEvent) -> Event? {
        if event.code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && connection != .lost {
            if connection == .online { replaceAll() }
            connection = .lost
            isFound = false
            setup.checkAgain()
            text = event.words
            return .brokerLost
        }
        noteFatalError()
        return nil
    }

    /// A round trip succeeded.
    private mutating func noteOnline() {
        if connection != .online { isFound = true }
        connection = .online
    }
}

// New handles for old ones.
extension KafkaLog {
    /// Looks whether the writer is of no use any more; librdkafka does not always send an event.
    private mutating func noteFatalError() {
        guard writer.isUseless && !isWriterLost else { return }
        if replaceAt == .never { replaceAt = replacedAt + 1000 }
        isWriterLost = true
    }

    /// What librdkafka has in mind of a cluster that was away or has lost topics is of no use, and
    /// dangerous: release 2.8 can crash when a topic of the same name comes back with another id
    /// (its issue 4964). Fresh handles have nothing in mind.
    private mutating func replaceAll() {
        if replaceAt == .never { replaceAt = replacedAt + 1000 }
        replacesReader = true
    }

    /// Replaces what is to be replaced. What the old writer had is given up and reported: a
    /// broker that lost acknowledged records no longer accepts it after a fatal error.
    private mutating func replaceHandles(at now: Instant) {
        guard replaceAt <= now else { return }
        guard retired == nil else {
            replaceAt = now + 100
            return
        }
        replaceAt = .never
        replacedAt = now
        writer.purge()
        do {
            var other = try KafkaWriter(writerConf.copy(), names, leaseMs: leaseMs, bell: bell.fd)
            swap(&writer, &other)
            retired = consume other
            guard replacesReader else { return }
            replacesReader = false
            reader = try KafkaReader(readerConf.copy(), names, bell: bell.fd)
        } catch {
            // The same configuration was good before: the system is out of threads or memory.
            fatalError("rd_kafka_new")
        }
        setup = TopicSetup()
        questions.sendAgain()
    }
}
