/// The elector in every node: reads and writes the leader log (design, section 3), and runs for
/// leader where there is none (section 4). What the log says of open work it keeps for whoever
/// leads next (section 6).
struct Elector: ~Copyable {
    private(set) var log: LeaderLog
    private(set) var openWork: OpenWorkTable
    private(set) var pen = Pen()
    private var campaign: Campaign
    /// Since when this worker leads without interruption.
    private(set) var leadingSince = Instant.zero
    private(set) var wasLeading = false
    /// It has lost its lead too often: it gives it up.
    private var losesTooOften = false
    /// The leader's lease that is not ours, as it was heard last.
    private(set) var otherPace: OtherPace?

    init(_ settings: borrowing Settings, _ arena: inout Arena) {
        log = LeaderLog(settings.workerID, settings.incarnation)
        campaign = Campaign(settings.capacities, &arena)
        openWork = OpenWorkTable(settings.capacities, &arena)
    }
}

// MARK: - Who leads

extension Elector {
    var term: Term { log.tenure.term }
    /// Whether this worker, in this life, holds the tenure.
    var isMine: Bool { log.isMine }

    /// Whether this worker leads now: derived from log and clock each time it is asked.
    func leads(_ desk: borrowing Desk) -> Bool { leads(at: desk.now, desk) }

    func leads(at now: Instant, _ desk: borrowing Desk) -> Bool {
        !desk.isLeaving && desk.hasKeeper && log.leads(at: now)
    }

    /// Its writer holds the tenure.
    func isHolder(_ h: Heartbeat) -> Bool {
        h.workerID == log.tenure.holder && h.incarnation == log.tenure.incarnation
    }

    /// Somebody else holds the tenure, and we do not run for the next.
    var follows: Bool {
        log.tenure.holder != nil && !log.tenure.resigned && !isMine && campaign.stand == .member
    }

    /// It leads, or may soon: heartbeats are for it.
    var mustHear: Bool { isMine || campaign.stand == .candidate }

    enum Edge { case beganToLead, steppedDown }

    /// Whether leading has begun or ended since this was asked last: only the edge is remembered.
    mutating func edge(_ desk: borrowing Desk) -> Edge? {
        let leading = leads(desk)
        guard leading != wasLeading else { return nil }
        wasLeading = leading
        if leading {
            leadingSince = desk.now
            return .beganToLead
        }
        losesTooOften = campaign.restraint.noteLoss(desk)
        return .steppedDown
    }

    /// What this node is at `now`; offline, a member.
    func role(at now: Instant, isOnline: Bool, _ desk: borrowing Desk) -> Role {
        if leads(at: now, desk) { return .leader }
        guard isOnline else { return .member }
        switch campaign.stand {
        case .member: return .member
        case .candidate: return .candidate
        case .voter: return .voter
        }
    }

    /// From then on nobody can lead by anything that was read until now.
    func quietAt(_ desk: borrowing Desk) -> Instant {
        log.lease.quietAt(leaseMs: desk.settings.leaseMs)
    }
}

// MARK: - The leader log is read

extension Elector {
    mutating func judge(_ r: LeaderRecord, at offset: Offset, _ desk: borrowing Desk)
        -> (verdict: Referee.Verdict, isSaid: Bool)
    {
        if !log.loss.isBeginningKnown { log.beginsWith(r, at: offset) }
        return log.judge(r, at: offset, desk.now)
    }

    /// A record that cannot be read says nothing; but the log may begin with it.
    mutating func passOver(malformedAt offset: Offset) {
        if !log.loss.isBeginningKnown { log.beginsWith(nil, at: offset) }
    }

    mutating func onNewTenure(_ term: Term) {
        losesTooOften = false
        if isMine { campaign.restraint.beginTenure() }
        campaign.onNewTenure(term)
    }

    /// An assignment that is said, by whomever to whomever; false when it is void: for a request that
    /// is settled, or an attempt number that was used before.
    mutating func keep(_ a: Assignment, term: Term) -> Bool {
        openWork.assign(a, term: term, isAfterCheckpoint: pen.checkpointOffset >= 0)
    }

    /// A tenure that is said, by its claim, or adopted.
    mutating func keepTenure(_ r: LeaderRecord) {
        openWork.begin(memberTimeoutMs: r.memberTimeoutMs)
    }

    /// A checkpoint that is said; false when it is not believed. Bytes: its rows.
    mutating func keep(
        _ checkpoint: Checkpoint, at offset: Offset, _ rows: Span<UInt8>, isReadingFromFirst: Bool
    ) -> Bool {
        guard log.believes(checkpointReadingFromFirst: isReadingFromFirst) else { return false }
        openWork.replace(rows, checkpoint)
        pen.names(checkpoint: offset)
        return true
    }
}

// MARK: - The leader log is joined, and lost

extension Elector {
    /// The log reaches from `low` to `high`, as it is joined.
    mutating func leaderLogReaches(from low: Offset, to high: Offset) {
        pen.leaderLogEnds(at: high)
        if low >= high { leaderLogIsEmpty(at: low) }
    }

    /// The log begins with this record (nil: it is unreadable), or with none yet.
    mutating func leaderLogBegins(with record: LeaderRecord?, at offset: Offset) {
        log.beginsWith(record, at: offset)
        forgetWhatIsLost()
    }

    private mutating func forgetWhatIsLost() {
        if log.loss.beganAnew { openWork.forgetDropped() }
    }

    mutating func leaderLogIsEmpty(at offset: Offset) {
        log.beginsEmpty(at: offset)
        forgetWhatIsLost()
    }

    mutating func startReading(midLog: Bool) { log.startReading(midLog: midLog) }
    mutating func startReadingAtCheckpoint() { log.startReadingAtCheckpoint() }

    /// All that the log held has been read. Whose leases run cannot be known.
    mutating func caughtUp(_ desk: borrowing Desk) {
        log.caughtUp(at: desk.next(.leader))
        log.assumeLeaseRuns(leaseMs: desk.settings.leaseMs, at: desk.now)
    }

    /// The broker lost records of the leader log.
    mutating func loseRecords(_ desk: borrowing Desk) {
        log.loseRecords()
        log.assumeLeaseRuns(leaseMs: desk.settings.leaseMs, at: desk.now)
    }
}

// MARK: - The leader log is written

extension Elector {
    /// An order, under our own term. Only a leader gives orders.
    mutating func order(_ order: Order, _ desk: inout Desk) {
        precondition(leads(desk), "Elector: an order by somebody who does not lead")
        pen.write(order, term: term, &desk)
    }

    /// "I am here", when there is nothing else to say.
    private mutating func announce(_ desk: inout Desk) {
        precondition(isMine, "Elector: an announcement under another's term")
        pen.write(.noop, term: term, &desk)
    }

    /// A holder that cannot keep its lead lets another have it, should there be another.
    mutating func giveUpIfDue(_ desk: inout Desk) {
        guard desk.now >= givesUpAt(desk) else { return }
        desk.count(.givenUp)
        desk.say(.givesUp(term))
        losesTooOften = false
        log.giveUp()
        pen.write(.resign, term: term, &desk)
    }

    /// A leader whose outcomes nobody reads lets another say them, should there be another.
    mutating func giveUpIfUnheard(since: Instant, _ desk: inout Desk) {
        guard since != .never, campaign.heard.others > 0, leads(desk),
            desk.now >= max(since, leadingSince) + 3 * desk.settings.ackTimeoutMs
        else { return }
        desk.count(.givenUp)
        desk.say(.givesUpUnheard(term))
        log.giveUp()
    }

    /// Should we hold the tenure, we lead no more in it, and resign when it is our turn to speak.
    mutating func stopLeading() {
        if isMine { log.giveUp() }
    }

    func givesUpAt(_ desk: borrowing Desk) -> Instant {
        guard isMine, !log.lease.isGivenUp, !desk.isLeaving, campaign.heard.others > 0, !leads(desk)
        else { return .never }
        if losesTooOften { return desk.now }
        return campaign.restraint.givesUpAt(log.lease.missedSince, desk)
    }

    mutating func resign(_ desk: inout Desk) {
        precondition(desk.isLeaving, "Elector: who resigns has stopped leading first")
        if isMine { pen.write(.resign, term: term, &desk) }
    }

    /// Not under our term, nor under anybody's.
    func mark(_ desk: inout Desk) { pen.mark(&desk) }

    mutating func hasRead(heartbeatsBefore offset: Offset) {
        pen.hasRead(heartbeatsBefore: offset)
    }
    mutating func doubtHeartbeats() { pen.doubtHeartbeats() }
}

// MARK: - The campaign

extension Elector {
    mutating func onCandidacy(
        _ c: Candidacy, at offset: Offset, isOnline: Bool, _ desk: inout Desk
    ) {
        let isMine = c.workerID == desk.settings.workerID
        guard !isMine || c.incarnation == desk.settings.incarnation else { return }
        // Its claim would stand there, or later.
        guard c.term <= Limits.highestTerm(at: desk.next(.leader)) else {
            return desk.sayVoid(.election, offset, .termTooHigh)
        }
        guard !isMine, leads(desk) else {
            pen.isBlind = log.loss.isBlind
            return campaign.onCandidacy(c, log.tenure, isOnline: isOnline, &pen, &desk)
        }
        guard campaign.isUprising(c, against: term, leadingSince: leadingSince, desk) else {
            return
        }
        campaign.quell(c, as: term, &desk)
        announce(&desk)
    }

    /// The campaign, if there is one, is over; a full timeout passes before the next.
    mutating func returnToMember(_ desk: inout Desk) { campaign.returnToMember(&desk) }

    /// A word of the leader ends a campaign.
    mutating func hearLeader(_ r: LeaderRecord, _ desk: inout Desk) {
        campaign.hearLeader(leaseMs: r.leaseMs, &desk)
        let ownMs = desk.settings.leaseMs
        guard r.leaseMs != ownMs else {
            otherPace = nil
            return
        }
        let other = OtherPace(leader: r.workerID, leaseMs: r.leaseMs, ownMs: ownMs)
        if other.leaseMs != otherPace?.leaseMs { desk.say(.paceDiffers(other)) }
        otherPace = other
    }

    /// The leader has left, or given up: we campaign soon.
    mutating func onResigned(_ r: LeaderRecord, _ desk: inout Desk) {
        campaign.restraint.noteResignation(isOurs: r.isOurs(desk), desk)
        campaign.beginSoon(&desk)
    }

    /// We were stopped, or slept: what the others said meanwhile is still to be read.
    mutating func notePause(_ desk: inout Desk) {
        campaign.roundTrip.forget()
        campaign.restraint.excuse(at: desk.now)
        if campaign.stand == .member { campaign.restartTimer(&desk) }
    }

    /// Heartbeats show how many others there are, and how long a record takes.
    mutating func noteHeartbeatSent(_ count: Int64, _ heard: Heard, _ desk: borrowing Desk) {
        campaign.heard = heard
        campaign.roundTrip.noteSent(count, at: desk.now)
    }
    mutating func noteHeartbeatRead(_ count: Int64, _ desk: borrowing Desk) {
        campaign.noteHeartbeatRead(count, desk)
    }

    /// Out of touch, we are a member; and a full timeout passes before we are anything else.
    mutating func stayOffline(_ desk: inout Desk) {
        campaign.roundTrip.forget()
        campaign.restraint.excuse(at: desk.now)
        if campaign.stand != .member || desk.now >= campaign.electionAt {
            campaign.returnToMember(&desk)
        }
    }

    func ranking(_ desk: borrowing Desk) -> Int32 { campaign.ranking(desk) }
}

// MARK: - What is due

extension Elector {
    /// Runs for leader, where that is due. Only for a node that is online and stays.
    mutating func actOnCampaign(isOutside: Bool, _ desk: inout Desk) {
        pen.isBlind = log.loss.isBlind
        campaign.isOutside = isOutside
        campaign.act(log.tenure, &pen, &desk)
    }

    /// The holder of the tenure is heard, lease or not, or says that it has given it up; but not one
    /// whose LEDs nobody answers for.
    /// It does not resign either: its LED may be lit, and only its lease's end puts it out.
    mutating func announceIfDue(_ desk: inout Desk) {
        guard isMine, !desk.isLeaving, desk.now >= announcesAt(desk) else { return }
        if log.lease.isGivenUp { return pen.write(.resign, term: term, &desk) }
        announce(&desk)
    }

    func announcesAt(_ desk: borrowing Desk) -> Instant {
        desk.hasKeeper ? pen.wroteAt + desk.settings.announceMs : .never
    }

    func campaignsAt(_ desk: borrowing Desk) -> Instant { campaign.deadline(desk) }
}
