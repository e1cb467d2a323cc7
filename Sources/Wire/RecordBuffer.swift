import Union

/// Where a record is encoded: `Limits.recordBytes` inline, to be made once and used again.
public struct RecordBuffer: ~Copyable {
    private var text = FixedText<32768>()
    /// More was written than there is room for.
    private(set) var isOverrun = false

    public init() {}

    /// The record's bytes.
    public var span: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { text.span }
    }

    mutating func removeAll() {
        text.removeAll()
        isOverrun = false
    }

    mutating func write(_ byte: UInt8) {
        if !text.append(byte) { isOverrun = true }
    }

    mutating func write(_ bytes: Span<UInt8>) {
        if !text.append(bytes) { isOverrun = true }
    }

    /// By subscript: the span of a temporary is not to be trusted (Swift 6.3, `-Osize`).
    mutating func write<let n: Int>(_ text: FixedText<n>) {
        for i in 0..<text.count { write(text[i]) }
    }
}

// MARK: JSON's structure

extension RecordBuffer {
    mutating func openObject() { write(UInt8(ascii: "{")) }
    mutating func closeObject() { write(UInt8(ascii: "}")) }
    mutating func openList() { write(UInt8(ascii: "[")) }
    mutating func closeList() { write(UInt8(ascii: "]")) }

    /// The comma before the next field or element, unless it is the first.
    mutating func separate() {
        guard !text.isEmpty else { return }
        let last = text[text.count - 1]
        if last != UInt8(ascii: "{") && last != UInt8(ascii: "[") { write(UInt8(ascii: ",")) }
    }

    /// A field's name; its value is to be written next.
    mutating func name(_ field: Field) {
        separate()
        write(UInt8(ascii: "\""))
        write(field.name.bytes)
        write(UInt8(ascii: "\""))
        write(UInt8(ascii: ":"))
    }

    mutating func field(_ field: Field, _ number: Int64?) {
        name(field)
        if let number { write(decimal: number) } else { writeNull() }
    }

    mutating func field(_ field: Field, _ number: Int32?) {
        self.field(field, number.map { Int64($0) })
    }

    mutating func field(_ versions: Versions) {
        guard versions != .unsaid else { return }
        field(.protocolNumber, versions.newest)
        field(.reads, versions.oldest)
    }

    mutating func field(_ field: Field, _ truth: Bool) {
        name(field)
        write((truth ? "true" as StaticString : "false").bytes)
    }

    mutating func field(_ field: Field, _ id: WorkerID?) {
        name(field)
        write(id)
    }

    mutating func field(_ field: Field, hex: UInt64) {
        name(field)
        write(hex: hex)
    }

    mutating func field(_ field: Field, word: StaticString) {
        name(field)
        write(string: word.bytes)
    }

    mutating func field(_ field: Field, text: Span<UInt8>?) {
        name(field)
        if let text { write(string: text) } else { writeNull() }
    }

    /// A string, or null for an empty one.
    mutating func field(_ field: Field, _ id: RequestID) {
        name(field)
        if id.isEmpty { writeNull() } else { write(string: id) }
    }

    /// A list of packed worker ids.
    mutating func field(_ field: Field, ids: Span<UInt8>) {
        name(field)
        openList()
        for i in 0..<(ids.count / Limits.packedIDBytes) {
            separate()
            write(Payload.workerID(ids, at: i * Limits.packedIDBytes))
        }
        closeList()
    }
}

// MARK: JSON's scalars

extension RecordBuffer {
    mutating func writeNull() { write(("null" as StaticString).bytes) }

    mutating func write(decimal number: Int64) {
        var digits = FixedText<20>()
        digits.append(decimal: number)
        write(digits)
    }

    mutating func write(_ id: WorkerID?) {
        guard let id else { return writeNull() }
        write(UInt8(ascii: "\""))
        write(id.uuid)
        write(UInt8(ascii: "\""))
    }

    mutating func write(hex number: UInt64) {
        write(UInt8(ascii: "\""))
        for i in 1...16 { write(UInt8(number >> UInt64(64 - 4 * i) & 15).hexDigit) }
        write(UInt8(ascii: "\""))
    }

    /// A string, as short as JSON allows. A byte that is not UTF-8 becomes U+FFFD. Whole
    /// characters of at most `limit` bytes are written; false when there were more.
    @discardableResult
    mutating func write(string text: Span<UInt8>, limit: Int = .max) -> Bool {
        write(UInt8(ascii: "\""))
        var room = limit
        var i = 0
        while i < text.count {
            let plain = min(text.plainCount(from: i), room)
            write(text.extracting(i..<(i + plain)))
            i += plain
            room -= plain
            guard i < text.count else { break }
            let length = text.characterLength(at: i)
            room -= length == 0 ? 3 : length
            guard room >= 0 else { break }
            switch length {
            case 0: write(("\u{FFFD}" as StaticString).bytes)
            case 1: write(escaped: text[i])
            default: write(text.extracting(i..<(i + length)))
            }
            i += max(length, 1)
        }
        write(UInt8(ascii: "\""))
        return i == text.count
    }

    mutating func write<let n: Int>(string text: FixedText<n>) {
        text.withSpan { _ = write(string: $0) }
    }

    private mutating func write(escaped byte: UInt8) {
        let short: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): short = byte
        case 0x20...: return write(byte)
        case 0x08: short = UInt8(ascii: "b")
        case 0x09: short = UInt8(ascii: "t")
        case 0x0A: short = UInt8(ascii: "n")
        case 0x0C: short = UInt8(ascii: "f")
        case 0x0D: short = UInt8(ascii: "r")
        default:
            write(("\\u00" as StaticString).bytes)
            write((byte >> 4).hexDigit)
            return write((byte & 15).hexDigit)
        }
        write(UInt8(ascii: "\\"))
        write(short)
    }
}

extension Span where Element == UInt8 {
    /// How many bytes from `index` on are ASCII that stands in a JSON string as it is.
    fileprivate func plainCount(from index: Int) -> Int {
        var end = index
        while end < count, self[end] >= 0x20, self[end] < 0x80, self[end] != UInt8(ascii: "\""),
            self[end] != UInt8(ascii: "\\")
        {
            end += 1
        }
        return end - index
    }
}
