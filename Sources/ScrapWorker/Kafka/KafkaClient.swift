import CLinux
import Shell
import Union
import Wire

/// What the tools, `submit`, `watch`, `demo` and `check`, share: the log, signals, and patience
/// with a broker that is out of reach.
///
/// ```
/// var client = try KafkaClient.open(config, withinS: 30)
/// while try client.wait(until: due) {
///     while let event = try client.nextEvent() { … }
///     while let record = client.read(.results) { … client.payload … }
/// }
/// ```
struct KafkaClient: ~Copyable {
    var log: KafkaLog
    private let signals: Signals
    private var decoder = RecordDecoder()
    /// The payload of the record read last, packed as `Payload` says.
    private(set) var payload = Payload.Buffer()
    /// The offset of the record read last.
    private(set) var offset: Offset = 0

    private let within: Int64
    /// Since when no broker answers, or the topics are not there yet.
    private var unreachableSince: Instant?
    /// The last line of librdkafka's that may say why.
    private var reason = FixedText<512>()
    private let servers: FixedText<256>
    /// What of void records was said.
    private var saidVoid = (unsigned: false, signedOtherwise: false)

    /// Opens the log. `withinS`: for how long the broker may be out of reach; nil: for ever.
    static func open(
        _ config: borrowing Config, withinS: Int64?
    ) throws(Exit) -> KafkaClient {
        // Signals first: they must be blocked before librdkafka starts its threads.
        let signals = try openSignals()
        let log = try openLog(config)
        return KafkaClient(config, signals, log, withinS: withinS)
    }

    private init(
        _ config: borrowing Config, _ signals: consuming Signals, _ log: consuming KafkaLog,
        withinS: Int64?
    ) {
        self.signals = signals
        self.log = log
        within = withinS.map { $0 * 1_000_000 } ?? .max
        unreachableSince = Clock.now
        var servers = FixedText<256>()
        if let text = config.kafka("bootstrap.servers") { servers.put(config.bytes(text)) }
        self.servers = servers
        self.log.tick(at: Clock.now)
    }

    private static func openSignals() throws(Exit) -> Signals {
        do {
            return try Signals()
        } catch {
            Log.write(.error) { (line: inout Log.Line) in line.put(errno: error.code) }
            throw Exit(code: EX_OSERR)
        }
    }

    private static func openLog(_ config: borrowing Config) throws(Exit) -> KafkaLog {
        do {
            return try KafkaLog(config)
        } catch {
            throw error.asExit()
        }
    }

    /// Whether the topics were there, and no broker has been missing since.
    var isOnline: Bool { unreachableSince == nil }

    /// Waits until there may be something to take, or `due`. False after SIGINT or SIGTERM.
    /// Throws when the broker has been out of reach for too long.
    mutating func wait(until due: Instant, also fd: Int32 = -1) throws(Exit) -> Bool {
        let deadline = min(due, min(log.deadline, givingUpAt))
        let left = deadline == .never ? 60_000 : deadline.ms(since: Clock.now) + 1
        var waits: InlineArray<3, pollfd> = [
            pollfd(fd: log.fd, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals.fd, events: Int16(POLLIN), revents: 0),
            pollfd(fd: fd, events: Int16(POLLIN), revents: 0),
        ]
        var span = waits.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer {
            _ = unsafe poll($0.baseAddress, 3, deadline <= Clock.now ? 0 : Int32(min(left, 60_000)))
        }
        do {
            if try signals.next() != nil { return false }
            try log.acknowledge()
        } catch {
            Log.write(.error) { (line: inout Log.Line) in line.put(errno: error.code) }
            throw Exit(code: EX_OSERR)
        }
        let now = Clock.now
        log.tick(at: now)
        guard now < givingUpAt else { throw giveUp() }
        return true
    }

    /// The next event that the command must see; connection and complaints are dealt with here.
    mutating func nextEvent() throws(Exit) -> KafkaLog.Event? {
        while let event = log.nextEvent(at: Clock.now) {
            switch event {
            case .topicsReady:
                unreachableSince = nil
                return event
            case .brokerFound: break
            case .brokerLost:
                if unreachableSince == nil { unreachableSince = Clock.now }
                if reason.isEmpty { reason = log.text }
                return event
            case .line(let level):
                if level <= LOG_WARNING { reason = log.text }
                Log.write(.debug) { (line: inout Log.Line) in line.put(log.text) }
            case .unfit:
                Log.write(.error) { (line: inout Log.Line) in line.put(log.text) }
                throw Exit(code: EX_CONFIG)
            default: return event
            }
        }
        return nil
    }

    /// The next record of `topic`; void and malformed ones are passed over. Its payload is in
    /// `payload`.
    mutating func read(_ topic: Topic) -> Record? {
        while let message = log.read(topic) {
            switch message.verdict(log.seal, of: topic, &decoder) {
            case .valid: if let record = decode(message, from: topic) { return record }
            case .unsigned: sayVoid(topic, message.offset, .unsigned)
            case .signedOtherwise: sayVoid(topic, message.offset, .signedOtherwise)
            }
        }
        return nil
    }

    /// Once for each reason: who only looks on is not to be kept from it.
    private mutating func sayVoid(_ topic: Topic, _ offset: Offset, _ why: VoidReason) {
        if why == .unsigned {
            guard !saidVoid.unsigned else { return }
            saidVoid.unsigned = true
        } else {
            guard !saidVoid.signedOtherwise else { return }
            saidVoid.signedOtherwise = true
        }
        Log.say(.void(topic, offset, why), Argument("").bytes)
    }

    private mutating func decode(_ message: borrowing Message, from topic: Topic) -> Record? {
        offset = message.offset
        do throws(Malformed) {
            return try decoder.decode(message.bytes, from: topic, payload: &payload)
        } catch {
            let (words, place) = (error.describe(), offset)
            Log.write(.debug) { (line: inout Log.Line) in
                line.put(topic.word)
                line.put(" ")
                line.put(place)
                line.put(": ")
                line.put(words)
            }
            return nil
        }
    }

    private var givingUpAt: Instant {
        guard let since = unreachableSince, within != .max else { return .never }
        return since.adding(us: within)
    }

    private func giveUp() -> Exit {
        Log.write(.error) { (line: inout Log.Line) in
            line.put("the broker ")
            line.put(servers)
            line.put(" could not be used within ")
            line.put(within / 1_000_000)
            line.put(" s")
            if !reason.isEmpty {
                line.put(": ")
                line.put(reason)
            } else if servers.withSpan({ $0.hasLocalName }) {
                // A resolver that stays silent about such a name fails later than our patience.
                line.put(" ")
                line.put(localNamesAdvice)
            }
        }
        return Exit(code: EX_UNAVAILABLE)
    }
}
