/// A worker's UUID: the same across restarts of a board (design, section 5).
public struct WorkerID: Equatable, Sendable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// New at every start of the process: "my record" means my id *and* my incarnation.
public typealias Incarnation = UInt64

/// The number of a tenure of leadership; 0 is the time before the first claim.
public typealias Term = Int64

/// A record's place in its topic's only partition.
public typealias Offset = Int64

/// What a node is right now, and which LED is lit (design, sections 4 and 7).
public enum Role: UInt8, Cases, Equatable, Sendable {
    case leader, candidate, voter, member
}

/// The five topics of a union (design, section 2), in the order in which a node reads them:
/// the leader log first, for it says what the rest means.
public enum Topic: UInt8, Cases, Equatable, Sendable {
    case leader, election, heartbeat, results, requests

    public static let count = 5
}
