import Union

/// The driver `terminal`: a line on standard output for each change.
///
/// ```
/// ○ leader  ○ candidate  ○ voter  ● member  ○ work
/// ```
package struct TerminalLeds: LedOutput {
    package init() {}

    package func line(for pattern: LedPattern, at now: Instant) -> FixedText<128>? {
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
