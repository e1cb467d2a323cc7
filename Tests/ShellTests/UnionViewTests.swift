import Testing
import Union

@testable import Shell

private func id(_ n: UInt64) -> WorkerID { WorkerID(high: n << 32, low: n) }

private func ms(_ ms: Int64) -> Instant { Instant(us: ms * 1000) }

private func name(_ change: UnionView.Change, _ view: borrowing UnionView) -> String {
    switch change {
    case .none: "none"
    case .leader: "leader"
    case .worker(let i): "worker \(view[i].id.low)"
    case .joined(let id): "joined \(id.low)"
    case .left(let id): "left \(id.low)"
    case .void(let id): "void \(id.low)"
    case .settled: "settled"
    case .pace(let i): "pace \(view[i].id.low)"
    }
}

/// A union as one who watches sees it, and what each record changed.
private struct Watched: ~Copyable {
    var view = UnionView(silenceMs: 1000)
    var now: Int64 = 0

    mutating func read(_ record: Record, _ payload: [UInt8] = []) -> String {
        now += 1
        let change = view.apply(record, payload.span, at: 0, ms(now))
        return name(change, view)
    }

    mutating func leader(
        _ worker: UInt64, term: Term, _ order: Order, incarnation: Incarnation = 1,
        _ payload: [UInt8] = []
    ) -> String {
        read(
            .leader(
                LeaderRecord(
                    workerID: id(worker), incarnation: incarnation, term: term, sentAt: ms(now),
                    leaseMs: 800, heartbeatOffset: 0, checkpointOffset: -1, order: order)), payload)
    }

    mutating func heartbeat(
        _ worker: UInt64, _ change: (inout Heartbeat) -> Void = { _ in }
    ) -> String {
        var heartbeat = Heartbeat(workerID: id(worker), incarnation: 1)
        change(&heartbeat)
        return read(.heartbeat(heartbeat))
    }

    mutating func candidacy(_ worker: UInt64, ranking: Int32, nominee: UInt64? = nil) -> String {
        read(
            .candidacy(
                Candidacy(
                    workerID: id(worker), incarnation: 1, term: 1, ranking: ranking, countdown: nil,
                    nominee: nominee.map { id($0) })))
    }

    mutating func result(
        _ offset: Offset, _ status: Status = .completed, final: Bool = true, by worker: UInt64 = 1
    ) -> String {
        read(
            .result(
                WorkResult(
                    requestID: RequestID(), requestOffset: offset, workerID: id(worker), term: 1,
                    attempt: 1, status: status, exitCode: nil, truncated: false, durationMs: 1,
                    final: final)))
    }

    func worker(_ n: UInt64) -> UnionView.Worker { view[view.index(of: id(n))!] }
}

private func assign(_ offset: Offset) -> Order {
    .assign(
        Assignment(
            attempt: Attempt(requestOffset: offset, attempt: 1, workerID: id(1)), failures: 0,
            request: WorkRequest(
                requestID: RequestID(), opCode: fixed("noop"), timeoutMs: nil, maxAttempts: 3)))
}

@Suite("What watch knows of the union: who leads")
struct UnionViewLeaderTests {
    @Test("nobody leads before a claim was read; then who claims, since it was read")
    func claim() {
        var union = Watched()
        #expect(union.view.leader == nil && union.view.term == 0)
        #expect(union.leader(1, term: 1, .claim) == "leader")
        #expect(union.view.leader == id(1) && union.view.term == 1)
        #expect(union.view.leadsSince == ms(1) && union.view.elections == 1)
    }

    @Test("a claim of a term that is taken is void, and is counted at who wrote it")
    func secondClaim() {
        var union = Watched()
        _ = union.leader(1, term: 1, .claim)
        _ = union.heartbeat(2)
        #expect(union.leader(2, term: 1, .claim) == "void 2")
        #expect(union.view.leader == id(1) && union.worker(2).void == 1)
        #expect(union.leader(2, term: 2, .claim) == "leader")
        #expect(union.view.leader == id(2) && union.view.elections == 2)
    }

    @Test("a deposed leader's order is void, and changes nothing")
    func deposed() {
        var union = Watched()
        _ = union.leader(1, term: 1, .claim)
        _ = union.leader(2, term: 2, .claim)
        #expect(union.leader(1, term: 1, assign(5)) == "void 1")
        #expect(union.leader(1, term: 1, .resign) == "void 1")
        #expect(union.view.openCount == 0 && union.view.leader == id(2))
    }

    @Test("another life of the leader's process is not the leader")
    func otherLife() {
        var union = Watched()
        _ = union.leader(1, term: 1, .claim)
        #expect(union.leader(1, term: 1, assign(5), incarnation: 2) == "void 1")
    }

    @Test("a leader that resigned leads no more, and its later orders are void")
    func resigned() {
        var union = Watched()
        _ = union.leader(1, term: 1, .claim)
        #expect(union.leader(1, term: 1, .resign) == "leader")
        #expect(union.view.leader == nil && union.view.term == 1)
        #expect(union.leader(1, term: 1, .noop) == "void 1")
    }

    @Test("who begins in the middle of the log takes the leader from its first order, and obeys it")
    func midLog() {
        var union = Watched()
        union.view.startReadingLeader(midLog: true)
        #expect(union.leader(1, term: 7, assign(5)) == "leader")
        #expect(union.view.leader == id(1) && union.view.term == 7 && union.view.openCount == 1)
    }

    @Test("a claim read in the middle of the log gives way to who goes on in that term")
    func provisional() {
        var union = Watched()
        union.view.startReadingLeader(midLog: true)
        _ = union.leader(2, term: 7, .claim)
        #expect(union.leader(1, term: 7, .noop) == "leader")
        #expect(union.view.leader == id(1) && union.view.elections == 1)
    }

    @Test("when the log is lost, what comes next is judged anew")
    func lostLog() {
        var union = Watched()
        _ = union.leader(1, term: 9, .claim)
        union.view.startReadingLeader(midLog: false)
        #expect(union.view.leader == nil)
        #expect(union.leader(2, term: 3, .claim) == "leader")
        #expect(union.view.leader == id(2))
    }

    @Test("a new tenure makes everybody else a member")
    func roles() {
        var union = Watched()
        _ = union.heartbeat(1) { $0.role = .leader }
        _ = union.heartbeat(2) { $0.role = .voter }
        _ = union.leader(3, term: 1, .claim)
        #expect(union.worker(1).role == .member && union.worker(2).role == .member)
        _ = union.heartbeat(1) { $0.role = .leader }
        _ = union.leader(1, term: 2, .claim)
        #expect(union.worker(1).role == .leader)
    }

    @Test("members that the leader adds and removes are told")
    func members() {
        var union = Watched()
        _ = union.leader(1, term: 1, .claim)
        #expect(union.leader(1, term: 1, .addMember(id(4), 1)) == "joined 4")
        #expect(union.leader(1, term: 1, .removeMember(id(4))) == "left 4")
        #expect(union.leader(1, term: 1, .noop) == "none")
    }
}

@Suite("What watch knows of the union: workers and work")
struct UnionViewWorkerTests {
    @Test("a worker appears with its first heartbeat, and is told again when something changed")
    func heartbeats() {
        var union = Watched()
        #expect(union.heartbeat(1) == "worker 1")
        #expect(union.heartbeat(1) == "none")
        #expect(union.heartbeat(1) { $0.role = .voter } == "worker 1")
        #expect(union.heartbeat(1) { ($0.role, $0.term) = (.voter, 2) } == "worker 1")
        let busy: (inout Heartbeat) -> Void = {
            ($0.role, $0.term, $0.current, $0.runningCount) = (.voter, 2, fixed("r"), 2)
        }
        #expect(union.heartbeat(1, busy) == "worker 1")
        #expect(union.heartbeat(1, busy) == "none")
        #expect(union.worker(1).job == fixed("r") && union.worker(1).running == 2)
        #expect(
            union.heartbeat(1) {
                busy(&$0)
                $0.completedCount = 5
            } == "worker 1")
        #expect(union.worker(1).completed == 5)
        #expect(
            union.heartbeat(1) {
                busy(&$0)
                ($0.completedCount, $0.incarnation) = (5, 2)
            } == "worker 1")
    }

    @Test("a ranking alone is kept, but is no news")
    func ranking() {
        var union = Watched()
        _ = union.heartbeat(1)
        #expect(union.heartbeat(1) { $0.ranking = 200 } == "none")
        #expect(union.worker(1).ranking == 200)
    }

    @Test("a worker that is not heard for a while is silent, once, until it is heard again")
    func silence() {
        var union = Watched()
        _ = union.heartbeat(1)
        _ = union.heartbeat(2)
        #expect(name(union.view.nextSilent(at: ms(1000)), union.view) == "none")
        #expect(name(union.view.nextSilent(at: ms(1001)), union.view) == "worker 1")
        #expect(union.worker(1).isSilent && !union.worker(2).isSilent)
        #expect(name(union.view.nextSilent(at: ms(1001)), union.view) == "none")
        #expect(union.heartbeat(1) == "worker 1")
        #expect(!union.worker(1).isSilent)
    }

    @Test("why a worker gets no work is shown as soon as it says it, and as long as it does")
    func trouble() {
        var union = Watched()
        #expect(union.heartbeat(1) == "worker 1")
        #expect(union.heartbeat(1) == "none")
        #expect(union.heartbeat(1) { $0.isLeftOut = true } == "worker 1")
        #expect(union.heartbeat(1) { $0.isLeftOut = true } == "none")
        #expect(union.heartbeat(1) { $0.cannotReport = true } == "worker 1")
        #expect(union.heartbeat(1) { $0.stuckOp = OpName("mount") } == "worker 1")
        #expect(union.view[0].stuckOp == OpName("mount") && !union.view[0].cannotReport)
        #expect(union.heartbeat(1) == "worker 1")
    }

    @Test("who has another pace than the leader is told once, and again when that changed")
    func otherPace() {
        var union = Watched()
        func next() -> String { name(union.view.nextOtherPace(), union.view) }
        _ = union.heartbeat(1) { $0.workerLeaseMs = 2700 }
        _ = union.heartbeat(2) { $0.workerLeaseMs = 530 }
        _ = union.heartbeat(3) { $0.workerLeaseMs = 2700 }
        _ = union.heartbeat(4)
        #expect(next() == "none")
        _ = union.leader(1, term: 1, .claim)
        #expect(next() == "pace 2" && next() == "none")
        #expect(union.view.hasOtherPace(1) && union.view.leaderLeaseMs == 2700)
        _ = union.leader(2, term: 2, .claim)
        #expect(next() == "pace 1" && next() == "pace 3" && next() == "none")
        _ = union.heartbeat(3) { $0.workerLeaseMs = 530 }
        #expect(next() == "none" && !union.view.hasOtherPace(2))
        _ = union.heartbeat(3) { $0.workerLeaseMs = 9000 }
        #expect(next() == "pace 3" && next() == "none")
        // A leader that is not heard has no pace.
        while case .worker = union.view.nextSilent(at: ms(5000)) {}
        #expect(union.view.leaderLeaseMs == nil && next() == "none")
    }

    @Test("a candidate is one, a voter is one, and a leader that quells stays the leader")
    func candidacies() {
        var union = Watched()
        #expect(union.candidacy(1, ranking: 100) == "worker 1")
        #expect(union.worker(1).role == .candidate && union.worker(1).ranking == 100)
        #expect(union.candidacy(1, ranking: 100) == "none")
        #expect(union.candidacy(1, ranking: 101) == "worker 1")
        #expect(union.candidacy(1, ranking: 101, nominee: 2) == "worker 1")
        #expect(union.worker(1).role == .voter)
        _ = union.leader(1, term: 1, .claim)
        #expect(union.candidacy(1, ranking: 102) == "none")
    }

    @Test("a request is open from its assignment to its first final result")
    func open() {
        var union = Watched()
        _ = union.leader(1, term: 1, .claim)
        for offset in [5, 6, 5] as [Offset] { _ = union.leader(1, term: 1, assign(offset)) }
        #expect(union.view.openCount == 2)
        #expect(union.result(5, .lost, final: false) == "none")
        #expect(union.view.openCount == 2 && union.worker(1).lost == 1)
        #expect(union.result(5) == "settled")
        #expect(union.view.openCount == 1 && union.view.completed == 1)
        #expect(union.result(6, .exhausted) == "settled")
        #expect(union.view.openCount == 0 && union.view.failed == 1)
    }

    @Test("a checkpoint says what is open")
    func checkpoint() {
        var union = Watched()
        _ = union.leader(1, term: 1, .claim)
        _ = union.leader(1, term: 1, assign(5))
        var payload = Payload.Buffer()
        for offset in [7, 9] as [Offset] {
            payload.pack(
                OpenWork(
                    requestOffset: offset, attempt: 1, failures: 0, workerID: nil, requestKey: 0))
        }
        let rows = bytes(payload.span)
        _ = union.leader(
            1, term: 1, .checkpoint(Checkpoint(requestsNext: 10, resultsNext: 4)), rows)
        #expect(union.view.openCount == 2)
        _ = union.result(7)
        #expect(union.view.openCount == 1)
    }

    @Test("requests are no news")
    func requests() {
        var union = Watched()
        let request = WorkRequest(
            requestID: RequestID(), opCode: fixed("noop"), timeoutMs: nil, maxAttempts: 3)
        #expect(union.read(.request(request)) == "none")
    }

    @Test("whom a full union leaves out is shown as well, in the end in a silent one's place")
    func full() {
        var union = Watched()
        for i in 1...512 as ClosedRange<UInt64> { _ = union.heartbeat(i) }
        #expect(union.view.count == 512)
        #expect(union.heartbeat(600) == "none")
        #expect(union.view.index(of: id(600)) == nil)
        union.now = union.now + 100_000
        for i in 2...512 as ClosedRange<UInt64> { _ = union.heartbeat(i) }
        while case .worker = union.view.nextSilent(at: ms(union.now)) {}
        #expect(union.heartbeat(600) != "none")
        #expect(union.view.index(of: id(600)) == 0 && union.view.index(of: id(1)) == nil)
    }
}

private func bytes(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }
