/// The time that the referee knows nothing of (design, section 3): a holder leads only while a
/// record that it wrote *and read back* is younger than its lease, and only after its
/// predecessors' leases are surely over, and their LEDs dark.
struct LeaderLease {
    /// When the last valid record was read; any worker's, this one's included.
    private(set) var heardAt = Instant.zero
    /// The longest lease that any valid record claimed.
    private(set) var longestMs: Int32 = 0
    /// The lease that our own records have earned; it is over at this instant.
    private(set) var until = Instant.zero
    /// We have given this tenure up: none of its records earns a lease any more.
    private(set) var isGivenUp = false
    private var beganAt = Instant.zero
    /// Until when the present holder may lead, as seen from here, or its LED be lit; and all holders
    /// before it.
    private var holderMayLeadUntil = Instant.zero
    private var formersMayLeadUntil = Instant.zero
    /// The same for those whose records are void for us, and valid for readers who never saw the
    /// claim that made them so: that is possible once the broker has lost records.
    private var othersMayLeadUntil = Instant.zero

    /// Somebody has the tenure now who did not have it before.
    mutating func beginTenure(at now: Instant) {
        formersMayLeadUntil = max(
            max(formersMayLeadUntil, holderMayLeadUntil), othersMayLeadUntil)
        holderMayLeadUntil = .zero
        until = .zero
        isGivenUp = false
        beganAt = now
    }

    /// A valid record was read.
    mutating func hear(_ record: LeaderRecord, isOurs: Bool, at now: Instant) {
        heardAt = now
        longestMs = max(longestMs, record.leaseMs)
        if isOurs && isGivenUp {
            // A RESIGN of ours may stand after it already.
        } else if isOurs {
            guard record.isHeardByAll else { return }
            until = max(until, record.sentAt + record.leaseMs)
        } else {
            let wait = Settings.patienceMs(lease: record.leaseMs)
            holderMayLeadUntil = max(holderMayLeadUntil, now + wait)
        }
        if case .resign = record.order {
            // It stopped leading before it wrote this. Its predecessors' leases are untouched.
            holderMayLeadUntil = .zero
            until = .zero
        }
    }

    /// A void record of somebody else was read, after the broker has lost records.
    mutating func hearVoid(_ record: LeaderRecord, at now: Instant) {
        let wait = Settings.patienceMs(lease: record.leaseMs)
        othersMayLeadUntil = max(othersMayLeadUntil, now + wait)
    }

    /// A reader that has just joined, or finds that the log lost records, cannot know whose leases
    /// run: it assumes one that was written just now.
    mutating func assumeOneRuns(leaseMs: Int32, at now: Instant) {
        heardAt = now
        let wait = Settings.patienceMs(lease: max(leaseMs, longestMs))
        formersMayLeadUntil = max(formersMayLeadUntil, now + wait)
    }

    /// We hold the tenure no more.
    mutating func end() { until = .zero }

    /// We stop leading for the rest of this tenure.
    mutating func giveUp() {
        until = .zero
        isGivenUp = true
    }

    /// Since when the holder, should it be this worker, has had no lease, though no former holder's
    /// stands in its way.
    var missedSince: Instant { max(max(beganAt, until), formersMayLeadUntil) }

    /// From then on every lease is over that anything read until now has earned; ours is `leaseMs`.
    func quietAt(leaseMs: Int32) -> Instant {
        max(heardAt + Settings.withClockMargin(max(leaseMs, longestMs)), othersMayLeadUntil)
    }

    /// Whether the holder, should it be this worker, leads.
    func runs(at now: Instant) -> Bool { now < until && now >= formersMayLeadUntil }

    /// When `runs` may become true or false next without a record being read.
    func nextChange(after now: Instant) -> Instant {
        guard now < until else { return .never }
        return now < formersMayLeadUntil ? formersMayLeadUntil : until
    }
}
