import Foundation
import Harness

/// Memory, idle processor time and start of workers, and the binary's size.
struct ResourceBench {
    private static let idleSeconds = 30

    func run(_ runs: Int) throws {
        Table.title("Resources: five workers, pace normal, idle for \(Self.idleSeconds) s")
        for kind in [Broker.Kind.noida, .mesh, .own] { try idle(on: Broker(kind)) }
        try start(runs, on: Broker(.noida))
        let size = try FileManager.default.attributesOfItem(atPath: Programs.scrapWorker)[.size]
        Table.row(
            "size of the binary", "\(Table.format(Double(size as? Int ?? 0) / 1_048_576)) MiB")
    }

    private func launch(_ number: Int, in fleet: Fleet) throws -> Worker {
        try fleet.launch(number) {
            $0.pace = "normal"
            $0.options += ["log.level=warning", "leds.driver=none"]
            // Brokers that do not wake a waiting fetch: what suits this pace, not the tests'.
            $0.options.append("kafka.fetch.wait.max.ms=50")
        }
    }

    /// Beside the workers a bare reader of one of their topics: what the broker asks of anybody.
    private func idle(on broker: Broker) throws {
        let fleet = try Fleet(on: broker)
        defer { fleet.destroy() }
        let workers = try (1...5).map { try launch($0, in: fleet) }
        for worker in workers { try worker.awaitReady() }
        try fleet.awaitLeader()
        fleet.forgetTails()
        let reader = try fleet.client.stampedTail(fleet.topic("election"))
        defer { reader.destroy() }
        let pids = try workers.map { try $0.nodePid }
        let before = (pids + [reader.pid]).map(cpuSeconds)
        let ownBefore = pids.map(mainThreadSeconds)
        _ = poll(nil, 0, Int32(Self.idleSeconds) * 1000)
        func share(_ now: [Double], _ before: [Double]) -> [Double] {
            zip(now, before).map { 100 * ($0 - $1) / Double(Self.idleSeconds) }
        }
        let used = share((pids + [reader.pid]).map(cpuSeconds), before)
        let own = share(pids.map(mainThreadSeconds), ownBefore)
        let name = broker.kind.rawValue
        Table.row(
            "\(name): processor time of a worker", Sample(Array(used.dropLast())), "% of a core")
        Table.row("  of that our own thread", Sample(own), "% of a core")
        Table.row("  a bare reader of one topic", "\(Table.format(used.last ?? .nan)) % of a core")
        Table.row("  resident memory (VmRSS)", Sample(pids.map { memory($0, "Rss") }), "MiB")
        Table.row("  proportional share (Pss)", Sample(pids.map { memory($0, "Pss") }), "MiB")
    }

    /// From exec to the READY that systemd would get: caught up with the log.
    private func start(_ runs: Int, on broker: Broker) throws {
        let fleet = try Fleet(on: broker)
        defer { fleet.destroy() }
        try launch(1, in: fleet).awaitReady()
        try fleet.awaitLeader()
        fleet.forgetTails()
        let times = try (0..<runs).map { run -> Double in
            let worker = try launch(2 + run, in: fleet)
            let ready = try worker.readyNs()
            worker.terminate()
            try worker.child.waitForEnd()
            return Double(ready - worker.startedNs) / 1e6
        }
        Table.row("from exec to online, a union being there", Sample(times), "ms")
    }
}

/// Processor time that a process has used, all its threads together: clock_getcpuclockid(3), for
/// /proc counts in hundredths, and a node of a few milliseconds would be none.
func cpuSeconds(_ pid: pid_t) -> Double {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else {
        return .nan
    }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// The same of its first thread, on which all code of ours runs; the others are librdkafka's.
func mainThreadSeconds(_ pid: pid_t) -> Double { seconds("/proc/\(pid)/task/\(pid)/stat") }

private func seconds(_ path: String) -> Double {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8),
        let name = text.lastIndex(of: ")")
    else { return .nan }
    let fields = text[name...].split(separator: " ")
    guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
        return .nan
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
}

/// A field of a process's smaps_rollup, in MiB.
func memory(_ pid: pid_t, _ field: String) -> Double {
    let text = (try? String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("\(field):") }
    let number = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap {
        Double($0)
    }
    return (number ?? .nan) / 1024
}
