/// Names a key, without telling it (`Shell.UnionKey.id`); 0: none, records are not signed.
public typealias KeyID = UInt32

/// With which keys a record must be signed for a node to take it for valid: one, or either of two.
public struct AcceptedKeys: Equatable, Sendable {
    public var first: KeyID
    public var second: KeyID

    /// `second` nil: nothing else.
    public init(_ first: KeyID = 0, or second: KeyID? = nil) {
        self.first = first
        self.second = second ?? first
    }

    /// Both in one number, the first in the higher half: as it is written.
    public init(bits: UInt64) {
        (first, second) = (KeyID(bits >> 32), KeyID(truncatingIfNeeded: bits))
    }

    public var bits: UInt64 { UInt64(first) << 32 | UInt64(second) }

    public func contains(_ key: KeyID) -> Bool { key == first || key == second }

    /// Whoever accepts these accepts no more than `others`.
    func isWithin(_ others: AcceptedKeys) -> Bool {
        others.contains(first) && others.contains(second)
    }
}
