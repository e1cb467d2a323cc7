import Union
import Wire

/// One key and its value, from any source.
extension ConfigLoader {
    mutating func set(_ section: Span<UInt8>, _ name: Span<UInt8>, _ value: Span<UInt8>) {
        let isOp = section.hasPrefix("op.")
        guard let known = ConfigSection(word: isOp ? section.extracting(0..<2) : section),
            isOp == (known == .op)
        else { return complainAboutSection(section, key: name) }
        if known == .kafka { return setKafka(name, value) }
        guard let key = ConfigKey.find(name, in: known) else {
            return complainAboutKey(name, in: known, section)
        }
        switch key {
        case .number(let key): setNumber(key, value)
        case .word(let key): setWord(key, value)
        case .op(let key): setOp(key, section.extracting(3..<section.count), value)
        case .lamp(let lamp): setLamp(lamp, value)
        }
    }

    private mutating func setNumber(_ key: NumberKey, _ value: Span<UInt8>) {
        guard let value = number(key.word, key.range, value) else { return }
        for i in 0..<numbers.count where numbers[i].key == key {
            numbers[i].value = value
            return
        }
        let isKept = numbers.append(ConfiguredNumber(key: key, value: value))
        precondition(isKept, "ConfigLoader: more numbers than places")
    }

    private mutating func number(
        _ name: StaticString, _ range: ClosedRange<Int32>, _ value: Span<UInt8>
    ) -> Int32? {
        if let number = value.decimal.flatMap({ Int32(exactly: $0) }), range.contains(number) {
            return number
        }
        complaints.say { (text: inout Complaints.Line) in
            text.put(name)
            text.put(" must be a whole number from ")
            text.put(range.lowerBound)
            text.put(" to ")
            text.put(range.upperBound)
            text.put(", not `")
            text.put(foreign: value)
            text.put("`")
        }
        return nil
    }

    mutating func setKafka(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        guard let key = config.keep(name), let text = config.keep(value) else {
            return complainAboutPool()
        }
        let pair = Config.Pair(key: key, value: text)
        if let refusal = Keys.refusal(of: pair, in: config) {
            return complaints.say { (text: inout Complaints.Line) in
                text.put("[kafka] ")
                text.put(refusal)
            }
        }
        for i in 0..<config.kafka.count where config.bytes(config.kafka[i].key).equals(name) {
            config.kafka[i] = pair
            return
        }
        guard config.kafka.append(pair) else {
            return complaints.say { (text: inout Complaints.Line) in
                text.put("[kafka] holds at most ")
                text.put(Config.KafkaPairs.capacity)
                text.put(" keys")
            }
        }
    }
}

// Words.
extension ConfigLoader {
    private mutating func setWord(_ key: WordKey, _ value: Span<UInt8>) {
        switch key {
        case .id: setWorkerID(value)
        case .topicPrefix: setTopicPrefix(value)
        case .pace: setPace(value)
        case .keyFile: config.keyFile = kept(value)
        case .keyStep: setKeyStep(value)
        case .previousKeyFile: config.previousKeyFile = kept(value)
        case .driver: setDriver(value)
        case .activeLow: setActiveLow(value)
        case .level: setLevel(value)
        }
    }

    private mutating func setWorkerID(_ value: Span<UInt8>) {
        isNamedByHost = value.equals("hostname")
        workerID = WorkerID(uuid: value)
        if workerID == nil && !isNamedByHost {
            complaints.say(
                "id must be hostname or a UUID such as 6f1d0c3e-5b7a-4c1d-9e2f-0a1b2c3d4e5f",
                not: value)
        }
    }

    private mutating func setTopicPrefix(_ value: Span<UInt8>) {
        var prefix = FixedText<64>()
        var isFine = prefix.append(value) && !prefix.isEmpty
        for i in value.indices {
            switch value[i] {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: continue
            default: isFine = false
            }
        }
        guard isFine else {
            return complaints.say(
                "topic_prefix takes 1 to 64 letters, digits, `.`, `_` and `-`", not: value)
        }
        config.topicPrefix = prefix
    }

    private mutating func setPace(_ value: Span<UInt8>) {
        guard let pace = Settings.Pace(word: value) else {
            return complaints.say("pace must be fast, normal, cloud or classroom", not: value)
        }
        config.pace = pace
    }

    private mutating func setKeyStep(_ value: Span<UInt8>) {
        guard let step = KeyStep(word: value) else {
            return complaints.say("key_step must be accept, sign or require", not: value)
        }
        keyStep = step
    }

    private mutating func setLevel(_ value: Span<UInt8>) {
        guard let level = Log.Level(word: value) else {
            return complaints.say("level must be error, warning, info or debug", not: value)
        }
        config.logLevel = level
    }

    private mutating func setDriver(_ value: Span<UInt8>) {
        if let driver = LedDriver(word: value), driver.isPublic {
            config.driver = driver
            return
        }
        if value.hasPrefix(LedDriver.report.word),
            let fd = value.extracting(LedDriver.report.word.bytes.count..<value.count).decimal,
            fd > 0, fd < 1024
        {
            (config.driver, config.reportFd) = (.report, Int32(fd))
            return
        }
        complaints.say { (text: inout Complaints.Line) in
            text.put("driver must be one of")
            var separator: StaticString = " "
            for driver in LedDriver.all where driver.isPublic {
                text.put(separator)
                text.put(driver.word)
                separator = ", "
            }
            text.put("; not `")
            text.put(foreign: value)
            text.put("`")
        }
    }

    /// LEDs, separated by blanks or commas.
    private mutating func setActiveLow(_ value: Span<UInt8>) {
        var lamps = LampSet()
        var start = 0
        for i in 0...value.count {
            let ends =
                i == value.count || value[i] == UInt8(ascii: " ") || value[i] == UInt8(ascii: ",")
            guard ends else { continue }
            if i > start {
                guard let lamp = Lamp(word: value.extracting(start..<i)) else {
                    return complaints.say(
                        "active_low lists LEDs: leader, candidate, voter, member, work", not: value)
                }
                lamps.insert(lamp)
            }
            start = i + 1
        }
        config.activeLow = lamps
    }

    private mutating func setLamp(_ lamp: Lamp, _ value: Span<UInt8>) {
        config.lamps[lamp] = kept(value)
    }

    /// Nothing, and said why, when there is no room for it.
    private mutating func kept(_ value: Span<UInt8>) -> Config.Text {
        if let text = config.keep(value) { return text }
        complainAboutPool()
        return Config.Text()
    }
}

// Ops.
extension ConfigLoader {
    private mutating func setOp(_ key: OpKey, _ name: Span<UInt8>, _ value: Span<UInt8>) {
        switch key {
        case .exec: setExec(op: name, value)
        case .timeoutMs:
            guard let ms = number(key.word, 1...Limits.timeoutMs, value) else { return }
            if let op = op(name) { config.ops[op].timeoutMs = ms }
        }
    }

    /// The op called `name`, new or known; nil, and said why, when there can be none.
    private mutating func op(_ name: Span<UInt8>) -> Int? {
        var op = Config.Op()
        guard name.count > 0 && op.name.append(name) else {
            complaints.say("an op's name has 1 to 32 bytes", not: name)
            return nil
        }
        if let known = config.op(named: op.name) { return known }
        guard BuiltIn.find(op.name) == nil else {
            complaints.say(
                "noop, echo, sleep and blink are built in: choose another name", not: name)
            return nil
        }
        guard config.ops.append(op) else {
            complaints.say { (text: inout Complaints.Line) in
                text.put("at most ")
                text.put(Limits.ops)
                text.put(" ops can be configured")
            }
            return nil
        }
        return config.ops.count - 1
    }

    private mutating func setExec(op name: Span<UInt8>, _ value: Span<UInt8>) {
        guard let op = op(name) else { return }
        guard value.count < 4096 else {
            return complaints.say("exec is longer than 4095 bytes")
        }
        var words = FixedText<4096>()
        guard let count = split(value, into: &words) else { return }
        guard count > 0 && words[0] == UInt8(ascii: "/") else {
            return complaints.say(
                "exec must begin with a program's whole path, /usr/bin/…", not: value)
        }
        guard count <= Config.words else {
            return complaints.say("exec has at most 32 words")
        }
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
            complaints.say("a double quote is not closed")
            return nil
        }
        return count
    }
}

// What is wrong with names.
extension ConfigLoader {
    private mutating func complainAboutPool() {
        complaints.say("all texts of the configuration together are longer than 64 KiB")
    }

    private mutating func complainAboutSection(_ section: Span<UInt8>, key: Span<UInt8>) {
        complaints.say { (text: inout Complaints.Line) in
            guard !section.isEmpty else {
                text.put("`")
                text.put(foreign: key)
                return text.put("` stands before the first [section]")
            }
            guard !section.equals(ConfigSection.op.word) else {
                return text.put("an op needs a name: [op.NAME]")
            }
            text.put("there is no section [")
            text.put(foreign: section)
            text.put("]; ")
            if let name = ConfigSection.nearest(to: section) {
                text.put("did you mean [")
                text.put(name)
                text.put("]? ")
            }
            text.put("There are [worker], [union], [timing], [kafka], [op.NAME], [leds] and [log]")
        }
    }

    private mutating func complainAboutKey(
        _ name: Span<UInt8>, in section: ConfigSection, _ sectionName: Span<UInt8>
    ) {
        complaints.say { (text: inout Complaints.Line) in
            text.put("[")
            text.put(foreign: sectionName)
            text.put("] has no key `")
            text.put(foreign: name)
            text.put("`; ")
            if let known = ConfigKey.nearest(to: name, in: section) {
                text.put("did you mean `")
                text.put(known)
                text.put("`? ")
            }
            text.put("It has")
            var separator: StaticString = " "
            for key in ConfigKey.all where key.section == section {
                text.put(separator)
                text.put(key.word)
                separator = ", "
            }
        }
    }
}
