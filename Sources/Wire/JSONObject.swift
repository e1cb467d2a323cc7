import Union

/// One object of a text that `Grammar` has accepted, and the values of its fields as Swift's
/// types. Each reader names the field, because errors do.
struct JSONObject: ~Escapable {
    let text: Span<UInt8>
    let tokens: Span<Token>
    /// The token of each field's value; 0, which is the record itself, when the field is absent.
    private var values = InlineArray<80, Int16>(repeating: 0)

    /// The object at token `index`. Unknown fields are passed over; a known one given twice throws.
    @_lifetime(copy text, copy tokens)
    init(
        _ text: Span<UInt8>, _ tokens: Span<Token>, at index: Int, _ names: borrowing FieldTable
    ) throws(Malformed) {
        self.text = text
        self.tokens = tokens
        let end = tokens[index].after
        var key = index + 1
        while key < tokens.count && tokens[key].first < end {
            if let field = field(key, names) {
                guard values[Int(field.rawValue)] == 0 else { throw Malformed(.givenTwice, field) }
                values[Int(field.rawValue)] = Int16(key + 1)
            }
            key = after(key + 1)
        }
    }

    /// The record's first field of this name, where that is a text that fits: for a record that is
    /// refused, perhaps because of another field.
    static func first<let n: Int>(
        _ field: Field, _ text: Span<UInt8>, _ tokens: Span<Token>, _ names: borrowing FieldTable
    ) -> FixedText<n>? {
        guard let token = firstToken(of: field, text, tokens, names) else { return nil }
        return try? JSONObject(text: text, tokens: tokens).text(at: token, field)
    }

    /// The token of the value of the record's first field of this name.
    static func firstToken(
        of field: Field, _ text: Span<UInt8>, _ tokens: Span<Token>, _ names: borrowing FieldTable
    ) -> Int? {
        let object = JSONObject(text: text, tokens: tokens)
        var key = 1
        while key + 1 < tokens.count {
            if object.field(key, names) == field { return key + 1 }
            key = object.after(key + 1)
        }
        return nil
    }

    @_lifetime(copy text, copy tokens)
    private init(text: Span<UInt8>, tokens: Span<Token>) {
        self.text = text
        self.tokens = tokens
    }

    private func field(_ key: Int, _ names: borrowing FieldTable) -> Field? {
        let name = text.extracting(tokens[key].range)
        let size = name.unescapedSize
        guard size.bytes < name.count else { return names.field(name) }
        guard size.bytes <= 64 else { return nil }
        var unescaped = FixedText<64>()
        name.unescape(size, into: &unescaped)
        return names.field(unescaped.span)
    }

    /// The token after the value at `token`, with all that is in it.
    func after(_ token: Int) -> Int {
        let end = tokens[token].after
        var next = token + 1
        while next < tokens.count && tokens[next].first < end { next += 1 }
        return next
    }

    /// The token of a field's value; nil when it is absent or null.
    func optional(_ field: Field) -> Int? {
        let token = Int(values[Int(field.rawValue)])
        return token == 0 || isNull(token) ? nil : token
    }

    /// The token of a field's value; null is one.
    func required(_ field: Field) throws(Malformed) -> Int {
        let token = Int(values[Int(field.rawValue)])
        guard token != 0 else { throw Malformed(.missing, field) }
        return token
    }

    func isNull(_ token: Int) -> Bool { firstByte(token) == UInt8(ascii: "n") }

    /// Of a number, true, false or null; 0 for anything else.
    func firstByte(_ token: Int) -> UInt8 {
        tokens[token].isPrimitive ? text[tokens[token].first] : 0
    }
}

// MARK: Numbers

extension JSONObject {
    /// JSON's integers are exact up to here in every language (RFC 7493, section 2.2); and what
    /// is decoded stays far from where adding to it could overflow.
    static let maxInteger: Int64 = 1 << 53 - 1
    /// The same for numbers that fit 32 bits: counts, rankings, attempts.
    static let maxSmall: Int64 = 1_000_000_000

    func integer(
        _ field: Field, from low: Int64 = 0, to high: Int64 = maxInteger
    ) throws(Malformed) -> Int64 {
        try integer(at: required(field), field, from: low, to: high)
    }

    func optionalInteger(_ field: Field) throws(Malformed) -> Int64? {
        optional(field) == nil ? nil : try integer(field)
    }

    func small(
        _ field: Field, from low: Int64 = 0, to high: Int64 = maxSmall
    ) throws(Malformed) -> Int32 {
        try Int32(integer(at: required(field), field, from: low, to: high))
    }

    func optionalSmall(
        _ field: Field, from low: Int64 = 0, to high: Int64 = maxSmall
    ) throws(Malformed) -> Int32? {
        guard let token = optional(field) else { return nil }
        return try Int32(integer(at: token, field, from: low, to: high))
    }

    func integer(
        at token: Int, _ field: Field, from low: Int64 = 0, to high: Int64 = maxInteger
    ) throws(Malformed) -> Int64 {
        let first = firstByte(token)
        guard first == UInt8(ascii: "-") || first.isDigit,
            let value = text.extracting(tokens[token].range).integer, value >= low, value <= high
        else { throw Malformed(field, notFrom: low, to: high) }
        return value
    }

    func optionalBoolean(_ field: Field) throws(Malformed) -> Bool? {
        optional(field) == nil ? nil : try boolean(field)
    }

    func boolean(_ field: Field) throws(Malformed) -> Bool {
        switch try firstByte(required(field)) {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: throw Malformed(.notBoolean, field)
        }
    }
}

// MARK: Text

extension JSONObject {
    /// A text without NUL characters of at most as many bytes as fit; may be empty.
    func text<let n: Int>(at token: Int, _ field: Field) throws(Malformed) -> FixedText<n> {
        var result = FixedText<n>()
        try unescape(token, field, limit: n, into: &result)
        return result
    }

    func text<let n: Int>(_ field: Field) throws(Malformed) -> FixedText<n>? {
        guard let token = optional(field) else { return nil }
        return try text(at: token, field)
    }

    /// Appends the string at `token` to `sink`, which has room for `limit` bytes.
    func unescape<Sink: PayloadSink & ~Copyable>(
        _ token: Int, _ field: Field, limit: Int, nul: Bool = false, into sink: inout Sink
    ) throws(Malformed) {
        let string = try string(at: token, field)
        let size = try size(of: string, field, limit: limit, nul: nul)
        string.unescape(size, into: &sink)
    }

    /// What the string takes without its escapes.
    func size(
        of string: Span<UInt8>, _ field: Field, limit: Int, nul: Bool = false
    ) throws(Malformed) -> Size {
        let size = string.unescapedSize
        guard size.bytes <= limit else {
            throw Malformed(.tooLong, field, given: size.bytes, limit: limit)
        }
        guard nul || size.nuls == 0 else { throw Malformed(.holdsNUL, field) }
        return size
    }

    /// The string at `token` as it stands in the text, escapes and all.
    @_lifetime(copy self)
    func string(at token: Int, _ field: Field) throws(Malformed) -> Span<UInt8> {
        guard tokens[token].isString else { throw Malformed(.notString, field) }
        return text.extracting(tokens[token].range)
    }

    /// What the writer speaks, where it says that.
    var versions: Versions {
        get throws(Malformed) {
            Versions(
                newest: try optionalSmall(.protocolNumber, from: 1) ?? Versions.unsaid.newest,
                oldest: try optionalSmall(.reads, from: 1) ?? Versions.unsaid.oldest)
        }
    }

    func workerID(_ field: Field) throws(Malformed) -> WorkerID {
        try workerID(at: required(field), field)
    }

    func optionalWorkerID(_ field: Field) throws(Malformed) -> WorkerID? {
        guard let token = optional(field) else { return nil }
        return try workerID(at: token, field)
    }

    func workerID(at token: Int, _ field: Field) throws(Malformed) -> WorkerID {
        guard let id = try WorkerID(uuid: string(at: token, field)) else {
            throw Malformed(.notUUID, field)
        }
        return id
    }

    func optionalHex(_ field: Field) throws(Malformed) -> UInt64? {
        optional(field) == nil ? nil : try hex(field)
    }

    func hex(_ field: Field) throws(Malformed) -> UInt64 { try hex(at: required(field), field) }

    func hex(at token: Int, _ field: Field) throws(Malformed) -> UInt64 {
        guard let value = try string(at: token, field).hex16 else {
            throw Malformed(.notHex, field)
        }
        return value
    }
}

// MARK: Lists

extension JSONObject {
    /// A field's list; it has `count` elements, the first of them after its own token.
    func list(_ field: Field, limit: Int) throws(Malformed) -> (token: Int, count: Int) {
        let token = try required(field)
        guard tokens[token].isList else { throw Malformed(.notList, field) }
        let count = tokens[token].count
        guard count <= limit else {
            throw Malformed(.tooMany, field, given: count, limit: limit)
        }
        return (token, count)
    }

    /// The same; nil when the field is absent or null.
    func optionalList(
        _ field: Field, limit: Int
    ) throws(Malformed) -> (token: Int, count: Int)? {
        optional(field) == nil ? nil : try list(field, limit: limit)
    }

    /// Packs a list of worker ids.
    func packIDs(_ field: Field, into payload: inout Payload.Buffer) throws(Malformed) {
        let list = try list(field, limit: Limits.members)
        // An element that holds others is no id: it throws before the next token is looked at.
        for i in 0..<list.count { payload.pack(try workerID(at: list.token + 1 + i, field)) }
    }
}
