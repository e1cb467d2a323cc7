/// Whether this node and the others take each other's records for valid (design, section 2: a union's
/// key). Two nodes that do not would each begin a union of their own over the same work: so who comes
/// later stands back, says why, and joins as soon as it may.
///
/// Where the others are heard, and all of them require what we write, void words are a stranger's, and
/// stop nobody. What counts is what was read lately: everything in the logs may be of yesterday, and
/// who stands back looks for as long as others may be silent.
struct KeyWatch {
    /// We say nothing, and have nothing, until the others can follow us, and we them.
    private(set) var standsBack = false
    /// A leader's valid word; one that is void for want of a valid signature.
    private var leaderAt = Instant.zero
    private var voidLeaderAt = Instant.zero
    /// A heartbeat that is void so; a valid one whose writer does not accept what we write.
    private var voidHeartbeatAt = Instant.zero
    private var refusalAt = Instant.zero
    /// Another's valid heartbeat, who accepts no more than we do; and one who does.
    private var alikeAt = Instant.zero
    private var widerAt = Instant.zero
    /// Who wrote the refusal.
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

    /// A valid record of the tenure's holder. Our own prove nothing.
    mutating func onLeader(_ r: LeaderRecord, _ desk: borrowing Desk) {
        guard r.workerID != desk.settings.workerID else { return }
        leaderAt = desk.now
        if r.workerID != leader { (leader, leaderAccepts) = (r.workerID, nil) }
        if case .claim = r.order { leaderAccepts = r.accepts }
    }

    mutating func onVoidLeader(_ desk: borrowing Desk) { voidLeaderAt = desk.now }

    mutating func onVoidHeartbeat(_ desk: borrowing Desk) { voidHeartbeatAt = desk.now }

    mutating func onHeartbeat(_ h: Heartbeat, _ desk: borrowing Desk) {
        if h.workerID == leader { leaderAccepts = h.accepts }
        if h.accepts.isWithin(desk.settings.accepts) {
            alikeAt = desk.now
        } else {
            widerAt = desk.now
        }
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
        if isBesideAnother(desk) { return .otherKey }
        if isFresh(leaderAt, desk), leaderRefuses(desk) { return .notAccepted(by: leader) }
        if isFresh(refusalAt, desk) { return .notAccepted(by: refuses) }
        // Where the leader has come as far as we have, everybody signs: it is a stranger's.
        let isLeaderThere =
            isFresh(leaderAt, desk)
            && leaderAccepts.map { $0.isWithin(desk.settings.accepts) } ?? false
        return isFresh(voidHeartbeatAt, desk) && !isLeaderThere ? .tooEarly : nil
    }

    /// Somebody leads whose words are void for us, and nobody else who takes ours for valid, and not his,
    /// is there.
    func isBesideAnother(_ desk: borrowing Desk) -> Bool {
        guard isFresh(voidLeaderAt, desk), !isFresh(leaderAt, desk) else { return false }
        return !isFresh(alikeAt, desk) || isFresh(widerAt, desk)
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
