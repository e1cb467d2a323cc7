import CLinux
import Union

/// Where a process that must never wait writes lines for people: standard error of a node. A line
/// that does not go out at once is counted and dropped (design, section 1).
///
/// The descriptor is others', too: `O_NONBLOCK` belongs to the open file description, and set there
/// it would change the terminal of the shell that started us. So each kind has a way of its own:
///
/// | what it is | how a line goes out |
/// |---|---|
/// | socket (systemd's journal) | send(2) with MSG_DONTWAIT |
/// | pipe | a description of our own, by way of /proc, that does not block |
/// | terminal | the same; one of another user's (su, sudo) as /dev/tty |
/// | either, where that is refused | poll(2), and write(2) when it is ready: a pipe then takes 4 KiB |
/// | file, and anything else | write(2): they are always ready |
package struct Outlet: ~Copyable {
    /// Bytes of the longest line, its end included. PIPE_BUF is more: a pipe takes it whole.
    package typealias Line = FixedText<1025>

    private enum Way { case send, pollAndWrite, write }

    private let fd: Int32
    private let own: Descriptor?
    private let way: Way
    /// What is left of a line that a terminal took in part.
    private var rest = Line()
    /// Lines that were dropped and are not told yet.
    package private(set) var lost: Int64 = 0

    /// Of a descriptor that stays its owner's. fstat(2).
    package init(_ shared: Int32) {
        var file = stat()
        let kind = unsafe fstat(shared, &file) == 0 ? file.st_mode & mode_t(S_IFMT) : 0
        let isTerminal = isatty(shared) == 1
        guard kind == mode_t(S_IFIFO) || isTerminal else {
            // A file opened again would be written from its beginning.
            (fd, way) = (shared, kind == mode_t(S_IFSOCK) ? .send : .write)
            own = nil
            return
        }
        guard let own = Self.open(shared, isTerminal: isTerminal) else {
            (fd, way) = (shared, .pollAndWrite)
            self.own = nil
            return
        }
        (fd, way) = (own.fd, .write)
        self.own = consume own
    }

    /// Writes a line, its end included, or drops it. A line that comes while others are lost is
    /// lost as well: whoever reads must not take the rest for all there was.
    package mutating func write(_ line: Span<UInt8>) {
        if lost > 0 || !takes(line) { lost += 1 }
    }

    /// Writes a line that its writer keeps until it goes out. Throws `wouldBlock` when it does not
    /// go now, else what the system said.
    package mutating func offer(_ line: Span<UInt8>) throws(Errno) {
        try finish()
        guard rest.isEmpty else { throw .wouldBlock }
        let wrote = try put(line)
        rest.put(line.extracting(wrote..<line.count))
    }

    /// Whether all that was taken has gone out.
    package var isWhole: Bool { rest.isEmpty }

    /// Goes on where a line was cut.
    package mutating func finish() throws(Errno) {
        guard !rest.isEmpty else { return }
        let wrote = try put(rest.span)
        var after = Line()
        after.put(rest.span.extracting(wrote..<rest.count))
        rest = after
    }

    /// The same. True when lines were lost and that may be told now.
    package mutating func goOn() -> Bool {
        try? finish()
        return rest.isEmpty && lost > 0
    }

    /// Writes the line that tells how many are `lost`; when it goes out, they are told.
    package mutating func tellLost(_ line: Span<UInt8>) {
        if takes(line) { lost = 0 }
    }

    private mutating func takes(_ line: Span<UInt8>) -> Bool {
        do throws(Errno) { try offer(line) } catch { return false }
        return true
    }
}

extension Outlet {
    /// How many of the bytes, one or more, went out, without waiting.
    private func put(_ bytes: Span<UInt8>) throws(Errno) -> Int {
        if way == .pollAndWrite && !Self.isReady(fd) { throw .wouldBlock }
        let count = unsafe bytes.withUnsafeBytes {
            switch way {
            case .send: unsafe scrap_send_now(fd, $0.baseAddress!, $0.count)
            case .pollAndWrite, .write: unsafe CLinux.write(fd, $0.baseAddress!, $0.count)
            }
        }
        guard count > 0 else { throw .last }
        return count
    }

    private static func isReady(_ fd: Int32) -> Bool {
        var waiting = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&waiting, 1, 0) > 0
    }

    /// A description of our own: proc_pid_fd(5). The terminal that controls this process may be
    /// opened by its own name whoever it belongs to: tty(4), tcgetsid(3).
    private static func open(_ fd: Int32, isTerminal: Bool) -> Descriptor? {
        var path = FixedText<32>("/proc/self/fd/")
        path.put(fd)
        if let own = open(path) { return own }
        guard isTerminal && tcgetsid(fd) >= 0 else { return nil }
        return open(FixedText("/dev/tty"))
    }

    private static func open(_ path: FixedText<32>) -> Descriptor? {
        let flags = O_WRONLY | O_NONBLOCK | O_NOCTTY
        return try? Descriptor(unsafe path.withCString { unsafe scrap_open($0, flags) })
    }
}
