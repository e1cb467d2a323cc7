/// A first-in, first-out queue of at most `capacity` elements, in an `Arena`.
///
/// `append` to a full ring returns false and changes nothing; `push` drops the oldest element
/// instead. Index 0 is the oldest element. All operations are O(1).
public struct Ring<Element>: ~Copyable {
    private var storage: Table<Element>
    private var start = 0
    public private(set) var count = 0

    /// An empty ring. `filler` occupies the unused places and is never seen.
    public init(capacity: Int, filler: Element, _ arena: inout Arena) {
        storage = arena.table(capacity, filler: filler)
    }

    public var capacity: Int { storage.count }
    public var isEmpty: Bool { count == 0 }
    public var isFull: Bool { count == capacity }

    public subscript(index: Int) -> Element {
        unsafeAddress {
            precondition(index >= 0 && index < count, "Ring: index out of range")
            return unsafe storage.address(place(index))
        }
        unsafeMutableAddress {
            precondition(index >= 0 && index < count, "Ring: index out of range")
            return unsafe storage.mutableAddress(place(index))
        }
    }

    /// Appends `element` as the newest; false when the ring is full.
    @discardableResult
    public mutating func append(_ element: Element) -> Bool {
        guard count < capacity else { return false }
        storage[place(count)] = element
        count += 1
        return true
    }

    /// Appends `element` as the newest, dropping the oldest when the ring is full.
    public mutating func push(_ element: Element) {
        if count == capacity { removeFirst() }
        append(element)
    }

    /// Removes the oldest element; traps on an empty ring.
    @discardableResult
    public mutating func removeFirst() -> Element {
        precondition(count > 0, "Ring: empty")
        let first = storage[start]
        start = place(1)
        count -= 1
        return first
    }

    public mutating func removeAll() {
        start = 0
        count = 0
    }

    private func place(_ index: Int) -> Int {
        let place = start + index
        return place < capacity ? place : place - capacity
    }
}
