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

    /// Why `json` is refused, in words for people; nil when it is not.
    func complaint(_ json: String, from topic: Topic) -> String? {
        do throws(Malformed) {
            _ = try decode(json, from: topic)
            return nil
        } catch {
            let words = error.describe()
            return string(words.span)
        }
    }
}

/// A record and its payload.
struct Decoded {
    var record: Record
    var payload: [UInt8] = []
}

func array(_ span: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(span.count)
    for i in span.indices { bytes.append(span[i]) }
    return bytes
}

func string(_ span: Span<UInt8>) -> String { String(decoding: array(span), as: UTF8.self) }

func contents(of buffer: borrowing RecordBuffer) -> [UInt8] { array(buffer.span) }
func contents<let n: Int>(of text: borrowing FixedText<n>) -> [UInt8] { array(text.span) }

/// A text of known length; traps when it does not fit.
func fixed<let n: Int>(_ string: String) -> FixedText<n> {
    var text = FixedText<n>()
    precondition(text.append(Array(string.utf8).span))
    return text
}
