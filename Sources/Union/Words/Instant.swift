/// A moment on one machine's boot clock (CLOCK_BOOTTIME), in microseconds.
///
/// Two boards' instants are never compared with each other: an instant that travels in a
/// record (`sent_us`) means something only to the worker that wrote it (design, section 3).
public struct Instant: Comparable, Sendable {
    public var us: Int64

    public init(us: Int64) { self.us = us }

    public static let zero = Instant(us: 0)
    public static let never = Instant(us: .max)

    public static func < (a: Instant, b: Instant) -> Bool { a.us < b.us }

    /// `instant + ms`, saturating: `never` stays `never`.
    public static func + (a: Instant, ms: Int32) -> Instant { a.adding(us: Int64(ms) * 1000) }
    public static func - (a: Instant, ms: Int32) -> Instant { a.adding(us: -Int64(ms) * 1000) }

    public func adding(us delta: Int64) -> Instant {
        let (sum, overflow) = us.addingReportingOverflow(delta)
        return overflow ? .never : Instant(us: sum)
    }

    /// Whole milliseconds from `earlier` to here; 0 when `earlier` is later.
    public func ms(since earlier: Instant) -> Int64 {
        us > earlier.us ? (us - earlier.us) / 1000 : 0
    }
}
