import CLinux
import Union
import Wire

/// The requests that this process writes, and what became of each: one row a request, found by
/// the number that its id carries. Rows that are never used cost no memory.
package struct Requests: ~Copyable {
    private struct Row {
        /// When it was handed to the producer; zero: not yet.
        var sentAt = Instant.zero
        /// From then to its final result; -1: none was read yet.
        var latencyUs: Int32 = -1
    }

    /// Outcomes by `Status`.
    package struct Tally {
        private var completed: Int64 = 0
        private var failed: Int64 = 0
        private var timedOut: Int64 = 0
        private var rejected: Int64 = 0
        private var lost: Int64 = 0
        private var exhausted: Int64 = 0

        package fileprivate(set) subscript(status: Status) -> Int64 {
            get {
                switch status {
                case .completed: completed
                case .failed: failed
                case .timedOut: timedOut
                case .rejected: rejected
                case .lost: lost
                case .exhausted: exhausted
                }
            }
            set {
                switch status {
                case .completed: completed = newValue
                case .failed: failed = newValue
                case .timedOut: timedOut = newValue
                case .rejected: rejected = newValue
                case .lost: lost = newValue
                case .exhausted: exhausted = newValue
                }
            }
        }

        package var all: Int64 {
            var sum: Int64 = 0
            for status in Status.all { sum += self[status] }
            return sum
        }
    }

    package let limit: Int
    private var rows: Table<Row>
    /// The ids of one process: `ID`, `ID-1`, `ID-2` …, or UUIDs that differ in their first eight
    /// digits, which people see: the request's number times an odd constant, and back.
    private let name: RequestID
    private let common: WorkerID
    private static let scatter: UInt32 = 0x9E37_79B1
    private static let gather: UInt32 = 0x0E8B_2F51

    package private(set) var sent: Int64 = 0
    package private(set) var undelivered: Int64 = 0
    package private(set) var outcomes = Tally()
    package private(set) var firstSentAt = Instant.never
    package private(set) var lastSettledAt = Instant.zero

    /// Room for `limit` requests; `name` is their id, or what their ids begin with.
    package init(limit: Int, name: Span<UInt8>) {
        var arena = Arena.mapped(limit * MemoryLayout<Row>.stride + 64)
        rows = arena.table(limit, filler: Row())
        self.limit = limit
        var text = RequestID()
        text.put(name)
        self.name = text
        // The bits of a random UUID, version 4.
        common = WorkerID(
            high: randomNumber() & ~0xF000 | 0x4000,
            low: randomNumber() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// Those that were sent and have no outcome.
    package var open: Int64 { sent - outcomes.all }

    /// The id of the request with this number, from 0.
    package func id(_ number: Int) -> RequestID {
        var id = RequestID()
        guard !name.isEmpty else {
            let scattered = UInt64(UInt32(number) &* Self.scatter) << 32
            id.put(WorkerID(high: common.high ^ scattered, low: common.low).uuid)
            return id
        }
        id.put(name)
        if limit > 1 {
            id.put("-")
            id.put(number + 1)
        }
        return id
    }

    /// The number in an id of ours.
    private func number(_ id: RequestID) -> Int? {
        var found: Int?
        if name.isEmpty {
            if let id = id.withSpan({ WorkerID(uuid: $0) }), id.low == common.low {
                let scattered = id.high ^ common.high
                guard scattered & 0xFFFF_FFFF == 0 else { return nil }
                found = Int(UInt32(scattered >> 32) &* Self.gather)
            }
        } else if limit == 1 {
            found = id == name ? 0 : nil
        } else if id.count > name.count + 1 {
            for i in 0..<name.count where id[i] != name[i] { return nil }
            let decimal = id.withSpan { $0.extracting((name.count + 1)..<id.count).decimal }
            found = decimal.map { Int($0) - 1 }
        }
        guard let found, found >= 0, found < sent else { return nil }
        return found
    }

    /// Notes that the next request was handed over.
    package mutating func noteSent(at now: Instant) {
        rows[Int(sent)].sentAt = now
        firstSentAt = min(firstSentAt, now)
        sent += 1
    }

    /// The producer gave one up: it may never have reached the log.
    package mutating func noteUndelivered() { undelivered += 1 }

    /// Takes a result. Its latency in microseconds when it is the first final one of a request of
    /// ours; nil otherwise.
    package mutating func settle(_ result: WorkResult, at now: Instant) -> Int64? {
        guard result.final, let number = number(result.requestID), rows[number].latencyUs < 0
        else { return nil }
        let latency = max(0, now.us - rows[number].sentAt.us)
        rows[number].latencyUs = Int32(clamping: latency)
        outcomes[result.status] += 1
        lastSettledAt = now
        return latency
    }

    /// The latency that `percent` of the settled requests did not exceed, in microseconds.
    package func percentile(_ percent: Int64) -> Int64 {
        let rank = (outcomes.all * percent + 99) / 100
        var low: Int32 = 0
        var high = Int32.max
        while low < high {
            let middle = low + (high - low) / 2
            var count: Int64 = 0
            for i in 0..<Int(sent) where rows[i].latencyUs >= 0 && rows[i].latencyUs <= middle {
                count += 1
            }
            if count >= rank { high = middle } else { low = middle + 1 }
        }
        return Int64(low)
    }
}
