import CLinux
import Union
import Wire

/// The requests that this process writes, and what became of each: one row a request, found by
/// the number that its id carries, or by its offset, under which the leader answers a request
/// whose id it could not read.
package struct Requests: ~Copyable {
    private struct Row {
        /// When it was handed to the producer; zero: not yet.
        var sentAt = Instant.zero
        /// Where the broker has it; -1: that is not known.
        var offset: Offset = -1
        /// From `sentAt` to its final result; -1: none was read yet.
        var latencyUs: Int32 = -1
        /// The producer gave it up. It may be in the log nevertheless.
        var isUndelivered = false

        var isSettled: Bool { latencyUs >= 0 }
    }

    /// What a result is to us.
    package enum Verdict: Equatable {
        /// Not final, of another process's request, or of one that has its outcome already.
        case foreign
        /// The outcome of a request of ours, so long after it was sent.
        case settled(latencyUs: Int64)
        /// It cannot be known before the next delivery report.
        case undecided
    }

    /// Outcomes by `Status`.
    package struct Tally {
        private var completed: Int64 = 0
        private var failed: Int64 = 0
        private var timedOut: Int64 = 0
        private var rejected: Int64 = 0
        private var lost: Int64 = 0
        private var exhausted: Int64 = 0
        private var unknown: Int64 = 0

        package fileprivate(set) subscript(status: Status) -> Int64 {
            get {
                switch status {
                case .completed: completed
                case .failed: failed
                case .timedOut: timedOut
                case .rejected: rejected
                case .lost: lost
                case .exhausted: exhausted
                case .unknown: unknown
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
                case .unknown: unknown = newValue
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
    /// A request's number + 1 by its offset, at that modulo the size or the next free place; 0: free.
    private var places: Table<UInt32>
    /// The ids of one process: `ID`, `ID-1`, `ID-2` …, or UUIDs that differ in their first eight
    /// digits, which people see: the request's number times an odd constant, and back.
    private let name: RequestID
    private let common: WorkerID
    private static let scatter: UInt32 = 0x9E37_79B1
    private static let gather: UInt32 = 0x0E8B_2F51

    package private(set) var sent: Int64 = 0
    /// Those that the producer gave up, and that have no outcome.
    package private(set) var undelivered: Int64 = 0
    /// Those whose delivery report has come, and the highest offset among them.
    private var reported: Int64 = 0
    private var highestOffset: Offset = -1
    package private(set) var outcomes = Tally()
    package private(set) var firstSentAt = Instant.never
    package private(set) var lastSettledAt = Instant.zero

    /// Room for `limit` requests; `name` is their id, or what their ids begin with.
    package init(limit: Int, name: Span<UInt8>) {
        var size = 2
        while size < 2 * limit { size *= 2 }
        let bytes = limit * MemoryLayout<Row>.stride + size * MemoryLayout<UInt32>.stride
        var arena = Arena.mapped(bytes + 64)
        rows = arena.table(limit, filler: Row())
        places = arena.table(size, filler: 0)
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
        // An id that only looks like one of ours, `ID-01`, is another's.
        guard let found, found >= 0, found < sent, self.id(found) == id else { return nil }
        return found
    }

    /// The number of the request at this offset.
    private func number(at offset: Offset) -> Int? {
        guard offset >= 0 else { return nil }
        var place = Int(offset) & (places.count - 1)
        while places[place] != 0 {
            let number = Int(places[place]) - 1
            if rows[number].offset == offset { return number }
            place = (place + 1) & (places.count - 1)
        }
        return nil
    }
}

// What happens to them.
extension Requests {
    /// The tag with which the next request is to be written.
    package var nextTag: UInt { UInt(sent) + 1 }

    /// Notes that the next request was handed over.
    package mutating func noteSent(at now: Instant) {
        rows[Int(sent)].sentAt = now
        firstSentAt = min(firstSentAt, now)
        sent += 1
    }

    /// The broker has the request that was written with this tag.
    package mutating func noteDelivered(tag: UInt, _ offset: Offset) {
        let number = Int(tag) - 1
        rows[number].offset = offset
        highestOffset = max(highestOffset, offset)
        reported += 1
        var place = Int(offset) & (places.count - 1)
        while places[place] != 0 { place = (place + 1) & (places.count - 1) }
        places[place] = UInt32(number) + 1
    }

    /// The producer gave one up: it may never have reached the log.
    package mutating func noteUndelivered(tag: UInt) {
        let number = Int(tag) - 1
        rows[number].isUndelivered = true
        reported += 1
        if !rows[number].isSettled { undelivered += 1 }
    }

    /// Takes a result that was read from the log.
    package mutating func settle(_ result: WorkResult, at now: Instant) -> Verdict {
        guard result.final else { return .foreign }
        guard let number = number(result.requestID) ?? number(at: result.requestOffset) else {
            // Reports come in the order of offsets, and may come after the result.
            let mayBeReported = reported < sent && result.requestOffset > highestOffset
            return mayBeReported ? .undecided : .foreign
        }
        guard !rows[number].isSettled else { return .foreign }
        // No request follows its result: a stranger's, who names one that is still to come.
        if rows[number].offset >= 0, result.requestOffset > rows[number].offset { return .foreign }
        let latency = max(0, now.us - rows[number].sentAt.us)
        rows[number].latencyUs = Int32(clamping: latency)
        if rows[number].isUndelivered { undelivered -= 1 }
        outcomes[result.status] += 1
        lastSettledAt = now
        return .settled(latencyUs: latency)
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
