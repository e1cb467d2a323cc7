import CLinux
import Union
import Wire

/// The log: stderr, a line for each message, one write(2) a line.
///
/// Under systemd lines begin with a syslog level, `<6>`, which journald takes off; elsewhere with
/// the local time. Used by the one thread that runs code of ours. A node never waits for whoever
/// reads: see `Outlet`. The other commands do, as programs do.
package enum Log {
    /// Bytes of the longest line; the rest is cut.
    package typealias Line = FixedText<1024>

    package enum Level: UInt8, Worded {
        case error, warning, info, debug

        package var word: StaticString {
            switch self {
            case .error: "error"
            case .warning: "warning"
            case .info: "info"
            case .debug: "debug"
            }
        }

        package var syslog: Int32 {
            switch self {
            case .error: LOG_ERR
            case .warning: LOG_WARNING
            case .info: LOG_INFO
            case .debug: LOG_DEBUG
            }
        }
    }

    nonisolated(unsafe) private static var threshold = Level.info
    nonisolated(unsafe) private static var isJournal = false
    /// Nil: lines are written however long that takes.
    nonisolated(unsafe) private static var outlet: Outlet?
    nonisolated(unsafe) private static var voids = Limiter()
    nonisolated(unsafe) private static var malformed = Limiter()
    nonisolated(unsafe) private static var placeless = Limiter()
    nonisolated(unsafe) private static var unknowns = Limiter()
    nonisolated(unsafe) private static var misfits = Limiter()

    /// Sets the level from the configuration, and finds out who reads stderr.
    package static func start(_ level: Level) {
        unsafe threshold = level
        unsafe isJournal = stderrIsJournal()
    }

    /// From here on a line that does not go out at once is lost, and counted.
    package static func neverWait() { unsafe outlet = Outlet(STDERR_FILENO) }

    /// Says how many lines were lost, as soon as lines go out again. Called now and then by who
    /// never waits.
    package static func tick() {
        guard unsafe outlet?.goOn() ?? false else { return }
        var line = Line()
        let start = begin(&line, .warning)
        unsafe line.put(outlet?.lost ?? 0)
        line.put(" lines lost: nobody read them in time")
        let text = whole(line, from: start)
        unsafe outlet?.tellLost(text.span)
    }

    package static func shows(_ level: Level) -> Bool {
        unsafe level.rawValue <= threshold.rawValue
    }

    package static func write(_ level: Level, _ words: StaticString) {
        write(level) { (line: inout Line) in line.put(words) }
    }

    /// Writes the line that `body` builds.
    package static func write(_ level: Level, _ body: (inout Line) -> Void) {
        if shows(level) { answer(level, body) }
    }

    /// The same for what somebody asked to be told: no level hides it.
    package static func answer(_ level: Level, _ body: (inout Line) -> Void) {
        var line = Line()
        let start = begin(&line, level)
        body(&line)
        let text = whole(line, from: start)
        tick()
        if unsafe outlet == nil {
            writeAll(STDERR_FILENO, text.span)
        } else {
            unsafe outlet?.write(text.span)
        }
    }

    /// Returns where the message begins.
    private static func begin(_ line: inout Line, _ level: Level) -> Int {
        if unsafe isJournal {
            line.put("<")
            line.put(level.syslog)
            line.put(">")
        } else {
            putTime(&line)
        }
        return line.count
    }

    /// A message is one line: what would break it is replaced.
    private static func whole(_ line: Line, from start: Int) -> Outlet.Line {
        var text = Outlet.Line()
        text.put(line.span.extracting(0..<start))
        text.put(foreign: line.span.extracting(start..<line.count))
        text.put("\n")
        return text
    }

    private static func putTime(_ line: inout Line) {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        var local = unsafe tm()
        unsafe localtime_r(&now.tv_sec, &local)
        unsafe line.put(local.tm_hour, width: 2, fill: UInt8(ascii: "0"))
        line.put(":")
        unsafe line.put(local.tm_min, width: 2, fill: UInt8(ascii: "0"))
        line.put(":")
        unsafe line.put(local.tm_sec, width: 2, fill: UInt8(ascii: "0"))
        line.put(".")
        line.put(now.tv_nsec / 1_000_000, width: 3, fill: UInt8(ascii: "0"))
        line.put(" ")
    }

    /// Whether JOURNAL_STREAM names the very file that stderr is: a shell in a journal's unit
    /// passes the variable on to programs whose stderr is a terminal (systemd.exec(5)).
    private static func stderrIsJournal() -> Bool {
        guard let value = Environment.value("JOURNAL_STREAM") else { return false }
        var file = stat()
        guard unsafe fstat(STDERR_FILENO, &file) == 0 else { return false }
        var expected = FixedText<48>()
        expected.put(file.st_dev)
        expected.put(":")
        expected.put(file.st_ino)
        return value.bytes.equals(expected.span)
    }
}

/// Lets a few messages of one kind through in each ten seconds and counts the others.
private struct Limiter {
    private static let perWindow: Int32 = 5
    private static let windowUs: Int64 = 10_000_000

    private var windowStart = Instant.zero
    private var shown: Int32 = 0
    private var hidden: Int64 = 0

    /// How many were hidden since the last that was shown; nil: hide this one too.
    mutating func admit(at now: Instant) -> Int64? {
        if windowStart == .zero || now.us - windowStart.us > Self.windowUs {
            windowStart = now
            shown = 0
        }
        guard shown < Self.perWindow else {
            hidden += 1
            return nil
        }
        shown += 1
        defer { hidden = 0 }
        return hidden
    }
}

// The core's notices, in words.
extension Log {
    /// Says what the core noticed. `bytes` are the notice's own.
    package static func say(_ notice: Notice, _ bytes: Span<UInt8>) {
        switch notice {
        case .caughtUp, .campaign, .tie, .votes, .claims, .leads, .ledBy, .steppedDown, .givesUp,
            .givesUpUnheard, .resigned, .quells, .quelled:
            write(.info) { (line: inout Line) in putElection(notice, &line) }
        case .paceDiffers(let other):
            write(.warning) { (line: inout Line) in
                line.put(other)
                line.put(": give all boards of a union the same pace")
            }
        case .memberAdded(let id):
            write(.info) { (line: inout Line) in
                line.put(short: id)
                line.put(" is a member of the union now")
            }
        case .memberRemoved(let id):
            write(.info) { (line: inout Line) in
                line.put(short: id)
                line.put(" is no member any more: it was not heard, or started anew")
            }
        case .tooSlow(let id, let holdMs):
            write(.warning) { (line: inout Line) in
                line.put(short: id)
                line.put(" gets no work: its jobs may go on for ")
                line.put(Int64(holdMs))
                line.put(" ms when nobody hears it, which is longer than this leader waits: ")
                line.put("give all boards of a union the same pace")
            }
        case .speaks(let newest, let isOurs):
            write(.info) { (line: inout Line) in
                line.put("speaking protocol ")
                line.put(newest)
                if !isOurs { line.put(", for members of an older version") }
            }
        case .otherVersion(let id, let theirs, let union):
            guard let hidden = unsafe misfits.admit(at: Clock.now) else { return }
            write(.warning) { (line: inout Line) in
                line.put(short: id)
                line.put(" gets no work: it speaks ")
                line.put(theirs)
                line.put(", and this union ")
                line.put(union)
                putHidden(hidden, &line)
            }
        case .stuck(let op, let attempt):
            write(.error) { (line: inout Line) in
                line.put("the job of requests[")
                line.put(attempt.requestOffset)
                line.put("], op ")
                line.put(op)
                line.put(", was killed and does not die: it waits in the kernel. ")
                line.put("This board takes no work before it is gone")
            }
        case .workerStuck(let id, let op):
            write(.warning) { (line: inout Line) in
                line.put(short: id)
                line.put(" gets no work: a job of op ")
                line.put(op)
                line.put(" was killed there and does not die")
            }
        case .workerCannotReport(let id):
            write(.warning) { (line: inout Line) in
                line.put(short: id)
                line.put(" gets no work: it cannot write results")
            }
        case .tookOver, .cancelled, .attemptEnded, .failedStart, .settled, .duplicate:
            write(workLevel(notice)) { (line: inout Line) in putWork(notice, &line) }
        case .malformed(let topic, let offset):
            guard let hidden = unsafe malformed.admit(at: Clock.now) else { return }
            write(.warning) { (line: inout Line) in
                putPlace(topic, offset, &line)
                line.put(" is malformed: ")
                line.put(bytes)
                putHidden(hidden, &line)
            }
        case .void(let topic, let offset, let why):
            guard let hidden = unsafe voids.admit(at: Clock.now) else { return }
            write(why == .tenureOver ? .info : .warning) { (line: inout Line) in
                putPlace(topic, offset, &line)
                switch why {
                case .tenureOver: line.put(" is void: it comes from a tenure that is over")
                case .termTooHigh:
                    line.put(" is void: a stranger's, with a higher term than any there can be")
                case .unsigned: line.put(" is void: it is not signed with this union's key")
                case .signedOtherwise: line.put(" is void: it is signed by another key")
                }
                putHidden(hidden, &line)
            }
        case .unknownOrder(let id, let offset):
            guard let hidden = unsafe unknowns.admit(at: Clock.now) else { return }
            write(.warning) { (line: inout Line) in
                putPlace(.leader, offset, &line)
                putWith(" is an order that this version does not know, by ", id, &line)
                putHidden(hidden, &line)
            }
        case .rosterFull(let id):
            guard let hidden = unsafe placeless.admit(at: Clock.now) else { return }
            write(.warning) { (line: inout Line) in
                line.put("there is no place for ")
                line.put(short: id)
                putWith(": a union has at most ", Int64(Limits.members), &line)
                line.put(" members")
                putHidden(hidden, &line)
            }
        case .workerLeaseLost, .logLost, .brokerLost, .brokerFound, .twin, .waitsForTwin,
            .superseded, .twinGone, .leftOut, .versionDiffers, .takenIn, .cannotReport,
            .canReport, .otherKey, .keyNotAccepted, .keyTooEarly, .keyAccepted:
            write(troubleLevel(notice)) { (line: inout Line) in putTrouble(notice, &line) }
        }
    }

    private static func putElection(_ notice: Notice, _ line: inout Line) {
        switch notice {
        case .caughtUp(let offset):
            line.put("caught up with the leader log at offset ")
            line.put(offset)
        case .campaign(let term, let ranking):
            line.put("no leader is heard: running for term ")
            line.put(term)
            line.put(" with ranking ")
            line.put(ranking)
        case .tie(let candidates, let ranking):
            line.put(candidates)
            line.put(" candidates have the same ranking: going on with ")
            line.put(ranking)
        case .votes(let nominee): putWith("voting for ", nominee, &line)
        case .claims(let term): putWith("the only candidate left: claiming term ", term, &line)
        case .leads(let term): putWith("leading, term ", term, &line)
        case .ledBy(let leader, let term):
            putWith("led by ", leader, &line)
            putWith(", term ", term, &line)
        case .steppedDown(let term): putWith("stepped down from term ", term, &line)
        case .givesUp(let term):
            putWith("cannot keep the lead: giving another board the chance, term ", term, &line)
        case .givesUpUnheard(let term):
            line.put("results cannot be written: giving another board the chance to lead")
            putWith(", term ", term, &line)
        case .resigned(let leader, let term):
            line.put(short: leader)
            putWith(" resigned from term ", term, &line)
        case .quells(let candidate, let term):
            line.put(short: candidate)
            putWith(" campaigns against a living leader: quelling it, term ", term, &line)
        case .quelled(let leader): putWith("campaign quelled by the leader ", leader, &line)
        default: preconditionFailure("not an election's notice")
        }
    }

    private static func workLevel(_ notice: Notice) -> Level {
        switch notice {
        case .tookOver, .cancelled, .duplicate: .info
        case .failedStart: .warning
        case .attemptEnded(_, let status): status == .completed ? .debug : .info
        default: .debug
        }
    }

    private static func putWork(_ notice: Notice, _ line: inout Line) {
        switch notice {
        case .tookOver(let open, let assigned):
            putWith("took the ledger over: ", Int64(open), &line)
            putWith(" unfinished requests, assigned ", Int64(assigned), &line)
        case .cancelled(let attempt, let reason):
            putAttempt(attempt, &line)
            line.put(" cancelled: ")
            line.put(reason.words)
        case .attemptEnded(let attempt, let status):
            putAttempt(attempt, &line)
            line.put(": ")
            line.put(status.word)
        case .failedStart(let attempt, let op, let restMs):
            putAttempt(attempt, &line)
            line.put(" could not be started there: no more of ")
            line.put(op)
            putWith(" for it within ", Int64(restMs), &line)
            line.put(" ms")
        case .settled(let offset, let status):
            putWith("request ", offset, &line)
            line.put(" settled: ")
            line.put(status.word)
        case .duplicate(let offset):
            putWith("request ", offset, &line)
            line.put(" has the id of another one, open or just settled: not run again")
        default: preconditionFailure("not a notice about work")
        }
    }

    private static func troubleLevel(_ notice: Notice) -> Level {
        switch notice {
        case .brokerFound, .twinGone, .takenIn, .canReport, .keyAccepted: .info
        case .twin, .superseded, .cannotReport, .leftOut, .versionDiffers, .otherKey,
            .keyNotAccepted, .keyTooEarly:
            .error
        default: .warning
        }
    }

    private static func putTrouble(_ notice: Notice, _ line: inout Line) {
        switch notice {
        case .workerLeaseLost(let jobs):
            putWith("the leader does not hear this worker: killing its jobs, ", Int64(jobs), &line)
        case .logLost(let topic, let wanted, let from):
            line.put("the broker lost records of ")
            line.put(topic.word)
            putWith(": wanted offset ", wanted, &line)
            putWith(", reading goes on at ", from, &line)
        case .brokerLost: line.put("the broker cannot be reached")
        case .brokerFound: line.put("the broker is reached again")
        case .twin:
            line.put("another living worker has this worker's id: standing back until it is ")
            line.put("silent; give each board an id of its own")
        case .waitsForTwin:
            line.put("a worker with this id was heard lately: waiting until it is surely gone")
        case .superseded:
            line.put("a newer process with this worker's id has taken its place: standing back ")
            line.put("until it is silent")
        case .leftOut:
            line.put("the leader has not taken this worker in for long: is the union full, or ")
            line.put("are this worker's timings longer than the leader bears?")
        case .versionDiffers(let id, let theirs, let ours):
            line.put("the leader, ")
            line.put(short: id)
            line.put(", speaks ")
            line.put(theirs)
            line.put(", and this worker ")
            line.put(ours)
            line.put(": it stays out until the others have a version nearer to its own")
        case .cannotReport:
            line.put("results cannot be written: taking no work before one is; may this ")
            line.put("worker write to the topic `results`?")
        case .canReport: line.put("results can be written again")
        case .takenIn: line.put("the leader has taken this worker in")
        case .otherKey:
            line.put("the records of this union's leader are signed by another key, or not ")
            line.put("at all: standing back; is this board's [union] key_file the union's?")
        case .keyNotAccepted(let id):
            putWith("what this worker writes is void for ", id, &line)
            line.put(": standing back until every board accepts this worker's key ")
            line.put("([union] key_step = accept comes before sign)")
        case .keyTooEarly:
            line.put("some board of this union does not sign with this worker's key yet: standing ")
            line.put("back until all do ([union] key_step = sign comes before require)")
        case .keyAccepted:
            line.put("this union's records and this worker's are valid for each other")
        case .twinGone: line.put("no other worker with this id is heard any more: joining again")
        default: preconditionFailure("not a notice about trouble")
        }
    }

    private static func putAttempt(_ attempt: Attempt, _ line: inout Line) {
        putWith("request ", attempt.requestOffset, &line)
        putWith(", attempt ", Int64(attempt.attempt), &line)
        putWith(" by ", attempt.workerID, &line)
    }

    private static func putPlace(_ topic: Topic, _ offset: Offset, _ line: inout Line) {
        line.put("the record on ")
        line.put(topic.word)
        putWith(" at offset ", offset, &line)
    }

    private static func putHidden(_ hidden: Int64, _ line: inout Line) {
        guard hidden > 0 else { return }
        putWith(" (and ", hidden, &line)
        line.put(" more like it, not shown)")
    }

    private static func putWith(_ words: StaticString, _ id: WorkerID, _ line: inout Line) {
        line.put(words)
        line.put(short: id)
    }

    private static func putWith(_ words: StaticString, _ number: Int64, _ line: inout Line) {
        line.put(words)
        line.put(number)
    }
}

extension CancelReason {
    package var words: StaticString {
        switch self {
        case .unacknowledged: "its worker never showed it"
        case .overrun: "it overran its deadline and its worker did not stop it"
        case .stalled: "it waited behind a slow job"
        case .forgotten: "the broker has lost its request"
        case .removed: "its worker was removed"
        case .settled: "the request has its outcome already"
        }
    }
}
