import CLinux
import Shell
import Union

/// The LEDs' driver, in the keeper's process.
struct Leds: ~Copyable {
    private let output: Output
    private var lit = LampSet()
    private var said: LedPattern?
    private var hasFailed = false

    /// The configured driver.
    private enum Output: ~Copyable {
        case none
        case terminal(TerminalLeds)
        case gpio(GpioLeds)
        case report(ReportLeds)
    }

    /// Takes the driver's lines, all dark. Throws when one cannot be had, and has said which and
    /// why.
    init(_ config: borrowing Config) throws(Exit) {
        switch config.driver {
        case .none: output = .none
        case .terminal: output = .terminal(TerminalLeds())
        case .gpio: output = .gpio(try GpioLeds(config))
        case .report: output = .report(ReportLeds(fd: config.reportFd))
        }
    }

    /// Whether anybody could see a LED of this driver.
    var isVisible: Bool {
        switch output {
        case .none: false
        case .terminal: true
        case .gpio: true
        case .report: true
        }
    }

    /// Lights exactly `lit`, and says what the node is, where that is new. False when it could not
    /// be said now and must be tried again: nothing here waits for who reads it.
    mutating func show(_ lit: LampSet, _ pattern: LedPattern) -> Bool {
        do throws(Errno) {
            if lit != self.lit { try light(lit, after: self.lit) }
            self.lit = lit
            if !pattern.saysTheSame(as: said) { try announce(pattern) }
            said = pattern
        } catch {
            if error == .wouldBlock { return false }
            complain(error)
        }
        return true
    }

    private borrowing func light(_ lit: LampSet, after before: LampSet) throws(Errno) {
        switch output {
        case .none: break
        case .terminal(let leds): try leds.light(lit, after: before)
        case .gpio(let leds): try leds.light(lit, after: before)
        case .report(let leds): try leds.light(lit, after: before)
        }
    }

    private borrowing func announce(_ pattern: LedPattern) throws(Errno) {
        switch output {
        case .none: break
        case .terminal(let leds): try leds.announce(pattern)
        case .gpio(let leds): try leds.announce(pattern)
        case .report(let leds): try leds.announce(pattern)
        }
    }

    /// A failure is logged once: a node works without its LEDs.
    private mutating func complain(_ error: Errno) {
        guard !hasFailed else { return }
        hasFailed = true
        Log.write(.warning) { (line: inout Log.Line) in
            line.put("the LEDs cannot be set any more: ")
            line.put(errno: error.code)
        }
    }
}
