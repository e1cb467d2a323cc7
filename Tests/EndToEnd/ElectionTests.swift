import Harness
import Testing

extension EndToEnd {
    @Suite("elections on noida-db") struct ElectionTests {
        let broker: Broker

        init() throws { broker = try EndToEnd.noida.get() }

        @Test("five workers, one of them an ARM build, elect one leader, all agree, and all work")
        func five() throws {
            try Fleet.run(on: broker) { fleet in
                // The lowest ranking: it follows. Emulated, it is slow.
                let arm = try fleet.launch(1) {
                    $0.isARM = true
                    $0.pace = "normal"
                }
                for number in 2...5 { try fleet.launch(number) { $0.pace = "normal" } }
                let leader = try fleet.awaitLeader()
                try fleet.tail("heartbeat").wait(for: "five workers that agree") { heartbeats in
                    let last = Dictionary(
                        heartbeats.compactMap { record in record.worker.map { ($0, record) } },
                        uniquingKeysWith: { $1 })
                    let agree = last.values.allSatisfy {
                        $0["leader_id"].string == leader.id
                            && $0["role"].string == ($0.worker == leader.id ? "leader" : "member")
                    }
                    return last.count == 5 && agree ? () : nil
                }
                try fleet.tail("leader").wait(for: "the four others as members") { log in
                    let added = Referee(log).valid.filter { $0.op == "ADD_MEMBER" }
                    let others = Set(added.compactMap { $0["member_id"].string })
                    return others.subtracting([leader.id]).count == 4 ? () : nil
                }
                try fleet.submit(
                    (0..<8).map { request("sleep", id: "s\($0)", parameters: ["ms": "50"]) })
                let did = Set(try fleet.awaitCompletion(8).values.compactMap(\.worker))
                #expect(did.contains(arm.id))
            }
        }

        @Test("the leader is killed under load: nothing is lost, each request has one outcome")
        func killLeader() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(5)
                let first = try fleet.awaitLeader()
                try fleet.submit(
                    (0..<200).map { number in
                        number % 2 == 0
                            ? request("echo", id: "r\(number)", code: "word \(number)")
                            : request("sleep", id: "r\(number)", parameters: ["ms": "20"])
                    })
                _ = try fleet.awaitOutcomes(20)
                first.kill()
                try fleet.awaitLeader(otherThan: first)
                for outcome in try fleet.awaitCompletion(200).values {
                    let id = outcome["request_id"].string ?? ""
                    let number = Int(id.dropFirst()) ?? -1
                    if number % 2 == 0 { #expect(outcome["output"].string == "word \(number)") }
                }
            }
        }

        @Test("a leader that was stopped does not act when it wakes, and is a member")
        func pauseLeader() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(3)
                let first = try fleet.awaitLeader()
                // Work for it to go on with, if it made the mistake.
                try fleet.submit(
                    (0..<40).map { request("sleep", id: "r\($0)", parameters: ["ms": "50"]) })
                _ = try fleet.awaitOutcomes(5)
                try first.pause()
                try fleet.awaitLeader(otherThan: first)
                let second = try #require(try Referee(fleet.tail("leader").all).tenures.last)
                try first.resume()
                try fleet.tail("heartbeat").wait(for: "the former leader as a member") {
                    $0.first {
                        $0.worker == first.id && $0.term == second.term
                            && $0["role"].string == "member"
                    }
                }
                _ = try fleet.awaitOutcomes(40)
                // None of what it wrote after its successor's claim counts.
                let valid = Referee(try fleet.tail("leader").all).valid
                let acted = valid.filter { $0.worker == first.id && $0.offset > second.since }
                #expect(acted.isEmpty)
                for heartbeat in try fleet.tail("heartbeat").all
                where heartbeat.worker == first.id && heartbeat.term == second.term {
                    #expect(heartbeat["role"].string != "leader")
                }
            }
        }

        @Test("a leader whose log nobody reads leads on, and says then how many lines were lost")
        func blockedLog() throws {
            try Fleet.run(on: broker) { fleet in
                // A lease of four seconds: what ends it is no busy machine, but a log that waits.
                func slow(_ plan: inout WorkerPlan) {
                    plan.pace = "classroom"
                    plan.options += ["timing.countdown_start=3", "timing.countdown_delay_ms=0"]
                }
                let first = try fleet.launch(1) {
                    slow(&$0)
                    $0.holdsLog = true
                }
                try fleet.awaitLeader()
                try fleet.launch(2, slow).awaitReady()
                // A line each, at level debug: more than a pipe holds.
                try fleet.submit((0..<3000).map { request("unheard-of", id: "r\($0)") })
                _ = try fleet.awaitOutcomes(3000)
                try fleet.submit([request("noop", id: "last")])
                #expect(try fleet.awaitOutcome(of: "last").status == "completed")
                #expect(try Referee(fleet.tail("leader").all).tenures.map(\.holder) == [first.id])
                #expect(first.leaderSpans.count == 1)
                first.child.errors.release()
                try first.awaitLog("lines lost")
            }
        }

        @Test("a leader that is told to end hands over, and nobody waits for a timeout")
        func terminateLeader() throws {
            try Fleet.run(on: broker) { fleet in
                // Only the first would ever campaign because of silence: the others wait an hour.
                try fleet.launch(1).awaitReady()
                let first = try fleet.awaitLeader()
                for number in 2...4 {
                    try fleet.launch(number) {
                        $0.options.append("timing.leader_timeout_ms=3600000")
                    }.awaitReady()
                }
                try fleet.submit(
                    (0..<40).map { request("sleep", id: "r\($0)", parameters: ["ms": "50"]) })
                _ = try fleet.awaitOutcomes(5)
                first.terminate()
                #expect(try first.child.waitForEnd() == .exit(0))
                try fleet.awaitLeader(otherThan: first)
                let tenures = try Referee(fleet.tail("leader").all).tenures
                #expect(tenures.first?.hasResigned == true)
                try fleet.awaitCompletion(40)
            }
        }

        @Test("a worker that comes back does not depose the leader")
        func comeBack() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(2)
                let leader = try fleet.awaitLeader()
                let others = fleet.living.filter { $0.id != leader.id }
                let other = try #require(others.first)
                other.kill()
                // Ranked above all, it still has to respect who leads.
                let returned = try fleet.launch(other.plan.number) { $0.ranking = 1000 }
                try returned.awaitReady()
                try fleet.tail("heartbeat").wait(for: "its heartbeat under the leader") {
                    let lives = Set(
                        $0.filter { $0.worker == other.id }.compactMap { $0["incarnation"].string })
                    let last = $0.last { $0.worker == other.id }
                    return lives.count == 2 && last?["leader_id"].string == leader.id ? () : nil
                }
                try fleet.submit([request("noop", id: "r")])
                try fleet.awaitOutcome(of: "r")
                #expect(try Referee(fleet.tail("leader").all).tenures.count == 1)
            }
        }
    }
}
