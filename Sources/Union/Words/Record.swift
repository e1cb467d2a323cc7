/// What travels on the topics, decoded. Field names on the wire are in `Wire`; their meaning is
/// in the design's sections 2 to 6.
///
/// A record is small and copyable. What is bulky in it travels beside it as one run of bytes,
/// the record's *payload*, packed as `Payload` says: a candidacy's votes, the members in
/// `ADD_MEMBER` and `REMOVE_MEMBER`, a checkpoint's list, a request's code and parameters, a
/// result's output.
public enum Record: Sendable {
    case candidacy(Candidacy)
    case leader(LeaderRecord)
    case heartbeat(Heartbeat)
    case request(WorkRequest)
    case result(WorkResult)

    public var topic: Topic {
        switch self {
        case .candidacy: .election
        case .leader: .leader
        case .heartbeat: .heartbeat
        case .request: .requests
        case .result: .results
        }
    }
}

public typealias RequestID = FixedText<64>
public typealias OpName = FixedText<32>

/// A worker's stand in a campaign (section 4). Payload: the ids in `votes_received`.
public struct Candidacy: Sendable {
    public var workerID: WorkerID
    public var incarnation: Incarnation
    public var term: Term
    public var ranking: Int32
    /// `acceptance_countdown`: nil until the countdown begins.
    public var countdown: Int32?
    /// `withdrawn_and_nominating_worker_id`: set when its writer is a voter.
    public var nominee: WorkerID?
    public var versions: Versions

    public init(
        workerID: WorkerID, incarnation: Incarnation, term: Term, ranking: Int32,
        countdown: Int32?, nominee: WorkerID?, versions: Versions = .unsaid
    ) {
        self.workerID = workerID
        self.incarnation = incarnation
        self.term = term
        self.ranking = ranking
        self.countdown = countdown
        self.nominee = nominee
        self.versions = versions
    }
}

/// A record of the leader log (section 3): who says it, under which term, and the order.
/// Payload: as the order says.
public struct LeaderRecord: Sendable {
    public var workerID: WorkerID
    public var incarnation: Incarnation
    public var term: Term
    /// `sent_us`: the writer's boot clock when it wrote this.
    public var sentAt: Instant
    /// The lease that the writer claims with this record, from `sentAt` on.
    public var leaseMs: Int32
    /// Every heartbeat before this offset has been read by the writer (section 5).
    public var heartbeatOffset: Offset
    /// The last valid `CHECKPOINT`, or -1 when there is none (section 6).
    public var checkpointOffset: Offset
    public var order: Order
    /// Only in claims: the writer gives work only to whoever has no job any more when it was not heard
    /// for so many ms; nil: it does not say.
    public var memberTimeoutMs: Int32?
    /// Only in claims: the writer does not know who has what, so everybody drops what he has (section
    /// 12).
    public var callsBack = false
    /// Only in claims: with which keys records are valid for the writer, and what it speaks.
    public var accepts = AcceptedKeys()
    public var versions = Versions.unsaid

    public init(
        workerID: WorkerID, incarnation: Incarnation, term: Term, sentAt: Instant, leaseMs: Int32,
        heartbeatOffset: Offset, checkpointOffset: Offset, order: Order,
        memberTimeoutMs: Int32? = nil
    ) {
        self.workerID = workerID
        self.incarnation = incarnation
        self.term = term
        self.sentAt = sentAt
        self.leaseMs = leaseMs
        self.heartbeatOffset = heartbeatOffset
        self.checkpointOffset = checkpointOffset
        self.order = order
        self.memberTimeoutMs = memberTimeoutMs
    }
}

extension LeaderRecord {
    /// Whoever reads the log hears its writer by it, whatever its version. Who does not read it waits for
    /// nobody: so nothing else earns a lease (section 3).
    var isHeardByAll: Bool {
        switch order {
        case .claim, .noop, .resign, .addMember, .removeMember, .assign, .cancel: true
        case .checkpoint(let checkpoint): !checkpoint.saysMore
        case .unknown: false
        }
    }

    /// It is a *mark*: a `NOOP` under no term, which is void for the referee. Who reads its own one
    /// back has read all that stood in the leader log when it was written (section 5).
    public var isMark: Bool {
        if case .noop = order { term == 0 } else { false }
    }
}

public enum Order: Sendable {
    case claim
    case noop
    case resign
    /// Payload: the union's members after it.
    case addMember(WorkerID, Incarnation)
    /// Payload: the union's members after it.
    case removeMember(WorkerID)
    /// Payload: the request's.
    case assign(Assignment)
    /// `unlessStarted`: what has started already goes on.
    case cancel(Attempt, unlessStarted: Bool = false)
    /// Payload: the rows of open work.
    case checkpoint(Checkpoint)
    /// One that this version does not know: its writer is there, and says no more to us. Only read.
    case unknown
}

/// What a checkpoint says beside its rows (section 6): where a new leader goes on reading.
public struct Checkpoint: Equatable, Sendable {
    /// Where a topic's first record stands, and its digest; 0: not known.
    public struct First: Equatable, Sendable {
        public var offset: Offset = 0
        public var digest: Digest = 0

        public init(offset: Offset = 0, digest: Digest = 0) {
            self.offset = offset
            self.digest = digest
        }
    }

    /// Every request before this offset is settled, or has a row.
    public var requestsNext: Offset
    /// Of every request that is not said to be settled here, the outcome stands at or after this
    /// offset of `results`, if anywhere.
    public var resultsNext: Offset
    /// Every result before this offset has been read: `resultsNext`, or after it.
    public var resultsRead: Offset
    /// The first request that the topic has, or had a while ago.
    public var firstRequest: First
    /// The digests of the records before `requestsNext` and `resultsRead`; 0: not known.
    public var lastRequest: Digest
    public var lastResult: Digest
    /// Whoever has work, and was not heard for so many ms, has no job any more; nil: it does not say.
    public var memberTimeoutMs: Int32?
    /// Its rows hold more than we know. Only in what is read.
    public var saysMore = false

    /// `resultsRead` nil: as `resultsNext`.
    public init(
        requestsNext: Offset, resultsNext: Offset, resultsRead: Offset? = nil,
        firstRequest: First = First(), lastRequest: Digest = 0, lastResult: Digest = 0,
        memberTimeoutMs: Int32? = nil
    ) {
        self.requestsNext = requestsNext
        self.resultsNext = resultsNext
        self.resultsRead = resultsRead ?? resultsNext
        self.firstRequest = firstRequest
        self.lastRequest = lastRequest
        self.lastResult = lastResult
        self.memberTimeoutMs = memberTimeoutMs
    }
}

/// One attempt at one request by one worker. The number `attempt` is never used twice for the
/// same request.
public struct Attempt: Equatable, Sendable {
    public var requestOffset: Offset
    public var attempt: Int32
    public var workerID: WorkerID

    public init(requestOffset: Offset, attempt: Int32, workerID: WorkerID) {
        self.requestOffset = requestOffset
        self.attempt = attempt
        self.workerID = workerID
    }
}

public struct Assignment: Sendable {
    public var attempt: Attempt
    /// Attempts before this one that count; the request is given up after `maxAttempts`.
    public var failures: Int32
    public var request: WorkRequest

    public init(attempt: Attempt, failures: Int32, request: WorkRequest) {
        self.attempt = attempt
        self.failures = failures
        self.request = request
    }
}

/// A sign of life (section 5). Payload: offsets of requests that run, then of those that are queued,
/// or finished but not known to be in `results`; the deadlines of those that run; the last requests
/// finished, by their ids, oldest first.
public struct Heartbeat: Sendable {
    public var workerID: WorkerID
    public var incarnation: Incarnation
    /// Heartbeats that this incarnation wrote before this one.
    public var count: Int64
    public var leaderID: WorkerID?
    public var term: Term
    /// The leader log has been read up to here.
    public var leaderOffset: Offset
    /// Nothing has been started that was assigned at or after this offset of the leader log; nil:
    /// it does not say.
    public var startedOffset: Offset?
    public var role: Role
    public var ranking: Int32
    public var slots: Int32
    /// How long its jobs may run on after a heartbeat that was acknowledged, in ms; nil: it does
    /// not say.
    public var workerLeaseMs: Int32?
    /// How long they take to end after that, in ms; nil: it does not say.
    public var killGraceMs: Int32?
    /// The op of a job that was killed and does not die: its board takes no work; nil: there is none.
    public var stuckOp: OpName?
    /// It cannot write results: its board takes no work.
    public var cannotReport = false
    /// It leaves: it has nothing more to do, and takes nothing.
    public var isLeaving = false
    /// The leader has not taken it in for long.
    public var isLeftOut = false
    /// With which keys records are valid for it.
    public var accepts = AcceptedKeys()
    public var versions = Versions.unsaid
    /// The request whose job has run longest, by its id.
    public var current: RequestID?
    /// How many offsets the payload begins with, and how many of them, the first, have a deadline.
    public var runningCount: Int32
    public var deadlineCount: Int32
    /// Requests finished by this incarnation.
    public var completedCount: Int64

    public init(workerID: WorkerID, incarnation: Incarnation) {
        self.workerID = workerID
        self.incarnation = incarnation
        count = 0
        leaderID = nil
        term = 0
        leaderOffset = 0
        startedOffset = nil
        role = .member
        ranking = 0
        slots = 1
        workerLeaseMs = nil
        killGraceMs = nil
        stuckOp = nil
        current = nil
        runningCount = 0
        deadlineCount = 0
        completedCount = 0
    }
}

extension Heartbeat {
    /// Its jobs are dead so long after it was sent, if no later one is acknowledged; nil: it does not
    /// say all of it.
    var holdMs: Int32? {
        workerLeaseMs == nil || killGraceMs == nil ? nil : longestHoldMs
    }

    /// The same; where it does not say, it may be of the slowest pace.
    var longestHoldMs: Int32 {
        let slowest = Settings.slowestHold
        let ms = Settings.holdMs(
            workerLease: workerLeaseMs ?? slowest.workerLeaseMs,
            killGrace: killGraceMs ?? slowest.killGraceMs)
        return min(ms, Limits.timingMs)
    }
}

/// A request for work (section 6). Payload: see `Payload`.
public struct WorkRequest: Sendable {
    /// Empty when the writer gave none.
    public var requestID: RequestID
    public var opCode: OpName
    /// The job's deadline in ms from its start; nil: that of the board which runs it.
    public var timeoutMs: Int32?
    public var maxAttempts: Int32

    public static let defaultMaxAttempts: Int32 = 5

    public init(requestID: RequestID, opCode: OpName, timeoutMs: Int32?, maxAttempts: Int32) {
        self.requestID = requestID
        self.opCode = opCode
        self.timeoutMs = timeoutMs
        self.maxAttempts = maxAttempts
    }
}

public enum Status: UInt8, Cases, Equatable, Sendable {
    case completed, failed
    /// The job overran its deadline and was killed.
    case timedOut
    /// The request cannot be run: malformed, too large, or an op that nobody configured.
    case rejected
    /// The worker was lost, or gave the job up, before there was a result.
    case lost
    /// `max_attempts` attempts counted, or too many did not.
    case exhausted
    /// A word that this version does not know: an outcome, where the result is final.
    case unknown
}

/// The end of one attempt (section 6). Payload: the job's output, or why there is none; empty
/// where `reason` says that.
public struct WorkResult: Sendable {
    /// Why there is no output, where the node says so itself. The words are `Wire`'s.
    public enum Reason: Equatable, Sendable {
        /// The leader: the attempt's worker was lost.
        case workerLost
        /// The leader: so many attempts failed or were lost.
        case attemptsFailed(Int32)
        /// The leader: no worker could start it.
        case cannotBeStarted
        /// The leader: so many attempts were made that do not count.
        case attemptsInVain(Int32)
        /// The leader: the broker does not have the request's record any more.
        case recordGone
        /// It was not started.
        case neverStarted
        /// The worker: it had no place for it.
        case benchFull
        /// The worker: it has a job that does not die.
        case boardStuck
        /// The worker: the broker does not take its result.
        case resultRefused
        /// The leader: the request at this offset came before it, with the same id, and ended so.
        case duplicate(of: Offset)
        /// The leader: too many requests wait for another with their id.
        case tooManyDuplicates
    }

    public var requestID: RequestID
    public var requestOffset: Offset
    public var workerID: WorkerID
    public var term: Term
    public var attempt: Int32
    public var status: Status
    public var exitCode: Int32?
    public var truncated: Bool
    public var durationMs: Int64
    /// The attempt counts against the request's `max_attempts` (section 6): it was started, or
    /// nobody knows whether it was, and its board did not give it back.
    public var counts = true
    /// Its worker could not start the program: another may.
    public var cannotStart = false
    /// The first final result of a request in the log is its outcome.
    public var final: Bool
    /// The status is that of another request with this id, which stands at this offset.
    public var duplicateOf: Offset?
    /// Only in what is written: who reads a result reads the words.
    public var reason: Reason?

    public init(
        requestID: RequestID, requestOffset: Offset, workerID: WorkerID, term: Term, attempt: Int32,
        status: Status, exitCode: Int32?, truncated: Bool, durationMs: Int64, final: Bool
    ) {
        self.requestID = requestID
        self.requestOffset = requestOffset
        self.workerID = workerID
        self.term = term
        self.attempt = attempt
        self.status = status
        self.exitCode = exitCode
        self.truncated = truncated
        self.durationMs = durationMs
        self.final = final
    }
}

/// A row of a checkpoint: a request that has no outcome yet.
public struct OpenWork: Equatable, Sendable {
    public var requestOffset: Offset
    /// The highest attempt number used so far; 0 when it was never assigned.
    public var attempt: Int32
    public var failures: Int32
    /// Who has it now.
    public var workerID: WorkerID?
    /// `RequestID.key`; 0 when it is not known.
    public var requestKey: UInt64
    /// The deadline in ms from its start, the request's or as the worker says; nil: not known.
    public var timeoutMs: Int32?
    /// Under which term the attempt was assigned; 0: not known. Not in checkpoints.
    public var term: Term = 0

    public init(
        requestOffset: Offset, attempt: Int32, failures: Int32, workerID: WorkerID?,
        requestKey: UInt64, timeoutMs: Int32? = nil
    ) {
        self.requestOffset = requestOffset
        self.attempt = attempt
        self.failures = failures
        self.workerID = workerID
        self.requestKey = requestKey
        self.timeoutMs = timeoutMs
    }
}
