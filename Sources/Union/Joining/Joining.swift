/// How a node joins the log: at start, and again when the broker has lost what it wanted to read.
///
/// It looks at the leader log's first record, to know it again, and at its last one; goes back to
/// the checkpoint that this one names, and reads from there to where the log ended when it asked:
/// then it is caught up. It reads `election` from its end, and `heartbeat` from a little before its
/// end, to see whether somebody lives under its id already (section 5).
struct Joining {
    private enum Phase: Equatable {
        /// The topics' bounds were asked for, or the log is read up to `leaderTarget`.
        case reading
        /// Caught up, but its own id was seen in `heartbeat`: an earlier life, or a twin, before
        /// which it stands back; or records that are void for want of a valid signature (`KeyWatch`).
        case watching(until: Instant)
        case joined
    }

    private enum Leader: Equatable {
        case asking
        case lookingAtFirst
        /// Single records are looked at, to find the last checkpoint.
        case seekingCheckpoint
        case reading(fromFirst: Bool)
        case caughtUp
    }

    private var phase = Phase.reading
    private var leader = Leader.asking
    /// It has joined in this life, perhaps before the broker lost what it reads now.
    private(set) var hasJoinedBefore = false
    /// The leader log began and ended here when we asked.
    private var leaderLow: Offset = 0
    private(set) var leaderEnd: Offset = 0
    private var knowsElection = false
    /// `heartbeat` as it was when we came ends here; nil: not known yet.
    private var heartbeatEnd: Offset?
    /// Where a checkpoint should be, if the record that named it was right; how many records may
    /// still be looked at.
    private var wantedCheckpoint: Offset = -1
    private var looks = 0

    /// Heartbeats that are read from before the end.
    private static var heartbeatTail: Offset { 1024 }
    /// Records that are looked at to find a checkpoint.
    private static var mostLooks: Int { 16 }

    var isJoined: Bool { phase == .joined }
    var isAsking: Bool { leader == .asking }
    /// Heartbeats before this offset were there when we came.
    var heartbeatTarget: Offset { heartbeatEnd ?? .max }
    /// What was ordered before we came is read.
    var isReadingFromFirst: Bool { leader == .reading(fromFirst: true) }
    var isLookingForWayIn: Bool { leader == .lookingAtFirst || leader == .seekingCheckpoint }

    /// When watching for a twin ends.
    var watchesUntil: Instant? {
        if case .watching(let until) = phase { until } else { nil }
    }
}

// MARK: - From asking to reading

extension Joining {
    mutating func begin(_ desk: inout Desk) {
        desk.emit(.ask(.leader))
        desk.emit(.ask(.election))
        desk.emit(.ask(.heartbeat))
    }

    /// The leader log's bounds, which were asked for to join it.
    mutating func onLeaderBounds(
        low: Offset, high: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) {
        precondition(leader == .asking, "Joining: the leader log is read already")
        elector.leaderLogReaches(from: low, to: high)
        (leaderLow, leaderEnd) = (low, high)
        wantedCheckpoint = -1
        looks = Self.mostLooks
        guard high > low else { return read(from: high, midLog: low > 0, &elector, &desk) }
        leader = .lookingAtFirst
        desk.open(.leader, from: low)
    }

    mutating func onElectionBounds(high: Offset, _ desk: inout Desk) {
        knowsElection = true
        desk.open(.election, from: high)
    }

    /// Where `heartbeat` is read from.
    mutating func onHeartbeatBounds(low: Offset, high: Offset, _ desk: inout Desk) -> Offset {
        let from = heartbeatEnd == nil ? max(low, high - Self.heartbeatTail) : high
        heartbeatEnd = high
        desk.open(.heartbeat, from: from)
        return from
    }

    var knowsHeartbeats: Bool { heartbeatEnd != nil }

    /// A record of the leader log (nil: it is unreadable) is read while the way in is looked for;
    /// true: it is the checkpoint with which reading begins.
    mutating func lookAt(
        _ record: LeaderRecord?, at offset: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) -> Bool {
        precondition(isLookingForWayIn, "Joining: the way in is known")
        guard leader == .lookingAtFirst else {
            return findsCheckpoint(record, at: offset, &elector, &desk)
        }
        elector.leaderLogBegins(with: record, at: offset)
        leader = .seekingCheckpoint
        desk.open(.leader, from: max(leaderEnd - 1, offset))
        return false
    }

    /// The leader log ends earlier than it was said to: what was to be looked at went away.
    mutating func lookedBeyondEnd(
        at offset: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) {
        leaderEnd = min(leaderEnd, offset)
        if leader == .lookingAtFirst { elector.leaderLogIsEmpty(at: offset) }
        leader = .seekingCheckpoint
        _ = findsCheckpoint(nil, at: offset, &elector, &desk)
    }

    /// A topic is read to its end: more than that there is not, whatever the broker had said before
    /// it lost records.
    mutating func endsEarlier(_ topic: Topic, at offset: Offset) {
        guard phase == .reading else { return }
        if topic == .leader, case .reading = leader {
            leaderEnd = min(leaderEnd, offset)
        } else if topic == .heartbeat, let end = heartbeatEnd {
            heartbeatEnd = min(end, offset)
        }
    }

    /// True when this is the checkpoint that was looked for. Else the record says where to look
    /// next. Where the broker has lost records, and a leader had not noticed, records name a
    /// checkpoint that is not there any more; those before them name an older one.
    private mutating func findsCheckpoint(
        _ record: LeaderRecord?, at offset: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) -> Bool {
        if let record, offset == wantedCheckpoint, record.speaksOfThisLog(at: offset),
            case .checkpoint = record.order
        {
            elector.startReadingAtCheckpoint()
            leader = .reading(fromFirst: false)
            return true
        }
        looks -= 1
        let named = record?.checkpointOffset ?? -1
        if looks > 0, named >= leaderLow, named < offset {
            wantedCheckpoint = named
            desk.open(.leader, from: named)
        } else if looks > 0, offset - leaderLow > looks {
            wantedCheckpoint = -1
            desk.open(.leader, from: offset - 1)
        } else {
            // All of it, which may be little.
            read(from: leaderLow, midLog: leaderLow > 0, &elector, &desk)
        }
        return false
    }

    private mutating func read(
        from start: Offset, midLog: Bool, _ elector: inout Elector, _ desk: inout Desk
    ) {
        elector.startReading(midLog: midLog)
        leader = .reading(fromFirst: start == 0)
        desk.open(.leader, from: start)
    }
}

// MARK: - From reading to joined

extension Joining {
    /// Whether everything that was in the topics when we came has been read; true: it has joined.
    mutating func finish(
        _ twin: borrowing Twin, _ keyWatch: borrowing KeyWatch, _ elector: inout Elector,
        _ desk: inout Desk
    ) -> Bool {
        if case .reading = leader, desk.next(.leader) >= leaderEnd {
            leader = .caughtUp
            elector.caughtUp(desk)
            desk.say(.caughtUp(leaderOffset: leaderEnd))
        }
        guard phase == .reading, leader == .caughtUp, knowsElection, let end = heartbeatEnd,
            desk.next(.heartbeat) >= end
        else { return false }
        if let waitMs = twin.waitMs(hasJoinedBefore: hasJoinedBefore, desk) {
            if !twin.standsBack { desk.say(.waitsForTwin) }
            phase = .watching(until: desk.now + waitMs)
            return false
        }
        if let waitMs = keyWatch.waitMs(desk) {
            phase = .watching(until: desk.now + waitMs)
            return false
        }
        phase = .joined
        return true
    }

    /// Another lives under our id: we watch on for so long. (Who is still on its way in comes to that.)
    mutating func standBack(forMs ms: Int32, _ desk: borrowing Desk) {
        if phase != .reading { phase = .watching(until: desk.now + ms) }
    }

    /// Watching has come to its end.
    func hasWatched(_ desk: borrowing Desk) -> Bool {
        watchesUntil.map { desk.now >= $0 } ?? false
    }

    /// Nobody else lives under our id: true when watching has just ended with that.
    mutating func finishWatching(_ desk: borrowing Desk) -> Bool {
        guard hasWatched(desk) else { return false }
        phase = .joined
        return true
    }

    /// From now on we are heard; READY, the first time.
    mutating func noteJoined(_ desk: inout Desk) {
        precondition(phase == .joined, "Joining: not there yet")
        guard !hasJoinedBefore else { return }
        hasJoinedBefore = true
        desk.emit(.ready)
    }

    /// The broker has lost records of the leader log: it is joined again.
    mutating func beginAgain() {
        leader = .asking
        phase = .reading
    }
}
