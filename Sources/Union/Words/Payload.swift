/// How a record's bulk is packed into one run of bytes (see `Record`). Only memory, never the
/// wire: numbers are little-endian, lengths precede what they measure.
///
/// ```
/// ids (votes, members)   16 bytes each
/// heartbeat              running: offsets of 8 bytes; deadlines: 4 bytes each;
///                        completed: each length (1), bytes
/// open work              44 bytes a row: offset 8, attempt 4, failures 4, worker 16, key 8,
///                        deadline 4 (0 is none)
/// request                code: length + 1 (2 bytes; 0 is null), bytes
///                        parameters: count (1), each name length (2), name, value length (2), value
///                        requester_id: length + 1 (1; 0 is null), bytes
///                        signature: length + 1 (2; 0 is null), bytes
/// output                 as it is
/// ```
///
/// A packed worker id of 16 zero bytes is "nobody".
public enum Payload {
    /// Room for any record's payload (`Limits.payloadBytes`).
    public typealias Buffer = FixedText<11264>

    /// The little-endian number in the `size` bytes from `index` on.
    public static func number(_ bytes: Span<UInt8>, at index: Int, size: Int) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<size { value |= UInt64(bytes[index + i]) << (8 * UInt64(i)) }
        return value
    }

    public static func workerID(_ bytes: Span<UInt8>, at index: Int) -> WorkerID? {
        let high = number(bytes, at: index, size: 8)
        let low = number(bytes, at: index + 8, size: 8)
        return high == 0 && low == 0 ? nil : WorkerID(high: high, low: low)
    }

    /// The row of open work that begins at `index`.
    public static func openWork(_ bytes: Span<UInt8>, at index: Int) -> OpenWork {
        let timeoutMs = Int32(truncatingIfNeeded: number(bytes, at: index + 40, size: 4))
        return OpenWork(
            requestOffset: Offset(bitPattern: number(bytes, at: index, size: 8)),
            attempt: Int32(truncatingIfNeeded: number(bytes, at: index + 8, size: 4)),
            failures: Int32(truncatingIfNeeded: number(bytes, at: index + 12, size: 4)),
            workerID: workerID(bytes, at: index + 16),
            requestKey: number(bytes, at: index + 32, size: 8),
            timeoutMs: timeoutMs > 0 ? timeoutMs : nil)
    }
}

extension Heartbeat {
    /// The offset of the running request at `index`.
    public static func running(_ payload: Span<UInt8>, _ index: Int32) -> Offset {
        Offset(bitPattern: Payload.number(payload, at: 8 * Int(index), size: 8))
    }

    /// The deadline in ms of the job at `index`, one of the first `deadlineCount`.
    public func deadlineMs(_ payload: Span<UInt8>, _ index: Int32) -> Int32 {
        let start = 8 * Int(runningCount) + 4 * Int(index)
        return Int32(truncatingIfNeeded: Payload.number(payload, at: start, size: 4))
    }

    /// Whether the worker has the request at this offset.
    func hasRunning(_ offset: Offset, _ payload: Span<UInt8>) -> Bool {
        for i in 0..<runningCount where Self.running(payload, i) == offset { return true }
        return false
    }
}

/// Where payloads are packed: the outbox, or a buffer that `Wire` decodes into.
public protocol PayloadSink: ~Copyable {
    /// Appends a byte; traps, or in a decoder refuses, when there is no room.
    mutating func pack(_ byte: UInt8)
    /// Appends all the bytes, in the same way.
    mutating func pack(_ bytes: Span<UInt8>)
}

extension PayloadSink where Self: ~Copyable {
    public mutating func pack(_ value: UInt64, size: Int) {
        for i in 0..<size { pack(UInt8(truncatingIfNeeded: value >> (8 * UInt64(i)))) }
    }

    public mutating func pack(_ bytes: Span<UInt8>) {
        for i in 0..<bytes.count { pack(bytes[i]) }
    }

    /// By subscript: the span of a temporary is not to be trusted (Swift 6.3, `-Osize`).
    public mutating func pack<let n: Int>(_ text: FixedText<n>) {
        for i in 0..<text.count { pack(text[i]) }
    }

    public mutating func pack(_ id: WorkerID?) {
        pack(id?.high ?? 0, size: 8)
        pack(id?.low ?? 0, size: 8)
    }

    public mutating func pack(_ offset: Offset) { pack(UInt64(bitPattern: offset), size: 8) }

    public mutating func pack(deadlineMs: Int32) {
        pack(UInt64(UInt32(bitPattern: deadlineMs)), size: 4)
    }

    /// An id in a heartbeat's list of finished requests.
    public mutating func packCompleted(_ id: RequestID) {
        pack(UInt8(id.count))
        pack(id)
    }

    public mutating func pack(_ row: OpenWork) {
        pack(row.requestOffset)
        pack(UInt64(UInt32(bitPattern: row.attempt)), size: 4)
        pack(UInt64(UInt32(bitPattern: row.failures)), size: 4)
        pack(row.workerID)
        pack(row.requestKey, size: 8)
        pack(UInt64(UInt32(bitPattern: row.timeoutMs ?? 0)), size: 4)
    }
}

extension FixedText: PayloadSink {
    /// Traps when full: who packs has checked the limits before.
    public mutating func pack(_ byte: UInt8) {
        precondition(append(byte), "FixedText: full")
    }

    public mutating func pack(_ bytes: Span<UInt8>) {
        precondition(append(bytes), "FixedText: full")
    }
}
