import Union

/// Which LEDs are lit (design, section 7): it follows from role, connection and work. Knows no
/// lines and no clock: its owner says what the node is, asks which are lit, and calls `tick` when
/// `nextBlink` comes.
package struct LedPattern {
    /// Half a period of the blinking of a node that is not online.
    package static let blinkMs: Int32 = 500

    package private(set) var lit = LampSet()
    package private(set) var role = Role.member
    package private(set) var isOnline = false
    package private(set) var isWorking = false
    private var wasShown = false

    /// When `tick` must be called next.
    package private(set) var nextBlink = Instant.never

    package init() {}

    /// Takes what the node is: exactly one role's LED is lit while it is online; offline it is a
    /// member whose LED blinks. False when nothing is new.
    package mutating func show(
        _ role: Role, online: Bool, working: Bool, at now: Instant
    ) -> Bool {
        let isNew =
            !wasShown || role != self.role || online != isOnline || working != isWorking
        guard isNew else { return false }
        let startsBlinking = !online && (isOnline || !wasShown)
        (self.role, isOnline, isWorking, wasShown) = (role, online, working, true)
        if online { nextBlink = .never } else if startsBlinking { nextBlink = now + Self.blinkMs }
        let isDark = !online && !startsBlinking && !lit.contains(.member)
        lit = isDark ? LampSet() : LampSet(online ? Lamp(role) : .member)
        if working { lit.insert(.work) }
        return true
    }

    /// Blinks, when it is time. False when it is not.
    package mutating func tick(at now: Instant) -> Bool {
        guard nextBlink <= now else { return false }
        nextBlink = now + Self.blinkMs
        lit.toggle(.member)
        return true
    }

    /// Whether it is the same node as `other`'s, blinking apart.
    package func saysTheSame(as other: LedPattern?) -> Bool {
        guard let other else { return false }
        return role == other.role && isOnline == other.isOnline && isWorking == other.isWorking
    }
}
