import Glibc
import Simulator

/// What all seeds together have shown.
struct Report {
    private var tally = Tally()
    private var seeds = 0
    private var simulatedMs: Int64 = 0
    private var failures: [(seed: UInt64, what: String)] = []

    mutating func take(_ line: [Substring]) {
        guard line.count > 2, let seed = UInt64(line[1]) else { return }
        switch line[0] {
        case "end":
            seeds += 1
            simulatedMs += Int64(line[2]) ?? 0
            if let run = Tally(row: line.dropFirst(3).compactMap { Int($0) }) { tally += run }
        case "violation":
            failures.append((seed, "property \(line[2]): " + line[3...].joined(separator: " ")))
        default: break
        }
    }

    mutating func trapped(_ seed: UInt64) { failures.append((seed, "property 8: a trap")) }

    /// False when anything did not hold.
    func say(_ arguments: Arguments, seconds: Double) -> Bool {
        let hours = Double(simulatedMs) / 3_600_000
        print(
            "seeds \(arguments.first)...\(arguments.first + arguments.count - 1), ", terminator: "")
        print("\(arguments.options.nodes) nodes: \(failures.count) violations")
        for failure in failures.sorted(by: { $0.seed < $1.seed }) {
            print("SEED=\(failure.seed): \(failure.what)")
            print("  replay: make simulate SEED=\(failure.seed)\(Self.again(arguments)) SHOW=1")
        }
        print("simulated hours        \(Self.round(hours))")
        let speed = hours * 3600 / seconds / Double(arguments.cores)
        print(
            "times real time        \(Int(speed)) a core, in \(Self.round(seconds)) s on",
            "\(arguments.cores) cores")
        guard !arguments.isBrief else { return failures.isEmpty }
        sayCounts()
        return failures.isEmpty
    }

    private func sayCounts() {
        for (name, count) in [
            ("steps of a node", tally.steps), ("elections won", tally.rule("terms")),
            ("takeovers", tally.rule("takeovers")), ("jobs run", tally.jobs),
            ("jobs killed", tally.kills), ("requests", tally.requests),
            ("starts of a node", tally.starts), ("void records read", tally.voidFed),
            ("effects too late", tally.effectsDropped),
        ] { print(Self.row(name, count)) }
        print("faults, by kind:")
        for fault in Fault.allCases { print(Self.row("  \(fault)", tally.faults[fault.rawValue])) }
        print("rules of the core, how often exercised:")
        for name in Tally.ruleNames { print(Self.row("  \(name)", tally.rule(name))) }
        let never = Tally.ruleNames.filter { tally.rule($0) == 0 }
        print("never exercised: \(never.isEmpty ? "none" : never.joined(separator: ", "))")
    }

    private static func again(_ arguments: Arguments) -> String {
        let nodes = arguments.options.nodes
        let others = arguments.choices.joined(separator: " ")
        return (nodes == 5 ? "" : " NODES=\(nodes)")
            + (others.isEmpty ? "" : " ARGS=\"\(others)\"")
    }

    private static func row(_ name: String, _ count: Int) -> String {
        name + String(repeating: " ", count: max(1, 24 - name.utf8.count)) + "\(count)"
    }

    private static func round(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }
}

/// Runs all seeds, on as many processes as there are cores, and reports.
func report(_ arguments: Arguments) {
    var report = Report()
    let began = seconds()
    var workers: [(process: Worker, seed: UInt64, isDone: Bool)] = []
    for core in 0..<min(arguments.cores, arguments.count) {
        let seed = arguments.first + core
        workers.append((Worker(arguments, from: seed), seed, false))
    }
    while workers.contains(where: { !$0.isDone }) {
        var polled = workers.map {
            pollfd(fd: $0.isDone ? -1 : $0.process.descriptor, events: Int16(POLLIN), revents: 0)
        }
        poll(&polled, nfds_t(polled.count), -1)
        for i in workers.indices where polled[i].revents != 0 {
            guard let line = workers[i].process.line() else {
                let next = workers[i].seed + arguments.cores
                workers[i].isDone = workers[i].process.end()
                guard !workers[i].isDone else { continue }
                report.trapped(workers[i].seed)
                workers[i] = (Worker(arguments, from: next), next, false)
                continue
            }
            if line.first == "begin", let seed = UInt64(line[1]) { workers[i].seed = seed }
            report.take(line)
        }
    }
    exit(report.say(arguments, seconds: seconds() - began) ? 0 : 1)
}

private func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
