import CLinux
import Union
import Wire

/// The jobs of a worker's bench (design, section 6), one for each place.
///
/// A job is a program in a process group of its own, started by posix_spawn(3) through a `Minder`,
/// which kills the group when this process dies or stops. Its standard input is the request's
/// code; what it writes on standard output and standard error comes back, up to
/// `Limits.outputBytes`. Built-in jobs need no process.
///
/// Nothing here waits: the owner polls the descriptors (`addDescriptors`), calls `serve` after
/// that and `tick` when `deadline` comes, and takes what ended with `nextEnded`.
@safe
public struct Jobs: ~Copyable {
    /// One job, and what becomes of it.
    package struct Job {
        package enum State: Equatable { case free, waiting, running, ended }

        package var state = State.free
        /// The minder, which leads the process group; 0: built in.
        package var pid: pid_t = 0
        package var pidfd: Int32 = -1
        package var input: Int32 = -1
        package var output: Int32 = -1
        /// What the minder says.
        package var report: Int32 = -1
        /// The main process has ended, by itself: what is left may only say the rest.
        package var readsOn = false
        package var couldNotStart = false
        /// Bytes of the code: all, and those that are written.
        package var codeCount = 0
        package var codeSent = 0
        package var outputCount = 0
        package var isTruncated = false
        package var startedAt = Instant.zero
        /// When a built-in job is done.
        package var doneAt = Instant.never
        /// When it is told to end, and when it is killed.
        package var deadline = Instant.never
        package var killAt = Instant.never
        /// What its result will be, whatever its exit code: it overran, or was given up.
        package var verdict: Status?
        package var end = JobEnd(status: .lost, exitCode: nil, truncated: false, durationMs: 0)

        /// It is told to end: its deadline is over, and SIGKILL is due after its grace, which a
        /// second stop does not begin anew; urgently: it is killed now.
        mutating func stop(urgently: Bool, graceMs: Int32, at now: Instant) {
            deadline = .never
            killAt = urgently ? .never : min(killAt, now + graceMs)
        }
    }

    /// Reads from one job's output in one turn.
    private static let readsPerTurn = 4

    private var jobs: Table<Job>
    private var codes: Table<UInt8>
    private var outputs: Table<UInt8>
    private let killGraceMs: Int32
    private var lease: SharedLease

    package init(killGraceMs: Int32) throws(Errno) {
        lease = try SharedLease()
        let bytes = Limits.codeBytes + Limits.outputBytes + 2 * MemoryLayout<Job>.stride
        var arena = Arena.mapped(Limits.bench * bytes)
        jobs = arena.table(Limits.bench, filler: Job())
        codes = arena.bytes(Limits.bench * Limits.codeBytes)
        outputs = arena.bytes(Limits.bench * Limits.outputBytes)
        self.killGraceMs = killGraceMs
    }

    /// Until when jobs may run: a minder kills its job `killGraceMs` later, should this process
    /// not get to it.
    package mutating func setLease(_ until: Instant) { lease.set(until + killGraceMs) }

    /// When `tick` must be called.
    package var deadline: Instant {
        var first = Instant.never
        for place in 0..<Limits.bench where jobs[place].state == .running {
            let job = jobs[place]
            first = min(first, min(job.doneAt, min(job.deadline, job.killAt)))
        }
        return first
    }
}

// MARK: - Starting

extension Jobs {
    /// Runs an assignment's request. Whatever goes wrong is the job's end.
    package mutating func start(
        _ place: Int, _ assignment: Assignment, term: Term, deadlineMs: Int32,
        _ payload: Span<UInt8>, _ config: borrowing Config, at now: Instant
    ) {
        precondition(jobs[place].state == .free, "Jobs: the place is taken")
        jobs[place] = Job()
        jobs[place].state = .running
        jobs[place].startedAt = now
        let request = assignment.request
        let name = request.opCode
        let op = config.op(named: name)
        jobs[place].deadline = now + deadlineMs
        if let builtIn = BuiltIn.find(name) {
            startBuiltIn(place, builtIn, payload, at: now)
        } else if let op {
            startProgram(place, op, assignment, term: term, payload, config, at: now)
        } else {
            output(place, "no op is called ")
            name.withSpan { output(place, $0) }
            output(place, " in this worker's configuration")
            end(place, .rejected, exitCode: nil, at: now)
        }
    }

    /// Answers a job that must not start.
    package mutating func refuse(
        _ place: Int, _ status: Status, _ why: StaticString, at now: Instant
    ) {
        precondition(jobs[place].state == .free, "Jobs: the place is taken")
        jobs[place] = Job()
        jobs[place].startedAt = now
        output(place, why)
        end(place, status, exitCode: nil, at: now)
        jobs[place].end.start = .none
    }

    private mutating func startBuiltIn(
        _ place: Int, _ op: BuiltIn, _ payload: Span<UInt8>, at now: Instant
    ) {
        let request = RequestPayload(payload)
        switch op {
        case .noop: end(place, .completed, exitCode: 0, at: now)
        case .echo:
            if let code = request.code {
                output(place, code)
            } else if let text = request.value(of: "text") {
                output(place, text)
            }
            end(place, .completed, exitCode: 0, at: now)
        case .sleep, .blink:
            guard let ms = request.duration else {
                output(place, "ms is not a number of milliseconds up to a day")
                return end(place, .rejected, exitCode: nil, at: now)
            }
            jobs[place].doneAt = now.adding(us: ms * 1000)
        }
    }

    private mutating func startProgram(
        _ place: Int, _ op: Int, _ assignment: Assignment, term: Term, _ payload: Span<UInt8>,
        _ config: borrowing Config, at now: Instant
    ) {
        let request = RequestPayload(payload)
        if let code = request.code {
            codes.copy(code, at: place * Limits.codeBytes)
            jobs[place].codeCount = code.count
        }
        do {
            let environment = JobEnvironment(assignment, term: term, request)
            let child = try Minder.start(config, op: op, environment, lease: lease.fd)
            jobs[place].pid = child.pid
            jobs[place].pidfd = child.pidfd
            jobs[place].input = child.input
            jobs[place].output = child.output
            jobs[place].report = child.report
            feed(place)
        } catch {
            var reason = FixedText<128>()
            reason.put("cannot start a process: ")
            reason.put(errno: error.code)
            reason.withSpan { output(place, $0) }
            endUnstarted(place, at: now)
        }
    }
}

/// The ops that need no configuration (design, section 6).
package enum BuiltIn {
    case noop, echo, sleep
    /// The work LED is lit while a job runs: it only has to take its time.
    case blink

    package static func find(_ name: OpName) -> BuiltIn? {
        if name.equals("noop") { return .noop }
        if name.equals("echo") { return .echo }
        if name.equals("sleep") { return .sleep }
        if name.equals("blink") { return .blink }
        return nil
    }
}

extension RequestPayload {
    /// The value of the first parameter called `name`.
    @_lifetime(copy self)
    package func value(of name: StaticString) -> Span<UInt8>? {
        for i in 0..<parameterCount {
            let parameter = parameter(i)
            if parameter.name.equals(name) { return parameter.value }
        }
        return nil
    }

    /// Milliseconds, from the parameters `ms` or `seconds`; half a second when neither is there.
    /// Nil when it is not a number from 0 to a day.
    package var duration: Int64? {
        var ms: Int64? = 500
        if let text = value(of: "ms") {
            ms = text.decimal
        } else if let text = value(of: "seconds") {
            ms = text.decimal.flatMap { $0 >= 0 && $0 <= 86_400 ? $0 * 1000 : nil }
        }
        guard let ms, ms >= 0, ms <= 86_400_000 else { return nil }
        return ms
    }
}

// MARK: - Running

extension Jobs {
    /// Ends a job before its time; it ends as `lost`. SIGTERM to its process group, SIGKILL
    /// `kill_grace_ms` later, or at once. A job that has ended already stays as it is.
    package mutating func kill(_ place: Int, now isUrgent: Bool, at now: Instant) {
        guard jobs[place].state == .running else { return }
        readReports(place)
        if !jobs[place].readsOn { jobs[place].verdict = jobs[place].verdict ?? .lost }
        stop(place, urgently: isUrgent, at: now)
    }

    /// Deadlines that have come.
    package mutating func tick(at now: Instant) {
        for place in 0..<Limits.bench where jobs[place].state == .running {
            if jobs[place].deadline <= now {
                readReports(place)
                if jobs[place].readsOn {
                    jobs[place].deadline = .never
                } else {
                    jobs[place].verdict = .timedOut
                    stop(place, urgently: false, at: now)
                }
            }
            guard jobs[place].state == .running else { continue }
            if jobs[place].killAt <= now {
                jobs[place].killAt = .never
                Minder.killNow(jobs[place].pid)
            }
            if jobs[place].doneAt <= now { end(place, .completed, exitCode: 0, at: now) }
        }
    }

    private mutating func stop(_ place: Int, urgently: Bool, at now: Instant) {
        jobs[place].stop(urgently: urgently, graceMs: killGraceMs, at: now)
        let pid = jobs[place].pid
        guard pid > 0 else {
            return end(place, jobs[place].verdict ?? .lost, exitCode: nil, at: now)
        }
        // To its process group, whose number its minder has.
        if urgently { Minder.killNow(pid) } else { CLinux.kill(-pid, SIGTERM) }
    }

    /// Appends what must be polled.
    package func addDescriptors(to polled: inout PollSet) {
        for place in 0..<Limits.bench where jobs[place].state == .running {
            let job = jobs[place]
            if job.pidfd >= 0 { polled.add(job.pidfd, POLLIN) }
            if job.output >= 0 { polled.add(job.output, POLLIN) }
            if job.input >= 0 { polled.add(job.input, POLLOUT) }
        }
    }

    /// Feeds and drains every job, and notices those that have ended.
    package mutating func serve(at now: Instant) {
        for place in 0..<Limits.bench where jobs[place].state == .running && jobs[place].pid > 0 {
            feed(place)
            // Asked first: then what it wrote last is read, too.
            let hasEnded = hasEnded(place)
            drain(place)
            if hasEnded { reap(place, at: now) }
        }
    }

    /// Writes the code as far as the job takes it. One that reads nothing is no error.
    private mutating func feed(_ place: Int) {
        guard jobs[place].input >= 0 else { return }
        let start = place * Limits.codeBytes
        let rest = (start + jobs[place].codeSent)..<(start + jobs[place].codeCount)
        while jobs[place].codeSent < jobs[place].codeCount {
            let fd = jobs[place].input
            let count = unsafe codes.span(rest).withUnsafeBytes {
                unsafe write(fd, $0.baseAddress, $0.count)
            }
            if count < 0 && (Errno.last == .wouldBlock || Errno.last == .interrupted) { return }
            guard count > 0 else { break }
            jobs[place].codeSent += count
            if jobs[place].codeSent < jobs[place].codeCount { return }
        }
        close(jobs[place].input)
        jobs[place].input = -1
    }

    /// Reads what the job has written; what is beyond the limit is dropped.
    private mutating func drain(_ place: Int) {
        guard jobs[place].output >= 0 else { return }
        var chunk = InlineArray<4096, UInt8>(repeating: 0)
        for _ in 0..<Self.readsPerTurn {
            let fd = jobs[place].output
            var span = chunk.mutableSpan
            let count = unsafe span.withUnsafeMutableBufferPointer {
                unsafe read(fd, $0.baseAddress, $0.count)
            }
            if count < 0 && (Errno.last == .wouldBlock || Errno.last == .interrupted) { return }
            guard count > 0 else {
                close(jobs[place].output)
                jobs[place].output = -1
                return
            }
            output(place, chunk.span.extracting(first: count))
            if count < 4096 { return }
        }
    }

    private mutating func readReports(_ place: Int) {
        guard jobs[place].report >= 0 else { return }
        var bytes = InlineArray<4, UInt8>(repeating: 0)
        let fd = jobs[place].report
        var span = bytes.mutableSpan
        let count = unsafe span.withUnsafeMutableBufferPointer {
            unsafe read(fd, $0.baseAddress, $0.count)
        }
        guard count > 0 else { return }
        for i in 0..<count {
            switch Minder.Report(rawValue: bytes[i]) {
            case .readsOn?: jobs[place].readsOn = true
            case .cutOff?: jobs[place].isTruncated = true
            case .notStarted?: jobs[place].couldNotStart = true
            case nil: break
            }
        }
    }

    /// The minder has ended, as it does when nothing of the job is left: waitid(2).
    private func hasEnded(_ place: Int) -> Bool {
        var info = unsafe siginfo_t()
        let options = WEXITED | WNOHANG | WNOWAIT
        let result = unsafe scrap_waitid_pidfd(jobs[place].pidfd, &info, options)
        if result < 0 && Errno.last == .interrupted { return false }
        precondition(result == 0, "waitid")
        return unsafe scrap_child_pid(&info) != 0
    }

    /// Had somebody killed the minder, it still holds the group's number, and what is left is killed.
    private mutating func reap(_ place: Int, at now: Instant) {
        CLinux.kill(-jobs[place].pid, SIGKILL)
        readReports(place)
        var info = unsafe siginfo_t()
        unsafe scrap_waitid_pidfd(jobs[place].pidfd, &info, WEXITED | WNOHANG)
        if jobs[place].couldNotStart { return endUnstarted(place, at: now) }
        let status = unsafe scrap_child_status(&info)
        let code = unsafe info.si_code == CLD_EXITED ? status : 128 + status
        let verdict = jobs[place].verdict ?? (code == 0 ? .completed : .failed)
        end(place, verdict, exitCode: code, at: now)
    }
}

// MARK: - Ending

extension Jobs {
    /// A place whose job has ended and was not released yet.
    package func nextEnded() -> Int? {
        for place in 0..<Limits.bench where jobs[place].state == .ended { return place }
        return nil
    }

    package func end(of place: Int) -> JobEnd { jobs[place].end }

    /// What the job wrote, or why it did not run.
    @_lifetime(borrow self)
    package borrowing func output(of place: Int) -> Span<UInt8> {
        let start = place * Limits.outputBytes
        return outputs.span(start..<(start + jobs[place].outputCount))
    }

    /// Makes the place free for another job.
    package mutating func release(_ place: Int) {
        precondition(jobs[place].state == .ended, "Jobs: not ended")
        jobs[place] = Job()
    }

    /// Its program could not be started: that is the board's fault, and not the request's.
    private mutating func endUnstarted(_ place: Int, at now: Instant) {
        end(place, .lost, exitCode: nil, at: now)
        jobs[place].end.start = .failed
    }

    private mutating func end(
        _ place: Int, _ status: Status, exitCode: Int32?, at now: Instant
    ) {
        if jobs[place].input >= 0 { close(jobs[place].input) }
        if jobs[place].output >= 0 { close(jobs[place].output) }
        if jobs[place].report >= 0 { close(jobs[place].report) }
        if jobs[place].pidfd >= 0 { close(jobs[place].pidfd) }
        jobs[place].pid = 0
        jobs[place].state = .ended
        jobs[place].end = JobEnd(
            status: status, exitCode: exitCode, truncated: jobs[place].isTruncated,
            durationMs: now.ms(since: jobs[place].startedAt))
    }

    private mutating func output(_ place: Int, _ words: StaticString) { output(place, words.bytes) }

    private mutating func output(_ place: Int, _ bytes: Span<UInt8>) {
        let room = Limits.outputBytes - jobs[place].outputCount
        let kept = min(room, bytes.count)
        outputs.copy(
            bytes.extracting(first: kept),
            at: place * Limits.outputBytes + jobs[place].outputCount)
        jobs[place].outputCount += kept
        if kept < bytes.count { jobs[place].isTruncated = true }
    }
}
