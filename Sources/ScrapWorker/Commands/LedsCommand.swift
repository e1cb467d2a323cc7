import CLinux
import Shell
import Union

/// `leds`: lights each LED in turn, then all of them, to check the wiring.
enum LedsCommand {
    private static let lightMs: Int32 = 1000

    static func perform(_ options: borrowing Options, _ config: borrowing Config) throws(Exit) {
        if options.off { return try putOut(config) }
        guard config.driver == .gpio else {
            Log.write(.error, "[leds] driver is not gpio: there is no LED to light")
            throw Exit(code: EX_CONFIG)
        }
        // As for a node: should this process be stopped or killed, the LEDs go dark.
        var keeper = try Keeper.begin(config)
        do throws(Errno) {
            let signals = try Signals()
            for lamp in Lamp.all where config.lamps[lamp].count > 0 {
                try light(LampSet(lamp), &keeper)
                say(lamp.word, config.bytes(config.lamps[lamp]))
                guard waits(signals) else { return }
            }
            try light(.all, &keeper)
            say("all", Argument("").bytes)
            _ = waits(signals)
        } catch {
            Log.write(.error) { (line: inout Log.Line) in
                line.put("a system call failed: ")
                line.put(errno: error.code)
            }
            throw Exit(code: EX_OSERR)
        }
    }

    /// After a keeper that could not do it itself. Without lines there is nothing to do.
    private static func putOut(_ config: borrowing Config) throws(Exit) {
        if config.driver == .gpio { _ = try GpioLeds(config) }
    }

    /// Lights these until the next are lit, and waits until they are.
    private static func light(_ lit: LampSet, _ keeper: inout KeeperLink) throws(Errno) {
        let now = Clock.now
        keeper.setLease(now + 2 * lightMs)
        keeper.tell(.lamps(lit), at: now)
        while !keeper.hasShownAll {
            var waiting = pollfd(fd: keeper.fd, events: Int16(POLLIN), revents: 0)
            unsafe poll(&waiting, 1, -1)
            try keeper.hear(at: Clock.now)
        }
    }

    private static func say(_ word: StaticString, _ place: Span<UInt8>) {
        var line = FixedText<256>()
        line.put(word)
        if place.count > 0 { line.put(": ") }
        line.put(place)
        line.put("\n")
        writeAll(STDOUT_FILENO, line.span)
    }

    /// False when the user wants to stop.
    private static func waits(_ signals: borrowing Signals) -> Bool {
        var waiting = pollfd(fd: signals.fd, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&waiting, 1, lightMs) == 0
    }
}
