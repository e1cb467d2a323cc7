import Harness
import Testing

extension EndToEnd {
    /// The harness itself: what a test relies on when it says that something did not happen.
    @Suite("the harness") struct HarnessTests {
        @Test("every broker keeps records in order", arguments: [Broker.Kind.noida, .mesh])
        func brokers(kind: Broker.Kind) throws {
            let client = Client(try Broker(kind))
            try client.create("topic", partitions: 1)
            let tail = try client.tail("topic")
            let texts = (0..<100).map { "{\"n\":\($0)}" }
            try client.write(texts, to: "topic")
            let read = try tail.wait(for: "100 records") { $0.count >= 100 ? $0 : nil }
            #expect(read.map(\.text) == texts)
            let dumped = try client.dump("topic").map(\.text)
            #expect(dumped == texts)
        }
    }
}
