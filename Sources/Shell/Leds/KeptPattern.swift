import Union

/// What a keeper shows (design, section 7): what its node told, while the node is heard and its
/// lease runs; else that the node is offline. Knows no lines and no clock.
package struct KeptPattern {
    private let silenceMs: Int32
    private var node = LedPattern()
    /// When the lease that is shown ends, and when the node's silence begins; never: neither is.
    private var endsAt = Instant.never

    package private(set) var lit = LampSet()

    /// `silenceMs`: a node that was not heard for so long is offline.
    package init(silenceMs: Int32) { self.silenceMs = silenceMs }

    /// When `show` must be called next, should nothing be heard.
    package var nextChange: Instant { min(node.nextBlink, endsAt) }

    /// Who the node is, for drivers that show words.
    package var words: LedPattern { node }

    /// Takes what was told, until when it holds, and when the node was last heard.
    package mutating func show(
        _ told: Told, until: Instant, heardAt: Instant, at now: Instant
    ) {
        switch told {
        case .node(let role, let isOnline, let isWorking):
            show(role, isOnline, isWorking, until, heardAt + silenceMs, at: now)
        case .lamps(let set):
            lit = now < until ? set : LampSet()
            endsAt = now < until ? until : .never
        }
    }

    private mutating func show(
        _ role: Role, _ isOnline: Bool, _ isWorking: Bool, _ until: Instant, _ silentAt: Instant,
        at now: Instant
    ) {
        let isHeard = now < silentAt
        let holds = isHeard && isOnline && (role != .leader || now < until)
        _ = node.tick(at: now)
        _ = node.show(
            holds ? role : .member, online: holds, working: isHeard && isWorking, at: now)
        lit = node.lit
        endsAt = isHeard ? silentAt : .never
        if holds && role == .leader { endsAt = min(endsAt, until) }
    }
}
