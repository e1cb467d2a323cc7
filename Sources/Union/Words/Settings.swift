/// What a node is told once, at start: who it is, and its timings in milliseconds (design,
/// section 9). `broken` names the first inequality that does not hold; a node is never started
/// with one.
public struct Settings: Sendable {
    public var workerID: WorkerID
    public var incarnation: Incarnation
    /// The configured ranking, 0 to 1,000,000: the highest becomes leader.
    public var ranking: Int32 = 100
    /// With which key what this node writes is signed, and which keys it accepts (the shell does both).
    public var signsWith: KeyID = 0
    public var accepts = AcceptedKeys()
    /// What this node speaks.
    public var versions = Versions.current
    /// Jobs at once, 1 to `Limits.slots`.
    public var slots: Int32 = 1

    public var announceMs: Int32
    public var leaseMs: Int32
    public var leaderTimeoutMs: Int32
    public var heartbeatMs: Int32
    public var memberTimeoutMs: Int32
    /// A worker may run jobs this long after it *sent* a heartbeat that the leader acknowledged.
    public var workerLeaseMs: Int32
    /// From SIGTERM to SIGKILL.
    public var killGraceMs: Int32
    /// An assignment that neither heartbeat nor result shows for so long is cancelled.
    public var ackTimeoutMs: Int32
    public var countdownStart: Int32
    public var countdownDelayMs: Int32
    public var campaignTtlMs: Int32
    public var capacities = Capacities()
    /// The ops' deadlines on this board, for requests that name none.
    private var opTimeouts = FixedArray<32, OpTimeout>(filler: OpTimeout(key: 0, ms: 0))

    private struct OpTimeout: Sendable {
        var key: UInt64
        var ms: Int32
    }

    /// Makes an op's deadline known; false when there is no room (`Limits.ops`).
    @discardableResult
    public mutating func setTimeout(of op: OpName, ms: Int32) -> Bool {
        opTimeouts.append(OpTimeout(key: op.key, ms: ms))
    }

    /// The deadline of a request's job on this board, in ms from its start: the request's own, else
    /// the op's, else a minute (design, section 6).
    func deadlineMs(of request: WorkRequest) -> Int32 {
        if let ms = request.timeoutMs { return ms }
        let key = request.opCode.key
        for i in 0..<opTimeouts.count where opTimeouts[i].key == key { return opTimeouts[i].ms }
        return Self.defaultDeadlineMs
    }

    public static let defaultDeadlineMs: Int32 = 60_000

    /// One name for all timings. `cloud` is for brokers whose round trip takes 200 to 500 ms.
    public enum Pace: UInt8, Cases, Sendable { case fast, normal, cloud, classroom }

    public init(workerID: WorkerID, incarnation: Incarnation, pace: Pace = .normal) {
        self.workerID = workerID
        self.incarnation = incarnation
        switch pace {
        case .fast:
            (announceMs, leaseMs, leaderTimeoutMs) = (50, 240, 300)
            (heartbeatMs, memberTimeoutMs, workerLeaseMs, killGraceMs) = (100, 600, 530, 50)
            (ackTimeoutMs, countdownStart, countdownDelayMs, campaignTtlMs) = (600, 3, 0, 300)
        case .normal:
            (announceMs, leaseMs, leaderTimeoutMs) = (200, 800, 1000)
            (heartbeatMs, memberTimeoutMs, workerLeaseMs, killGraceMs) = (250, 3000, 2700, 200)
            (ackTimeoutMs, countdownStart, countdownDelayMs, campaignTtlMs) = (3000, 3, 0, 1000)
        case .cloud:
            (announceMs, leaseMs, leaderTimeoutMs) = (500, 3000, 3750)
            (heartbeatMs, memberTimeoutMs, workerLeaseMs, killGraceMs) = (500, 5000, 4500, 300)
            (ackTimeoutMs, countdownStart, countdownDelayMs, campaignTtlMs) = (6000, 3, 0, 3000)
        case .classroom:
            (announceMs, leaseMs, leaderTimeoutMs) = (1000, 4000, 5000)
            (heartbeatMs, memberTimeoutMs, workerLeaseMs, killGraceMs) = (1000, 10000, 9000, 700)
            (ackTimeoutMs, countdownStart, countdownDelayMs, campaignTtlMs) = (10000, 10, 500, 5000)
        }
    }

    /// Clock rates differ by at most 1 %, so two clocks by 2 %: `ms` as the slower clock may see it.
    public static func withClockMargin(_ ms: Int32) -> Int32 {
        Int32(clamping: (Int64(ms) * 102 + 99) / 100)
    }

    /// For how long whoever hears no leader waits for one with this lease, at the least: by then its
    /// LED is dark, even if what keeps it is stopped (section 7).
    public static func patienceMs(lease ms: Int32) -> Int32 {
        Int32(clamping: (Int64(min(ms, Limits.leaseMs)) * 5 + 3) / 4)
    }

    /// So long after the end of its lease a leader's LED may be lit: until 2 % before others' patience
    /// ends, whose clocks may be as much faster.
    public var ledMarginMs: Int32 {
        let patience = Self.patienceMs(lease: leaseMs)
        return 2 * patience - Self.withClockMargin(patience) - leaseMs
    }

    /// The slowest pace's `worker_lease_ms` and `kill_grace_ms`, in every version.
    static var slowestHold: (workerLeaseMs: Int32, killGraceMs: Int32) { (9000, 700) }
    static var slowestHoldMs: Int32 {
        holdMs(workerLease: slowestHold.workerLeaseMs, killGrace: slowestHold.killGraceMs)
    }

    /// The least `member_timeout_ms` of a leader with this lease, in every version's paces: 5/3 of it in
    /// `cloud`, and 12/5 in those that are quicker.
    static func leastMemberTimeoutMs(lease ms: Int32) -> Int32 {
        Int32(ms < 3000 ? Int64(ms) * 12 / 5 : Int64(ms) * 5 / 3)
    }

    /// The longest `worker_lease_ms` with which jobs are surely dead when a leader waits so long; 0: none.
    func longestWorkerLeaseMs(memberTimeout ms: Int32) -> Int32 {
        max(0, Int32((Int64(ms) - 1) * 100 / 102) - killGraceMs)
    }

    /// The shortest lease that a worker's heartbeats renew in time.
    var leastWorkerLeaseMs: Int32 { Int32(clamping: 2 * Int64(heartbeatMs) + Int64(announceMs)) }

    /// After so long its jobs are surely dead, whosever clock counts: from when a heartbeat was sent
    /// which was the last that a leader acknowledged.
    static func holdMs(workerLease: Int32, killGrace: Int32) -> Int32 {
        withClockMargin(Int32(clamping: Int64(workerLease) + Int64(killGrace)))
    }

    /// What must hold between timings. Its two sides, as they stand in the configuration, are in
    /// `Broken`; the words are the shell's.
    public enum Rule: UInt8, Sendable, Cases {
        /// `2 x announce_ms <= lease_ms`: one lost announcement must not end the lease.
        case announcementsFitLease
        /// `1.25 x lease_ms <= leader_timeout_ms`: followers must not campaign while the leader's
        /// lease can run on a slower clock, or its LED be lit by a keeper that is stopped.
        case leaseEndsBeforeCampaign
        /// `2 x heartbeat_ms + announce_ms <= worker_lease_ms`: a worker's lease is renewed in time.
        case heartbeatsRenewLease
        /// `worker_lease_ms + kill_grace_ms + 2 % < member_timeout_ms`: a lost worker's jobs are dead
        /// before they are given to another.
        case jobsDieBeforeRemoval
        /// `member_timeout_ms <= ack_timeout_ms`: an assignment is not given up before its worker is.
        case removalBeforeCancel
        /// `2 x countdown_delay_ms < campaign_ttl_ms`: a campaign is renewed between two numbers of
        /// its countdown.
        case countdownFitsCampaign
        /// `lease_ms <= campaign_ttl_ms`: where nobody's candidacy came round in its time, nobody
        /// would ever be elected (section 4).
        case candidaciesComeRound
    }

    /// A rule that does not hold, and both of its sides in milliseconds.
    public struct Broken: Error, Sendable {
        public var rule: Rule
        public var left: Int32
        public var right: Int32
    }

    /// The first broken rule, or nil. Each value alone is in 0 ... 3,600,000 already.
    public var broken: Broken? {
        for rule in Rule.all {
            let (left, right, holds) = sides(of: rule)
            if !holds { return Broken(rule: rule, left: left, right: right) }
        }
        return nil
    }

    private func sides(of rule: Rule) -> (left: Int32, right: Int32, holds: Bool) {
        switch rule {
        case .announcementsFitLease:
            let two = Int32(clamping: 2 * Int64(announceMs))
            return (two, leaseMs, two <= leaseMs)
        case .leaseEndsBeforeCampaign:
            let dark = Self.patienceMs(lease: leaseMs)
            return (dark, leaderTimeoutMs, dark <= leaderTimeoutMs)
        case .heartbeatsRenewLease:
            return (leastWorkerLeaseMs, workerLeaseMs, leastWorkerLeaseMs <= workerLeaseMs)
        case .jobsDieBeforeRemoval:
            let dead = Self.holdMs(workerLease: workerLeaseMs, killGrace: killGraceMs)
            return (dead, memberTimeoutMs, dead < memberTimeoutMs)
        case .removalBeforeCancel:
            return (memberTimeoutMs, ackTimeoutMs, memberTimeoutMs <= ackTimeoutMs)
        case .countdownFitsCampaign:
            return (countdownDelayMs, campaignTtlMs / 2, countdownDelayMs < campaignTtlMs / 2)
        case .candidaciesComeRound:
            return (leaseMs, campaignTtlMs, leaseMs <= campaignTtlMs)
        }
    }
}
