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

/// A `scrap-worker run`.
public final class Worker: Sendable {
    public let plan: WorkerPlan
    public let child: Child
    /// CLOCK_MONOTONIC just before it was started.
    public let startedNs: Int
    private let readiness: Readiness
    /// When we killed or stopped it, on CLOCK_BOOTTIME in us: its LEDs are dark from then on.
    private let darkened = Shared<[Int]>([])

    public var id: String { plan.id }

    init(_ plan: WorkerPlan, configuration: String, folder: String, life: Int) throws {
        self.plan = plan
        let name = "worker-\(plan.number)"
        let path = "\(folder)/\(name).conf"
        try configuration.write(toFile: path, atomically: true, encoding: .utf8)
        readiness = try Readiness("\(folder)/\(name)-\(life)")
        startedNs = monotonicNs()
        child = try Child(
            life == 1 ? name : "\(name) (life \(life))",
            plan.isARM ? Programs.armEmulator : Programs.scrapWorker,
            (plan.isARM ? [Programs.armWorker] : []) + ["run", "-c", path]
                + plan.options.flatMap { ["-o", $0] },
            environment: ["NOTIFY_SOCKET": readiness.path], holdsErrors: plan.holdsLog)
    }

    /// Waits until it has told systemd that it is caught up.
    public func awaitReady() throws { _ = try readyNs() }

    /// The same; when that was, on CLOCK_MONOTONIC.
    public func readyNs() throws -> Int {
        guard let ns = readiness.wait() else {
            throw Unmet("\(child.name) is not READY\n\(child.story)")
        }
        return ns
    }

    public func kill() {
        darkened.change { $0.append(bootUs()) }
        child.destroy()
    }

    public func pause() {
        darkened.change { $0.append(bootUs()) }
        child.signal(SIGSTOP)
    }

    public func resume() { child.signal(SIGCONT) }
    public func terminate() { child.signal(SIGTERM) }

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

    /// The spans of time in which its leader LED was lit, on CLOCK_BOOTTIME in us.
    public var leaderSpans: [ClosedRange<Int>] {
        var spans: [ClosedRange<Int>] = []
        var since: Int?
        let ends = darkened.read { $0 }
        func close(at time: Int) {
            guard let start = since else { return }
            let end = min(time, ends.first { $0 >= start } ?? time)
            spans.append(start...max(start, end))
            since = nil
        }
        for line in child.output.all {
            let words = line.split(separator: " ")
            guard words.count == 4, let time = Int(words[0]) else { continue }
            close(at: time)
            if words[1] == "leader" && words[2] == "1" { since = time }
        }
        close(at: bootUs())
        return spans
    }
}

/// CLOCK_BOOTTIME in microseconds: the clock of the workers' own stamps.
public func bootUs() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_BOOTTIME, &now)
    return now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

/// A socket that hears a process say READY=1, as systemd's does.
final class Readiness: Sendable {
    let path: String
    /// Nanoseconds of CLOCK_MONOTONIC when it came; nil: not yet.
    private let came = Shared<Int?>(nil)

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
        let came = came
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(fd, &buffer, buffer.count, 0)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { break }
                let text = String(decoding: buffer[..<count], as: UTF8.self)
                if text.contains("READY=1") {
                    came.change { $0 = $0 ?? monotonicNs() }
                    break
                }
            }
            close(fd)
        }
    }

    func wait() -> Int? { came.wait(upTo: patience) { $0 } }
}

public func monotonicNs() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1_000_000_000 + now.tv_nsec
}
