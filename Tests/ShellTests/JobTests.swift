import Foundation
import Testing
import Union
import Wire

@testable import Shell

private func at(_ ms: Int64) -> Instant { Instant(us: ms * 1000) }

/// A bench of jobs, and what a test asks of it.
private struct Bench: ~Copyable {
    var jobs: Jobs
    let config: Config

    init() throws {
        let jobs = try Jobs(killGraceMs: 200)
        let config = try ConfigLoader<SomeKeys>().finish(identity: false)
        self.jobs = jobs
        self.config = config
    }

    mutating func start(
        _ place: Int, _ op: String, code: String? = nil, _ parameters: [(String, String)] = [],
        deadlineMs: Int32 = 60_000, at ms: Int64 = 0
    ) throws {
        let payload = try payload(code: code, parameters)
        let assignment = Assignment(
            attempt: Attempt(
                requestOffset: 5, attempt: 2, workerID: WorkerID(high: 1, low: 1)), failures: 0,
            request: WorkRequest(
                requestID: fixed("r"), opCode: fixed(op), timeoutMs: nil, maxAttempts: 3))
        jobs.start(
            place, assignment, term: 4, deadlineMs: deadlineMs, payload.span, config, at: at(ms))
    }

    /// How the job on a place ended: status, exit code, duration, output; nil: it runs.
    mutating func end(_ place: Int) -> String? {
        guard jobs.nextEnded() == place else { return nil }
        let end = jobs.end(of: place)
        let output = string(jobs.output(of: place))
        let code = end.exitCode.map { "\($0)" } ?? "-"
        jobs.release(place)
        return "\(string(end.status.word)) \(code) \(end.durationMs) \(output)"
    }
}

@Suite("Jobs that need no process")
struct JobTests {
    @Test("noop does nothing, at once")
    func noop() throws {
        var bench = try Bench()
        try bench.start(3, "noop", at: 10)
        #expect(bench.end(3) == "completed 0 0 ")
        #expect(bench.end(3) == nil)
    }

    @Test("echo says its code, else its parameter text, else nothing")
    func echo() throws {
        var bench = try Bench()
        try bench.start(0, "echo", code: "hello", [("text", "other")])
        #expect(bench.end(0) == "completed 0 0 hello")
        try bench.start(0, "echo", [("x", "y"), ("text", "other")])
        #expect(bench.end(0) == "completed 0 0 other")
        try bench.start(0, "echo")
        #expect(bench.end(0) == "completed 0 0 ")
    }

    @Test("sleep and blink take their time, and no more", arguments: ["sleep", "blink"])
    func sleep(_ op: String) throws {
        var bench = try Bench()
        try bench.start(0, op, [("ms", "300")], at: 100)
        #expect(bench.jobs.deadline == at(400))
        bench.jobs.tick(at: at(399))
        #expect(bench.end(0) == nil)
        bench.jobs.tick(at: at(400))
        #expect(bench.end(0) == "completed 0 300 ")
        #expect(bench.jobs.deadline == .never)
    }

    @Test("a job that is told to end twice is killed when the first grace is over")
    func stoppedTwice() {
        var job = Jobs.Job()
        job.deadline = at(500)
        job.stop(urgently: false, graceMs: 200, at: at(500))
        #expect(job.deadline == .never && job.killAt == at(700))
        job.stop(urgently: false, graceMs: 200, at: at(600))
        #expect(job.killAt == at(700))
        job.stop(urgently: true, graceMs: 200, at: at(650))
        #expect(job.killAt == .never)
    }

    static let durations: [([(String, String)], Int64?)] = [
        ([], 500), ([("ms", "0")], 0), ([("ms", "86400000")], 86_400_000),
        ([("ms", "86400001")], nil), ([("ms", "-1")], nil), ([("ms", "x")], nil),
        ([("seconds", "2")], 2000), ([("seconds", "86400")], 86_400_000),
        ([("seconds", "86401")], nil), ([("seconds", "-1")], nil),
        ([("seconds", "2"), ("ms", "7")], 7),
    ]

    @Test("a duration is ms or seconds, up to a day", arguments: durations)
    func duration(_ one: (parameters: [(String, String)], ms: Int64?)) throws {
        var bench = try Bench()
        try bench.start(0, "sleep", one.parameters, deadlineMs: 86_400_000)
        guard let ms = one.ms else {
            #expect(bench.end(0) == "rejected - 0 ms is not a number of milliseconds up to a day")
            return
        }
        #expect(bench.jobs.deadline == at(ms))
    }

    @Test("an op that nobody configured is rejected by its name")
    func unknown() throws {
        var bench = try Bench()
        try bench.start(0, "fly")
        #expect(
            bench.end(0) == "rejected - 0 no op is called fly in this worker's configuration")
    }

    @Test("a job that overruns is timed out")
    func overrun() throws {
        var bench = try Bench()
        try bench.start(0, "sleep", [("ms", "9000")], deadlineMs: 50)
        #expect(bench.jobs.deadline == at(50))
        bench.jobs.tick(at: at(49))
        #expect(bench.end(0) == nil)
        bench.jobs.tick(at: at(50))
        #expect(bench.end(0) == "timed_out - 50 ")
    }

    @Test("a job that is killed is lost, and one that has ended stays as it ended")
    func killed() throws {
        var bench = try Bench()
        try bench.start(0, "sleep", [("ms", "9000")])
        bench.jobs.kill(0, now: true, at: at(20))
        #expect(bench.end(0) == "lost - 20 ")
        try bench.start(0, "noop")
        bench.jobs.kill(0, now: true, at: at(30))
        #expect(bench.end(0) == "completed 0 0 ")
    }

    @Test("a job that must not start is answered with the reason")
    func refused() throws {
        var bench = try Bench()
        bench.jobs.refuse(7, .lost, "the worker's lease ended before it began", at: at(5))
        #expect(bench.jobs.end(of: 7).start == .none)
        #expect(bench.end(7) == "lost - 0 the worker's lease ended before it began")
    }

    @Test("each place has a job and an output of its own")
    func places() throws {
        var bench = try Bench()
        for place in 0..<Limits.bench { try bench.start(place, "echo", code: "p\(place)") }
        for place in 0..<Limits.bench { #expect(bench.end(place) == "completed 0 0 p\(place)") }
        #expect(bench.jobs.nextEnded() == nil)
    }

    @Test("built-in ops are known by their names alone")
    func builtIn() {
        for name in ["noop", "echo", "sleep", "blink"] { #expect(BuiltIn.find(fixed(name)) != nil) }
        for name in ["", "Noop", "noops", "run"] { #expect(BuiltIn.find(fixed(name)) == nil) }
    }
}

@Suite("A job's environment")
struct JobEnvironmentTests {
    private func environment(_ parameters: [(String, String)]) throws -> [String] {
        let payload = try payload(parameters)
        let assignment = Assignment(
            attempt: Attempt(
                requestOffset: 5, attempt: 2, workerID: WorkerID(high: 1, low: 1)), failures: 0,
            request: WorkRequest(
                requestID: fixed("my id"), opCode: fixed("op"), timeoutMs: nil, maxAttempts: 3))
        let environment = JobEnvironment(assignment, term: 4, RequestPayload(payload.span))
        var lines: [String] = []
        unsafe environment.withPointers { vector in
            var i = 0
            while let line = unsafe vector[i] {
                unsafe lines.append(String(cString: line))
                i += 1
            }
        }
        return lines
    }

    @Test("has the request's id, attempt and term, and PATH, HOME and LANG as ours")
    func own() throws {
        let lines = try environment([])
        let inherited = ["PATH", "HOME", "LANG"].compactMap { name in
            ProcessInfo.processInfo.environment[name].map { "\(name)=\($0)" }
        }
        #expect(
            lines == inherited + ["SCRAP_REQUEST_ID=my id", "SCRAP_ATTEMPT=2", "SCRAP_TERM=4"])
    }

    @Test("has each parameter under a name that a shell takes; of equal names the first wins")
    func parameters() throws {
        let lines = try environment([
            ("size", "120 x 120"), ("Max-Width.px", "a=b"), ("max_width_px", "other"), ("ü", "1"),
            ("siz", "2"),
        ])
        #expect(
            lines.filter { $0.hasPrefix("SCRAP_PARAM_") } == [
                "SCRAP_PARAM_SIZE=120 x 120", "SCRAP_PARAM_MAX_WIDTH_PX=a=b", "SCRAP_PARAM___=1",
                "SCRAP_PARAM_SIZ=2",
            ])
    }

    @Test("16 parameters of the most bytes fit")
    func most() throws {
        let parameters = (0..<Limits.parameters).map { i in
            ("n\(i)", String(repeating: "v", count: Limits.parameterBytes / 16 - 3))
        }
        let lines = try environment(parameters).filter { $0.hasPrefix("SCRAP_PARAM_") }
        #expect(lines == parameters.map { "SCRAP_PARAM_\($0.0.uppercased())=\($0.1)" })
    }
}
