import CLinux
import Union

/// Where text for people is written: a line of the log, a frame of a live picture, a JSON line.
package protocol TextSink: ~Copyable {
    /// Appends a byte. A sink that is full drops it: text for people is cut, never refused.
    mutating func put(_ byte: UInt8)
}

extension FixedText: TextSink {
    package mutating func put(_ byte: UInt8) { append(byte) }
}

extension TextSink where Self: ~Copyable {
    package mutating func put(_ literal: StaticString) { put(literal.bytes) }

    package mutating func put(_ bytes: Span<UInt8>) {
        for i in bytes.indices { put(bytes[i]) }
    }

    /// Byte by byte: see `FixedText.withSpan`.
    package mutating func put<let n: Int>(_ text: FixedText<n>) {
        for i in 0..<text.count { put(text[i]) }
    }

    /// Bytes that came from outside: control characters, those of ISO 6429 beyond ASCII (U+0080
    /// to U+009F, in UTF-8 after 0xC2) included, are shown as `?`, so that nobody's data can
    /// move the cursor or forge a line.
    package mutating func put(foreign bytes: Span<UInt8>) {
        var before: UInt8 = 0
        for i in bytes.indices {
            let byte = bytes[i]
            let isControl = byte < 0x20 || byte == 0x7F || before == 0xC2 && byte < 0xA0
            put(isControl ? UInt8(ascii: "?") : byte)
            before = byte
        }
    }

    package mutating func put<let n: Int>(foreign text: FixedText<n>) {
        text.withSpan { put(foreign: $0) }
    }

    package mutating func put(_ number: some BinaryInteger) {
        var text = FixedText<20>()
        text.append(decimal: Int64(clamping: number))
        put(text)
    }

    /// A number right-aligned in `width` columns.
    package mutating func put(_ number: some BinaryInteger, width: Int, fill: UInt8 = 0x20) {
        var text = FixedText<20>()
        text.append(decimal: Int64(clamping: number))
        for _ in 0..<max(0, width - text.count) { put(fill) }
        put(text)
    }

    package mutating func put(hex value: UInt64, digits: Int) {
        for i in 0..<digits {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(4 * (digits - 1 - i))) & 15
            put(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// A worker as people call it: the first eight hexadecimal digits of its UUID.
    package mutating func put(short id: WorkerID) { put(hex: id.high >> 32, digits: 8) }

    /// The system's words for an errno.
    package mutating func put(errno code: Int32) {
        if let words = unsafe strerror(code) { unsafe put(cString: words) } else { put(code) }
    }

    /// A C string; unsafe because nobody can check that it ends.
    @unsafe
    package mutating func put(cString text: UnsafePointer<CChar>) {
        for i in 0..<(unsafe strlen(text)) { unsafe put(UInt8(bitPattern: text[i])) }
    }

    /// Milliseconds from a number of microseconds, with one decimal: `12.3`.
    package mutating func put(tenthsOfMs us: Int64) {
        put(us / 1000)
        put(".")
        put(us % 1000 / 100)
    }

    /// A JSON string, quoted and escaped. Bytes that are not UTF-8 never get here: `Wire`
    /// refuses them.
    package mutating func put(json bytes: Span<UInt8>) {
        put("\"")
        for i in bytes.indices {
            switch bytes[i] {
            case UInt8(ascii: "\""): put("\\\"")
            case UInt8(ascii: "\\"): put("\\\\")
            case UInt8(ascii: "\n"): put("\\n")
            case UInt8(ascii: "\t"): put("\\t")
            case UInt8(ascii: "\r"): put("\\r")
            case 0..<0x20:
                put("\\u")
                put(hex: UInt64(bytes[i]), digits: 4)
            default: put(bytes[i])
            }
        }
        put("\"")
    }

    package mutating func put<let n: Int>(json text: FixedText<n>) {
        text.withSpan { put(json: $0) }
    }
}

extension FixedText {
    /// Lends a copy as a C string, with a zero byte after it; traps when there is no room for it.
    package func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        precondition(count < capacity, "FixedText: no room for the zero byte")
        var copy = InlineArray<capacity, CChar>(repeating: 0)
        for i in 0..<count { copy[i] = CChar(bitPattern: self[i]) }
        var characters = copy.mutableSpan
        return unsafe characters.withUnsafeMutableBufferPointer {
            unsafe body(UnsafePointer($0.baseAddress!))
        }
    }

    /// The decimal number that all the bytes are, or nil.
    package var decimal: Int64? { withSpan { $0.decimal } }

    package func equals(_ literal: StaticString) -> Bool { hasSameBytes(as: literal.bytes) }
}

/// Writes all the bytes; false when the descriptor takes no more (errno says why).
@discardableResult
package func writeAll(_ fd: Int32, _ bytes: Span<UInt8>) -> Bool {
    unsafe bytes.withUnsafeBufferPointer { buffer in
        var done = 0
        while done < buffer.count {
            let wrote = unsafe write(fd, buffer.baseAddress! + done, buffer.count - done)
            if wrote > 0 {
                done += wrote
            } else if scrap_errno() == EAGAIN {
                var waiting = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
                unsafe poll(&waiting, 1, 1000)
            } else if scrap_errno() != EINTR {
                return false
            }
        }
        return true
    }
}

/// Reads until the end, or until `text` is full.
package func readAll<let n: Int>(_ fd: Int32, into text: inout FixedText<n>) {
    var chunk = InlineArray<512, UInt8>(repeating: 0)
    while text.count < n {
        var span = chunk.mutableSpan
        let room = min(512, n - text.count)
        let count = unsafe span.withUnsafeMutableBytes {
            unsafe read(fd, $0.baseAddress, room)
        }
        if count < 0 && scrap_errno() == EINTR { continue }
        guard count > 0 else { return }
        text.append(chunk.span.extracting(0..<count))
    }
}

extension Span where Element == UInt8 {
    package func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for i in indices where self[i] != other[i] { return false }
        return true
    }

    package func equals(_ literal: StaticString) -> Bool { equals(literal.bytes) }

    package func hasPrefix(_ literal: StaticString) -> Bool {
        let prefix = literal.bytes
        return count >= prefix.count && extracting(0..<prefix.count).equals(prefix)
    }

    package func contains(_ literal: StaticString) -> Bool {
        for i in indices where extracting(i..<count).hasPrefix(literal) { return true }
        return false
    }

    package func firstIndex(of byte: UInt8) -> Int? {
        for i in indices where self[i] == byte { return i }
        return nil
    }

    package func lastIndex(of byte: UInt8) -> Int? {
        for i in indices.reversed() where self[i] == byte { return i }
        return nil
    }

    /// The decimal number that all the bytes are, or nil.
    package var decimal: Int64? {
        var rest = self
        let negative = hasPrefix("-")
        if negative { rest = extracting(1..<count) }
        guard rest.count > 0 else { return nil }
        var value: Int64 = 0
        for i in rest.indices {
            let digit = rest[i]
            guard digit >= UInt8(ascii: "0") && digit <= UInt8(ascii: "9") else { return nil }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
            guard !overflow && !carry else { return nil }
            value = sum
        }
        return negative ? -value : value
    }
}
