import CLinux
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
        var leds = try Leds(config)
        for i in 0..<Leds.Lamp.count where config.lamps[Int(i)].count > 0 {
            let lamp = Leds.Lamp(rawValue: i)!
            say(lamp.word, config.bytes(config.lamps[Int(i)]))
            leds.light(lamp.bit)
            guard waits(signals) else { return }
        }
        say("all", Argument("").bytes)
        leds.light(Leds.Lamp.all)
        _ = waits(signals)
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
