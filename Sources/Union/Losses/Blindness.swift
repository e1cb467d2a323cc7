/// A leader that does not know who has what (design, section 12): the broker has lost
/// orders, or this leader has read the log from its middle. Its claim calls everybody back: each drops
/// what it has when it reads that. Until all leases from before are over it gives no work and writes no
/// checkpoint. (Whom it hears it removes as well: older versions know no such claim.)
struct Blindness {
    private(set) var isBlind = false
    private var beganAt = Instant.zero
    /// When the last of these removals was read back.
    private var removalReadAt = Instant.zero

    /// A tenure begins.
    mutating func begin(isBlind: Bool, at now: Instant) {
        self.isBlind = isBlind
        (beganAt, removalReadAt) = (now, now)
    }

    mutating func end() { isBlind = false }

    fileprivate mutating func noteRemovalRead(at now: Instant) { removalReadAt = now }

    fileprivate mutating func endIfOver(_ isOver: Bool) { isBlind = isBlind && !isOver }

    /// Who is heard for the first time after that is not waited for: everybody speaks as soon as he has
    /// read our claim, and a stranger may have a new name every time. `skippedAt`: until then heartbeats
    /// were passed over.
    fileprivate func listensUntil(skippedAt: Instant, _ desk: borrowing Desk) -> Instant {
        max(beganAt, skippedAt) + desk.settings.memberTimeoutMs
    }

    /// `quietSince`: before that somebody may have renewed his lease without us.
    fileprivate func endsAt(quietSince: Instant, longestHoldMs: Int32) -> Instant {
        max(removalReadAt, quietSince) + longestHoldMs
    }
}

extension Leader {
    mutating func removeAllIfBlind(_ elector: inout Elector, _ desk: inout Desk) {
        guard blindness.isBlind else { return }
        removeAll(&elector, &desk)
        blindness.endIfOver(areAllRemoved(elector, desk))
    }

    /// Everybody is removed, and drops what he has when he reads that.
    private mutating func removeAll(_ elector: inout Elector, _ desk: inout Desk) {
        for i in 0..<roster.count where mustBeRemoved(i, desk) {
            guard desk.hasRoom else { return }
            let isDue = desk.now >= roster[i].blindRemovalAt + desk.settings.ackTimeoutMs
            guard roster[i].blindRemovalAt == .zero || isDue else { continue }
            removeBlindly(i, &elector, &desk)
            if roster[i].isMember { writeAddition(i, &elector, &desk) }
        }
    }

    mutating func removeBlindly(_ index: Int, _ elector: inout Elector, _ desk: inout Desk) {
        roster.noteBlindRemovalWritten(index, at: desk.now)
        writeRemoval(of: roster.id(index), &elector, &desk)
    }

    private func mustBeRemoved(_ index: Int, _ desk: borrowing Desk) -> Bool {
        !roster[index].isBlindRemovalRead && roster.id(index) != desk.settings.workerID
            && isHeardInTime(index, desk)
    }

    private func isHeardInTime(_ index: Int, _ desk: borrowing Desk) -> Bool {
        roster[index].knownSince < blindness.listensUntil(skippedAt: roster.skippedAt, desk)
    }

    /// Nobody can still have what we do not know of: who has not read his removal yet has a lease
    /// from before it.
    private func areAllRemoved(_ elector: borrowing Elector, _ desk: borrowing Desk) -> Bool {
        let endsAt = blindness.endsAt(
            quietSince: max(roster.skippedAt, elector.leadingSince),
            longestHoldMs: roster.longestTimeoutMs(desk))
        guard desk.now >= endsAt else { return false }
        for i in 0..<roster.count where mustBeRemoved(i, desk) { return false }
        return true
    }

    /// Our own `REMOVE_MEMBER` was read back.
    mutating func noteBlindRemovalRead(_ id: WorkerID, sentAt: Instant, _ desk: borrowing Desk) {
        guard blindness.isBlind, let index = roster.find(id), isHeardInTime(index, desk),
            roster.noteBlindRemovalRead(index, sentAt: sentAt)
        else { return }
        blindness.noteRemovalRead(at: desk.now)
    }
}
