import Foundation
import Harness
import Testing

extension EndToEnd {
    /// A union whose records are signed (docs/protocol.md).
    @Suite("a union's key on noida-db") struct KeyTests {
        let broker: Broker

        init() throws { broker = try EndToEnd.noida.get() }

        /// What a worker of each step is started with; nil: it has no key. `former`: it is changed.
        private static func options(
            _ key: String, _ step: String?, former: String? = nil
        ) -> [String] {
            guard let step else { return [] }
            return ["union.key_file=\(key)", "union.key_step=\(step)"]
                + (former.map { ["union.previous_key_file=\($0)"] } ?? [])
        }

        /// `submit --wait`, which is told that all completed.
        private func submit(
            _ fleet: Fleet, _ id: String, count: Int, rate: Int = 1000, _ options: [String]
        ) throws -> Child {
            let all =
                [
                    "worker.topic_prefix=\(fleet.prefix)",
                    "kafka.bootstrap.servers=\(broker.address)",
                ] + options
            return try Child(
                "submit \(id)", Programs.scrapWorker,
                [
                    "submit", "noop", "--id", id, "--count", "\(count)", "--rate", "\(rate)",
                    "--wait",
                ] + all.flatMap { ["-o", $0] })
        }

        @Test("who has no key changes nothing: he is counted and told, and his request is rejected")
        func strangers() throws {
            try Fleet.run(on: broker) { fleet in
                let key = try fleet.keyFile("union.key")
                for number in 1...3 {
                    try fleet.launch(number) { $0.options += Self.options(key, "require") }
                }
                for worker in fleet.living { try worker.awaitReady() }
                let leader = try fleet.awaitLeader()
                for worker in fleet.living { try worker.awaitLog("records are signed with key") }
                let first = try submit(fleet, "a", count: 20, ["union.key_file=\(key)"])
                #expect(try first.waitForEnd() == .exit(0), "\(first.story)")

                // As their own records, word for word, but for what would have an effect.
                let claim = try fleet.tail("leader").wait(for: "a claim") { log in
                    log.last { $0.op == "CLAIM" }
                }
                let term = try #require(claim.term)
                let stranger = "bad00000-0000-0000-0000-000000000001"
                let beat = try fleet.tail("heartbeat").wait(for: "another's heartbeat") { log in
                    log.last { $0.worker != leader.id }
                }
                let candidacy = try fleet.tail("election").wait(for: "a candidacy") { $0.last }
                try fleet.writeAsStranger(
                    forged(claim, ["worker_id": stranger, "term": term + 7]), to: "leader")
                try fleet.writeAsStranger(
                    forged(beat, ["incarnation": "0000000000000001"]), to: "heartbeat")
                try fleet.writeAsStranger(
                    forged(candidacy, ["worker_id": stranger, "ranking": 1_000_000]),
                    to: "election")
                let result = try fleet.tail("results").wait(for: "a result") { $0.last }
                try fleet.writeAsStranger(
                    forged(
                        result,
                        ["request_id": "b-1", "request_offset": 21, "status": "failed"]),
                    to: "results")
                try fleet.writeAsStranger(request("noop", id: "b-1"), to: "requests")

                let said = " is void: it is not signed with this union's key"
                for topic in ["leader", "election"] {
                    for worker in fleet.living {
                        try worker.awaitLog("the record on \(topic)", said)
                    }
                }
                for topic in ["heartbeat", "results", "requests"] {
                    try leader.awaitLog("the record on \(topic)", said)
                }
                let rejected = try fleet.awaitOutcome(of: "offset-20")
                #expect(rejected.status == "rejected")
                #expect(rejected["output"].string == "it is not signed with this union's key")
                // Nothing has changed: nobody stands back, nobody else leads, and the ids are free.
                let second = try submit(fleet, "b", count: 20, ["union.key_file=\(key)"])
                #expect(try second.waitForEnd() == .exit(0), "\(second.story)")
                #expect(Referee(try fleet.recordsOfOurs("leader")).leader == leader.id)
                try leader.signalNode(SIGUSR1)
                try leader.awaitLog(" unsigned=5")
                for worker in fleet.living {
                    #expect(!worker.child.errors.text.contains("standing back"))
                }
            }
        }

        @Test(
            "a client with another key, and one with none, is told so, and gets no outcome of theirs"
        )
        func otherKeys() throws {
            try Fleet.run(on: broker) { fleet in
                let (key, other) = (try fleet.keyFile("union.key"), try fleet.keyFile("other.key"))
                let node = try fleet.launch(1) { $0.options += Self.options(key, "require") }
                try node.awaitReady()
                for (id, options) in [("a", Self.options(other, "require")), ("b", [])] {
                    let child = try submit(fleet, id, count: 1, options)
                    defer { child.destroy() }
                    let line = child.errors.wait { lines in
                        lines.first { $0.contains(" is void: it is signed by another key") }
                    }
                    #expect(line != nil, "\(child.story)")
                    #expect(!child.hasEnded)
                }
                for offset in 0...1 {
                    #expect(try fleet.awaitOutcome(of: "offset-\(offset)").status == "rejected")
                }
                try node.awaitLog("the record on requests at offset 0", "signed by another key")
                try node.awaitLog(
                    "the record on requests at offset 1", "not signed with this union")
            }
        }

        @Test("a key is put in, changed and taken out, board by board under load: nothing is lost")
        func rolling() throws {
            try Fleet.run(on: broker) { fleet in
                let (key, next) = (try fleet.keyFile("union.key"), try fleet.keyFile("next.key"))
                try fleet.launchAll(5)
                try fleet.awaitLeader()
                var loads = 0
                /// While the boards go through these steps somebody asks for work.
                func roll(
                    _ steps: [String?], _ key: String, former: String? = nil,
                    asking options: [String]
                ) throws {
                    for step in steps {
                        loads += 1
                        let load = try submit(fleet, "l\(loads)", count: 200, rate: 40, options)
                        defer { load.destroy() }
                        for number in 1...5 {
                            let old = try #require(fleet.living.last { $0.plan.number == number })
                            old.terminate()
                            #expect(try old.child.waitForEnd() == .exit(0), "\(old.child.story)")
                            let new = try fleet.launch(number) {
                                $0.options += Self.options(key, step, former: former)
                            }
                            try new.awaitReady()
                        }
                        try fleet.awaitLeader()
                        #expect(try load.waitForEnd() == .exit(0), "\(load.story)")
                    }
                }
                try roll(["accept"], key, asking: [])
                try roll(["sign", "require"], key, asking: Self.options(key, "sign"))
                // Now a stranger is one.
                try fleet.writeAsStranger(request("noop", id: "stranger"), to: "requests")
                #expect(try fleet.awaitOutcome(of: "offset-600").status == "rejected")
                try roll(["accept"], next, former: key, asking: Self.options(key, "sign"))
                try roll(
                    ["sign", "require"], next, former: key,
                    asking: Self.options(next, "sign", former: key))
                try roll(["sign", "accept"], next, asking: Self.options(next, "sign"))
                try roll([nil], next, asking: [])
                // Each was run to its end once. (The stranger's may have been read again a step
                // back, where it counts.)
                let results = try fleet.client.dump(fleet.topic("results"))
                let completed = results.filter {
                    $0.status == "completed" && $0.requestOffset != 600
                }
                #expect(completed.count == 200 * loads)
                #expect(Set(completed.compactMap(\.requestOffset)).count == 200 * loads)
            }
        }

        @Test("a board with another key, or none, stands back and says why")
        func otherBoards() throws {
            try Fleet.run(on: broker) { fleet in
                let (key, other) = (try fleet.keyFile("union.key"), try fleet.keyFile("other.key"))
                for number in 1...2 {
                    try fleet.launch(number) { $0.options += Self.options(key, "require") }
                }
                try fleet.awaitLeader()
                let strange = try fleet.launch(3) {
                    $0.options += Self.options(other, "require")
                }
                let keyless = try fleet.launch(4)
                for board in [strange, keyless] {
                    try board.awaitLog("leader are signed by another key", "standing back")
                }
                let load = try submit(fleet, "a", count: 40, Self.options(key, "require"))
                #expect(try load.waitForEnd() == .exit(0), "\(load.story)")
                let ids = [strange.id, keyless.id]
                for topic in ["leader", "heartbeat", "election", "results"] {
                    let written = try fleet.client.dump(fleet.topic(topic))
                    #expect(!written.contains { ids.contains($0.worker ?? "") }, "\(topic)")
                }
                strange.terminate()
                #expect(try strange.child.waitForEnd() == .exit(0), "\(strange.child.story)")
                let mended = try fleet.launch(3) { $0.options += Self.options(key, "require") }
                try mended.awaitReady()
            }
        }

        @Test("a step that others cannot follow is not taken: the board waits for them, by name")
        func tooEarly() throws {
            try Fleet.run(on: broker) { fleet in
                let key = try fleet.keyFile("union.key")
                try fleet.launchAll(2)
                let leader = try fleet.awaitLeader()
                let early = try fleet.launch(3) { $0.options += Self.options(key, "sign") }
                let void = "what this worker writes is void for "
                try early.awaitLog(void, ": standing back until every board accepts")
                try fleet.tail("heartbeat").wait(for: "no word of it") { log in
                    log.filter { $0.worker == leader.id }.count > 20 ? true : nil
                }
                let written = try fleet.client.dump(fleet.topic("heartbeat"))
                #expect(!written.contains { $0.worker == early.id })
                for number in 1...2 {
                    let old = try #require(fleet.living.last { $0.plan.number == number })
                    old.terminate()
                    #expect(try old.child.waitForEnd() == .exit(0), "\(old.child.story)")
                    let new = try fleet.launch(number) {
                        $0.options += Self.options(key, "accept")
                    }
                    try new.awaitReady()
                }
                try early.awaitReady()
                try early.awaitLog("records and this worker's are valid for each other")
            }
        }

        @Test("a key that everybody may read is told; without one, `check` says that, too")
        func check() throws {
            let folder = try newFolder("key")
            let key = try Command("key")
            #expect(key.end == .exit(0))
            let path = folder + "/union.key"
            try Data(key.output.utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            let servers = "kafka.bootstrap.servers=\(broker.address)"
            let prefix = "worker.topic_prefix=key-check-"
            let keyed = try Command(
                "check", "-o", servers, "-o", prefix, "-o", "union.key_file=union.key",
                environment: ["CREDENTIALS_DIRECTORY": folder])
            #expect(keyed.end == .exit(0), "\(keyed.errors)")
            #expect(keyed.output.contains("key: records are signed with key "))
            #expect(keyed.errors.contains("every user of this machine can read or change"))
            let keyless = try Command("check", "-o", servers, "-o", prefix)
            #expect(keyless.output.contains("key: records are not signed; accepted: unsigned"))
        }
    }
}
