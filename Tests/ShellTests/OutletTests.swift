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

    /// The lines that are there, a part of one included.
    func read() -> [String] {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(reader, &buffer, buffer.count)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
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
    var lines = ends.read()
    for _ in 0..<3 {
        outlet.catchUp()
        lines += ends.read()
    }
    outlet.write(line(-1))
    // What a terminal had in part comes in two.
    let came = lines.joined(separator: "\n").replacingOccurrences(of: "xx\nx", with: "xxx")
    let wanted = (0..<(20_000 - Int(lost))).map(text) + ["\(lost) lost"]
    #expect(came.split(separator: "\n").map(String.init) == wanted)
    #expect(ends.read() == [text(-1)])
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
        #expect(write(ends.reader, "\u{13}", 1) == 1)
        for i in 2..<10 { outlet.write(line(i)) }
        #expect(outlet.lost == 8)
        #expect(ends.read() == [text(1)])
        #expect(write(ends.reader, "\u{11}", 1) == 1)
        outlet.catchUp()
        outlet.write(line(10))
        #expect(ends.read() == ["8 lost", text(10)])
    }

    @Test("lines that come while others are lost are lost, too, until that was told")
    func order() {
        let ends = Ends.pipe()
        var outlet = Outlet(ends.writer)
        while outlet.lost == 0 { outlet.write(line(0)) }
        _ = ends.read()
        outlet.write(line(1))
        #expect(outlet.lost == 2)
        #expect(ends.read().isEmpty)
        outlet.catchUp()
        outlet.write(line(2))
        #expect(ends.read() == ["2 lost", text(2)])
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
