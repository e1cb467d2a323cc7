import CLinux
import Shell
import Union

/// The LEDs' driver, in the keeper's process.
struct Leds: ~Copyable {
    private let output: Output
    /// For the driver's lines, where it has some.
    private var outlet: Outlet?
    private var lamps = LitLamps()
    private var said: LedPattern?
    private var hasFailed = false

    /// The configured driver.
    private enum Output: ~Copyable, LedOutput {
        case none
        case terminal(TerminalLeds)
        case gpio(GpioLeds)
        case report(ReportLeds)

        borrowing func light(_ lit: LampSet, after before: LampSet) throws(Errno) {
            switch self {
            case .none: break
            case .terminal(let leds): try leds.light(lit, after: before)
            case .gpio(let leds): try leds.light(lit, after: before)
            case .report(let leds): try leds.light(lit, after: before)
            }
        }

        borrowing func line(for pattern: LedPattern, at now: Instant) -> FixedText<128>? {
            switch self {
            case .none: nil
            case .terminal(let leds): leds.line(for: pattern, at: now)
            case .gpio(let leds): leds.line(for: pattern, at: now)
            case .report(let leds): leds.line(for: pattern, at: now)
            }
        }
    }

    /// Takes the driver's lines, all dark. Throws when one cannot be had, and has said which and
    /// why.
    init(_ config: borrowing Config) throws(Exit) {
        switch config.driver {
        case .none: output = .none
        case .terminal:
            output = .terminal(TerminalLeds())
            outlet = Outlet(STDOUT_FILENO)
        case .gpio: output = .gpio(try GpioLeds(config))
        case .report:
            output = .report(ReportLeds())
            outlet = Outlet(config.reportFd)
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

    /// Whether the leader's LED is lit, or may be, because a call failed.
    var mayShowLeader: Bool { lamps.possible.contains(.leader) }

    /// Lights exactly `lit`, and says what the node is, where that is new. False when it could not
    /// be done or said now and must be tried again: nothing here waits for who reads it.
    mutating func show(_ lit: LampSet, _ pattern: LedPattern) -> Bool {
        var isDone = true
        do throws(Errno) { try lamps.show(lit, by: output) } catch {
            isDone = false
            complain(error)
        }
        do throws(Errno) { try tell(pattern) } catch {
            if error != .wouldBlock { complain(error) }
            isDone = isDone && error != .wouldBlock
        }
        return isDone
    }

    private mutating func tell(_ pattern: LedPattern) throws(Errno) {
        try outlet?.finish()
        if !pattern.saysTheSame(as: said) {
            if let line = output.line(for: pattern, at: Clock.now) { try outlet?.offer(line.span) }
            said = pattern
        }
        if outlet?.isWhole == false { throw .wouldBlock }
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
