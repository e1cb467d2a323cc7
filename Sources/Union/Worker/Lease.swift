/// The worker's lease (design, section 5): it may run jobs while the leader is known to have read a
/// recent heartbeat of it, or while nobody can lead.
struct WorkerLease: ~Copyable {
    private struct Sent {
        var count: Int64
        var at: Instant
        var offset: Offset?
        /// Up to where the leader had read when it was sent, as far as we knew: it stands after.
        var readBefore: Offset
    }

    /// Jobs may run until then.
    private(set) var until = Instant.zero
    /// What it may be at the longest under the present leader, and among those who are heard.
    var underLeaderMs = Int32.max
    var amongOthersMs = Int32.max
    /// This node's heartbeats that the leader has not acknowledged yet.
    private var sent: Ring<Sent>
    /// The leader has read every heartbeat before this offset, as its last record said.
    private var readBefore: Offset = 0
    /// No leader record acknowledges anything before a mark of ours is read: it may speak of
    /// heartbeats that the broker has lost, and whose offsets others have now.
    private var isInDoubt = false
    private var doubtedAt = Instant.zero
    /// When the last mark was written.
    private var markedAt = Instant.zero

    init(_ arena: inout Arena) {
        let filler = Sent(count: 0, at: .zero, offset: nil, readBefore: 0)
        sent = Ring(capacity: Limits.unacknowledgedHeartbeats, filler: filler, &arena)
    }

    func runs(at now: Instant) -> Bool { now < until }

    private mutating func extend(_ from: Instant, _ desk: borrowing Desk) {
        until = max(until, from + lengthMs(desk))
    }

    func lengthMs(_ desk: borrowing Desk) -> Int32 {
        min(desk.settings.workerLeaseMs, min(underLeaderMs, amongOthersMs))
    }
}

// MARK: - Under a leader: by heartbeats

extension WorkerLease {
    /// The heartbeat with this `count` was sent.
    mutating func noteSent(_ count: Int64, _ desk: borrowing Desk) {
        precondition(
            sent.isEmpty || sent[sent.count - 1].count < count, "WorkerLease: said twice")
        sent.push(Sent(count: count, at: desk.now, offset: nil, readBefore: readBefore))
    }

    mutating func noteDelivered(_ count: Int64, at offset: Offset) {
        for i in 0..<sent.count where sent[i].count == count { sent[i].offset = offset }
    }

    /// A record of the holder says how far it has read; 0: it cannot say.
    mutating func noteAcknowledged(before offset: Offset) {
        if offset > 0 && !isInDoubt { readBefore = offset }
    }

    /// A heartbeat of ours is known to have been read by the holder: the lease runs on from when it
    /// was sent.
    mutating func renew(_ desk: borrowing Desk) {
        if let sentAt = newestAcknowledged() { extend(sentAt, desk) }
    }

    /// When the newest heartbeat was sent that the leader has read; it and the older ones are
    /// done with. An acknowledgement may be here before the delivery report.
    private mutating func newestAcknowledged() -> Instant? {
        var newest: Int?
        for i in 0..<sent.count {
            guard let at = sent[i].offset else { continue }
            if at >= sent[i].readBefore && at < readBefore { newest = i }
        }
        guard let newest else { return nil }
        let at = sent[newest].at
        for _ in 0...newest { sent.removeFirst() }
        return at
    }
}

// MARK: - Without a leader: by a mark of our own in the leader log

extension WorkerLease {
    /// When a mark is due: half of the lease is gone, and no leader renews it (`quietAt`: when the
    /// last lease there is over); or it must be known what acknowledges anything again.
    func marksAt(quietAt: Instant, hasJob: Bool, _ desk: borrowing Desk) -> Instant {
        let half = hasJob ? max(until - lengthMs(desk) / 2, quietAt) : .never
        return max(isInDoubt ? .zero : half, markedAt + desk.settings.heartbeatMs)
    }

    mutating func noteMarked(_ desk: borrowing Desk) { markedAt = desk.now }

    /// A mark of ours, written at `sentAt`, was read. A broker that says where the
    /// log ends may have been left behind by the others; but a mark that all of them have taken
    /// stands after all that they had when it was written.
    ///
    /// While nobody leads, nobody can take our jobs away. So it was at `sentAt`, if what we have
    /// read before the mark was old enough then for its lease to be over: whoever leads later began
    /// later, and waits `member_timeout_ms` from its beginning before it gives a silent worker's
    /// jobs to another.
    mutating func onMark(sentAt: Instant, quietAt: Instant, _ desk: borrowing Desk) {
        // A stranger can write in our name; but not by when we shall have read it.
        guard sentAt <= markedAt else { return }
        if sentAt >= doubtedAt { isInDoubt = false }
        if quietAt <= sentAt { extend(sentAt, desk) }
    }
}

// MARK: - After the broker has lost records

extension WorkerLease {
    /// Heartbeats' offsets mean nothing any more: the broker lost them. What the leader had read
    /// says still which offsets it can mean others by.
    mutating func forgetOffsets() { sent.removeAll() }

    /// The broker was away, or has lost other records: it may have lost some.
    mutating func doubt(_ desk: borrowing Desk) {
        forgetOffsets()
        isInDoubt = true
        doubtedAt = desk.now
    }
}
