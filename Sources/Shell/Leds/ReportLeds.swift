import Union
import Wire

/// The driver `fd:N`, with which `demo` starts its nodes: a line for each change, with its moment,
/// on a descriptor that the node inherits.
///
/// ```
/// 81234567890 leader 1 0        CLOCK_BOOTTIME in us, role, online, working
/// ```
package struct ReportLeds: LedOutput {
    package init() {}

    package func line(for pattern: LedPattern, at now: Instant) -> FixedText<128>? {
        LedReport(
            at: now, role: pattern.isOnline ? pattern.role : .member,
            isOnline: pattern.isOnline, isWorking: pattern.isWorking
        ).line
    }
}

/// A line of the driver `fd:N`.
package struct LedReport: Equatable {
    package var at: Instant
    package var role: Role
    package var isOnline: Bool
    package var isWorking: Bool

    package init(at: Instant, role: Role, isOnline: Bool, isWorking: Bool) {
        self.at = at
        self.role = role
        self.isOnline = isOnline
        self.isWorking = isWorking
    }

    /// Reads a line, without its end; nil when it is none.
    package init?(_ line: Span<UInt8>) {
        guard let blank = line.firstIndex(of: 0x20), line.count > blank + 4,
            let us = line.extracting(0..<blank).decimal,
            let online = Self.flag(line, at: line.count - 4),
            let working = Self.flag(line, at: line.count - 2)
        else { return nil }
        let word = line.extracting((blank + 1)..<(line.count - 4))
        for role in Role.all where word.equals(role.word) {
            self.init(at: Instant(us: us), role: role, isOnline: online, isWorking: working)
            return
        }
        return nil
    }

    /// ` 1` or ` 0`.
    private static func flag(_ line: Span<UInt8>, at index: Int) -> Bool? {
        let flag = line.extracting(index..<(index + 2))
        return flag.equals(" 1") ? true : flag.equals(" 0") ? false : nil
    }

    package var line: FixedText<128> {
        var line = FixedText<128>()
        line.put(at.us)
        line.put(" ")
        line.put(role.word)
        line.put(isOnline ? " 1" : " 0")
        line.put(isWorking ? " 1\n" : " 0\n")
        return line
    }
}
