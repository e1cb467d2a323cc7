import Foundation
import Harness
import Testing

extension EndToEnd {
    /// Somebody who reaches the broker writes well-formed records that no node has written.
    @Suite("strangers on noida-db") struct StrangerTests {
        let broker: Broker

        init() throws { broker = try EndToEnd.noida.get() }

        @Test("heartbeats in the name of all three boards end no node: they work again after him")
        func everybodysTwin() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(3)
                try fleet.awaitLeader()
                for worker in fleet.living { try worker.awaitReady() }
                let saying = "another living worker has this worker's id"
                var count = 1_000_000
                try eventually("three boards that stand back") {
                    count += 1
                    let end = try fleet.tail("leader").all.count
                    let heartbeats = try fleet.tail("heartbeat").all
                    let lines = try fleet.living.compactMap { worker in
                        try heartbeats.last { $0.worker == worker.id }.map {
                            try forged(
                                $0,
                                [
                                    "incarnation": "0000000000000001", "count": count,
                                    "leader_offset": end + 100,
                                ])
                        }
                    }
                    try fleet.client.write(lines, to: fleet.topic("heartbeat"))
                    return fleet.living.allSatisfy { $0.child.errors.text.contains(saying) }
                }
                for worker in fleet.living {
                    try worker.awaitLog("no other worker with this id is heard any more")
                }
                #expect(!fleet.living.contains { $0.child.hasEnded })
                try fleet.submit((0..<20).map { request("noop", id: "r\($0)") })
                try fleet.awaitCompletion(20)
            }
        }

        @Test("no term that he claims or runs for keeps the next leader away")
        func highestTerms() throws {
            try Fleet.run(on: broker) { fleet in
                try fleet.launchAll(3)
                let first = try fleet.awaitLeader()
                for worker in fleet.living { try worker.awaitReady() }
                let stranger = "bad00000-0000-0000-0000-000000000001"
                let claim = try fleet.tail("leader").wait(for: "a claim") { log in
                    log.first { $0.op == "CLAIM" }
                }
                let candidacy = try fleet.tail("election").wait(for: "a candidacy") { $0.first }
                let beyond: [String: Any] = ["worker_id": stranger, "term": 1 << 53 - 1]
                try fleet.client.write(
                    [forged(claim, beyond)], to: fleet.topic("leader"))
                try fleet.client.write(
                    [forged(candidacy, beyond)], to: fleet.topic("election"))
                for worker in fleet.living {
                    try worker.awaitLog("election", "with a higher term than any there can be")
                }
                #expect(Referee(try fleet.tail("leader").all).leader == first.id)
                first.kill()
                let second = try fleet.awaitLeader(otherThan: first)
                // The highest that there can be deposes the leader, as any claim does; one more is
                // possible after it.
                let end = try fleet.tail("leader").all.count
                let highest: [String: Any] = ["worker_id": stranger, "term": 1 << 40 + end]
                try fleet.client.write(
                    [forged(claim, highest)], to: fleet.topic("leader"))
                try fleet.tail("leader").wait(for: "a leader after the stranger") {
                    let referee = Referee($0)
                    let came = referee.tenures.contains { $0.holder == stranger }
                    return came && referee.leader != nil && referee.leader != stranger ? () : nil
                }
                try fleet.submit([request("noop", id: "r")])
                #expect(try fleet.awaitOutcome(of: "r").status == "completed")
                #expect(!second.child.hasEnded)
            }
        }

        @Test("requests is deleted and made anew, and longer: all that it holds is run")
        func topicMadeAnew() throws {
            try Fleet.run(on: broker, losing: true) { fleet in
                try fleet.launchAll(3)
                let leader = try fleet.awaitLeader()
                try fleet.submit((0..<50).map { request("noop", id: "old\($0)") })
                for i in 0..<50 { try fleet.awaitOutcome(of: "old\(i)") }
                // Its client does not say that the topic was another for a while.
                let topic = fleet.topic("requests")
                try fleet.client.delete(topic)
                try fleet.client.create(topic, partitions: 1)
                let lines = (0..<700).map { request("noop", id: "new\($0)") }
                try fleet.client.write(lines, to: topic)
                for i in 0..<700 {
                    #expect(try fleet.awaitOutcome(of: "new\(i)").status == "completed")
                }
                try leader.awaitLog("the broker lost records of requests", "goes on at 0")
            }
        }
    }
}
