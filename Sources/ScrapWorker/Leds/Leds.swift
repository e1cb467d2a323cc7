import CLinux
import Shell
import Union

/// The node's LEDs: what is lit, and the driver that lights it.
struct Leds: ~Copyable {
    private let output: Output
    private var pattern = LedPattern()
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

    /// When `tick` must be called next.
    var nextBlink: Instant { pattern.nextBlink }

    /// Shows what the node is.
    mutating func show(_ role: Role, online: Bool, working: Bool, at now: Instant) {
        guard pattern.show(role, online: online, working: working, at: now) else { return }
        light()
        switch output {
        case .none: break
        case .terminal(let leds): leds.announce(pattern)
        case .gpio(let leds): leds.announce(pattern)
        case .report(let leds): leds.announce(pattern)
        }
    }

    /// Blinks, when it is time.
    mutating func tick(at now: Instant) {
        if pattern.tick(at: now) { light() }
    }

    /// A failure is logged once: a node works without its LEDs.
    private mutating func light() {
        let (lit, before) = (pattern.lit, pattern.litBefore)
        do throws(Errno) {
            switch output {
            case .none: break
            case .terminal(let leds): try leds.light(lit, after: before)
            case .gpio(let leds): try leds.light(lit, after: before)
            case .report(let leds): try leds.light(lit, after: before)
            }
        } catch {
            guard !hasFailed else { return }
            hasFailed = true
            Log.write(.warning) { (line: inout Log.Line) in
                line.put("the LEDs cannot be set any more: ")
                line.put(errno: error.code)
            }
        }
    }
}
