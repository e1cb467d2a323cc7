/// A leader that does not know who has what (design, section 12): the broker has lost
/// orders, or this leader has read the log from its middle. It removes everybody first, so that each
/// drops what it has, and gives no work and writes no checkpoint before.
struct Blindness {
    private(set) var isBlind = false
    /// When the last of these removals was read back.
    private var removalReadAt = Instant.zero

    /// A tenure begins.
    mutating func begin(isBlind: Bool, at now: Instant) {
        self.isBlind = isBlind
        removalReadAt = now
    }

    mutating func end() { isBlind = false }

    fileprivate mutating func noteRemovalRead(at now: Instant) { removalReadAt = now }

    fileprivate mutating func endIfOver(_ isOver: Bool) { isBlind = isBlind && !isOver }

    /// Whom we had no room to know (`passedOverAt`) may have a lease from what we have read.
    fileprivate func endsAt(passedOverAt: Instant, memberTimeoutMs: Int32) -> Instant {
        max(removalReadAt, passedOverAt) + memberTimeoutMs
    }
}

extension Leader {
    mutating func removeAllIfBlind(_ elector: inout Elector, _ desk: inout Desk) {
        guard blindness.isBlind else { return }
        removeAll(&elector, &desk)
        blindness.endIfOver(areAllRemoved(desk))
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
    }

    /// Nobody can still have what we do not know of: who has not read his removal yet has a lease
    /// from before it.
    private func areAllRemoved(_ desk: borrowing Desk) -> Bool {
        let endsAt = blindness.endsAt(
            passedOverAt: roster.passedOverAt,
            memberTimeoutMs: roster.longestTimeoutMs(desk))
        guard desk.now >= endsAt else { return false }
        for i in 0..<roster.count where mustBeRemoved(i, desk) { return false }
        return true
    }

    /// Our own `REMOVE_MEMBER` was read back.
    mutating func noteBlindRemovalRead(_ id: WorkerID, sentAt: Instant, _ desk: borrowing Desk) {
        guard blindness.isBlind, let index = roster.find(id),
            roster.noteBlindRemovalRead(index, sentAt: sentAt)
        else { return }
        blindness.noteRemovalRead(at: desk.now)
    }
}
