/// A board that cannot keep its lead lets others lead (design, section 4): it gives its tenure up,
/// ranks itself lower, and runs only where nobody better does.
///
/// Where all are slow the lead must not go round in circles: each tenure that anybody has given up
/// makes everybody twice as patient with itself, and the next one hold back for twice as long.
struct Restraint {
    /// This board holds back until then.
    private var until = Instant.zero
    /// Tenures given up lately, 0 to `most`, and when the last one was.
    private var givenUp: Int32 = 0
    private var givenUpAt = Instant.zero
    /// Leads lost in the minute that began then.
    private var losses: Int32 = 0
    private var minuteBegan = Instant.zero
    /// Until then we were stopped, or out of touch: having no lease was nobody's fault.
    private var excusedUntil = Instant.zero

    private static var most: Int32 { 6 }

    func holds(at now: Instant) -> Bool { now < until }

    /// What it says of itself: the configured ranking, or an eighth of it; nothing where it reads less than
    /// others of what is written (`readsLess`).
    func ranking(readsLess: Bool, _ desk: borrowing Desk) -> Int32 {
        if readsLess { return 0 }
        return holds(at: desk.now) ? desk.settings.ranking / 8 : desk.settings.ranking
    }

    /// For how long who gives up now holds back: ten leader timeouts, and twice that each time.
    private func spanMs(_ desk: borrowing Desk) -> Int32 {
        Int32(clamping: Int64(desk.settings.leaderTimeoutMs) * 10 << Int64(givenUp))
    }

    /// A `RESIGN` was read.
    mutating func noteResignation(isOurs: Bool, _ desk: borrowing Desk) {
        if desk.now >= givenUpAt + spanMs(desk) { givenUp = 0 }
        if isOurs { until = desk.now + spanMs(desk) }
        givenUp = min(givenUp + 1, Self.most)
        givenUpAt = desk.now
    }
}

// MARK: - When a tenure is given up

extension Restraint {
    private func patience(_ desk: borrowing Desk) -> Int32 {
        desk.now < givenUpAt + spanMs(desk) ? 1 << givenUp : 1
    }

    /// The lead was lost; true when that has happened too often in a minute.
    mutating func noteLoss(_ desk: borrowing Desk) -> Bool {
        if desk.now >= minuteBegan + 60_000 {
            minuteBegan = desk.now
            losses = 0
        }
        losses += 1
        return losses > Limits.leadsLostPerMinute * patience(desk)
    }

    /// A tenure of ours begins: what was lost before it counts no more.
    mutating func beginTenure() { losses = 0 }

    mutating func excuse(at now: Instant) { excusedUntil = now }

    /// When a holder without a lease since `missedSince` gives its tenure up.
    func givesUpAt(_ missedSince: Instant, _ desk: borrowing Desk) -> Instant {
        let ms = Int64(desk.settings.leaderTimeoutMs) * Int64(patience(desk))
        return max(missedSince, excusedUntil) + Int32(clamping: ms)
    }
}
