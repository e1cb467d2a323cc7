import CLinux
import Shell
import Union

/// What a user can set, with everything resolved: the file, `-o` and the environment are read,
/// defaults are filled in, and every rule between values holds (design, sections 8 and 9).
///
/// One value per process, lent to the commands. Texts of any length lie in one pool, each ended
/// by a zero byte, so that C can read them in place.
struct Config: ~Copyable {
    /// Bytes of all texts together.
    static let poolBytes = 64 * 1024
    /// Keys in `[kafka]`.
    static let kafkaKeys = 64
    /// Words of an op's `exec`, the program included.
    static let words = 32

    /// A text in the pool, without its zero byte.
    struct Text {
        var start: Int32 = 0
        var count: Int32 = 0
    }

    /// A key of librdkafka and its value.
    struct Pair {
        var key = Text()
        var value = Text()
    }

    /// A job kind: `[op.NAME]`.
    struct Op {
        var name = OpName()
        /// The program and its arguments, each ended by a zero byte.
        var exec = Text()
        var words: Int32 = 0
        /// The deadline of a request that names none; nil: the built-in one.
        var timeoutMs: Int32?
    }

    /// How roles become visible.
    enum Driver: Equatable {
        case none, terminal, gpio
        /// Lines for `demo` on this inherited descriptor; see `Leds`.
        case report(fd: Int32)
    }

    /// Who this node is, and its timings.
    var settings: Settings
    var topicPrefix = FixedText<64>("scrapworkerunion-1-")
    var logLevel = Log.Level.info
    var driver = Driver.none
    /// Where each LED is, by `Leds.Lamp`: a line's name or `chip:offset`; empty: not wired.
    var lamps = FixedArray<5, Text>(filler: Text())
    /// A bit for each `Leds.Lamp` that lights when its line is low.
    var activeLow: UInt8 = 0
    /// What goes to librdkafka as it is. `bootstrap.servers` is always there.
    var kafka = FixedArray<64, Pair>(filler: Pair())
    var ops = FixedArray<32, Op>(filler: Op())

    private var pool: Table<UInt8>
    private var used = 0

    init() {
        var arena = Arena.mapped(Self.poolBytes)
        pool = arena.bytes(Self.poolBytes)
        settings = Settings(workerID: WorkerID(high: 0, low: 0), incarnation: 0)
        for _ in 0..<5 { lamps.append(Text()) }
    }
}

// Texts.
extension Config {
    /// Keeps a copy of `bytes`; nil when the pool is full.
    mutating func keep(_ bytes: Span<UInt8>) -> Text? {
        guard bytes.count < Self.poolBytes - used else { return nil }
        pool.copy(bytes, at: used)
        let text = Text(start: Int32(used), count: Int32(bytes.count))
        used += bytes.count + 1
        return text
    }

    @_lifetime(borrow self)
    borrowing func bytes(_ text: Text) -> Span<UInt8> {
        pool.span(Int(text.start)..<Int(text.start + text.count))
    }

    /// Lends a text as a C string.
    borrowing func withCString<Result>(
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
    func op(named name: OpName) -> Int? {
        for i in 0..<ops.count where ops[i].name == name { return i }
        return nil
    }

    /// Lends an op's program and arguments as C wants them, with a null at the end.
    borrowing func withArguments<Result>(
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
    func kafka(_ key: StaticString) -> Text? {
        for i in 0..<kafka.count where bytes(kafka[i].key).equals(key) { return kafka[i].value }
        return nil
    }

    /// A topic's full name: the prefix and the topic's own word.
    func name(of topic: Topic) -> FixedText<96> {
        var name = FixedText<96>()
        name.put(topicPrefix)
        name.append(topic.word)
        return name
    }
}

extension Topic {
    var word: StaticString {
        switch self {
        case .leader: "leader"
        case .election: "election"
        case .heartbeat: "heartbeat"
        case .results: "results"
        case .requests: "requests"
        }
    }
}
