/// The effects of one step, in order, and their bytes. The shell carries everything out and
/// empties it (`Node.clearOutbox`) before the next step.
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

    init(_ arena: inout Arena) {
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

    mutating func removeAll() {
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
