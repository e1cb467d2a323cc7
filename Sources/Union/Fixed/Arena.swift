/// The memory of the node's big tables: one region, given once at start (`mmap` in the shipped
/// binary), handed out in order and never returned (design, section 1).
///
/// The region must be zeroed and outlive every table taken from it.
@safe
public struct Arena: ~Copyable {
    private var rest: UnsafeMutableRawBufferPointer

    /// Takes the region over. Unsafe because nobody can check that it lives long enough.
    @unsafe
    public init(_ region: UnsafeMutableRawBufferPointer) { unsafe rest = region }

    /// Bytes that are still free.
    public var free: Int { unsafe rest.count }

    /// A table of `count` elements, each a copy of `filler`; traps when the region is used up.
    public mutating func table<Element>(_ count: Int, filler: Element) -> Table<Element> {
        precondition(count > 0)
        let address = unsafe Int(bitPattern: rest.baseAddress)
        let misplaced = address % MemoryLayout<Element>.alignment
        let padding = misplaced == 0 ? 0 : MemoryLayout<Element>.alignment - misplaced
        let size = count * MemoryLayout<Element>.stride
        precondition(unsafe padding + size <= rest.count, "Arena: the region is used up")
        let taken = unsafe UnsafeMutableRawBufferPointer(rebasing: rest[padding..<(padding + size)])
        unsafe rest = UnsafeMutableRawBufferPointer(rebasing: rest[(padding + size)...])
        let elements = unsafe taken.bindMemory(to: Element.self)
        unsafe elements.initialize(repeating: filler)
        return unsafe Table(elements)
    }

    /// `count` zeroed bytes that stay untouched, and so cost no memory, until they are written.
    public mutating func bytes(_ count: Int) -> Table<UInt8> {
        precondition(unsafe count > 0 && count <= rest.count, "Arena: the region is used up")
        let taken = unsafe UnsafeMutableRawBufferPointer(rebasing: rest[..<count])
        unsafe rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
        return unsafe Table(taken.bindMemory(to: UInt8.self))
    }
}

extension Arena {
    /// A box that holds `value`; traps when the region is used up.
    public mutating func box<Value>(_ value: Value) -> Box<Value> { Box(table(1, filler: value)) }
}

/// One value in an `Arena`: what is large, and would be copied where its owner is handed on.
public struct Box<Value>: ~Copyable {
    private var table: Table<Value>

    fileprivate init(_ table: consuming Table<Value>) { self.table = table }

    @unsafe var address: UnsafePointer<Value> { unsafe table.address(0) }

    public var value: Value {
        unsafeAddress { unsafe table.address(0) }
        unsafeMutableAddress { unsafe table.mutableAddress(0) }
    }
}

/// A row of elements in an `Arena`; an index outside `0 ..< count` traps.
@safe
public struct Table<Element>: ~Copyable {
    private let elements: UnsafeMutableBufferPointer<Element>

    @unsafe
    fileprivate init(_ elements: UnsafeMutableBufferPointer<Element>) {
        unsafe self.elements = elements
    }

    public var count: Int { unsafe elements.count }

    public subscript(index: Int) -> Element {
        unsafeAddress { unsafe address(index) }
        unsafeMutableAddress { unsafe mutableAddress(index) }
    }

    @unsafe
    func address(_ index: Int) -> UnsafePointer<Element> {
        precondition(unsafe index >= 0 && index < elements.count, "Table: index out of range")
        return unsafe UnsafePointer(elements.baseAddress! + index)
    }

    @unsafe
    func mutableAddress(_ index: Int) -> UnsafeMutablePointer<Element> {
        precondition(unsafe index >= 0 && index < elements.count, "Table: index out of range")
        return unsafe elements.baseAddress! + index
    }

    /// The elements of `range`.
    @_lifetime(borrow self)
    public borrowing func span(_ range: Range<Int>) -> Span<Element> {
        precondition(unsafe range.lowerBound >= 0 && range.upperBound <= elements.count)
        return unsafe _overrideLifetime(
            Span(_unsafeElements: UnsafeBufferPointer(rebasing: elements[range])), borrowing: self)
    }

    /// Copies `source` to the places from `index` on.
    public mutating func copy(_ source: Span<Element>, at index: Int) {
        precondition(unsafe index >= 0 && source.count <= elements.count - index)
        guard source.count > 0 else { return }
        unsafe source.withUnsafeBufferPointer {
            unsafe (elements.baseAddress! + index).update(from: $0.baseAddress!, count: $0.count)
        }
    }
}
