/// Two boards with one identity, a cloned card (design, section 5): of two that live, the later one
/// stands back, and comes back when the other is silent. So a stranger who writes heartbeats under
/// our id switches nobody off for good.
struct Twin {
    /// Another lives under our id, and stays: we say nothing, and have nothing, while it is heard.
    private(set) var standsBack = false
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

    /// Our own heartbeat was read. True: we stand back.
    mutating func onOwnHeartbeat(_ h: Heartbeat, _ joining: borrowing Joining) -> Bool {
        wasHeard = true
        ownCount = h.count
        guard h.incarnation < other.incarnation, otherIsNew else { return false }
        otherIsNew = false
        return loses(lower: h.count, higher: other.count, isLower: true, joining)
    }

    /// Heartbeats are read from further on; we had said so many by then.
    mutating func notePassedOver(ownCount: Int64) {
        if ownCount > 0, !wasHeard { mayHaveBeenFirst = true }
    }

    /// A heartbeat with our id that is not ours: an earlier life of this board, or a living twin. An
    /// earlier life has read nothing of what was written since we came, whenever its heartbeats
    /// appear. True: we stand back.
    mutating func onHeartbeat(
        _ h: Heartbeat, at offset: Offset, _ joining: borrowing Joining, _ desk: borrowing Desk
    ) -> Bool {
        sawOwnID = true
        guard offset >= joining.heartbeatTarget else { return false }
        nearAt = desk.now
        if !wasHeard, !mayHaveBeenFirst { beforeUs = h.incarnation }
        guard !standsBack else { return true }
        guard !joining.isAsking, h.leaderOffset > joining.leaderEnd else { return false }
        guard desk.now >= heardAt + desk.settings.heartbeatMs / 2 else { return false }
        heardAt = desk.now
        heartbeats += 1
        let enough = joining.isJoined ? 3 : 2
        if beforeUs == h.incarnation, heartbeats >= enough { return true }
        other = (h.incarnation, h.count)
        otherIsNew = true
        guard wasHeard, h.incarnation < desk.settings.incarnation else { return false }
        return loses(lower: h.count, higher: ownCount, isLower: false, joining)
    }

    /// Both were heard before they met: who has said less stands back; of two that have said as much, the
    /// lower incarnation. Both must come to the same verdict, though each hears the other late: so each
    /// weighs what stands in the log at the heartbeats of the lower.
    private mutating func loses(
        lower: Int64, higher: Int64, isLower: Bool, _ joining: borrowing Joining
    ) -> Bool {
        let lowerLoses = lower <= higher + 1
        timesLess = isLower == lowerLoses ? timesLess + 1 : 0
        return joining.isJoined && timesLess >= 10
    }

    /// Another with our id was heard lately.
    func isNear(_ desk: borrowing Desk) -> Bool {
        nearAt.map { desk.now < $0 + desk.settings.memberTimeoutMs } ?? false
    }

    /// Who finds its id in `heartbeat` waits so long, unless another speaks under it, before it
    /// joins; nil: it joins at once.
    func waitMs(hasJoinedBefore: Bool, _ desk: borrowing Desk) -> Int32? {
        if standsBack { return desk.settings.memberTimeoutMs }
        return sawOwnID && !hasJoinedBefore ? 3 * desk.settings.heartbeatMs : nil
    }

    /// False: it stood back already.
    mutating func standBack() -> Bool {
        defer { standsBack = true }
        return !standsBack
    }

    /// Nobody was heard under our id for so long that we are the only one; true if we stood back.
    mutating func comeBack() -> Bool {
        defer { standsBack = false }
        (timesLess, heartbeats) = (0, 0)
        return standsBack
    }
}

// MARK: - Whom the leader log names under our id

extension Twin {
    /// Orders for our id are ours: the log has added this incarnation last.
    func isAdded(_ desk: borrowing Desk) -> Bool {
        addedIncarnation == desk.settings.incarnation && !standsBack
    }

    /// The leader has added another incarnation of us after this one: we were taken for dead and
    /// somebody else lives under our id now. True: we stand back.
    mutating func onAdded(_ incarnation: Incarnation, _ desk: borrowing Desk) -> Bool {
        addedIncarnation = incarnation
        guard incarnation == desk.settings.incarnation else { return wasAdded }
        wasAdded = true
        return false
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
