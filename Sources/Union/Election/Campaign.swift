/// Who should claim the next term (design, section 4). Nothing here can break section 3: the worst
/// that a campaign can do is to be late.
struct Campaign: ~Copyable {
    enum Stand: Equatable { case member, candidate, voter }

    private(set) var stand = Stand.member
    /// The term that is run for, and our ranking in this campaign.
    private var term: Term = 0
    private var ownRanking: Int32 = 0
    /// The number that was sent last; nil: no countdown.
    private var countdown: Int32?
    /// When the next number may be sent: the last one has been read back.
    private var countsAt: Instant?
    private var claimedAt: Instant?
    private var nominee: WorkerID?
    /// Since when we are what we are; a voter: since its nominee has counted last.
    private var standsSince = Instant.zero
    private var renewAt = Instant.never
    /// Campaigns that came to nothing since a leader was heard.
    private var failures: Int32 = 0
    /// The lease of the leader that was heard last; 0: none was.
    private var leaderLeaseMs: Int32 = 0
    /// Other workers that are heard.
    var heard = Heard()
    /// Campaigns that we did not begin, since a leader was heard.
    private var abstentions: Int32 = 0
    /// The leader that was known last does not understand us, or we not it.
    var isOutside = false
    var roundTrip = RoundTrip()
    var restraint = Restraint()
    /// When a member that hears no leader becomes a candidate.
    private(set) var electionAt = Instant.never

    private var candidates: Candidates

    init(_ capacities: Capacities, _ arena: inout Arena) {
        candidates = Candidates(capacities, &arena)
    }

    /// What this node's heartbeats say: the configured ranking, or what a campaign has made of it.
    func ranking(_ desk: borrowing Desk) -> Int32 {
        stand == .member ? firstRanking(desk) : ownRanking
    }

    /// With which a campaign begins.
    private func firstRanking(_ desk: borrowing Desk) -> Int32 {
        restraint.ranking(readsLess: readsLess(desk), desk)
    }

    /// Others speak what we would pass over.
    private func readsLess(_ desk: borrowing Desk) -> Bool {
        max(heard.newest, candidates.newest) > desk.settings.versions.newest
    }

    /// Those whom the last leader led are there, and we were not among them: one of them leads next,
    /// unless none of them does for long.
    private var abstains: Bool { isOutside && heard.unfit > 0 && abstentions < 2 }
}

// MARK: - How patient it is

extension Campaign {
    /// How long what somebody said counts without being said again: `campaign_ttl_ms`, or what the
    /// round trips that we see ask for, at most sixteen times that.
    private func ttlMs(_ desk: borrowing Desk) -> Int32 {
        let configured = desk.settings.campaignTtlMs
        let asked = min(3 * roundTrip.ms(at: desk.now), 16 * Int64(configured))
        return max(configured, Int32(clamping: asked))
    }

    /// What all would say at once is said after a random delay of up to `ms`, or longer: in a large
    /// union few may speak before they have read each other, so the first does about one round trip
    /// after the earliest moment. Twice that after each campaign in vain.
    private func leisureMs(_ ms: Int32, _ desk: borrowing Desk) -> Int32 {
        let members = Int64(heard.others + 1)
        let small = Int64(desk.settings.capacities.smallUnion)
        let spreadMs = max(
            Int64(ms) * max(members, small) / small, members * roundTrip.ms(at: desk.now))
        let longestMs = 64 * Int64(desk.settings.campaignTtlMs)
        return Int32(min(min(spreadMs, longestMs) << Int64(failures), Int64(Limits.timingMs)))
    }
}

// MARK: - What is read

extension Campaign {
    /// A leader's: somebody runs against it, or ran before its claim was read. An uprising is
    /// answered at once; the caller announces, too.
    func isUprising(
        _ c: Candidacy, against term: Term, leadingSince: Instant, _ desk: borrowing Desk
    )
        -> Bool
    {
        // Right after an election, what was said before the claim is no uprising.
        c.nominee == nil
            && (c.term > term || desk.now >= leadingSince + ttlMs(desk))
    }

    /// Quells an uprising: a candidacy one higher, countdown 0, under the leader's own term.
    mutating func quell(_ c: Candidacy, as term: Term, _ desk: inout Desk) {
        desk.count(.quells)
        desk.say(.quells(c.workerID, c.term))
        let ranking = c.ranking == .max ? c.ranking : c.ranking + 1
        desk.write(
            .candidacy(
                Candidacy(
                    workerID: desk.settings.workerID, incarnation: desk.settings.incarnation,
                    term: term, ranking: ranking, countdown: 0, nominee: nil,
                    versions: desk.settings.versions)))
    }

    /// A candidacy by another, or our own in this life, while we do not lead.
    mutating func onCandidacy(
        _ c: Candidacy, _ tenure: Referee.Tenure, isOnline: Bool, _ pen: inout Pen,
        _ desk: inout Desk
    ) {
        let isMine = c.workerID == desk.settings.workerID
        if !isMine && isQuell(c, tenure) {
            guard stand != .member else { return }
            desk.count(.quelled)
            desk.say(.quelled(by: c.workerID))
            return returnToMember(&desk)
        }
        guard c.term > tenure.term else { return }
        // However long the countdown takes: a voter sees that it goes on.
        if c.workerID == nominee, candidates.countsOn(c) { standsSince = desk.now }
        candidates.keep(c, readAt: desk.now, tiesLastMs: ttlMs(desk))
        let tied = candidates.markTie(term: c.term, at: desk.now)
        guard stand != .member, isOnline else { return }
        if c.term > term && c.nominee == nil { joinTerm(c.term, &desk) }
        if isMine, c.countdown == countdown, c.countdown != nil, countsAt == nil {
            countsAt = desk.now + desk.settings.countdownDelayMs
        }
        if tied > 0 && c.term == term { lowerRanking(candidates: tied, &desk) }
        weigh(tenure, &pen, &desk)
    }

    /// A candidacy "one higher, countdown 0, under its own term" by the incumbent: by the holder
    /// that our log names, or, where we miss a part of the leader log, by one that leads a term
    /// below the one we run for.
    private func isQuell(_ c: Candidacy, _ tenure: Referee.Tenure) -> Bool {
        guard c.countdown == 0, c.nominee == nil else { return false }
        if c.term == tenure.term { return c.workerID == tenure.holder && !tenure.resigned }
        return stand == .candidate && c.term > tenure.term && c.term < term
    }

    /// A new tenure begins: campaigns for its term are over.
    mutating func onNewTenure(_ term: Term) {
        candidates.drop(notRenewedSince: .zero, termsUpTo: term)
    }

    /// A leader was heard: the campaign, if there was one, is over.
    mutating func hearLeader(leaseMs: Int32, _ desk: inout Desk) {
        failures = 0
        abstentions = 0
        leaderLeaseMs = leaseMs
        returnToMember(&desk)
    }

    /// The campaign, if there was one, is over.
    mutating func returnToMember(_ desk: inout Desk) {
        take(.member, desk)
        renewAt = .never
        restartTimer(&desk)
    }

    /// The only place where we become something else in this campaign: with no countdown, no claim
    /// and, but for a voter, no nominee.
    private mutating func take(
        _ stand: Stand, votingFor nominee: WorkerID? = nil, _ desk: borrowing Desk
    ) {
        precondition((stand == .voter) == (nominee != nil), "Campaign: a voter has a nominee")
        self.stand = stand
        self.nominee = nominee
        stopCounting()
        claimedAt = nil
        standsSince = desk.now
    }

    private mutating func stopCounting() {
        countdown = nil
        countsAt = nil
    }

    /// A fresh random delay each time, so that boards do not move in lockstep.
    mutating func restartTimer(_ desk: inout Desk) {
        let (ms, spreadMs) = silenceMs(desk)
        setTimer(ms, spreadMs: spreadMs, &desk)
    }

    /// How long no leader is heard before a campaign, and up to how much longer.
    private func silenceMs(_ desk: borrowing Desk) -> (ms: Int32, spreadMs: Int32) {
        let ms = leaderTimeoutMs(desk)
        return (ms, leisureMs(ms / 4, desk))
    }

    /// A leader of a slower pace is waited for as boards of that pace wait.
    private func leaderTimeoutMs(_ desk: borrowing Desk) -> Int32 {
        max(desk.settings.leaderTimeoutMs, Settings.patienceMs(lease: leaderLeaseMs))
    }

    /// The leader has left in order: nobody waits for a timeout.
    mutating func beginSoon(_ desk: inout Desk) {
        returnToMember(&desk)
        setTimer(0, spreadMs: leisureMs(desk.settings.announceMs / 4, desk), &desk)
    }

    private mutating func setTimer(_ ms: Int32, spreadMs: Int32, _ desk: inout Desk) {
        electionAt = desk.now + ms + backMs(desk) + desk.random(below: spreadMs + 1)
    }

    /// Who holds back gives others as long as they may need.
    private func backMs(_ desk: borrowing Desk) -> Int32 {
        restraint.holds(at: desk.now) || readsLess(desk) ? desk.settings.leaderTimeoutMs : 0
    }

    /// A heartbeat of ours came round. A timer that was set when records were slower (the topic could
    /// not be read for a while, perhaps) asks for no more patience than one that is set now.
    mutating func noteHeartbeatRead(_ count: Int64, _ desk: borrowing Desk) {
        roundTrip.noteRead(count, at: desk.now)
        guard stand == .member, electionAt != .never else { return }
        let (ms, spreadMs) = silenceMs(desk)
        electionAt = min(electionAt, desk.now + ms + backMs(desk) + spreadMs)
    }

    /// Nothing has come of it: others may be luckier.
    private mutating func fail(_ desk: inout Desk) {
        noteFailure()
        returnToMember(&desk)
    }

    private mutating func noteFailure() { failures = min(failures + 1, 4) }
}

// MARK: - What a campaign does

extension Campaign {
    /// Whatever of the campaign is due. Only for a node that is online and stays.
    mutating func act(_ tenure: Referee.Tenure, _ pen: inout Pen, _ desk: inout Desk) {
        candidates.drop(notRenewedSince: desk.now - ttlMs(desk), termsUpTo: tenure.term)
        if abstains, stand != .member || desk.now >= electionAt {
            abstentions += 1
            returnToMember(&desk)
        }
        switch stand {
        case .member:
            if desk.now >= electionAt { run(tenure, &desk) }
        case .candidate:
            actAsCandidate(tenure, &pen, &desk)
        case .voter:
            if desk.now >= standsSince + 2 * ttlMs(desk) {
                noteFailure()
                beginSoon(&desk)
            } else {
                if desk.now >= renewAt { sayStand(&desk) }
                weigh(tenure, &pen, &desk)
            }
        }
    }

    private mutating func actAsCandidate(
        _ tenure: Referee.Tenure, _ pen: inout Pen, _ desk: inout Desk
    ) {
        let ttlMs = ttlMs(desk)
        let mine = candidates.find(desk.settings.workerID)
        if mine == nil && desk.now >= standsSince + ttlMs {
            // We write, perhaps, but do not read: silence, or we would hold up those who do both.
            desk.count(.blindCampaigns)
            return fail(&desk)
        }
        if let claimedAt {
            // A claim that was not read is no claim.
            guard desk.now >= claimedAt + ttlMs else { return }
            return heard.others > 0 ? fail(&desk) : run(tenure, &desk)
        }
        if let mine, desk.now >= renewAt {
            // Who was away when a tie was read stands in others' way for ever with the old ranking.
            if candidates.hasEqual(of: mine, for: term), desk.now >= standsSince + ttlMs {
                standsSince = desk.now
                lowerRanking(candidates: 2, &desk)
            } else {
                sayStand(&desk)
            }
        }
        weigh(tenure, &pen, &desk)
        guard stand == .candidate, let at = countsAt, desk.now >= at else { return }
        count(&pen, &desk)
    }

    /// Becomes a candidate, for the term above the last one, or one that others run for already.
    private mutating func run(_ tenure: Referee.Tenure, _ desk: inout Desk) {
        returnToMember(&desk)
        candidates.forget(desk.settings.workerID)
        electionAt = .never
        term = max(tenure.term + 1, candidates.highestTerm)
        ownRanking = firstRanking(desk)
        if let best = candidates.best(for: term, except: desk.settings.workerID, tiedToo: true),
            candidates[best].ranking >= ownRanking
        {
            // Whoever is as good has spoken already.
            return vote(for: candidates[best].id, &desk)
        }
        take(.candidate, desk)
        desk.count(.campaigns)
        desk.say(.campaign(term, ranking: ownRanking))
        sayStand(&desk)
    }

    private mutating func joinTerm(_ term: Term, _ desk: inout Desk) {
        precondition(term > self.term, "Campaign: a term is joined backwards")
        self.term = term
        take(.candidate, desk)
        sayStand(&desk)
    }

    /// Compares those who run, as far as they were read: withdraw, wait, or count.
    private mutating func weigh(
        _ tenure: Referee.Tenure, _ pen: inout Pen, _ desk: inout Desk
    ) {
        if stand == .voter { return weighNominee(&desk) }
        guard claimedAt == nil, let mine = candidates.find(desk.settings.workerID),
            candidates[mine].runs(for: term)
        else { return }
        guard candidates.hasRival(of: mine, for: term) else {
            guard countdown == nil, !candidates[mine].mustLower else { return }
            countdown = desk.settings.countdownStart
            if desk.settings.countdownStart == 0 { return claim(&pen, &desk) }
            return sayStand(&desk)
        }
        stopCounting()
        guard !candidates[mine].mustLower else { return }
        if let best = candidates.best(for: term, except: desk.settings.workerID, tiedToo: false),
            candidates[best].ranking > candidates[mine].ranking
        {
            vote(for: candidates[best].id, &desk)
        }
    }

    private mutating func vote(for id: WorkerID, _ desk: inout Desk) {
        precondition(id != desk.settings.workerID, "Campaign: nobody votes for itself")
        let runs = stand == .candidate
        take(.voter, votingFor: id, desk)
        desk.count(.votes)
        desk.say(.votes(for: id))
        guard !runs else { return sayStand(&desk) }
        // Whom a voter votes for decides nothing: in a large union all would say it at once.
        renewAt = min(renewAt, desk.now + leisureMs(desk.settings.announceMs / 4, desk))
    }

    /// A voter whose nominee withdrew, or is heard no more, votes again or runs itself.
    private mutating func weighNominee(_ desk: inout Desk) {
        if let nominee, let i = candidates.find(nominee), candidates[i].runs(for: term) { return }
        if let best = candidates.best(for: term, except: desk.settings.workerID, tiedToo: true) {
            vote(for: candidates[best].id, &desk)
        } else {
            beginSoon(&desk)
        }
    }

    /// We have tied: everybody lowers its ranking by a random 1 to 10.
    private mutating func lowerRanking(candidates tied: Int32, _ desk: inout Desk) {
        guard stand == .candidate, claimedAt == nil,
            let mine = candidates.find(desk.settings.workerID), candidates[mine].runs(for: term)
        else { return }
        stopCounting()
        let before = ownRanking
        ownRanking -= 1 + desk.random(below: 10)
        if ownRanking < 0 { ownRanking = firstRanking(desk) }
        // From a small configured ranking it could come back to where it tied.
        if ownRanking == before { ownRanking += 1 + desk.random(below: 10) }
        desk.count(.ties)
        desk.say(.tie(candidates: tied, newRanking: ownRanking))
        sayStand(&desk)
    }

    /// The next number of the countdown; the last one is 0, and the claim.
    private mutating func count(_ pen: inout Pen, _ desk: inout Desk) {
        guard let last = countdown, last > 0 else { return }
        countdown = last - 1
        countsAt = nil
        if last == 1 { return claim(&pen, &desk) }
        sayStand(&desk)
    }

    private mutating func claim(_ pen: inout Pen, _ desk: inout Desk) {
        precondition(stand == .candidate && countdown == 0, "Campaign: a claim without a countdown")
        sayStand(&desk)
        claimedAt = desk.now
        desk.count(.claims)
        desk.say(.claims(term))
        pen.write(.claim, term: term, &desk)
    }

    /// Broadcasts what we are in this campaign, with the votes that we have received.
    private mutating func sayStand(_ desk: inout Desk) {
        let thirdMs = desk.settings.campaignTtlMs / 3
        renewAt = desk.now + (stand == .voter ? leisureMs(thirdMs, desk) : thirdMs)
        for i in 0..<candidates.count where candidates[i].nominee == desk.settings.workerID {
            desk.pack(candidates[i].id)
        }
        desk.write(
            .candidacy(
                Candidacy(
                    workerID: desk.settings.workerID, incarnation: desk.settings.incarnation,
                    term: term, ranking: ownRanking, countdown: countdown,
                    nominee: nominee, versions: desk.settings.versions)))
    }

    /// When `act` has something to do next.
    func deadline(_ desk: borrowing Desk) -> Instant {
        let ttlMs = ttlMs(desk)
        switch stand {
        case .member: return electionAt
        case .candidate:
            if let claimedAt { return claimedAt + ttlMs }
            let isKnown = candidates.find(desk.settings.workerID) != nil
            return min(isKnown ? renewAt : standsSince + ttlMs, countsAt ?? .never)
        case .voter: return min(renewAt, standsSince + 2 * ttlMs)
        }
    }
}
