/// Whether this node and the others take each other's records for valid (design, section 2: a union's
/// key). Two nodes that do not would each begin a union of their own over the same work: so who comes
/// later stands back, says why, and joins as soon as it may.
///
/// What counts is what was read lately: everything in the logs may be of yesterday, and who stands back
/// looks for as long as others may be silent.
struct KeyWatch {
    /// We say nothing, and have nothing, until the others can follow us, and we them.
    private(set) var standsBack = false
    /// A leader's valid word; one that is void for want of a valid signature.
    private var leaderAt = Instant.zero
    private var voidLeaderAt = Instant.zero
    /// A heartbeat that is void so; a valid one whose writer does not accept what we write.
    private var voidHeartbeatAt = Instant.zero
    private var refusalAt = Instant.zero
    /// Who wrote that one.
    private var refuses = WorkerID(high: 0, low: 0)
    /// The last leader that was read, and what it accepts, as its claim or its heartbeats say; nil: none
    /// was read.
    private var leader = WorkerID(high: 0, low: 0)
    private var leaderAccepts: AcceptedKeys?

    /// Why a node stands back.
    enum Hindrance {
        /// The union's leader signs with another key, or not at all.
        case otherKey
        /// This one's or the leader's boards do not accept what we write.
        case notAccepted(by: WorkerID)
        /// Somebody writes what we do not accept any more, and the leader still does.
        case tooEarly
    }

    // MARK: What was read

    /// A valid record of the tenure's holder.
    mutating func onLeader(_ r: LeaderRecord, _ desk: borrowing Desk) {
        leaderAt = desk.now
        if r.workerID != leader { (leader, leaderAccepts) = (r.workerID, nil) }
        if case .claim = r.order { leaderAccepts = r.accepts }
    }

    mutating func onVoidLeader(_ desk: borrowing Desk) { voidLeaderAt = desk.now }

    mutating func onVoidHeartbeat(_ desk: borrowing Desk) { voidHeartbeatAt = desk.now }

    mutating func onHeartbeat(_ h: Heartbeat, _ desk: borrowing Desk) {
        if h.workerID == leader { leaderAccepts = h.accepts }
        guard !h.accepts.contains(desk.settings.signsWith) else { return }
        refusalAt = desk.now
        refuses = h.workerID
    }

    // MARK: What follows

    /// This claim is of a leader for whom what we write is void: nothing that we have is ours.
    func isRefused(by r: LeaderRecord, _ desk: borrowing Desk) -> Bool {
        guard case .claim = r.order else { return false }
        return !r.accepts.contains(desk.settings.signsWith)
    }

    /// How long a node that has read everything looks on before it joins; nil: it joins at once.
    func waitMs(_ desk: borrowing Desk) -> Int32? {
        let isNothing = max(voidLeaderAt, max(voidHeartbeatAt, refusalAt)) == .zero
        return isNothing && !leaderRefuses(desk) ? nil : desk.settings.memberTimeoutMs
    }

    private func leaderRefuses(_ desk: borrowing Desk) -> Bool {
        leaderAccepts.map { !$0.contains(desk.settings.signsWith) } ?? false
    }

    /// What keeps us from joining now; nil: nothing does.
    func hindrance(_ desk: borrowing Desk) -> Hindrance? {
        if isFresh(voidLeaderAt, desk), !isFresh(leaderAt, desk) { return .otherKey }
        if isFresh(leaderAt, desk), leaderRefuses(desk) { return .notAccepted(by: leader) }
        if isFresh(refusalAt, desk) { return .notAccepted(by: refuses) }
        // Where the leader has come as far as we have, everybody signs: it is a stranger's.
        let isLeaderThere = leaderAccepts.map { $0.isWithin(desk.settings.accepts) } ?? false
        return isFresh(voidHeartbeatAt, desk) && !isLeaderThere ? .tooEarly : nil
    }

    /// Leaders and members are heard more than once in so long.
    private func isFresh(_ at: Instant, _ desk: borrowing Desk) -> Bool {
        at != .zero && desk.now < at + desk.settings.memberTimeoutMs / 2
    }

    /// False: it stood back already.
    mutating func standBack() -> Bool {
        defer { standsBack = true }
        return !standsBack
    }

    /// It may join; true: it stood back.
    mutating func comeBack() -> Bool {
        defer { standsBack = false }
        return standsBack
    }
}
