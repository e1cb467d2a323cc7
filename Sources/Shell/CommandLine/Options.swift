@unsafe @preconcurrency import CLinux  // for getopt(3)'s variables
import Union

/// The commands (design, section 8), and what is not said aloud.
package enum Command: UInt8, Worded {
    case run, demo, broker, submit, watch, leds, check, health, key

    package var word: StaticString {
        switch self {
        case .run: "run"
        case .demo: "demo"
        case .broker: "broker"
        case .submit: "submit"
        case .watch: "watch"
        case .leds: "leds"
        case .check: "check"
        case .health: "health"
        case .key: "key"
        }
    }
}

/// The command line cannot be understood: what to say on standard error, its newline included.
/// The process ends with EX_USAGE.
package struct Misuse: Error {
    package private(set) var text = FixedText<8192>()

    init(_ words: (inout FixedText<512>) -> Void) {
        var line = FixedText<512>("scrap-worker: ")
        words(&line)
        text.put(line)
        text.put("\n")
    }

    /// There is no command at all.
    fileprivate init() {
        text.put(Help.program)
        text.put("\n")
    }
}

/// The command line, parsed by getopt_long(3).
package struct Options: ~Copyable {
    package var command = Command.run
    /// `-c FILE`; nil: the default one, which may be missing.
    package var configFile: Argument?
    /// `-o section.key=value`, in their order.
    package var overrides = FixedArray<64, Argument>(filler: Argument(""))
    package var json = false

    // submit
    /// Requests of one `submit`.
    package static let mostRequests: Int64 = 1_000_000

    package var op = Argument("")
    package var code: Argument?
    package var parameters = FixedArray<16, Argument>(filler: Argument(""))
    package var requests: Int64 = 1
    /// Requests per second; nil: as fast as the broker takes them.
    package var rate: Double?
    package var timeoutMs: Int32?
    package var maxAttempts = WorkRequest.defaultMaxAttempts
    /// Empty: a new UUID.
    package var id = Argument("")
    package var wait = false
    /// How long the broker may be out of reach; nil: as long as the command likes.
    package var withinS: Int64?

    // leds
    /// Only puts them out.
    package var off = false

    // check
    /// Everything that a bug report needs.
    package var report = false

    // demo
    package var nodes: Int32 = 5
    package var killLeaderEveryS: Double?
    /// How long; nil: until Ctrl-C.
    package var forS: Double?
    package var pace = Settings.Pace.normal

    /// `demo` starts its children with its process id: they end when it does.
    package var parent: pid_t?

    /// What is to be printed and is all there is to do: `--help` or `--version` asked for it.
    package private(set) var answer: Argument?
    /// `scrap-worker 1.0.0 (1a2b3c4d5e6f)`
    package let version: Argument

    /// Parses a program's arguments.
    package init(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
        version: Argument
    ) throws(Misuse) {
        self.version = version
        guard count > 1, let first = unsafe arguments[1] else { throw Misuse() }
        let word = unsafe Argument(cString: first)
        answer = answer(to: word.bytes)
        guard answer == nil else { return }
        guard let command = Command(word: word.bytes) else {
            throw Self.refuse("there is no command ", word.bytes)
        }
        self.command = command
        try unsafe takeOptions(count - 1, arguments + 1)
    }

    /// `--help`, `--version`, `help`: whatever stands in a command's place without being one.
    private func answer(to word: Span<UInt8>) -> Argument? {
        if word.equals("--version") || word.equals("-V") { return version }
        let isHelp = word.equals("--help") || word.equals("-h") || word.equals("help")
        return isHelp ? Argument(Help.program) : nil
    }

    private mutating func takeOptions(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) throws(Misuse) {
        var table = unsafe Flag.table()
        let letters = Argument("c:o:n:hV")
        opterr = 0
        // Begins anew, should this not be the process's first command line.
        optind = 0
        while answer == nil {
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
        guard answer == nil else { return }
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

    private mutating func take(_ flag: Flag, _ value: Argument) throws(Misuse) {
        switch flag {
        case .help: answer = Argument(Help.of(command))
        case .version: answer = version
        case .config: configFile = value
        case .override: try Self.append(value, to: &overrides, flag)
        case .json: json = true
        case .code: code = value
        case .parameter: try Self.append(value, to: &parameters, flag)
        case .count: requests = try number(flag, value, 1...Self.mostRequests)
        case .rate: rate = try decimal(flag, value, upTo: 1_000_000)
        case .timeout:
            timeoutMs = Int32(try number(flag, value, 1...Int64(Limits.timeoutMs)))
        case .maxAttempts:
            maxAttempts = Int32(try number(flag, value, 1...Int64(Limits.maxAttempts)))
        case .id: id = value
        case .wait: wait = true
        case .report: report = true
        case .off: off = true
        case .within: withinS = try number(flag, value, 1...86_400)
        case .nodes: nodes = Int32(try number(flag, value, 1...16))
        case .killLeader: killLeaderEveryS = try decimal(flag, value, upTo: 86_400)
        case .duration: forS = try decimal(flag, value, upTo: 864_000)
        case .pace:
            guard let pace = Settings.Pace(word: value.bytes) else {
                throw Self.refuse(
                    "--pace takes fast, normal, cloud or classroom, not ", value.bytes)
            }
            self.pace = pace
        case .dieWithParent: parent = pid_t(try number(flag, value, 1...Int64(pid_t.max)))
        }
    }

    private static func append<let n: Int>(
        _ value: Argument, to list: inout FixedArray<n, Argument>, _ flag: Flag
    ) throws(Misuse) {
        guard !list.append(value) else { return }
        throw refuse("too many of ", flag.word.bytes)
    }

    private func number(
        _ flag: Flag, _ value: Argument, _ range: ClosedRange<Int64>
    ) throws(Misuse) -> Int64 {
        if let number = value.bytes.decimal, range.contains(number) { return number }
        throw refuse(flag, value, range.lowerBound, range.upperBound)
    }

    /// Seconds or a rate: above 0, a fraction is fine.
    private func decimal(
        _ flag: Flag, _ value: Argument, upTo limit: Int64
    ) throws(Misuse) -> Double {
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

    private mutating func checkTogether() throws(Misuse) {
        guard command == .submit else { return }
        guard op.count > 0 else {
            throw Self.refuse("submit needs the name of an op: submit ", Argument("OP").bytes)
        }
        guard op.count <= Limits.opBytes else {
            throw Self.refuse("an op's name is too long", limit: Limits.opBytes, op.bytes)
        }
        // Room for `-1000000`.
        let idBytes = Limits.idBytes - (requests > 1 ? 8 : 0)
        guard id.count <= idBytes else {
            throw Self.refuse("an id is too long", limit: idBytes, id.bytes)
        }
        for i in 0..<parameters.count {
            let pair = parameters[i].bytes
            guard pair.firstIndex(of: UInt8(ascii: "=")) ?? 0 > 0 else {
                throw Self.refuse("--param takes KEY=VALUE, not ", pair)
            }
        }
    }

    private func refuse(_ flag: Flag, _ value: Argument, _ low: Int64, _ high: Int64) -> Misuse {
        Misuse { (line: inout FixedText<512>) in
            line.put(flag.word)
            line.put(" takes a number from ")
            line.put(low)
            line.put(" to ")
            line.put(high)
            line.put(", not `")
            line.put(foreign: value.bytes)
            line.put("`")
        }
    }

    private static func refuse(
        _ what: StaticString, limit: Int, _ word: Span<UInt8>
    ) -> Misuse {
        Misuse { (line: inout FixedText<512>) in
            line.put(what)
            line.put(", the limit is ")
            line.put(limit)
            line.put(" bytes: `")
            line.put(foreign: word)
            line.put("`")
        }
    }

    private static func refuse(_ what: StaticString, _ word: Span<UInt8>) -> Misuse {
        Misuse { (line: inout FixedText<512>) in
            line.put(what)
            line.put("`")
            line.put(foreign: word)
            line.put("`; scrap-worker --help lists what there is")
        }
    }
}

/// An option, of whatever command.
enum Flag: UInt8, Cases {
    case config, override, help, version
    case json, code, parameter, count, rate, timeout, maxAttempts, id, wait, within
    case nodes, killLeader, duration, pace
    case report, off
    case dieWithParent

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
        case .report: "--report"
        case .off: "--off"
        case .dieWithParent: "--die-with-parent"
        }
    }

    var takesValue: Bool {
        switch self {
        case .help, .version, .json, .wait, .report, .off: false
        case .config, .override, .code, .parameter, .count, .rate, .timeout, .maxAttempts, .id,
            .within, .nodes, .killLeader, .duration, .pace, .dieWithParent:
            true
        }
    }

    func isFor(_ command: Command) -> Bool {
        switch self {
        case .help, .version: true
        case .config, .override: command != .demo && command != .key
        case .json: command == .submit || command == .watch
        case .code, .parameter, .count, .rate, .timeout, .maxAttempts, .id, .wait:
            command == .submit
        case .within: command == .submit || command == .check || command == .health
        case .nodes, .killLeader, .duration, .pace: command == .demo
        case .report: command == .check
        case .off: command == .leds
        case .dieWithParent: command == .run || command == .broker
        }
    }

    /// getopt_long(3)'s table, ended by an entry of zeros.
    @unsafe
    static func table() -> InlineArray<32, option> {
        var table = unsafe InlineArray<32, option>(repeating: option())
        for flag in all {
            precondition(flag.rawValue < 31, "Flag: no room for the table's end")
            unsafe table[Int(flag.rawValue)] = option(
                name: Argument(flag.word).cString + 2, has_arg: flag.takesValue ? 1 : 0, flag: nil,
                val: firstCode + Int32(flag.rawValue))
        }
        return unsafe table
    }
}
