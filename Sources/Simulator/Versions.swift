import Union

/// Boards of an earlier and of a later version. Each runs the same `Node`, which is told what it
/// speaks; here what an older one does not say, or does not read, is left out of its records, and a later
/// one gives orders that others do not know.
extension Versions {
    /// Says nothing of versions, as every board before this one.
    static let earlier = Versions(newest: 1, oldest: 1)
    /// Does not read what `earlier` writes.
    static let later = Versions(newest: 3, oldest: 2)
}

extension SimulatedUnion {
    /// Somebody gives it another version, and starts it again.
    func changeVersion(_ board: Board) -> Bool {
        guard board.life != nil, board.pausedUntil == nil else { return false }
        let all: [Versions] = [.earlier, .current, .later]
        board.nextVersions = all[Int(random.below(3))]
        startAgain(board)
        return true
    }

    /// A record as this board writes it.
    func written(_ record: Record, by board: Board) -> Record {
        board.settings.versions == .earlier ? record.asEarlier : record
    }

    /// Where no member would pass it over, a later version's leader gives an order that this one does not
    /// know.
    func orderOfLater(with record: Record, by board: Board) -> Record? {
        guard board.speaks >= Versions.later.newest, case .leader(var r) = record,
            case .noop = r.order, !r.isMark, random.below(2) == 0
        else { return nil }
        r.order = .unknown
        return .leader(r)
    }

    /// A record as this board reads it; nil: for it that one is malformed.
    func read(_ record: Record, by board: Board) -> Record? {
        guard board.settings.versions == .earlier else { return record }
        if case .leader(let r) = record, case .unknown = r.order { return nil }
        return record.asEarlier
    }
}

extension Record {
    /// Without what the first protocol does not know.
    fileprivate var asEarlier: Record {
        switch self {
        case .candidacy(var c):
            c.versions = .unsaid
            return .candidacy(c)
        case .heartbeat(var h):
            (h.workerLeaseMs, h.killGraceMs, h.startedOffset) = (nil, nil, nil)
            (h.isLeaving, h.isLeftOut, h.versions) = (false, false, .unsaid)
            return .heartbeat(h)
        case .leader(var r):
            (r.memberTimeoutMs, r.callsBack, r.versions) = (nil, false, .unsaid)
            switch r.order {
            case .checkpoint(var c):
                (c.firstRequest, c.memberTimeoutMs) = (Checkpoint.First(), nil)
                r.order = .checkpoint(c)
            case .cancel(let attempt, _): r.order = .cancel(attempt)
            case .claim, .noop, .resign, .addMember, .removeMember, .assign, .unknown: break
            }
            return .leader(r)
        case .request, .result: return self
        }
    }
}
