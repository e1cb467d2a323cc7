import CLinux
import Union

/// Text on its way to a descriptor, written in large pieces. Whatever cannot be written is
/// dropped: a reader that went away ends the command elsewhere.
public struct Output: ~Copyable {
    package let fd: Int32
    private var buffer = FixedText<16384>()
    /// A write failed: nobody reads this any more.
    package private(set) var isBroken = false

    package init(_ fd: Int32) { self.fd = fd }

    deinit { buffer.withSpan { _ = writeAll(fd, $0) } }

    package mutating func flush() {
        if !buffer.isEmpty && !writeAll(fd, buffer.span) { isBroken = true }
        buffer.removeAll()
    }
}

extension Output: TextSink {
    package mutating func put(_ byte: UInt8) {
        if buffer.append(byte) { return }
        flush()
        buffer.append(byte)
    }
}

/// A part of the screen that is drawn anew in place, at most ten times a second. What was on the
/// screen before stays, and the last frame stays when this ends; the cursor is shown again.
///
/// ```
/// if terminal.isDue(at: now) {
///     terminal.begin(at: now)
///     terminal.put("…")
///     terminal.endLine()
///     terminal.end()
/// }
/// ```
public struct Terminal: ~Copyable {
    package enum Colour {
        case red, green, yellow, blue, bold, dim

        /// The number of the terminal's escape sequence (ECMA-48, SGR).
        fileprivate var code: Int {
            switch self {
            case .red: 31
            case .green: 32
            case .yellow: 33
            case .blue: 34
            case .bold: 1
            case .dim: 2
            }
        }
    }

    private static let frameUs: Int64 = 100_000

    /// Whether frames can be drawn at all: it is a terminal that can move its cursor.
    package let isLive: Bool
    private let hasColours: Bool
    private var output: Output
    private var drawnAt = Instant(us: .min / 2)
    /// Lines of the last frame, above the cursor.
    private var linesAbove: Int32 = 0
    private var lines: Int32 = 0
    private var rows: Int32 = 24

    package init(_ fd: Int32) {
        let isDumb = Environment.value("TERM")?.bytes.equals("dumb") ?? true
        isLive = isatty(fd) == 1 && !isDumb
        hasColours = isLive && !Environment.has("NO_COLOR")
        output = Output(fd)
        if isLive { output.put("\u{1B}[?25l") }
    }

    deinit {
        if isLive { writeAll(output.fd, Argument("\u{1B}[0m\u{1B}[?25h").bytes) }
    }

    /// When the next frame may be drawn.
    package var due: Instant { drawnAt.adding(us: Self.frameUs) }

    /// Lines that fit on the screen above the cursor.
    package var room: Int32 { max(rows - 1, 4) }

    package mutating func begin(at now: Instant) {
        drawnAt = now
        var size = winsize()
        if unsafe scrap_window_size(output.fd, &size) == 0 && size.ws_row > 0 {
            rows = Int32(size.ws_row)
        }
        if linesAbove > 0 {
            output.put("\u{1B}[")
            output.put(linesAbove)
            output.put("A\r")
        }
        lines = 0
    }

    package mutating func endLine() {
        output.put("\u{1B}[K\n")
        lines += 1
    }

    package mutating func end() {
        output.put("\u{1B}[J")
        output.flush()
        linesAbove = lines
    }

    /// Everything up to `plain` is in this colour.
    package mutating func colour(_ colour: Colour) {
        guard hasColours else { return }
        output.put("\u{1B}[")
        output.put(colour.code)
        output.put("m")
    }

    package mutating func plain() { if hasColours { output.put("\u{1B}[0m") } }
}

extension Terminal: TextSink {
    package mutating func put(_ byte: UInt8) { output.put(byte) }
}

extension Terminal {
    /// The four role LEDs of a node, one of them lit or none: `○ ○ ● ○`.
    package mutating func putLights(_ lit: Role?) {
        for role in Role.all {
            if role == lit {
                colour(role.colour)
                put("●")
            } else {
                colour(.dim)
                put("○")
            }
            plain()
            put(" ")
        }
    }

    /// Text in exactly `width` columns, a byte a column; what is too long ends in `…`.
    package mutating func put(_ bytes: Span<UInt8>, width: Int) {
        if bytes.count <= width {
            put(foreign: bytes)
            for _ in bytes.count..<width { put(" ") }
        } else {
            put(foreign: bytes.extracting(0..<(width - 1)))
            put("…")
        }
    }
}

extension Role {
    package var colour: Terminal.Colour {
        switch self {
        case .leader: .green
        case .candidate: .yellow
        case .voter: .blue
        case .member: .bold
        }
    }
}
