/// How long a record takes into the log and back: one heartbeat of ours after the other shows it. A
/// campaign is as patient as that asks for (design, section 4).
struct RoundTrip {
    /// The heartbeat that is looked for, and when it was sent; nil: none.
    private var sent: (count: Int64, at: Instant)?
    private var lastUs: Int64 = 0

    /// Our heartbeat with this `count` was sent.
    mutating func noteSent(_ count: Int64, at now: Instant) {
        if sent == nil { sent = (count, now) }
    }

    /// It was read. What was slow for a moment is forgotten by halves.
    mutating func noteRead(_ count: Int64, at now: Instant) {
        guard let wanted = sent, count >= wanted.count else { return }
        sent = nil
        // A later one without it: the broker never had it.
        guard count == wanted.count else { return }
        lastUs = max(now.us - wanted.at.us, lastUs / 2)
    }

    /// We were stopped, or the broker was away: how long that took says nothing.
    mutating func forget() { sent = nil }

    /// In milliseconds; of one that is still on its way, at least as long as it has taken.
    func ms(at now: Instant) -> Int64 {
        let pending = sent.map { now.us - $0.at.us } ?? 0
        return max(pending, lastUs) / 1000
    }
}
