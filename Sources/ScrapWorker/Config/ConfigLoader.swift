@unsafe @preconcurrency import CInih  // for inih's settings, global variables
import CLinux
import Union
import Wire

/// Reads a configuration from its three sources, each overriding the one before: the file, `-o`
/// options, and `SCRAP_SECTION_KEY` variables of the environment (design, section 8).
///
/// Everything that is wrong is said at once, a line each, not only the first.
struct ConfigLoader: ~Copyable {
    static let defaultPath: StaticString = "/etc/scrap-worker/scrap-worker.conf"

    private(set) var config = Config()
    private var problems = 0
    /// The source that is being read, for complaints: a path, `-o`, a variable's name.
    private var source = FixedText<256>()
    /// The line of the file that is being read; 0 elsewhere.
    private var line: Int32 = 0
    private var lineIsCut = false

    // What depends on other keys, until all are known.
    private var workerID: WorkerID?
    private var isNamedByHost = false
    private var pace = Settings.Pace.normal
    private var ranking: Int32?
    private var slots: Int32?
    private var timings = InlineArray<11, Int32?>(repeating: nil)

    private init() {}

    /// The configuration that `options` ask for. `identity` says whether it is wrong when there
    /// is no worker's id: a node needs one, a tool does not.
    static func load(_ options: borrowing Options, identity: Bool) throws(Exit) -> Config {
        var loader = ConfigLoader()
        if let file = options.configFile {
            try loader.readFile(file, mayBeMissing: false)
        } else {
            try loader.readFile(Argument(defaultPath), mayBeMissing: true)
        }
        for i in 0..<options.overrides.count { loader.readOverride(options.overrides[i].bytes) }
        loader.readEnvironment()
        loader.finish(identity: identity)
        guard loader.problems == 0 else { throw Exit(code: EX_CONFIG) }
        return loader.config
    }

    /// What `demo` needs to read and write its own broker's topics.
    static func forDemo(
        servers: FixedText<256>, pace: FixedText<16>
    ) throws(Exit) -> Config {
        var loader = ConfigLoader()
        loader.source.put("demo")
        let kafka = ConfigSection.kafka.name.bytes
        servers.withSpan { loader.set(kafka, Argument("bootstrap.servers").bytes, $0) }
        loader.set(kafka, Argument("fetch.wait.max.ms").bytes, Argument("5").bytes)
        pace.withSpan {
            loader.set(ConfigSection.worker.name.bytes, ConfigKey.pace.name.bytes, $0)
        }
        loader.finish(identity: false)
        guard loader.problems == 0 else { throw Exit(code: EX_USAGE) }
        return loader.config
    }
}

// Source 1: the file, by inih.
extension ConfigLoader {
    /// Bytes of the longest line, its newline included.
    private static let lineBytes: Int32 = 4096

    private mutating func readFile(_ path: Argument, mayBeMissing: Bool) throws(Exit) {
        source.removeAll()
        source.put(path.bytes)
        guard let file = unsafe fopen(path.cString, Argument("re").cString) else {
            if mayBeMissing && scrap_errno() == ENOENT { return }
            var complaint = self.complaint()
            complaint.put("cannot be read: ")
            complaint.put(errno: scrap_errno())
            report(complaint)
            throw Exit(code: EX_NOINPUT)
        }
        ini_max_line = Self.lineBytes
        ini_allow_multiline = false
        let broken = unsafe withUnsafeMutablePointer(to: &self) { loader in
            var reading = unsafe Reading(file: file, loader: loader)
            return unsafe withUnsafeMutablePointer(to: &reading) {
                unsafe ini_parse_stream(readLine, $0, takeValue, $0)
            }
        }
        let failed = unsafe ferror(file) != 0
        unsafe fclose(file)
        line = broken
        if failed || broken < 0 {
            line = 0
            complain("cannot be read to its end")
        } else if broken > 0 {
            complain("this is neither `[section]` nor `key = value`")
        }
        line = 0
    }

    /// What the two C callbacks share.
    @unsafe
    fileprivate struct Reading {
        var file: UnsafeMutablePointer<FILE>
        var loader: UnsafeMutablePointer<ConfigLoader>
    }

    /// Notes a piece of a line that inih is about to see.
    fileprivate mutating func sawLine(_ bytes: Span<UInt8>) {
        if !lineIsCut { line += 1 }
        let ended = bytes.count > 0 && bytes[bytes.count - 1] == UInt8(ascii: "\n")
        // The file's last line may end without a newline, and is whole.
        let isCut = !ended && bytes.count == Int(Self.lineBytes) - 1
        if isCut && !lineIsCut { complain("the line is longer than 4094 bytes") }
        lineIsCut = isCut
    }

    fileprivate mutating func take(
        section: Span<UInt8>, name: Span<UInt8>, value: Span<UInt8>
    ) {
        if !lineIsCut || line == 0 { set(section, name, value) }
    }
}

/// fgets(3) for inih, which itself does not tell the number of a line.
private func readLine(
    _ text: UnsafeMutablePointer<CChar>?, _ size: Int32, _ user: UnsafeMutableRawPointer?
) -> UnsafeMutablePointer<CChar>? {
    let reading = unsafe user!.assumingMemoryBound(to: ConfigLoader.Reading.self)
    guard let read = unsafe fgets(text, size, reading.pointee.file) else { return nil }
    unsafe reading.pointee.loader.pointee.sawLine(Argument(cString: read).bytes)
    return unsafe read
}

private func takeValue(
    _ user: UnsafeMutableRawPointer?, _ section: UnsafePointer<CChar>?,
    _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
) -> Int32 {
    let reading = unsafe user!.assumingMemoryBound(to: ConfigLoader.Reading.self)
    unsafe reading.pointee.loader.pointee.take(
        section: Argument(cString: section!).bytes, name: Argument(cString: name!).bytes,
        value: Argument(cString: value!).bytes)
    return 1
}

// Source 2: `-o section.key=value`.
extension ConfigLoader {
    private mutating func readOverride(_ text: Span<UInt8>) {
        source.removeAll()
        source.put("-o ")
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")),
            let dot = text.extracting(0..<equals).firstIndex(of: UInt8(ascii: "."))
        else {
            source.put(foreign: text)
            return complain("expected section.key=value, such as worker.ranking=200")
        }
        source.put(foreign: text.extracting(0..<equals))
        let path = text.extracting(0..<equals)
        let value = text.extracting((equals + 1)..<text.count)
        var cut = dot
        if path.hasPrefix("op."), let last = path.lastIndex(of: UInt8(ascii: ".")) { cut = last }
        set(path.extracting(0..<cut), path.extracting((cut + 1)..<path.count), value)
    }
}

// Source 3: the environment.
extension ConfigLoader {
    private mutating func readEnvironment() {
        guard var entry = unsafe scrap_environment() else { return }
        while let text = unsafe entry.pointee {
            let bytes = unsafe Argument(cString: text).bytes
            if bytes.hasPrefix("SCRAP_"), let equals = bytes.firstIndex(of: UInt8(ascii: "=")) {
                readVariable(
                    bytes.extracting(0..<equals), bytes.extracting((equals + 1)..<bytes.count))
            }
            unsafe entry += 1
        }
    }

    /// `SCRAP_WORKER_RANKING`, `SCRAP_KAFKA_BOOTSTRAP_SERVERS`, `SCRAP_OP_NAME_EXEC`.
    private mutating func readVariable(_ variable: Span<UInt8>, _ value: Span<UInt8>) {
        guard !isForJobs(variable) else { return }
        source.removeAll()
        source.put(foreign: variable)
        let rest = variable.extracting(6..<variable.count)
        var cut = rest.firstIndex(of: UInt8(ascii: "_")) ?? rest.count
        var op = FixedText<64>()
        let isOp = rest.extracting(0..<cut).equals("OP")
        if isOp {
            let keyBytes = rest.hasSuffix("_TIMEOUT_MS") ? 11 : rest.hasSuffix("_EXEC") ? 5 : 0
            guard keyBytes > 0 && rest.count - keyBytes > 3 else {
                return complain("expected SCRAP_OP_<NAME>_EXEC or SCRAP_OP_<NAME>_TIMEOUT_MS")
            }
            cut = rest.count - keyBytes
            op.put("op.")
            lower(rest.extracting(3..<cut), into: &op)
        } else {
            lower(rest.extracting(0..<cut), into: &op)
        }
        var key = FixedText<64>()
        lower(rest.extracting(min(cut + 1, rest.count)..<rest.count), into: &key)
        if op.span.equals("kafka") {
            var dotted = FixedText<64>()
            for i in 0..<key.count { dotted.put(key[i] == 0x5F ? 0x2E : key[i]) }
            key = dotted
        }
        set(op.span, key.span, value)
    }

    /// What a job finds in its environment is no configuration, should it call this program.
    private func isForJobs(_ variable: Span<UInt8>) -> Bool {
        variable.hasPrefix("SCRAP_PARAM_") || variable.equals("SCRAP_REQUEST_ID")
            || variable.equals("SCRAP_ATTEMPT") || variable.equals("SCRAP_TERM")
    }

    private func lower<let n: Int>(_ bytes: Span<UInt8>, into text: inout FixedText<n>) {
        for i in bytes.indices {
            let isUpper = bytes[i] >= UInt8(ascii: "A") && bytes[i] <= UInt8(ascii: "Z")
            text.put(isUpper ? bytes[i] + 32 : bytes[i])
        }
    }
}

// One key and its value, from any source.
extension ConfigLoader {
    private mutating func set(_ section: Span<UInt8>, _ name: Span<UInt8>, _ value: Span<UInt8>) {
        let isOp = section.hasPrefix("op.")
        guard let known = ConfigSection.find(isOp ? section.extracting(0..<2) : section),
            isOp == (known == .op)
        else { return complainAboutSection(section, key: name) }
        if known == .kafka { return setKafka(name, value) }
        guard let key = ConfigKey.find(name, in: known) else {
            return complainAboutKey(name, in: known)
        }
        if key.range != nil {
            guard let number = number(key, value) else { return }
            return setNumber(key, number, op: section)
        }
        switch key {
        case .id: setWorkerID(value)
        case .topicPrefix: setTopicPrefix(value)
        case .pace: setPace(value)
        case .exec: setExec(op: section, value)
        case .driver: setDriver(value)
        case .activeLow: setActiveLow(value)
        case .level: setLevel(value)
        default: setLamp(key, value)
        }
    }

    private mutating func number(_ key: ConfigKey, _ value: Span<UInt8>) -> Int64? {
        let range = key.range!
        if let number = value.decimal, range.contains(number) { return number }
        var complaint = self.complaint()
        complaint.put(key.name)
        complaint.put(" must be a whole number from ")
        complaint.put(range.lowerBound)
        complaint.put(" to ")
        complaint.put(range.upperBound)
        complaint.put(", not `")
        complaint.put(foreign: value)
        complaint.put("`")
        report(complaint)
        return nil
    }

    private mutating func setNumber(_ key: ConfigKey, _ number: Int64, op section: Span<UInt8>) {
        let number = Int32(number)
        switch key {
        case .ranking: ranking = number
        case .slots: slots = number
        case .timeoutMs: if let op = op(section) { config.ops[op].timeoutMs = number }
        default: timings[Int(key.rawValue - ConfigKey.announceMs.rawValue)] = number
        }
    }

    private mutating func setWorkerID(_ value: Span<UInt8>) {
        isNamedByHost = value.equals("hostname")
        workerID = WorkerID(uuid: value)
        if workerID == nil && !isNamedByHost {
            complain(
                "id must be hostname or a UUID such as 6f1d0c3e-5b7a-4c1d-9e2f-0a1b2c3d4e5f",
                value)
        }
    }

    private mutating func setTopicPrefix(_ value: Span<UInt8>) {
        var isFine = value.count > 0 && value.count <= 64
        for i in value.indices {
            switch value[i] {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: continue
            default: isFine = false
            }
        }
        guard isFine else {
            return complain("topic_prefix takes 1 to 64 letters, digits, `.`, `_` and `-`", value)
        }
        config.topicPrefix.removeAll()
        config.topicPrefix.append(value)
    }

    private mutating func setPace(_ value: Span<UInt8>) {
        guard let pace = Settings.Pace(name: value) else {
            return complain("pace must be fast, normal or classroom", value)
        }
        self.pace = pace
    }

    private mutating func setLevel(_ value: Span<UInt8>) {
        guard let level = Log.Level(name: value) else {
            return complain("level must be error, warning, info or debug", value)
        }
        config.logLevel = level
    }

    private mutating func setKafka(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        guard let key = config.keep(name), let text = config.keep(value) else {
            return complainAboutPool()
        }
        let pair = Config.Pair(key: key, value: text)
        if let refusal = KafkaConf.refusal(of: pair, in: config) {
            var text = complaint()
            text.put("[kafka] ")
            text.put(refusal)
            return report(text)
        }
        for i in 0..<config.kafka.count where config.bytes(config.kafka[i].key).equals(name) {
            config.kafka[i] = pair
            return
        }
        guard config.kafka.append(pair) else { return complain("[kafka] holds at most 64 keys") }
    }
}

// Ops.
extension ConfigLoader {
    /// The op that `[op.NAME]` names, new or known; nil, and said why, when there can be none.
    private mutating func op(_ section: Span<UInt8>) -> Int? {
        let name = section.extracting(3..<section.count)
        var op = Config.Op()
        guard name.count > 0 && op.name.append(name) else {
            complain("an op's name has 1 to 32 bytes", name)
            return nil
        }
        if let known = config.op(named: op.name) { return known }
        guard BuiltIn.find(op.name) == nil else {
            complain("noop, echo, sleep and blink are built in: choose another name", name)
            return nil
        }
        guard config.ops.append(op) else {
            complain("at most 32 ops can be configured")
            return nil
        }
        return config.ops.count - 1
    }

    private mutating func setExec(op section: Span<UInt8>, _ value: Span<UInt8>) {
        guard let op = op(section) else { return }
        guard value.count < 4096 else { return complain("exec is longer than 4095 bytes") }
        var words = FixedText<4096>()
        guard let count = split(value, into: &words) else { return }
        guard count > 0 && words[0] == UInt8(ascii: "/") else {
            return complain("exec must begin with a program's whole path, /usr/bin/…", value)
        }
        guard count <= Config.words else { return complain("exec has at most 32 words") }
        guard let text = config.keep(words.span) else { return complainAboutPool() }
        config.ops[op].exec = text
        config.ops[op].words = count
    }

    /// Splits at blanks; double quotes keep a word together and never become part of it. Nothing
    /// else is special: there is no shell.
    private mutating func split(_ value: Span<UInt8>, into words: inout FixedText<4096>) -> Int32? {
        var count: Int32 = 0
        var inWord = false
        var quoted = false
        for i in value.indices {
            let byte = value[i]
            if !quoted && (byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")) {
                if inWord { words.append(0) }
                inWord = false
                continue
            }
            if !inWord { count += 1 }
            inWord = true
            if byte == UInt8(ascii: "\"") { quoted.toggle() } else { words.put(byte) }
        }
        if inWord { words.append(0) }
        guard !quoted else {
            complain("a double quote is not closed")
            return nil
        }
        return count
    }
}

// LEDs.
extension ConfigLoader {
    private mutating func setDriver(_ value: Span<UInt8>) {
        if value.equals("none") {
            config.driver = .none
        } else if value.equals("terminal") {
            config.driver = .terminal
        } else if value.equals("gpio") {
            config.driver = .gpio
        } else if value.hasPrefix("fd:"),
            let fd = value.extracting(3..<value.count).decimal, fd > 0, fd < 1024
        {
            config.driver = .report(fd: Int32(fd))
        } else {
            complain("driver must be none, terminal or gpio", value)
        }
    }

    private mutating func setLamp(_ key: ConfigKey, _ value: Span<UInt8>) {
        guard let text = config.keep(value) else { return complainAboutPool() }
        let lamp = Leds.Lamp(rawValue: key.rawValue - ConfigKey.leader.rawValue)!
        config.lamps[Int(lamp.rawValue)] = text
    }

    private mutating func setActiveLow(_ value: Span<UInt8>) {
        config.activeLow = 0
        var start = 0
        for i in 0...value.count {
            let ends =
                i == value.count || value[i] == UInt8(ascii: " ") || value[i] == UInt8(ascii: ",")
            guard ends else { continue }
            if i > start {
                guard let lamp = Leds.Lamp(name: value.extracting(start..<i)) else {
                    return complain(
                        "active_low lists LEDs: leader, candidate, voter, member, work", value)
                }
                config.activeLow |= 1 << lamp.rawValue
            }
            start = i + 1
        }
    }
}

// When everything is read.
extension ConfigLoader {
    private mutating func finish(identity: Bool) {
        source.removeAll()
        source.put("configuration")
        for i in 0..<config.ops.count where config.ops[i].words == 0 {
            var text = complaint()
            text.put("[op.")
            text.put(foreign: config.ops[i].name)
            text.put("] needs `exec = /path/of/a/program`")
            report(text)
        }
        if config.kafka("bootstrap.servers") == nil {
            setKafka(Argument("bootstrap.servers").bytes, Argument("localhost:9092").bytes)
        }
        config.settings = Settings(
            workerID: workerID ?? WorkerID(high: 0, low: 0), incarnation: randomNumber(),
            pace: pace)
        if let ranking { config.settings.ranking = ranking }
        if let slots { config.settings.slots = slots }
        for i in 0..<11 { if let ms = timings[i] { config.settings.set(timing: i, ms) } }
        if let broken = config.settings.broken { complain(about: broken) }
        if workerID == nil { deriveWorkerID(isNeeded: identity) }
    }

    private mutating func deriveWorkerID(isNeeded: Bool) {
        let id =
            isNamedByHost
            ? WorkerID.fromHostName(topicPrefix: config.topicPrefix)
            : WorkerID.derived(topicPrefix: config.topicPrefix)
        if let id {
            config.settings.workerID = id
        } else if isNeeded {
            complain(
                """
                there is no /etc/machine-id to derive this board's identity from: set worker.id \
                to a UUID of its own, or to hostname
                """)
        }
    }
}

// What is wrong, a line each.
extension ConfigLoader {
    /// The beginning of a complaint: the program and the place.
    private borrowing func complaint() -> FixedText<1024> {
        var text = FixedText<1024>()
        text.put("scrap-worker: ")
        text.put(source)
        if line > 0 {
            text.put(":")
            text.put(line)
        }
        text.put(": ")
        return text
    }

    private mutating func report(_ complaint: FixedText<1024>) {
        var text = complaint
        text.put("\n")
        writeAll(STDERR_FILENO, text.span)
        problems += 1
    }

    private mutating func complain(_ what: StaticString) {
        var text = complaint()
        text.put(what)
        report(text)
    }

    private mutating func complain(_ what: StaticString, _ value: Span<UInt8>) {
        var text = complaint()
        text.put(what)
        text.put(", not `")
        text.put(foreign: value)
        text.put("`")
        report(text)
    }

    private mutating func complainAboutPool() {
        complain("all texts of the configuration together are longer than 64 KiB")
    }

    private mutating func complainAboutSection(_ section: Span<UInt8>, key: Span<UInt8>) {
        var text = complaint()
        if section.isEmpty {
            text.put("`")
            text.put(foreign: key)
            text.put("` stands before the first [section]")
            return report(text)
        }
        text.put("there is no section [")
        text.put(foreign: section)
        text.put("]; ")
        if let name = ConfigSection.nearest(to: section) {
            text.put("did you mean [")
            text.put(name)
            text.put("]? ")
        }
        text.put("There are [worker], [timing], [kafka], [op.NAME], [leds] and [log]")
        report(text)
    }

    private mutating func complainAboutKey(_ name: Span<UInt8>, in section: ConfigSection) {
        var text = complaint()
        text.put("[")
        text.put(section.name)
        text.put("] has no key `")
        text.put(foreign: name)
        text.put("`; ")
        if let known = section.nearestKey(to: name) {
            text.put("did you mean `")
            text.put(known)
            text.put("`? ")
        }
        text.put("It has")
        var separator: StaticString = " "
        for i in 0..<ConfigKey.count where ConfigKey(rawValue: i)!.section == section {
            text.put(separator)
            text.put(ConfigKey(rawValue: i)!.name)
            separator = ", "
        }
        report(text)
    }

    private mutating func complain(about broken: Settings.Broken) {
        var text = complaint()
        text.put("these timings do not fit together: ")
        text.put(broken.rule)
        text.put(" must hold, but the left side is ")
        text.put(broken.left)
        text.put(" and the right side ")
        text.put(broken.right)
        text.put(": ")
        text.put(broken.why)
        report(text)
    }
}

extension Settings {
    /// Sets the timing at this place in `[timing]`, counted from `announce_ms`.
    fileprivate mutating func set(timing index: Int, _ value: Int32) {
        switch ConfigKey(rawValue: ConfigKey.announceMs.rawValue + UInt8(index))! {
        case .announceMs: announceMs = value
        case .leaseMs: leaseMs = value
        case .leaderTimeoutMs: leaderTimeoutMs = value
        case .heartbeatMs: heartbeatMs = value
        case .memberTimeoutMs: memberTimeoutMs = value
        case .workerLeaseMs: workerLeaseMs = value
        case .killGraceMs: killGraceMs = value
        case .ackTimeoutMs: ackTimeoutMs = value
        case .countdownStart: countdownStart = value
        case .countdownDelayMs: countdownDelayMs = value
        case .campaignTtlMs: campaignTtlMs = value
        default: preconditionFailure("not a timing")
        }
    }
}

extension Settings.Pace {
    init?(name: Span<UInt8>) {
        if name.equals("fast") {
            self = .fast
        } else if name.equals("normal") {
            self = .normal
        } else if name.equals("classroom") {
            self = .classroom
        } else {
            return nil
        }
    }
}
