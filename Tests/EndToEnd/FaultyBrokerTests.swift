import Foundation
import Harness
import Testing

extension EndToEnd {
    /// What librdkafka's mock cluster refuses, and what becomes of it in a whole node.
    @Suite("a broker that refuses, on librdkafka's mock cluster") struct FaultyBrokerTests {
        /// Nobody leads, and no record's time is over for a minute: what a node tells of its heartbeats
        /// then comes from nothing else but what the test does.
        private static let patient = [
            "timing.lease_ms=60000", "timing.campaign_ttl_ms=600000",
            "timing.leader_timeout_ms=1800000",
        ]

        /// A worker whose records nobody gives up for lack of time.
        private static func launchPatient(_ fleet: Fleet, _ options: String...) throws -> Worker {
            let worker = try fleet.launch(1) { $0.options += patient + options }
            try worker.awaitReady()
            return worker
        }

        /// Waits until so many more requests of a kind have come.
        private static func await(
            _ more: Int, _ request: Broker.Request, on broker: Broker
        ) throws {
            let before = try broker.count(request)
            try eventually("\(more) requests to \(request)") {
                try broker.count(request) >= before + more
            }
        }

        private static func expectWork(_ fleet: Fleet, id: String) throws {
            try fleet.submit([request("noop", id: id)])
            #expect(try fleet.awaitOutcome(of: id).status == "completed")
        }

        @Test("a producer that met a fatal error is replaced, and the union goes on")
        func fatal() throws {
            let broker = try Broker(.faulty)
            try Fleet.run(on: broker) { fleet in
                let worker = try fleet.launch(1)
                try fleet.awaitLeader()
                // Only an idempotent producer asks who it is.
                #expect(try broker.count(.initProducerID) > 0)
                try broker.fail(.produce, with: .outOfOrder, count: 1)
                try worker.awaitLog("new producer")
                try Self.expectWork(fleet, id: "after")
            }
        }

        @Test("a node is told of each of its records that was given up")
        func givenUp() throws {
            let broker = try Broker(.faulty)
            try Fleet.run(on: broker) { fleet in
                let worker = try Self.launchPatient(fleet)
                #expect(try worker.counter("undelivered") == 0)
                try broker.fail(.produce, with: .topicNotAllowed, count: 1)
                try eventually("a heartbeat that was given up") {
                    try worker.counter("undelivered") == 1
                }
            }
        }

        @Test("a node is told of each record that its producer did not take")
        func notTaken() throws {
            let broker = try Broker(.faulty)
            try Fleet.run(on: broker) { fleet in
                let worker = try Self.launchPatient(
                    fleet, "kafka.queue.buffering.max.messages=1")
                try broker.fail(.produce, with: .timedOut, count: 1_000_000)
                try eventually("heartbeats that were not taken") {
                    try worker.counter("undelivered") > 1
                }
                try broker.heal(.produce)
            }
        }

        @Test("what the producer had when the broker went is told as given up")
        func purged() throws {
            let broker = try Broker(.faulty)
            try Fleet.run(on: broker) { fleet in
                let worker = try Self.launchPatient(fleet)
                try broker.fail(.produce, with: .timedOut, count: 1_000_000)
                try Self.await(3, .produce, on: broker)
                try broker.disconnect()
                try worker.awaitLog("the broker cannot be reached")
                try broker.heal(.produce)
                try broker.connect()
                // What the producers of before and after have reported is all that never came.
                try eventually("a report of each heartbeat that was given up") {
                    let counts = try fleet.tail("heartbeat").all.compactMap { $0["count"].int }
                    let missing = (counts.max() ?? -1) + 1 - Set(counts).count
                    return try missing > 0 && worker.counter("undelivered") == missing
                }
            }
        }

        @Test("a broker that was out of reach is found again, and what was read is read on")
        func outOfReach() throws {
            let broker = try Broker(.faulty)
            try Fleet.run(on: broker) { fleet in
                let worker = try fleet.launch(1)
                try Self.expectWork(fleet, id: "before")
                let threads = try worker.threadsOfLibrdkafka
                try broker.disconnect()
                try worker.awaitLog("the broker cannot be reached")
                let isDark = worker.child.output.wait { lines in
                    lines.last?.hasSuffix("member 0 0") == true ? () : nil
                }
                #expect(isDark != nil, "\(worker.child.story)")
                try broker.connect()
                try Self.expectWork(fleet, id: "after")
                // Handles back off the longer, the longer they find nobody: both are new.
                try eventually("the end of the handles of before") {
                    try worker.threadsOfLibrdkafka.isDisjoint(with: threads)
                }
            }
        }

        @Test("an offset that the broker does not have is a loss, and reading goes on")
        func outOfRange() throws {
            let broker = try Broker(.faulty)
            try Fleet.run(on: broker, losing: true) { fleet in
                let worker = try fleet.launch(1)
                try Self.expectWork(fleet, id: "before")
                #expect(try worker.counter("logs_lost") == 0)
                // One is the node's; what reads beside it begins anew by itself.
                try broker.fail(.fetch, with: .offsetOutOfRange, count: 20)
                try eventually("a loss that is noticed") {
                    try worker.counter("logs_lost") > 0
                }
                try broker.heal(.fetch)
                fleet.forgetTails()
                try Self.expectWork(fleet, id: "after")
            }
        }

        @Test("a question that the broker refuses is asked again, and not answered by guess")
        func refusedQuestion() throws {
            let broker = try Broker(.faulty)
            try Fleet.run(on: broker) { fleet in
                try fleet.launch(1)
                try Self.expectWork(fleet, id: "first")
                try broker.fail(.listOffsets, with: .topicNotAllowed, count: 12)
                let second = try fleet.launch(2)
                try second.awaitReady()
                let words = "caught up with the leader log at offset "
                try second.awaitLog(words)
                #expect(!second.child.errors.all.contains { $0.hasSuffix(words + "0") })
                try Self.expectWork(fleet, id: "second")
            }
        }

        @Test("a second signal ends a node that cannot hand over, and its exit code says so")
        func secondSignal() throws {
            let broker = try Broker(.faulty)
            let fleet = try Fleet(on: broker)
            defer { fleet.destroy() }
            // A leader leaves when it has read back that it resigned, or has waited for as long as
            // its jobs may take to end.
            let worker = try fleet.launch(1) {
                $0.options += [
                    "timing.kill_grace_ms=600000", "timing.member_timeout_ms=700000",
                    "timing.ack_timeout_ms=700000",
                ]
            }
            try fleet.awaitLeader()
            try broker.disconnect()
            try worker.awaitLog("the broker cannot be reached")
            // Two that come within a moment count as one: no event says when that is over.
            try eventually("its end") {
                worker.terminate()
                return worker.child.hasEnded
            }
            #expect(try worker.child.waitForEnd() == .exit(75))
        }
    }
}

extension Worker {
    /// Those of its handles that are open.
    fileprivate var threadsOfLibrdkafka: Set<String> {
        get throws {
            let folder = "/proc/\(try nodePid)/task"
            let all = try FileManager.default.contentsOfDirectory(atPath: folder)
            return Set(
                all.filter {
                    let name = try? String(contentsOfFile: "\(folder)/\($0)/comm", encoding: .utf8)
                    return name?.hasPrefix("rdk:") == true
                })
        }
    }

    /// What it counts of this now: it is asked, and answers on its log.
    fileprivate func counter(_ name: String) throws -> Int {
        let key = "\(name)="
        func answers(_ lines: [String]) -> [Int] {
            lines.filter { $0.contains("counters:") }.flatMap { $0.split(separator: " ") }
                .filter { $0.hasPrefix(key) }.compactMap { Int($0.dropFirst(key.count)) }
        }
        let before = answers(child.errors.all).count
        child.signal(SIGUSR1)
        let answer = child.errors.wait { lines -> Int? in
            let all = answers(lines)
            return all.count > before ? all[before] : nil
        }
        guard let answer else { throw Unmet("no counters\n\(child.story)") }
        return answer
    }
}
