import CLinux
import Foundation
import Testing
import Union

@testable import Shell

@Suite("A bug report")
struct ReportTests {
    private func report(_ file: String) -> [String] {
        var text = FixedText<8192>()
        load(file) { $0.report(to: &text) }
        return string(text).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test("shows every key with the value that the program has")
    func values() {
        let lines = report(
            """
            [worker]
            id = 6f1d0c3e-5b7a-4c1d-9e2f-0a1b2c3d4e5f
            pace = classroom
            ranking = 7
            [leds]
            driver = gpio
            leader = GPIO17
            active_low = leader work
            [log]
            level = debug
            """)
        for line in [
            "worker.id = 6f1d0c3e-5b7a-4c1d-9e2f-0a1b2c3d4e5f", "worker.pace = classroom",
            "worker.ranking = 7", "worker.topic_prefix = scrapworkerunion-1-",
            "timing.lease_ms = 4000", "leds.driver = gpio", "leds.leader = GPIO17",
            "leds.active_low = leader work", "log.level = debug",
            "kafka.bootstrap.servers = localhost:9092",
        ] { #expect(lines.contains(line), "\(line)") }
        for key in NumberKey.all {
            let name = "\(string(key.section.word)).\(string(key.word)) = "
            #expect(lines.filter { $0.hasPrefix(name) }.count == 1, "\(key)")
        }
        #expect(!lines.contains { $0.hasPrefix("leds.voter") })
    }

    @Test("reads back as what was set, for each number")
    func numbers() {
        for key in NumberKey.all {
            var settings = Settings(workerID: WorkerID(high: 1, low: 1), incarnation: 1)
            settings.set(key, key.range.upperBound)
            #expect(settings.value(of: key) == key.range.upperBound)
        }
    }

    @Test(
        "shows how the broker is reached, numbers and switches",
        arguments: [
            "bootstrap.servers = broker:9092", "security.protocol = sasl_ssl",
            "sasl.mechanisms = PLAIN", "ssl.ca.location = /etc/ca.pem", "fetch.wait.max.ms = 5",
            "socket.keepalive.enable = true",
        ])
    func shown(_ pair: String) { #expect(report("[kafka]\n\(pair)").contains("kafka.\(pair)")) }

    @Test(
        "shows nothing that may be secret, whatever it looks like",
        arguments: [
            ("sasl.password", "geheim"), ("sasl.password", "1234"), ("sasl.username", "77"),
            ("ssl.key.password", "true"), ("ssl.key.pem", "-----BEGIN"), ("ssl.key.location", "/k"),
            ("ssl.keystore.password", "5"), ("sasl.oauthbearer.client.secret", "9"),
            ("sasl.oauthbearer.config", "principal=me"), ("client.id", "my name"),
            ("some.new.token", "5"), ("ssl.certificate.pem", "7"), ("something.new", "word"),
        ])
    func secrets(_ key: String, _ value: String) {
        let lines = report("[kafka]\n\(key) = \(value)")
        #expect(lines.contains("kafka.\(key) = (not shown)"))
    }

    @Test("shows an op's program and how many arguments it has, but not the arguments")
    func ops() {
        let lines = report(
            "[op.x]\nexec = /bin/x --token=hush \"a b\"\ntimeout_ms = 5\n[op.y]\nexec = /bin/y")
        #expect(lines.contains("op.x.exec = /bin/x (and 2 arguments), timeout_ms = 5"))
        #expect(lines.contains("op.y.exec = /bin/y"))
        #expect(!lines.joined().contains("hush"))
    }

    @Test("finds a line of a small file by how it begins, without quotes")
    func line() {
        let text = "NAME=\"x\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian"
        func line(_ start: StaticString) -> String? {
            text.lend { MachineReport.line(in: $0, after: start).map { string($0) } }
        }
        #expect(line("PRETTY_NAME=") == "Debian GNU/Linux 13 (trixie)")
        #expect(line("ID=") == "debian" && line("") == "NAME=x" && line("VERSION=") == nil)
    }

    @Test("names the kernel that runs")
    func machine() {
        var text = FixedText<1024>()
        MachineReport.put(to: &text)
        #expect(string(text).hasPrefix("machine: ") && string(text).contains(", Linux "))
    }

    @Test("whether the kernel keeps lines is what its driver's parameter says")
    func keepsLines() {
        // A small file of the kernel's that says what we like: this thread's name.
        scrap_name_process("N")
        #expect(!MachineReport.keepsLines("/proc/thread-self/comm"))
        scrap_name_process("Y")
        #expect(MachineReport.keepsLines("/proc/thread-self/comm"))
        scrap_name_process("tests")
        #expect(!MachineReport.keepsLines("/nowhere"))
    }

    private func run(_ words: [StaticString], withinMs ms: Int32 = 10_000) -> (String, Bool) {
        var list = Words()
        for word in words { list.add(word) }
        var text = FixedText<4096>()
        let isDone = unsafe ProgramOutput.put(of: list, withinMs: ms, to: &text)
        return (string(text), isDone)
    }

    @Test("another program's output is taken over, without what could move the cursor")
    func program() {
        #expect(run(["printf", "a\\nb\\033c"]) == ("a\nb?c", true))
        #expect(run(["sh", "-c", "echo out; echo err >&2; exit 3"]) == ("out\n", false))
        #expect(run(["/nowhere/program"]).1 == false)
    }

    @Test("a program that does not end is ended")
    func slowProgram() {
        let (text, isDone) = run(["sh", "-c", "echo x; exec sleep 600"], withinMs: 200)
        #expect(text == "x\n" && !isDone)
    }
}
