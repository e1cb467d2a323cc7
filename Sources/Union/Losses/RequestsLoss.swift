/// The leader's doubts about `requests`: the broker may have lost the last records, and may have
/// others at their offsets (design, section 12).
///
/// A loss is noticed by comparing: the last record that was read with what stands in its place now
/// (`verifies`). Then the last ones are read again, and each compared with what was read before.
struct RequestsLoss: ~Copyable {
    /// The broker did not have the offset where we wanted to read on.
    private(set) var isLost = false
    /// It may have lost records and got others in their place since.
    private(set) var isDoubted = false
    /// Up to here the topic is read again because of a loss.
    fileprivate(set) var rereadsUntil: Offset = 0
    /// The last request that was read stood here: does it still?
    private(set) var verifies: Offset?
    private var verifiesDigest: Digest = 0
    /// The requests that were read last, by offset; and where this tenure's reading began.
    private var lastRead: Table<Digest>
    private var readFrom: Offset = 0

    init(_ arena: inout Arena) { lastRead = arena.table(Limits.ledger, filler: 0) }

    /// A tenure begins; `isDoubted`: after the broker has lost records of the leader log.
    mutating func begin(isDoubted: Bool) {
        forgetAllRead()
        isLost = false
        self.isDoubted = isDoubted
        rereadsUntil = 0
        verifies = nil
        verifiesDigest = 0
    }

    /// Whether what has been read may not be there. No checkpoint says it meanwhile: the next leader
    /// would believe it.
    var isUnsure: Bool { isLost || isDoubted || isVerifying }
    var isVerifying: Bool { verifies != nil }

    mutating func lose() { isLost = true }
    mutating func doubt() { isDoubted = true }
    mutating func endDoubt() { isDoubted = false }
    fileprivate mutating func endLoss() { isLost = false }

    fileprivate mutating func verify(_ digest: Digest, at offset: Offset) {
        precondition(offset >= 0, "RequestsLoss: nothing stands there")
        verifies = offset
        verifiesDigest = digest
    }
    mutating func endVerifying() { verifies = nil }

    /// Nil: what is verified is not here. Else whether this record is another than was read before.
    fileprivate mutating func isAnother(_ digest: Digest, at offset: Offset, isSeeking: Bool)
        -> Bool?
    {
        guard let wanted = verifies, offset >= wanted, offset == wanted || !isSeeking else {
            return nil
        }
        verifies = nil
        return offset == wanted ? digest != verifiesDigest : nil
    }

    // MARK: What was read

    /// The takeover is done, and reading begins at `next`.
    mutating func beginReading(at next: Offset) { readFrom = max(next, rereadsUntil) }

    mutating func noteRead(_ digest: Digest, at offset: Offset) {
        lastRead[Int(offset) & (Limits.ledger - 1)] = digest.at(offset)
    }

    private mutating func forgetAllRead() {
        for i in 0..<lastRead.count { lastRead[i] = 0 }
    }

    mutating func forgetRead(at offset: Offset) { lastRead[Int(offset) & (Limits.ledger - 1)] = 0 }

    /// This very request was read at this offset, one of the last `Limits.ledger`.
    func wasRead(_ digest: Digest, at offset: Offset) -> Bool {
        offset >= readFrom && lastRead[Int(offset) & (Limits.ledger - 1)] == digest.at(offset)
    }

    func isRereading(_ offset: Offset) -> Bool { offset < rereadsUntil }

    /// What was read up to `end` is read again, and known by its id only: it may be open again.
    mutating func rereadByID(until end: Offset) {
        forgetAllRead()
        rereadsUntil = max(rereadsUntil, end)
    }

    fileprivate mutating func reread(until end: Offset, from start: Offset) {
        precondition(verifies == nil, "RequestsLoss: it is read again, and verified")
        rereadsUntil = end
        readFrom = min(readFrom, start)
    }
}

extension Leader {
    /// The broker does not have the offset of `requests` where we wanted to read on.
    mutating func onRequestsVanished() { requestsLoss.lose() }

    /// The broker was away. It may be another that knows less, and has new records already where
    /// we have read others: the last of `requests` is read again.
    mutating func doubtRequests(_ desk: inout Desk) {
        guard takeover.phase == .done else { return }
        requestsLoss.doubt()
        desk.emit(.ask(.requests))
    }

    /// The last request that was read is compared with what stands there now: where it is known; and
    /// where all was lost, when nothing proves that it is the same.
    mutating func verifyLast(_ elector: borrowing Elector) {
        guard requests.next > 0, requests.last != 0 || elector.log.loss.beganAnew else { return }
        requestsLoss.verify(requests.last, at: requests.next - 1)
    }

    /// The takeover is done: what the leader before us has read last, should it have said so, is
    /// compared; unless that is read again anyway.
    mutating func verifyPredecessorsLast(_ elector: borrowing Elector) {
        if requestsLoss.rereadsUntil == 0 { verifyLast(elector) }
    }

    /// A record of `requests` was read: if it stands where the last one stood that was read before,
    /// and is another, then the broker has lost some since, and those are read again.
    mutating func findsLastLost(
        _ digest: Digest, at offset: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) -> Bool {
        guard
            let isAnother = requestsLoss.isAnother(
                digest, at: offset, isSeeking: requests.isSeeking)
        else { return false }
        // Where all was lost, one that is alike proves nothing.
        guard isAnother || elector.log.loss.beganAnew else { return false }
        desk.count(.logsLost)
        readAgain(before: offset + 1, elector)
        desk.say(.logLost(.requests, wanted: offset + 1, from: requests.next))
        steer(&elector, &desk)
        return true
    }

    /// The broker lost what was at the end of `requests`, and may have put other records there
    /// since: they have offsets that we have seen. What must be fetched from there is gone.
    mutating func cutRequests(
        at end: Offset, _ elector: borrowing Elector, _ desk: inout Desk
    ) {
        requestsLoss.endLoss()
        requests.isCut(at: end)
        forgetRequests(from: end, &desk)
        let wanted = requests.next
        // It may have grown again beyond what we had read.
        readAgain(before: min(end, wanted), elector)
        desk.say(.logLost(.requests, wanted: wanted, from: requests.next))
    }

    /// The broker has lost records that stood before `end`, and may have others there: the last ones
    /// are read again; all of them, if it lost the leader log as well. Of our own tenure's reading
    /// we remember what stood where; else ids tell what is known.
    private mutating func readAgain(before end: Offset, _ elector: borrowing Elector) {
        let low = requests.low ?? 0
        let until = min(max(end, requestsLoss.rereadsUntil), requests.end)
        requestsLoss.endVerifying()
        let isAll = elector.log.loss.beganAnew
        requests.goBack(to: isAll ? low : max(low, until - Offset(Limits.openWork)))
        requestsLoss.reread(until: until, from: requests.next)
        // Everybody must know it first: what lies before `requests_next` is taken for settled.
        checkpoints.wantNow()
    }

    /// The broker lost what was to be read again from `end` on. Nothing is said of it in `results`:
    /// other requests will stand at those offsets, and that would be read as theirs.
    mutating func forgetRequests(from end: Offset, _ desk: inout Desk) {
        for i in 0..<ledger.capacity where ledger.isFetching(i, from: end) {
            ledger.forgetFetching(i)
            desk.count(.requestsForgotten)
            checkpoints.want()
        }
    }
}
