@unsafe @preconcurrency import CLinux  // for getopt(3)'s variables
import Union

/// The commands (design, section 8), and what is not said aloud.
enum Command: UInt8 {
    case run, demo, broker, submit, watch, leds, check, health

    static let count: UInt8 = 8

    var word: StaticString {
        switch self {
        case .run: "run"
        case .demo: "demo"
        case .broker: "broker"
        case .submit: "submit"
        case .watch: "watch"
        case .leds: "leds"
        case .check: "check"
        case .health: "health"
        }
    }

    static func find(_ word: Span<UInt8>) -> Command? {
        for i in 0..<count where word.equals(Command(rawValue: i)!.word) {
            return Command(rawValue: i)
        }
        return nil
    }
}

/// The command line, parsed by getopt_long(3).
struct Options: ~Copyable {
    static let version: StaticString = "scrap-worker 1.0.0\n"

    var command = Command.run
    /// `-c FILE`; nil: the default one, which may be missing.
    var configFile: Argument?
    /// `-o section.key=value`, in their order.
    var overrides = FixedArray<64, Argument>(filler: Argument(""))
    var json = false

    // submit
    var op = Argument("")
    var code: Argument?
    var parameters = FixedArray<16, Argument>(filler: Argument(""))
    var requests: Int64 = 1
    /// Requests per second; nil: as fast as the broker takes them.
    var rate: Double?
    var timeoutMs: Int32?
    var maxAttempts = WorkRequest.defaultMaxAttempts
    /// Empty: a new UUID.
    var id = Argument("")
    var wait = false
    /// How long the broker may be out of reach; nil: as long as the command likes.
    var withinS: Int64?

    // demo
    var nodes: Int32 = 5
    var killLeaderEveryS: Double?
    /// How long; nil: until Ctrl-C.
    var forS: Double?
    var pace: Argument?

    /// `demo` starts its children with its process id: they end when it does.
    var parent: pid_t?

    /// What `--help`, `--version` or no command at all ask for has been done.
    private(set) var isDone = false

    /// Parses a program's arguments. Throws EX_USAGE, and has said what is wrong.
    init(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) throws(Exit) {
        guard count > 1, let first = unsafe arguments[1] else {
            writeAll(STDERR_FILENO, Help.program.bytes)
            throw Exit(code: EX_USAGE)
        }
        let word = unsafe Argument(cString: first)
        if try takeGlobal(word, isLast: count == 2) { return }
        guard let command = Command.find(word.bytes) else {
            throw Self.refuse("there is no command ", word.bytes)
        }
        self.command = command
        try unsafe takeOptions(count - 1, arguments + 1)
    }

    /// `--help`, `--version`, `help`: whatever stands in a command's place without being one.
    private mutating func takeGlobal(_ word: Argument, isLast: Bool) throws(Exit) -> Bool {
        let bytes = word.bytes
        if bytes.equals("--version") || bytes.equals("-V") {
            writeAll(STDOUT_FILENO, Self.version.bytes)
        } else if bytes.equals("--help") || bytes.equals("-h") || bytes.equals("help") {
            writeAll(STDOUT_FILENO, Help.program.bytes)
        } else {
            return false
        }
        isDone = true
        return true
    }

    private mutating func takeOptions(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) throws(Exit) {
        var table = unsafe Flag.table()
        let letters = Argument("c:o:n:hV")
        opterr = 0
        while !isDone {
            var flags = unsafe table.mutableSpan
            let code = unsafe flags.withUnsafeMutableBufferPointer {
                unsafe getopt_long(count, arguments, letters.cString, $0.baseAddress, nil)
            }
            guard code != -1 else { break }
            guard let flag = Flag(code) else {
                throw unsafe Self.refuse(
                    "this is no option, or it lacks its value: ",
                    Argument(cString: arguments[Int(optind) - 1]!).bytes)
            }
            guard flag.isFor(command) else {
                throw Self.refuse("this command has no option ", flag.word.bytes)
            }
            try take(flag, unsafe optarg == nil ? Argument("") : Argument(cString: optarg))
        }
        guard !isDone else { return }
        var index = optind
        if command == .submit && index < count {
            unsafe op = Argument(cString: arguments[Int(index)]!)
            index += 1
        }
        guard index >= count else {
            throw unsafe Self.refuse(
                "nothing more is expected here: ", Argument(cString: arguments[Int(index)]!).bytes)
        }
        try checkTogether()
    }

    private mutating func take(_ flag: Flag, _ value: Argument) throws(Exit) {
        switch flag {
        case .help:
            writeAll(STDOUT_FILENO, Help.of(command).bytes)
            isDone = true
        case .version:
            writeAll(STDOUT_FILENO, Self.version.bytes)
            isDone = true
        case .config: configFile = value
        case .override: try Self.append(value, to: &overrides, flag)
        case .json: json = true
        case .code: code = value
        case .parameter: try Self.append(value, to: &parameters, flag)
        case .count: requests = try number(flag, value, 1...1_000_000)
        case .rate: rate = try decimal(flag, value, upTo: 1_000_000)
        case .timeout: timeoutMs = Int32(try number(flag, value, 1...86_400_000))
        case .maxAttempts: maxAttempts = Int32(try number(flag, value, 1...1000))
        case .id: id = value
        case .wait: wait = true
        case .within: withinS = try number(flag, value, 1...86_400)
        case .nodes: nodes = Int32(try number(flag, value, 1...16))
        case .killLeader: killLeaderEveryS = try decimal(flag, value, upTo: 86_400)
        case .duration: forS = try decimal(flag, value, upTo: 864_000)
        case .pace: pace = value
        case .dieWithParent: parent = pid_t(try number(flag, value, 1...Int64(pid_t.max)))
        }
    }

    private static func append<let n: Int>(
        _ value: Argument, to list: inout FixedArray<n, Argument>, _ flag: Flag
    ) throws(Exit) {
        guard !list.append(value) else { return }
        throw refuse("too many of ", flag.word.bytes)
    }

    private func number(
        _ flag: Flag, _ value: Argument, _ range: ClosedRange<Int64>
    ) throws(Exit) -> Int64 {
        if let number = value.bytes.decimal, range.contains(number) { return number }
        throw refuse(flag, value, range.lowerBound, range.upperBound)
    }

    /// Seconds or a rate: above 0, a fraction is fine.
    private func decimal(
        _ flag: Flag, _ value: Argument, upTo limit: Int64
    ) throws(Exit) -> Double {
        let bytes = value.bytes
        let dot = bytes.firstIndex(of: UInt8(ascii: ".")) ?? bytes.count
        let fraction = bytes.extracting(min(dot + 1, bytes.count)..<bytes.count)
        if var number = bytes.extracting(0..<dot).decimal.map({ Double($0) }), fraction.count < 7,
            fraction.count == 0 || !fraction.hasPrefix("-") && fraction.decimal != nil
        {
            var unit = 1.0
            for i in fraction.indices {
                unit /= 10
                number += Double(fraction[i] - UInt8(ascii: "0")) * unit
            }
            if number > 0 && number <= Double(limit) { return number }
        }
        throw refuse(flag, value, 0, limit)
    }

    private mutating func checkTogether() throws(Exit) {
        guard command == .submit else { return }
        guard op.count > 0 else {
            throw Self.refuse("submit needs the name of an op: submit ", Argument("OP").bytes)
        }
        guard op.count <= Limits.opBytes else {
            throw Self.refuse("an op's name has at most 32 bytes: ", op.bytes)
        }
        guard id.count <= Limits.idBytes - (requests > 1 ? 8 : 0) else {
            throw Self.refuse("an id has at most 64 bytes, 56 with --count: ", id.bytes)
        }
        for i in 0..<parameters.count {
            let pair = parameters[i].bytes
            guard pair.firstIndex(of: UInt8(ascii: "=")) ?? 0 > 0 else {
                throw Self.refuse("--param takes KEY=VALUE, not ", pair)
            }
        }
    }

    private func refuse(_ flag: Flag, _ value: Argument, _ low: Int64, _ high: Int64) -> Exit {
        var line = FixedText<512>("scrap-worker: ")
        line.put(flag.word)
        line.put(" takes a number from ")
        line.put(low)
        line.put(" to ")
        line.put(high)
        line.put(", not `")
        line.put(foreign: value.bytes)
        line.put("`\n")
        writeAll(STDERR_FILENO, line.span)
        return Exit(code: EX_USAGE)
    }

    static func refuse(_ what: StaticString, _ word: Span<UInt8>) -> Exit {
        var line = FixedText<512>("scrap-worker: ")
        line.put(what)
        line.put("`")
        line.put(foreign: word)
        line.put("`; scrap-worker --help lists what there is\n")
        writeAll(STDERR_FILENO, line.span)
        return Exit(code: EX_USAGE)
    }
}

/// An option, of whatever command.
enum Flag: UInt8 {
    case config, override, help, version
    case json, code, parameter, count, rate, timeout, maxAttempts, id, wait, within
    case nodes, killLeader, duration, pace
    case dieWithParent

    static let all: UInt8 = 19
    /// What getopt_long(3) returns for the first of them when it is given by its long name.
    private static let firstCode: Int32 = 256

    init?(_ code: Int32) {
        switch UInt8(truncatingIfNeeded: code) {
        case UInt8(ascii: "c") where code < 256: self = .config
        case UInt8(ascii: "o") where code < 256: self = .override
        case UInt8(ascii: "n") where code < 256: self = .nodes
        case UInt8(ascii: "h") where code < 256: self = .help
        case UInt8(ascii: "V") where code < 256: self = .version
        default:
            guard code >= Self.firstCode else { return nil }
            self.init(rawValue: UInt8(truncatingIfNeeded: code - Self.firstCode))
        }
    }

    var word: StaticString {
        switch self {
        case .config: "--config"
        case .override: "--option"
        case .help: "--help"
        case .version: "--version"
        case .json: "--json"
        case .code: "--code"
        case .parameter: "--param"
        case .count: "--count"
        case .rate: "--rate"
        case .timeout: "--timeout"
        case .maxAttempts: "--max-attempts"
        case .id: "--id"
        case .wait: "--wait"
        case .within: "--within"
        case .nodes: "--nodes"
        case .killLeader: "--kill-leader-every"
        case .duration: "--for"
        case .pace: "--pace"
        case .dieWithParent: "--die-with-parent"
        }
    }

    var takesValue: Bool {
        switch self {
        case .help, .version, .json, .wait: false
        default: true
        }
    }

    func isFor(_ command: Command) -> Bool {
        switch self {
        case .help, .version: true
        case .config, .override: command != .demo
        case .json: command == .submit || command == .watch
        case .code, .parameter, .count, .rate, .timeout, .maxAttempts, .id, .wait:
            command == .submit
        case .within: command == .submit || command == .check || command == .health
        case .nodes, .killLeader, .duration, .pace: command == .demo
        case .dieWithParent: command == .run || command == .broker
        }
    }

    /// getopt_long(3)'s table, ended by an entry of zeros.
    @unsafe
    static func table() -> InlineArray<20, option> {
        var table = unsafe InlineArray<20, option>(repeating: option())
        for i in 0..<all {
            let flag = Flag(rawValue: i)!
            unsafe table[Int(i)] = option(
                name: Argument(flag.word).cString + 2, has_arg: flag.takesValue ? 1 : 0, flag: nil,
                val: firstCode + Int32(i))
        }
        return unsafe table
    }
}
