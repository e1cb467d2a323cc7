/// FNV-1a, 64 bits. 0 stands for "none".
public typealias Digest = UInt64

extension Digest {
    static var empty: Digest { 0xCBF2_9CE4_8422_2325 }

    /// What is remembered of a record that cannot be read, and why: of a request, also its id, where
    /// that could be.
    static func malformed(_ id: RequestID, _ why: Span<UInt8>) -> Digest {
        var digest = empty
        digest.add(id)
        digest.add(why)
        return digest.orOne
    }

    mutating func add(_ byte: UInt8) { self = (self ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

    mutating func add<let n: Int>(_ text: FixedText<n>) {
        for i in 0..<text.count { add(text[i]) }
    }

    mutating func add(_ number: Int32) {
        for i in 0..<4 as Range<Int32> { add(UInt8(truncatingIfNeeded: number >> (8 * i))) }
    }

    mutating func add(_ number: Int64) {
        for i in 0..<8 as Range<Int64> { add(UInt8(truncatingIfNeeded: number >> (8 * i))) }
    }

    mutating func add(_ bytes: Span<UInt8>) {
        for i in 0..<bytes.count { add(bytes[i]) }
    }

    var orOne: Digest { self == 0 ? 1 : self }

    /// Of what stands at this offset.
    func at(_ offset: Offset) -> Digest {
        (self ^ UInt64(bitPattern: offset)) &* 0x9E37_79B9_7F4A_7C15
    }
}

extension FixedText {
    /// What a checkpoint remembers of a request's id.
    public var key: Digest {
        guard !isEmpty else { return 0 }
        var digest = Digest.empty
        digest.add(self)
        return digest.orOne
    }
}

extension WorkResult {
    /// What a checkpoint remembers of the last result: all that tells it from others; 0, nothing, where
    /// its status is a later version's, which reads more than we do.
    var digest: Digest {
        guard status != .unknown else { return 0 }
        var digest = Digest.empty
        digest.add(requestID)
        digest.add(requestOffset)
        digest.add(Int64(bitPattern: workerID.low))
        digest.add(term)
        digest.add(attempt)
        digest.add(status.rawValue)
        digest.add(UInt8(final ? 1 : 0))
        return digest.orOne
    }
}

extension WorkRequest {
    /// What a checkpoint remembers of the last request: all that its writer gave.
    func digest(_ payload: Span<UInt8>) -> Digest {
        var digest = Digest.empty
        digest.add(requestID)
        digest.add(opCode)
        digest.add(timeoutMs ?? 0)
        digest.add(maxAttempts)
        digest.add(payload)
        return digest.orOne
    }
}
