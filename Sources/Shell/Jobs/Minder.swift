import CLinux
import Union
import Wire

/// Stands between this process and a job's program, in a process of its own.
///
/// A worker that is killed cannot kill its jobs, and one that is stopped or starved does not; yet
/// the leader will give them to others once the worker's lease is over (design, section 5). The
/// minder leads the job's process group. It kills all that the job has started as soon as the worker
/// dies or says so (`killNow`), at the end of the lease, which it reads from shared memory, and when
/// the job's main process has ended; wherever they have gone: what loses its parent becomes the
/// minder's child. It ends as the main process ended, once there is none of them any more: only
/// then may another attempt begin. What still holds the job's output when the main process has ended
/// has `outlivesMs` to say the rest.
///
/// It is this same binary under another name (`/proc/self/exe`), because posix_spawn(3) runs
/// nothing between fork and exec, and because fork(2) is not for a process with threads.
package enum Minder {
    package static let name: StaticString = "scrap-worker-job"
    /// Where it finds the lease.
    package static let leaseFd: Int32 = 3
    /// Where it says what its exit code does not.
    fileprivate static let reportFd: Int32 = 4
    /// The reading end of the job's output, of which it only sees whether somebody can still write.
    fileprivate static let outputFd: Int32 = 5
    /// How long what holds the job's output may outlive its main process, in milliseconds.
    private static let outlivesMs: Int64 = 500
    /// What the kernel tells it when its worker dies, and the worker when the job must die.
    private static let killsNow = SIGUSR1
    /// How much nicer a job is than its node, its minder and the keeper of the LEDs, which must be
    /// in time whatever the job does.
    private static let niceness: Int32 = 10

    /// A job's process, and our ends of its pipes.
    package struct Child {
        package var pid: pid_t
        package var pidfd: Int32
        package var input: Int32
        package var output: Int32
        package var report: Int32
    }

    /// What it tells its worker, a byte each.
    package enum Report: UInt8 {
        /// The main process has ended, and something of the job still holds its output.
        case readsOn = 1
        /// That was killed.
        case cutOff = 2
        /// The program could not be started.
        case notStarted = 3
    }

    /// Starts a minder for a configured op: pipe2(2), posix_spawn(3), pidfd_open(2).
    package static func start(
        _ config: borrowing Config, op: Int, _ environment: borrowing JobEnvironment, lease: Int32
    ) throws(Errno) -> Child {
        let input = try Pipe()
        let output = try Pipe()
        let report = try Pipe()
        guard scrap_set_nonblocking(input.writer) == 0, scrap_set_nonblocking(output.reader) == 0,
            scrap_set_nonblocking(report.reader) == 0
        else { throw .last }
        let plan = try SpawnPlan(input, output, report, lease)
        let pid = try spawn(config, op, environment, plan)
        let pidfd = pidfd_open(pid, 0)
        guard pidfd >= 0 else {
            let error = Errno.last
            kill(-pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw error
        }
        return Child(
            pid: pid, pidfd: pidfd, input: input.takeWriter(), output: output.takeReader(),
            report: report.takeReader())
    }

    private static func spawn(
        _ config: borrowing Config, _ op: Int, _ environment: borrowing JobEnvironment,
        _ plan: borrowing SpawnPlan
    ) throws(Errno) -> pid_t {
        var parent = FixedText<12>()
        parent.put(getpid())
        var pid: pid_t = 0
        let failure = unsafe parent.withCString { parent in
            unsafe config.withArguments(of: op) { words in
                var vector = unsafe InlineArray<36, UnsafeMutablePointer<CChar>?>(repeating: nil)
                unsafe vector[0] = UnsafeMutablePointer(mutating: Argument(name).cString)
                unsafe vector[1] = UnsafeMutablePointer(mutating: parent)
                var count = 0
                while let word = unsafe words[count] {
                    unsafe vector[2 + count] = word
                    count += 1
                }
                var span = unsafe vector.mutableSpan
                return unsafe span.withUnsafeMutableBufferPointer { vector in
                    unsafe environment.withPointers { environment in
                        unsafe plan.spawn(&pid, vector.baseAddress!, environment)
                    }
                }
            }
        }
        guard failure == 0 else { throw Errno(code: failure) }
        return pid
    }
}

extension Minder {
    /// Tells a minder to kill all of its job now, be it stopped or not. It ends when they have.
    package static func killNow(_ pid: pid_t) {
        kill(pid, killsNow)
        kill(pid, SIGCONT)
    }
}

// MARK: - In the minder's own process

extension Minder {
    /// Runs the minder when this process is one: its exit code, or nil.
    @unsafe
    package static func run(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Int32? {
        guard count >= 3, let own = unsafe arguments[0], let parent = unsafe arguments[1],
            unsafe strcmp(own, Argument(name).cString) == 0, getpgrp() == getpid()
        else { return nil }
        // Everything is blocked since posix_spawn. SIGTERM is for the job, which shares the group.
        guard scrap_die_with_parent(killsNow) == 0, scrap_adopt_orphans() == 0,
            unsafe atoi(parent) == getppid()
        else { exit(EX_OSERR) }
        for fd in leaseFd...outputFd { scrap_close_on_exec(fd) }
        let lease = unsafe SharedLease.view(leaseFd)
        var job: pid_t = 0
        let failure = unsafe spawnJob(&job, arguments + 2)
        guard failure == 0 else {
            unsafe complain(arguments[2]!, failure)
            report(.notStarted)
            return 127
        }
        // The job alone holds its pipes: their ends are its own business.
        for fd in 0...leaseFd { close(fd) }
        return unsafe mind(job, lease)
    }

    /// Waits for the job's end: sigtimedwait(2).
    @unsafe
    private static func mind(_ job: pid_t, _ lease: UnsafePointer<Int64>) -> Int32 {
        var awaited = sigset_t()
        unsafe sigemptyset(&awaited)
        unsafe sigaddset(&awaited, SIGCHLD)
        unsafe sigaddset(&awaited, killsNow)
        while true {
            var status: Int32 = 0
            // Orphans that have ended are reaped, too.
            var ended = unsafe waitpid(-1, &status, WNOHANG)
            while ended > 0 && ended != job { ended = unsafe waitpid(-1, &status, WNOHANG) }
            if ended == job {
                unsafe readOn(lease)
                killAll()
                return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
            }
            let left = unsafe lease.pointee - Clock.now.us
            let us = min(left, 1_000_000_000)
            var wait = timespec(
                tv_sec: Int(us / 1_000_000), tv_nsec: Int(us % 1_000_000) * 1000)
            let signal = left > 0 ? unsafe sigtimedwait(&awaited, nil, &wait) : killsNow
            if signal == killsNow {
                killAll()
                return 128 + SIGKILL
            }
        }
    }

    /// What the main process has left in the background may have more to say (`exec > >(sed …)`). Waits
    /// until nobody holds the job's output any more, or the job must die: poll(2).
    @unsafe
    private static func readOn(_ lease: UnsafePointer<Int64>) {
        if isOver(-1, within: 0) == true { return }
        report(.readsOn)
        var mustDie = sigset_t()
        unsafe sigemptyset(&mustDie)
        unsafe sigaddset(&mustDie, killsNow)
        let signals = unsafe signalfd(-1, &mustDie, Int32(SFD_CLOEXEC))
        let end = Clock.now.us + 1000 * outlivesMs
        while true {
            // The lease may be renewed meanwhile.
            let now = Clock.now.us
            let left = unsafe (min(end, lease.pointee) - now) / 1000
            guard left > 0, let isOver = isOver(signals, within: Int32(min(left, 50))) else {
                return report(.cutOff)
            }
            if isOver { return }
        }
    }

    /// Whether nobody holds the output any more, in so many milliseconds; nil: something was to be read
    /// from `signals` first.
    private static func isOver(_ signals: Int32, within ms: Int32) -> Bool? {
        var polled: InlineArray<2, pollfd> = [
            pollfd(fd: outputFd, events: 0, revents: 0),
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
        ]
        var span = polled.mutableSpan
        let count = unsafe span.withUnsafeMutableBufferPointer {
            unsafe poll($0.baseAddress, nfds_t($0.count), ms)
        }
        if polled[0].revents != 0 { return true }
        return count > 0 ? nil : false
    }

    private static func report(_ what: Report) {
        var byte = what.rawValue
        unsafe write(reportFd, &byte, 1)
    }

    /// Kills whatever the job has left, and waits until there is nothing: waitpid(2).
    private static func killAll() {
        var looksEverywhere: Int32 = 0
        while true {
            let ended = waitpid(-1, nil, WNOHANG)
            if ended > 0 { continue }
            if ended < 0 { return }
            scrap_kill_children(looksEverywhere)
            looksEverywhere = 1
            // Looked for again in any case: one may have come meanwhile that nobody has seen.
            var awaited = sigset_t()
            unsafe sigemptyset(&awaited)
            unsafe sigaddset(&awaited, SIGCHLD)
            var wait = timespec(tv_sec: 0, tv_nsec: 100_000_000)
            unsafe sigtimedwait(&awaited, nil, &wait)
        }
    }

    @unsafe
    private static func spawnJob(
        _ pid: inout pid_t, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Int32 {
        unsafe scrap_spawn_nice(&pid, words, scrap_environment(), niceness)
    }

    /// What the result says of a program that cannot be started.
    @unsafe
    private static func complain(_ program: UnsafeMutablePointer<CChar>, _ code: Int32) {
        var words = FixedText<512>()
        words.put("cannot start ")
        unsafe words.put(cString: program)
        words.put(": ")
        words.put(errno: code)
        writeAll(STDOUT_FILENO, words.span)
    }
}

// MARK: - What posix_spawn needs

/// A pipe whose ends are closed unless they are taken: pipe2(2), close-on-exec.
public struct Pipe: ~Copyable {
    package private(set) var reader: Int32
    package private(set) var writer: Int32

    package init() throws(Errno) {
        var ends: InlineArray<2, Int32> = [-1, -1]
        var span = ends.mutableSpan
        let result = unsafe span.withUnsafeMutableBufferPointer {
            unsafe scrap_pipe($0.baseAddress!)
        }
        guard result == 0 else { throw .last }
        reader = ends[0]
        writer = ends[1]
    }

    deinit {
        if reader >= 0 { close(reader) }
        if writer >= 0 { close(writer) }
    }

    package consuming func takeReader() -> Int32 {
        let fd = reader
        reader = -1
        return fd
    }

    package consuming func takeWriter() -> Int32 {
        let fd = writer
        writer = -1
        return fd
    }
}

/// posix_spawnattr_t and posix_spawn_file_actions_t for a minder: its own group, every signal
/// blocked and at its default, and no descriptors but these.
@safe
public struct SpawnPlan: ~Copyable {
    private var attributes = posix_spawnattr_t()
    private var actions = unsafe posix_spawn_file_actions_t()

    /// Pipes are made in this order, and each gets the lowest numbers that are free: none stands where
    /// another is put before it has been put itself.
    fileprivate init(
        _ input: borrowing Pipe, _ output: borrowing Pipe, _ report: borrowing Pipe,
        _ lease: Int32
    ) throws(Errno) {
        unsafe posix_spawnattr_init(&attributes)
        unsafe posix_spawn_file_actions_init(&actions)
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &all)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags =
            Int32(POSIX_SPAWN_SETPGROUP) | Int32(POSIX_SPAWN_SETSIGMASK)
            | Int32(POSIX_SPAWN_SETSIGDEF)
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        unsafe posix_spawn_file_actions_adddup2(&actions, input.reader, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output.writer, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output.writer, STDERR_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, lease, Minder.leaseFd)
        unsafe posix_spawn_file_actions_adddup2(&actions, report.writer, Minder.reportFd)
        unsafe posix_spawn_file_actions_adddup2(&actions, output.reader, Minder.outputFd)
        // Ours are close-on-exec; whoever started us may have left us others.
        unsafe scrap_spawn_close_from(&actions, Minder.outputFd + 1)
    }

    deinit {
        var (attributes, actions) = unsafe (attributes, actions)
        unsafe posix_spawn_file_actions_destroy(&actions)
        unsafe posix_spawnattr_destroy(&attributes)
    }

    /// Runs this binary again: posix_spawn(3). Returns an errno.
    @unsafe
    package func spawn(
        _ pid: inout pid_t, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
        _ environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Int32 {
        var (attributes, actions) = unsafe (attributes, actions)
        return unsafe posix_spawn(
            &pid, Argument("/proc/self/exe").cString, &actions, &attributes, words, environment)
    }
}

/// A moment that this process writes and its minders read: memfd_create(2), mmap(2).
@safe
public struct SharedLease: ~Copyable {
    private let file: Descriptor
    private let until: UnsafeMutablePointer<Int64>

    package var fd: Int32 { file.fd }

    package init() throws(Errno) {
        let file = try Descriptor(
            unsafe scrap_memory_file(Argument("scrap-worker-lease").cString))
        let size = MemoryLayout<Int64>.size
        guard ftruncate(file.fd, size) == 0 else { throw .last }
        guard let page = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0),
            Int(bitPattern: page) != -1
        else { throw .last }
        self.file = file
        unsafe until = page.bindMemory(to: Int64.self, capacity: 1)
    }

    deinit { unsafe munmap(until, MemoryLayout<Int64>.size) }

    package mutating func set(_ moment: Instant) { unsafe until.pointee = moment.us }

    /// Another process's lease, on an inherited descriptor. Kills the group when it is not there.
    @unsafe
    package static func view(_ fd: Int32) -> UnsafePointer<Int64> {
        let size = MemoryLayout<Int64>.size
        guard let page = unsafe mmap(nil, size, PROT_READ, MAP_SHARED, fd, 0),
            Int(bitPattern: page) != -1
        else { fatalError("mmap") }
        return unsafe UnsafePointer(page.bindMemory(to: Int64.self, capacity: 1))
    }
}

/// The environment of a job (design, section 6): three of our own variables, and the request's.
package struct JobEnvironment: ~Copyable {
    private static let inherited: InlineArray<3, StaticString> = ["PATH", "HOME", "LANG"]

    /// `NAME=value` texts, each ended by a zero byte.
    private var text = FixedText<4096>()
    private var starts = FixedArray<24, Int>(filler: 0)

    package init(_ assignment: Assignment, term: Term, _ request: RequestPayload) {
        for i in 0..<3 {
            guard let value = Environment.value(Self.inherited[i]), value.count < 512 else {
                continue
            }
            begin(Self.inherited[i])
            text.put(value.bytes)
            text.append(0)
        }
        begin("SCRAP_REQUEST_ID")
        text.put(assignment.request.requestID)
        text.append(0)
        begin("SCRAP_ATTEMPT")
        text.put(assignment.attempt.attempt)
        text.append(0)
        begin("SCRAP_TERM")
        text.put(term)
        text.append(0)
        for i in 0..<request.parameterCount {
            let parameter = request.parameter(i)
            add(name: parameter.name, value: parameter.value)
        }
    }

    private mutating func begin(_ name: StaticString) {
        starts.append(text.count)
        text.put(name)
        text.put("=")
    }

    /// `SCRAP_PARAM_<NAME>`: in capitals, with `_` for whatever a shell does not take in a name.
    /// Of those that are the same then, the first wins.
    private mutating func add(name: Span<UInt8>, value: Span<UInt8>) {
        var line = FixedText<1100>()
        line.put("SCRAP_PARAM_")
        for i in name.indices { line.append(Self.shellByte(name[i])) }
        line.put("=")
        guard !has(line.span) else { return }
        starts.append(text.count)
        text.put(line)
        text.put(value)
        text.append(0)
    }

    private static func shellByte(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
        default: UInt8(ascii: "_")
        }
    }

    private func has(_ name: Span<UInt8>) -> Bool {
        for i in 0..<starts.count {
            var j = 0
            while j < name.count && text[starts[i] + j] == name[j] { j += 1 }
            if j == name.count { return true }
        }
        return false
    }

    /// Lends it as C wants it, with a null at the end.
    package borrowing func withPointers<Result>(
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        unsafe text.withCString { base in
            var vector = unsafe InlineArray<25, UnsafeMutablePointer<CChar>?>(repeating: nil)
            for i in 0..<starts.count {
                unsafe vector[i] = UnsafeMutablePointer(mutating: base + starts[i])
            }
            var span = unsafe vector.mutableSpan
            return unsafe span.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
        }
    }
}
