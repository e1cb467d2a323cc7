import Foundation
import Harness
import Testing

extension EndToEnd {
    /// The very programs that `docs/protocol.md` shows to those who write a client of their own.
    @Suite("the protocol's client in Python") struct ProtocolTests {
        let page: String

        init() throws {
            let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../../docs/protocol.md")
            self.page = try String(contentsOf: page, encoding: .utf8)
        }

        private func ask(_ fleet: Fleet, _ words: String...) throws -> Child {
            try run("ask.py", fleet, words)
        }

        /// The program that says of itself how it is called.
        private func run(_ name: String, _ fleet: Fleet, _ words: [String]) throws -> Child {
            let blocks = page.components(separatedBy: "\n```python\n").dropFirst()
                .compactMap { $0.components(separatedBy: "\n```").first }
            let program = try #require(blocks.first { $0.contains("python3 \(name) ") })
            let file = fleet.folder + "/" + name
            try program.write(toFile: file, atomically: true, encoding: .utf8)
            let child = try Child(
                words.joined(separator: " "), "/usr/bin/env",
                ["python3", file, fleet.broker.address] + words,
                environment: ["PYTHONPATH": Programs.python])
            try child.waitForEnd()
            return child
        }

        @Test("it asks for work and reads its outcome, also of what no node can read")
        func ask() throws {
            try Fleet.run(on: try Broker(.own)) { fleet in
                try fleet.launchAll(2)
                let echo = try ask(fleet, "echo", "text=hello")
                #expect(try echo.waitForEnd() == .exit(0), "\(echo.story)")
                #expect(echo.output.text == "completed hello")
                let unknown = try ask(fleet, "nonsense")
                #expect(try unknown.waitForEnd() == .exit(1), "\(unknown.story)")
                #expect(unknown.output.text.hasPrefix("rejected "), "\(unknown.story)")
                let malformed = try ask(fleet, "noop", "=nameless")
                #expect(try malformed.waitForEnd() == .exit(1), "\(malformed.story)")
                #expect(malformed.output.text.contains("a name is empty"), "\(malformed.story)")
                // Nobody looks for an id in so many bytes: its outcome bears its offset's name.
                let huge = try ask(fleet, "noop", "text=" + String(repeating: "x", count: 40_000))
                #expect(try huge.waitForEnd() == .exit(1), "\(huge.story)")
                #expect(huge.output.text.hasPrefix("rejected record of "), "\(huge.story)")
            }
        }

        @Test(
            "in a union with a key it signs, in the header or in the field; unsigned it is rejected"
        )
        func sign() throws {
            try Fleet.run(on: try Broker(.own)) { fleet in
                let key = try fleet.keyFile("key")
                try fleet.launch(1) { $0.options.append("union.key_file=\(key)") }.awaitReady()
                for place in ["header", "field"] {
                    let child = try run("sign.py", fleet, [key, place, "noop"])
                    #expect(try child.waitForEnd() == .exit(0), "\(child.story)")
                    #expect(try fleet.awaitOutcome(of: "\(place)-noop").status == "completed")
                }
                // The same with another key, and without one.
                let other = try fleet.keyFile("other")
                for (offset, place) in ["header", "field", "nowhere"].enumerated() {
                    let child = try run("sign.py", fleet, [other, place, "echo"])
                    #expect(try child.waitForEnd() == .exit(0), "\(child.story)")
                    let outcome = try fleet.awaitOutcome(of: "offset-\(2 + offset)")
                    #expect(outcome.status == "rejected")
                    #expect(
                        outcome["output"].string == "it is not signed with this union's key")
                }
            }
        }
    }
}
