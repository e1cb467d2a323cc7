import Foundation
import Harness
import Testing

extension EndToEnd {
    /// The very program that `docs/protocol.md` shows to those who write a client of their own.
    @Suite("the protocol's client in Python") struct ProtocolTests {
        let program: String

        init() throws {
            let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../../docs/protocol.md")
            let text = try String(contentsOf: page, encoding: .utf8)
            let block = text.components(separatedBy: "\n```python\n").last
            program = try #require(block?.components(separatedBy: "\n```").first)
        }

        private func ask(_ fleet: Fleet, _ words: String...) throws -> Child {
            let file = fleet.folder + "/ask.py"
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
    }
}
