/// Records as JSON (design, sections 2 to 6): what travels on the topics.
///
/// ```swift
/// var decoder = RecordDecoder()
/// let record = try decoder.decode(bytes, from: .leader, payload: &payload)
///
/// var buffer = RecordBuffer()
/// encode(record, payload.span, into: &buffer)
/// ```
///
/// The names and words are the original project's where it has them. Reading is strict about
/// what it knows and deaf to what it does not: unknown fields are passed over, optional ones that
/// are absent or null have their defaults, and anything else that is not as it must be is refused
/// with a reason (`Malformed`). Everything that is accepted can be written again: a request leaves
/// room for the order that assigns it (`Limits.requestBytes`).
///
/// Each kind of record has a file of its own, which reads and writes it.
import Union

/// Reads records. Holds the token array, so it is made once and used for every record.
public struct RecordDecoder: ~Copyable {
    private var tokens = Tokens()
    private let names = FieldTable()
    /// The `request_id` of the request that was refused last; empty where it could not be read.
    public private(set) var refusedID = RequestID()

    public init() {}

    /// The record that `text`, read from `topic`, holds; its bulk replaces what is in `payload`,
    /// packed as `Payload` says. When it throws, `payload` is not to be used.
    public mutating func decode(
        _ text: Span<UInt8>, from topic: Topic, payload: inout Payload.Buffer
    ) throws(Malformed) -> Record {
        payload.removeAll()
        refusedID.removeAll()
        let limit = topic == .requests ? Limits.requestBytes : Limits.recordBytes
        guard text.count <= limit else {
            throw Malformed(.recordTooLong, given: text.count, limit: limit)
        }
        try Grammar.check(text)
        try tokens.find(in: text)
        do throws(Malformed) {
            return try Self.record(text, tokens.span, from: topic, names, payload: &payload)
        } catch {
            if topic == .requests {
                refusedID = JSONObject.first(.requestID, text, tokens.span, names) ?? RequestID()
            }
            throw error
        }
    }

    /// The signature in a request's field `signature`; nil: that is no string of 64 hexadecimal digits as
    /// they stand (an escape is none), or `text` is no JSON object.
    public mutating func signature(in text: Span<UInt8>) -> WrittenSignature? {
        guard text.count <= Limits.requestBytes else { return nil }
        do throws(Malformed) {
            try Grammar.check(text)
            try tokens.find(in: text)
        } catch {
            return nil
        }
        guard
            let token = JSONObject.firstToken(of: .signature, text, tokens.span, names),
            tokens.span[token].isString
        else { return nil }
        let digits = tokens.span[token].range
        guard digits.count == 2 * FixedText<32>.capacity else { return nil }
        var bytes = FixedText<32>()
        for i in stride(from: digits.lowerBound, to: digits.upperBound, by: 2) {
            guard let high = text[i].hexValue, let low = text[i + 1].hexValue else { return nil }
            bytes.append(high << 4 | low)
        }
        return WrittenSignature(digits: digits, bytes: bytes)
    }

    /// Not of `self`: a method that only reads would be given a copy of the tokens, 60 KiB for each record.
    private static func record(
        _ text: Span<UInt8>, _ tokens: Span<Token>, from topic: Topic, _ names: FieldTable,
        payload: inout Payload.Buffer
    ) throws(Malformed) -> Record {
        let object = try JSONObject(text, tokens, at: 0, names)
        switch topic {
        case .election: return .candidacy(try Candidacy(object, payload: &payload))
        case .leader: return .leader(try LeaderRecord(object, names, payload: &payload))
        case .heartbeat: return .heartbeat(try Heartbeat(object, payload: &payload))
        case .requests: return .request(try WorkRequest(object, payload: &payload))
        case .results: return .result(try WorkResult(object, payload: &payload))
        }
    }
}

/// The signature in a request's field `signature`.
public struct WrittenSignature {
    /// Where its digits stand in the request.
    public let digits: Range<Int>
    /// What they say.
    public let bytes: FixedText<32>
}

/// Writes a record, whose payload is packed as `Payload` says, as compact JSON; replaces what
/// is in `buffer`.
///
/// False when it is longer than `Limits.recordBytes`, or a request longer than
/// `Limits.requestBytes`. That can happen to a request that a user puts together, full of control
/// characters, but not to the order that assigns a request which was read: see `WorkRequest`.
public func encode(
    _ record: Record, _ payload: Span<UInt8>, into buffer: inout RecordBuffer
) -> Bool {
    buffer.removeAll()
    switch record {
    case .candidacy(let candidacy): candidacy.write(payload, into: &buffer)
    case .leader(let leader): leader.write(payload, into: &buffer)
    case .heartbeat(let heartbeat): heartbeat.write(payload, into: &buffer)
    case .request(let request):
        request.write(payload, into: &buffer)
        return !buffer.isOverrun && buffer.span.count <= Limits.requestBytes
    case .result(let result): result.write(payload, into: &buffer)
    }
    return !buffer.isOverrun
}
