import CLinux
import Foundation
import Testing
import Union

@testable import Shell

@Suite("What systemd is told")
struct NotifyTests {
    @Test("a node's status: its role and term, and a pace that is not its leader's")
    func status() {
        var status = NodeStatus()
        #expect(string(status.message) == "STATUS=not online, term 0")
        (status.role, status.online, status.term) = (.voter, true, 7)
        #expect(string(status.message) == "STATUS=voter, term 7")
        status.otherPace = OtherPace(
            leader: WorkerID(high: 0x1111_1111 << 32, low: 1), leaseMs: 240, ownMs: 900)
        #expect(
            string(status.message) == """
                STATUS=voter, term 7; 11111111 leads at pace fast (lease_ms = 240), \
                this board has pace of its own (lease_ms = 900)
                """)
    }

    @Test("the longest status is not cut")
    func longest() {
        var status = NodeStatus()
        (status.role, status.online, status.term) = (.candidate, true, Limits.highestTerm(at: 0))
        status.otherPace = OtherPace(
            leader: WorkerID(high: .max, low: .max), leaseMs: Limits.timingMs, ownMs: 240)
        #expect(string(status.message).hasSuffix("pace fast (lease_ms = 240)"))
    }

    /// Runs `body` with the path of a socket such as systemd's, and what reads from it.
    private func withSystemd(
        _ body: (FixedText<108>, () -> String?) throws -> Void
    ) throws {
        let path = NSTemporaryDirectory() + "notify-\(UUID().uuidString)"
        let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer {
            close(fd)
            unlink(path)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        try body(fixed(path)) {
            var bytes = [UInt8](repeating: 0, count: 512)
            let count = recv(fd, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
        }
    }

    @Test("READY=1 and the last status that found no room are said again, the others are not")
    func full() throws {
        try withSystemd { path, read in
            var socket = NotifySocket(path)
            func send(_ text: String) { text.lend { socket.send($0) } }
            // More than it holds.
            for _ in 0..<10_000 { send("WATCHDOG=1") }
            #expect(socket.owes == false)
            for text in ["STATUS=one", "READY=1", "STATUS=two", "WATCHDOG=1"] { send(text) }
            socket.goOn()
            #expect(socket.owes == true)
            while let text = read() { #expect(text == "WATCHDOG=1") }
            socket.goOn()
            #expect(read() == "READY=1" && read() == "STATUS=two" && read() == nil)
            #expect(socket.owes == false)
            socket.goOn()
            send("STATUS=three")
            #expect(read() == "STATUS=three" && read() == nil)
        }
    }

    @Test("a status that is heard makes the one before it needless")
    func replaced() throws {
        try withSystemd { path, read in
            var socket = NotifySocket(path)
            func send(_ text: String) { text.lend { socket.send($0) } }
            for _ in 0..<10_000 { send("WATCHDOG=1") }
            send("STATUS=one")
            while read() != nil {}
            send("STATUS=two")
            socket.goOn()
            #expect(read() == "STATUS=two" && read() == nil && socket.owes == false)
        }
    }

    @Test("without systemd, or when it is gone, nothing is owed")
    func nobody() {
        for path in ["", "/nowhere/at/all"] {
            var socket = NotifySocket(fixed(path))
            "READY=1".lend { socket.send($0) }
            #expect(socket.owes == false)
        }
    }

    @Test("a node says READY=1 until its keeper has it")
    func readyUntilHeard() throws {
        let ends = try keeperLine()
        defer { close(ends.keeper) }
        let settings = Settings(workerID: WorkerID(high: 1, low: 1), incarnation: 1)
        let keeper = KeeperLink(try LedSheet(), try Descriptor(ends.node), settings)
        func read() -> String? {
            var bytes = [UInt8](repeating: 0, count: 512)
            let count = recv(ends.keeper, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
        }
        while keeper.send(KeeperLink.question.bytes) {}
        var notify = Notify()
        notify.ready(keeper)
        let status = NodeStatus()
        #expect(notify.status(status, keeper) == false)
        notify.goOn(keeper)
        while let text = read() { #expect(text == "?") }
        notify.goOn(keeper)
        notify.goOn(keeper)
        #expect(notify.status(status, keeper) == true)
        #expect(read() == "READY=1" && read() == "STATUS=not online, term 0" && read() == nil)
    }
}
