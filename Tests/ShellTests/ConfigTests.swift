import CLinux
import Foundation
import Testing
import Union
import Wire

@testable import Shell
@testable import Union

@Suite("Configuration")
struct ConfigTests {
    @Test("nothing configured: the pace's timings, localhost, no LEDs, level info")
    func defaults() {
        let loaded = load { config in
            #expect(config.settings.leaseMs == 800)
            #expect(config.settings.ranking == 100)
            #expect(config.settings.slots == 1)
            #expect(string(config.topicPrefix) == "scrapworkerunion-1-")
            #expect(config.driver == .none)
            #expect(config.logLevel == .info)
            #expect(config.ops.count == 0)
            #expect(
                config.kafka("bootstrap.servers").map { string(config.bytes($0)) }
                    == "localhost:9092")
        }
        #expect(loaded.code == nil && loaded.complaints == [])
    }

    @Test("every number is kept where it belongs, and no other")
    func numbers() {
        for key in NumberKey.all {
            // In every range, and not what the pace says; pairs that break a rule are told apart.
            let value = key.range.upperBound == 8 ? 7 : Int32(key.range.upperBound - 1)
            let section = string(key.section.word)
            var before: [Int32] = []
            load { before = values($0.settings) }
            var settings = Settings(workerID: WorkerID(high: 1, low: 1), incarnation: 1)
            settings.set(key, value)
            let after = values(settings)
            #expect(zip(before, after).filter { $0 != $1 }.count == 1, "\(key)")
            #expect(after.contains(value), "\(key)")
            let loaded = load("[\(section)]\n\(string(key.word)) = \(value)") {
                #expect(values($0.settings) == after)
            }
            // It may break a rule between timings, but not its own range.
            #expect(loaded.complaints.allSatisfy { $0.contains("do not fit together") }, "\(key)")
        }
    }

    private func values(_ s: Settings) -> [Int32] {
        [
            s.ranking, s.slots, s.announceMs, s.leaseMs, s.leaderTimeoutMs, s.heartbeatMs,
            s.memberTimeoutMs, s.workerLeaseMs, s.killGraceMs, s.ackTimeoutMs, s.countdownStart,
            s.countdownDelayMs, s.campaignTtlMs,
        ]
    }

    @Test("every number is refused one below and one above its range, and the range is said")
    func ranges() {
        for key in NumberKey.all {
            let name = string(key.word)
            let (low, high) = (key.range.lowerBound, key.range.upperBound)
            for wrong in [Int64(low) - 1, Int64(high) + 1] {
                let loaded = load("[\(string(key.section.word))]\n\(name) = \(wrong)")
                #expect(
                    loaded.complaints == [
                        "scrap-worker: test.conf:2: \(name) must be a whole number from \(low) to "
                            + "\(high), not `\(wrong)`"
                    ])
                #expect(loaded.code == EX_CONFIG)
            }
            for right in [low, high] {
                let loaded = load("[\(string(key.section.word))]\n\(name) = \(right)")
                #expect(!loaded.complaints.contains { $0.contains("whole number") })
            }
        }
    }

    @Test(
        "what is no whole number is refused", arguments: ["", "5x", "1.5", "99999999999999", "+5"])
    func noNumber(_ value: String) {
        let loaded = load("[worker]\nranking = \(value)")
        #expect(loaded.complaints.count == 1)
        #expect(loaded.complaints.first?.hasSuffix("not `\(value)`") == true)
    }

    @Test("the limits are those that were promised")
    func limits() {
        #expect(NumberKey.ranking.range == 0...1_000_000)
        #expect(NumberKey.slots.range == 1...8)
        #expect(NumberKey.countdownStart.range == 0...100)
        #expect(NumberKey.killGraceMs.range == 0...3_600_000)
        #expect(NumberKey.countdownDelayMs.range == 0...3_600_000)
        #expect(NumberKey.memberTimeoutMs.range == 1...3_600_000)
        #expect(NumberKey.leaseMs.range == 1...60_000)
    }

    @Test("a pace sets all timings, and a single timing overrides it wherever it stands")
    func pace() {
        load("[timing]\nlease_ms = 230\n[worker]\npace = fast") {
            #expect($0.settings.leaseMs == 230 && $0.settings.announceMs == 50)
        }
        load("[worker]\npace = classroom") { #expect($0.settings.heartbeatMs == 1000) }
        load("[worker]\npace = normal") { #expect($0.settings.heartbeatMs == 250) }
    }

    @Test("a rule between timings that does not hold is said with both sides")
    func rules() {
        let loaded = load("[timing]\nlease_ms = 2000")
        #expect(
            loaded.complaints == [
                "scrap-worker: configuration: these timings do not fit together: 1.25 x lease_ms <= "
                    + "leader_timeout_ms must hold, but the left side is 2500 and the right side "
                    + "1000: followers must not campaign while the leader's LED can be lit"
            ])
        #expect(loaded.code == EX_CONFIG)
    }

    @Test("words are taken as they are written")
    func words() {
        load(
            """
            [worker]
            id = 6f1d0c3e-5b7a-4c1d-9e2f-0a1b2c3d4e5f
            topic_prefix = My.union_2-
            [leds]
            driver = gpio
            leader = GPIO17
            candidate = GPIO27
            voter = GPIO22
            member = gpiochip0:23
            work = GPIO24
            active_low = voter, work
            [log]
            level = warning
            """
        ) { config in
            #expect(string(config.settings.workerID.uuid) == "6f1d0c3e-5b7a-4c1d-9e2f-0a1b2c3d4e5f")
            #expect(string(config.topicPrefix) == "My.union_2-")
            #expect(string(config.name(of: .heartbeat)) == "My.union_2-heartbeat")
            #expect(config.driver == .gpio)
            var places: [String] = []
            for lamp in Lamp.all { places.append(string(config.bytes(config.lamps[lamp]))) }
            #expect(places == ["GPIO17", "GPIO27", "GPIO22", "gpiochip0:23", "GPIO24"])
            var low: [Lamp] = []
            for lamp in Lamp.all where config.activeLow.contains(lamp) { low.append(lamp) }
            #expect(low == [.voter, .work])
            #expect(config.logLevel == .warning)
        }
    }

    @Test("every word that a key lists is taken")
    func listedWords() {
        for level in Log.Level.all {
            load("[log]\nlevel = \(string(level.word))") { #expect($0.logLevel == level) }
        }
        for driver in LedDriver.all where driver.isPublic {
            load("[leds]\ndriver = \(string(driver.word))") { #expect($0.driver == driver) }
        }
        load("[leds]\ndriver = fd:7") {
            #expect($0.driver == .report && $0.reportFd == 7)
        }
    }

    struct Wrong: CustomTestStringConvertible {
        let file: String
        let complaint: String
        init(_ file: String, _ complaint: String) {
            (self.file, self.complaint) = (file, complaint)
        }
        var testDescription: String { file }
    }

    static let wrong = [
        Wrong(
            "[worker]\nid = 12",
            "2: id must be hostname or a UUID such as "
                + "6f1d0c3e-5b7a-4c1d-9e2f-0a1b2c3d4e5f, not `12`"),
        Wrong(
            "[worker]\npace = slow", "2: pace must be fast, normal, cloud or classroom, not `slow`"),
        Wrong(
            "[worker]\ntopic_prefix = a/b",
            "2: topic_prefix takes 1 to 64 letters, digits, `.`, `_` and `-`, not `a/b`"),
        Wrong(
            "[worker]\ntopic_prefix =",
            "2: topic_prefix takes 1 to 64 letters, digits, `.`, `_` and `-`, not ``"),
        Wrong(
            "[worker]\ntopic_prefix = " + String(repeating: "x", count: 65),
            "2: topic_prefix takes 1 to 64 letters, digits, `.`, `_` and `-`, not `"
                + String(repeating: "x", count: 65) + "`"),
        Wrong("[log]\nlevel = loud", "2: level must be error, warning, info or debug, not `loud`"),
        Wrong(
            "[leds]\ndriver = neon",
            "2: driver must be one of none, terminal, gpio; not `neon`"),
        Wrong(
            "[leds]\ndriver = fd:0",
            "2: driver must be one of none, terminal, gpio; not `fd:0`"),
        Wrong(
            "[leds]\ndriver = fd:",
            "2: driver must be one of none, terminal, gpio; not `fd:`"),
        Wrong(
            "[leds]\nactive_low = voter blue",
            "2: active_low lists LEDs: leader, candidate, voter, member, work, not `voter blue`"),
        Wrong("ranking = 5", "1: `ranking` stands before the first [section]"),
        Wrong(
            "[wroker]\nranking = 5",
            "2: there is no section [wroker]; did you mean [worker]? There are [worker], [union], "
                + "[timing], [kafka], [op.NAME], [leds] and [log]"),
        Wrong(
            "[sky]\nblue = 1",
            "2: there is no section [sky]; There are [worker], [union], [timing], [kafka], "
                + "[op.NAME], [leds] and [log]"),
        Wrong(
            "[op]\nexec = /bin/true",
            "2: an op needs a name: [op.NAME]"),
        Wrong(
            "[worker]\nrankin = 7",
            "2: [worker] has no key `rankin`; did you mean `ranking`? It has id, topic_prefix, "
                + "pace, ranking, slots"),
        Wrong(
            "[worker]\ncolor = red",
            "2: [worker] has no key `color`; It has id, topic_prefix, pace, ranking, slots"),
        Wrong(
            "[op.x]\nexec = /bin/true\ntimeout = 5",
            "3: [op.x] has no key `timeout`; It has exec, timeout_ms"),
        Wrong(
            "[kafka]\nno.such.key = 1",
            "2: [kafka] No such configuration property: \"no.such.key\""),
        Wrong("[worker]\n\nwhat is this", "3: this is neither `[section]` nor `key = value`"),
        Wrong(
            "[op.x]\nexec = true",
            "2: exec must begin with a program's whole path, /usr/bin/…, not `true`"),
        Wrong("[op.x]\nexec = /bin/echo \"a b", "2: a double quote is not closed"),
        Wrong(
            "[op.x]\nexec = /bin/echo" + String(repeating: " a", count: 32),
            "2: exec has at most 32 words"),
        Wrong(
            "[op.echo]\nexec = /bin/echo",
            "2: noop, echo, sleep and blink are built in: choose another name, not `echo`"),
        Wrong(
            "[op." + String(repeating: "x", count: 33) + "]\nexec = /bin/true",
            "2: an op's name has 1 to 32 bytes, not `" + String(repeating: "x", count: 33) + "`"),
        Wrong("[op.]\nexec = /bin/true", "2: an op's name has 1 to 32 bytes, not ``"),
        Wrong(
            "[op.x]\nexec = /bin/true\ntimeout_ms = 0",
            "3: timeout_ms must be a whole number from 1 to 86400000, not `0`"),
        Wrong(
            "[op.x]\nexec = /bin/true\ntimeout_ms = 86400001",
            "3: timeout_ms must be a whole number from 1 to 86400000, not `86400001`"),
    ]

    @Test("a mistake is named with its place and what is allowed", arguments: wrong)
    func mistakes(_ wrong: Wrong) {
        let loaded = load(wrong.file)
        #expect(loaded.complaints.first == "scrap-worker: test.conf:" + wrong.complaint)
        #expect(loaded.code == EX_CONFIG)
    }

    @Test("everything that is wrong is said at once, in order")
    func all() {
        let loaded = load("[worker]\nslots = 10\ncolor = red\n[sky]\nblue = 1", ["worker.id=x"])
        #expect(loaded.complaints.count == 4)
        let places = loaded.complaints.map {
            $0.split(separator: " ")[1...2].joined(separator: " ")
        }
        #expect(places[0].hasPrefix("test.conf:2:") && places[1].hasPrefix("test.conf:3:"))
        #expect(places[2].hasPrefix("test.conf:5:") && places[3].hasPrefix("-o worker.id:"))
    }

    @Test("what a user wrote cannot forge a line or move the cursor")
    func foreignBytes() {
        let loaded = load("", ["worker.pace=a\u{1B}[2Jb\nscrap-worker: all is well"])
        #expect(loaded.complaints.count == 1)
        #expect(loaded.complaints.first?.contains("\u{1B}") == false)
    }

    @Test("a complaint about a long value still ends its line")
    func longComplaint() {
        let loaded = load("[worker]\npace = " + String(repeating: "x", count: 3000) + "\nslots = 9")
        #expect(loaded.complaints.count == 2)
        #expect(loaded.complaints.first?.utf8.count == 1024)
    }

    @Test("a line of 4,094 bytes is taken, a longer one is refused once and not taken in part")
    func longLines() {
        let fits = "x = " + String(repeating: "y", count: 4090)
        #expect(!load("[kafka]\n\(fits)").complaints.contains { $0.contains("longer than 4094") })
        let errors = MemoryFile()
        var loader = ConfigLoader<SomeKeys>(complaintsTo: errors.fd)
        loader.beginFile("test.conf".argument)
        "[worker]\n".lend { loader.sawLine($0) }
        // inih hands a long line over in pieces of one byte less than its room.
        String(repeating: "y", count: 4095).lend { loader.sawLine($0) }
        "worker".lend { w in
            "slots".lend { n in
                "9".lend { loader.take(section: w, name: n, value: $0) }
            }
        }
        String(repeating: "y", count: 4095).lend { loader.sawLine($0) }
        "z\n".lend { loader.sawLine($0) }
        "slots = 99\n".lend { loader.sawLine($0) }
        "worker".lend { w in
            "slots".lend { n in
                "99".lend { loader.take(section: w, name: n, value: $0) }
            }
        }
        #expect(errors.lines.count == 2, "\(errors.text)")
        #expect(
            errors.lines.first == "scrap-worker: test.conf:2: the line is longer than 4094 bytes")
        #expect(errors.lines.last?.hasPrefix("scrap-worker: test.conf:3: slots") == true)
    }

    @Test("a file that cannot be read, or not to its end, is said")
    func unreadable() {
        let errors = MemoryFile()
        var loader = ConfigLoader<SomeKeys>(complaintsTo: errors.fd)
        loader.beginFile("gone.conf".argument)
        loader.refuseFile(errno: ENOENT)
        loader.endFile(wrongLine: 0, readError: true)
        #expect(
            errors.lines == [
                "scrap-worker: gone.conf: cannot be read: No such file or directory",
                "scrap-worker: gone.conf: cannot be read to its end",
            ])
    }
}

@Suite("Configuration: ops and Kafka's keys")
struct ConfigListTests {
    @Test("an op's program is split at blanks; double quotes keep words together")
    func exec() {
        load("[op.t]\nexec = /usr/bin/t  --size \"120 x 120\" a\"b c\"d \"\"") { config in
            var words: [String] = []
            unsafe config.withArguments(of: 0) { vector in
                var i = 0
                while let word = unsafe vector[i] {
                    unsafe words.append(String(cString: word))
                    i += 1
                }
            }
            #expect(words == ["/usr/bin/t", "--size", "120 x 120", "ab cd", ""])
        }
    }

    @Test("an op's own deadline is known to the core, for requests that name none")
    func opTimeout() {
        load("[op.slow]\nexec = /bin/sleep 600\ntimeout_ms = 700000\n[op.quick]\nexec = /bin/true")
        {
            var request = WorkRequest(
                requestID: fixed("a"), opCode: fixed("slow"), timeoutMs: nil, maxAttempts: 1)
            #expect($0.settings.deadlineMs(of: request) == 700_000)
            request.opCode = fixed("quick")
            #expect($0.settings.deadlineMs(of: request) == Settings.defaultDeadlineMs)
        }
    }

    @Test("an op may be named in several places; one without a program is refused")
    func opParts() {
        let loaded = load("[op.a]\ntimeout_ms = 5", ["op.a.exec=/bin/true"]) {
            #expect($0.ops.count == 1 && $0.ops[0].timeoutMs == 5 && $0.ops[0].words == 1)
        }
        #expect(loaded.complaints == [])
        #expect(
            load("[op.a]\ntimeout_ms = 5").complaints == [
                "scrap-worker: configuration: [op.a] needs `exec = /path/of/a/program`"
            ])
    }

    @Test("32 ops fit, and the 33rd is refused")
    func manyOps() {
        func ops(_ count: Int) -> String {
            (1...count).map { "[op.o\($0)]\nexec = /bin/true\n" }.joined()
        }
        let loaded = load(ops(Limits.ops)) { #expect($0.ops.count == 32) }
        #expect(loaded.complaints == [])
        #expect(
            load(ops(33)).complaints == [
                "scrap-worker: test.conf:66: at most 32 ops can be configured"
            ])
    }

    @Test("librdkafka's keys are kept in order; a later value replaces an earlier one")
    func kafka() {
        load("[kafka]\na.b = 1\nc = 2\na.b = 3", ["kafka.c=4"]) { config in
            #expect(config.kafka("a.b").map { string(config.bytes($0)) } == "3")
            #expect(config.kafka("c").map { string(config.bytes($0)) } == "4")
            #expect(config.kafka.count == 3)  // and bootstrap.servers
            #expect(config.kafka("d") == nil)
        }
    }

    @Test("64 keys of librdkafka's fit")
    func manyKafkaKeys() {
        func keys(_ count: Int) -> String {
            "[kafka]\nbootstrap.servers = x" + (2...count).map { "\nk\($0) = 1" }.joined()
        }
        #expect(load(keys(64)).complaints == [])
        #expect(
            load(keys(65)).complaints == [
                "scrap-worker: test.conf:66: [kafka] holds at most 64 keys"
            ])
    }

    @Test("texts of more than 64 KiB together are refused")
    func pool() {
        let long = String(repeating: "x", count: 4000)
        let file = "[kafka]" + (1...17).map { "\nk\($0) = \(long)" }.joined()
        #expect(
            load(file).complaints.contains(
                "scrap-worker: test.conf:18: all texts of the configuration together are longer "
                    + "than 64 KiB"))
    }
}

@Suite("Configuration: three sources")
struct ConfigSourceTests {
    @Test("an option overrides the file, and a variable overrides both")
    func precedence() {
        func ranking(_ file: String, _ options: [String], _ variables: [String]) -> Int32 {
            var ranking: Int32 = 0
            load(file, options, variables) { ranking = $0.settings.ranking }
            return ranking
        }
        let file = "[worker]\nranking = 11"
        #expect(ranking(file, [], []) == 11)
        #expect(ranking(file, ["worker.ranking=22"], []) == 22)
        #expect(ranking(file, ["worker.ranking=22", "worker.ranking=23"], []) == 23)
        #expect(ranking(file, ["worker.ranking=22"], ["SCRAP_WORKER_RANKING=33"]) == 33)
    }

    @Test("a variable's name becomes section and key")
    func variables() {
        let variables = [
            "SCRAP_WORKER_TOPIC_PREFIX=u-", "SCRAP_TIMING_LEASE_MS=790",
            "SCRAP_KAFKA_BOOTSTRAP_SERVERS=b:1", "SCRAP_OP_MY_JOB_EXEC=/bin/true a",
            "SCRAP_OP_MY_JOB_TIMEOUT_MS=9", "SCRAP_LEDS_ACTIVE_LOW=work", "PATH=/bin",
            "XSCRAP_WORKER_SLOTS=99",
        ]
        let loaded = load("", [], variables) { config in
            #expect(string(config.topicPrefix) == "u-" && config.settings.leaseMs == 790)
            #expect(config.kafka("bootstrap.servers").map { string(config.bytes($0)) } == "b:1")
            #expect(config.ops.count == 1 && string(config.ops[0].name) == "my_job")
            #expect(config.ops[0].words == 2 && config.ops[0].timeoutMs == 9)
            #expect(config.activeLow.contains(.work))
        }
        #expect(loaded.complaints == [])
    }

    @Test("what a job finds in its environment is no configuration")
    func jobVariables() {
        let variables = [
            "SCRAP_PARAM_RANKING=1", "SCRAP_REQUEST_ID=x", "SCRAP_ATTEMPT=1", "SCRAP_TERM=2",
        ]
        #expect(load("", [], variables).complaints == [])
        #expect(load("", [], ["SCRAP_TERMS=2"]).complaints.count == 1)
    }

    static let wrong = [
        (
            "SCRAP_WORKER_SLOTS=99",
            "SCRAP_WORKER_SLOTS: slots must be a whole number from 1 to 8, not `99`"
        ),
        (
            "SCRAP_OP_EXEC=/bin/true",
            "SCRAP_OP_EXEC: expected SCRAP_OP_<NAME>_EXEC or SCRAP_OP_<NAME>_TIMEOUT_MS"
        ),
        (
            "SCRAP_OP_X_PATH=/bin/true",
            "SCRAP_OP_X_PATH: expected SCRAP_OP_<NAME>_EXEC or SCRAP_OP_<NAME>_TIMEOUT_MS"
        ),
        (
            "SCRAP_WORKER=1",
            "SCRAP_WORKER: [worker] has no key ``; It has id, topic_prefix, pace, ranking, slots"
        ),
    ]

    @Test("a wrong variable is named", arguments: wrong)
    func wrongVariable(_ wrong: (entry: String, complaint: String)) {
        #expect(load("", [], [wrong.entry]).complaints == ["scrap-worker: " + wrong.complaint])
    }

    @Test("a wrong option is named", arguments: ["slots", "slots=9", "=", "worker=1"])
    func wrongOption(_ text: String) {
        #expect(
            load("", [text]).complaints == [
                "scrap-worker: -o \(text): expected section.key=value, such as worker.ranking=200"
            ])
    }

    @Test("an option's value may hold dots and equals signs, and an op's name dots")
    func optionShapes() {
        let loaded = load("", ["kafka.sasl.password=a=b.c", "op.my.job.exec=/bin/x -o=a.b"]) {
            config in
            #expect(config.kafka("sasl.password").map { string(config.bytes($0)) } == "a=b.c")
            #expect(string(config.ops[0].name) == "my.job")
        }
        #expect(loaded.complaints == [])
    }

    @Test("the demo's own configuration holds nothing of the user's")
    func demo() throws {
        let errors = MemoryFile()
        var loader = ConfigLoader<SomeKeys>(complaintsTo: errors.fd)
        "127.0.0.1:5".lend { loader.setForDemo(servers: $0, pace: .fast) }
        let config = try loader.finish(identity: false)
        #expect(config.settings.leaseMs == 240)
        #expect(config.kafka("bootstrap.servers").map { string(config.bytes($0)) } == "127.0.0.1:5")
        #expect(config.kafka("fetch.wait.max.ms").map { string(config.bytes($0)) } == "5")
    }
}

@Suite("Configuration keys")
struct ConfigKeyTests {
    private func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test("each has a name of its own in its section")
    func names() {
        var names: [String] = []
        for key in ConfigKey.all { names.append("\(key.section).\(string(key.word))") }
        #expect(names.count == 29)
        #expect(Set(names).count == names.count)
        for key in ConfigKey.all {
            string(key.word).lend { #expect(ConfigKey.find($0, in: key.section) == key) }
        }
        "lease_ms".lend { #expect(ConfigKey.find($0, in: .worker) == nil) }
    }

    @Test(
        "each stands in the example file and in the manual",
        arguments: ["systemd/scrap-worker.conf.example", "board/deb/scrap-worker.conf.5"])
    func documented(_ path: String) throws {
        let text = try text(path).replacing("\\-", with: "-")
        for key in ConfigKey.all { #expect(text.contains(string(key.word)), "\(key)") }
    }

    @Test("the shell's completion offers each, but those of ops and of librdkafka")
    func completed() throws {
        let text = try text("board/deb/completion.bash")
        for key in ConfigKey.all where key.section != .op {
            #expect(text.contains("\(string(key.section.word)).\(string(key.word))"), "\(key)")
        }
    }

    @Test("a name is told from another by letters to insert, delete or replace")
    func distance() {
        func distance(_ a: String, _ b: String) -> Int {
            a.lend { a in b.lend { editDistance(a, $0) } }
        }
        #expect(distance("", "") == 0 && distance("abc", "abc") == 0)
        #expect(distance("", "abc") == 3 && distance("abc", "") == 3)
        #expect(distance("kitten", "sitting") == 3 && distance("flaw", "lawn") == 2)
        #expect(distance("ab", "ba") == 2)
        #expect(distance(String(repeating: "a", count: 33), "a") == 32)
    }

    @Test("only a likely name is offered: within a third of the letters, the nearest first")
    func nearest() {
        func nearest(_ name: String, _ section: ConfigSection) -> String? {
            name.lend { ConfigKey.nearest(to: $0, in: section).map { string($0) } }
        }
        #expect(nearest("leas_ms", .timing) == "lease_ms")
        #expect(nearest("worker_leese_ms", .timing) == "worker_lease_ms")
        #expect(nearest("slot", .worker) == "slots")
        #expect(nearest("colour", .worker) == nil)
        "timings".lend { #expect(ConfigSection.nearest(to: $0).map { string($0) } == "timing") }
    }
}
