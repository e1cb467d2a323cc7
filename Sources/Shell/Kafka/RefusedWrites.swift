import Union

/// Records that the producer did not take, until that is told: its queue needs time to drain, and
/// who is told at once would write again at once.
struct RefusedWrites {
    private struct Refused {
        var tag: UInt
        var due: Instant
    }

    private static let pauseMs: Int32 = 50

    private var writes = FixedArray<256, Refused>(filler: Refused(tag: 0, due: .never))

    var deadline: Instant { writes.isEmpty ? .never : writes[0].due }

    /// 0 is nobody's tag. One that finds no room is forgotten: its writer has 256 others to be
    /// told of.
    mutating func add(_ tag: UInt, at now: Instant) {
        if tag != 0 { writes.append(Refused(tag: tag, due: now + Self.pauseMs)) }
    }

    /// The tag of a record that was not taken, when it is time to tell.
    mutating func next(at now: Instant) -> UInt? {
        guard deadline <= now else { return nil }
        defer { writes.remove(at: 0) }
        return writes[0].tag
    }
}
