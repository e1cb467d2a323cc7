import CSpawn
import Foundation

/// A process that we started: what it says, how it ends. It never outlives us (`Reaper`).
public final class Child: @unchecked Sendable {
    public enum End: Equatable, Sendable {
        case exit(Int32)
        case signal(Int32)
    }

    public let name: String
    public let pid: pid_t
    public let output: Lines
    public let errors: Lines
    private let end = Shared<End?>(nil)
    private let ended = Shared<Int?>(nil)
    private let input: Shared<Int32>
    private let leds: LedObserver?

    /// Starts `program`, an absolute path, in a process group of its own. It inherits nothing of
    /// our environment but the path and a home. `holdsErrors`: nobody reads what it writes to
    /// standard error before `errors.release()`. `leds`: its standard output goes there, to be read
    /// beside that of others, and comes from there to `output`.
    public init(
        _ name: String, _ program: String, _ arguments: [String],
        environment: [String: String] = [:], folder: String? = nil, holdsErrors: Bool = false,
        leds: LedObserver? = nil
    ) throws {
        self.name = name
        self.leds = leds
        let (stdin, stderr) = (try Pipe(), try Pipe())
        let stdout = leds == nil ? try Pipe() : nil
        defer { for fd in [stdin.reader, stdout?.writer ?? -1, stderr.writer] { close(fd) } }
        // A page is full soon.
        if holdsErrors { cspawn_shrink_pipe(stderr.writer) }
        pid = try spawn(
            program, arguments, environment, folder,
            descriptors: [stdin.reader, stdout?.writer ?? leds?.writer ?? -1, stderr.writer])
        input = Shared(stdin.writer)
        output = stdout.map { Lines(reading: $0.reader) } ?? Lines()
        errors = Lines(reading: stderr.reader, isHeld: holdsErrors)
        leds?.watch(pid, output)
        if name != Reaper.name { Reaper.shared.watch(pid) }
        Thread.detachNewThread { self.reap() }
    }

    deinit { closeInput() }

    private func reap() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0 {
            precondition(errno == EINTR)
        }
        ended.change { $0 = bootUs() }
        if let leds {
            leds.settle()
            output.end()
        }
        // Under the lock, so that no signal of ours meets another process with the same id.
        end.change { end in
            var status: Int32 = 0
            precondition(waitpid(pid, &status, 0) == pid)
            let signal = status & 0x7F
            end = signal == 0 ? .exit((status >> 8) & 0xFF) : .signal(signal)
        }
        if name != Reaper.name { Reaper.shared.forget(pid) }
    }

    // What it is told.

    public func signal(_ number: Int32) {
        end.read { if $0 == nil { kill(pid, number) } }
    }

    public func write(_ text: String) throws {
        try input.change { fd in
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let count = bytes.withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw Unmet("\(name) takes no input: errno \(errno)") }
                bytes = bytes.dropFirst(count)
            }
        }
    }

    public func closeInput() {
        input.change { fd in
            if fd >= 0 { close(fd) }
            fd = -1
        }
    }

    // How it ends.

    /// When its end was seen, on CLOCK_BOOTTIME in us.
    public var endedUs: Int? { ended.read { $0 } }

    public var hasEnded: Bool { end.read { $0 != nil } }

    @discardableResult
    public func waitForEnd(upTo seconds: Double = patience) throws -> End {
        guard let end = end.wait(upTo: seconds, for: { $0 }) else {
            throw Unmet("\(name) still runs\n\(story)")
        }
        output.waitForEnd()
        errors.waitForEnd()
        return end
    }

    /// Kills it, and waits until it is gone.
    public func destroy() {
        signal(SIGKILL)
        _ = end.wait(upTo: patience, for: { $0 })
    }

    /// The last it said, for people.
    public var story: String {
        let state = end.read { $0.map { "ended with \($0)" } ?? "runs" }
        let said = (errors.all.suffix(40) + output.all.suffix(20)).map { "    \($0)\n" }.joined()
        return "  \(name) (\(pid)) \(state); it said\n\(said)"
    }
}

/// The lines of a stream, as they come.
public final class Lines: Sendable {
    private struct State {
        var lines: [String] = []
        var isHeld: Bool
        var ended = false
    }
    private let state: Shared<State>

    /// Of a stream that others read.
    init() { state = Shared(State(isHeld: false)) }

    func append(_ line: String) { state.change { $0.lines.append(line) } }
    func end() { state.change { $0.ended = true } }

    init(reading fd: Int32, isHeld: Bool = false) {
        state = Shared(State(isHeld: isHeld))
        Thread.detachNewThread { [state] in
            _ = state.wait(upTo: 86_400) { $0.isHeld ? nil : () }
            var pending: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = read(fd, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { break }
                let parts = (pending + buffer[..<count]).split(
                    separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                pending = Array(parts.last!)
                let lines = parts.dropLast().map { String(decoding: $0, as: UTF8.self) }
                if !lines.isEmpty { state.change { $0.lines += lines } }
            }
            close(fd)
            state.change {
                if !pending.isEmpty { $0.lines.append(String(decoding: pending, as: UTF8.self)) }
                $0.ended = true
            }
        }
    }

    /// Begins to read what was held.
    public func release() { state.change { $0.isHeld = false } }

    public var all: [String] { state.read { $0.lines } }
    public var text: String { all.joined(separator: "\n") }

    /// What `find` makes of the lines, now or as soon as it finds something; nil when the stream
    /// ends before it does, or nothing comes of it in time.
    public func wait<Found>(
        upTo seconds: Double = patience, for find: ([String]) throws -> Found?
    ) rethrows -> Found? {
        try state.wait(upTo: seconds) { state -> Found?? in
            if let found = try find(state.lines) { return found }
            return state.ended ? .some(nil) : nil
        } ?? nil
    }

    func waitForEnd() { _ = state.wait(upTo: patience) { $0.ended ? true : nil } }
}
