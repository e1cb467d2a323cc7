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

/// What a driver does. Both do nothing unless the driver says otherwise.
package protocol LedOutput: ~Copyable {
    /// Lights exactly `lit`; called for each change, blinking included. Throws what the system
    /// said.
    borrowing func light(_ lit: LampSet, after before: LampSet) throws(Errno)

    /// Tells that the node is another than before; called after `light`. Throws `wouldBlock` when
    /// nobody takes it now.
    borrowing func announce(_ pattern: LedPattern) throws(Errno)
}

extension LedOutput where Self: ~Copyable {
    package borrowing func light(_ lit: LampSet, after before: LampSet) throws(Errno) {}
    package borrowing func announce(_ pattern: LedPattern) throws(Errno) {}
}
