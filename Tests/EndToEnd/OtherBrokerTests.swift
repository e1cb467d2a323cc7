import Harness
import Testing

extension EndToEnd {
    @Suite("other brokers") struct OtherBrokerTests {
        @Test(
            "election, work, and the leader's end by kill and by SIGTERM",
            arguments: [Broker.Kind.mesh, .own])
        func unionOn(kind: Broker.Kind) throws {
            try Fleet.run(on: try Broker(kind)) { fleet in
                try fleet.launchAll(4)
                let first = try fleet.awaitLeader()
                try fleet.submit((0..<30).map { request("echo", id: "r\($0)", code: "\($0)") })
                _ = try fleet.awaitOutcomes(30)
                try fleet.submit(
                    (30..<60).map { request("sleep", id: "r\($0)", parameters: ["ms": "20"]) })
                _ = try fleet.awaitOutcomes(35)
                first.kill()
                let second = try fleet.awaitLeader(otherThan: first)
                try fleet.awaitCompletion(60)
                second.terminate()
                #expect(try second.child.waitForEnd() == .exit(0))
                try fleet.awaitLeader(otherThan: second)
                try fleet.submit([request("noop", id: "last")])
                try fleet.awaitOutcome(of: "last")
            }
        }
    }
}
