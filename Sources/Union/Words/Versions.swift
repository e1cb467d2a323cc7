/// Which protocols a node speaks (design, section 2: versions). A protocol says what records may hold,
/// and which orders there are: who speaks one has fields, words and orders of its own, which older
/// ones pass over, or must not see.
///
/// | protocol | since then a board |
/// |---|---|
/// | 1 | says no protocol at all |
/// | 2 | knows `unless_started` and `calls_back`, says how long its jobs may run on, passes over orders, statuses and roles that it does not know |
public struct Versions: Equatable, Sendable {
    /// `protocol`: the newest that it speaks.
    public var newest: Int32
    /// `reads`: the oldest that it understands.
    public var oldest: Int32

    public init(newest: Int32, oldest: Int32) {
        self.newest = newest
        self.oldest = oldest
    }

    /// This version's.
    public static let current = Versions(newest: 2, oldest: 1)
    /// Of who says nothing.
    public static let unsaid = Versions(newest: 1, oldest: 1)

    /// Each can understand the other.
    public func fits(_ other: Versions) -> Bool { oldest <= other.newest && other.oldest <= newest }

    /// What all understand who understand these, and those.
    mutating func narrow(to other: Versions) {
        newest = min(newest, other.newest)
        oldest = max(oldest, other.oldest)
    }
}
