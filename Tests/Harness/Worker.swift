import Foundation

/// An op that a test's workers are configured for.
public struct Op: Sendable {
    let name: String
    /// What `exec` says, `@` standing for the union's folder.
    let exec: String
    let timeoutMs: Int
    /// Shell commands that `exec` runs, behind `Jobs.prologue`.
    let script: String?

    public static func script(
        _ name: String, timeoutMs: Int = 600_000, _ script: String
    ) -> Op {
        Op(name: name, exec: "/bin/sh @/\(name).sh @", timeoutMs: timeoutMs, script: script)
    }

    public static func program(_ name: String, _ exec: String) -> Op {
        Op(name: name, exec: exec, timeoutMs: 600_000, script: nil)
    }

    func write(to folder: String) throws {
        guard let script else { return }
        try (Jobs.prologue + script)
            .write(toFile: "\(folder)/\(name).sh", atomically: true, encoding: .utf8)
    }

    func section(_ folder: String) -> String {
        let exec = exec.replacingOccurrences(of: "@", with: folder)
        return "[op.\(name)]\nexec = \(exec)\ntimeout_ms = \(timeoutMs)\n"
    }
}

/// A worker's configuration, as a test wants it.
public struct WorkerPlan: Sendable {
    public let number: Int
    /// Different ones, so that an election ends without ties unless a test wants them.
    public var ranking: Int
    public var slots = 1
    public var pace = "fast"
    /// The ARM build, emulated: built-in ops only, for it cannot start programs.
    public var isARM = false
    /// An older version's binary, in place of the one under test (`Versions`).
    public var program: String?
    /// Its keeper is process 1 of a namespace of its own, as in a container. For root.
    public var isFirst = false
    /// Nobody reads its log before `child.errors.release()`.
    public var holdsLog = false
    /// Further `-o` arguments.
    public var options: [String] = []

    init(_ number: Int) {
        self.number = number
        ranking = 100 + number
    }

    public var id: String {
        let digits = String(number)
        return "00000000-0000-4000-8000-"
            + String(repeating: "0", count: 12 - digits.count) + digits
    }

    func file(broker: String, prefix: String, ops: String) -> String {
        """
        [worker]
        id = \(id)
        ranking = \(ranking)
        slots = \(slots)
        topic_prefix = \(prefix)
        pace = \(pace)
        [kafka]
        bootstrap.servers = \(broker)
        [leds]
        driver = fd:1
        [log]
        level = debug
        \(ops)
        """
    }
}

/// A `scrap-worker run`: the keeper of the LEDs, and its child, the node.
public final class Worker: Sendable {
    public let plan: WorkerPlan
    public let child: Child
    /// CLOCK_MONOTONIC just before it was started.
    public let startedNs: Int
    private let readiness: Readiness

    public var id: String { plan.id }

    init(
        _ plan: WorkerPlan, configuration: String, folder: String, life: Int, leds: LedObserver
    ) throws {
        self.plan = plan
        let name = "worker-\(plan.number)"
        let path = "\(folder)/\(name).conf"
        try configuration.write(toFile: path, atomically: true, encoding: .utf8)
        readiness = try Readiness("\(folder)/\(name)-\(life)")
        startedNs = monotonicNs()
        let program =
            plan.isARM
            ? [Programs.armEmulator, Programs.armWorker] : [plan.program ?? Programs.scrapWorker]
        let words =
            (plan.isFirst ? ["/usr/bin/unshare", "--pid", "--fork", "--kill-child"] : [])
            + program + ["run", "-c", path] + plan.options.flatMap { ["-o", $0] }
        child = try Child(
            life == 1 ? name : "\(name) (life \(life))", words[0], Array(words.dropFirst()),
            environment: ["NOTIFY_SOCKET": readiness.path], holdsErrors: plan.holdsLog, leds: leds)
    }

    /// Waits until it has told systemd that it is caught up.
    public func awaitReady() throws { _ = try readyNs() }

    /// Waits until it has told systemd a status with these words in it.
    @discardableResult
    public func awaitStatus(_ words: String) throws -> String {
        guard let status = readiness.wait(for: words) else {
            throw Unmet("\(child.name) says no status with \(words)\n\(child.story)")
        }
        return status
    }

    /// Waits until it is READY; when that was, on CLOCK_MONOTONIC.
    public func readyNs() throws -> Int {
        guard let ns = readiness.wait() else {
            throw Unmet("\(child.name) is not READY\n\(child.story)")
        }
        return ns
    }

    /// The keeper's process.
    public var keeperPid: pid_t {
        get throws { plan.isFirst ? try onlyChild(of: child.pid) : child.pid }
    }

    /// The node's process. Emulated or not, the keeper has no other child.
    public var nodePid: pid_t { get throws { try onlyChild(of: keeperPid) } }

    private func onlyChild(of parent: pid_t) throws -> pid_t {
        guard let pid = try? children(of: parent).first else {
            throw Unmet("\(child.name): \(parent) has no child\n\(child.story)")
        }
        return pid
    }

    public func signalNode(_ number: Int32) throws { Glibc.kill(try nodePid, number) }

    /// Pulls its plug: keeper and node.
    public func kill() { child.destroy() }

    /// Stops the node; its keeper goes on.
    public func pause() throws { try signalNode(SIGSTOP) }

    public func resume() throws { try signalNode(SIGCONT) }

    public func terminate() {
        if !plan.isFirst { return child.signal(SIGTERM) }
        if let keeper = try? keeperPid { Glibc.kill(keeper, SIGTERM) }
    }

    /// A log line that has all of `words` in it.
    public func awaitLog(_ words: String...) throws {
        let found = child.errors.wait { lines in
            lines.first { line in words.allSatisfy { line.contains($0) } }
        }
        if found == nil { throw Unmet("no log line with \(words)\n\(child.story)") }
    }

    /// When its LEDs went from one role to another, and to which, on CLOCK_BOOTTIME in us.
    public var roleChanges: [(us: Int, role: String)] {
        var changes: [(us: Int, role: String)] = []
        var last: Substring?
        for line in child.output.all {
            let words = line.split(separator: " ")
            guard words.count == 4, let us = Int(words[0]), words[1] != last else { continue }
            if last != nil { changes.append((us, String(words[1]))) }
            last = words[1]
        }
        return changes
    }

    /// The spans of time in which its leader LED was lit, on CLOCK_BOOTTIME in us, as its keeper
    /// stamped them. A process that was stopped is not dark by that; one that is gone is.
    public var leaderSpans: [ClosedRange<Int>] {
        var spans: [ClosedRange<Int>] = []
        var since: Int?
        func close(at time: Int) {
            guard let start = since else { return }
            spans.append(start...max(start, time))
            since = nil
        }
        for line in child.output.all {
            let words = line.split(separator: " ")
            guard words.count == 4, let time = Int(words[0]) else { continue }
            close(at: time)
            if words[1] == "leader" && words[2] == "1" { since = time }
        }
        close(at: child.endedUs ?? bootUs())
        return spans
    }
}

/// CLOCK_BOOTTIME in microseconds: the clock of the workers' own stamps.
public func bootUs() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_BOOTTIME, &now)
    return now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

/// A socket that hears a process say READY=1 and what its status is, as systemd's does.
final class Readiness: Sendable {
    let path: String
    /// Nanoseconds of CLOCK_MONOTONIC when READY=1 came; nil: not yet.
    private let came = Shared<Int?>(nil)
    private let status = Shared("")
    private let fd: Int32

    init(_ path: String) throws {
        self.path = path
        let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard path.utf8.count < place.count else { return false }
            place.copyBytes(from: path.utf8)
            return true
        }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard fits && bound else { throw Unmet("cannot bind \(path): errno \(errno)") }
        self.fd = fd
        let (came, status) = (came, status)
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(fd, &buffer, buffer.count, 0)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { break }
                let text = String(decoding: buffer[..<count], as: UTF8.self)
                if text.contains("READY=1") { came.change { $0 = $0 ?? monotonicNs() } }
                if text.hasPrefix("STATUS=") { status.change { $0 = text } }
            }
            close(fd)
        }
    }

    deinit { shutdown(fd, Int32(SHUT_RD)) }

    func wait() -> Int? { came.wait(upTo: patience) { $0 } }

    func wait(for words: String) -> String? {
        status.wait(upTo: patience) { $0.contains(words) ? $0 : nil }
    }
}

public func monotonicNs() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1_000_000_000 + now.tv_nsec
}
