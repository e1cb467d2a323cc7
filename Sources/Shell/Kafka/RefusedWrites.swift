import Union

/// Records that the producer did not take, until that is told: its queue needs time to drain, and
/// who is told at once would write again at once.
struct RefusedWrites {
    private struct Refused {
        var tag: UInt
        /// It is never taken as it is.
        var forGood: Bool
        var due: Instant
    }

    private static let pauseMs: Int32 = 50

    private var writes = FixedArray<256, Refused>(
        filler: Refused(tag: 0, forGood: false, due: .never))

    var deadline: Instant { writes.isEmpty ? .never : writes[0].due }

    /// 0 is nobody's tag. One that finds no room is forgotten: its writer has 256 others to be
    /// told of.
    mutating func add(_ tag: UInt, forGood: Bool, at now: Instant) {
        if tag != 0 {
            writes.append(Refused(tag: tag, forGood: forGood, due: now + Self.pauseMs))
        }
    }

    /// What its writer is told of a record that was not taken, when it is time.
    mutating func next(at now: Instant) -> KafkaSession.Event? {
        guard deadline <= now else { return nil }
        defer { writes.remove(at: 0) }
        let tag = writes[0].tag
        return writes[0].forGood ? .refused(tag: tag) : .undelivered(tag: tag)
    }
}
