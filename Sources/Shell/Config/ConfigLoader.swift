import CLinux
import Union
import Wire

/// Reads a configuration from its three sources, each overriding the one before: the file, `-o`
/// options, and `SCRAP_SECTION_KEY` variables of the environment (design, section 8).
///
/// Everything that is wrong is said at once, a line each, not only the first.
///
/// ```
/// var loader = ConfigLoader<KafkaKeys>()
/// loader.beginFile(path)
/// loader.sawLine(…)  loader.take(section: …, name: …, value: …)  loader.endFile(…)
/// loader.readOverride("worker.ranking=200")
/// loader.readEnvironment()
/// let config = try loader.finish(identity: true)
/// ```
package struct ConfigLoader<Keys: KafkaKeyCheck>: ~Copyable {
    /// Bytes of a file's longest line with its newline, and the zero byte after it.
    package static var lineBytes: Int { 4096 }

    var config = Config()
    var complaints: Complaints
    private var lineIsCut = false

    // What depends on other keys, until all are known.
    var workerID: WorkerID?
    var isNamedByHost = false
    var keyStep: KeyStep?
    var numbers = FixedArray<32, ConfiguredNumber>(
        filler: ConfiguredNumber(key: .ranking, value: 0))

    /// Complaints go to `fd`.
    package init(complaintsTo fd: Int32 = STDERR_FILENO) { complaints = Complaints(to: fd) }

    /// What `demo` needs to read and write its own broker's topics.
    package mutating func setForDemo(servers: Span<UInt8>, pace: Settings.Pace) {
        complaints.begin("demo")
        setKafka(Argument("bootstrap.servers").bytes, servers)
        setKafka(Argument("fetch.wait.max.ms").bytes, Argument("5").bytes)
        config.pace = pace
    }

    /// The configuration, when nothing is wrong with it. `identity` says whether it is wrong when
    /// there is no worker's id: a node needs one, a tool does not.
    package consuming func finish(identity: Bool) throws(Exit) -> Config {
        complaints.begin("configuration")
        checkOps()
        if config.kafka("bootstrap.servers") == nil {
            setKafka(Argument("bootstrap.servers").bytes, Argument("localhost:9092").bytes)
        }
        setSettings(needsIdentity: identity)
        readKeys()
        guard complaints.count == 0 else { throw Exit(code: EX_CONFIG) }
        return config
    }
}

// The union's key.
extension ConfigLoader {
    private mutating func readKeys() {
        guard config.keyFile.count > 0 else {
            if keyStep != nil { complaints.say("[union] key_step is nothing without key_file") }
            if config.previousKeyFile.count > 0 {
                complaints.say("[union] previous_key_file is nothing without key_file")
            }
            return
        }
        config.keys.step = keyStep ?? .require
        config.keys.key = readKey(config.keyFile, "key_file")
        if config.previousKeyFile.count > 0 {
            config.keys.previous = readKey(config.previousKeyFile, "previous_key_file")
        }
        if let key = config.keys.key, let previous = config.keys.previous, key.id == previous.id {
            complaints.say("[union] key_file and previous_key_file hold the same key")
        }
        config.settings.signsWith = config.keys.signing?.id ?? 0
        config.settings.accepts = config.keys.acceptedIDs
    }

    /// Nil, and said why, when the file holds no key.
    private mutating func readKey(_ file: Config.Text, _ name: StaticString) -> UnionKey? {
        let path = path(of: file)
        do throws(UnionKey.Refusal) {
            let (key, isOpenToOthers) = try UnionKey.read(path)
            if isOpenToOthers { config.keysOpenToOthers.append(file) }
            return key
        } catch {
            complaints.say { (text: inout Complaints.Line) in
                text.put("[union] ")
                text.put(name)
                text.put(" ")
                text.put(error)
                text.put(": ")
                text.put(foreign: path)
            }
            return nil
        }
    }

    /// A name without a slash is that of a credential that systemd hands over (systemd.exec(5),
    /// LoadCredential=), and where it hands over none, as to who calls a tool by hand, of a file beside
    /// the configuration's usual one.
    private func path(of file: Config.Text) -> FixedText<1024> {
        var path = FixedText<1024>()
        let name = config.bytes(file)
        if name.firstIndex(of: UInt8(ascii: "/")) == nil {
            if let folder = Environment.value("CREDENTIALS_DIRECTORY"), folder.count > 0 {
                path.put(folder.bytes)
            } else {
                path.put("/etc/scrap-worker")
            }
            path.put("/")
        }
        path.put(name)
        return path
    }
}

/// Who knows librdkafka's keys.
package protocol KafkaKeyCheck {
    /// Why a pair of `[kafka]` cannot be used, in words; nil when it can.
    static func refusal(of pair: Config.Pair, in config: borrowing Config) -> FixedText<512>?
}

/// A number as the sources give it.
struct ConfiguredNumber {
    var key: NumberKey
    var value: Int32
}

// Source 1: the file. Its syntax is known elsewhere; see `ConfigFile`.
extension ConfigLoader {
    package mutating func beginFile(_ path: Argument) {
        complaints.begin("", path.bytes)
        lineIsCut = false
    }

    /// The file cannot be read at all.
    package mutating func refuseFile(errno code: Int32) {
        complaints.say { (text: inout Complaints.Line) in
            text.put("cannot be read: ")
            text.put(errno: code)
        }
    }

    /// Notes a piece of a line, up to its newline or `lineBytes`, that is about to be taken.
    package mutating func sawLine(_ bytes: Span<UInt8>) {
        if !lineIsCut { complaints.line += 1 }
        let ended = bytes.count > 0 && bytes[bytes.count - 1] == UInt8(ascii: "\n")
        // The file's last line may end without a newline, and is whole.
        let isCut = !ended && bytes.count == Self.lineBytes - 1
        if isCut && !lineIsCut { complaints.say("the line is longer than 4094 bytes") }
        lineIsCut = isCut
    }

    /// Takes a key and its value of the line that was seen last.
    package mutating func take(section: Span<UInt8>, name: Span<UInt8>, value: Span<UInt8>) {
        if !lineIsCut { set(section, name, value) }
    }

    /// The file is read. `wrongLine`: the first line that is neither a section nor a pair; 0:
    /// there is none.
    package mutating func endFile(wrongLine: Int32, readError: Bool) {
        complaints.line = wrongLine
        if wrongLine > 0 { complaints.say("this is neither `[section]` nor `key = value`") }
        complaints.line = 0
        if readError { complaints.say("cannot be read to its end") }
    }
}

// Source 2: `-o section.key=value`.
extension ConfigLoader {
    package mutating func readOverride(_ text: Span<UInt8>) {
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")),
            let dot = text.extracting(0..<equals).firstIndex(of: UInt8(ascii: "."))
        else {
            complaints.begin("-o ", text)
            return complaints.say("expected section.key=value, such as worker.ranking=200")
        }
        let path = text.extracting(0..<equals)
        let value = text.extracting((equals + 1)..<text.count)
        complaints.begin("-o ", path)
        var cut = dot
        if path.hasPrefix("op."), let last = path.lastIndex(of: UInt8(ascii: ".")) { cut = last }
        set(path.extracting(0..<cut), path.extracting((cut + 1)..<path.count), value)
    }
}

// Source 3: the environment.
extension ConfigLoader {
    package mutating func readEnvironment() {
        guard var entry = unsafe scrap_environment() else { return }
        while let text = unsafe entry.pointee {
            readVariable(unsafe Argument(cString: text).bytes)
            unsafe entry += 1
        }
    }

    /// `SCRAP_WORKER_RANKING=…`, `SCRAP_KAFKA_BOOTSTRAP_SERVERS=…`, `SCRAP_OP_NAME_EXEC=…`;
    /// passes over others.
    package mutating func readVariable(_ entry: Span<UInt8>) {
        guard entry.hasPrefix("SCRAP_"), let equals = entry.firstIndex(of: UInt8(ascii: "=")),
            !isForJobs(entry.extracting(0..<equals))
        else { return }
        complaints.begin("", entry.extracting(0..<equals))
        let value = entry.extracting((equals + 1)..<entry.count)
        let path = entry.extracting(6..<equals)
        if path.hasPrefix("OP_") {
            return readOpVariable(path.extracting(3..<path.count), value)
        }
        let cut = path.firstIndex(of: UInt8(ascii: "_")) ?? path.count
        var section = FixedText<64>()
        var key = FixedText<64>()
        lower(path.extracting(0..<cut), into: &section)
        lower(path.extracting(min(cut + 1, path.count)..<path.count), into: &key)
        if section.equals(ConfigSection.kafka.word) {
            var dotted = FixedText<64>()
            for i in 0..<key.count { dotted.put(key[i] == 0x5F ? 0x2E : key[i]) }
            key = dotted
        }
        set(section.span, key.span, value)
    }

    /// `NAME_EXEC`, where the name may have underscores, too.
    private mutating func readOpVariable(_ path: Span<UInt8>, _ value: Span<UInt8>) {
        for key in OpKey.all {
            let keyBytes = key.word.bytes.count
            guard path.count > keyBytes + 1, path[path.count - keyBytes - 1] == UInt8(ascii: "_")
            else { continue }
            var tail = FixedText<64>()
            lower(path.extracting((path.count - keyBytes)..<path.count), into: &tail)
            guard tail.equals(key.word) else { continue }
            var section = FixedText<64>("op.")
            lower(path.extracting(0..<(path.count - keyBytes - 1)), into: &section)
            return set(section.span, key.word.bytes, value)
        }
        complaints.say("expected SCRAP_OP_<NAME>_EXEC or SCRAP_OP_<NAME>_TIMEOUT_MS")
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

// When everything is read.
extension ConfigLoader {
    private mutating func checkOps() {
        for i in 0..<config.ops.count where config.ops[i].words == 0 {
            let name = config.ops[i].name
            complaints.say { (text: inout Complaints.Line) in
                text.put("[op.")
                text.put(foreign: name)
                text.put("] needs `exec = /path/of/a/program`")
            }
        }
    }

    private mutating func setSettings(needsIdentity: Bool) {
        config.settings = Settings(
            workerID: WorkerID(high: 0, low: 0), incarnation: randomNumber(), pace: config.pace)
        for i in 0..<numbers.count { config.settings.set(numbers[i].key, numbers[i].value) }
        for i in 0..<config.ops.count {
            if let ms = config.ops[i].timeoutMs {
                config.settings.setTimeout(of: config.ops[i].name, ms: ms)
            }
        }
        if let broken = config.settings.broken { complain(about: broken) }
        let id = workerID ?? derivedID()
        if let id {
            config.settings.workerID = id
        } else if needsIdentity {
            complaints.say(
                """
                there is no /etc/machine-id to derive this board's identity from: set worker.id \
                to a UUID of its own, or to hostname
                """)
        }
    }

    private func derivedID() -> WorkerID? {
        isNamedByHost
            ? WorkerID.fromHostName(topicPrefix: config.topicPrefix)
            : WorkerID.derived(topicPrefix: config.topicPrefix)
    }

    private mutating func complain(about broken: Settings.Broken) {
        complaints.say { (text: inout Complaints.Line) in
            text.put("these timings do not fit together: ")
            text.put(broken.rule.formula)
            text.put(" must hold, but the left side is ")
            text.put(broken.left)
            text.put(" and the right side ")
            text.put(broken.right)
            text.put(": ")
            text.put(broken.rule.why)
        }
    }
}
