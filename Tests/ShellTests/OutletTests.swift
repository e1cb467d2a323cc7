import CLinux
import Foundation
import Testing
import Union

@testable import Shell

/// Two ends: what is written into one is read from the other. The reader never waits, the writer
/// is as a program inherits it.
private struct Ends: ~Copyable {
    let reader: Int32
    let writer: Int32

    static func pipe() -> Ends {
        var ends: [Int32] = [-1, -1]
        precondition(scrap_pipe(&ends) == 0)
        return Ends(reader: ends[0], writer: ends[1])
    }

    static func socket() -> Ends {
        var ends: [Int32] = [-1, -1]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        return Ends(reader: ends[0], writer: ends[1])
    }

    /// A terminal that shows bytes as they are; what people type and see is at `reader`.
    static func terminal() -> Ends {
        let reader = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        // TIOCSPTLCK and TIOCGPTN of ioctl_tty(2): what unlockpt(3) and ptsname(3) do.
        var (lock, number): (Int32, Int32) = (0, 0)
        precondition(ioctl(reader, 0x4004_5431, &lock) == 0)
        precondition(ioctl(reader, 0x8004_5430, &number) == 0)
        let writer = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        var modes = termios()
        precondition(tcgetattr(writer, &modes) == 0)
        modes.c_oflag &= ~tcflag_t(OPOST)
        precondition(tcsetattr(writer, TCSANOW, &modes) == 0)
        return Ends(reader: reader, writer: writer)
    }

    init(reader: Int32, writer: Int32) {
        (self.reader, self.writer) = (reader, writer)
        precondition(scrap_set_nonblocking(reader) == 0)
    }

    deinit {
        close(reader)
        close(writer)
    }

    /// So many lines, as soon as they are there (a terminal's come a little later), or those that
    /// came in ten seconds. `pump` is called before each wait.
    func read(_ lines: Int, _ pump: () -> Void = {}) -> [String] {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while text.count(where: { $0 == UInt8(ascii: "\n") }) < lines {
            pump()
            var waiting = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 10_000) > 0 else { break }
            let count = Glibc.read(reader, &buffer, buffer.count)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    var isEmpty: Bool {
        var waiting = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) == 0
    }

    /// Types a key, and returns when the terminal takes output, or takes none any more.
    func type(_ key: String, untilWritable: Bool) {
        precondition(write(reader, key, 1) == 1)
        var waiting = pollfd(fd: writer, events: Int16(POLLOUT), revents: 0)
        while (poll(&waiting, 1, 0) > 0) != untilWritable { sched_yield() }
    }

    var writerWaits: Bool { fcntl(writer, F_GETFL) & O_NONBLOCK == 0 }
}

/// A line of a hundred bytes, its end included.
private func line(_ number: Int) -> String {
    let words = "line \(number) "
    return words + String(repeating: "x", count: 99 - words.count) + "\n"
}

private func text(_ number: Int) -> String { String(line(number).dropLast()) }

extension Outlet {
    fileprivate mutating func write(_ text: String) { text.lend { write($0) } }

    /// What the log does before each line.
    fileprivate mutating func catchUp() {
        if goOn() { "\(lost) lost\n".lend { tellLost($0) } }
    }
}

/// Fills what nobody reads, and reads it: every line is there or counted, in order, none is cut,
/// and the other holders of the descriptor notice nothing.
private func fillAndDrain(_ ends: borrowing Ends) {
    var outlet = Outlet(ends.writer)
    // More than any of them holds.
    for i in 0..<20_000 { outlet.write(line(i)) }
    let lost = outlet.lost
    #expect(lost > 0 && lost < 20_000)
    let wanted = (0..<(20_000 - Int(lost))).map(text) + ["\(lost) lost"]
    #expect(ends.read(wanted.count) { outlet.catchUp() } == wanted)
    outlet.write(line(-1))
    #expect(ends.read(1) == [text(-1)])
    #expect(outlet.lost == 0)
    let writerWaits = ends.writerWaits
    #expect(writerWaits)
}

@Suite("Lines for people never make their writer wait")
struct OutletTests {
    @Test("a pipe that nobody reads") func pipe() { fillAndDrain(.pipe()) }

    @Test("a socket that nobody reads, such as the journal's") func socket() {
        fillAndDrain(.socket())
    }

    @Test("a terminal that nobody reads") func terminal() { fillAndDrain(.terminal()) }

    @Test("a terminal that was stopped with Ctrl-S")
    func stopped() {
        let ends = Ends.terminal()
        var outlet = Outlet(ends.writer)
        outlet.write(line(1))
        ends.type("\u{13}", untilWritable: false)
        for i in 2..<10 { outlet.write(line(i)) }
        #expect(outlet.lost == 8)
        #expect(ends.read(1) == [text(1)])
        ends.type("\u{11}", untilWritable: true)
        outlet.catchUp()
        outlet.write(line(10))
        #expect(ends.read(2) == ["8 lost", text(10)])
    }

    @Test("lines that come while others are lost are lost, too, until that was told")
    func order() {
        let ends = Ends.pipe()
        var outlet = Outlet(ends.writer)
        var written = -1
        while outlet.lost == 0 {
            outlet.write(line(0))
            written += 1
        }
        _ = ends.read(written)
        outlet.write(line(1))
        let (lost, isEmpty) = (outlet.lost, ends.isEmpty)
        #expect(lost == 2 && isEmpty)
        outlet.catchUp()
        outlet.write(line(2))
        #expect(ends.read(2) == ["2 lost", text(2)])
    }

    @Test("a pipe whose reader went away, a full disk and a closed descriptor lose all")
    func broken() {
        signal(SIGPIPE, SIG_IGN)
        let ends = Ends.pipe()
        let alone = dup(ends.writer)
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        do {
            let gone = Ends.pipe()
            dup2(gone.writer, alone)
        }
        for fd in [alone, full, -1] {
            var outlet = Outlet(fd)
            for i in 0..<3 { outlet.write(line(i)) }
            outlet.catchUp()
            #expect(outlet.lost == 3, "descriptor \(fd)")
        }
        close(alone)
    }

    @Test("a line that is kept until it goes out waits for nobody, though another fills the pipe")
    func offer() throws {
        let ends = Ends.pipe()
        var outlet = Outlet(ends.writer)
        var other = Outlet(ends.writer)
        // Another leaves room for a part of a line.
        var written = 0
        while other.lost == 0 {
            other.write(line(0))
            written += 1
        }
        "x\n".lend { other.tellLost($0) }
        let error = #expect(throws: Errno.self) { try line(1).lend { try outlet.offer($0) } }
        #expect(error == .wouldBlock && outlet.isWhole == true && outlet.lost == 0)
        _ = ends.read(written)
        try line(1).lend { try outlet.offer($0) }
        #expect(ends.read(1) == [text(1)])
    }

    @Test("a line that a terminal took in part is ended before another one begins")
    func offerInPart() throws {
        let ends = Ends.terminal()
        var outlet = Outlet(ends.writer)
        var taken = 0
        while outlet.isWhole {
            do { try line(taken).lend { try outlet.offer($0) } } catch { break }
            taken += 1
        }
        #expect(throws: Errno.wouldBlock) { try line(-1).lend { try outlet.offer($0) } }
        let all = ends.read(taken) { try? outlet.finish() }
        #expect(all == (0..<taken).map(text))
        try line(-2).lend { try outlet.offer($0) }
        #expect(ends.read(1) == [text(-2)])
    }

    @Test("a reader that went away is an error, not one to wait for")
    func offerToNobody() {
        signal(SIGPIPE, SIG_IGN)
        let ends = Ends.pipe()
        let alone = dup(ends.writer)
        do {
            let gone = Ends.pipe()
            dup2(gone.writer, alone)
        }
        var outlet = Outlet(alone)
        #expect(throws: Errno(code: EPIPE)) { try line(0).lend { try outlet.offer($0) } }
        close(alone)
    }

    @Test("a file gets all, after what others have written to it")
    func file() {
        let file = MemoryFile()
        #expect(write(file.fd, "first\n", 6) == 6)
        var outlet = Outlet(file.fd)
        for i in 0..<1000 { outlet.write(line(i)) }
        #expect(file.lines == ["first"] + (0..<1000).map(text))
        #expect(outlet.lost == 0)
    }
}
