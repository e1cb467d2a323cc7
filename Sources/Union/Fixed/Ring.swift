/// A first-in, first-out queue of at most `capacity` elements, stored inline: no heap.
///
/// `append` to a full ring returns false and changes nothing; `push` drops the oldest element
/// instead. Index 0 is the oldest element. All operations are O(1).
public struct Ring<let capacity: Int, Element> {
    private var storage: InlineArray<capacity, Element>
    private var start = 0
    public private(set) var count = 0

    /// An empty ring. `filler` occupies the unused places and is never seen.
    public init(filler: Element) { storage = .init(repeating: filler) }

    public var isEmpty: Bool { count == 0 }
    public var isFull: Bool { count == capacity }

    public subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "Ring: index out of range")
            return storage[place(index)]
        }
        set {
            precondition(index >= 0 && index < count, "Ring: index out of range")
            storage[place(index)] = newValue
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

extension Ring: Sendable where Element: Sendable {}
