/// What every worker said last in `election`, for as long as it is renewed.
struct Candidates: ~Copyable {
    struct Candidate {
        fileprivate(set) var id = WorkerID(high: 0, low: 0)
        fileprivate(set) var term: Term = 0
        fileprivate(set) var ranking: Int32 = 0
        /// Whom it votes for; nil: it runs itself.
        fileprivate(set) var nominee: WorkerID?
        /// The number that its countdown has come to; nil: it does not count.
        fileprivate(set) var countdown: Int32?
        fileprivate var newest: Int32 = 0
        fileprivate var readAt = Instant.zero
        /// It tied: what it said counts for nothing until it says another ranking; or, later, the
        /// same again, for then it has not seen the tie.
        fileprivate(set) var mustLower = false
        fileprivate var tiedAt = Instant.zero

        /// Runs for this term, and has not withdrawn.
        func runs(for term: Term) -> Bool { self.term == term && nominee == nil }
    }

    private var candidates: Table<Candidate>
    private(set) var count = 0

    init(_ capacities: Capacities, _ arena: inout Arena) {
        candidates = arena.table(capacities.members, filler: Candidate())
    }

    subscript(index: Int) -> Candidate {
        precondition(index < count, "Candidates: index out of range")
        return candidates[index]
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
        candidates[index].nominee = c.nominee
        candidates[index].countdown = c.countdown
        candidates[index].newest = c.versions.newest
        candidates[index].readAt = now
    }

    /// A tie: all who run for this term, two or more, have the same ranking, and none of them has
    /// tied before. Each must say another ranking before it is compared again. This looks at what
    /// was read, and at when, and at nothing else, so all nodes see the same ties, at the same
    /// record: were it asked from where each node stands, two could vote for each other, and all
    /// start over. Returns how many have tied.
    mutating func markTie(term: Term, at now: Instant) -> Int32 {
        var tied: Int32 = 0
        var ranking: Int32?
        for i in 0..<count where candidates[i].runs(for: term) {
            guard !candidates[i].mustLower, ranking == nil || ranking == candidates[i].ranking
            else { return 0 }
            ranking = candidates[i].ranking
            tied += 1
        }
        guard tied > 1 else { return 0 }
        for i in 0..<count where candidates[i].runs(for: term) {
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
                remove(at: i)
            } else {
                i += 1
            }
        }
    }

    mutating func forget(_ id: WorkerID) {
        if let i = find(id) { remove(at: i) }
    }

    private mutating func remove(at index: Int) {
        count -= 1
        candidates[index] = candidates[count]
    }

    /// The candidate with the highest ranking of those who run for the term; of equals the one with
    /// the smaller id, so that all voters choose the same. Those who have tied cannot be compared,
    /// but voted for.
    func best(for term: Term, except me: WorkerID, tiedToo: Bool) -> Int? {
        var best: Int?
        for i in 0..<count where candidates[i].runs(for: term) && candidates[i].id != me {
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

    /// Whether another than this one runs for the term.
    func hasRival(of index: Int, for term: Term) -> Bool {
        for i in 0..<count where i != index && candidates[i].runs(for: term) { return true }
        return false
    }

    /// Whether another who runs for the term has this one's ranking.
    func hasEqual(of index: Int, for term: Term) -> Bool {
        for i in 0..<count where i != index && candidates[i].runs(for: term) {
            if candidates[i].ranking == candidates[index].ranking { return true }
        }
        return false
    }

    /// Whether this is the next number of a countdown that we have heard already.
    func countsOn(_ c: Candidacy) -> Bool {
        guard let known = find(c.workerID), candidates[known].runs(for: c.term),
            let last = candidates[known].countdown, let number = c.countdown
        else { return false }
        return c.nominee == nil && number < last
    }

    /// The newest protocol that anybody speaks.
    var newest: Int32 {
        var newest: Int32 = 0
        for i in 0..<count { newest = max(newest, candidates[i].newest) }
        return newest
    }

    /// The highest term that anybody runs for.
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
