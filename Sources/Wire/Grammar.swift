import Union

/// Says whether bytes are one JSON object (RFC 8259) and nothing else, in UTF-8.
///
/// jsmn only finds where values begin and end: even its strict mode takes missing commas and
/// second roots, it does not look into strings or numbers, and some of what it takes costs it
/// quadratic time. So it sees no byte that this has not accepted, and what reads its tokens can
/// rely on well-formed strings and numbers.
struct Grammar: ~Escapable {
    /// Objects and lists inside each other; records need three.
    static let maxDepth = 32

    private let text: Span<UInt8>
    private var position = 0
    private var depth = 0
    /// One bit a level, the innermost lowest: 1 for an object, 0 for a list.
    private var objects: UInt32 = 0

    @_lifetime(copy text)
    private init(_ text: Span<UInt8>) { self.text = text }

    /// Throws where and why `text` is not one JSON object.
    static func check(_ text: Span<UInt8>) throws(Malformed) {
        var grammar = Grammar(text)
        try grammar.record()
    }

    private mutating func record() throws(Malformed) {
        skipSpace()
        guard next == UInt8(ascii: "{") else { throw Malformed(.notAnObject) }
        try value()
        while depth > 0 {
            skipSpace()
            switch next {
            case UInt8(ascii: ","):
                position += 1
                if isInObject { try key() }
                try value()
            case closer:
                position += 1
                depth -= 1
                objects >>= 1
            default:
                throw notJSON()
            }
        }
        skipSpace()
        guard position == text.count else { throw notJSON() }
    }

    /// One scalar, or the beginnings of containers up to the first scalar or empty container.
    private mutating func value() throws(Malformed) {
        while true {
            skipSpace()
            switch next {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                try open()
                skipSpace()
                if next == closer { return }
                if isInObject { try key() }
            case UInt8(ascii: "\""): return try string()
            case UInt8(ascii: "t"): return try word("true")
            case UInt8(ascii: "f"): return try word("false")
            case UInt8(ascii: "n"): return try word("null")
            default: return try number()
            }
        }
    }

    private mutating func open() throws(Malformed) {
        guard depth < Self.maxDepth else {
            throw Malformed(.tooDeep, given: position, limit: Self.maxDepth)
        }
        objects = objects << 1 | (next == UInt8(ascii: "{") ? 1 : 0)
        depth += 1
        position += 1
    }

    private mutating func key() throws(Malformed) {
        skipSpace()
        guard next == UInt8(ascii: "\"") else { throw notJSON() }
        try string()
        skipSpace()
        guard next == UInt8(ascii: ":") else { throw notJSON() }
        position += 1
    }

    private mutating func word(_ word: StaticString) throws(Malformed) {
        let expected = word.bytes
        for i in 0..<expected.count {
            guard next == expected[i] else { throw notJSON() }
            position += 1
        }
    }

    private mutating func number() throws(Malformed) {
        if next == UInt8(ascii: "-") { position += 1 }
        if next == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        guard next == UInt8(ascii: "e") || next == UInt8(ascii: "E") else { return }
        position += 1
        if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
        try digits()
    }

    private mutating func digits() throws(Malformed) {
        guard next.isDigit else { throw notJSON() }
        while next.isDigit { position += 1 }
    }

    private mutating func string() throws(Malformed) {
        position += 1
        while position < text.count {
            let byte = text[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"):
                try escape()
            case 0x20..<0x80:
                position += 1
            case 0x80...:
                let length = text.characterLength(at: position)
                guard length > 0 else { throw Malformed(.notText, given: position) }
                position += length
            default:
                throw notJSON()
            }
        }
        throw notJSON()
    }

    private mutating func escape() throws(Malformed) {
        let start = position
        position += 1
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        case UInt8(ascii: "u"):
            let unit = try codeUnit()
            if unit & 0xF800 != 0xD800 { return }
            // The first half of a pair must be followed by the second.
            guard unit & 0xFC00 == 0xD800, next == UInt8(ascii: "\\") else {
                throw Malformed(.notText, given: start)
            }
            position += 1
            guard next == UInt8(ascii: "u"), try codeUnit() & 0xFC00 == 0xDC00 else {
                throw Malformed(.notText, given: start)
            }
        default:
            throw notJSON()
        }
    }

    /// The `uXXXX` at the position.
    private mutating func codeUnit() throws(Malformed) -> UInt16 {
        position += 1
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = next.hexValue else { throw notJSON() }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }

    /// The byte at the position; 0, which is no part of JSON, after the end.
    private var next: UInt8 { position < text.count ? text[position] : 0 }

    private var isInObject: Bool { objects & 1 == 1 }

    private var closer: UInt8 { isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]") }

    private mutating func skipSpace() {
        while next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 { position += 1 }
    }

    private func notJSON() -> Malformed { Malformed(.notJSON, given: position) }
}

extension Span where Element == UInt8 {
    /// The length of the UTF-8 sequence at `index`, 1 to 4, or 0 when it is not valid UTF-8
    /// (Unicode 16, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
    func characterLength(at index: Int) -> Int {
        let first = self[index]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0..<0x80: return 1
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: return 0
        }
        guard length <= count - index, second.contains(self[index + 1]) else { return 0 }
        for i in 2..<max(length, 2) where self[index + i] & 0xC0 != 0x80 { return 0 }
        return length
    }

    /// Where the first byte is that is not UTF-8, or nil.
    var firstInvalidByte: Int? {
        var index = 0
        while index < count {
            let length = characterLength(at: index)
            guard length > 0 else { return index }
            index += length
        }
        return nil
    }
}

extension UInt8 {
    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    /// The value of this hexadecimal digit, upper or lower case, or nil.
    var hexValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// This number below 16 as a lower-case hexadecimal digit.
    var hexDigit: UInt8 { self < 10 ? UInt8(ascii: "0") + self : UInt8(ascii: "a") + self - 10 }
}
