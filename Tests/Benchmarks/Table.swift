import Foundation

/// Measurements of one thing, and how they are printed.
struct Sample {
    private(set) var values: [Double]

    init(_ values: [Double]) { self.values = values.sorted() }

    /// The smallest value that a share of all values does not exceed.
    func percentile(_ share: Double) -> Double {
        guard !values.isEmpty else { return .nan }
        let rank = Int((share * Double(values.count)).rounded(.up))
        return values[min(max(rank, 1), values.count) - 1]
    }

    var median: Double { percentile(0.5) }
    var count: Int { values.count }
}

enum Table {
    static func title(_ text: String) { print("\n\(text)") }

    static func row(_ what: String, _ value: String, _ note: String = "") {
        let what = what.padding(toLength: 46, withPad: " ", startingAt: 0)
        let value = value.padding(toLength: 36, withPad: " ", startingAt: 0)
        print("  \(what) \(value) \(note)")
        fflush(nil)
    }

    /// p50, p95 and the worst of a sample in `unit`.
    static func row(_ what: String, _ sample: Sample, _ unit: String, _ note: String = "") {
        let numbers = [("p50", sample.median), ("p95", sample.percentile(0.95))]
            .map { "\($0) \(format($1))" }.joined(separator: "  ")
        let worst = format(sample.percentile(1))
        row(what, "\(numbers)  max \(worst) \(unit)", "n=\(sample.count) \(note)")
    }

    static func format(_ value: Double) -> String {
        String(format: value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value)
    }
}
