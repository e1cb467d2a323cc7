import Foundation
import Testing
import Union

@testable import Wire

/// What older versions write. Each file of `Versions` holds the golden records of one commit, as
/// that commit's own tests have them; it never changes.
struct VersionTests {
    /// Before a field was written, what its absence means.
    private static let absent: [String: [(name: String, value: String)]] = [
        "election": [],
        "heartbeat": [
            ("started_offset", "null"), ("worker_lease_ms", "null"), ("kill_grace_ms", "null"),
            ("running_timeouts_ms", "[]"),
        ],
        "requests": [],
        "results": [("counts", "true")],
        "CANCEL_WORK_REQUEST": [("unless_started", "false")],
        "CHECKPOINT": [
            // As `results_next`, which is the same in all of them.
            ("results_read", "40"), ("last_request", "\"0000000000000000\""),
            ("last_result", "\"0000000000000000\""), ("member_timeout_ms", "null"),
        ],
    ]

    private static let kinds: Set = [
        "election", "heartbeat", "requests", "results", "NOOP", "CLAIM", "RESIGN", "ADD_MEMBER",
        "REMOVE_MEMBER", "ASSIGN_WORK_REQUEST", "CANCEL_WORK_REQUEST", "CHECKPOINT",
    ]

    private static let here = URL(filePath: #filePath).deletingLastPathComponent()

    /// The commits that `Tests/Versions/list` names.
    private static let commits: [String] = {
        let list = here.deletingLastPathComponent().appending(path: "Versions/list")
        return try! String(contentsOf: list, encoding: .utf8).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }.map(String.init)
    }()

    @Test(
        "an older version's records mean what they meant, and what they do not say has its default",
        arguments: commits)
    func older(commit: String) throws {
        let station = Station()
        let file = Self.here.appending(path: "Versions/\(commit).txt")
        var seen: Set<String> = []
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let space = try #require(line.firstIndex(of: " "))
            let (word, json) = (String(line[..<space]), String(line[line.index(after: space)...]))
            let topic = try #require(Self.topics[word])
            let read = Fields(of: json)
            let kind =
                topic == .leader
                ? try #require(read.list.first { $0.name == "op_code" }).value
                    .trimmingCharacters(in: ["\""]) : word
            seen.insert(kind)
            let decoded = try station.decode(json, from: topic)
            // What today's says of it: the same, with what was not said then.
            let said = Fields(of: try #require(string(station.encode(decoded))))
            var expected = read
            for (name, value) in Self.absent[kind] ?? []
            where !read.list.contains(where: { $0.name == name }) {
                expected = expected.with(name, value)
            }
            #expect(
                Dictionary(uniqueKeysWithValues: said.list.map { ($0.name, $0.value) })
                    == Dictionary(uniqueKeysWithValues: expected.list.map { ($0.name, $0.value) }),
                "\(json)")
        }
        #expect(seen == Self.kinds)
    }

    /// Two nodes that read these otherwise would have two leaders.
    private static let refereesFields = [
        "worker_id", "op_code", "term", "incarnation", "sent_us", "lease_ms", "heartbeat_offset",
        "checkpoint_offset",
    ]

    @Test("what the referee decides from has the form that it has always had", arguments: commits)
    func referee(commit: String) throws {
        let file = Self.here.appending(path: "Versions/\(commit).txt")
        let older = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("leader ") }.map { Fields(of: String($0.dropFirst(7))) }
        func decisive(_ record: Fields) -> [String] {
            Self.refereesFields.map { name in
                record.list.first { $0.name == name }?.value ?? "missing"
            }
        }
        let forms = Set(older.map(decisive))
        for order in GoldenTests.orders {
            let form = decisive(Fields(of: order))
            #expect(forms.contains(form), "\(order)")
        }
        #expect(!forms.isEmpty)
    }

    private static let topics: [String: Topic] = [
        "election": .election, "leader": .leader, "heartbeat": .heartbeat,
        "requests": .requests, "results": .results,
    ]
}
