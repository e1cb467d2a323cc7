import Union

/// Lets something through now and then: a line of the log that would come twice a second.
package struct RateLimit {
    private let everyMs: Int32
    private var next = Instant(us: .min)

    package init(everyMs: Int32) { self.everyMs = everyMs }

    /// Whether it may pass; the next one must wait for `everyMs` then.
    package mutating func allows(at now: Instant) -> Bool {
        guard now >= next else { return false }
        next = now + everyMs
        return true
    }
}
