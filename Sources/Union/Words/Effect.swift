/// What a step wants done, in this order. Each effect owns a run of bytes in the outbox.
public enum Effect: Sendable {
    /// Append this record to its topic. Bytes: its payload. `Receipt.none` asks for no report.
    case write(Record, Receipt)
    /// Light the role's LED, steadily or (offline) blinking; the work LED when `working`.
    case show(Role, online: Bool, working: Bool)
    /// Run the request's job, at most `deadlineMs` from now. Bytes: the request's payload. Ends with
    /// `Event.jobEnded`.
    case start(Place, Assignment, term: Term, deadlineMs: Int32)
    /// Kill the job's process group: SIGTERM, or at once SIGKILL when `now`. It still ends with
    /// `Event.jobEnded`.
    case kill(Place, now: Bool)
    /// Find out which offsets the topic holds. Answered by `Event.bounds`; asked again by the
    /// shell until there is an answer.
    case ask(Topic)
    /// Read the topic from this offset on, wherever it was read before.
    case seek(Topic, Offset)
    /// Read the topic no more.
    case close(Topic)
    /// Something that people want to know.
    case say(Notice)
    /// The node is caught up, for the first time: systemd's READY.
    case ready
    /// Leave the process, after `Event.shutdown`.
    case exit
}

/// What the log and the terminal show. The words are the shell's.
public enum Notice: Sendable {
    case caughtUp(leaderOffset: Offset)
    case campaign(Term, ranking: Int32)
    case tie(candidates: Int32, newRanking: Int32)
    case votes(for: WorkerID)
    case claims(Term)
    case leads(Term)
    case ledBy(WorkerID, Term)
    /// It led, and its lease ended or another claim was read.
    case steppedDown(Term)
    /// It holds the term, and cannot keep the lead: another may have it.
    case givesUp(Term)
    case resigned(WorkerID, Term)
    case paceDiffers(OtherPace)
    case quells(WorkerID, Term)
    case quelled(by: WorkerID)
    case memberAdded(WorkerID)
    case memberRemoved(WorkerID)
    /// It gets no work: its jobs may go on for so many ms unheard, which is longer than we wait.
    case tooSlow(WorkerID, holdMs: Int32)
    /// We lead, and write this protocol from now on: our own, or an older member's.
    case speaks(Int32, Bool)
    /// It gets no work: it speaks this, and the union that.
    case otherVersion(WorkerID, Versions, Versions)
    case tookOver(open: Int32, assigned: Int32)
    case cancelled(Attempt, CancelReason)
    case attemptEnded(Attempt, Status)
    /// This attempt's worker could not start its op, of which it gets no more for so many ms.
    case failedStart(Attempt, OpName, restMs: Int32)
    case settled(requestOffset: Offset, Status)
    case duplicate(requestOffset: Offset)
    /// Bytes: why.
    case malformed(Topic, Offset)
    case void(Topic, Offset, VoidReason)
    /// The worker's lease ended with this many jobs running: they are killed.
    case workerLeaseLost(jobs: Int32)
    /// This attempt's job was killed and does not die: we take no work before it is gone.
    case stuck(OpName, Attempt)
    /// A worker has such a job, of this op: it gets no work.
    case workerStuck(WorkerID, OpName)
    /// Results that we have finished are not delivered: we take no work before one is; and that one was.
    case cannotReport, canReport
    /// The same of outcomes that we say as the leader: another may lead.
    case givesUpUnheard(Term)
    /// The same of a worker: it gets no work.
    case workerCannotReport(WorkerID)
    /// There is no room for this worker: the union has as many members as it can have.
    case rosterFull(WorkerID)
    /// The leader has not taken us in for long; and that this is over.
    case leftOut, takenIn
    /// The leader speaks this, and we that: it does not take us in.
    case versionDiffers(WorkerID, Versions, Versions)
    /// An order of the leader's is of a version that we do not know.
    case unknownOrder(WorkerID, Offset)
    /// The broker lost what we wanted to read: reading goes on at `from`.
    case logLost(Topic, wanted: Offset, from: Offset)
    case brokerLost
    case brokerFound
    case twin
    case waitsForTwin
    case superseded
    case twinGone
    /// The union's leader signs with another key, or not at all: we stand back.
    case otherKey
    /// What we write is void for this worker: we stand back.
    case keyNotAccepted(by: WorkerID)
    /// Somebody writes what is void for us, and the leader is not that far yet: we stand back.
    case keyTooEarly
    /// That is over.
    case keyAccepted
}

/// Why a node says nothing and has nothing, for a while.
public enum StandingBack: Sendable {
    /// Another living worker has its id.
    case twin
    /// It and the union do not take each other's records for valid.
    case key
}

public enum VoidReason: UInt8, Sendable {
    /// It comes from a tenure that is over, or was not begun by who says it.
    case tenureOver
    /// No record can have such a term where it stands (section 3).
    case termTooHigh
    /// It has no signature, and must have one.
    case unsigned
    /// Its signature is of another key.
    case signedOtherwise
}

public enum CancelReason: UInt8, Sendable {
    /// Neither a heartbeat nor a result showed it in time.
    case unacknowledged
    /// It overran its deadline and its worker did not stop it.
    case overrun
    /// It was queued after a job that turned out slow.
    case stalled
    /// Its worker is no member any more.
    case removed
    /// The broker lost its request, and gave the offset to another.
    case forgotten
    /// The request has its outcome already.
    case settled
}

/// A leader's lease that is not ours, and so its pace: a union has one pace (section 4).
public struct OtherPace: Equatable, Sendable {
    public var leader: WorkerID
    public var leaseMs: Int32
    public var ownMs: Int32

    public init(leader: WorkerID, leaseMs: Int32, ownMs: Int32) {
        self.leader = leader
        self.leaseMs = leaseMs
        self.ownMs = ownMs
    }
}
