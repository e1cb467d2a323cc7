import Foundation
import Harness
import Testing

extension EndToEnd {
    @Suite("a broker that fails, on noida-db") struct BrokerFaultTests {
        private static func sleeps(_ numbers: Range<Int>) -> [String] {
            numbers.map { request("sleep", id: "r\($0)", parameters: ["ms": "20"]) }
        }

        /// Waits until a worker's LEDs say that it leads, now.
        private static func expectLeader(_ fleet: Fleet) throws {
            try eventually("a leader that is online") {
                fleet.living.contains { $0.child.output.all.last?.hasSuffix("leader 1 0") == true }
            }
        }

        /// Waits until each worker's LEDs say that it is offline.
        private static func expectDark(_ fleet: Fleet) throws {
            for worker in fleet.living {
                let found = worker.child.output.wait { lines in
                    lines.last.flatMap { $0.hasSuffix("member 0 0") ? () : nil }
                }
                if found == nil { throw Unmet("\(worker.child.name) does not blink") }
            }
        }

        /// Also at SIGTERM noida-db may lose what came at the very end, so that nothing but the
        /// held jobs is open when it goes: what had an outcome is known.
        @Test(
            "the broker goes and comes back without its last records: the union goes on by itself",
            arguments: [SIGTERM, SIGKILL])
        func stopAndStart(signal: Int32) throws {
            let broker = try Broker(.noida)
            let hold = Op.script("hold", Jobs.waitForGate)
            try Fleet.run(on: broker, losing: true, ops: [hold]) { fleet in
                try fleet.launchAll(4)
                try fleet.submit(Self.sleeps(0..<30))
                try fleet.awaitCompletion(30)
                try fleet.submit((0..<8).map { request("hold", id: "held\($0)") })
                let held = try fleet.jobs.await("start", of: "held0")
                try broker.stop(signal)
                try Self.expectDark(fleet)
                // Its worker cannot know whether another has the job by now.
                try eventually("the end of the job") { !runs(held.pid) }
                try broker.startAgain()
                fleet.forgetTails()
                // What came before anybody is back could stand where lost requests stood.
                try Self.expectLeader(fleet)
                try fleet.jobs.openGate()
                try fleet.submit(Self.sleeps(100..<120))
                for number in 100..<120 {
                    #expect(try fleet.awaitOutcome(of: "r\(number)").status == "completed")
                }
                // Of the others those that the broker kept.
                try fleet.awaitAllOutcomes()
                #expect(fleet.lives.count == 4 && fleet.living.count == 4)
            }
        }

        @Test("the broker loses everything: the union begins anew by itself")
        func loseAll() throws {
            let broker = try Broker(.noida)
            try Fleet.run(on: broker, losing: true) { fleet in
                try fleet.launchAll(3)
                try fleet.submit(Self.sleeps(0..<20))
                _ = try fleet.awaitOutcomes(20)
                try broker.stop(SIGKILL)
                try Self.expectDark(fleet)
                try broker.loseData()
                try broker.startAgain()
                fleet.forgetTails()
                try fleet.submit(Self.sleeps(100..<110))
                for number in 100..<110 {
                    #expect(try fleet.awaitOutcome(of: "r\(number)").status == "completed")
                }
                #expect(fleet.lives.count == 3 && fleet.living.count == 3)
            }
        }

        @Test("a broker that answers late is slow and not lost: connections are kept")
        func slow() throws {
            let broker = try Broker(.noida)
            try Fleet.run(on: broker) { fleet in
                let worker = try fleet.launch(1) { $0.pace = "normal" }
                try fleet.awaitLeader()
                for _ in 0..<3 {
                    let count = try fleet.tail("heartbeat").all.count
                    broker.child.signal(SIGSTOP)
                    // The fault itself: longer than a second, the shortest record's time of old.
                    Thread.sleep(forTimeInterval: 2.5)
                    broker.child.signal(SIGCONT)
                    try fleet.tail("heartbeat").wait(for: "heartbeats after the pause") {
                        $0.count > count + 8 ? () : nil
                    }
                }
                #expect(!worker.child.errors.text.contains("the broker cannot be reached"))
                try fleet.submit([request("noop", id: "r")])
                #expect(try fleet.awaitOutcome(of: "r").status == "completed")
            }
        }

        @Test("a job that has stopped its minder dies at the end of the lease, too")
        func stoppedMinder() throws {
            let broker = try Broker(.noida)
            let op = Op.script(
                "stop", "trap '' TERM\nsay stopping\nkill -s STOP 0\n")
            try Fleet.run(on: broker, ops: [op]) { fleet in
                try fleet.launchAll(2)
                try fleet.submit([request("stop", id: "r", maxAttempts: 1)])
                let job = try fleet.jobs.await("stopping", of: "r")
                broker.child.signal(SIGSTOP)
                defer { broker.child.signal(SIGCONT) }
                try eventually("the end of the job") { !runs(job.pid) }
                broker.child.signal(SIGCONT)
                #expect(try fleet.awaitOutcome(of: "r").status == "exhausted")
            }
        }

        @Test("a broker that is not there yet is waited for, and workers say so")
        func notThereYet() throws {
            let broker = try Broker(.noida)
            try broker.stop()
            try Fleet.run(on: broker) { fleet in
                let workers = try (1...2).map { try fleet.launch($0) }
                for worker in workers {
                    try worker.awaitLog(broker.address)
                    try worker.awaitLog("the broker cannot be reached")
                }
                try Self.expectDark(fleet)
                try broker.startAgain()
                for worker in workers { try worker.awaitReady() }
                try fleet.submit([request("noop", id: "r")])
                #expect(try fleet.awaitOutcome(of: "r").status == "completed")
            }
        }

        @Test(
            "a topic with several partitions is refused by name", arguments: ["leader", "results"])
        func partitions(topic: String) throws {
            let fleet = try Fleet(on: EndToEnd.noida.get())
            defer { fleet.destroy() }
            try fleet.client.create(fleet.topic(topic), partitions: 4)
            let worker = try fleet.launch(1)
            #expect(try worker.child.waitForEnd() == .exit(78))
            let said = worker.child.errors.text
            #expect(said.contains(fleet.topic(topic)) && said.contains("4 partitions"), "\(said)")
            #expect(said.contains("one partition"), "\(said)")
        }

        @Test("a twin stands back and says why; the first goes on; it works once that is gone")
        func twin() throws {
            try Fleet.run(on: EndToEnd.noida.get()) { fleet in
                let firsts = try (1...2).map { try fleet.launch($0) { $0.pace = "normal" } }
                for first in firsts { try first.awaitReady() }
                let leader = try fleet.awaitLeader()
                let twins = try firsts.map { first in
                    try fleet.launch(first.plan.number) { $0.pace = "normal" }
                }
                for twin in twins {
                    try twin.awaitLog("another living worker has this worker's id: standing back")
                    try twin.awaitStatus("not online, term 1; another living worker has this")
                }
                #expect(!(firsts + twins).contains { $0.child.hasEnded })
                try fleet.submit([request("noop", id: "r")])
                #expect(try fleet.awaitOutcome(of: "r").status == "completed")
                let tenures = try Referee(fleet.tail("leader").all).tenures
                #expect(tenures.map(\.holder) == [leader.id])
                for first in firsts { first.kill() }
                for twin in twins { try twin.awaitReady() }
                try fleet.submit([request("noop", id: "later")])
                #expect(try fleet.awaitOutcome(of: "later").status == "completed")
            }
        }
    }
}
