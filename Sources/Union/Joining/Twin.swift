/// Two boards with one identity, a cloned card (design, section 5): of two that live, the later one
/// leaves, before it has led or worked.
struct Twin {
    /// Somebody wrote heartbeats under our id: an earlier life of this board, or a twin.
    private(set) var sawOwnID = false
    /// Our own first heartbeat was read back: who comes later sees it.
    private(set) var wasHeard = false
    /// Whose heartbeat stands in the log before our own first one: if that one lives, it was there
    /// before us.
    private var beforeUs: Incarnation = 0
    /// Our own first words may be among what was passed over: who spoke first is not known.
    private var mayHaveBeenFirst = false
    /// How much we had said, and a living twin, when we were read last.
    private var ownCount: Int64 = 0
    private var other: (incarnation: Incarnation, count: Int64) = (0, 0)
    /// It was read since we were.
    private var otherIsNew = false
    /// Times in a row that it was we who had said less.
    private var timesLess = 0
    /// Heartbeats of a living twin, at least half a `heartbeat_ms` apart, and the last one.
    private var heartbeats = 0
    private var heardAt = Instant.zero
    /// When somebody under our id was heard last, be it a twin that cannot read what is written now.
    private var nearAt: Instant?
    /// This incarnation was added as a member, or has led: whoever is added under our id after
    /// that is another.
    private var wasAdded = false
    /// Which incarnation under our id the leader log has added last; 0: it was removed since.
    private var addedIncarnation: Incarnation = 0

    /// Our own heartbeat was read.
    mutating func onOwnHeartbeat(
        _ h: Heartbeat, _ joining: borrowing Joining, _ desk: inout Desk
    ) {
        wasHeard = true
        ownCount = h.count
        guard h.incarnation < other.incarnation, otherIsNew else { return }
        otherIsNew = false
        weigh(lower: h.count, higher: other.count, isLower: true, joining, &desk)
    }

    /// Heartbeats are read from further on; we had said so many by then.
    mutating func notePassedOver(ownCount: Int64) {
        if ownCount > 0, !wasHeard { mayHaveBeenFirst = true }
    }

    /// A heartbeat with our id that is not ours: an earlier life of this board, or a living twin. An
    /// earlier life has read nothing of what was written since we came, whenever its heartbeats
    /// appear.
    mutating func onHeartbeat(
        _ h: Heartbeat, at offset: Offset, _ joining: borrowing Joining, _ desk: inout Desk
    ) {
        sawOwnID = true
        guard offset >= joining.heartbeatTarget else { return }
        nearAt = desk.now
        if !wasHeard, !mayHaveBeenFirst { beforeUs = h.incarnation }
        guard !joining.isAsking, h.leaderOffset > joining.leaderEnd else { return }
        guard desk.now >= heardAt + desk.settings.heartbeatMs / 2 else { return }
        heardAt = desk.now
        heartbeats += 1
        let enough = joining.isJoined ? 3 : 2
        if beforeUs == h.incarnation, heartbeats >= enough { return leave(&desk) }
        other = (h.incarnation, h.count)
        otherIsNew = true
        guard wasHeard, h.incarnation < desk.settings.incarnation else { return }
        weigh(lower: h.count, higher: ownCount, isLower: false, joining, &desk)
    }

    /// Both were heard before they met: who has said less leaves; of two that have said as much, the lower
    /// incarnation. Both must come to the same verdict, though each hears the other late: so each weighs
    /// what stands in the log at the heartbeats of the lower.
    private mutating func weigh(
        lower: Int64, higher: Int64, isLower: Bool, _ joining: borrowing Joining,
        _ desk: inout Desk
    ) {
        let lowerLeaves = lower <= higher + 1
        timesLess = isLower == lowerLeaves ? timesLess + 1 : 0
        if joining.isJoined, timesLess >= 10 { leave(&desk) }
    }

    /// Another with our id was heard lately.
    func isNear(_ desk: borrowing Desk) -> Bool {
        nearAt.map { desk.now < $0 + desk.settings.memberTimeoutMs } ?? false
    }

    private func leave(_ desk: inout Desk) {
        desk.say(.twin)
        desk.emit(.exit(.twin))
    }
}

// MARK: - Whom the leader log names under our id

extension Twin {
    /// Orders for our id are ours: the log has added this incarnation last.
    func isAdded(_ desk: borrowing Desk) -> Bool {
        addedIncarnation == desk.settings.incarnation
    }

    /// The leader has added another incarnation of us after this one: we were taken for dead and
    /// somebody else lives under our id now.
    mutating func onAdded(_ incarnation: Incarnation, _ desk: inout Desk) {
        addedIncarnation = incarnation
        if incarnation == desk.settings.incarnation {
            wasAdded = true
        } else if wasAdded {
            desk.say(.superseded)
            desk.emit(.exit(.twin))
        }
    }

    mutating func onRemoved() { addedIncarnation = 0 }

    /// Another life under our id holds the tenure: it gives orders to our id, and means itself.
    mutating func onTenure(of incarnation: Incarnation) { addedIncarnation = incarnation }

    mutating func noteLed() { wasAdded = true }

    /// What is read again speaks of our earlier lives, too.
    mutating func onLeaderLogLost() { wasAdded = false }

    /// Who was added may be lost.
    mutating func forgetAdded() { addedIncarnation = 0 }
}
