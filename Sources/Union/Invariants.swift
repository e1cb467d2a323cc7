/// What must hold between two steps, whatever happened: the rooms agree with each other, and what is
/// counted with what is there. The simulator and the tests ask after every step; the shipped binary
/// has the preconditions of each function instead.
public enum Invariant: Sendable {
    /// Whoever holds the tenure has a leader at work, and nobody else has.
    case tenureHasLeader
    /// The edge of leading was noticed in the step in which it came.
    case edgeIsNoticed
    /// Who stands back before a twin does not lead.
    case standsBackInSilence
    /// Who has joined reads the leader log and `election`, and `heartbeat` exactly while it listens.
    case joinedReads
    /// Without a lease nothing runs, but what is being killed; after its grace all is dead.
    case runsByLease
    case benchCounts
    case ledgerCounts
    /// Whoever waits has its turn, once, and its request is known; nobody else has.
    case waitingHasTurn
    /// An entry has a worker exactly while that may have the job.
    case entryHasWorker
    /// No ledger without a tenure.
    case ledgerIsOurs
    case memberCounts
    /// What the roster says that a member has is what the ledger says.
    case memberHasWork
}

extension Node {
    /// The first invariant that does not hold, between two steps; nil: all do.
    public var brokenInvariant: Invariant? {
        if elector.isMine != leader.hasTenure { return .tenureHasLeader }
        if elector.wasLeading != elector.leads(desk) { return .edgeIsNoticed }
        if standsBack != nil && elector.leads(desk) { return .standsBackInSilence }
        if joining.isJoined && !readsAll { return .joinedReads }
        if !worker.runsByLease(desk) { return .runsByLease }
        if !worker.bench.areCountsRight { return .benchCounts }
        if !leader.hasTenure && leader.ledger.entries.count > 0 { return .ledgerIsOurs }
        return leader.ledger.brokenInvariant ?? leader.brokenInvariant(me: desk.settings.workerID)
    }

    private var readsAll: Bool {
        desk.next(.leader) >= 0 && desk.next(.election) >= 0
            && hearing.isListening == (desk.next(.heartbeat) >= 0)
    }
}

extension Worker {
    fileprivate func runsByLease(_ desk: borrowing Desk) -> Bool {
        guard !lease.runs(at: desk.now), bench.running > 0 else { return true }
        let isOver = desk.now >= lease.until + desk.settings.killGraceMs
        for place in 0..<bench.capacity {
            if bench[place].state == .running { return false }
            if isOver && bench.isLeftAlive(place) { return false }
        }
        return true
    }
}

extension Bench {
    fileprivate var areCountsRight: Bool {
        guard used > 0 else { return running == 0 && queued == 0 && stuck == 0 && givenUp == 0 }
        var (running, queued, used): (Int32, Int32, Int32) = (0, 0, 0)
        var (stuck, givenUp): (Int32, Int32) = (0, 0)
        for place in 0..<capacity where self[place].state != .free {
            used += 1
            if self[place].state == .queued { queued += 1 }
            if self[place].state.isAlive { running += 1 }
            if self[place].state == .stuck { stuck += 1 }
            if self[place].isGivenUp { givenUp += 1 }
        }
        return running == self.running && queued == self.queued && used == self.used
            && stuck == self.stuck && givenUp == self.givenUp
    }
}

extension Ledger {
    fileprivate var brokenInvariant: Invariant? {
        var (unfinished, fetching, settledAhead): (Int32, Int32, Int32) = (0, 0, 0)
        var repeating: Int32 = 0
        var (waiting, waitingOffsets): (Int, Offset) = (0, 0)
        var (left, i) = (entries.count, -1)
        while left > 0 {
            i += 1
            guard entries.isUsed(i) else { continue }
            left -= 1
            let hasWorker = entries[i].workerID != nil
            switch entries[i].state {
            case .settled: settledAhead += 1
            case .fetching: fetching += 1
            case .repeats: repeating += 1
            case .waiting:
                if !entries[i].isLoaded { return .waitingHasTurn }
                waiting += 1
                waitingOffsets &+= entries.offset(at: i)
            case .assigned, .cancelling:
                unfinished += 1
                if !hasWorker { return .entryHasWorker }
                continue
            case .concluded:
                unfinished += 1
                continue
            }
            if hasWorker { return .entryHasWorker }
        }
        unfinished += fetching + repeating + Int32(waiting)
        if unfinished != self.unfinished || fetching != self.fetching
            || repeating != self.repeating || settledAhead != self.settledAhead
        {
            return .ledgerCounts
        }
        for place in 0..<turn.count {
            guard let i = entries.find(turn[place]), entries[i].state == .waiting else {
                return .waitingHasTurn
            }
            waitingOffsets &-= turn[place]
        }
        return waiting == turn.count && waitingOffsets == 0 ? nil : .waitingHasTurn
    }
}

extension Leader {
    fileprivate func brokenInvariant(me: WorkerID) -> Invariant? {
        var members: Int32 = 0
        for w in 0..<roster.count where roster[w].isMember { members += 1 }
        if members != roster.members { return .memberCounts }
        guard takeover.phase == .done else { return nil }
        var inFlight = InlineArray<256, Int32>(repeating: 0)
        var slow = InlineArray<256, Int32>(repeating: 0)
        var overrun = InlineArray<256, Int32>(repeating: 0)
        var (left, i) = (ledger.entries.count, -1)
        while left > 0 {
            i += 1
            guard ledger.entries.isUsed(i) else { continue }
            left -= 1
            guard let id = ledger.entries[i].workerID, let w = roster.find(id) else { continue }
            inFlight[w] += 1
            if !ledger.entries[i].isShort { slow[w] += 1 }
            if ledger.entries[i].state == .cancelling(.overrun) { overrun[w] += 1 }
        }
        // A leader alone works, too, without being a member.
        for w in 0..<roster.count where roster[w].isMember || roster.id(w) == me {
            guard roster[w].inFlight == inFlight[w], roster[w].slow == slow[w],
                roster[w].overrun == overrun[w]
            else { return .memberHasWork }
        }
        return nil
    }
}
