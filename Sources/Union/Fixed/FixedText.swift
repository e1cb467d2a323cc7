/// Up to `capacity` bytes of text, stored inline: no heap. The bytes are whatever was appended;
/// that they are UTF-8 is the business of who reads them in (`Wire`).
public struct FixedText<let capacity: Int>: Sendable {
    private var storage: InlineArray<capacity, UInt8>
    public private(set) var count = 0

    public init() { storage = .init(repeating: 0) }

    /// The text of a literal; traps when it does not fit.
    public init(_ literal: StaticString) {
        self.init()
        precondition(append(literal), "FixedText: literal too long")
    }

    public var isEmpty: Bool { count == 0 }

    /// The bytes, without a terminator.
    public var span: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { storage.span.extracting(0..<count) }
    }

    /// Lends the bytes of a text that is no variable of its own, such as a function's result, an
    /// argument or a `let`. With Swift 6.3 at -Osize the `span` of such a one can outlive its
    /// bytes when everything is inlined; that of a variable which is being changed cannot.
    public func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        var copy = InlineArray<capacity, UInt8>(repeating: 0)
        for i in 0..<count { copy[i] = storage[i] }
        var bytes = copy.mutableSpan
        return unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe body(Span(_unsafeElements: UnsafeBufferPointer($0)).extracting(0..<count))
        }
    }

    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "FixedText: index out of range")
        return storage[index]
    }

    /// Appends a byte; false (and nothing changed) when full.
    @discardableResult
    public mutating func append(_ byte: UInt8) -> Bool {
        guard count < capacity else { return false }
        storage[count] = byte
        count += 1
        return true
    }

    /// Appends all the bytes, or none of them and returns false when they do not fit.
    @discardableResult
    public mutating func append(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count <= capacity - count else { return false }
        guard bytes.count > 0 else { return true }
        let end = count
        var room = storage.mutableSpan
        unsafe room.withUnsafeMutableBufferPointer { room in
            unsafe bytes.withUnsafeBufferPointer {
                unsafe (room.baseAddress! + end).update(from: $0.baseAddress!, count: $0.count)
            }
        }
        count += bytes.count
        return true
    }

    @discardableResult
    public mutating func append(_ literal: StaticString) -> Bool { append(literal.bytes) }

    /// Appends a decimal number; false (and nothing changed) when it does not fit.
    @discardableResult
    public mutating func append(decimal value: Int64) -> Bool {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var n = 0
        var rest = value.magnitude
        repeat {
            digits[n] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
            n += 1
        } while rest > 0
        guard n + (value < 0 ? 1 : 0) <= capacity - count else { return false }
        if value < 0 { append(UInt8(ascii: "-")) }
        while n > 0 {
            n -= 1
            append(digits[n])
        }
        return true
    }

    public mutating func removeAll() { count = 0 }
}

extension FixedText: Equatable {
    public static func == (a: FixedText, b: FixedText) -> Bool {
        guard a.count == b.count else { return false }
        for i in 0..<a.count where a.storage[i] != b.storage[i] { return false }
        return true
    }

    public func hasSameBytes(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for i in 0..<count where storage[i] != other[i] { return false }
        return true
    }
}
