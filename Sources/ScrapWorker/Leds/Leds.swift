import CLinux
import Union
import Wire

/// The node's LEDs (design, section 7): which are lit follows from role, connection and work.
///
/// Driver `none` does nothing, `terminal` prints a line on stdout for each change, `gpio` drives
/// lines through libgpiod. `demo` starts its nodes with `fd:N`: a line for each change, with the
/// moment, on a descriptor that it passes on:
///
/// ```
/// 81234567890 leader 1 0        CLOCK_BOOTTIME in us, role, online, working
/// ```
struct Leds: ~Copyable {
    enum Lamp: UInt8 {
        case leader, candidate, voter, member, work

        static let count: UInt8 = 5
        static let all: UInt8 = 0x1F

        var bit: UInt8 { 1 << rawValue }

        var word: StaticString {
            switch self {
            case .leader: "leader"
            case .candidate: "candidate"
            case .voter: "voter"
            case .member: "member"
            case .work: "work"
            }
        }

        init?(name: Span<UInt8>) {
            for i in 0..<Self.count {
                let lamp = Lamp(rawValue: i)!
                if name.equals(lamp.word) {
                    self = lamp
                    return
                }
            }
            return nil
        }
    }

    /// Half a period of the blinking of a node that is not online.
    static let blinkMs: Int32 = 500

    private let driver: Config.Driver
    private var lines: GpioLines?
    private var lit: UInt8 = 0
    private var role = Role.member
    private var isOnline = false
    private var isWorking = false
    private var wasShown = false

    /// When `tick` must be called next.
    private(set) var nextBlink = Instant.never

    /// Takes the lines, all dark. Throws when one cannot be had, and has said which and why.
    init(_ config: borrowing Config) throws(Exit) {
        driver = config.driver
        lines = driver == .gpio ? try GpioLines(config) : nil
    }

    /// Shows what the node is: exactly one role's LED is lit while it is online; offline it is a
    /// member whose LED blinks.
    mutating func show(_ role: Role, online: Bool, working: Bool, at now: Instant) {
        let isNew =
            !wasShown || role != self.role || online != isOnline || working != isWorking
        guard isNew else { return }
        let startsBlinking = !online && (isOnline || !wasShown)
        (self.role, isOnline, isWorking, wasShown) = (role, online, working, true)
        if online { nextBlink = .never } else if startsBlinking { nextBlink = now + Self.blinkMs }
        let lamp = online ? Lamp(rawValue: role.rawValue)! : .member
        let isDark = !online && !startsBlinking && lit & Lamp.member.bit == 0
        light((isDark ? 0 : lamp.bit) | (working ? Lamp.work.bit : 0))
        announce()
    }

    /// Blinks, when it is time.
    mutating func tick(at now: Instant) {
        guard nextBlink <= now else { return }
        nextBlink = now + Self.blinkMs
        light(lit ^ Lamp.member.bit)
    }

    /// Lights exactly these LEDs, a bit for each `Lamp`. Most chips change one line after another,
    /// even in one call: LEDs that go dark do so in a call of their own, before others are lit.
    mutating func light(_ lamps: UInt8) {
        let remaining = lit & lamps
        if lines != nil && remaining != lit && remaining != lamps { lines!.set(remaining) }
        lit = lamps
        if lines != nil { lines!.set(lamps) }
    }

    private func announce() {
        switch driver {
        case .none, .gpio: return
        case .terminal: picture().withSpan { _ = writeAll(STDOUT_FILENO, $0) }
        case .report(let fd):
            var line = FixedText<128>()
            line.put(Clock.now.us)
            line.put(" ")
            line.put(isOnline ? role.word : Role.member.word)
            line.put(isOnline ? " 1" : " 0")
            line.put(isWorking ? " 1\n" : " 0\n")
            writeAll(fd, line.span)
        }
    }

    /// `○ leader  ○ candidate  ○ voter  ● member  ○ work`
    private func picture() -> FixedText<128> {
        var line = FixedText<128>()
        for i in 0..<Lamp.count {
            let lamp = Lamp(rawValue: i)!
            line.put(lit & lamp.bit != 0 ? "● " : "○ ")
            line.put(lamp.word)
            line.put(i + 1 < Lamp.count ? "  " : isOnline ? "\n" : "  (offline)\n")
        }
        return line
    }
}
