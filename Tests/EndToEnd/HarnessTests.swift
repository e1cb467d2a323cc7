import Testing

@testable import Harness

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

        @Test("LEDs lit at once are seen by the order of their reports, not by their stamps")
        func overlap() throws {
            let observer = try LedObserver()
            defer { observer.stop() }
            let echo = "while read -r line; do echo \"$line\"; done"
            let (one, other) = (
                try Child("one", "/bin/sh", ["-c", echo], leds: observer),
                try Child("other", "/bin/sh", ["-c", echo], leds: observer)
            )
            func say(_ child: Child, _ line: String) throws {
                try child.write(line + "\n")
                #expect(child.output.wait { $0.last == line ? () : nil } != nil)
            }
            try say(one, "1 leader 1 0")
            try say(one, "2 member 1 0")
            try say(other, "3 leader 1 0")
            #expect(Audit.overlaps(observer.sights) == [])
            try say(one, "5 leader 1 0")
            // It says that it was dark in time.
            try say(other, "4 member 1 0")
            try say(one, "6 member 1 0")
            #expect(Audit.overlaps(observer.sights).count == 1)
            #expect(Audit.wrongStamps(observer.sights) == [])
            try say(one, "\(Int.max) member 1 0")
            #expect(Audit.wrongStamps(observer.sights).count == 1)
            for child in [one, other] {
                child.closeInput()
                #expect(try child.waitForEnd() == .exit(0))
            }
        }
    }
}
