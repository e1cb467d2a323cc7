import CGpiod
import CLinux
import Shell
import Union

/// The driver `gpio`: the LEDs' lines, in one request to one chip (`gpiod_chip_request_lines`),
/// held for life and dark at its end.
@safe
struct GpioLeds: ~Copyable, LedOutput {
    /// Chips are looked for at /dev/gpiochip0 and up to this number.
    private static let chips: Int32 = 64

    private let request: OpaquePointer
    private let wires: FixedArray<8, Wire>
    /// Who took the lines. A process that was forked since only lets go of them.
    private let keeper = getpid()

    /// An LED that has a line of the chip.
    fileprivate struct Wire {
        var lamp: Lamp
        var offset: UInt32
    }

    /// Takes the lines that `config` names, all dark. Throws when one cannot be had, and has said
    /// which, where, and who holds it.
    init(_ config: borrowing Config) throws(Exit) {
        var found = Found()
        for lamp in Lamp.all where config.lamps[lamp].count > 0 {
            try found.add(lamp, config.bytes(config.lamps[lamp]))
        }
        guard !found.wires.isEmpty else {
            Log.write(.error, "[leds] driver = gpio, but no LED names its line")
            throw Exit(code: EX_CONFIG)
        }
        unsafe request = try Self.take(found, activeLow: config.activeLow)
        wires = found.wires
    }

    deinit {
        if getpid() == keeper { try? set(LampSet()) }
        unsafe gpiod_line_request_release(request)
    }

    /// Most chips change one line after another, even in one call: LEDs that go dark do so in a
    /// call of their own, before others are lit.
    func light(_ lit: LampSet, after before: LampSet) throws(Errno) {
        let remaining = before.intersection(lit)
        if remaining != before && remaining != lit { try set(remaining) }
        try set(lit)
    }

    /// gpiod_line_request_set_values_subset.
    private func set(_ lit: LampSet) throws(Errno) {
        var offsets = InlineArray<8, UInt32>(repeating: 0)
        var values = InlineArray<8, gpiod_line_value>(repeating: GPIOD_LINE_VALUE_INACTIVE)
        for i in 0..<wires.count {
            offsets[i] = wires[i].offset
            if lit.contains(wires[i].lamp) { values[i] = GPIOD_LINE_VALUE_ACTIVE }
        }
        let (request, count) = unsafe (request, wires.count)
        var lines = offsets.mutableSpan
        var states = values.mutableSpan
        let isSet = unsafe lines.withUnsafeMutableBufferPointer { lines in
            unsafe states.withUnsafeMutableBufferPointer { states in
                unsafe gpiod_line_request_set_values_subset(
                    request, count, lines.baseAddress, states.baseAddress) == 0
            }
        }
        guard isSet else { throw .last }
    }
}

// Finding lines.
extension GpioLeds {
    /// Where the lines are: all on one chip, so that one request has them.
    fileprivate struct Found {
        var chip = FixedText<64>()
        fileprivate var wires = FixedArray<8, Wire>(filler: Wire(lamp: .leader, offset: 0))

        /// Finds the line called `place`, which may be `chip:offset`.
        mutating func add(_ lamp: Lamp, _ place: Span<UInt8>) throws(Exit) {
            var path = FixedText<64>()
            var offset: UInt32 = 0
            if let colon = place.lastIndex(of: UInt8(ascii: ":")),
                let number = place.extracting((colon + 1)..<place.count).decimal,
                let isOffset = UInt32(exactly: number)
            {
                path = chipPath(place.extracting(0..<colon))
                offset = isOffset
            } else {
                (path, offset) = try findByName(lamp, place)
            }
            guard wires.isEmpty || path == chip else {
                throw refuse(lamp, place, "all LEDs must be on the same GPIO chip")
            }
            for i in 0..<wires.count where wires[i].offset == offset {
                throw refuse(lamp, place, "another LED has this line already")
            }
            try check(lamp, place, path, offset)
            chip = path
            guard wires.append(Wire(lamp: lamp, offset: offset)) else {
                throw refuse(lamp, place, "there are more LEDs than this driver can hold")
            }
        }
    }

    /// `gpiochip0`, `0` and `/dev/gpiochip0` are the same chip.
    private static func chipPath(_ name: Span<UInt8>) -> FixedText<64> {
        var path = FixedText<64>()
        if !name.hasPrefix("/") { path.put(name.decimal == nil ? "/dev/" : "/dev/gpiochip") }
        path.put(name)
        return path
    }

    /// gpiod_chip_get_line_offset_from_name on each chip.
    private static func findByName(
        _ lamp: Lamp, _ name: Span<UInt8>
    ) throws(Exit) -> (path: FixedText<64>, offset: UInt32) {
        var opened = 0
        var denial: Int32?
        var wanted = FixedText<64>()
        wanted.put(name)
        for number in 0..<chips {
            var path = FixedText<64>("/dev/gpiochip")
            path.put(number)
            guard let chip = Chip(path) else {
                if scrap_errno() != ENOENT { denial = scrap_errno() }
                continue
            }
            opened += 1
            let offset = unsafe wanted.withCString {
                unsafe gpiod_chip_get_line_offset_from_name(chip.handle, $0)
            }
            if offset >= 0 { return (path, UInt32(offset)) }
        }
        if let denial { throw refuse(lamp, name, "a GPIO chip cannot be opened", errno: denial) }
        guard opened > 0 else {
            throw refuse(lamp, name, "this machine has no GPIO chip, /dev/gpiochip0 and so on")
        }
        throw refuse(lamp, name, "no GPIO chip has a line of this name")
    }

    /// Says why a line cannot be had, if it cannot: gpiod_chip_get_line_info.
    private static func check(
        _ lamp: Lamp, _ place: Span<UInt8>, _ path: FixedText<64>, _ offset: UInt32
    ) throws(Exit) {
        guard let chip = Chip(path) else {
            throw refuse(lamp, place, "the GPIO chip cannot be opened", errno: scrap_errno())
        }
        guard let info = unsafe gpiod_chip_get_line_info(chip.handle, offset) else {
            throw refuse(lamp, place, "the chip has no such line", errno: scrap_errno())
        }
        defer { unsafe gpiod_line_info_free(info) }
        guard unsafe gpiod_line_info_is_used(info) else { return }
        let consumer = unsafe gpiod_line_info_get_consumer(info)
        Log.write(.error) { (line: inout Log.Line) in
            describe(lamp, place, &line)
            line.put("line ")
            line.put(offset)
            line.put(" of ")
            line.put(path)
            line.put(" is held by ")
            if let consumer = unsafe consumer {
                line.put("`")
                unsafe line.put(cString: consumer)
                line.put("`")
            } else {
                line.put("the kernel or another program")
            }
        }
        throw Exit(code: EX_UNAVAILABLE)
    }

    private static func describe(
        _ lamp: Lamp, _ place: Span<UInt8>, _ line: inout Log.Line
    ) {
        line.put("[leds] ")
        line.put(lamp.word)
        line.put(" = ")
        line.put(foreign: place)
        line.put(": ")
    }

    private static func refuse(
        _ lamp: Lamp, _ place: Span<UInt8>, _ why: StaticString, errno code: Int32? = nil
    ) -> Exit {
        Log.write(.error) { (line: inout Log.Line) in
            describe(lamp, place, &line)
            line.put(why)
            guard let code else { return }
            line.put(": ")
            line.put(errno: code)
            if code == EACCES { line.put(" (is this user in the group gpio?)") }
        }
        return Exit(code: code == EACCES ? EX_NOPERM : EX_CONFIG)
    }
}

// For a report.
extension GpioLeds {
    /// Says what chips there are, a line each: gpiod_chip_get_info. False when there are none.
    static func describeChips(to output: inout Output) -> Bool {
        var opened = 0
        for number in 0..<chips {
            var path = FixedText<64>("/dev/gpiochip")
            path.put(number)
            guard let chip = Chip(path), let info = unsafe gpiod_chip_get_info(chip.handle)
            else { continue }
            defer { unsafe gpiod_chip_info_free(info) }
            opened += 1
            output.put("  ")
            output.put(path)
            output.put(": ")
            if let label = unsafe gpiod_chip_info_get_label(info) {
                unsafe output.put(cString: label)
            }
            output.put(", ")
            output.put(unsafe gpiod_chip_info_get_num_lines(info))
            output.put(" lines\n")
        }
        return opened > 0
    }
}

// Taking lines.
extension GpioLeds {
    /// An open chip: gpiod_chip_open, gpiod_chip_close.
    @safe
    fileprivate struct Chip: ~Copyable {
        let handle: OpaquePointer

        /// Nil with errno when the chip cannot be opened.
        init?(_ path: FixedText<64>) {
            let opened = unsafe path.withCString { unsafe gpiod_chip_open($0) }
            guard let opened = unsafe opened else { return nil }
            unsafe handle = opened
        }

        deinit { unsafe gpiod_chip_close(handle) }
    }

    private static func take(
        _ found: borrowing Found, activeLow: LampSet
    ) throws(Exit) -> OpaquePointer {
        var taken: OpaquePointer?
        if let chip = Chip(found.chip), let lines = unsafe gpiod_line_config_new() {
            defer { unsafe gpiod_line_config_free(lines) }
            var isConfigured = true
            for i in 0..<found.wires.count where isConfigured {
                isConfigured = unsafe addLine(
                    found.wires[i].offset, activeLow: activeLow.contains(found.wires[i].lamp),
                    to: lines)
            }
            if isConfigured { unsafe taken = request(chip, lines) }
        }
        if let taken = unsafe taken { return unsafe taken }
        let code = scrap_errno()
        let path = found.chip
        Log.write(.error) { (line: inout Log.Line) in
            line.put("the LEDs' lines of ")
            line.put(path)
            line.put(" cannot be had: ")
            line.put(errno: code)
        }
        throw Exit(code: EX_UNAVAILABLE)
    }

    /// One output, dark at first.
    private static func addLine(
        _ offset: UInt32, activeLow: Bool, to lines: OpaquePointer
    ) -> Bool {
        guard let settings = unsafe gpiod_line_settings_new() else { return false }
        defer { unsafe gpiod_line_settings_free(settings) }
        var offset = offset
        unsafe gpiod_line_settings_set_active_low(settings, activeLow)
        return unsafe gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT) == 0
            && gpiod_line_settings_set_output_value(settings, GPIOD_LINE_VALUE_INACTIVE) == 0
            && gpiod_line_config_add_line_settings(lines, &offset, 1, settings) == 0
    }

    private static func request(
        _ chip: borrowing Chip, _ lines: OpaquePointer
    ) -> OpaquePointer? {
        guard let request = unsafe gpiod_request_config_new() else { return nil }
        defer { unsafe gpiod_request_config_free(request) }
        unsafe gpiod_request_config_set_consumer(request, Argument("scrap-worker").cString)
        return unsafe gpiod_chip_request_lines(chip.handle, request, lines)
    }
}
