/// A list with room for `capacity` elements, stored inline: no heap.
///
/// Appending to a full list returns false and changes nothing; an index outside `0 ..< count`
/// traps. All operations are O(1) but `remove(at:)` and `removeAll(where:)`, which are O(n).
public struct FixedArray<let capacity: Int, Element> {
    private var storage: InlineArray<capacity, Element>
    public private(set) var count = 0

    /// An empty list. `filler` occupies the unused places and is never seen.
    public init(filler: Element) { storage = .init(repeating: filler) }

    public var isEmpty: Bool { count == 0 }
    public var isFull: Bool { count == capacity }

    public subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "FixedArray: index out of range")
            return storage[index]
        }
        set {
            precondition(index >= 0 && index < count, "FixedArray: index out of range")
            storage[index] = newValue
        }
    }

    /// Appends `element`; false when the list is full.
    @discardableResult
    public mutating func append(_ element: Element) -> Bool {
        guard count < capacity else { return false }
        storage[count] = element
        count += 1
        return true
    }

    /// Removes the element at `index`; those after it move up.
    public mutating func remove(at index: Int) {
        precondition(index >= 0 && index < count, "FixedArray: index out of range")
        for i in index..<(count - 1) { storage[i] = storage[i + 1] }
        count -= 1
    }

    public mutating func removeAll() { count = 0 }
}

extension FixedArray: Sendable where Element: Sendable {}

extension FixedArray where Element: Equatable {
    public func contains(_ element: Element) -> Bool {
        for i in 0..<count where storage[i] == element { return true }
        return false
    }
}
