/// The leader's doubts about `requests`: the broker may have lost the last records, and may have
/// others at their offsets (design, section 12).
///
/// A loss is noticed by comparing: the last record that was read with what stands in its place now
/// (`verifies`). Then the last ones are read again, and each compared with what was read before. If the
/// first one is another, so is the topic: somebody has deleted it and made it anew, which nobody tells
/// us, and all of it is new. So that one is looked at now and then.
struct RequestsLoss: ~Copyable {
    /// A record that was read once, and is compared with what stands in its place.
    private enum Comparison {
        /// The last one. `provesNothing`: all was lost, and what is alike may be another. `isLook`: nothing
        /// says that anything is lost, and the first one is not known.
        case last(provesNothing: Bool, isLook: Bool)
        /// The topic's first. What stood before `lostBefore` is gone, all of it or not; nil: nothing is
        /// known to be.
        case first(lostBefore: Offset?)
        /// The topic's first is not known, or was removed: it is this one now.
        case newFirst
    }

    /// What a comparison has shown.
    fileprivate enum Finding {
        case nothing, lastLost
        case mayBeLost(before: Offset)
        case lost(before: Offset)
        case anotherTopic(before: Offset)
    }

    /// The broker did not have the offset where we wanted to read on.
    private(set) var isLost = false
    /// It may have lost records and got others in their place since.
    private(set) var isDoubted = false
    /// Nothing says so; it is looked at now and then.
    private(set) var isLookedAt = false
    /// Up to here the topic is read again because of a loss.
    fileprivate(set) var rereadsUntil: Offset = 0
    /// What is read again is known by its id, too.
    private(set) var isKnownByID = true
    /// What stands here is compared, with what was read here.
    private(set) var verifies: Offset?
    private var comparison = Comparison.newFirst
    private var verifiesDigest: Digest = 0
    /// The topic's first record, as far as is known; its digest is 0 where it is not.
    private(set) var first = Checkpoint.First()
    /// When the topic is looked at next.
    private(set) var looksAt = Instant.never
    /// The requests that were read last, by offset; and where this tenure's reading began.
    private var lastRead: Table<Digest>
    private var readFrom: Offset = 0

    init(_ arena: inout Arena) { lastRead = arena.table(Limits.ledger, filler: 0) }

    /// A tenure begins; `isDoubted`: after the broker has lost records of the leader log.
    mutating func begin(isDoubted: Bool, _ first: Checkpoint.First) {
        forgetAllRead()
        self.first = first
        looksAt = .never
        isLost = false
        self.isDoubted = isDoubted
        isLookedAt = false
        rereadsUntil = 0
        verifies = nil
        verifiesDigest = 0
    }

    /// Whether what has been read may not be there. No checkpoint says it meanwhile: the next leader
    /// would believe it.
    var isUnsure: Bool { isLost || isDoubted || isVerifying && !isOnlyLooking }
    var isVerifying: Bool { verifies != nil }
    /// Nothing is known to be lost, or likely to be.
    private var isOnlyLooking: Bool {
        switch comparison {
        case .first(lostBefore: nil), .newFirst, .last(provesNothing: _, isLook: true): true
        case .last, .first: false
        }
    }

    mutating func lose() { isLost = true }
    mutating func doubt() { isDoubted = true }
    mutating func look(nextAt instant: Instant) {
        isLookedAt = true
        looksAt = instant
    }
    mutating func endDoubt() {
        isDoubted = false
        isLookedAt = false
    }
    fileprivate mutating func endLoss() { isLost = false }

    /// It is looked at first after the usual time; at once where its first record is not known, and will
    /// not be read in order.
    mutating func beginLooking(readsFirst: Bool, _ desk: borrowing Desk) {
        let isKnown = first.digest != 0 || readsFirst
        looksAt = isKnown ? desk.now + Limits.looksAtRequestsMs : desk.now
    }

    fileprivate mutating func verify(
        last digest: Digest, at offset: Offset, provesNothing: Bool, isLook: Bool = false
    ) {
        compare(.last(provesNothing: provesNothing, isLook: isLook), digest, at: offset)
    }

    /// What is known to be the first is compared with what is the first now, from `low` on: a topic has
    /// nothing before its first record, ever.
    fileprivate mutating func verifyFirst(lostBefore end: Offset?, low: Offset) {
        compare(.first(lostBefore: end), first.digest, at: low)
    }

    fileprivate mutating func learnFirst(low: Offset) { compare(.newFirst, 0, at: low) }

    private mutating func compare(_ what: Comparison, _ digest: Digest, at offset: Offset) {
        precondition(offset >= 0, "RequestsLoss: nothing stands there")
        verifies = offset
        verifiesDigest = digest
        comparison = what
    }

    /// The end of what is known to be lost, where the topic's first record is to say how much that is.
    fileprivate var lostBefore: Offset? {
        guard isVerifying, case .first(let end) = comparison else { return nil }
        return end
    }

    fileprivate mutating func endVerifying() { verifies = nil }

    /// No topic is known by the record here: why it is malformed is told otherwise by other versions.
    mutating func isNoFirst(at offset: Offset) {
        if first.offset == offset { first = Checkpoint.First() }
    }

    /// Whether the first record is known, and should be there still.
    fileprivate func knowsFirst(low: Offset) -> Bool { first.digest != 0 && first.offset >= low }

    /// Nil: what is compared is not here.
    fileprivate mutating func find(
        _ digest: Digest, at offset: Offset, low: Offset, isSeeking: Bool
    ) -> Finding? {
        guard let wanted = verifies, offset >= wanted, offset == wanted || !isSeeking else {
            return nil
        }
        verifies = nil
        let isSame = offset == wanted && digest == verifiesDigest
        switch comparison {
        case .last(let provesNothing, let isLook):
            guard offset == wanted else { return nil }
            guard isSame else { return .lastLost }
            if provesNothing { return .mayBeLost(before: offset + 1) }
            if knowsFirst(low: low) {
                verifyFirst(lostBefore: nil, low: low)
            } else if isLook {
                learnFirst(low: low)
            }
            return .nothing
        case .first(let end):
            if offset < first.offset || offset == first.offset && digest != first.digest {
                return .anotherTopic(before: end ?? offset + 1)
            }
            return end.map { .lost(before: $0) } ?? .nothing
        case .newFirst:
            first = Checkpoint.First(offset: offset, digest: digest)
            return .nothing
        }
    }

    // MARK: What was read

    /// The takeover is done, and reading begins at `next`.
    mutating func beginReading(at next: Offset) { readFrom = max(next, rereadsUntil) }

    /// `low`: where the topic begins.
    mutating func noteRead(_ digest: Digest, at offset: Offset, low: Offset?) {
        if offset == low { first = Checkpoint.First(offset: offset, digest: digest) }
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
        isKnownByID = true
        rereadsUntil = max(rereadsUntil, end)
    }

    /// It is another topic, of which what stands before `end` may have been read, in its order: that is
    /// known by what stood where, and not by ids, which both topics may have.
    fileprivate mutating func beginAnew(until end: Offset) {
        rereadsUntil = end
        isKnownByID = false
        first = Checkpoint.First()
    }

    fileprivate mutating func reread(until end: Offset, from start: Offset) {
        precondition(verifies == nil, "RequestsLoss: it is read again, and verified")
        isKnownByID = true
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

    /// Somebody may have made the topic anew: nobody tells us.
    mutating func lookAtRequests(_ desk: inout Desk) {
        requestsLoss.look(nextAt: desk.now + Limits.looksAtRequestsMs)
        desk.emit(.ask(.requests))
    }

    /// The last request that was read is compared with what stands there now: where it is known; and
    /// where all was lost, when nothing proves that it is the same. Else the first one is.
    mutating func verifyLast(_ elector: borrowing Elector) {
        guard requests.next > 0, requestsLoss.lostBefore == nil else { return }
        let provesNothing = elector.log.loss.beganAnew
        if requests.last != 0 || provesNothing {
            requestsLoss.verify(
                last: requests.last, at: requests.next - 1, provesNothing: provesNothing)
        } else if requestsLoss.knowsFirst(low: requests.low ?? 0) {
            requestsLoss.verifyFirst(lostBefore: nil, low: requests.low ?? 0)
        }
    }

    /// It is looked at, and has records: the first one is the one that was there; where that is gone, or
    /// is not known, the last one is, and what is the first now is looked for from then on.
    mutating func lookAtFirst(low: Offset) {
        guard !requestsLoss.isVerifying else { return }
        if requestsLoss.knowsFirst(low: low) {
            requestsLoss.verifyFirst(lostBefore: nil, low: low)
        } else if requests.last != 0, requests.next > low {
            requestsLoss.verify(
                last: requests.last, at: requests.next - 1, provesNothing: false, isLook: true)
        } else {
            requestsLoss.learnFirst(low: low)
        }
    }

    /// The takeover is done: what the leader before us has read last, should it have said so, is
    /// compared; unless that is read again anyway.
    mutating func verifyPredecessorsLast(_ elector: borrowing Elector, _ desk: borrowing Desk) {
        requestsLoss.beginLooking(readsFirst: requests.next <= requests.low ?? 0, desk)
        if requestsLoss.rereadsUntil == 0 { verifyLast(elector) }
    }

    /// A record of `requests` was read, perhaps only to compare it. True: the broker has lost some, and
    /// reading goes on elsewhere.
    mutating func findsLoss(
        _ digest: Digest, at offset: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) -> Bool {
        let low = requests.low ?? 0
        let wasKnown = requestsLoss.lostBefore != nil
        let finding = requestsLoss.find(
            digest, at: offset, low: low, isSeeking: requests.isSeeking)
        switch finding {
        case nil, .nothing: return false
        case .mayBeLost(let end):
            desk.count(.logsLost)
            readAgain(before: end, elector, &desk)
        case .lastLost:
            desk.count(.logsLost)
            findHowMuchIsLost(before: offset + 1, elector, &desk)
        case .lost(let end): readAgain(before: end, elector, &desk)
        case .anotherTopic(let end):
            if !wasKnown { desk.count(.logsLost) }
            readAll(wanted: end, &desk)
        }
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
        // It may have grown again beyond what we had read.
        findHowMuchIsLost(before: min(end, requests.next), elector, &desk)
    }

    /// `requests` was read to its end, or the first of its records were removed: what was to be compared
    /// is not there.
    mutating func endComparing(_ elector: borrowing Elector, _ desk: inout Desk) {
        guard let end = requestsLoss.lostBefore else { return requestsLoss.endVerifying() }
        readAgain(before: end, elector, &desk)
    }

    /// What stood before `end` is lost, or after it: the topic's first record shows whether that is all.
    private mutating func findHowMuchIsLost(
        before end: Offset, _ elector: borrowing Elector, _ desk: inout Desk
    ) {
        requestsLoss.endVerifying()
        guard requestsLoss.knowsFirst(low: requests.low ?? 0), !elector.log.loss.beganAnew else {
            return readAgain(before: end, elector, &desk)
        }
        if requestsLoss.first.offset >= requests.end { return readAll(wanted: end, &desk) }
        requests.goBack(to: end)
        requestsLoss.verifyFirst(lostBefore: end, low: requests.low ?? 0)
    }

    /// The topic is another: all that it holds is new.
    private mutating func readAll(wanted: Offset, _ desk: inout Desk) {
        requestsLoss.endVerifying()
        requestsLoss.beginAnew(until: requests.next)
        requests.goBack(to: requests.low ?? 0)
        checkpoints.wantNow()
        desk.say(.logLost(.requests, wanted: wanted, from: requests.next))
    }

    /// The broker has lost records that stood before `end`, and may have others there: the last ones
    /// are read again; all of them, if it lost the leader log as well. Of our own tenure's reading
    /// we remember what stood where; else ids tell what is known.
    private mutating func readAgain(
        before end: Offset, _ elector: borrowing Elector, _ desk: inout Desk
    ) {
        let low = requests.low ?? 0
        let until = min(max(end, requestsLoss.rereadsUntil), requests.end)
        requestsLoss.endVerifying()
        let isAll = elector.log.loss.beganAnew
        requests.goBack(to: isAll ? low : max(low, until - Offset(Limits.openWork)))
        requestsLoss.reread(until: until, from: requests.next)
        // Everybody must know it first: what lies before `requests_next` is taken for settled.
        checkpoints.wantNow()
        desk.say(.logLost(.requests, wanted: end, from: requests.next))
    }

    /// The broker lost what was to be read again from `end` on. Nothing is said of it in `results`:
    /// other requests will stand at those offsets, and that would be read as theirs.
    mutating func forgetRequests(from end: Offset, _ desk: inout Desk) {
        for i in 0..<ledger.capacity where ledger.isFetching(i, from: end) {
            ledger.forget(i)
            desk.count(.requestsForgotten)
            checkpoints.want()
        }
    }
}
