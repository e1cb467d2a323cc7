import Foundation
import Harness
import Testing

/// Never two leader LEDs at once, whatever happens to the processes of a board: the audit at the
/// end of each union looks at the order in which one observer saw all reports, and at the spans that
/// the keepers stamped.
extension EndToEnd {
    @Suite("keepers of the LEDs, on noida-db") struct KeeperTests {
        let broker: Broker

        init() throws { broker = try EndToEnd.noida.get() }

        private func newestTerm(_ fleet: Fleet) throws -> Int {
            try #require(try Referee(fleet.tail("leader").all).tenures.last).term
        }

        /// Until the worker's leader LED is dark again.
        private func awaitDark(_ worker: Worker) throws {
            let isDark = worker.child.output.wait { lines in
                lines.last.map { !$0.contains(" leader 1 ") } == true ? () : nil
            }
            if isDark == nil { throw Unmet("the LED stays lit\n\(worker.child.story)") }
        }

        @Test("a leader's node is stopped: its LED goes dark by itself; then it is back")
        func stopNode() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(3)
                let first = try fleet.awaitLeader()
                try first.pause()
                let second = try fleet.awaitLeader(otherThan: first)
                try awaitDark(first)
                // Others lead while it stands still, and work goes on.
                try fleet.submit(
                    (0..<20).map { request("sleep", id: "r\($0)", parameters: ["ms": "100"]) })
                try fleet.awaitCompletion(20)
                #expect(second.id != first.id)
                #expect(first.child.output.all.last?.contains(" member 0 0") == true)
                try first.resume()
                let isBack = first.child.output.wait { lines in
                    lines.last?.contains(" member 1 ") == true ? () : nil
                }
                #expect(isBack != nil, "\(first.child.story)")
            }
        }

        @Test("a leader's node is killed: its keeper puts the LED out and ends with 137")
        func killNode() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(3)
                let first = try fleet.awaitLeader()
                try first.signalNode(SIGKILL)
                #expect(try first.child.waitForEnd() == .exit(128 + SIGKILL))
                #expect(first.child.output.all.last?.contains(" member 0 0") == true)
                try fleet.awaitLeader(otherThan: first)
            }
        }

        @Test(
            "a keeper that is stopped while it shows a leader is killed before the next may lead",
            arguments: [false, true])
        func stopKeeper(theNodeToo: Bool) throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(3)
                let first = try fleet.awaitLeader()
                let node = try first.nodePid
                if theNodeToo { try first.pause() }
                first.child.signal(SIGSTOP)
                #expect(try first.child.waitForEnd() == .signal(SIGKILL))
                try eventually("the node's end") { !runs(node) }
                try fleet.awaitLeader(otherThan: first)
            }
        }

        @Test("a keeper is killed: its node goes with it, and the next one leads again in the end")
        func killKeeper() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(2)
                let first = try fleet.awaitLeader()
                let node = try first.nodePid
                first.kill()
                try eventually("the node's end") { !runs(node) }
                let second = try fleet.awaitLeader(otherThan: first)
                try fleet.launch(first.plan.number).awaitReady()
                second.kill()
                try fleet.awaitLeader(otherThan: second)
            }
        }

        @Test("who has no keeper that answers does not lead; it does when the keeper answers again")
        func deafKeeper() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(2)
                let leader = try fleet.awaitLeader()
                let other = try #require(fleet.living.first { $0.id != leader.id })
                other.child.signal(SIGSTOP)
                try other.awaitLog("the keeper of the LEDs does not answer")
                leader.kill()
                let claims = try Referee(fleet.tail("leader").all).tenures.count
                // Nobody is left who could; the heartbeats go on.
                try fleet.tail("heartbeat").wait(for: "a while without a leader") { heartbeats in
                    let dead = heartbeats.lastIndex { $0.worker == leader.id } ?? 0
                    return heartbeats[dead...].count > 15 ? () : nil
                }
                #expect(try Referee(fleet.tail("leader").all).tenures.count == claims)
                other.child.signal(SIGCONT)
                try other.awaitLog("the keeper of the LEDs answers again")
                try fleet.awaitLeader(otherThan: leader)
            }
        }

        @Test("a leader whose log nobody reads leads on, or is dark before the next one leads")
        func blockedLog() throws {
            try Fleet.run(on: broker) { fleet in
                let unread = try fleet.launch(1) { $0.holdsLog = true }
                #expect(try fleet.awaitLeader().id == unread.id)
                try fleet.launch(2).awaitReady()
                // A line of some 1,000 bytes, beside what it says at this level anyway.
                unread.child.signal(SIGUSR1)
                let term = try newestTerm(fleet)
                try fleet.submit(
                    (0..<40).map { request("sleep", id: "r\($0)", parameters: ["ms": "50"]) })
                try fleet.awaitCompletion(40)
                if try newestTerm(fleet) > term { try awaitDark(unread) }
                // It may not be able to leave in good order.
                unread.kill()
                unread.child.errors.release()
            }
        }

        @Test(
            "more busy processes than cores, at a nicer level and at the same one",
            arguments: [0, 10])
        func starve(nicer: Int) throws {
            try Fleet.run(on: broker) { fleet in
                for number in 1...3 { try fleet.launch(number) { $0.pace = "normal" } }
                try fleet.awaitLeader()
                let cores = ProcessInfo.processInfo.activeProcessorCount
                let busy = try (0..<(3 * cores)).map {
                    try Child(
                        "busy \($0)", "/usr/bin/nice",
                        ["-n", "\(nicer)", "/bin/sh", "-c", "while :; do :; done"])
                }
                defer { for child in busy { child.destroy() } }
                for round in 0..<3 {
                    let leader = try fleet.awaitLeader()
                    try fleet.submit(
                        (0..<20).map {
                            request("sleep", id: "r\(round)-\($0)", parameters: ["ms": "50"])
                        })
                    try fleet.awaitCompletion(20 * (round + 1))
                    try? leader.pause()
                    try fleet.awaitLeader(otherThan: leader)
                    try? leader.resume()
                }
            }
        }

        @Test("as process 1 a keeper reaps what jobs leave behind, and ends as its node does")
        func reaps() throws {
            // Every other job kills its minder, so that what it started is nobody's but process 1's.
            let op = Op.script(
                "orphans",
                """
                sleep 0.05 &
                sh -c 'sleep 0.05 & sleep 0.05 & exit' &
                [ "$SCRAP_PARAM_KILL" = yes ] && kill -s KILL "$PPID"
                exit 0

                """)
            try Fleet.run(on: broker, ops: [op]) { fleet in
                let worker = try fleet.launch(1) { $0.isFirst = true }
                try worker.awaitReady()
                try fleet.submit(
                    (0..<20).map {
                        let kills = $0.isMultiple(of: 2)
                        return request(
                            "orphans", id: "r\($0)", parameters: ["kill": kills ? "yes" : "no"],
                            maxAttempts: kills ? 1 : 5)
                    })
                let statuses = try fleet.awaitOutcomes(20).values.map(\.status)
                #expect(statuses.filter { $0 == "completed" }.count == 10, "\(statuses)")
                let keeper = try worker.keeperPid
                let node = try worker.nodePid
                try eventually("the end of all that process 1 has inherited") {
                    try children(of: keeper) == [node]
                }
            }
        }

        @Test("a board whose pace is not its leader's says so in its status, by name of both")
        func otherPace() throws {
            try Fleet.run(on: broker) { fleet in
                let slow = try fleet.launch(2) { $0.pace = "normal" }
                #expect(try fleet.awaitLeader().id == slow.id)
                let fast = try fleet.launch(1)
                try fast.awaitStatus(
                    "member, term 1; 00000000 leads at pace normal (lease_ms = 800), "
                        + "this board has pace fast (lease_ms = 240)")
                slow.terminate()
                try slow.child.waitForEnd()
                #expect(try !fast.awaitStatus("leader, term").contains("pace"))
            }
        }

        @Test("a keeper has less than 1 MiB of its own, one thread, and a name")
        func small() throws {
            try Fleet.run(on: broker) { fleet in
                let worker = try fleet.launch(1)
                try fleet.awaitLeader()
                let pid = worker.child.pid
                func read(_ file: String) throws -> String {
                    try String(contentsOfFile: "/proc/\(pid)/\(file)", encoding: .utf8)
                }
                #expect(try read("comm") == "scrap-keeper\n")
                #expect(try read("status").contains("Threads:\t1\n"))
                let own = try read("smaps_rollup").split(separator: "\n")
                    .first { $0.hasPrefix("Private_Dirty:") }?
                    .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
                #expect(try #require(own) < 1024)
            }
        }
    }
}
