/// A table of rows keyed by an offset (of a request), with room for `capacity` of them.
///
/// A row lives at its offset modulo the capacity, its home, where that place is free, else at
/// another; rows of one home are chained. Offsets come nearly in sequence, so chains are short.
/// A row keeps its index until it is removed. Inserting into a full table returns nil and
/// changes nothing; an unused or impossible index traps.
public struct OffsetTable<Row>: ~Copyable {
    private var keys: Table<Offset>
    private var rows: Table<Row>
    /// By home: the first index of its chain. By index: the next one of the chain.
    private var firsts: Table<Int16>
    private var nexts: Table<Int16>
    public private(set) var count = 0

    private static var unused: Offset { -1 }
    private static var none: Int16 { -1 }

    /// An empty table; `capacity` is a power of two. `filler` is never seen.
    public init(capacity: Int, filler: Row, _ arena: inout Arena) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0 && capacity <= Int16.max)
        keys = arena.table(capacity, filler: Self.unused)
        rows = arena.table(capacity, filler: filler)
        firsts = arena.table(capacity, filler: Self.none)
        nexts = arena.table(capacity, filler: Self.none)
    }

    public var capacity: Int { keys.count }
    public var isFull: Bool { count == capacity }

    private func home(_ offset: Offset) -> Int { Int(offset) & (capacity - 1) }

    /// The index of the row with this offset.
    public func find(_ offset: Offset) -> Int? {
        guard offset >= 0 else { return nil }
        var index = firsts[home(offset)]
        while index != Self.none {
            if keys[Int(index)] == offset { return Int(index) }
            index = nexts[Int(index)]
        }
        return nil
    }

    /// The index of a new row; nil when the table is full. The offset must not be in it yet.
    public mutating func insert(_ offset: Offset, _ row: Row) -> Int? {
        precondition(offset >= 0 && find(offset) == nil, "OffsetTable: offset there already")
        guard !isFull else { return nil }
        let home = home(offset)
        var index = home
        while keys[index] != Self.unused { index = (index + 1) & (capacity - 1) }
        nexts[index] = firsts[home]
        firsts[home] = Int16(index)
        keys[index] = offset
        rows[index] = row
        count += 1
        return index
    }

    public mutating func remove(at index: Int) {
        precondition(isUsed(index), "OffsetTable: no such row")
        let home = home(keys[index])
        if firsts[home] == index {
            firsts[home] = nexts[index]
        } else {
            var before = Int(firsts[home])
            while nexts[before] != index { before = Int(nexts[before]) }
            nexts[before] = nexts[index]
        }
        keys[index] = Self.unused
        count -= 1
    }

    public mutating func removeAll() {
        guard count > 0 else { return }
        for i in 0..<capacity {
            keys[i] = Self.unused
            firsts[i] = Self.none
        }
        count = 0
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
