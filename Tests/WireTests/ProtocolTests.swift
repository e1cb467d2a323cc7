import Foundation
import Testing
import Union

@testable import Wire

/// `docs/protocol.md` shows what the code writes: one example of every record, every field.
///
/// Its examples are blocks of JSON whose first line names the record, "```json leader NOOP".
/// `UPDATE_PROTOCOL=1 swift test --filter ProtocolTests` writes them anew from the golden records.
struct ProtocolTests {
    static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../docs/protocol.md")

    /// The golden records, each under the name of its block.
    static let golden = Dictionary(
        uniqueKeysWithValues: GoldenTests.all.map { topic, json in
            let order = Fields(of: json).list.first { $0.name == "op_code" }
            let code = topic == .leader ? order.map { " " + $0.value.dropFirst().dropLast() } : nil
            return ("\(topic)" + (code ?? ""), json)
        })

    /// What the page shows, under the names that it gives.
    static func examples(in page: String) -> [String: String] {
        var examples: [String: String] = [:]
        for block in page.components(separatedBy: "\n```json ").dropFirst() {
            let lines = block.components(separatedBy: "\n")
            let body = lines.dropFirst().prefix { $0 != "```" }
            examples[lines[0]] = body.map { $0.trimmingCharacters(in: .whitespaces) }.joined()
        }
        return examples
    }

    /// A compact object over several lines: broken where a field begins, or a row of a list.
    static func broken(_ json: String, width: Int = 96) -> String {
        var lines = [""]
        var piece = ""
        var depth = 0
        var inString = false
        var escaped = false
        for character in json {
            piece.append(character)
            if escaped {
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character == "\"" {
                inString.toggle()
            } else if !inString {
                if "{[".contains(character) { depth += 1 }
                if "}]".contains(character) { depth -= 1 }
            }
            guard depth == 0 || (character == "," && !inString && depth <= 2) else { continue }
            if lines[lines.count - 1].count + piece.count > width { lines.append(" ") }
            lines[lines.count - 1] += piece
            piece = ""
        }
        return lines.joined(separator: "\n")
    }

    private static func update() throws {
        var text = try String(contentsOf: page, encoding: .utf8)
        for (name, json) in golden {
            let start = "\n```json \(name)\n"
            guard let first = text.range(of: start),
                let end = text.range(of: "```", range: first.upperBound..<text.endIndex)
            else { continue }
            text.replaceSubrange(first.upperBound..<end.lowerBound, with: broken(json) + "\n")
        }
        try text.write(to: page, atomically: true, encoding: .utf8)
    }

    @Test("the protocol's page shows one record of each kind, as it is written")
    func examples() throws {
        if ProcessInfo.processInfo.environment["UPDATE_PROTOCOL"] != nil { try Self.update() }
        let shown = Self.examples(in: try String(contentsOf: Self.page, encoding: .utf8))
        #expect(Set(shown.keys) == Set(Self.golden.keys))
        let station = Station()
        for (name, json) in shown {
            let word = name.prefix { $0 != " " }
            let topic = try #require(GoldenTests.all.first { "\($0.0)" == word }).0
            let written = try #require(station.encode(try station.decode(json, from: topic)))
            #expect(string(written) == json, "\(name)")
            #expect(json == Self.golden[name], "\(name)")
        }
    }

    @Test("the protocol's page explains every field")
    func fields() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        for raw in 0..<UInt8(Field.all) {
            let name = "\(try #require(Field(rawValue: raw)).name)"
            #expect(text.contains("\n| `\(name)` | "), "\(name)")
        }
    }
}
