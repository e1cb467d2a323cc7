import Union

/// How LEDs become visible: the values of `driver` in `[leds]`. Each has a file of its own, whose
/// type is a `LedOutput`.
package enum LedDriver: UInt8, Worded {
    case none, terminal, gpio
    /// For `demo`: see `ReportLeds`.
    case report

    package var word: StaticString {
        switch self {
        case .none: "none"
        case .terminal: "terminal"
        case .gpio: "gpio"
        case .report: "fd:"
        }
    }

    /// Whether it is for people, or only for `demo`.
    package var isPublic: Bool {
        switch self {
        case .none, .terminal, .gpio: true
        case .report: false
        }
    }
}

/// What a driver does: it lights LEDs, or it tells people. Neither unless the driver says otherwise.
package protocol LedOutput: ~Copyable {
    /// Lights exactly `lit`; called for each change, blinking included. Throws what the system
    /// said: any of them may be lit then, or still be.
    borrowing func light(_ lit: LampSet, after before: LampSet) throws(Errno)

    /// The line that tells people what the node is since `now`. They get it in `Leds`.
    borrowing func line(for pattern: LedPattern, at now: Instant) -> FixedText<128>?
}

extension LedOutput where Self: ~Copyable {
    package borrowing func light(_ lit: LampSet, after before: LampSet) throws(Errno) {}
    package borrowing func line(for pattern: LedPattern, at now: Instant) -> FixedText<128>? { nil }
}

/// Which LEDs a driver has lit, as far as is known: a call that failed may have lit or left some.
package struct LitLamps {
    package private(set) var possible = LampSet()
    private var isSure = true

    package init() {}

    /// Lights exactly `lit`, where that is new or has failed before.
    package mutating func show<Driver: LedOutput & ~Copyable>(
        _ lit: LampSet, by driver: borrowing Driver
    ) throws(Errno) {
        guard !isSure || lit != possible else { return }
        let before = possible
        (possible, isSure) = (before.union(lit), false)
        try driver.light(lit, after: before)
        (possible, isSure) = (lit, true)
    }
}
