import CLinux
import Union

/// What a user can set, with everything resolved: the file, `-o` and the environment are read,
/// defaults are filled in, and every rule between values holds (design, sections 8 and 9).
///
/// One value per process, lent to the commands. Texts of any length lie in one pool, each ended
/// by a zero byte, so that C can read them in place.
package struct Config: ~Copyable {
    /// Bytes of all texts together.
    package static let poolBytes = 64 * 1024
    /// Keys in `[kafka]`, and their values.
    package typealias KafkaPairs = FixedArray<64, Pair>
    /// Words of an op's `exec`, the program included.
    package static let words = 32

    /// A text in the pool, without its zero byte.
    package struct Text {
        package var start: Int32 = 0
        package var count: Int32 = 0
    }

    /// A key of librdkafka and its value.
    package struct Pair {
        package var key = Text()
        package var value = Text()
    }

    /// A job kind: `[op.NAME]`.
    package struct Op {
        package var name = OpName()
        /// The program and its arguments, each ended by a zero byte.
        package var exec = Text()
        package var words: Int32 = 0
        /// The deadline of a request that names none; nil: the built-in one.
        package var timeoutMs: Int32?
    }

    /// Who this node is, and its timings.
    package var settings: Settings
    /// What the timings are but for those that are configured one by one.
    package var pace = Settings.Pace.normal
    package var topicPrefix = FixedText<64>("scrapworkerunion-1-")
    /// Where the union's key is, and the one before it; empty: there is none.
    package var keyFile = Text()
    package var previousKeyFile = Text()
    package var keys = UnionKeys()
    /// Of the two files, those whose key others than their owner and group can read or change.
    package var keysOpenToOthers = FixedArray<2, Text>(filler: Text())
    package var logLevel = Log.Level.info
    package var driver = LedDriver.none
    /// The inherited descriptor of the driver `fd:N`.
    package var reportFd: Int32 = -1
    /// Where each LED is: a line's name or `chip:offset`; empty: not wired.
    package var lamps = PerLamp(Text())
    /// LEDs that light when their line is low.
    package var activeLow = LampSet()
    /// What goes to librdkafka as it is. `bootstrap.servers` is always there.
    package var kafka = KafkaPairs(filler: Pair())
    package var ops = FixedArray<32, Op>(filler: Op())

    private var pool: Table<UInt8>
    private var used = 0

    package init() {
        var arena = Arena.mapped(Self.poolBytes)
        pool = arena.bytes(Self.poolBytes)
        settings = Settings(workerID: WorkerID(high: 0, low: 0), incarnation: 0)
    }
}

// Texts.
extension Config {
    /// Keeps a copy of `bytes`; nil when the pool is full.
    package mutating func keep(_ bytes: Span<UInt8>) -> Text? {
        guard bytes.count < Self.poolBytes - used else { return nil }
        pool.copy(bytes, at: used)
        let text = Text(start: Int32(used), count: Int32(bytes.count))
        used += bytes.count + 1
        return text
    }

    @_lifetime(borrow self)
    package borrowing func bytes(_ text: Text) -> Span<UInt8> {
        pool.span(Int(text.start)..<Int(text.start + text.count))
    }

    /// Lends a text as a C string.
    package borrowing func withCString<Result>(
        _ text: Text, _ body: (UnsafePointer<CChar>) -> Result
    ) -> Result {
        let bytes = pool.span(Int(text.start)..<Int(text.start + text.count + 1))
        return unsafe bytes.withUnsafeBufferPointer {
            unsafe $0.withMemoryRebound(to: CChar.self) { unsafe body($0.baseAddress!) }
        }
    }
}

// What the node asks.
extension Config {
    /// The configured op called `name`, as an index of `ops`.
    package func op(named name: OpName) -> Int? {
        for i in 0..<ops.count where ops[i].name == name { return i }
        return nil
    }

    /// Lends an op's program and arguments as C wants them, with a null at the end.
    package borrowing func withArguments<Result>(
        of op: Int, _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let words = Int(ops[op].words)
        return unsafe withCString(ops[op].exec) { text in
            var vector = unsafe InlineArray<33, UnsafeMutablePointer<CChar>?>(repeating: nil)
            var next = unsafe UnsafeMutablePointer(mutating: text)
            for i in 0..<words {
                unsafe vector[i] = next
                unsafe next += strlen(next) + 1
            }
            var span = unsafe vector.mutableSpan
            return unsafe span.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
        }
    }

    /// The value of a librdkafka key.
    package func kafka(_ key: StaticString) -> Text? {
        for i in 0..<kafka.count where bytes(kafka[i].key).equals(key) { return kafka[i].value }
        return nil
    }

    /// A topic's full name: the prefix and the topic's own word.
    package func name(of topic: Topic) -> FixedText<96> {
        var name = FixedText<96>()
        name.put(topicPrefix)
        name.append(topic.word)
        return name
    }
}

extension Topic {
    package var word: StaticString {
        switch self {
        case .leader: "leader"
        case .election: "election"
        case .heartbeat: "heartbeat"
        case .results: "results"
        case .requests: "requests"
        }
    }
}
