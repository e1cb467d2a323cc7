import Union

/// The bulk of a request as `Payload` packs it: what a job gets to see of it.
public struct RequestPayload: ~Escapable {
    private let bytes: Span<UInt8>
    private let parametersAt: Int
    private let requesterAt: Int
    private let signatureAt: Int
    public let parameterCount: Int

    /// Looks into `bytes`, the payload of a request or of its assignment; traps when it is not one.
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) {
        let countAt = bytes.behindText(at: 0, lengthSize: 2)
        self.bytes = bytes
        parameterCount = Int(bytes[countAt])
        parametersAt = countAt + 1
        var next = parametersAt
        for _ in 0..<parameterCount { next = bytes.behindParameter(at: next) }
        requesterAt = next
        signatureAt = bytes.behindText(at: next, lengthSize: 1)
    }

    /// The job's standard input; nil when the request has none.
    public var code: Span<UInt8>? {
        @_lifetime(copy self)
        get { bytes.text(at: 0, lengthSize: 2) }
    }

    public var requesterID: Span<UInt8>? {
        @_lifetime(copy self)
        get { bytes.text(at: requesterAt, lengthSize: 1) }
    }

    public var signature: Span<UInt8>? {
        @_lifetime(copy self)
        get { bytes.text(at: signatureAt, lengthSize: 2) }
    }

    /// A parameter. Neither holds a NUL, and the name no '='.
    public struct Parameter: ~Escapable {
        public let name: Span<UInt8>
        public let value: Span<UInt8>

        @_lifetime(copy name, copy value)
        fileprivate init(name: Span<UInt8>, value: Span<UInt8>) {
            self.name = name
            self.value = value
        }
    }

    /// The parameter at `index`, in the request's own order. O(index).
    @_lifetime(copy self)
    public func parameter(_ index: Int) -> Parameter {
        precondition(index >= 0 && index < parameterCount, "RequestPayload: index out of range")
        var start = parametersAt
        for _ in 0..<index { start = bytes.behindParameter(at: start) }
        let name = bytes.run(at: start)
        let value = bytes.run(at: start + 2 + name.count)
        return Parameter(name: name, value: value)
    }

    /// Packs what a user wants to submit; throws what does not fit or is not UTF-8.
    public static func pack(
        code: Span<UInt8>?, _ parameters: borrowing Parameters, requesterID: Span<UInt8>?,
        signature: Span<UInt8>?, into payload: inout Payload.Buffer
    ) throws(Malformed) {
        payload.removeAll()
        try pack(code, .code, limit: Limits.codeBytes, lengthSize: 2, into: &payload)
        parameters.pack(into: &payload)
        try pack(requesterID, .requesterID, limit: Limits.idBytes, lengthSize: 1, into: &payload)
        try pack(
            signature, .signature, limit: Limits.signatureBytes, lengthSize: 2, into: &payload)
    }

    private static func pack(
        _ text: Span<UInt8>?, _ field: Field, limit: Int, lengthSize: Int,
        into payload: inout Payload.Buffer
    ) throws(Malformed) {
        guard let text else { return payload.pack(0, size: lengthSize) }
        guard text.count <= limit else {
            throw Malformed(.tooLong, field, given: text.count, limit: limit)
        }
        if let position = text.firstInvalidByte {
            throw Malformed(.notText, field, given: position)
        }
        payload.pack(UInt64(text.count + 1), size: lengthSize)
        payload.pack(text)
    }
}

/// The parameters of a request while it is put together.
public struct Parameters: ~Copyable {
    public private(set) var count = 0
    /// As in a request's payload: each name and value after its length.
    private var packed = FixedText<1088>()

    public init() {}

    /// Adds a parameter. The name becomes part of an environment variable's, the value its value:
    /// no NUL in either, no '=' in the name, which is not empty and not there yet. Together they
    /// have at most `Limits.parameterBytes`, and there are at most `Limits.parameters`.
    public mutating func add(name: Span<UInt8>, value: Span<UInt8>) throws(Malformed) {
        try check(name)
        try check(value)
        guard !name.isEmpty, !name.holds(UInt8(ascii: "=")) else {
            throw Malformed(.parameterName, .parameters)
        }
        guard count < Limits.parameters else {
            throw Malformed(
                .tooMany, .parameters, given: count + 1, limit: Limits.parameters)
        }
        let size = packed.count - 4 * count + name.count + value.count
        guard size <= Limits.parameterBytes else {
            throw Malformed(
                .tooLong, .parameters, given: size, limit: Limits.parameterBytes)
        }
        var other = 0
        while other < packed.count {
            guard !packed.span.run(at: other).hasSameBytes(as: name) else {
                throw Malformed(.parameterTwice, .parameters)
            }
            other = packed.span.behindParameter(at: other)
        }
        packed.pack(UInt64(name.count), size: 2)
        packed.pack(name)
        packed.pack(UInt64(value.count), size: 2)
        packed.pack(value)
        count += 1
    }

    private func check(_ text: Span<UInt8>) throws(Malformed) {
        if let position = text.firstInvalidByte {
            throw Malformed(.notText, .parameters, given: position)
        }
        guard !text.holds(0) else { throw Malformed(.holdsNUL, .parameters) }
    }

    func pack(into payload: inout Payload.Buffer) {
        payload.pack(UInt8(count))
        payload.pack(packed.span)
    }
}

// MARK: The layout

extension Span where Element == UInt8 {
    private func length(at index: Int, size: Int) -> Int {
        Int(Payload.number(self, at: index, size: size))
    }

    /// A text or nil, after its length + 1.
    @_lifetime(copy self)
    fileprivate func text(at index: Int, lengthSize: Int) -> Span<UInt8>? {
        guard length(at: index, size: lengthSize) > 0 else { return nil }
        return extracting((index + lengthSize)..<behindText(at: index, lengthSize: lengthSize))
    }

    fileprivate func behindText(at index: Int, lengthSize: Int) -> Int {
        index + lengthSize + Swift.max(length(at: index, size: lengthSize) - 1, 0)
    }

    /// A parameter's name or value, after its length.
    @_lifetime(copy self)
    fileprivate func run(at index: Int) -> Span<UInt8> {
        let start = index + 2
        return extracting(start..<(start + length(at: index, size: 2)))
    }

    fileprivate func behindParameter(at index: Int) -> Int {
        let valueAt = index + 2 + length(at: index, size: 2)
        return valueAt + 2 + length(at: valueAt, size: 2)
    }

    fileprivate func holds(_ byte: UInt8) -> Bool {
        for i in 0..<count where self[i] == byte { return true }
        return false
    }
}
