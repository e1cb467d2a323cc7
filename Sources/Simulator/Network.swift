import Union

/// How the network behaves at the moment.
struct Conditions {
    /// One way, usually between half and one and a half of this.
    var delayUs: Int32 = 500
    /// One in so many takes up to `tailUs` longer; 0: none.
    var tailOneIn: Int32 = 0
    var tailUs: Int32 = 0
    /// After so long without a record the end of a topic is reported.
    var idleUs: Int64 = 100_000
    /// One in so many writes: fails at once; times out and is lost; times out and appears late.
    var failOneIn: Int32 = 0
    var loseOneIn: Int32 = 0
    var lateOneIn: Int32 = 0
    var lateUs: Int64 = 10_000_000
    /// One question in so many for a topic's bounds is answered late.
    var answersLateOneIn: Int32 = 0
    /// One in so many steps: the process is stopped before their effects.
    var pauseInStepOneIn: Int32 = 0
    /// The longest pause.
    var pauseUs: Int64 = 12_000_000
    /// The mean time between two requests; 0: none come.
    var submitMeanUs: Int64 = 0
    /// One request in so many crashes its board; 0: none.
    var poisonOneIn: Int32 = 0
    var hungOneIn: Int32 = 0
    /// One heartbeat in so many cannot be read by anybody; 0: none.
    var damagedOneIn: Int32 = 0
    var starvingOneIn: Int32 = 0
    /// Of a result's output the broker takes no more.
    var resultBytes = Int.max
    /// Records of one fetch.
    var batch: Offset = 500
    /// What the broker takes and hands out, for all together; 0: as much as there is.
    var recordsPerSecond: Int64 = 0
    var bytesPerSecond = Int64.max
}

/// Records on their way to the broker, and their delivery reports on the way back.
struct Writes {
    struct Write {
        var board = 0
        var life = 0
        var record: Record
        var payload: [UInt8] = []
        var receipt = Receipt.none
        var signedBy: KeyID = 0
        var handedAt: Int64 = 0
        var offset: Offset?
        /// Counts the uses of this place.
        var use = 0
        var isReported = false
        /// The broker does not take it as it is.
        var isRefused = false
    }

    private var places = ContiguousArray<Write>()
    private var free: [Int] = []

    subscript(index: Int) -> Write {
        _read { yield places[index] }
        _modify { yield &places[index] }
    }

    mutating func add(_ write: Write) -> Int {
        if let index = free.popLast() {
            let use = places[index].use
            places[index] = write
            places[index].use = use
            return index
        }
        places.append(write)
        return places.count - 1
    }

    mutating func remove(_ index: Int) {
        places[index].use += 1
        places[index].payload = []
        free.append(index)
    }
}

// MARK: - Writing

extension SimulatedUnion {
    func delay() -> Int64 {
        let c = conditions
        var us = Int64(c.delayUs / 2 + random.below(c.delayUs + 1))
        if c.tailOneIn > 0, random.below(c.tailOneIn) == 0 { us += Int64(random.below(c.tailUs)) }
        return us
    }

    /// What its link adds, one way.
    private func linkDelay(_ board: Board) -> Int64 {
        guard board.jitterUs > 0 else { return board.linkUs }
        return board.linkUs + between(0, board.jitterUs)
    }

    /// When a busy broker is done with so many records: they wait for everybody's before them.
    private func served(_ records: Int64, bytes: Int64) -> Int64 {
        guard conditions.recordsPerSecond > 0 else { return now }
        let perRecord = records * 1_000_000 / conditions.recordsPerSecond
        let perByte = bytes * 1_000_000 / conditions.bytesPerSecond
        brokerIsFreeAt = max(now, brokerIsFreeAt) + max(perRecord, perByte)
        return brokerIsFreeAt
    }

    /// Bytes of a record on the wire, about.
    private static func bytes(_ payload: [UInt8]) -> Int64 { 300 + 2 * Int64(payload.count) }

    /// The time after which the producer gives a record up.
    private func timeoutUs(_ topic: Topic, _ board: Board) -> Int64 {
        switch topic {
        case .election, .leader, .heartbeat: Int64(board.settings.leaseMs) * 1000
        case .results, .requests: 3_000_000
        }
    }

    func write(_ record: Record, _ payload: [UInt8], _ receipt: Receipt, by board: Board) {
        // Others may lead as soon as they read it: the shell writes it once the keeper has shown the LED
        // dark, and one that does not answer in time it never writes (`EventLoop.resignWhenDark`).
        if case .leader(let r) = record, case .resign = r.order,
            board.stoppedKeeper?.litUntil != nil
        {
            return transcript.say(now, board, "keeps its RESIGN back: its LED may be lit")
        }
        transcript.say(now, board, "writes \(Transcript.name(record))")
        checker.onWrite(board, record, self)
        let topic = record.topic
        let index = writes.add(
            Writes.Write(
                board: board.index, life: board.life!.number, record: record, payload: payload,
                receipt: receipt, signedBy: board.settings.signsWith, handedAt: now))
        let use = writes[index].use
        let isDenied = topic == .results && !board.mayReport
        if topic == .results, payload.count > conditions.resultBytes {
            writes[index].isRefused = true
            return agenda.plan(.expired(write: index, use: use), at: now + delay())
        }
        let fate = isDenied ? .produceFails : drawFate()
        if fate == .produceFails {
            return agenda.plan(.expired(write: index, use: use), at: now + delay())
        }
        let timeout = now + timeoutUs(topic, board)
        if fate != nil { agenda.plan(.expired(write: index, use: use), at: timeout) }
        if fate == .produceLost { return }
        if fate == .produceLate {
            return agenda.plan(
                .sent(write: index, use: use), at: now + between(1000, conditions.lateUs))
        }
        let way = delay() + linkDelay(board) + board.slowUs / 4
        let at = max(board.lastSentAt[topic.index], now + way)
        board.lastSentAt[topic.index] = at
        agenda.plan(.sent(write: index, use: use), at: at)
    }

    private func drawFate() -> Fault? {
        let c = conditions
        if c.failOneIn > 0, random.below(c.failOneIn) == 0 { return count(.produceFails) }
        if c.loseOneIn > 0, random.below(c.loseOneIn) == 0 { return count(.produceLost) }
        if c.lateOneIn > 0, random.below(c.lateOneIn) == 0 { return count(.produceLate) }
        return nil
    }

    func onSent(_ index: Int, _ use: Int, _ act: Agenda.Act) {
        guard writes[index].use == use else { return }
        let board = boards[writes[index].board]
        let topic = writes[index].record.topic
        let isGone = board.life?.number != writes[index].life
        if !isGone && board.pausedUntil != nil && !writes[index].isReported {
            board.deferred.append(act)
            return
        }
        if !brokerIsUp || board.isCut(board.writeCut, topic) {
            if isGone || writes[index].isReported { return writes.remove(index) }
            board.outgoing.append(index)
            let timeout = writes[index].handedAt + timeoutUs(topic, board)
            return agenda.plan(.expired(write: index, use: use), at: max(now, timeout))
        }
        // What was on its way when its writer died may or may not arrive.
        if isGone && random.below(2) == 0 { return writes.remove(index) }
        let at = served(1, bytes: Self.bytes(writes[index].payload))
        guard at <= now else { return agenda.plan(.taken(write: index, use: use), at: at) }
        onTaken(index, use)
    }

    func onTaken(_ index: Int, _ use: Int) {
        guard writes[index].use == use else { return }
        let board = boards[writes[index].board]
        // It was on its way for two steps of the key.
        guard isValid(writes[index].signedBy) != nil else { return writes.remove(index) }
        let record = writes[index].record
        let isDamaged = isDamaged(record)
        let offset = append(
            isDamaged ? nil : record, isDamaged ? Array("damaged".utf8) : writes[index].payload,
            on: record.topic, by: board.index, signedBy: writes[index].signedBy)
        writes[index].offset = offset
        if writes[index].receipt == .none || writes[index].isReported {
            return writes.remove(index)
        }
        agenda.plan(
            .acknowledged(write: index, use: use), at: now + delay() + linkDelay(board))
    }

    func onAcknowledged(_ index: Int, _ use: Int, _ act: Agenda.Act) {
        guard writes[index].use == use else { return }
        let board = boards[writes[index].board]
        guard board.life?.number == writes[index].life else { return writes.remove(index) }
        if board.pausedUntil != nil { return board.deferred.append(act) }
        let topic = writes[index].record.topic
        if !brokerIsUp || board.isCut(board.writeCut, topic) {
            board.unreported.append(index)
            let timeout = writes[index].handedAt + timeoutUs(topic, board)
            return agenda.plan(.expired(write: index, use: use), at: max(now, timeout))
        }
        let (receipt, offset) = (writes[index].receipt, writes[index].offset!)
        writes.remove(index)
        feed(board, .delivered(receipt, offset))
    }

    /// The producer gives the record up, whatever the broker did with it.
    func onExpired(_ index: Int, _ use: Int, _ act: Agenda.Act) {
        guard writes[index].use == use, !writes[index].isReported else { return }
        let board = boards[writes[index].board]
        guard board.life?.number == writes[index].life else { return }
        if board.pausedUntil != nil { return board.deferred.append(act) }
        let waits = board.outgoing.contains(index) || board.unreported.contains(index)
        let (receipt, isRefused) = (writes[index].receipt, writes[index].isRefused)
        writes[index].isReported = true
        if waits || isRefused {
            board.outgoing.removeAll { $0 == index }
            board.unreported.removeAll { $0 == index }
            writes.remove(index)
        }
        guard receipt != .none else { return }
        feed(board, isRefused ? .refused(receipt) : .undelivered(receipt))
    }

    /// A user's.
    @discardableResult
    func append(_ record: Record, _ payload: [UInt8]) -> Offset {
        append(record, payload, on: record.topic, by: -1, signedBy: usersKey)
    }

    /// A stranger's: void where there is a key. While some boards take what is not signed for valid and
    /// others do not, or will not, nothing is promised against him, and he is silent.
    func forge(_ record: Record?, _ payload: [UInt8], on topic: Topic) {
        // Nor does he write what will be valid when all boards are where they should be.
        let isKeyless = KeyStep.all[keyStep].accepts.contains(0)
        guard let isTaken = isValid(0), isTaken ? keyStep == 0 : !isKeyless else { return }
        let signs = !isTaken && random.below(2) == 0
        strangersWrote = strangersWrote || !isTaken && !signs
        append(record, payload, on: topic, by: -1, signedBy: signs ? KeyStep.foreign : 0)
    }

    @discardableResult
    func append(
        _ record: Record?, _ payload: [UInt8], on topic: Topic, by writer: Int, signedBy: KeyID
    ) -> Offset {
        let offset = topics[topic.index].append(
            SimulatedTopic.Entry(
                record: record, payload: payload, writer: writer, at: now, signedBy: signedBy))
        tally.records += 1
        if transcript.isKept {
            let what = record.map { Transcript.name($0) } ?? "something malformed"
            let signed = signedBy == 0 ? "" : ", signed by key \(signedBy)"
            transcript.say(now, "log", "\(topic)[\(offset)] = \(what)\(signed)")
        }
        if writer >= 0, case .leader(let r)? = record, case .checkpoint = r.order {
            checkpointKey = signedBy
        }
        let isUnsigned = isValid(signedBy) == false
        checker.onAppend(
            topic, offset, isUnsigned ? nil : record, writer, isUnsigned: isUnsigned, self)
        for board in boards where board.life != nil && board.staleEnds == nil {
            fetch(topic, board)
        }
        return offset
    }
}

// MARK: - Reading

extension SimulatedUnion {
    /// Where the topic ends, as the board's broker knows it.
    private func end(of topic: Topic, for board: Board) -> Offset {
        let end = topics[topic.index].high
        return board.staleEnds.map { min($0[topic.index], end) } ?? end
    }

    func seek(_ topic: Topic, _ offset: Offset, _ board: Board) {
        transcript.say(now, board, "reads \(topic) from \(offset)")
        let i = topic.index
        board.readers[i] = Board.Reader(position: offset, seek: board.readers[i].seek + 1)
        fetch(topic, board)
    }

    func close(_ topic: Topic, _ board: Board) {
        let i = topic.index
        board.readers[i] = Board.Reader(position: -1, seek: board.readers[i].seek + 1)
    }

    /// Fetches what there is, unless a fetch is on its way already.
    func fetch(_ topic: Topic, _ board: Board) {
        let i = topic.index
        let reader = board.readers[i]
        guard reader.position >= 0, reader.fetchedTo == nil, !reader.isOutOfRange else { return }
        guard brokerIsUp, !board.isCut(board.readCut, topic) else { return }
        guard now >= reader.asksAt else { return }
        let log = topics[i]
        let act = Agenda.Act.fetched(board: board.index, topic, seek: reader.seek)
        let end = end(of: topic, for: board)
        if reader.position < log.low || reader.position > end || reader.isBehindCut {
            board.readers[i].isOutOfRange = true
        } else if reader.position < end {
            board.readers[i].fetchedTo = min(end, reader.position + conditions.batch)
        } else {
            return planIdle(topic, board)
        }
        var at = now
        if let end = board.readers[i].fetchedTo, conditions.recordsPerSecond > 0 {
            var bytes: Int64 = 0
            for offset in reader.position..<end { bytes += Self.bytes(log[offset].payload) }
            at = served(end - reader.position, bytes: bytes)
        }
        agenda.plan(act, at: at + delay() + linkDelay(board) + board.slowUs)
    }

    func onFetched(_ board: Board, _ topic: Topic, _ seek: Int, _ act: Agenda.Act) {
        let i = topic.index
        guard board.life != nil, board.readers[i].seek == seek else { return }
        if board.pausedUntil != nil { return board.deferred.append(act) }
        if !brokerIsUp || board.isCut(board.readCut, topic) {
            // The answer is lost; it is fetched again when there is a connection.
            board.readers[i].fetchedTo = nil
            board.readers[i].isOutOfRange = false
            return
        }
        if board.readers[i].isOutOfRange {
            board.readers[i] = Board.Reader(position: -1, seek: seek + 1)
            transcript.say(now, board, "finds \(topic) vanished")
            return feed(board, .vanished(topic))
        }
        deliver(topic, board)
    }

    /// Feeds what was fetched, for as long as the node goes on reading there.
    func deliver(_ topic: Topic, _ board: Board) {
        let i = topic.index
        guard let life = board.life else { return }
        let seek = board.readers[i].seek
        while let end = board.readers[i].fetchedTo, board.readers[i].position < end {
            if topic == .requests, !life.node.wantsRequests {
                board.readers[i].isHeld = true
                return
            }
            board.readers[i].isHeld = false
            let offset = board.readers[i].position
            board.readers[i].position = offset + 1
            feedRecord(topic, offset, board, life)
            guard board.life === life, board.readers[i].seek == seek else { return }
            if board.pausedUntil != nil {
                board.deferred.append(.fetched(board: board.index, topic, seek: seek))
                return
            }
        }
        board.readers[i].fetchedTo = nil
        let way = linkDelay(board)
        guard way > 0 else { return fetch(topic, board) }
        board.readers[i].asksAt = now + way
        agenda.plan(.asksAgain(board: board.index, topic, seek: seek), at: now + way)
    }

    private func feedRecord(_ topic: Topic, _ offset: Offset, _ board: Board, _ life: Life) {
        let entry = topics[topic.index][offset]
        board.recordsRead += 1
        if transcript.isKept {
            let what = entry.record.map { Transcript.name($0) } ?? "malformed"
            transcript.say(now, board, "< \(topic)[\(offset)] \(what)")
        }
        if !board.settings.accepts.contains(entry.signedBy) {
            let event = entry.record.map { Event.read($0, offset) }
            let void = (event ?? .malformed(topic, RequestID(), offset)).asVoid(
                isSigned: entry.signedBy != 0, entry.payload.span)
            return feed(board, void)
        }
        guard let record = entry.record.flatMap({ read($0, by: board) }) else {
            let id = SimulatedTopic.readableID(ofMalformedAt: offset)
            return feed(board, .malformed(topic, id, offset), entry.payload.span)
        }
        if topic == .leader, !isOwnMark(record, board),
            checker.expectsNothing(of: offset, board, self)
        {
            // Whatever is due by itself is no answer to this record.
            for _ in 0..<Self.mostTicksAtOnce {
                feed(board, .tick)
                guard board.life === life, board.pausedUntil == nil else {
                    board.readers[topic.index].position = offset
                    return
                }
                if life.node.deadline > board.clock(at: now) { break }
            }
            checker.isFeedingVoid = true
            feed(board, .read(record, offset), entry.payload.span)
            checker.isFeedingVoid = false
        } else {
            feed(board, .read(record, offset), entry.payload.span)
        }
    }

    /// Void for everybody, and yet of use to who wrote it.
    private func isOwnMark(_ record: Record, _ board: Board) -> Bool {
        guard case .leader(let r) = record else { return false }
        return r.isMark && r.workerID == board.settings.workerID
    }

    /// The node wants requests again.
    func feedHeld(_ board: Board) {
        let reader = board.readers[Topic.requests.index]
        guard reader.isHeld, board.pausedUntil == nil, let life = board.life,
            life.node.wantsRequests
        else { return }
        board.readers[Topic.requests.index].isHeld = false
        let act = Agenda.Act.fetched(board: board.index, .requests, seek: reader.seek)
        agenda.plan(act, at: now)
    }

    private func planIdle(_ topic: Topic, _ board: Board) {
        let i = topic.index
        board.readers[i].quietSince = now
        guard board.readers[i].endSaid != board.readers[i].position,
            !board.readers[i].isIdlePlanned
        else { return }
        board.readers[i].isIdlePlanned = true
        agenda.plan(
            .idle(board: board.index, topic, seek: board.readers[i].seek),
            at: now + conditions.idleUs)
    }

    func onIdle(_ board: Board, _ topic: Topic, _ seek: Int, _ act: Agenda.Act) {
        let i = topic.index
        guard board.life != nil, board.readers[i].seek == seek else { return }
        if board.pausedUntil != nil { return board.deferred.append(act) }
        board.readers[i].isIdlePlanned = false
        let reader = board.readers[i]
        guard reader.fetchedTo == nil, reader.position == end(of: topic, for: board), brokerIsUp,
            !board.isCut(board.readCut, topic)
        else { return }
        guard now >= reader.quietSince + conditions.idleUs else {
            board.readers[i].isIdlePlanned = true
            return agenda.plan(act, at: reader.quietSince + conditions.idleUs)
        }
        board.readers[i].endSaid = reader.position
        transcript.say(now, board, "< \(topic) ends at \(reader.position)")
        feed(board, .reachedEnd(topic, reader.position))
    }
}

// MARK: - Asking

extension SimulatedUnion {
    func ask(_ topic: Topic, _ board: Board) {
        guard let life = board.life else { return }
        transcript.say(now, board, "asks for the bounds of \(topic)")
        // The client has looked at the clock a moment before the node did.
        let at = board.clock(at: now).adding(us: -50)
        agenda.plan(
            .asked(board: board.index, topic, life: life.number, at: at), at: now + answerDelay())
    }

    /// How long a question is on its way.
    private func answerDelay() -> Int64 {
        let oneIn = conditions.answersLateOneIn
        guard oneIn > 0, random.below(oneIn) == 0 else { return delay() }
        tally.faults[Fault.answersLate.rawValue] += 1
        return between(500_000, conditions.lateUs)
    }

    func onAsked(_ board: Board, _ topic: Topic, _ life: Int, _ at: Instant) {
        guard board.life?.number == life else { return }
        guard brokerIsUp, !board.isCut(board.readCut, topic) else {
            board.questions.append(topic)
            return
        }
        let high = end(of: topic, for: board)
        agenda.plan(
            .answered(
                board: board.index, topic, life: life, low: min(topics[topic.index].low, high),
                high: high, at: at),
            at: now + delay())
    }

    func onAnswered(
        _ board: Board, _ topic: Topic, _ life: Int, _ low: Offset, _ high: Offset,
        _ at: Instant, _ act: Agenda.Act
    ) {
        guard board.life?.number == life else { return }
        if board.pausedUntil != nil { return board.deferred.append(act) }
        if !brokerIsUp || board.isCut(board.readCut, topic) {
            board.questions.append(topic)
            return
        }
        transcript.say(now, board, "< \(topic) holds \(low)..<\(high)")
        feed(board, .bounds(topic, low: low, high: high, askedAt: at))
    }

    func onBrokerSeen(_ board: Board, _ life: Int, _ isThere: Bool, _ act: Agenda.Act) {
        guard board.life?.number == life else { return }
        if board.pausedUntil != nil { return board.deferred.append(act) }
        let isConnected = brokerIsUp && (board.readCut != 0x1F || board.writeCut != 0x1F)
        guard isConnected == isThere, board.knowsBroker != isThere else { return }
        board.knowsBroker = isThere
        feed(board, isThere ? .brokerFound : .brokerLost)
    }

    /// A connection has come back: what waited for one goes on, in order.
    func resume(_ board: Board) {
        let waiting = board.outgoing
        board.outgoing = []
        var at = now
        for index in waiting {
            at += delay() / 4 + 1
            agenda.plan(.sent(write: index, use: writes[index].use), at: at)
        }
        for index in board.unreported {
            agenda.plan(.acknowledged(write: index, use: writes[index].use), at: now + delay())
        }
        board.unreported = []
        for topic in board.questions { ask(topic, board) }
        board.questions = []
        for topic in Topic.all { fetch(topic, board) }
    }
}
