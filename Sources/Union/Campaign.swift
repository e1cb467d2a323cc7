/// Who should claim the next term (design, section 4). Nothing here can break section 3: the worst
/// that a campaign can do is to be late.
struct Campaign: ~Copyable {
    enum Stand: Equatable { case member, candidate, voter }

    struct Candidate {
        var id = WorkerID(high: 0, low: 0)
        var term: Term = 0
        var ranking: Int32 = 0
        var countdown: Int32?
        var nominee: WorkerID?
        var readAt = Instant.zero
        /// It tied: what it said counts for nothing until it says another ranking; or, later, the
        /// same again, for then it has not seen the tie.
        var mustLower = false
        var tiedAt = Instant.zero
    }

    var stand = Stand.member
    /// The term that is run for, and our ranking in this campaign.
    var term: Term = 0
    var ranking: Int32 = 0
    /// The number that was sent last; nil: no countdown.
    var countdown: Int32?
    /// When the next number may be sent: the last one has been read back.
    var countsAt: Instant?
    var claimedAt: Instant?
    var nominee: WorkerID?
    /// Since when we are what we are.
    var standsSince = Instant.zero
    var renewAt = Instant.never
    /// When a member that hears no leader becomes a candidate.
    var electionAt = Instant.never

    private var candidates: Table<Candidate>
    private(set) var count = 0

    init(_ arena: inout Arena) {
        candidates = arena.table(Limits.members, filler: Candidate())
    }

    subscript(index: Int) -> Candidate {
        get { candidates[index] }
        set { candidates[index] = newValue }
    }

    func find(_ id: WorkerID) -> Int? {
        for i in 0..<count where candidates[i].id == id { return i }
        return nil
    }

    /// Keeps what a worker said last. Without a place for a new one it is not heard: its own
    /// campaign goes on, and this one does not wait for it.
    mutating func keep(_ c: Candidacy, readAt now: Instant, tiesLastMs: Int32) {
        let index: Int
        if let known = find(c.workerID) {
            index = known
        } else {
            guard count < candidates.count else { return }
            index = count
            count += 1
            candidates[index] = Candidate(id: c.workerID)
        }
        let lowered = candidates[index].ranking != c.ranking || candidates[index].term != c.term
        let isOver = lowered || now >= candidates[index].tiedAt + tiesLastMs
        candidates[index].mustLower = candidates[index].mustLower && !isOver
        candidates[index].term = c.term
        candidates[index].ranking = c.ranking
        candidates[index].countdown = c.countdown
        candidates[index].nominee = c.nominee
        candidates[index].readAt = now
    }

    /// A tie: all who run for this term, two or more, have the same ranking, and none of them has
    /// tied before. Each must say another ranking before it is compared again. This looks at what
    /// was read, and at when, and at nothing else, so all nodes see the same ties, at the same record:
    /// were it asked from where each node stands, two could vote for each other, and all start over.
    /// Returns how many have tied.
    mutating func markTie(term: Term, at now: Instant) -> Int32 {
        var tied: Int32 = 0
        var ranking: Int32?
        for i in 0..<count where candidates[i].term == term && candidates[i].nominee == nil {
            guard !candidates[i].mustLower, ranking == nil || ranking == candidates[i].ranking
            else { return 0 }
            ranking = candidates[i].ranking
            tied += 1
        }
        guard tied > 1 else { return 0 }
        for i in 0..<count where candidates[i].term == term && candidates[i].nominee == nil {
            candidates[i].mustLower = true
            candidates[i].tiedAt = now
        }
        return tied
    }

    /// Drops what was not renewed in time, and campaigns for terms that are past.
    mutating func drop(notRenewedSince limit: Instant, termsUpTo past: Term) {
        var i = 0
        while i < count {
            if candidates[i].readAt < limit || candidates[i].term <= past {
                count -= 1
                candidates[i] = candidates[count]
            } else {
                i += 1
            }
        }
    }

    mutating func forget(_ id: WorkerID) {
        guard let i = find(id) else { return }
        count -= 1
        candidates[i] = candidates[count]
    }

    /// Runs for this term now, and has not withdrawn.
    func isLive(_ index: Int) -> Bool {
        candidates[index].term == term && candidates[index].nominee == nil
    }

    /// The live candidate with the highest ranking; of equals the one with the smaller id, so that
    /// all voters choose the same. Those who have tied cannot be compared, but voted for.
    func best(except me: WorkerID, tiedToo: Bool) -> Int? {
        var best: Int?
        for i in 0..<count where isLive(i) && candidates[i].id != me {
            guard tiedToo || !candidates[i].mustLower else { continue }
            guard let b = best else {
                best = i
                continue
            }
            let (c, d) = (candidates[i], candidates[b])
            if c.ranking > d.ranking || (c.ranking == d.ranking && c.id < d.id) { best = i }
        }
        return best
    }

    /// Whether another live candidate has this one's ranking.
    func hasEqual(_ id: WorkerID) -> Bool {
        guard let mine = find(id) else { return false }
        for i in 0..<count where i != mine && isLive(i) {
            if candidates[i].ranking == candidates[mine].ranking { return true }
        }
        return false
    }

    /// The highest term that a live campaign runs for.
    var highestTerm: Term {
        var highest: Term = 0
        for i in 0..<count where candidates[i].nominee == nil {
            highest = max(highest, candidates[i].term)
        }
        return highest
    }
}

extension WorkerID {
    static func < (a: WorkerID, b: WorkerID) -> Bool {
        a.high != b.high ? a.high < b.high : a.low < b.low
    }
}

// MARK: - What is read

extension Node {
    mutating func onCandidacy(_ c: Candidacy, _ outbox: inout Outbox) {
        let isMine = c.workerID == settings.workerID
        guard !isMine || c.incarnation == settings.incarnation, c.term < Limits.term else { return }
        if !isMine && leads(at: now) {
            // Right after an election, what was said before the claim is no uprising.
            let isUprising =
                c.term > log.tenure.term || now >= leadingSince + settings.campaignTtlMs
            if c.nominee == nil && isUprising { quell(c, &outbox) }
            return
        }
        if !isMine && isQuell(c) {
            guard campaign.stand != .member else { return }
            counters.quelled += 1
            outbox.say(.quelled(by: c.workerID))
            return returnToMember()
        }
        guard c.term > log.tenure.term else { return }
        campaign.keep(c, readAt: now, tiesLastMs: settings.campaignTtlMs)
        let tied = campaign.markTie(term: c.term, at: now)
        guard campaign.stand != .member, isOnline else { return }
        if c.term > campaign.term && c.nominee == nil {
            joinTerm(c.term, &outbox)
        }
        if isMine, c.countdown == campaign.countdown, c.countdown != nil, campaign.countsAt == nil {
            campaign.countsAt = now + settings.countdownDelayMs
        }
        if tied > 0 && c.term == campaign.term { lowerRanking(candidates: tied, &outbox) }
        weigh(&outbox)
    }

    /// A candidacy "one higher, countdown 0, under its own term" by the incumbent: by the holder
    /// that our log names, or, where we miss a part of the leader log, by one that leads a term
    /// below the one we run for.
    private func isQuell(_ c: Candidacy) -> Bool {
        guard c.countdown == 0, c.nominee == nil else { return false }
        if c.term == log.tenure.term {
            return c.workerID == log.tenure.holder && !log.tenure.resigned
        }
        return campaign.stand == .candidate && c.term > log.tenure.term && c.term < campaign.term
    }

    private mutating func quell(_ c: Candidacy, _ outbox: inout Outbox) {
        counters.quells += 1
        outbox.say(.quells(c.workerID, c.term))
        let ranking = c.ranking == .max ? c.ranking : c.ranking + 1
        let answer = Candidacy(
            workerID: settings.workerID, incarnation: settings.incarnation, term: log.tenure.term,
            ranking: ranking, countdown: 0, nominee: nil)
        outbox.append(.write(.candidacy(answer), .none))
        announce(&outbox)
    }

    /// A leader was heard: the campaign, if there was one, is over.
    mutating func returnToMember() {
        campaign.stand = .member
        campaign.countdown = nil
        campaign.countsAt = nil
        campaign.claimedAt = nil
        campaign.nominee = nil
        campaign.renewAt = .never
        restartElectionTimer()
    }

    /// A fresh random delay each time, so that boards do not move in lockstep.
    mutating func restartElectionTimer() {
        campaign.electionAt =
            now + settings.leaderTimeoutMs + random.below(settings.leaderTimeoutMs / 4 + 1)
    }

    /// The leader has left in order: nobody waits for a timeout.
    mutating func campaignSoon() {
        returnToMember()
        campaign.electionAt = now + random.below(settings.announceMs / 4 + 1)
    }
}

// MARK: - What a campaign does

extension Node {
    /// Whatever of the campaign is due at `now`.
    mutating func actOnCampaign(_ outbox: inout Outbox) {
        guard isOnline, leaving == nil else { return }
        campaign.drop(
            notRenewedSince: now - settings.campaignTtlMs, termsUpTo: log.tenure.term)
        switch campaign.stand {
        case .member:
            if now >= campaign.electionAt { run(&outbox) }
        case .candidate:
            actAsCandidate(&outbox)
        case .voter:
            if now >= campaign.standsSince + 2 * settings.campaignTtlMs {
                run(&outbox)
            } else {
                if now >= campaign.renewAt { sayStand(&outbox) }
                weigh(&outbox)
            }
        }
    }

    private mutating func actAsCandidate(_ outbox: inout Outbox) {
        let isKnown = campaign.find(settings.workerID) != nil
        if !isKnown && now >= campaign.standsSince + settings.campaignTtlMs {
            // We write, perhaps, but do not read: silence, or we would hold up those who do both.
            counters.blindCampaigns += 1
            return returnToMember()
        }
        if let claimedAt = campaign.claimedAt {
            // A claim that was not read is no claim.
            guard now >= claimedAt + settings.campaignTtlMs else { return }
            return run(&outbox)
        }
        if isKnown && now >= campaign.renewAt {
            // Who was away when a tie was read stands in others' way for ever with the old ranking.
            if campaign.hasEqual(settings.workerID),
                now >= campaign.standsSince + settings.campaignTtlMs
            {
                campaign.standsSince = now
                lowerRanking(candidates: 2, &outbox)
            } else {
                sayStand(&outbox)
            }
        }
        weigh(&outbox)
        guard campaign.stand == .candidate, let at = campaign.countsAt, now >= at else { return }
        count(&outbox)
    }

    /// Becomes a candidate, for the term above the last one, or one that others run for already.
    private mutating func run(_ outbox: inout Outbox) {
        returnToMember()
        campaign.forget(settings.workerID)
        campaign.electionAt = .never
        campaign.stand = .candidate
        campaign.term = max(log.tenure.term + 1, campaign.highestTerm)
        campaign.ranking = settings.ranking
        campaign.standsSince = now
        counters.campaigns += 1
        outbox.say(.campaign(campaign.term, ranking: campaign.ranking))
        sayStand(&outbox)
    }

    private mutating func joinTerm(_ term: Term, _ outbox: inout Outbox) {
        campaign.term = term
        campaign.stand = .candidate
        campaign.nominee = nil
        campaign.countdown = nil
        campaign.countsAt = nil
        campaign.claimedAt = nil
        campaign.standsSince = now
        sayStand(&outbox)
    }

    /// Compares the live candidates, as far as they were read: withdraw, wait, or count.
    private mutating func weigh(_ outbox: inout Outbox) {
        if campaign.stand == .voter { return weighNominee(&outbox) }
        guard campaign.claimedAt == nil, let mine = campaign.find(settings.workerID),
            campaign.isLive(mine)
        else { return }
        var isAlone = true
        for i in 0..<campaign.count where i != mine && campaign.isLive(i) { isAlone = false }
        if isAlone {
            guard campaign.countdown == nil, !campaign[mine].mustLower else { return }
            campaign.countdown = settings.countdownStart
            if settings.countdownStart == 0 { return claim(&outbox) }
            return sayStand(&outbox)
        }
        campaign.countdown = nil
        campaign.countsAt = nil
        guard !campaign[mine].mustLower else { return }
        if let best = campaign.best(except: settings.workerID, tiedToo: false),
            campaign[best].ranking > campaign[mine].ranking
        {
            vote(for: campaign[best].id, &outbox)
        }
    }

    private mutating func vote(for id: WorkerID, _ outbox: inout Outbox) {
        let isWithdrawn = campaign.stand == .voter
        campaign.stand = .voter
        campaign.nominee = id
        campaign.countdown = nil
        campaign.countsAt = nil
        campaign.standsSince = now
        counters.votes += 1
        outbox.say(.votes(for: id))
        guard isWithdrawn else { return sayStand(&outbox) }
        // Whom a voter votes for decides nothing: in a large union all would say it at once.
        campaign.renewAt = min(campaign.renewAt, now + settings.announceMs / 4)
    }

    /// A voter whose nominee withdrew, or is heard no more, votes again or runs itself.
    private mutating func weighNominee(_ outbox: inout Outbox) {
        if let nominee = campaign.nominee, let i = campaign.find(nominee), campaign.isLive(i) {
            return
        }
        if let best = campaign.best(except: settings.workerID, tiedToo: true) {
            vote(for: campaign[best].id, &outbox)
        } else {
            run(&outbox)
        }
    }

    /// We have tied: everybody lowers its ranking by a random 1 to 10.
    private mutating func lowerRanking(
        candidates: Int32, _ outbox: inout Outbox
    ) {
        guard campaign.stand == .candidate, campaign.claimedAt == nil,
            let mine = campaign.find(settings.workerID), campaign.isLive(mine)
        else { return }
        campaign.countdown = nil
        campaign.countsAt = nil
        let tied = campaign.ranking
        campaign.ranking -= 1 + random.below(10)
        if campaign.ranking < 0 { campaign.ranking = settings.ranking }
        // From a small configured ranking it could come back to where it tied.
        if campaign.ranking == tied { campaign.ranking += 1 + random.below(10) }
        counters.ties += 1
        outbox.say(.tie(candidates: candidates, newRanking: campaign.ranking))
        sayStand(&outbox)
    }

    /// The next number of the countdown; the last one is 0, and the claim.
    private mutating func count(_ outbox: inout Outbox) {
        guard let last = campaign.countdown, last > 0 else { return }
        campaign.countdown = last - 1
        campaign.countsAt = nil
        if last == 1 { return claim(&outbox) }
        sayStand(&outbox)
    }

    private mutating func claim(_ outbox: inout Outbox) {
        sayStand(&outbox)
        campaign.claimedAt = now
        counters.claims += 1
        outbox.say(.claims(campaign.term))
        writeLeaderRecord(.claim, term: campaign.term, &outbox)
    }

    /// Broadcasts what we are in this campaign, with the votes that we have received.
    private mutating func sayStand(_ outbox: inout Outbox) {
        campaign.renewAt = now + settings.campaignTtlMs / 3
        for i in 0..<campaign.count where campaign[i].nominee == settings.workerID {
            outbox.pack(campaign[i].id)
        }
        let candidacy = Candidacy(
            workerID: settings.workerID, incarnation: settings.incarnation, term: campaign.term,
            ranking: campaign.ranking, countdown: campaign.countdown,
            nominee: campaign.stand == .voter ? campaign.nominee : nil)
        outbox.append(.write(.candidacy(candidacy), .none))
    }

    /// When `actOnCampaign` has something to do next.
    var campaignDeadline: Instant {
        guard isOnline, leaving == nil else { return .never }
        switch campaign.stand {
        case .member: return campaign.electionAt
        case .candidate:
            if let claimedAt = campaign.claimedAt { return claimedAt + settings.campaignTtlMs }
            let giveUp =
                campaign.find(settings.workerID) == nil
                ? campaign.standsSince + settings.campaignTtlMs : campaign.renewAt
            return min(giveUp, campaign.countsAt ?? .never)
        case .voter: return min(campaign.renewAt, campaign.standsSince + 2 * settings.campaignTtlMs)
        }
    }
}
