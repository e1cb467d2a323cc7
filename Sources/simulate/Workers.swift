import Glibc
import Simulator

/// A worker process: every `cores`th seed, a line for each.
func runSeeds(_ arguments: Arguments, _ from: UInt64) {
    var seed = from
    while seed < arguments.first + arguments.count {
        print("begin \(seed)")
        fflush(nil)
        let run = Simulation(seed: seed, arguments.options)
        let numbers = run.tally.row.map { "\($0)" }.joined(separator: " ")
        print("end \(seed) \(run.simulatedMs) \(numbers)")
        if let violation = run.violation {
            print("violation \(seed) \(violation.property) \(violation.what)")
        }
        seed += arguments.cores
    }
}

/// One seed, with everything that happened.
func show(_ arguments: Arguments) {
    let run = Simulation(seed: arguments.first, arguments.options)
    for line in run.union.transcript.lines { print(line) }
    guard let violation = run.violation else { return }
    print("violation of property \(violation.property): \(violation.what)")
    exit(1)
}

/// A worker process as its parent sees it.
struct Worker {
    private var pid: pid_t = 0
    private let output: UnsafeMutablePointer<FILE>

    /// This program again, for the seeds from `from` on.
    init(_ arguments: Arguments, from: UInt64) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { fatalError("pipe: \(errno)") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_addclose(&actions, ends[1])
        let words = ["simulate", "--worker", "\(from)"] + arguments.passed
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        argv.append(nil)
        let failed = posix_spawn(&pid, "/proc/self/exe", &actions, nil, argv, environ)
        guard failed == 0 else { fatalError("posix_spawn: \(failed)") }
        for word in argv { free(word) }
        posix_spawn_file_actions_destroy(&actions)
        Glibc.close(ends[1])
        output = fdopen(ends[0], "r")
    }

    var descriptor: Int32 { fileno(output) }

    /// The next line, in words; nil when the process has ended.
    func line() -> [Substring]? {
        var text: UnsafeMutablePointer<CChar>?
        var size = 0
        let count = getline(&text, &size, output)
        defer { free(text) }
        guard count > 0, let text else { return nil }
        return String(cString: text).dropLast().split(separator: " ")
    }

    /// Waits for its end; whether it ended well.
    func end() -> Bool {
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        fclose(output)
        return status == 0
    }
}
