/// How a node joins the log: at start, and again when the broker has lost what it wanted to read.
///
/// It looks at the leader log's first record, to know it again, and at its last one; goes back to the
/// checkpoint that this one names, and reads from there to where the log ended when it asked: then it
/// is caught up. It reads `election` from its end, and `heartbeat` from a little before its end, to
/// see whether somebody lives under its id already (section 5).
struct Joining {
    enum Phase: Equatable {
        /// The topics' bounds were asked for, or the log is read up to `leaderTarget`.
        case reading
        /// Caught up, but its own id was seen in `heartbeat`: an earlier life, or a twin.
        case watching(until: Instant)
        case joined
    }

    enum Leader: Equatable {
        case asking
        case lookingAtFirst
        /// Single records are looked at, to find the last checkpoint.
        case seekingCheckpoint
        case reading
        case caughtUp
    }

    var phase = Phase.reading
    var leader = Leader.asking
    /// The leader log began and ended here when we asked.
    var leaderLow: Offset = 0
    var leaderEnd: Offset = 0
    var knowsElection = false
    /// `heartbeat` as it was when we came ends here; nil: not known yet.
    var heartbeatEnd: Offset?
    var sawOwnID = false
    /// Our own first heartbeat was read back: who comes later sees it.
    var wasHeard = false
    /// Whose heartbeat stands in the log before our own first one: if that one lives, it was there
    /// before us.
    var twinBeforeUs: Incarnation = 0
    /// Heartbeats of a living twin, at least half a `heartbeat_ms` apart, and the last one.
    var twinHeartbeats = 0
    var twinAt = Instant.zero
    /// The log is read from offset 0: every claim that counts is in it.
    var readsFromFirst = false
    /// Where a checkpoint should be, if the record that named it was right; how many records may
    /// still be looked at.
    var checkpointAt: Offset = -1
    var looks = 0

    /// Heartbeats that are read from before the end.
    static var heartbeatTail: Offset { 1024 }
    /// Records that are looked at to find a checkpoint.
    static var mostLooks: Int { 16 }

    var heartbeatTarget: Offset { heartbeatEnd ?? .max }
}

extension Node {
    mutating func join(_ outbox: inout Outbox) {
        outbox.append(.ask(.leader))
        outbox.append(.ask(.election))
        outbox.append(.ask(.heartbeat))
    }

    mutating func onBounds(
        _ topic: Topic, low: Offset, high: Offset, askedAt: Instant, _ outbox: inout Outbox
    ) {
        switch topic {
        case .leader:
            heartbeats.trust(from: high, askedAt: askedAt)
            // That question was asked before there was a doubt.
            if heartbeats.isInDoubt && brokerIsThere { outbox.append(.ask(.leader)) }
            if joining.leader == .asking {
                onLeaderBounds(low: low, high: high, &outbox)
            } else {
                onLeaderLogEnd(high, askedAt: askedAt)
            }
        case .election:
            joining.knowsElection = true
            open(.election, from: high, &outbox)
        case .heartbeat:
            let isFirst = joining.heartbeatEnd == nil
            joining.heartbeatEnd = high
            let from = isFirst ? max(low, high - Joining.heartbeatTail) : high
            if !isFirst { roster.skippedAt = now }
            roster.heartbeatOffset = from
            open(.heartbeat, from: from, &outbox)
        case .results: onResultsBounds(low: low, high: high, &outbox)
        case .requests: onRequestsBounds(low: low, high: high, &outbox)
        }
        finishJoining(&outbox)
    }

    private mutating func onLeaderBounds(low: Offset, high: Offset, _ outbox: inout Outbox) {
        if next(.leader) > high {
            outbox.say(.logLost(.leader, wanted: next(.leader), from: low))
        }
        if openWork.checkpointOffset >= high { openWork.checkpointOffset = -1 }
        // Who was added may be lost; unless only the log's first records were removed.
        if next(.leader) >= low { addedIncarnation = 0 }
        (joining.leaderLow, joining.leaderEnd) = (low, high)
        joining.checkpointAt = -1
        joining.looks = Joining.mostLooks
        guard high > low else {
            log.beginsEmpty(at: low)
            return readLeader(from: high, midLog: low > 0, &outbox)
        }
        joining.leader = .lookingAtFirst
        open(.leader, from: low, &outbox)
    }

    /// A record of the leader log (nil: it is unreadable) is read while the way in is looked for; true:
    /// it is the checkpoint with which reading begins.
    mutating func lookAt(
        _ record: LeaderRecord?, at offset: Offset, _ outbox: inout Outbox
    ) -> Bool {
        guard joining.leader == .lookingAtFirst else {
            return findsCheckpoint(record, at: offset, &outbox)
        }
        log.beginsWith(record, at: offset)
        joining.leader = .seekingCheckpoint
        open(.leader, from: max(joining.leaderEnd - 1, offset), &outbox)
        return false
    }

    /// The leader log ends earlier than it was said to: what was to be looked at went away.
    mutating func lookedBeyondEnd(at offset: Offset, _ outbox: inout Outbox) {
        joining.leaderEnd = min(joining.leaderEnd, offset)
        if joining.leader == .lookingAtFirst { log.beginsEmpty(at: offset) }
        joining.leader = .seekingCheckpoint
        _ = findsCheckpoint(nil, at: offset, &outbox)
    }

    /// A topic is read to its end: more than that there is not, whatever the broker had said before it
    /// lost records.
    mutating func endsEarlier(_ topic: Topic, at offset: Offset) {
        guard joining.phase == .reading else { return }
        if topic == .leader, joining.leader == .reading {
            joining.leaderEnd = min(joining.leaderEnd, offset)
        } else if topic == .heartbeat, let end = joining.heartbeatEnd {
            joining.heartbeatEnd = min(end, offset)
        }
    }

    var isLookingForWayIn: Bool {
        joining.leader == .lookingAtFirst || joining.leader == .seekingCheckpoint
    }

    private mutating func readLeader(from start: Offset, midLog: Bool, _ outbox: inout Outbox) {
        log.startReading(midLog: midLog)
        joining.leader = .reading
        joining.readsFromFirst = start == 0
        open(.leader, from: start, &outbox)
    }

    /// True when this is the checkpoint that was looked for. Else the record says where to look next.
    /// Where the broker has lost records, and a leader had not noticed, records name a checkpoint that
    /// is not there any more; those before them name an older one.
    private mutating func findsCheckpoint(
        _ record: LeaderRecord?, at offset: Offset, _ outbox: inout Outbox
    ) -> Bool {
        if let record, offset == joining.checkpointAt, case .checkpoint = record.order {
            log.startReading(midLog: false)
            joining.leader = .reading
            joining.readsFromFirst = false
            return true
        }
        joining.looks -= 1
        let low = joining.leaderLow
        let named = record?.checkpointOffset ?? -1
        if joining.looks > 0, named >= low, named < offset {
            joining.checkpointAt = named
            open(.leader, from: named, &outbox)
        } else if joining.looks > 0, offset - low > joining.looks {
            joining.checkpointAt = -1
            open(.leader, from: offset - 1, &outbox)
        } else {
            // All of it, which may be little.
            readLeader(from: low, midLog: low > 0, &outbox)
        }
        return false
    }

    /// Whether everything that was in the topics when we came has been read.
    mutating func finishJoining(_ outbox: inout Outbox) {
        if joining.leader == .reading, next(.leader) >= joining.leaderEnd {
            joining.leader = .caughtUp
            log.assumeHolderWasHeard(leaseMs: settings.leaseMs, at: now)
            outbox.say(.caughtUp(leaderOffset: joining.leaderEnd))
        }
        guard joining.phase == .reading, joining.leader == .caughtUp, joining.knowsElection,
            let end = joining.heartbeatEnd, next(.heartbeat) >= end
        else { return }
        if joining.sawOwnID && !hasJoinedBefore {
            outbox.say(.waitsForTwin)
            joining.phase = .watching(until: now + 3 * settings.heartbeatMs)
        } else {
            finishWatching(&outbox)
        }
    }

    /// Nobody else lives under our id: from now on we are heard.
    mutating func finishWatching(_ outbox: inout Outbox) {
        joining.phase = .joined
        contactAt = now
        returnToMember()
        heartbeats.dueAt = now
        guard !hasJoinedBefore else { return }
        hasJoinedBefore = true
        outbox.append(.ready)
    }

    /// The broker does not have the offset where we wanted to read on.
    mutating func onVanished(_ topic: Topic, _ outbox: inout Outbox) {
        counters.logsLost += 1
        switch topic {
        case .leader:
            joining.leader = .asking
            joining.phase = .reading
            // What is read again speaks of our earlier lives, too.
            wasAdded = false
            log.loseRecords()
            log.assumeHolderWasHeard(leaseMs: settings.leaseMs, at: now)
            heartbeats.doubt(at: now)
            endTenure(&outbox)
            noticeLeading(&outbox)
            // Nobody else may know what we were ordered to do.
            giveUpAll(&outbox)
        case .heartbeat: heartbeats.forgetOffsets()
        case .election: break
        case .results:
            guard takeover.phase != .none else { return }
        case .requests:
            guard takeover.phase != .none else { return }
            takeover.lostRequests = true
        }
        outbox.append(.ask(topic))
    }
}
