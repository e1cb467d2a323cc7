import Union

/// Why bytes are not a record: what is wrong, in which field, and what would be right.
public struct Malformed: Error, Sendable {
    public enum Reason: UInt8, Sendable {
        /// Not JSON (RFC 8259) from byte `given` on.
        case notJSON
        /// JSON, but not an object.
        case notAnObject
        /// The string at byte `given` is not UTF-8, or escapes half a surrogate pair.
        case notText
        /// Objects and lists inside each other, more than `limit` deep, at byte `given`.
        case tooDeep
        /// More than `limit` JSON values.
        case tooManyValues
        /// A record of `given` bytes, at most `limit` are allowed.
        case recordTooLong
        case missing
        case givenTwice
        /// Not an integer from `low` to `limit`.
        case notInteger
        case notString
        case notBoolean
        case notList
        /// The field must be an object.
        case notMap
        /// Not a worker's UUID, or the one with all bits zero.
        case notUUID
        /// Not 16 hexadecimal digits.
        case notHex
        case empty
        /// Holds a NUL character, which no C string and no environment can hold.
        case holdsNUL
        /// `given` bytes, at most `limit` are allowed.
        case tooLong
        /// `given` elements, at most `limit` are allowed.
        case tooMany
        /// A parameter's name is empty or holds '='.
        case parameterName
        /// A parameter's name stands there twice.
        case parameterTwice
        /// A parameter's value is null, a list or an object.
        case parameterValue
        /// A row of `unfinished` does not begin with its six places.
        case notRow
    }

    public var reason: Reason
    /// The field's name on the wire; empty when the whole record is meant.
    public var field: StaticString
    /// What the reasons mean by these.
    public var given: Int64 = 0
    public var low: Int64 = 0
    public var limit: Int64 = 0

    init(_ reason: Reason, _ field: Field? = nil) {
        self.reason = reason
        self.field = field?.name ?? ""
    }

    init(_ reason: Reason, _ field: Field? = nil, given: Int, limit: Int = 0) {
        self.init(reason, field)
        self.given = Int64(given)
        self.limit = Int64(limit)
    }

    init(_ field: Field, notFrom low: Int64, to limit: Int64) {
        self.init(.notInteger, field)
        self.low = low
        self.limit = limit
    }

    /// The reason as text for people: "parameters: 17 given, at most 16 allowed".
    public func describe() -> FixedText<256> {
        var text = FixedText<256>()
        if field.utf8CodeUnitCount > 0 {
            text.append(field)
            text.append(": ")
        }
        switch reason {
        case .notJSON, .notAnObject, .notText, .tooDeep, .tooManyValues, .recordTooLong:
            describeRecord(into: &text)
        default:
            describeField(into: &text)
        }
        return text
    }

    private func describeRecord(into text: inout FixedText<256>) {
        switch reason {
        case .notJSON: text.append("not JSON", at: given)
        case .notAnObject: text.append("not a JSON object")
        case .notText: text.append("neither UTF-8 nor a whole surrogate pair", at: given)
        case .tooDeep:
            text.append("nested more than ")
            text.append(decimal: limit)
            text.append(" deep", at: given)
        case .tooManyValues:
            text.append("more than ")
            text.append(decimal: limit)
            text.append(" JSON values")
        default:
            text.append("record of ")
            text.append(decimal: given)
            text.append(" bytes; at most ")
            text.append(decimal: limit)
        }
    }

    private func describeField(into text: inout FixedText<256>) {
        switch reason {
        case .missing: text.append("missing")
        case .givenTwice: text.append("given twice")
        case .notInteger:
            text.append("must be an integer from ")
            text.append(decimal: low)
            text.append(" to ")
            text.append(decimal: limit)
        case .notString: text.append("must be a string")
        case .notBoolean: text.append("must be true or false")
        case .notList: text.append("must be a list")
        case .notMap: text.append("must be an object")
        case .notUUID: text.append("must be a UUID, and not the one of zeros")
        case .notHex: text.append("must be 16 hexadecimal digits")
        case .empty: text.append("empty")
        case .holdsNUL: text.append("holds a NUL character")
        case .parameterName: text.append("a name is empty or holds '='")
        case .parameterTwice: text.append("a name is given twice")
        case .parameterValue: text.append("a value must be a string, a number, true or false")
        case .notRow:
            text.append(
                "a row must be [offset, attempt, worker id or null, failures, key, timeout]")
        case .tooLong: text.append(given, " bytes given, at most ", limit)
        default: text.append(given, " given, at most ", limit)
        }
    }
}

extension FixedText {
    fileprivate mutating func append(_ what: StaticString, at position: Int64) {
        append(what)
        append(" at byte ")
        append(decimal: position)
    }

    fileprivate mutating func append(_ given: Int64, _ what: StaticString, _ limit: Int64) {
        append(decimal: given)
        append(what)
        append(decimal: limit)
        append(" allowed")
    }
}
