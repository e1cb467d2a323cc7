import Union

@testable import Wire

/// A decoder and its buffers, as a node has them: made once, used for every record.
final class Station {
    private var decoder = RecordDecoder()
    private var buffer = RecordBuffer()
    private var payload = Payload.Buffer()

    /// What a record's bytes say, or why they are none.
    func decode(_ bytes: [UInt8], from topic: Topic) throws(Malformed) -> Decoded {
        let record = try decoder.decode(bytes.span, from: topic, payload: &payload)
        return Decoded(record: record, payload: contents(of: payload))
    }

    func decode(_ json: String, from topic: Topic) throws(Malformed) -> Decoded {
        try decode(Array(json.utf8), from: topic)
    }

    /// The record's bytes, or nil when they are too many.
    func encode(_ decoded: Decoded) -> [UInt8]? {
        guard Wire.encode(decoded.record, decoded.payload.span, into: &buffer) else { return nil }
        return contents(of: buffer)
    }

    /// Why the bytes are refused, or nil when they are not.
    func refusal(_ bytes: [UInt8], from topic: Topic) -> Malformed? {
        do throws(Malformed) {
            _ = try decoder.decode(bytes.span, from: topic, payload: &payload)
            return nil
        } catch {
            return error
        }
    }

    /// The id of the request that was refused last.
    var refusedID: String { string(decoder.refusedID) }

    /// Why `json` is refused, in words for people; nil when it is not.
    func complaint(_ json: String, from topic: Topic) -> String? {
        refusal(Array(json.utf8), from: topic).map { string($0.describe()) }
    }
}

/// A record and its payload.
struct Decoded {
    var record: Record
    var payload: [UInt8] = []
}

// MARK: Bytes

func contents(of buffer: borrowing RecordBuffer) -> [UInt8] { array(buffer.span) }
func contents<let n: Int>(of text: borrowing FixedText<n>) -> [UInt8] { array(text.span) }

func array(_ span: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(span.count)
    for i in span.indices { bytes.append(span[i]) }
    return bytes
}

func optional(_ span: Span<UInt8>?) -> [UInt8]? {
    guard let span else { return nil }
    return array(span)
}

func string<let n: Int>(_ text: borrowing FixedText<n>) -> String {
    String(decoding: contents(of: text), as: UTF8.self)
}

func string(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

/// A text of known length; traps when it does not fit.
func fixed<let n: Int>(_ bytes: [UInt8]) -> FixedText<n> {
    var text = FixedText<n>()
    precondition(text.append(bytes.span))
    return text
}

func fixed<let n: Int>(_ string: String) -> FixedText<n> { fixed(Array(string.utf8)) }

/// The payload of a request.
func requestPayload(
    code: [UInt8]? = nil, _ parameters: [(name: [UInt8], value: [UInt8])] = [],
    requesterID: [UInt8]? = nil, signature: [UInt8]? = nil
) throws(Malformed) -> [UInt8] {
    var packed = Parameters()
    for parameter in parameters {
        try packed.add(name: parameter.name.span, value: parameter.value.span)
    }
    var payload = Payload.Buffer()
    try RequestPayload.pack(
        code: code?.span, packed, requesterID: requesterID?.span, signature: signature?.span,
        into: &payload)
    return contents(of: payload)
}

// MARK: JSON

/// An object's fields in order, each value as it stands in the text.
struct Fields {
    var list: [(name: String, value: String)] = []

    /// Takes a compact object apart at its outer commas.
    init(of json: String) {
        var depth = 0
        var inString = false
        var escaped = false
        var parts = [""]
        for character in json.dropFirst().dropLast() {
            if escaped {
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character == "\"" {
                inString.toggle()
            } else if !inString {
                if character == "{" || character == "[" { depth += 1 }
                if character == "}" || character == "]" { depth -= 1 }
            }
            if character == ",", !inString, depth == 0 {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        for part in parts {
            let colon = part.firstIndex(of: ":")!
            let name = part[..<colon].dropFirst().dropLast()
            list.append((String(name), String(part[part.index(after: colon)...])))
        }
    }

    var json: String {
        "{" + list.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    /// The object with another value for a field, which is added when it is not there.
    func with(_ name: String, _ value: String) -> Fields {
        var fields = self
        if let index = list.firstIndex(where: { $0.name == name }) {
            fields.list[index].value = value
        } else {
            fields.list.append((name, value))
        }
        return fields
    }

    func without(_ name: String) -> Fields {
        var fields = self
        fields.list.removeAll { $0.name == name }
        return fields
    }
}
