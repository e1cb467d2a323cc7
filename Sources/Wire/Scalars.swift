import Union

/// What JSON's strings and numbers say. They are well-formed: `Grammar` has accepted them.
extension Span where Element == UInt8 {
    /// What the string takes without its escapes.
    var unescapedSize: Size {
        for i in 0..<count where self[i] == UInt8(ascii: "\\") {
            var size = Size()
            unescape(into: &size)
            return size
        }
        return Size(bytes: count)
    }

    /// Appends the string, which takes `size` then, without its escapes.
    func unescape<Sink: PayloadSink & ~Copyable>(_ size: Size, into sink: inout Sink) {
        // Every escape is longer than what it stands for.
        if size.bytes == count { sink.pack(self) } else { unescape(into: &sink) }
    }

    private func unescape<Sink: PayloadSink & ~Copyable>(into sink: inout Sink) {
        var i = 0
        while i < count {
            guard self[i] == UInt8(ascii: "\\") else {
                sink.pack(self[i])
                i += 1
                continue
            }
            i += 2
            switch self[i - 1] {
            case UInt8(ascii: "b"): sink.pack(0x08)
            case UInt8(ascii: "f"): sink.pack(0x0C)
            case UInt8(ascii: "n"): sink.pack(0x0A)
            case UInt8(ascii: "r"): sink.pack(0x0D)
            case UInt8(ascii: "t"): sink.pack(0x09)
            case UInt8(ascii: "u"):
                var character = codeUnit(at: i)
                i += 4
                if character & 0xFC00 == 0xD800 {
                    character = 0x10000 + (character & 0x3FF) << 10 + codeUnit(at: i + 2) & 0x3FF
                    i += 6
                }
                sink.pack(character: character)
            default: sink.pack(self[i - 1])
            }
        }
    }

    private func codeUnit(at index: Int) -> UInt32 {
        var unit: UInt32 = 0
        for i in index..<(index + 4) { unit = unit << 4 | UInt32(self[i].hexValue ?? 0) }
        return unit
    }

    /// The number, when it is integral and fits 64 bits: `500`, and also `500.0` and `5e2`.
    var integer: Int64? {
        let negative = self[0] == UInt8(ascii: "-")
        var magnitude: UInt64 = 0
        var scale = 0
        var i = negative ? 1 : 0
        var inFraction = false
        // Zeros wait until a digit follows them: trailing ones only scale.
        var zeros = 0
        while i < count, self[i].isDigit || self[i] == UInt8(ascii: ".") {
            if self[i] == UInt8(ascii: ".") {
                inFraction = true
            } else {
                if inFraction { scale -= 1 }
                zeros += 1
                if self[i] != UInt8(ascii: "0") {
                    let digit = UInt64(self[i] - UInt8(ascii: "0"))
                    guard let scaled = magnitude.scaled(by: zeros) else { return nil }
                    let (sum, overflow) = scaled.addingReportingOverflow(digit)
                    guard !overflow else { return nil }
                    magnitude = sum
                    zeros = 0
                }
            }
            i += 1
        }
        guard magnitude > 0 else { return 0 }
        if i < count { scale += exponent(at: i + 1) }
        scale += zeros
        guard scale >= 0, let scaled = magnitude.scaled(by: scale) else { return nil }
        return negative ? Int64(exactly: scaled).map { -$0 } : Int64(exactly: scaled)
    }

    /// The exponent that begins at `index`; one beyond what any number here can need is cut.
    private func exponent(at index: Int) -> Int {
        let negative = self[index] == UInt8(ascii: "-")
        var value = 0
        for i in index..<count where self[i].isDigit {
            value = Swift.min(value * 10 + Int(self[i] - UInt8(ascii: "0")), 1 << 20)
        }
        return negative ? -value : value
    }

    /// The number that 16 hexadecimal digits are, or nil.
    var hex16: UInt64? {
        guard count == 16 else { return nil }
        var value: UInt64 = 0
        for i in 0..<16 {
            guard let digit = self[i].hexValue else { return nil }
            value = value << 4 | UInt64(digit)
        }
        return value
    }
}

/// The bytes of a text, and how many of them are NUL.
struct Size: PayloadSink {
    private(set) var bytes = 0
    private(set) var nuls = 0

    mutating func pack(_ byte: UInt8) {
        bytes += 1
        if byte == 0 { nuls += 1 }
    }
}

extension PayloadSink where Self: ~Copyable {
    /// Appends a Unicode scalar as UTF-8.
    fileprivate mutating func pack(character: UInt32) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | character >> shift & 0x3F) }
        switch character {
        case 0..<0x80: pack(UInt8(character))
        case 0x80..<0x800:
            pack(UInt8(0xC0 | character >> 6))
            pack(tail(0))
        case 0x800..<0x10000:
            pack(UInt8(0xE0 | character >> 12))
            pack(tail(6))
            pack(tail(0))
        default:
            pack(UInt8(0xF0 | character >> 18))
            pack(tail(12))
            pack(tail(6))
            pack(tail(0))
        }
    }
}

extension UInt64 {
    /// `self × 10ⁿ`, or nil when it does not fit.
    fileprivate func scaled(by n: Int) -> UInt64? {
        guard self > 0 else { return 0 }
        guard n < 20 else { return nil }
        var value = self
        for _ in 0..<n {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            value = product
        }
        return value
    }
}
