import CLinux
import Union

/// The driver `terminal`: a line on standard output for each change.
///
/// ```
/// ○ leader  ○ candidate  ○ voter  ● member  ○ work
/// ```
package struct TerminalLeds: LedOutput {
    package init() {}

    package func announce(_ pattern: LedPattern) throws(Errno) {
        let line = Self.picture(pattern)
        try writeNow(STDOUT_FILENO, line.span)
    }

    package static func picture(_ pattern: LedPattern) -> FixedText<128> {
        var line = FixedText<128>()
        for lamp in Lamp.all {
            if !line.isEmpty { line.put("  ") }
            line.put(pattern.lit.contains(lamp) ? "● " : "○ ")
            line.put(lamp.word)
        }
        line.put(pattern.isOnline ? "\n" : "  (offline)\n")
        return line
    }
}
