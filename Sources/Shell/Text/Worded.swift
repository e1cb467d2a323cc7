import Union
import Wire

/// An enumeration whose cases people write and read as words.
package protocol Worded: Cases {
    var word: StaticString { get }
}

extension Worded {
    /// The case that is called so.
    package init?(word: Span<UInt8>) {
        for one in Self.all where word.equals(one.word) {
            self = one
            return
        }
        return nil
    }
}

extension Role: Worded {}

extension Settings.Pace: Worded {
    package var word: StaticString {
        switch self {
        case .fast: "fast"
        case .normal: "normal"
        case .cloud: "cloud"
        case .classroom: "classroom"
        }
    }

    /// The pace that has this `lease_ms`; nil: the configuration has set its own.
    package init?(leaseMs: Int32) {
        let nobody = WorkerID(high: 0, low: 0)
        for pace in Self.all {
            let timings = Settings(workerID: nobody, incarnation: 0, pace: pace)
            guard timings.leaseMs == leaseMs else { continue }
            self = pace
            return
        }
        return nil
    }
}
