import Union
import Wire

/// The union as its log shows it, for people: who leads, what every worker is and does. Built
/// from the same records as a node's view, but only to be looked at.
package struct UnionView: ~Copyable {
    package struct Worker {
        package var id = WorkerID(high: 0, low: 0)
        package var incarnation: Incarnation = 0
        package var role = Role.member
        package var ranking: Int32 = 0
        package var term: Term = 0
        /// The request whose job runs; empty: none.
        package var job = RequestID()
        package var running: Int32 = 0
        package var completed: Int64 = 0
        /// Attempts of it that were lost, and records of it that were void.
        package var lost: Int64 = 0
        package var void: Int64 = 0
        package var heardAt = Instant.zero
        /// Why it gets no work, as it says itself: its leader has not taken it in, it cannot write
        /// results, or a job of this op does not die.
        package var isLeftOut = false
        package var cannotReport = false
        package var stuckOp: OpName?
        /// Its `worker_lease_ms`; nil: it does not say.
        package var leaseMs: Int32?
        fileprivate var isPaceTold = false
        /// Not heard for `silenceMs`, or never since we read.
        package var isSilent = true
    }

    /// What a record, or time, changed.
    package enum Change {
        case none
        /// There is a new tenure, or it was resigned from.
        case leader
        case worker(Int)
        case joined(WorkerID)
        case left(WorkerID)
        case void(WorkerID)
        case settled
        /// The worker's pace is not the leader's.
        case pace(Int)
    }

    private var workers: Table<Worker>
    package private(set) var count = 0
    private let silenceMs: Int32

    private var referee = Referee()
    package private(set) var leadsSince = Instant.zero
    /// Tenures that began since we read.
    package private(set) var elections: Int64 = 0

    /// Requests without an outcome that the leader log has named, by offset.
    private var open: Table<Offset>
    package private(set) var openCount = 0
    package private(set) var completed: Int64 = 0
    package private(set) var failed: Int64 = 0

    /// `silenceMs`: how long a worker may be silent before it is shown as such.
    package init(silenceMs: Int32) {
        let rowBytes = MemoryLayout<Worker>.stride + 64
        var arena = Arena.mapped(Self.places * rowBytes + Limits.openWork * 16)
        workers = arena.table(Self.places, filler: Worker())
        open = arena.table(Limits.openWork, filler: 0)
        self.silenceMs = silenceMs
    }

    /// The term of the last tenure, and who holds it; nil: nobody, or it was resigned from.
    package var term: Term { referee.tenure.term }
    package var leader: WorkerID? { referee.tenure.resigned ? nil : referee.tenure.holder }

    package subscript(index: Int) -> Worker { workers[index] }

    package func index(of id: WorkerID) -> Int? {
        for i in 0..<count where workers[i].id == id { return i }
        return nil
    }

    /// Whom a full union leaves out, and strangers, are shown, too.
    private static var places: Int { 2 * Limits.members }

    /// The place of `id`, a new one if need be, or that of who is silent for longest; nil when there is no
    /// room.
    package mutating func place(of id: WorkerID) -> Int? {
        if let known = index(of: id) { return known }
        guard let place = count < Self.places ? count : longestSilent else { return nil }
        count = max(count, place + 1)
        workers[place] = Worker()
        workers[place].id = id
        return place
    }

    private var longestSilent: Int? {
        var longest: Int?
        for i in 0..<count where workers[i].isSilent {
            if let first = longest, workers[first].heardAt <= workers[i].heardAt { continue }
            longest = i
        }
        return longest
    }
}

// Records.
extension UnionView {
    /// Takes what was read; `payload` is the record's.
    package mutating func apply(
        _ record: Record, _ payload: Span<UInt8>, at offset: Offset, _ now: Instant
    ) -> Change {
        switch record {
        case .heartbeat(let heartbeat): onHeartbeat(heartbeat, at: now)
        case .candidacy(let candidacy): onCandidacy(candidacy)
        case .leader(let record): onLeader(record, payload, at: offset, now)
        case .result(let result): onResult(result)
        case .request: .none
        }
    }

    private mutating func onHeartbeat(_ heartbeat: Heartbeat, at now: Instant) -> Change {
        guard let i = place(of: heartbeat.workerID) else { return .none }
        let old = workers[i]
        let isNew = old.isSilent || old.incarnation != heartbeat.incarnation
        workers[i].incarnation = heartbeat.incarnation
        workers[i].role = heartbeat.role
        workers[i].ranking = heartbeat.ranking
        workers[i].term = heartbeat.term
        workers[i].running = heartbeat.runningCount
        workers[i].completed = heartbeat.completedCount
        workers[i].isLeftOut = heartbeat.isLeftOut
        workers[i].cannotReport = heartbeat.cannotReport
        workers[i].stuckOp = heartbeat.stuckOp
        workers[i].leaseMs = heartbeat.workerLeaseMs
        workers[i].job = heartbeat.current ?? RequestID()
        workers[i].heardAt = now
        workers[i].isSilent = false
        let isSame =
            old.role == heartbeat.role && old.term == heartbeat.term
            && old.job == workers[i].job && old.completed == heartbeat.completedCount
            && old.isLeftOut == heartbeat.isLeftOut && old.cannotReport == heartbeat.cannotReport
            && (old.stuckOp == nil) == (heartbeat.stuckOp == nil)
        return isNew || !isSame ? .worker(i) : .none
    }

    private mutating func onCandidacy(_ candidacy: Candidacy) -> Change {
        // A leader that quells an uprising speaks on this topic, too.
        guard let i = place(of: candidacy.workerID), candidacy.workerID != leader else {
            return .none
        }
        let role: Role = candidacy.nominee == nil ? .candidate : .voter
        guard workers[i].role != role || workers[i].ranking != candidacy.ranking else {
            return .none
        }
        workers[i].role = role
        workers[i].ranking = candidacy.ranking
        return .worker(i)
    }

    /// The leader log is read from here on, with nothing known of what was before: at first, and
    /// when the broker has lost what we wanted. `midLog`: it does not begin here.
    package mutating func startReadingLeader(midLog: Bool) {
        referee = Referee()
        referee.startReading(midLog: midLog)
    }

    private mutating func onLeader(
        _ record: LeaderRecord, _ payload: Span<UInt8>, at offset: Offset, _ now: Instant
    ) -> Change {
        guard !record.isMark else { return .none }
        let termBefore = term
        switch referee.judge(record, at: offset) {
        case .void:
            if let i = place(of: record.workerID) { workers[i].void += 1 }
            return .void(record.workerID)
        case .newTenure:
            begin(record.workerID, isNewTerm: term > termBefore, at: now)
            _ = obey(record.order, payload)
            return .leader
        case .valid: return obey(record.order, payload)
        }
    }

    private mutating func begin(_ id: WorkerID, isNewTerm: Bool, at now: Instant) {
        leadsSince = now
        if isNewTerm { elections += 1 }
        for i in 0..<count where workers[i].role != .leader || workers[i].id != id {
            workers[i].role = .member
        }
    }

    private mutating func obey(_ order: Order, _ payload: Span<UInt8>) -> Change {
        switch order {
        case .resign: return .leader
        case .addMember(let id, _): return .joined(id)
        case .removeMember(let id): return .left(id)
        case .assign(let assignment): noteOpen(assignment.attempt.requestOffset)
        case .checkpoint: replaceOpen(payload)
        case .claim, .noop, .cancel, .unknown: break
        }
        return .none
    }

    private mutating func onResult(_ result: WorkResult) -> Change {
        if result.status == .lost, let i = place(of: result.workerID) { workers[i].lost += 1 }
        guard result.final else { return .none }
        for i in 0..<openCount where open[i] == result.requestOffset {
            openCount -= 1
            open[i] = open[openCount]
            break
        }
        if result.status == .completed { completed += 1 } else { failed += 1 }
        return .settled
    }

    private mutating func noteOpen(_ offset: Offset) {
        for i in 0..<openCount where open[i] == offset { return }
        guard openCount < Limits.openWork else { return }
        open[openCount] = offset
        openCount += 1
    }

    private mutating func replaceOpen(_ rows: Span<UInt8>) {
        openCount = 0
        for i in 0..<min(rows.count / Limits.packedOpenWorkBytes, Limits.openWork) {
            let row = Payload.openWork(rows, at: i * Limits.packedOpenWorkBytes)
            open[openCount] = row.requestOffset
            openCount += 1
        }
    }

    /// The next worker that has just become silent.
    package mutating func nextSilent(at now: Instant) -> Change {
        for i in 0..<count where !workers[i].isSilent {
            guard now >= workers[i].heardAt + silenceMs else { continue }
            workers[i].isSilent = true
            return .worker(i)
        }
        return .none
    }
}

// A union has one pace, its leader's (design, section 4).
extension UnionView {
    /// The leader's `worker_lease_ms`, when one is heard that says it.
    package var leaderLeaseMs: Int32? {
        guard let leader, let i = index(of: leader), !workers[i].isSilent else { return nil }
        return workers[i].leaseMs
    }

    /// Whether both lengths are known, and differ.
    package func hasOtherPace(_ index: Int) -> Bool {
        guard let leaderLeaseMs, let leaseMs = workers[index].leaseMs else { return false }
        return leaseMs != leaderLeaseMs && !workers[index].isSilent
    }

    /// The next worker whose pace has turned out to be another than the leader's.
    package mutating func nextOtherPace() -> Change {
        guard leaderLeaseMs != nil else { return .none }
        for i in 0..<count {
            let (isOther, isTold) = (hasOtherPace(i), workers[i].isPaceTold)
            workers[i].isPaceTold = isOther
            if isOther && !isTold { return .pace(i) }
        }
        return .none
    }
}

// The picture, in 80 columns.
extension UnionView {
    package func drawLeader(_ terminal: inout Terminal, at now: Instant) {
        terminal.put(" leader ")
        if let leader {
            terminal.colour(.green)
            terminal.put(short: leader)
            terminal.plain()
            terminal.put("  term ")
            terminal.put(term)
            terminal.put("  for ")
            terminal.put(now.ms(since: leadsSince) / 1000)
            terminal.put(" s")
        } else {
            terminal.colour(.yellow)
            terminal.put("nobody")
            terminal.plain()
        }
        terminal.put("   open ")
        terminal.put(openCount)
        terminal.put("  completed ")
        terminal.put(completed)
        if failed > 0 {
            terminal.put("  failed ")
            terminal.colour(.red)
            terminal.put(failed)
            terminal.plain()
        }
        terminal.endLine()
        terminal.endLine()
        terminal.colour(.dim)
        terminal.put(" L C V M  worker      rank   term  job                        done   heard")
        terminal.plain()
        terminal.endLine()
    }

    /// A worker's row; `lit` is the LED that is on.
    package func drawRow(_ index: Int, _ lit: Role?, _ terminal: inout Terminal, at now: Instant) {
        let worker = workers[index]
        terminal.put(" ")
        terminal.putLights(lit)
        terminal.put(" ")
        if lit == nil { terminal.colour(.dim) }
        terminal.put(short: worker.id)
        terminal.put(worker.ranking, width: 8)
        terminal.put(worker.term, width: 7)
        terminal.put("  ")
        worker.job.withSpan { terminal.put($0, width: 22) }
        if worker.running > 1 {
            terminal.put("+")
            terminal.put(worker.running - 1, width: 2)
        } else {
            terminal.put("   ")
        }
        terminal.put(worker.completed, width: 6)
        if worker.heardAt == .zero {
            terminal.put("       -")
        } else {
            let tenths = now.ms(since: worker.heardAt) / 100
            terminal.put(tenths / 10, width: 4)
            terminal.put(".")
            terminal.put(tenths % 10)
            terminal.put(" s")
        }
        terminal.plain()
        drawMarks(worker, &terminal)
        drawTrouble(worker, &terminal)
        if hasOtherPace(index) { drawPace(worker, &terminal) }
        terminal.endLine()
    }

    private func drawMarks(_ worker: Worker, _ terminal: inout Terminal) {
        guard worker.void > 0 || worker.lost > 0 else { return }
        terminal.colour(.red)
        if worker.void > 0 {
            terminal.put(" v")
            terminal.put(worker.void)
        }
        if worker.lost > 0 {
            terminal.put(" l")
            terminal.put(worker.lost)
        }
        terminal.plain()
    }

    private func drawTrouble(_ worker: Worker, _ terminal: inout Terminal) {
        guard worker.isLeftOut || worker.cannotReport || worker.stuckOp != nil else { return }
        terminal.colour(.yellow)
        if worker.isLeftOut { terminal.put(" left out") }
        if worker.cannotReport { terminal.put(" cannot report") }
        if worker.stuckOp != nil { terminal.put(" stuck") }
        terminal.plain()
    }

    private func drawPace(_ worker: Worker, _ terminal: inout Terminal) {
        terminal.colour(.yellow)
        terminal.put(" ")
        terminal.put(pace: Settings.Pace(workerLeaseMs: worker.leaseMs ?? 0))
        terminal.plain()
    }
}
