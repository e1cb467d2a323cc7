import CLinux
import Shell
import Union

/// `leds`: lights each LED in turn, then all of them, to check the wiring.
enum LedsCommand {
    private static let lightMs: Int32 = 1000

    static func perform(_ config: borrowing Config) throws(Exit) {
        guard config.driver == .gpio else {
            Log.write(.error, "[leds] driver is not gpio: there is no LED to light")
            throw Exit(code: EX_CONFIG)
        }
        let signals: Signals
        do {
            signals = try Signals()
        } catch {
            Log.write(.error, "signalfd failed")
            throw Exit(code: EX_OSERR)
        }
        let leds = try GpioLeds(config)
        var before = LampSet()
        for lamp in Lamp.all where config.lamps[lamp].count > 0 {
            say(lamp.word, config.bytes(config.lamps[lamp]))
            try light(leds, LampSet(lamp), after: &before)
            guard waits(signals) else { return }
        }
        say("all", Argument("").bytes)
        try light(leds, .all, after: &before)
        _ = waits(signals)
    }

    private static func light(
        _ leds: borrowing GpioLeds, _ lit: LampSet, after before: inout LampSet
    ) throws(Exit) {
        do {
            try leds.light(lit, after: before)
            before = lit
        } catch {
            Log.write(.error) { (line: inout Log.Line) in
                line.put("the LEDs cannot be set: ")
                line.put(errno: error.code)
            }
            throw Exit(code: EX_UNAVAILABLE)
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
