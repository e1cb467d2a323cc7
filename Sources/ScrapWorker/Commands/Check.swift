import CLinux
import Shell
import Union
import Wire

/// `check`: tries everything that the configuration names, and says a line for each.
enum Check {
    static func perform(_ options: borrowing Options, _ config: borrowing Config) throws(Exit) {
        if options.report { Report.describe(config) }
        let code = check(options, config)
        guard code == EX_OK else { throw Exit(code: code) }
    }

    private static func check(_ options: borrowing Options, _ config: borrowing Config) -> Int32 {
        var worst = EX_OK
        say(true, "configuration", "every key is known and every value is in its range")
        if !hasIdentity(config) { worst = EX_CONFIG }
        say(true, "key") { (line: inout FixedText<512>) in line.put(config.keys) }
        for i in 0..<config.ops.count where !hasProgram(config, i) { worst = EX_CONFIG }
        do throws(Exit) { try checkLeds(config) } catch { worst = max(worst, error.code) }
        do throws(Exit) {
            try checkBroker(options, config)
        } catch {
            if worst == EX_OK { worst = error.code }
        }
        return worst
    }

    private static func say(_ isFine: Bool, _ what: StaticString, _ words: StaticString) {
        say(isFine, what) { (line: inout FixedText<512>) in line.put(words) }
    }

    private static func say(
        _ isFine: Bool, _ what: StaticString, _ words: (inout FixedText<512>) -> Void
    ) {
        say(isFine ? "ok       " : "problem  ") { (line: inout FixedText<512>) in
            line.put(what)
            line.put(": ")
            words(&line)
        }
    }

    private static func say(
        _ verdict: StaticString, _ words: (inout FixedText<512>) -> Void
    ) {
        var line = FixedText<512>(verdict)
        words(&line)
        line.put("\n")
        writeAll(STDOUT_FILENO, line.span)
    }

    private static func hasIdentity(_ config: borrowing Config) -> Bool {
        let id = config.settings.workerID
        let isThere = id != WorkerID(high: 0, low: 0)
        say(isThere, "worker") { (line: inout FixedText<512>) in
            if isThere {
                line.put(id.uuid)
                line.put(", ranking ")
                line.put(config.settings.ranking)
                line.put(", slots ")
                line.put(config.settings.slots)
            } else {
                line.put("there is no /etc/machine-id: set worker.id to a UUID, or to hostname")
            }
        }
        return isThere
    }

    /// Whether the op's program is a file that may be run: access(2).
    private static func hasProgram(_ config: borrowing Config, _ op: Int) -> Bool {
        let code = unsafe config.withCString(config.ops[op].exec) { path in
            var file = stat()
            guard unsafe stat(path, &file) == 0 else { return scrap_errno() }
            guard file.st_mode & mode_t(S_IFMT) == mode_t(S_IFREG) else { return EISDIR }
            return unsafe access(path, X_OK) == 0 ? 0 : scrap_errno()
        }
        say(code == 0, "op") { (line: inout FixedText<512>) in
            line.put(foreign: config.ops[op].name)
            line.put(": ")
            unsafe config.withCString(config.ops[op].exec) { unsafe line.put(cString: $0) }
            guard code != 0 else { return }
            line.put(": ")
            if code == EISDIR { line.put("this is no file") } else { line.put(errno: code) }
        }
        return code == 0
    }

    private static func checkLeds(_ config: borrowing Config) throws(Exit) {
        guard config.driver == .gpio else {
            return say(true, "leds", "the driver is not gpio: no lines to look for")
        }
        do throws(Exit) {
            _ = try Leds(config)
            say(true, "leds", "all lines could be had, and are free again")
            // They could be had, so no keeper has them.
            if MachineReport.keepsLines { sayThatLinesAreKept() }
        } catch {
            say(false, "leds", "a line cannot be had, see above")
            throw error
        }
    }

    private static func sayThatLinesAreKept() {
        say("note     ") { (line: inout FixedText<512>) in
            line.put("leds: no node runs, and this kernel leaves lines lit when a process that ")
            line.put("lit them is killed: set dtparam=strict_gpiod in config.txt")
        }
    }

    /// Looks for the broker and the topics. KafkaLog creates topics that are missing, as a node
    /// would at its start.
    private static func checkBroker(
        _ options: borrowing Options, _ config: borrowing Config
    ) throws(Exit) {
        var isQuick = false
        do throws(Exit) {
            var client = try KafkaClient.open(config, withinS: options.withinS ?? 10)
            for topic in Topic.all { client.log.ask(topic) }
            var missing = Topic.count
            var answers = AnswerSample()
            while !answers.isFull, try client.wait(until: .never) {
                while let event = try client.nextEvent() {
                    switch event {
                    case .topicsReady:
                        say(true, "topics", "all five are there, with one partition each")
                    case .bounds(let topic, let low, let high, _) where missing > 0:
                        missing -= 1
                        sayBounds(config.name(of: topic), low, high)
                        if missing == 0 { client.log.ask(.leader) }
                    case .bounds(_, _, _, let askedAt) where !answers.isFull:
                        answers.add(ms: Clock.now.ms(since: askedAt))
                        if !answers.isFull { client.log.ask(.leader) }
                    default: continue
                    }
                }
            }
            guard answers.isFull else { throw Exit(code: 128 + SIGINT) }
            say(true, "broker", "answers about every topic")
            isQuick = sayPace(answers.median, config)
        } catch {
            say(false, "broker", "the union's topics cannot be used, see above")
            throw error
        }
        guard isQuick else { throw Exit(code: EX_CONFIG) }
    }

    /// What the broker's answers say of the timings. Asked is where a topic ends: writing a record
    /// to measure would be read by every node.
    private static func sayPace(_ ms: Int64, _ config: borrowing Config) -> Bool {
        let bearable = config.settings.bearableAnswerMs
        let isQuick = ms <= Int64(bearable)
        say(isQuick, "pace") { (line: inout FixedText<512>) in
            line.put("the broker answers in ")
            line.put(ms)
            line.put(" ms (median of ")
            line.put(AnswerSample.count)
            line.put("); these timings, pace ")
            line.put(config.pace.word)
            line.put(", bear ")
            line.put(bearable)
            line.put(" ms; ")
            guard let pace = Settings.Pace.quickest(bearing: ms) else {
                return line.put("no pace is slow enough")
            }
            line.put("the quickest pace that fits is ")
            line.put(pace.word)
        }
        return isQuick
    }

    private static func sayBounds(_ name: FixedText<96>, _ low: Offset, _ high: Offset) {
        say(true, "topic") { (line: inout FixedText<512>) in
            line.put(name)
            line.put(": holds offsets ")
            line.put(low)
            line.put(" to ")
            line.put(high)
        }
    }
}
