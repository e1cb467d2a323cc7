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
    /// This node's heartbeats that the leader has not acknowledged yet.
    private var sent: Ring<Sent>
    /// The leader has read every heartbeat before this offset, as its last record said.
    private var readBefore: Offset = 0
    /// Only leader records from here on acknowledge anything: older ones may speak of heartbeats
    /// that the broker has lost, and whose offsets others have now.
    private var trustedFrom: Offset = 0
    private var doubtedAt = Instant.zero
    /// When the end of the leader log was asked for last, to keep the lease without a leader.
    private var askedAt = Instant.zero

    init(_ arena: inout Arena) {
        let filler = Sent(count: 0, at: .zero, offset: nil, readBefore: 0)
        sent = Ring(capacity: Limits.unacknowledgedHeartbeats, filler: filler, &arena)
    }

    func runs(at now: Instant) -> Bool { now < until }

    private mutating func extend(_ from: Instant, _ desk: borrowing Desk) {
        until = max(until, from + desk.settings.workerLeaseMs)
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

    /// A record of the holder, itself at `leaderOffset`, says how far it has read; 0: it cannot say.
    mutating func noteAcknowledged(before offset: Offset, at leaderOffset: Offset) {
        if offset > 0 && leaderOffset >= trustedFrom { readBefore = offset }
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

// MARK: - Without a leader: by the leader log's end

extension WorkerLease {
    /// When the leader log's end is asked for: half of the lease is gone, and no leader renews it
    /// (`quietAt`: when the last lease there is over).
    func asksAt(quietAt: Instant, _ desk: borrowing Desk) -> Instant {
        let half = until - desk.settings.workerLeaseMs / 2
        return max(max(half, quietAt), askedAt + desk.settings.heartbeatMs)
    }

    mutating func askIfDue(quietAt: Instant, _ desk: inout Desk) {
        guard desk.now >= asksAt(quietAt: quietAt, desk) else { return }
        askedAt = desk.now
        desk.emit(.ask(.leader))
    }

    /// While nobody leads, nobody can take our jobs away. That nobody does is known when, at the
    /// moment `askedAt`, the leader log ended where we have read, and what we read last was old
    /// enough for its lease to be over: whoever leads later began later, and waits
    /// `member_timeout_ms` from its beginning before it gives a silent worker's jobs to another.
    mutating func onLeaderLogEnd(
        _ end: Offset, askedAt: Instant, quietAt: Instant, _ desk: borrowing Desk
    ) {
        guard end <= desk.next(.leader), quietAt <= askedAt else { return }
        precondition(askedAt <= desk.now, "WorkerLease: an answer before its question")
        extend(askedAt, desk)
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
        trustedFrom = .max
        doubtedAt = desk.now
    }

    /// The leader log ended at `end` when that was asked, or later.
    mutating func trust(from end: Offset, askedAt: Instant) {
        if isInDoubt && askedAt >= doubtedAt { trustedFrom = end }
    }

    /// It is not known yet from where on leader records count again.
    var isInDoubt: Bool { trustedFrom == .max }
}
