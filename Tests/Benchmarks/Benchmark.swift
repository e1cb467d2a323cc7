import Foundation
import Harness

/// What several benchmarks need.
enum Benchmark {
    /// Runs `probe` to its end; the words of its answer in pairs.
    static func probe(_ words: [String], upTo seconds: Double) throws -> [String: String] {
        let child = try Child("probe", Programs.probe, words)
        defer { child.destroy() }
        guard try child.waitForEnd(upTo: seconds) == .exit(0) else { throw Unmet(child.story) }
        let parts = child.output.text.split(whereSeparator: \.isWhitespace).map(String.init)
        return Dictionary(
            zip(parts, parts.dropFirst()).enumerated().compactMap { $0 % 2 == 0 ? $1 : nil },
            uniquingKeysWith: { $1 })
    }

    /// The load of the last 1, 5 and 15 minutes; empty: not known.
    static var loadAverages: [Substring] {
        let text = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? ""
        return Array(text.split(separator: " ").prefix(3))
    }
}

extension [String: String] {
    func number(_ word: String) throws -> Double {
        guard let number = self[word].flatMap(Double.init) else {
            throw Unmet("probe said no \(word): \(self)")
        }
        return number
    }
}
