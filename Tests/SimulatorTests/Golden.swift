import Foundation
import Simulator
import Testing
import Union

/// Compares a story with its golden transcript, `Transcripts/NAME.txt`: the lines that hold one of
/// these words, but not what boards read.
///
/// A change of the core may change a story for the better. Look at the difference; then
/// `UPDATE_TRANSCRIPTS=1 swift test --filter SimulatorTests` writes the files anew.
func expectTranscript(_ name: String, of union: SimulatedUnion, about words: [String]) throws {
    let told = union.transcript.lines.filter { line in
        !line.contains(": < ") && words.contains { line.contains($0) }
    }
    let text = told.map { $0 + "\n" }.joined()
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Transcripts/\(name).txt")
    if ProcessInfo.processInfo.environment["UPDATE_TRANSCRIPTS"] != nil {
        try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let golden = try String(contentsOf: file, encoding: .utf8)
    let differs = zip(told, golden.split(separator: "\n")).first { $0 != $1 }
    let isSame = text == golden
    let first = differs.map { "told: \($0.0), golden: \($0.1)" } ?? "one is longer"
    #expect(isSame, "\(name): \(first)")
}

extension SimulatedUnion {
    /// A union that tells its story, and has had a leader for two seconds.
    static func ledUnion(
        nodes: Int = 3, seed: UInt64, capacities: Capacities = Capacities(),
        configure: (Int, inout Settings) -> Void = { _, _ in }
    ) -> SimulatedUnion {
        let union = SimulatedUnion(
            nodes: nodes, seed: seed, capacities: capacities, transcript: true
        ) { board, settings in
            // What the stories were told with first, whatever the pace says.
            (settings.memberTimeoutMs, settings.workerLeaseMs) = (2000, 1750)
            settings.ackTimeoutMs = 2000
            configure(board, &settings)
        }
        union.run(until: { $0.leader != nil }, withinMs: 10_000)
        union.run(ms: 2_000)
        return union
    }

    /// Runs until this request has an outcome; nil when it gets none.
    func outcome(of id: String, withinMs ms: Int64) -> Status? {
        run(until: { $0.outcome(of: id) != nil }, withinMs: ms)
        return outcome(of: id)
    }
}
