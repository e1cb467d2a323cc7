import Foundation
import Testing
import Union

@testable import Wire
@testable import WirePromises

/// The inputs that the fuzzer has collected (`make fuzz`), examined again.
struct CorpusTests {
    private static func inputs() throws -> [URL] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try FileManager.default.contentsOfDirectory(
            at: tests.appending(path: "Fuzz/corpus"), includingPropertiesForKeys: nil)
    }

    @Test("every promise is kept for every input of the corpus, and none of them is idle")
    func corpus() throws {
        var promises = Promises()
        var outcomes: Set<String> = []
        for file in try Self.inputs() {
            do throws(Promises.Broken) {
                let outcome = try promises.examine([UInt8](try! Data(contentsOf: file)))
                outcomes.insert(Self.name(outcome))
            } catch {
                Issue.record("\(file.lastPathComponent): \(error.promise)")
            }
        }
        #expect(Self.allOutcomes.subtracting(outcomes) == [])
    }

    /// The record's kind and order, or the reason of the refusal.
    private static func name(_ outcome: Promises.Outcome) -> String {
        switch outcome {
        case .accepted(.leader(let record)): "\("\(record.order)".prefix { $0 != "(" })"
        case .accepted(let record): "\(record.topic)"
        case .refused(let refusal): "\(refusal.reason)"
        }
    }

    private static let allOutcomes: Set<String> = {
        let records = [
            "election", "heartbeat", "requests", "results", "claim", "noop", "resign", "addMember",
            "removeMember", "assign", "cancel", "checkpoint", "unknown",
        ]
        let reasons = (UInt8(0)...).lazy.map(Malformed.Reason.init).prefix { $0 != nil }
        return Set(records + reasons.map { "\($0!)" })
    }()

    @Test(
        "a record that is written as another is noticed",
        arguments: [
            (#"{"term":1}"#, #"{"term":2}"#), (#"{"term":1}"#, #"{"term":null}"#),
            (#"{"code":"x"}"#, #"{"code":"X"}"#), (#"{"code":"\u00e4"}"#, #"{"code":"ae"}"#),
            (#"{"code":""}"#, #"{"code":null}"#), (#"{"final":true}"#, #"{"final":false}"#),
            (#"{"running":[1,2]}"#, #"{"running":[1]}"#), (#"{"term":1}"#, #"{"ranking":1}"#),
            (#"{"parameters":{"a":"b"}}"#, #"{"parameters":{"b":"a"}}"#),
            (#"{"term":1}"#, #"{"term":1"#), (#"{"op_code":"NOOP"}"#, #"{"op_code":"UNKNOWN"}"#),
            (#"{"unfinished":[[1,2,3,4,5,6,7,8]]}"#, #"{"unfinished":[[1,2,3,4,5,6,7]]}"#),
            (#"{"term":01}"#, #"{"term":1}"#),
        ])
    func notices(read: String, written: String) {
        #expect(throws: Promises.Broken.self) {
            try Promises().compare(Array(read.utf8), Array(written.utf8))
        }
    }
}
