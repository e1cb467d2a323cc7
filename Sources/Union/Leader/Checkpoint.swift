/// When a checkpoint is written (design, section 6): every second in which something changed, and
/// before other nodes' open-work tables could be full.
struct Checkpoints {
    /// Something has changed since the last one.
    private var isWanted = false
    private var wroteAt = Instant.zero
    /// The one that was written and is not read back yet, by its `requests_next`.
    private var underWay: Offset?
    /// Requests taken in so far, open or with their outcome already; what it was at the last checkpoint
    /// written, and read back.
    private var taken: Int64 = 0
    private var takenAtWritten: Int64 = 0
    private var takenAtRead: Int64 = 0

    private static var everyMs: Int32 { 1000 }
    /// The log's first records are removed: a checkpoint must not be among them.
    private static var oldMs: Int32 { 3_600_000 }

    /// Requests taken in since the last checkpoint that everybody has: whoever leads next takes them in
    /// anew, and needs a place for each, also for one that has its outcome.
    var unread: Int64 { taken - takenAtRead }

    mutating func noteTaken() {
        taken += 1
        want()
    }

    mutating func want() { isWanted = true }

    /// The next one does not wait for its second.
    mutating func wantNow() {
        isWanted = true
        wroteAt = .zero
    }

    /// Something has changed, or the last one is not known to be in the log.
    var waits: Bool { isWanted || underWay != nil }

    var dueAt: Instant { wroteAt + Self.everyMs }

    func isDue(_ desk: borrowing Desk) -> Bool {
        guard waits else { return desk.now >= wroteAt + Self.oldMs }
        let isFull =
            taken - takenAtWritten >= Int64(desk.settings.capacities.ledger) * 3 / 4
            && underWay == nil
        return desk.now >= dueAt || isFull
    }

    mutating func noteWritten(requestsNext: Offset, at now: Instant) {
        isWanted = false
        wroteAt = now
        underWay = requestsNext
        takenAtWritten = taken
    }

    /// Our own checkpoint was read back: everybody has it.
    mutating func noteRead(requestsNext: Offset) {
        guard underWay == requestsNext else { return }
        underWay = nil
        takenAtRead = takenAtWritten
    }
}

extension Leader {
    func checkpointWaits(_ desk: borrowing Desk) -> Bool {
        checkpoints.waits && mayCheckpoint(desk)
    }

    /// It would say what is known, and fit into everybody's open-work table.
    private func mayCheckpoint(_ desk: borrowing Desk) -> Bool {
        !blindness.isBlind && !requestsLoss.isUnsure
            && ledger.unfinished <= Int32(desk.settings.capacities.ledger)
    }

    mutating func checkpointIfDue(_ elector: inout Elector, _ desk: inout Desk) {
        guard mayCheckpoint(desk), desk.hasRoom, checkpoints.isDue(desk) else { return }
        var memberTimeoutMs = desk.settings.memberTimeoutMs
        for i in 0..<ledger.capacity where ledger.entries.isUsed(i) {
            let entry = ledger.entries[i]
            guard entry.state != .settled else { continue }
            memberTimeoutMs = max(memberTimeoutMs, timeoutMs(of: entry.workerID, desk))
            desk.pack(
                OpenWork(
                    requestOffset: ledger.entries.offset(at: i), attempt: entry.attempt,
                    failures: entry.failures, workerID: entry.workerID,
                    requestKey: entry.requestKey, timeoutMs: entry.deadlineMs))
        }
        checkpoints.noteWritten(requestsNext: requests.next, at: desk.now)
        desk.count(.checkpoints)
        precondition(takeover.phase == .done, "Leader: what is open is not known")
        let checkpoint = takeover.checkpoint(
            requests, requestsLoss.first, isAhead: ledger.settledAhead > 0,
            memberTimeoutMs: memberTimeoutMs)
        elector.order(.checkpoint(checkpoint), &desk)
    }

    mutating func onOwnCheckpoint(requestsNext: Offset) {
        checkpoints.noteRead(requestsNext: requestsNext)
    }
}
