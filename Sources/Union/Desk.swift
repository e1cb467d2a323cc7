/// What every room of a node works with during a step: who we are, what time it is, where each
/// topic is read, and where effects go.
public struct Desk: ~Copyable {
    private let ownSettings: Box<Settings>
    private var ownCounters: Box<Counters>
    /// The time of the present step.
    private(set) var now = Instant.zero
    /// When the node must be gone, after SIGTERM; nil: it stays.
    private(set) var leavesAt: Instant?
    /// Who shows our LEDs answers. Without that we neither lead nor run for it (section 7).
    private(set) var hasKeeper = true
    public private(set) var outbox: Outbox
    private var random: Random
    /// The next offset to read of each topic; -1: not read.
    private var nextOffsets = InlineArray<5, Offset>(repeating: -1)

    init(_ settings: Settings, seed: UInt64, _ arena: inout Arena) {
        ownSettings = arena.box(settings)
        ownCounters = arena.box(Counters())
        outbox = Outbox(&arena)
        random = Random(seed: seed)
    }

    /// A step begins.
    mutating func begin(at now: Instant) {
        precondition(now >= self.now, "Node: time goes back")
        self.now = now
    }

    /// The node is to leave, and has this long.
    mutating func leave(withinMs ms: Int32) {
        precondition(leavesAt == nil, "Desk: it leaves already")
        leavesAt = now + ms
    }

    var isLeaving: Bool { leavesAt != nil }

    mutating func keeper(answers: Bool) { hasKeeper = answers }

    var settings: Settings {
        unsafeAddress { unsafe ownSettings.address }
    }
    var counters: Counters {
        unsafeAddress { unsafe ownCounters.address }
    }

    mutating func count(_ what: Count) { ownCounters.value.add(what) }

    /// A random number in `0 ..< bound`.
    mutating func random(below bound: Int32) -> Int32 { random.below(bound) }
}

// MARK: - Where each topic is read

extension Desk {
    /// The next offset to read; -1 when the topic is not read.
    func next(_ topic: Topic) -> Offset { nextOffsets[Int(topic.rawValue)] }

    /// The topic has been read up to `offset`.
    mutating func hasRead(_ topic: Topic, to offset: Offset) {
        precondition(offset >= next(topic), "Desk: a topic is read backwards")
        nextOffsets[Int(topic.rawValue)] = offset
    }

    /// Reads the topic from `offset` on, wherever it was read before.
    mutating func open(_ topic: Topic, from offset: Offset) {
        precondition(offset >= 0, "Desk: no topic has such an offset")
        nextOffsets[Int(topic.rawValue)] = offset
        outbox.append(.seek(topic, offset))
    }

    /// What is read next is not known: records of the topic are passed over until `open`.
    mutating func forgetPosition(of topic: Topic) { nextOffsets[Int(topic.rawValue)] = -1 }

    /// Reads the topic no more.
    mutating func close(_ topic: Topic) {
        forgetPosition(of: topic)
        outbox.append(.close(topic))
    }
}

// MARK: - What is to be done

extension Desk {
    /// Whether this step may go on to things that can wait.
    var hasRoom: Bool { outbox.hasRoom }

    /// Appends an effect; what was packed since the last one is its payload.
    mutating func emit(_ effect: Effect) { outbox.append(effect) }

    mutating func say(_ notice: Notice) { outbox.append(.say(notice)) }

    /// A record counts for nothing.
    mutating func sayVoid(_ topic: Topic, _ offset: Offset, _ why: VoidReason) {
        switch why {
        case .tenureOver: count(.voidRecords)
        case .termTooHigh: count(.termsTooHigh)
        case .unsigned: count(.unsigned)
        case .signedOtherwise: count(.signedOtherwise)
        }
        say(.void(topic, offset, why))
    }

    mutating func write(_ record: Record, _ receipt: Receipt = .none) {
        outbox.append(.write(record, receipt))
    }

    mutating func clearOutbox() { outbox.removeAll() }
}

extension LeaderRecord {
    /// Written by this worker, in this life.
    func isOurs(_ desk: borrowing Desk) -> Bool {
        workerID == desk.settings.workerID && incarnation == desk.settings.incarnation
    }
}

extension Desk: PayloadSink {
    public mutating func pack(_ byte: UInt8) { outbox.pack(byte) }
    public mutating func pack(_ bytes: Span<UInt8>) { outbox.pack(bytes) }
}
