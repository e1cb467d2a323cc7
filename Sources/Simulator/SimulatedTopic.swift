import Union

extension Topic {
    static let all: [Topic] = [.leader, .election, .heartbeat, .results, .requests]
    var index: Int { Int(rawValue) }
}

/// One topic's only partition: records in a total order, some of the first perhaps removed.
struct SimulatedTopic {
    struct Entry {
        /// nil: bytes that are no record. Payload: why, as the decoder would say it.
        var record: Record?
        var payload: [UInt8]
        /// Which board wrote it; -1: a user.
        var writer: Int
        /// When the broker took it, in µs.
        var at: Int64
        /// With which key it is signed; 0: with none.
        var signedBy: KeyID = 0
    }

    /// Of every other request that is none, the id can be read; empty: it cannot.
    static func readableID(ofMalformedAt offset: Offset) -> RequestID {
        guard offset % 2 == 0 else { return RequestID() }
        var id = RequestID("bad-")
        id.append(decimal: offset)
        return id
    }

    private(set) var low: Offset = 0
    private var entries = ContiguousArray<Entry>()
    /// Entries at the front that retention has removed and that still take memory.
    private var dead = 0

    var high: Offset { low + Offset(entries.count - dead) }

    mutating func append(_ entry: Entry) -> Offset {
        entries.append(entry)
        return high - 1
    }

    func contains(_ offset: Offset) -> Bool { offset >= low && offset < high }

    subscript(offset: Offset) -> Entry {
        _read { yield entries[dead + Int(offset - low)] }
    }

    /// The first offset whose record the broker took at `time` or later; `high`: none.
    func firstOffset(since time: Int64) -> Offset {
        var first = entries.count
        while first > dead && entries[first - 1].at >= time { first -= 1 }
        return low + Offset(first - dead)
    }

    /// The broker loses everything from `offset` on.
    mutating func cut(at offset: Offset) {
        entries.removeLast(Int(high - max(low, min(offset, high))))
    }

    /// Retention removes everything before `offset`.
    mutating func expire(before offset: Offset) {
        let count = Int(max(low, min(offset, high)) - low)
        low += Offset(count)
        dead += count
        guard dead > entries.count / 2 else { return }
        entries.removeFirst(dead)
        dead = 0
    }

    /// The topic is created anew, empty.
    mutating func recreate() {
        entries.removeAll(keepingCapacity: true)
        dead = 0
        low = 0
    }
}
