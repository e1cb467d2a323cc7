import CSpawn
import Foundation

/// Sees the LEDs of all workers of a union: their keepers' reports come on one socket, in the order
/// in which they were sent, each with the kernel's word on who sent it. So who was lit beside whom is
/// a matter of order, and of no clock. Each report is stamped when it is seen, beside the keeper's
/// own stamp.
public final class LedObserver: Sendable {
    public struct Sight: Sendable {
        /// CLOCK_BOOTTIME in us, when we saw it.
        public let seenUs: Int
        /// Who sent it.
        public let pid: pid_t
        public let line: String
    }

    private struct State {
        var sights: [Sight] = []
        var lines: [pid_t: Lines] = [:]
        /// Senders whose worker is not known yet.
        var strangers: Set<pid_t> = []
        var asked = 0
        var settled = 0
    }

    /// What a worker gets as its standard output.
    let writer: Int32
    private let state = Shared(State())

    init() throws {
        var ends: [Int32] = [-1, -1]
        let error = cspawn_reports(&ends)
        guard error == 0 else { throw Unmet("socketpair: errno \(error)") }
        writer = ends[1]
        let (reader, state) = (ends[0], state)
        Thread.detachNewThread {
            var bytes = [CChar](repeating: 0, count: 512)
            var pid: pid_t = 0
            while cspawn_receive(reader, &bytes, bytes.count, &pid) > 0 {
                let line = String(cString: bytes).trimmingCharacters(in: .newlines)
                let sight = Sight(seenUs: bootUs(), pid: pid, line: line)
                state.change { Self.take(sight, &$0) }
            }
            close(reader)
        }
    }

    private static func take(_ sight: Sight, _ state: inout State) {
        guard sight.pid != getpid() else {
            state.settled += 1
            return
        }
        state.sights.append(sight)
        if let lines = find(sight.pid, state) {
            lines.append(sight.line)
        } else {
            state.strangers.insert(sight.pid)
        }
    }

    /// The lines of the worker that this process is, or that started it.
    private static func find(_ pid: pid_t, _ state: State) -> Lines? {
        state.lines[pid] ?? parent(of: pid).flatMap { state.lines[$0] }
    }

    /// From now on what this process, or its child, reports becomes these lines.
    func watch(_ pid: pid_t, _ lines: Lines) {
        state.change { state in
            state.lines[pid] = lines
            for stranger in state.strangers where Self.find(stranger, state) === lines {
                state.strangers.remove(stranger)
                for sight in state.sights where sight.pid == stranger { lines.append(sight.line) }
            }
        }
    }

    /// Returns when everything that was sent before has been seen.
    func settle() {
        let number = state.change { state -> Int in
            state.asked += 1
            return state.asked
        }
        guard send(writer, "settled", 7, Int32(MSG_NOSIGNAL)) == 7 else { return }
        _ = state.wait(upTo: patience) { $0.settled >= number ? true : nil }
    }

    public var sights: [Sight] { state.read { $0.sights } }

    /// Ends the observer. Workers that still run report to nobody.
    func stop() {
        shutdown(writer, Int32(SHUT_RDWR))
        close(writer)
    }
}

/// The parent of a process, as proc_pid_stat(5) has it.
public func parent(of pid: pid_t) -> pid_t? {
    let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    guard let rest = text?.split(separator: ")").last?.split(separator: " "), rest.count > 1 else {
        return nil
    }
    return pid_t(rest[1])
}

/// Whoever has this parent, those included that have ended and that nobody has reaped.
public func children(of parent: pid_t) throws -> [pid_t] {
    let path = "/proc/\(parent)/task/\(parent)/children"
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: " ")
        .compactMap { pid_t($0) }
}
