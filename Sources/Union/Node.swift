public struct Node: ~Copyable {
    public let settings: Settings
    public private(set) var counters = Counters()

    /// Bytes that `init` takes from the arena, the outbox's included.
    public static var arenaBytes: Int { 16 * 1024 * 1024 }

    public init(_ settings: Settings, seed: UInt64, _ arena: inout Arena) {
        self.settings = settings
    }

    public mutating func step(
        _ event: Event, _ bytes: Span<UInt8>, at now: Instant, into outbox: inout Outbox
    ) {
    }

    /// When the next `Event.tick` is due.
    public var deadline: Instant { .never }

    /// Whether the next record of `requests` may be fed; the shell holds it back otherwise.
    public var wantsRequests: Bool { false }

    /// Whether an effect may still be carried out at `now`: a process can be stopped between a
    /// step and its effects, and must not light the leader's LED or give orders when it wakes.
    public func stillHolds(_ effect: Effect, at now: Instant) -> Bool { true }

    public func role(at now: Instant) -> Role { .member }
}

/// What has happened since the start; for `watch`, the logs and the simulator's coverage.
public struct Counters: Sendable {
    public init() {}
}
