/// Writes records of the leader log: what each of them says beside its order (design, section 3).
struct Pen {
    /// When the last one was written.
    private(set) var wroteAt = Instant.zero
    /// What the last one said of that: no two say the same, for of two that come in the wrong order
    /// the one that was written first is late, and void.
    private var stamp = Instant.zero
    /// Every heartbeat before this offset has been read: what our records acknowledge. 0: not known.
    private(set) var heartbeatOffset: Offset = 0
    /// The last checkpoint that says what is open; -1: none was read.
    private(set) var checkpointOffset: Offset = -1
    /// Who claims now does not know who has what.
    var isBlind = false

    mutating func write(_ order: Order, term: Term, _ desk: inout Desk) {
        precondition(term > 0, "Pen: no such term")
        wroteAt = desk.now
        stamp = max(desk.now, Instant(us: stamp.us + 1))
        var record = LeaderRecord(
            workerID: desk.settings.workerID, incarnation: desk.settings.incarnation, term: term,
            sentAt: stamp, leaseMs: desk.settings.leaseMs, heartbeatOffset: heartbeatOffset,
            checkpointOffset: checkpointOffset, order: order)
        if case .claim = order {
            record.memberTimeoutMs = desk.settings.memberTimeoutMs
            record.callsBack = isBlind
            record.accepts = desk.settings.accepts
            record.versions = desk.settings.versions
        }
        desk.write(.leader(record))
    }

    /// Orders nothing and claims no lease. It names the checkpoint: it may be the record with which
    /// somebody begins to look for it.
    func mark(_ desk: inout Desk) {
        desk.write(
            .leader(
                LeaderRecord(
                    workerID: desk.settings.workerID, incarnation: desk.settings.incarnation,
                    term: 0, sentAt: desk.now, leaseMs: 0, heartbeatOffset: 0,
                    checkpointOffset: checkpointOffset, order: .noop)))
    }

    mutating func hasRead(heartbeatsBefore offset: Offset) { heartbeatOffset = offset }

    /// What anybody had read of heartbeats may be lost, and others at those offsets.
    mutating func doubtHeartbeats() { heartbeatOffset = 0 }

    mutating func names(checkpoint offset: Offset) { checkpointOffset = offset }

    /// The leader log ends at `end`: a checkpoint after that is lost.
    mutating func leaderLogEnds(at end: Offset) {
        if checkpointOffset >= end { checkpointOffset = -1 }
    }
}
