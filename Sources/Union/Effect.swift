/// What a step wants done, in this order. Each effect owns a run of bytes in the outbox.
public enum Effect: Sendable {
    /// Append this record to its topic. Bytes: its payload. `Receipt.none` asks for no report.
    case write(Record, Receipt)
    /// Light the role's LED, steadily or (offline) blinking; the work LED when `working`.
    case show(Role, online: Bool, working: Bool)
    /// Run the request's job. Bytes: the request's payload. Ends with `Event.jobEnded`.
    case start(Place, Assignment, term: Term)
    /// Kill the job's process group: SIGTERM, or at once SIGKILL when `now`. It still ends with
    /// `Event.jobEnded`.
    case kill(Place, now: Bool)
    /// Find out which offsets the topic holds. Answered by `Event.bounds`; asked again by the
    /// shell until there is an answer.
    case ask(Topic)
    /// Read the topic from this offset on, wherever it was read before.
    case seek(Topic, Offset)
    /// Read the topic no more.
    case close(Topic)
    /// Something that people want to know.
    case say(Notice)
    /// The node is caught up, for the first time: systemd's READY.
    case ready
    /// Leave the process.
    case exit(Farewell)
}

public enum Farewell: Equatable, Sendable {
    /// After `Event.shutdown`.
    case done
    /// Another living worker has our id (section 5).
    case twin
}

/// What the log and the terminal show. The words are the shell's.
public enum Notice: Sendable {
    case caughtUp(leaderOffset: Offset)
    case campaign(Term, ranking: Int32)
    case tie(candidates: Int32, newRanking: Int32)
    case votes(for: WorkerID)
    case claims(Term)
    case leads(Term)
    case ledBy(WorkerID, Term)
    /// It led, and its lease ended or another claim was read.
    case steppedDown(Term)
    case resigned(WorkerID, Term)
    case quells(WorkerID, Term)
    case quelled(by: WorkerID)
    case memberAdded(WorkerID)
    case memberRemoved(WorkerID)
    case tookOver(open: Int32, assigned: Int32)
    case cancelled(Attempt, CancelReason)
    case attemptEnded(Attempt, Status)
    case settled(requestOffset: Offset, Status)
    case duplicate(requestOffset: Offset)
    /// Bytes: why.
    case malformed(Topic, Offset)
    case void(Topic, Offset)
    /// The worker's lease ended with this many jobs running: they are killed.
    case workerLeaseLost(jobs: Int32)
    /// The broker lost what we wanted to read: reading goes on at `from`.
    case logLost(Topic, wanted: Offset, from: Offset)
    case brokerLost
    case brokerFound
    case twin
    case waitsForTwin
    case superseded
}

public enum CancelReason: UInt8, Sendable {
    /// Neither a heartbeat nor a result showed it in time.
    case unacknowledged
    /// It overran its deadline and its worker did not stop it.
    case overrun
    /// It was queued behind a slow job.
    case recalled
    /// Its worker is no member any more.
    case removed
    /// The request has its outcome already.
    case settled
}

/// The effects of one step, in order, and their bytes. Taken empty into a step; the shell carries
/// everything out and empties it before the next one.
public struct Outbox: ~Copyable {
    private struct Entry {
        var effect: Effect
        var start: Int32
        var count: Int32
    }

    private var entries: Table<Entry>
    private var bytes: Table<UInt8>
    public private(set) var count = 0
    private var used = 0
    private var packedFrom = 0

    public init(_ arena: inout Arena) {
        entries = arena.table(Limits.effects, filler: Entry(effect: .ready, start: 0, count: 0))
        bytes = arena.bytes(Limits.effectBytes)
    }

    /// Whether a step may go on to things that can wait: half of the room is left. What cannot
    /// wait is bounded to the other half (`Node.step`).
    public var hasRoom: Bool { count < Limits.effects / 2 && used < Limits.effectBytes / 2 }

    public subscript(index: Int) -> Effect {
        precondition(index < count, "Outbox: index out of range")
        return entries[index].effect
    }

    /// The bytes of the effect at `index`.
    @_lifetime(borrow self)
    public borrowing func payload(_ index: Int) -> Span<UInt8> {
        precondition(index < count, "Outbox: index out of range")
        let start = Int(entries[index].start)
        return bytes.span(start..<(start + Int(entries[index].count)))
    }

    /// Appends an effect; what was packed since the last one is its payload.
    mutating func append(_ effect: Effect) {
        precondition(count < Limits.effects, "Outbox: full")
        entries[count] = Entry(
            effect: effect, start: Int32(packedFrom), count: Int32(used - packedFrom))
        count += 1
        packedFrom = used
    }

    mutating func say(_ notice: Notice) { append(.say(notice)) }

    public mutating func removeAll() {
        count = 0
        used = 0
        packedFrom = 0
    }
}

extension Outbox: PayloadSink {
    public mutating func pack(_ byte: UInt8) {
        bytes[used] = byte
        used += 1
    }

    public mutating func pack(_ source: Span<UInt8>) {
        bytes.copy(source, at: used)
        used += source.count
    }
}
