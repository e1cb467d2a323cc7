/// Where the leader reads `requests` (design, section 6): what is new, in order, and before that
/// what must be read again because only its row of open work is known.
struct RequestReader {
    /// The next request to read in order.
    private(set) var next: Offset = 0
    /// The digest of what stands before `next`; 0: not known.
    private(set) var last: Digest = 0
    /// The first offset that the broker still has; nil: not known yet.
    private(set) var low: Offset?
    /// The topic reaches to here at least. An answer may be old, or say less than there is: it says
    /// where the topic ends only where it was asked for while reading went on from there.
    private(set) var end: Offset = 0
    /// Where the topic ends was asked for: a result names a request that stands there or after it.
    private var waitsForEnd = false
    /// Reading heads for an open request that must be read again, not for `next`.
    fileprivate(set) var isSeeking = false
    /// What reading heads for; it begins no later than where the topic is known to end.
    private var target: Offset = 0
    /// Where the topic ends was asked for since: what was read stands before `target`.
    private(set) var hasAskedEnd = false

    /// A tenure begins, and goes on where its predecessor's last checkpoint says.
    mutating func begin(at next: Offset, _ last: Digest) {
        self = RequestReader()
        self.next = next
        self.last = last
    }

    mutating func noteRead(_ digest: Digest, at offset: Offset) {
        next = offset + 1
        last = digest
    }

    /// What stands from `offset` on is to be read, again.
    mutating func goBack(to offset: Offset) {
        next = min(next, offset)
        last = 0
    }

    /// There is nothing to read before `offset`.
    mutating func skip(to offset: Offset) {
        next = offset
        last = 0
    }

    /// The topic begins at `low`, as the broker says.
    mutating func begins(at low: Offset) { self.low = low }

    /// What lies before `low` is gone.
    mutating func skipWhatIsGone() { next = max(next, low ?? 0) }

    mutating func reaches(_ end: Offset) { self.end = max(self.end, end) }

    /// True: where the topic ends is to be asked for, because of a result.
    mutating func wantsEnd() -> Bool {
        defer { waitsForEnd = true }
        return !waitsForEnd
    }

    /// The answer is here.
    mutating func endAnswered() { waitsForEnd = false }

    /// The broker lost what stood from `end` on.
    mutating func isCut(at end: Offset) { self.end = end }

    mutating func heads(for offset: Offset) {
        if offset != target || offset < end { hasAskedEnd = false }
        target = offset
    }

    /// A record was read. True once where it stands before what reading heads for: the topic may not
    /// reach as far, and where requests come all the time, no end is read.
    mutating func asksEnd(after offset: Offset) -> Bool {
        guard offset < target, !hasAskedEnd else { return false }
        hasAskedEnd = true
        return true
    }
}

// MARK: - A record was read

extension Leader {
    /// A request, at this offset of `requests`.
    mutating func onRequest(
        _ request: WorkRequest, _ bytes: Span<UInt8>, at offset: Offset,
        _ elector: inout Elector, _ desk: inout Desk
    ) {
        var request = request
        let digest = request.digest(bytes)
        if request.requestID.isEmpty { request.requestID = Ledger.name(after: offset) }
        guard let index = entry(for: request.requestID.key, digest, at: offset, &elector, &desk)
        else { return }
        if ledger.isRepeat(index) {
            return repeatFirst(index, request.requestID, &elector, &desk)
        }
        ledger.load(index, request, bytes, at: desk.now)
    }

    /// A record that is no request: its outcome is `rejected`, with the reason, under its own id
    /// where that could be read (`id` is empty where not).
    mutating func onMalformedRequest(
        _ why: Span<UInt8>, _ id: RequestID, at offset: Offset, _ elector: inout Elector,
        _ desk: inout Desk
    ) {
        let name = id.isEmpty ? Ledger.name(after: offset) : id
        reject(name, .malformed(id, why), why, at: offset, &elector, &desk)
        requestsLoss.isNoFirst(at: offset)
    }

    /// A request without a valid signature: its outcome is `rejected`, too. It is named by its offset,
    /// so that no stranger takes an id away from whoever uses it; by its own only where the union has
    /// taken it in before, when it counted.
    mutating func onVoidRequest(
        _ id: RequestID, _ digest: Digest, at offset: Offset, _ elector: inout Elector,
        _ desk: inout Desk
    ) {
        let isKnown = ledger.isTaken(id.key, at: offset)
        let why: StaticString = "it is not signed with this union's key"
        reject(
            isKnown ? id : Ledger.name(after: offset), digest, why.bytes, at: offset, &elector,
            &desk)
    }

    private mutating func reject(
        _ name: RequestID, _ digest: Digest, _ why: Span<UInt8>, at offset: Offset,
        _ elector: inout Elector, _ desk: inout Desk
    ) {
        guard let index = entry(for: name.key, digest, at: offset, &elector, &desk)
        else { return }
        // What a worker still has at this offset is another's: it is cancelled first.
        if case .cancelling = ledger.entries[index].state { return }
        if ledger.isRepeat(index) { return repeatFirst(index, name, &elector, &desk) }
        ledger.name(index, name, why)
        conclude(index, .rejected, nil, &elector, &desk)
    }

    /// The entry for the record that was read from `requests` at this offset; nil when nothing is
    /// to be done with the record.
    private mutating func entry(
        for key: Digest, _ digest: Digest, at offset: Offset,
        _ elector: inout Elector, _ desk: inout Desk
    ) -> Int? {
        guard isOpen(elector), elector.leads(desk) else { return nil }
        // What is next may stand before what is read only to compare it.
        let isComparing = requestsLoss.isVerifying
        if findsLoss(digest, at: offset, &elector, &desk) { return nil }
        if requests.asksEnd(after: offset) { desk.emit(.ask(.requests)) }
        // What is sought may lie ahead of what is next, where the broker lost what was before it.
        let isInOrder =
            offset == requests.next
            || (offset > requests.next && !requests.isSeeking && !isComparing)
        passForeignOutcome(at: offset, key, &desk)
        if let index = ledger.find(offset) {
            return known(index, key, digest, isInOrder: isInOrder, &elector, &desk)
        }
        // What lies before was settled, or is being fetched and has vanished.
        guard isInOrder else { return nil }
        let wasRead =
            requestsLoss.isRereading(offset)
            && (requestsLoss.wasRead(digest, at: offset)
                || requestsLoss.isKnownByID && ledger.isKnown(key))
        noteRead(digest, at: offset)
        checkpoints.want()
        if wasRead { return nil }
        // Of this very request, which another leader has read, the outcome may be known.
        if ledger.outcome(of: key)?.offset == offset { return nil }
        return admit(offset, key, &desk)
    }

    /// The request in this entry is read, again or for the first time in this tenure.
    private mutating func known(
        _ index: Int, _ key: Digest, _ digest: Digest, isInOrder: Bool,
        _ elector: inout Elector, _ desk: inout Desk
    ) -> Int? {
        if isInOrder {
            noteRead(digest, at: ledger.entries.offset(at: index))
            checkpoints.noteTaken()
        }
        // Of what stands there now the outcome was read, perhaps while another had its offset.
        let offset = ledger.entries.offset(at: index)
        if ledger.entries[index].state == .fetching, ledger.outcome(of: key)?.offset == offset {
            ledger.forget(index)
            return nil
        }
        if isUsedAgain(index, by: key) { return giveTo(key, index, &elector, &desk) }
        switch ledger.entries[index].state {
        case .settled:
            if isInOrder { ledger.pass(index) }
            return nil
        case .fetching: return index
        case .repeats: return nil
        case .assigned, .cancelling: return ledger.entries[index].isLoaded ? nil : index
        case .waiting, .concluded: return nil
        }
    }

    /// The outcome that was read for this offset was of a request that the broker has lost.
    private mutating func passForeignOutcome(at offset: Offset, _ key: Digest, _ desk: inout Desk) {
        guard let index = ledger.find(offset), ledger.entries[index].state == .settled,
            isUsedAgain(index, by: key)
        else { return }
        desk.count(.offsetsUsedAgain)
        ledger.pass(index)
    }

    /// The broker lost the request that this entry stands for, and gave its offset to another.
    private func isUsedAgain(_ index: Int, by key: Digest) -> Bool {
        let entry = ledger.entries[index]
        guard entry.requestKey != 0 && entry.requestKey != key else { return false }
        // Of two that stood there one after the other, both may have their outcomes.
        return entry.state != .settled || !ledger.isKnown(key)
    }

    /// Gives the entry to the request that has its offset now.
    private mutating func giveTo(
        _ key: Digest, _ index: Int, _ elector: inout Elector, _ desk: inout Desk
    ) -> Int? {
        desk.count(.offsetsUsedAgain)
        checkpoints.want()
        let state = ledger.entries[index].state
        // Who has what was concluded has another request's attempt.
        if case .concluded = state { takeBack(index, desk) }
        ledger.giveTo(key, index)
        if state == .assigned { cancel(index, .forgotten, &elector, &desk) }
        // What stood after it is lost as well.
        if state == .fetching { forgetRequests(from: requests.end, &desk) }
        // Its own outcome may have been read already. Who has another's attempt is waited for first.
        if ledger.outcome(of: key)?.offset == ledger.entries.offset(at: index) {
            if !ledger.isOut(index) { ledger.forget(index) }
            return nil
        }
        return index
    }

    private mutating func admit(_ offset: Offset, _ key: Digest, _ desk: inout Desk) -> Int? {
        if ledger.entries.isFull { ledger.forgetLastSettled() }
        guard hasRoom(desk), let index = ledger.admit(offset, key) else {
            // Read again when there is room.
            desk.count(.ledgerFull)
            requestsLoss.forgetRead(at: offset)
            requests.goBack(to: offset)
            return nil
        }
        checkpoints.noteTaken()
        desk.count(.admitted)
        return index
    }

    private mutating func noteRead(_ digest: Digest, at offset: Offset) {
        requestsLoss.noteRead(digest, at: offset, low: requests.low)
        requests.noteRead(digest, at: offset)
    }
}

// MARK: - Where it is read

extension Leader {
    /// Where to read `requests` next: what must be fetched again, then what is new.
    mutating func steer(_ elector: inout Elector, _ desk: inout Desk) {
        guard isOpen(elector), let low = requests.low else { return }
        requests.isSeeking = false
        // What lies beyond the end waits for reading to come there, if it can.
        let end = hasRoom(desk) ? requests.end : .max
        while desk.hasRoom, let index = ledger.firstToFetch(before: end) {
            let offset = ledger.entries.offset(at: index)
            guard offset < low else {
                requests.isSeeking = true
                return read(from: offset, &desk)
            }
            concludeGone(index, &elector, &desk)
        }
        if let offset = requestsLoss.verifies, offset >= low { return read(from: offset, &desk) }
        read(from: requests.next, &desk)
    }

    /// Not beyond the end that is known: reading from there shows whether there is more.
    private mutating func read(from offset: Offset, _ desk: inout Desk) {
        requests.heads(for: offset)
        let start = min(offset, max(requests.end, requests.low ?? 0))
        if desk.next(.requests) != start { desk.open(.requests, from: start) }
    }

    /// Reading of `requests` goes from where it was on to `offset`: what was to be fetched between
    /// them is gone. Before that nothing was looked for: the seek is still to come.
    mutating func passRequests(to offset: Offset, _ elector: inout Elector, _ desk: inout Desk) {
        guard isOpen(elector), elector.leads(desk) else { return }
        while desk.hasRoom, let index = ledger.firstToFetch(before: offset),
            ledger.entries.offset(at: index) >= desk.next(.requests)
        {
            concludeGone(index, &elector, &desk)
        }
    }

    /// Retention has removed the record of an open request. Its id is not known here; who reads
    /// results finds it by its offset.
    private mutating func concludeGone(
        _ index: Int, _ elector: inout Elector, _ desk: inout Desk
    ) {
        ledger.nameByOffset(index)
        conclude(index, .rejected, .recordGone, &elector, &desk)
    }

    /// There is a record at this offset.
    mutating func noteRequest(at offset: Offset) { requests.reaches(offset + 1) }

    /// `requests` has been read from `from` to its end.
    mutating func onRequestsEnd(
        _ end: Offset, from: Offset, _ elector: inout Elector, _ desk: inout Desk
    ) {
        guard isOpen(elector), requests.low != nil else { return }
        if isCutShort(at: end) {
            desk.count(.logsLost)
            return cutRequests(at: end, elector, &desk)
        }
        requests.reaches(end)
        if elector.leads(desk) { endComparing(elector, &desk) }
        // Offsets before the end may hold no record.
        if from == requests.next, end > from { requests.skip(to: end) }
    }

    /// Whether something is missing, should the topic end here: what was read, or is to be read again.
    private func isCutShort(at end: Offset) -> Bool {
        let isLastGone = requestsLoss.verifies.map { end <= $0 } ?? false
        return end < requests.next || isLastGone || ledger.fetches(from: end)
    }

    /// A result names a request that stands, as far as is known, at the topic's end or after it.
    mutating func askEnd(_ desk: inout Desk) {
        if requests.wantsEnd() { desk.emit(.ask(.requests)) }
    }

    /// Strangers write results, too. One whose request was not there when the end was asked for, after
    /// the result had been read, is void: no request can follow its result.
    private mutating func voidFarOutcomes(_ askedAt: Instant, _ desk: inout Desk) {
        requests.endAnswered()
        let far = ledger.voidOutcomes(from: requests.end, readBefore: askedAt)
        for _ in 0..<far.void { desk.count(.voidResults) }
        if far.void > 0 { checkpoints.want() }
        if far.isLeft { askEnd(&desk) }
    }

    /// The answer to where `requests` begins and ends.
    mutating func onRequestsBounds(
        low: Offset, high: Offset, askedAt: Instant, _ elector: inout Elector, _ desk: inout Desk
    ) {
        guard hasTenure else { return }
        requests.begins(at: low)
        requests.reaches(high)
        if requestsLoss.isLost {
            cutRequests(at: high, elector, &desk)
        } else if requests.hasAskedEnd && isCutShort(at: requests.end) {
            desk.count(.logsLost)
            cutRequests(at: requests.end, elector, &desk)
        } else if requestsLoss.isDoubted || high < requests.next {
            verifyLast(elector)
        } else if requestsLoss.isLookedAt, high > low {
            lookAtFirst(low: low)
        }
        if requestsLoss.verifies.map({ $0 < low }) ?? false { endComparing(elector, &desk) }
        voidFarOutcomes(askedAt, &desk)
        requestsLoss.endDoubt()
        requests.skipWhatIsGone()
        // Not where it was before: the first `steer` seeks.
        desk.forgetPosition(of: .requests)
        finishTakeover(&elector, &desk)
    }
}
