/// What happens to a node. A step takes one event, the bytes that belong to it, and the time.
public enum Event: Sendable {
    /// A record was read at an offset. Bytes: its payload.
    case read(Record, Offset)
    /// Something unreadable was read at an offset; where it is a request whose id could be read,
    /// with that. Bytes: why, as text for people.
    case malformed(Topic, RequestID, Offset)
    /// A record was read that counts for nothing, well-formed or not: it has no valid signature. Only
    /// whether it is the record that stood there before can be asked (the digest; and the id that a
    /// request gives itself). Made by `asVoid`.
    case void(Topic, RequestID, Digest, isSigned: Bool, Offset)
    /// The topic has been read up to here, and ends here for now (partition EOF). Fed for the
    /// first end after a seek, and where an end is not simply after the last record.
    case reachedEnd(Topic, Offset)
    /// The broker has this record now, at this offset.
    case delivered(Receipt, Offset)
    /// A record was given up by the producer. It may still appear in the log later.
    case undelivered(Receipt)
    /// The broker does not take the record as it is: it is too large, or against a policy.
    case refused(Receipt)
    /// The answer to `Effect.ask`: the topic holds the offsets `low ..< high`. `askedAt` is when
    /// the question left.
    case bounds(Topic, low: Offset, high: Offset, askedAt: Instant)
    /// The broker does not have the offset where we wanted to read on.
    case vanished(Topic)
    /// No broker can be reached / one can again.
    case brokerLost
    case brokerFound
    /// Who shows our LEDs does not answer / answers again (section 7). At the start it does.
    case keeperLost
    case keeperFound
    /// The job on this place of the bench has ended. Bytes: its output, or why there is none.
    case jobEnded(Place, JobEnd)
    /// The deadline that `Node.deadline` named has come (or nothing happened, which is harmless).
    case tick
    /// SIGTERM, or the user's Ctrl-C: hand over and leave.
    case shutdown
}

extension Event {
    /// What is left of a record that was read, or was malformed, and has no valid signature. `bytes`
    /// are that event's own, `isSigned` whether the record has a signature, of another key then.
    public func asVoid(isSigned: Bool, _ bytes: Span<UInt8>) -> Event {
        switch self {
        case .read(.request(let r), let offset):
            .void(.requests, r.requestID, r.digest(bytes), isSigned: isSigned, offset)
        case .read(.result(let r), let offset):
            .void(.results, RequestID(), r.digest, isSigned: isSigned, offset)
        case .read(let record, let offset):
            .void(record.topic, RequestID(), 0, isSigned: isSigned, offset)
        case .malformed(let topic, let id, let offset):
            .void(topic, id, .malformed(id, bytes), isSigned: isSigned, offset)
        default: preconditionFailure("Event: no record was read")
        }
    }
}

/// Which delivery a delivery report speaks of.
public enum Receipt: Equatable, Sendable {
    case none
    /// The heartbeat with this `count`.
    case heartbeat(Int64)
    /// The result of the attempt on this place of the bench; `serial` tells apart its users.
    case result(Place, serial: UInt32)
    /// The result of an assignment for which there was no place.
    case refusal
}

/// A place on the worker's bench, 0 ..< `Limits.bench`.
public typealias Place = Int32

public struct JobEnd: Sendable {
    public var status: Status
    public var exitCode: Int32?
    /// There was more output than `Limits.outputBytes`.
    public var truncated: Bool
    public var durationMs: Int64
    public var start = Start.made

    public enum Start: Sendable {
        case made
        /// It came to none.
        case none
        /// Its program could not be started: it does not exist, or the board lacks what it takes.
        case failed
    }

    public init(status: Status, exitCode: Int32?, truncated: Bool, durationMs: Int64) {
        self.status = status
        self.exitCode = exitCode
        self.truncated = truncated
        self.durationMs = durationMs
    }
}
