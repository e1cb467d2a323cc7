import Foundation
import Harness
import Testing

extension EndToEnd {
    @Suite("work on noida-db") struct WorkTests {
        let broker: Broker

        init() throws { broker = try EndToEnd.noida.get() }

        @Test("a worker dies while working: its job dies with it, and is done elsewhere")
        func killWorker() throws {
            try Fleet.run(on: broker, ops: [.script("hold", Jobs.waitForGate)]) { fleet in
                try fleet.launchAll(3)
                try fleet.awaitLeader()
                try fleet.submit([request("hold", id: "r")])
                let assigned = try fleet.awaitAssignment(of: "r")
                let first = try fleet.jobs.await("start", of: "r")
                let worker = try fleet.worker(assigned["member_id"].string ?? "")
                worker.kill()
                try eventually("the job's end") { !runs(first.pid) }
                try fleet.jobs.await("start", of: "r", attempt: 2)
                try fleet.jobs.openGate()
                let outcome = try fleet.awaitOutcome(of: "r")
                #expect(outcome.status == "completed" && outcome.attempt == 2)
                #expect(outcome.worker != worker.id)
            }
        }

        @Test("a worker that is stopped loses its job before another gets it")
        func pauseWorker() throws {
            try Fleet.run(on: broker, ops: [.script("hold", Jobs.waitForGate)]) { fleet in
                try fleet.launchAll(3)
                try fleet.awaitLeader()
                try fleet.submit([request("hold", id: "r")])
                let assigned = try fleet.awaitAssignment(of: "r")
                try fleet.jobs.await("start", of: "r")
                let worker = try fleet.worker(assigned["member_id"].string ?? "")
                try worker.pause()
                // The second says `overlap`, and the audit fails, if the first still runs then.
                try fleet.jobs.await("start", of: "r", attempt: 2)
                try worker.resume()
                try fleet.jobs.openGate()
                let outcome = try fleet.awaitOutcome(of: "r")
                #expect(outcome.status == "completed" && outcome.attempt == 2)
            }
        }

        @Test("what a slow board has is not given to another before its jobs are dead")
        func mixedPaces() throws {
            try Fleet.run(on: broker, ops: [.script("hold", Jobs.waitForGate)]) { fleet in
                func slow(_ plan: inout WorkerPlan) {
                    plan.pace = "classroom"
                    plan.options += ["timing.countdown_start=3", "timing.countdown_delay_ms=0"]
                }
                let former = try fleet.launch(2, slow)
                try fleet.awaitLeader()
                let worker = try fleet.launch(1, slow)
                try worker.awaitReady()
                try fleet.submit([request("hold", id: "r")])
                #expect(try fleet.awaitAssignment(of: "r")["member_id"].string == worker.id)
                try fleet.jobs.await("start", of: "r")
                let quick = try fleet.launch(3)
                try quick.awaitReady()
                former.terminate()
                #expect(try fleet.awaitLeader(otherThan: former).id == quick.id)
                try quick.awaitLog("gets no work: its jobs may go on for 9894 ms")
                // It does what is new alone, and leaves the slow one what it has.
                try fleet.submit([request("noop", id: "new")])
                #expect(try fleet.awaitOutcome(of: "new").worker == quick.id)
                // The second says `overlap`, and the audit fails, if the first still runs then.
                try worker.pause()
                try fleet.jobs.await("start", of: "r", attempt: 2)
                try worker.resume()
                try fleet.jobs.openGate()
                let outcome = try fleet.awaitOutcome(of: "r")
                #expect(outcome.status == "completed" && outcome.attempt == 2)
            }
        }

        @Test("a node has one heap, however many threads come and go: no outage makes it grow")
        func oneHeap() throws {
            try Fleet.run(on: broker) { fleet in
                let worker = try fleet.launch(1)
                try worker.awaitReady()
                let threads = try FileManager.default.contentsOfDirectory(
                    atPath: "/proc/\(worker.nodePid)/task")
                #expect(threads.count > 2)
                // glibc reserves 64 MiB, aligned, for each heap but the first, and opens a part of it.
                let maps = try String(
                    contentsOfFile: "/proc/\(worker.nodePid)/maps", encoding: .utf8)
                let heaps = maps.split(separator: "\n").filter { line in
                    let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap {
                        UInt64($0, radix: 16)
                    }
                    return ends.count == 2 && ends[1] % (64 << 20) == 0
                        && ends[1] - ends[0] > 32 << 20 && line.contains(" ---p ")
                }
                #expect(heaps.isEmpty)
            }
        }

        @Test("a job is nicer than its node by 10")
        func nicer() throws {
            try Fleet.run(on: broker, ops: [.program("nicer", "/usr/bin/nice")]) { fleet in
                try fleet.launchAll(1)
                try fleet.submit([request("nicer", id: "r")])
                let outcome = try fleet.awaitOutcome(of: "r")
                let ours = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
                #expect(outcome["output"].string == "\(min(19, ours + 10))\n")
            }
        }

        @Test("a job that overruns is killed with all that it started")
        func overrun() throws {
            let stubborn = """
                trap '' TERM
                sh -c 'trap "" TERM; while :; do sleep 600; done' &
                say child "$!"
                while :; do sleep 600; done
                """
            let op = Op.script("overrun", timeoutMs: 200, stubborn)
            try Fleet.run(on: broker, ops: [op]) { fleet in
                try fleet.launchAll(2)
                try fleet.submit([request("overrun", id: "r")])
                let started = try fleet.jobs.await("child", of: "r")
                #expect(try fleet.awaitOutcome(of: "r").status == "timed_out")
                let child = try #require(Int32(started.rest))
                try eventually("the end of all that it started") {
                    !runs(started.pid) && !runs(child)
                }
            }
        }

        @Test(
            "nothing of a job is left when its result is there, wherever its processes have gone",
            arguments: [
                ("exit 0", 60_000, "completed"),
                ("trap '' TERM; while :; do sleep 600; done", 2000, "timed_out"),
            ])
        func escapes(ending: String, timeoutMs: Int, status: String) throws {
            let escape = """
                setsid sh -c 'trap "" TERM; while :; do sleep 600; done' &
                say child "$!"
                ( setsid sh -c 'sleep 600 & echo $! >"$0"; exit' "$folder/orphan" ) &
                until [ -s "$folder/orphan" ]; do sleep 0.01; done
                say orphan "$(cat "$folder/orphan")"
                \(ending)
                """
            let op = Op.script("escape", timeoutMs: timeoutMs, escape)
            try Fleet.run(on: broker, ops: [op]) { fleet in
                try fleet.launchAll(1)
                try fleet.submit([request("escape", id: "r", maxAttempts: 1)])
                let child = try Int32(fleet.jobs.await("child", of: "r").rest)
                let orphan = try Int32(fleet.jobs.await("orphan", of: "r").rest)
                #expect(try fleet.awaitOutcome(of: "r").status == status)
                #expect(try !runs(#require(child)) && !runs(#require(orphan)))
            }
        }

        @Test("what a job that kills its minder has left dies with the minder")
        func killedMinder() throws {
            let op = Op.script("kill", "sleep 600 &\nsay child \"$!\"\nkill -KILL $PPID\nwait\n")
            try Fleet.run(on: broker, ops: [op]) { fleet in
                try fleet.launchAll(1)
                try fleet.submit([request("kill", id: "r", maxAttempts: 1)])
                let child = try #require(try Int32(fleet.jobs.await("child", of: "r").rest))
                #expect(try fleet.awaitOutcome(of: "r").status == "failed")
                try eventually("the end of what it started") { !runs(child) }
            }
        }

        @Test("a job has its grace also where only its minder can end it")
        func minderWaits() throws {
            let op = Op.script("last", Jobs.waitForGate + "sleep 2\nsay late\nsleep 600\n")
            try Fleet.run(on: broker, ops: [op]) { fleet in
                let worker = try fleet.launch(1) { $0.options += Self.longGrace }
                try worker.awaitReady()
                try fleet.submit([request("last", id: "r", maxAttempts: 1)])
                let job = try fleet.jobs.await("start", of: "r")
                try worker.pause()
                try fleet.jobs.openGate()
                // Its lease ends after 530 ms.
                try fleet.jobs.await("late", of: "r")
                try eventually("the job's end") { !runs(job.pid) }
                try worker.resume()
                #expect(try fleet.awaitOutcome(of: "r").status == "exhausted")
            }
        }

        private static let longGrace = [
            "timing.kill_grace_ms=10000", "timing.member_timeout_ms=12000",
            "timing.ack_timeout_ms=12000",
        ]

        @Test("a request's own deadline counts")
        func requestDeadline() throws {
            try Fleet.run(on: broker, ops: [.script("hold", Jobs.waitForGate)]) { fleet in
                try fleet.launchAll(2)
                try fleet.submit([request("hold", id: "r", timeoutMs: 200)])
                #expect(try fleet.awaitOutcome(of: "r").status == "timed_out")
            }
        }

        @Test("a job that kills every worker it touches is given up, and the union survives")
        func poison() throws {
            // Between a job and its worker stands the minder: the worker is its parent.
            let script = "read -r _ _ _ worker _ </proc/$PPID/stat && kill -9 \"$worker\"\n"
            let poison = Op.script("poison", script)
            try Fleet.run(on: broker, ops: [poison]) { fleet in
                try fleet.launchAll(3)
                try fleet.awaitLeader()
                try fleet.submit([request("poison", id: "r", maxAttempts: 3)])
                for attempt in 1...3 {
                    let assigned = try fleet.awaitAssignment(of: "r", attempt: attempt)
                    try fleet.jobs.await("start", of: "r", attempt: attempt)
                    let touched = fleet.lives.last { $0.id == assigned["member_id"].string }
                    let worker = try #require(touched)
                    #expect(try worker.child.waitForEnd() == .exit(128 + SIGKILL))
                    // What systemd would do.
                    try fleet.launch(worker.plan.number)
                }
                let outcome = try fleet.awaitOutcome(of: "r")
                #expect(outcome.status == "exhausted")
                try fleet.submit([request("noop", id: "after")])
                #expect(try fleet.awaitOutcome(of: "after").status == "completed")
            }
        }

        @Test("a job that stops every worker it touches for longer than its lease is given up")
        func starving() throws {
            let script = """
                read -r _ _ _ worker _ </proc/$PPID/stat
                kill -STOP "$worker"
                say stopped
                sleep 600

                """
            try Fleet.run(on: broker, ops: [.script("starve", script)]) { fleet in
                try fleet.launchAll(3)
                try fleet.awaitLeader()
                try fleet.submit([request("starve", id: "r", maxAttempts: 3)])
                for attempt in 1...3 {
                    let assigned = try fleet.awaitAssignment(of: "r", attempt: attempt)
                    let job = try fleet.jobs.await("stopped", of: "r", attempt: attempt)
                    // Its minder ends it with the lease, before the others have missed the worker.
                    try eventually("the job's end") { !runs(job.pid) }
                    let touched = fleet.lives.last { $0.id == assigned["member_id"].string }
                    try #require(touched).resume()
                }
                #expect(try fleet.awaitOutcome(of: "r").status == "exhausted")
                try fleet.submit([request("noop", id: "after")])
                #expect(try fleet.awaitOutcome(of: "after").status == "completed")
            }
        }

        @Test("the twins of one request id run once, and end alike")
        func duplicates() throws {
            try Fleet.run(on: broker, ops: [.script("note", "exit 3\n")]) { fleet in
                try fleet.launchAll(3)
                try fleet.awaitLeader()
                let twin = request("note", id: "twin", maxAttempts: 1)
                let twins = Array(repeating: twin, count: 5)
                try fleet.submit(twins + [request("noop", id: "middle")])
                try fleet.awaitOutcome(of: "twin")
                try fleet.awaitOutcome(of: "middle")
                // And after its outcome, too.
                try fleet.submit(twins + [request("noop", id: "last")])
                let outcomes = try fleet.awaitOutcomes(12)
                for offset in [0, 1, 2, 3, 4, 6, 7, 8, 9, 10] {
                    #expect(outcomes[offset]?.status == "failed")
                    let first = outcomes[offset]?["duplicate_of"].int
                    #expect(first == (offset == 0 ? nil : 0))
                }
                let runs = fleet.jobs.all.filter { $0.request == "twin" }
                #expect(runs.count == 1)
            }
        }

        @Test("a job gets its parameters, its code and its fencing token, and no more than it may")
        func environment() throws {
            let show = """
                read -r code
                echo "$SCRAP_PARAM_GREETING|$SCRAP_PARAM_TWO_WORDS|$code|$SCRAP_REQUEST_ID"
                echo "$SCRAP_ATTEMPT|$SCRAP_TERM|${NOTIFY_SOCKET-none}|${WATCHDOG_USEC-none}"
                exit 3
                """
            let chatter = Op.script("chatter", "yes 0123456 | head -c 10000\n")
            try Fleet.run(on: broker, ops: [.script("show", show), chatter]) { fleet in
                try fleet.launchAll(2)
                let parameters = ["greeting": "héllo \"you\"", "two_words": "a  b"]
                try fleet.submit([
                    request(
                        "show", id: "r", code: "line one\nline two", parameters: parameters,
                        maxAttempts: 1),
                    request("chatter", id: "long"),
                ])
                let shown = try fleet.awaitOutcome(of: "r")
                #expect(shown.status == "failed" && shown["exit_code"].int == 3)
                #expect(
                    shown["output"].string == """
                        héllo "you"|a  b|line one|r
                        \(shown["attempt"].int ?? -1)|\(shown.term ?? -1)|none|none

                        """)
                let long = try fleet.awaitOutcome(of: "long")
                #expect(long.status == "completed" && long["truncated"].bool == true)
                #expect(long["output"].string?.count == 4096)
            }
        }

        @Test("a program that no worker can start is given up, and each names it in its log")
        func missingProgram() throws {
            let gone = Op.program("gone", "/nowhere/program -x")
            try Fleet.run(on: broker, ops: [gone]) { fleet in
                try fleet.launchAll(2)
                try fleet.submit([
                    request("gone", id: "r", maxAttempts: 2), request("noop", id: "next"),
                ])
                #expect(try fleet.awaitOutcome(of: "next").status == "completed")
                let outcome = try fleet.awaitOutcome(of: "r")
                #expect(outcome.status == "exhausted")
                #expect(outcome["output"].string?.hasPrefix("no worker could start it") == true)
                let why = "cannot start /nowhere/program: No such file or directory"
                for life in fleet.lives { try life.awaitLog(why) }
            }
        }

        @Test(
            "of two workers one cannot start an op: the other does all of it",
            arguments: [
                "missing", "op whose interpreter is missing", "not executable", "text file busy",
            ])
        func sickWorker(how: String) throws {
            try Fleet.run(on: broker) { fleet in
                let program = "\(fleet.folder)/program"
                let isScript = how == "op whose interpreter is missing"
                try Data((isScript ? "#!/nowhere/interpreter\n" : "").utf8)
                    .write(to: URL(fileURLWithPath: program))
                let mode = how == "not executable" ? 0o644 : 0o755
                try FileManager.default.setAttributes(
                    [.posixPermissions: mode], ofItemAtPath: program)
                // Who writes to a program keeps others from running it.
                let writer = try #require(FileHandle(forWritingAtPath: program))
                if how != "text file busy" { try writer.close() }
                let sick = how == "missing" ? "/nowhere/program" : program
                // The leader works only where no member can.
                for (number, exec) in [(1, "/bin/true"), (2, sick)] {
                    try fleet.launch(number) { $0.options.append("op.do.exec=\(exec)") }
                        .awaitReady()
                    try fleet.awaitLeader()
                }
                let count = 200
                try fleet.submit((0..<count).map { request("do", id: "r\($0)") })
                for i in 0..<count {
                    let outcome = try fleet.awaitOutcome(of: "r\(i)")
                    #expect(outcome.status == "completed")
                    #expect(outcome.worker == fleet.lives[0].id)
                }
                let wasted = fleet.results.count { $0["cannot_start"].bool == true }
                print("\(how): \(wasted) of \(count) starts in vain")
                #expect(wasted > 0)
            }
        }

        @Test(
            "what a job says through a process in the background comes back",
            arguments: [
                "exec > >(sed 's/^/> /') 2>&1", "exec > >(sleep 0.1; sed 's/^/> /') 2>&1",
                "exec > >(sed 's/^/> /' | tee -a \"$0.log\")",
            ])
        func backgroundOutput(how: String) throws {
            let quoted = how.replacingOccurrences(of: "'", with: "'\\''")
            let script = "exec bash -c '\(quoted)\necho one\necho two' \"$folder/out\"\n"
            try Fleet.run(on: broker, ops: [.script("say", script)]) { fleet in
                try fleet.launch(1) { $0.pace = "normal" }.awaitReady()
                try fleet.submit((0..<5).map { request("say", id: "r\($0)") })
                for i in 0..<5 {
                    let outcome = try fleet.awaitOutcome(of: "r\(i)")
                    #expect(outcome.status == "completed")
                    #expect(outcome["output"].string == "> one\n> two\n")
                    #expect(outcome["truncated"].bool == false)
                }
            }
        }

        @Test("what outlives its job for long is killed, and what it would say is missing")
        func backgroundHolds() throws {
            let script = "sleep 600 &\nsay child \"$!\"\necho said\n"
            try Fleet.run(on: broker, ops: [.script("leave", script)]) { fleet in
                try fleet.launch(1) { $0.pace = "normal" }.awaitReady()
                try fleet.submit([request("leave", id: "r")])
                let child = try #require(try Int32(fleet.jobs.await("child", of: "r").rest))
                let outcome = try fleet.awaitOutcome(of: "r")
                #expect(outcome.status == "completed" && outcome["truncated"].bool == true)
                #expect(outcome["output"].string == "said\n")
                #expect(!runs(child))
            }
        }

        @Test("a result that is too large comes shorter")
        func largeResult() throws {
            let op = Op.script("shout", "yes | head -c 3000\n")
            try Fleet.run(on: broker, ops: [op]) { fleet in
                try fleet.launch(1) { $0.options.append("kafka.message.max.bytes=1500") }
                    .awaitReady()
                try fleet.submit([request("shout", id: "r"), request("noop", id: "next")])
                let outcome = try fleet.awaitOutcome(of: "r")
                #expect(outcome.status == "completed" && outcome["truncated"].bool == true)
                #expect(outcome["output"].string == String(repeating: "y\n", count: 128))
                #expect(try fleet.awaitOutcome(of: "next").status == "completed")
            }
        }

        @Test("stdin, stdout, stderr closed at start")
        func closedDescriptors() throws {
            try Fleet.run(on: broker) { fleet in
                let options = [
                    "kafka.bootstrap.servers=\(broker.address)",
                    "worker.topic_prefix=\(fleet.prefix)", "leds.driver=none", "worker.pace=fast",
                    "worker.id=99999999-9999-4999-8999-999999999999", "op.cat.exec=/bin/cat",
                ]
                let node = try Child(
                    "closed", "/bin/sh",
                    [
                        "-c", "exec \"$0\" \"$@\" <&- >&- 2>&-", Programs.scrapWorker, "run",
                    ] + options.flatMap { ["-o", $0] })
                defer { node.destroy() }
                try fleet.submit([request("cat", id: "r", code: "said")])
                let outcome = try fleet.awaitOutcome(of: "r")
                #expect(outcome.status == "completed")
                #expect(outcome["output"].string == "said")
                // What is opened later must not be taken for them.
                let keeper = node.pid
                let children = try String(
                    contentsOfFile: "/proc/\(keeper)/task/\(keeper)/children", encoding: .utf8)
                let pids = [keeper] + children.split(separator: " ").compactMap { pid_t($0) }
                #expect(pids.count > 1)
                for pid in pids {
                    for fd in 0...2 {
                        let path = try FileManager.default.destinationOfSymbolicLink(
                            atPath: "/proc/\(pid)/fd/\(fd)")
                        #expect(path == "/dev/null")
                    }
                }
                node.signal(SIGTERM)
                #expect(try node.waitForEnd() == .exit(0))
            }
        }

        @Test("an op that nobody configured is rejected")
        func unknownOp() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(2)
                try fleet.submit([request("rm-everything", id: "r"), request("noop", id: "next")])
                let outcome = try fleet.awaitOutcome(of: "r")
                #expect(outcome.status == "rejected")
                #expect(outcome["output"].string?.contains("rm-everything") == true)
                #expect(try fleet.awaitOutcome(of: "next").status == "completed")
            }
        }

        static let malformed = [
            "no JSON at all", "{\"op_code\":", "[]", "\"noop\"", "{}", "{\"op_code\":null}",
            "{\"op_code\":5}", "{\"op_code\":\"noop\",\"timeout_ms\":0}",
            "{\"op_code\":\"noop\",\"max_attempts\":0}", "{\"op_code\":\"noop\",\"parameters\":[]}",
            "{\"op_code\":\"noop\"} trailing",
            request(String(repeating: "o", count: 33)),
            request("noop", id: String(repeating: "i", count: 65)),
            request("noop", code: String(repeating: "c", count: 4097)),
            request(
                "noop",
                parameters: Dictionary(uniqueKeysWithValues: (1...17).map { ("p\($0)", "v") })),
            request("noop", parameters: ["big": String(repeating: "v", count: 1025)]),
            request("noop", code: String(repeating: "c", count: 100_000)),
            request("noop", id: "named", code: String(repeating: "c", count: 4097)),
        ]

        @Test("malformed and oversized requests are rejected with a reason, and reading goes on")
        func malformed() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(2)
                try fleet.awaitLeader()
                try fleet.submit(Self.malformed + [request("noop", id: "good")])
                #expect(try fleet.awaitOutcome(of: "good").status == "completed")
                let outcomes = try fleet.awaitOutcomes(Self.malformed.count + 1)
                for (offset, text) in Self.malformed.enumerated() {
                    let outcome = outcomes[offset]
                    #expect(outcome?.status == "rejected", "\(text.prefix(100))")
                    #expect(outcome?["output"].string?.isEmpty == false, "\(text.prefix(100))")
                }
                #expect(outcomes[Self.malformed.count - 1]?["request_id"].string == "named")
            }
        }

        @Test("all workers are killed and started again with work open: it is all done")
        func killAll() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(4)
                try fleet.submit(
                    (0..<60).map { request("sleep", id: "r\($0)", parameters: ["ms": "50"]) })
                _ = try fleet.awaitOutcomes(10)
                for worker in fleet.living { worker.kill() }
                try fleet.launchAll(4)
                try fleet.awaitCompletion(60)
            }
        }

        @Test("one worker alone elects itself and does the work")
        func alone() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.submit([request("noop", id: "early")])
                try fleet.launchAll(1)
                try fleet.submit([request("echo", id: "r", code: "hello")])
                #expect(try fleet.awaitOutcome(of: "early").status == "completed")
                #expect(try fleet.awaitOutcome(of: "r")["output"].string == "hello")
            }
        }
    }
}
