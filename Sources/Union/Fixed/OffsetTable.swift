/// A table of rows keyed by an offset (of a request), with room for `capacity` of them.
///
/// A row lives at its offset modulo the capacity where that place is free, else at the first free
/// one: offsets come nearly in sequence, so a look-up is O(1) nearly always and O(n) at worst.
/// A row keeps its index until it is removed. Inserting into a full table returns nil and
/// changes nothing; an unused or impossible index traps.
public struct OffsetTable<Row>: ~Copyable {
    private var keys: Table<Offset>
    private var rows: Table<Row>
    public private(set) var count = 0
    /// Rows that do not live at their offset's own place.
    private var displaced = 0

    private static var unused: Offset { -1 }

    /// An empty table; `capacity` is a power of two. `filler` is never seen.
    public init(capacity: Int, filler: Row, _ arena: inout Arena) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0)
        keys = arena.table(capacity, filler: Self.unused)
        rows = arena.table(capacity, filler: filler)
    }

    public var capacity: Int { keys.count }
    public var isFull: Bool { count == capacity }

    private func home(_ offset: Offset) -> Int { Int(offset) & (capacity - 1) }

    /// The index of the row with this offset.
    public func find(_ offset: Offset) -> Int? {
        guard offset >= 0 else { return nil }
        let home = home(offset)
        if keys[home] == offset { return home }
        guard displaced > 0 else { return nil }
        for i in 0..<capacity where keys[i] == offset { return i }
        return nil
    }

    /// The index of a new row; nil when the table is full. The offset must not be in it yet.
    public mutating func insert(_ offset: Offset, _ row: Row) -> Int? {
        precondition(offset >= 0 && find(offset) == nil, "OffsetTable: offset there already")
        guard !isFull else { return nil }
        var index = home(offset)
        if keys[index] != Self.unused {
            displaced += 1
            index = 0
            while keys[index] != Self.unused { index += 1 }
        }
        keys[index] = offset
        rows[index] = row
        count += 1
        return index
    }

    public mutating func remove(at index: Int) {
        precondition(isUsed(index), "OffsetTable: no such row")
        if home(keys[index]) != index { displaced -= 1 }
        keys[index] = Self.unused
        count -= 1
    }

    public mutating func removeAll() {
        for i in 0..<capacity { keys[i] = Self.unused }
        count = 0
        displaced = 0
    }

    public func isUsed(_ index: Int) -> Bool { keys[index] != Self.unused }

    public func offset(at index: Int) -> Offset {
        precondition(isUsed(index), "OffsetTable: no such row")
        return keys[index]
    }

    public subscript(index: Int) -> Row {
        unsafeAddress {
            precondition(isUsed(index), "OffsetTable: no such row")
            return unsafe rows.address(index)
        }
        unsafeMutableAddress {
            precondition(isUsed(index), "OffsetTable: no such row")
            return unsafe rows.mutableAddress(index)
        }
    }
}
