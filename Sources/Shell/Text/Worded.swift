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
        case .classroom: "classroom"
        }
    }
}
