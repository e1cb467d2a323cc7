import Foundation
import Harness
import Testing

extension EndToEnd {
    @Suite("commands") struct CommandTests {
        private func target(_ fleet: Fleet) -> [String] {
            [
                "-o", "kafka.bootstrap.servers=\(fleet.broker.address)", "-o",
                "worker.topic_prefix=\(fleet.prefix)",
            ]
        }

        private func run(_ words: [String], on fleet: Fleet) throws -> Child {
            let child = try Child(
                words.joined(separator: " "), Programs.scrapWorker, words + target(fleet))
            try child.waitForEnd()
            return child
        }

        @Test("submit --wait prints the results, and fails when one did not complete")
        func submit() throws {
            try Fleet.run(on: EndToEnd.noida.get()) { fleet in
                try fleet.launchAll(3)
                let echo = try run(["submit", "echo", "--code", "hello", "--wait"], on: fleet)
                #expect(try echo.waitForEnd() == .exit(0) && echo.output.text.contains("hello"))
                let many = try run(["submit", "noop", "--count", "300", "--wait"], on: fleet)
                #expect(try many.waitForEnd() == .exit(0), "\(many.story)")
                let json = try run(
                    [
                        "submit", "echo", "--code", "x", "--param", "a=b", "--id", "mine",
                        "--wait", "--json",
                    ], on: fleet)
                let result = json.output.all.compactMap { JSON($0) }.first
                #expect(result?["request_id"].string == "mine", "\(json.story)")
                #expect(result?["status"].string == "completed")
                // Its outcome is there; who asks once more is told the same.
                let again = try run(["submit", "nonsense", "--id", "mine", "--wait"], on: fleet)
                #expect(try again.waitForEnd() == .exit(0), "\(again.story)")
                let unknown = try run(["submit", "nonsense", "--wait"], on: fleet)
                #expect(try unknown.waitForEnd() == .exit(1), "\(unknown.story)")
                // What was submitted is what other clients see.
                let requests = try fleet.tail("requests").wait(for: "304 requests") {
                    $0.count == 304 ? $0 : nil
                }
                let values = requests.compactMap { $0["parameters"]["a"].string }
                #expect(values == ["b"])
            }
        }

        @Test("watch prints a line for each change; with --json, an object")
        func watch() throws {
            try Fleet.run(on: EndToEnd.noida.get()) { fleet in
                try fleet.launchAll(3)
                let leader = try fleet.awaitLeader()
                let plain = try Child("watch", Programs.scrapWorker, ["watch"] + target(fleet))
                let json = try Child(
                    "watch --json", Programs.scrapWorker, ["watch", "--json"] + target(fleet))
                let seen = json.output.wait { lines in
                    let text = lines.joined()
                    return fleet.living.allSatisfy { text.contains($0.id) } ? text : nil
                }
                #expect(seen != nil, "\(json.story)")
                let broken = json.output.all.filter { JSON($0) == nil }
                #expect(broken == [])
                let named = plain.output.wait { lines in
                    lines.first { $0.contains("leader") }
                }
                #expect(named != nil, "\(plain.story)")
                leader.kill()
                let second = try fleet.awaitLeader(otherThan: leader)
                let told = json.output.wait { lines -> Void? in
                    lines.contains { line in
                        let change = JSON(line)
                        return change?["worker_id"].string == second.id
                            && change?["role"].string == "leader"
                    } ? () : nil
                }
                #expect(told != nil, "\(json.story)")
                for child in [plain, json] {
                    child.signal(SIGINT)
                    #expect(try child.waitForEnd() == .exit(0))
                }
            }
        }

        @Test("check says what is fine and what is not")
        func check() throws {
            try Fleet.run(on: EndToEnd.noida.get()) { fleet in
                let identity = "worker.id=00000000-0000-4000-8000-000000000001"
                let fine = try run(["check", "-o", identity], on: fleet)
                #expect(try fine.waitForEnd() == .exit(0), "\(fine.story)")
                let doubts = fine.output.all.filter { !$0.hasPrefix("ok ") }
                #expect(doubts == [])
                let op = "op.gone.exec=/nowhere/program"
                let gone = try run(["check", "-o", identity, "-o", op], on: fleet)
                #expect(try gone.waitForEnd() == .exit(78), "\(gone.story)")
                let problems = gone.output.all.filter { $0.hasPrefix("problem") }
                #expect(problems.count == 1)
                #expect(problems.first?.contains("/nowhere/program") == true)
            }
        }

        @Test("check --report is one paste: versions, machine, configuration, answers, no secrets")
        func report() throws {
            try Fleet.run(on: EndToEnd.noida.get()) { fleet in
                let report = try run(
                    [
                        "check", "--report", "-o", "worker.id=00000000-0000-4000-8000-000000000001",
                        "-o", "kafka.sasl.password=hush", "-o", "op.x.exec=/bin/true --token=hush",
                    ], on: fleet)
                #expect(try report.waitForEnd() == .exit(0), "\(report.story)")
                let text = report.output.text
                for words in [
                    "scrap-worker 1.", "librdkafka 2.", "libgpiod 2.", "machine: ", "Linux ",
                    "worker.ranking = 100", "kafka.bootstrap.servers = \(fleet.broker.address)",
                    "kafka.sasl.password = (not shown)", "GPIO chips:", "journal",
                    "\(fleet.prefix)results: holds offsets", "ok       broker",
                ] { #expect(text.contains(words), "no \(words) in: \(text)") }
                #expect(!text.contains("hush"))
            }
        }

        @Test("a node tells its counters to its log when asked, and to watch --json")
        func counters() throws {
            try Fleet.run(on: EndToEnd.noida.get()) { fleet in
                try fleet.launchAll(1)
                let leader = try fleet.awaitLeader()
                leader.child.signal(SIGUSR1)
                try leader.awaitLog("counters:", "claims=1")
                try leader.awaitLog("counters:", "logs_lost=0")
                let watch = try Child(
                    "watch --json", Programs.scrapWorker,
                    ["watch", "--json", "-o", "worker.id=\(leader.id)"] + target(fleet))
                let told = watch.output.wait { lines in
                    lines.compactMap { JSON($0) }.first { $0["type"].string == "counters" }
                }
                #expect(told?["worker_id"].string == leader.id, "\(watch.story)")
                #expect(told?["claims"].int == 1, "\(watch.story)")
                watch.signal(SIGINT)
                #expect(try watch.waitForEnd() == .exit(0))
            }
        }

        @Test("leds --off has nothing to do where there are no lines")
        func ledsOff() throws {
            #expect(try Command("leds", "--off", "-c", "/dev/null").end == .exit(0))
        }

        @Test("--version names the commit")
        func version() throws {
            let version = try Command("--version")
            #expect(version.end == .exit(0))
            #expect(version.output.hasPrefix("scrap-worker 1."), "\(version.output)")
        }

        @Test("tools name a broker that is out of reach")
        func outOfReach() throws {
            let broker = try Broker(.noida)
            try broker.stop()
            let server = "kafka.bootstrap.servers=\(broker.address)"
            let identity = "worker.id=00000000-0000-4000-8000-000000000001"
            let check = try Command("check", "--within", "1", "-o", server, "-o", identity)
            #expect(check.end == .exit(69))
            #expect((check.output + check.errors).contains(broker.address))
            let submit = try Command("submit", "noop", "--within", "1", "-o", server)
            #expect(submit.end == .exit(69))
            #expect((submit.output + submit.errors).contains(broker.address))
        }

        @Test("demo loses its leaders, recovers, and says that nothing was lost")
        func demo() throws {
            let demo = try Command(
                "demo", "--for", "20", "--kill-leader-every", "8", patience: 120)
            #expect(demo.end == .exit(0), "\(demo.output)\n\(demo.errors)")
            #expect(demo.output.contains("lost"), "\(demo.output)")
        }

        @Test("a demo that is killed leaves nothing behind")
        func killedDemo() throws {
            let demo = try Child("demo", Programs.scrapWorker, ["demo", "-n", "3"])
            defer { demo.destroy() }
            let children = demo.output.wait { _ in
                let children = descendants(of: demo.pid)
                return children.count >= 4 ? children : nil
            }
            let found = try #require(children, "\(demo.story)")
            demo.signal(SIGKILL)
            try demo.waitForEnd()
            try eventually("the end of the demo's children") { !found.contains(where: runs) }
        }
    }
}

/// Processes whose parent, or parent's parent, is this one.
private func descendants(of pid: pid_t) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    let parents = names.compactMap(pid_t.init).compactMap { child -> (pid_t, pid_t)? in
        guard let text = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8),
            let name = text.lastIndex(of: ")")
        else { return nil }
        let parent = text[name...].split(separator: " ").dropFirst(2).first.flatMap { pid_t($0) }
        return parent.map { (child, $0) }
    }
    let children = parents.filter { $0.1 == pid }.map(\.0)
    return children + parents.filter { children.contains($0.1) }.map(\.0)
}
