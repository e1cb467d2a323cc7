import CLinux
import Union

/// What machine this is, for a bug report: uname(2), os-release(5), the board's name.
package enum MachineReport {
    package static func put<Sink: TextSink & ~Copyable>(to sink: inout Sink) {
        sink.put("machine: ")
        // The device tree's on a board, the firmware's on a PC.
        if let model = line(of: "/proc/device-tree/model", after: "")
            ?? line(of: "/sys/class/dmi/id/product_name", after: "")
        {
            sink.put(foreign: model)
        } else {
            sink.put("no name is known")
        }
        putKernel(to: &sink)
        if let system = line(of: "/etc/os-release", after: "PRETTY_NAME=") {
            sink.put(", ")
            sink.put(foreign: system)
        }
        sink.put("\n")
    }

    /// Whether the kernel leaves GPIO lines as they were driven when their holder dies, as Raspberry
    /// Pi OS's does unless `dtparam=strict_gpiod` is set: `persist_gpio_outputs` of the chip's driver.
    package static var keepsLines: Bool {
        keepsLines("/sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs")
            || keepsLines("/sys/module/pinctrl_rp1/parameters/persist_gpio_outputs")
    }

    static func keepsLines(_ parameter: StaticString) -> Bool {
        line(of: parameter, after: "").map { $0.equals("Y") } ?? false
    }

    private static func putKernel<Sink: TextSink & ~Copyable>(to sink: inout Sink) {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return }
        sink.put(", ")
        unsafe withUnsafeBytes(of: name.sysname) { unsafe putUntilZero($0, to: &sink) }
        sink.put(" ")
        unsafe withUnsafeBytes(of: name.release) { unsafe putUntilZero($0, to: &sink) }
        sink.put(" ")
        unsafe withUnsafeBytes(of: name.machine) { unsafe putUntilZero($0, to: &sink) }
    }

    @unsafe
    private static func putUntilZero<Sink: TextSink & ~Copyable>(
        _ bytes: UnsafeRawBufferPointer, to sink: inout Sink
    ) {
        for i in bytes.indices {
            guard unsafe bytes[i] != 0 else { return }
            unsafe sink.put(bytes[i])
        }
    }

    /// The rest of the first line of a small file that begins with `start`, without double quotes;
    /// nil when there is none.
    static func line(of path: StaticString, after start: StaticString) -> FixedText<256>? {
        let fd = unsafe scrap_open(Argument(path).cString, O_RDONLY)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var content = FixedText<2048>()
        readAll(fd, into: &content)
        return content.withSpan { line(in: $0, after: start) }
    }

    static func line(in text: Span<UInt8>, after start: StaticString) -> FixedText<256>? {
        var begin = 0
        while begin < text.count {
            let rest = text.extracting(begin..<text.count)
            let length = rest.firstIndex(of: 0x0A) ?? rest.count
            let line = rest.extracting(0..<length)
            if line.hasPrefix(start) {
                var found = FixedText<256>()
                for i in start.bytes.count..<line.count
                where line[i] != UInt8(ascii: "\"") && line[i] != 0 {
                    found.put(line[i])
                }
                return found.isEmpty ? nil : found
            }
            begin += length + 1
        }
        return nil
    }
}
