import Union
import Wire

/// A record and its payload, as they were read.
struct Reading {
    var record: Record
    var payload: [UInt8]
}

/// A decoder and its buffers, as a node has them.
struct Desk: ~Copyable {
    private var decoder = RecordDecoder()
    private var payload = Payload.Buffer()
    private var buffer = RecordBuffer()

    mutating func read(_ bytes: [UInt8], from topic: Topic) -> Result<Reading, Malformed> {
        do throws(Malformed) {
            let record = try decoder.decode(bytes.span, from: topic, payload: &payload)
            return .success(Reading(record: record, payload: array(payload.span)))
        } catch {
            return .failure(error)
        }
    }

    mutating func signature(_ bytes: [UInt8]) -> WrittenSignature? {
        decoder.signature(in: bytes.span)
    }

    /// The record's bytes, or nil when they are too many.
    mutating func write(_ reading: Reading) -> [UInt8]? {
        guard encode(reading.record, reading.payload.span, into: &buffer) else { return nil }
        return array(buffer.span)
    }
}

func array(_ span: Span<UInt8>) -> [UInt8] {
    span.withUnsafeBufferPointer { Array($0) }
}
