import CLinux
import Union

/// A node's line to the keeper of its LEDs (design, section 7): what it tells, and whether the
/// keeper answers. Nothing here waits for it.
public struct KeeperLink: ~Copyable {
    /// A question.
    package static let question: StaticString = "?"

    let sheet: LedSheet
    private let line: Descriptor
    private let askEveryMs: Int32
    private let patienceMs: Int32
    private var asked: Int64 = 0
    private var answered: Int64 = 0
    /// What must be answered so that all that was told is shown.
    private var told: Int64 = 0
    private var asksAt = Instant.zero
    /// Since when a question waits, and none was answered.
    private var waitsSince: Instant?

    /// Readable when the keeper has answered.
    package var fd: Int32 { line.fd }

    /// The keeper is asked at least every third of a lease: it learns so that the node lives, and
    /// the node that the keeper does. One that owes an answer for a whole lease does not answer.
    package init(_ sheet: consuming LedSheet, _ line: consuming Descriptor, _ settings: Settings) {
        self.sheet = sheet
        self.line = line
        askEveryMs = Self.askEveryMs(settings)
        patienceMs = settings.leaseMs
    }

    package static func askEveryMs(_ settings: Settings) -> Int32 {
        min(settings.heartbeatMs, settings.leaseMs / 3)
    }

    /// Says what is to be shown.
    package mutating func tell(_ what: Told, at now: Instant) {
        sheet.told = what
        ask(at: now)
        told = asked
    }

    /// Until when the leader's LED may be lit.
    package func setLease(_ until: Instant) { sheet.until = until }

    package mutating func tick(at now: Instant) {
        if asksAt <= now { ask(at: now) }
    }

    private mutating func ask(at now: Instant) {
        asked += 1
        sheet.asked = asked
        asksAt = now + askEveryMs
        if waitsSince == nil { waitsSince = now }
        send(Self.question.bytes)
    }

    /// Takes the answers that have come.
    package mutating func hear(at now: Instant) throws(Errno) {
        var word = InlineArray<8, UInt8>(repeating: 0)
        while let count = try line.read(into: &word), count > 0 {}
        let answered = sheet.answered
        guard answered != self.answered else { return }
        self.answered = answered
        waitsSince = answered == asked ? nil : now
    }

    /// Whether everything that was told is shown.
    package var hasShownAll: Bool { answered >= told }

    package func isAnswering(at now: Instant) -> Bool {
        guard let waitsSince else { return true }
        return now < waitsSince + patienceMs
    }

    /// When `tick` and `isAnswering` have something new next.
    package func deadline(after now: Instant) -> Instant {
        guard let waitsSince, now < waitsSince + patienceMs else { return asksAt }
        return min(asksAt, waitsSince + patienceMs)
    }

    /// A message for sd_notify(3), which the keeper passes on. False: it finds no room now.
    @discardableResult
    package func send(_ message: Span<UInt8>) -> Bool {
        unsafe message.withUnsafeBytes {
            unsafe scrap_send(line.fd, $0.baseAddress, $0.count)
        } >= 0
    }
}

/// The ends of a line between two processes, that of the keeper and that of its node.
package func keeperLine() throws(Errno) -> (keeper: Int32, node: Int32) {
    var ends = InlineArray<2, Int32>(repeating: -1)
    var span = ends.mutableSpan
    let result = unsafe span.withUnsafeMutableBufferPointer {
        unsafe scrap_socket_pair($0.baseAddress!)
    }
    guard result == 0 else { throw .last }
    return (ends[0], ends[1])
}
