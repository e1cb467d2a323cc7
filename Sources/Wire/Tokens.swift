import CJsmn

/// A value in a text: where it begins and ends, without a string's quotes.
typealias Token = jsmntok_t

/// The tokens of one text: jsmn's parser (`jsmn_init`, `jsmn_parse`) over a fixed array that is
/// used again for each text. The only file here that touches pointers.
struct Tokens: ~Copyable {
    /// A checkpoint needs the most: seven for each of `Limits.ledger` rows, or nine should a later version
    /// say more in them, and its own fields.
    static let capacity = 3072

    private var storage: InlineArray<3072, Token>
    private var count = 0

    init() { storage = .init(repeating: Token()) }

    /// Finds the tokens of `text`, which `Grammar` has accepted.
    mutating func find(in text: Span<UInt8>) throws(Malformed) {
        count = 0
        var parser = jsmn_parser()
        var tokens = storage.mutableSpan
        let found = unsafe text.withUnsafeBytes { bytes in
            unsafe tokens.withUnsafeMutableBufferPointer { tokens in
                unsafe jsmn_init(&parser)
                return unsafe jsmn_parse(
                    &parser, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count,
                    tokens.baseAddress, UInt32(tokens.count))
            }
        }
        guard found != JSMN_ERROR_NOMEM.rawValue else {
            throw Malformed(.tooManyValues, given: Self.capacity + 1, limit: Self.capacity)
        }
        guard found > 0 else { throw Malformed(.notJSON, given: Int(parser.pos)) }
        count = Int(found)
    }

    var span: Span<Token> {
        @_lifetime(borrow self)
        borrowing get { storage.span.extracting(0..<count) }
    }
}

extension Token {
    var isObject: Bool { type == JSMN_OBJECT }
    var isList: Bool { type == JSMN_ARRAY }
    var isString: Bool { type == JSMN_STRING }
    /// A number, true, false or null.
    var isPrimitive: Bool { type == JSMN_PRIMITIVE }

    /// The value's place in the text.
    var first: Int { Int(start) }
    var after: Int { Int(end) }
    var range: Range<Int> { Int(start)..<Int(end) }

    /// An object's fields, or a list's elements.
    var count: Int { Int(size) }
}
