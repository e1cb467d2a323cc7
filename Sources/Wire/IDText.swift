import Union

/// A worker's id as text: a UUID in its usual form, `123e4567-e89b-12d3-a456-426614174000`
/// (RFC 9562, section 4).
extension WorkerID {
    /// Reads a UUID of either case. Nil for anything else, and for the one whose bits are all zero:
    /// packed (see `Payload`), that one is nobody.
    public init?(uuid text: Span<UInt8>) {
        guard text.count == 36 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for i in 0..<36 {
            switch i {
            case 8, 13, 18, 23:
                guard text[i] == UInt8(ascii: "-") else { return nil }
            default:
                guard let digit = text[i].hexValue else { return nil }
                if i < 18 {
                    high = high << 4 | UInt64(digit)
                } else {
                    low = low << 4 | UInt64(digit)
                }
            }
        }
        guard high != 0 || low != 0 else { return nil }
        self.init(high: high, low: low)
    }

    /// The UUID in lower case.
    public var uuid: FixedText<36> {
        var text = FixedText<36>()
        for i in 0..<32 {
            if i == 8 || i == 12 || i == 16 || i == 20 { text.append(UInt8(ascii: "-")) }
            let half = i < 16 ? high : low
            text.append(UInt8(half >> UInt64(60 - 4 * (i % 16)) & 15).hexDigit)
        }
        return text
    }
}
