import Testing

@testable import Union

/// Who should claim the next term (design, section 4).
@Suite("Campaign")
struct CampaignTests {
    /// A candidate whose first candidacy has been read back, with another that keeps it waiting.
    private func candidate(against ranking: Int32 = 50) -> Solo {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.read(candidacy(by: 9, term: 1, ranking: ranking))
        solo.readBackOnce()
        solo.clear()
        return solo
    }

    // MARK: Becoming a candidate

    @Test("a member that hears no leader runs after the timeout and up to a quarter of it more")
    func timeout() {
        var delays: Set<Int64> = []
        for seed in 1...30 {
            let solo = Solo(seed: UInt64(seed))
            solo.join()
            let joined = solo.now
            #expect(solo.role == .member)
            solo.runForLeader()
            let delay = (solo.now.us - joined.us) / 1000
            #expect((1000...1250).contains(delay))
            delays.insert(delay)
        }
        #expect(delays.count > 10, "boards must not move in lockstep")
        #expect(delays.max()! > 1150 && delays.min()! < 1100)
    }

    @Test("the delay is a fresh one each time")
    func freshDelay() {
        let solo = Solo()
        solo.follow()
        var delays: Set<Int64> = []
        for _ in 0..<8 {
            solo.read(leaderRecord(by: 2, term: 1))
            let heard = solo.now
            solo.runForLeader()
            delays.insert((solo.now.us - heard.us) / 1000)
        }
        #expect(delays.count > 3)
    }

    @Test("a lease of an hour, which no configuration takes, is waited for as one of a minute")
    func longLease() {
        let solo = Solo()
        solo.follow()
        solo.read(leaderRecord(by: 2, term: 1, leaseMs: Limits.timingMs))
        let heard = solo.now
        solo.idle(200_000) { solo.role == .candidate }
        #expect((75_000...95_000).contains(solo.now.ms(since: heard)))
        solo.live(300) { solo.leads }
        #expect(solo.leads)
    }

    @Test("a member that hears the leader never runs")
    func heard() {
        let solo = Solo()
        solo.follow()
        for _ in 0..<20 {
            solo.idle(900)
            solo.read(leaderRecord(by: 2, term: 1))
        }
        #expect(solo.done.candidacies.isEmpty)
        #expect(solo.role == .member)
    }

    @Test("void records of a deposed leader do not keep a member from running")
    func voidIsNotHeard() {
        let solo = Solo()
        solo.follow(term: 2)
        for _ in 0..<15 {
            solo.idle(100)
            solo.read(leaderRecord(by: 3, term: 1))
        }
        #expect(!solo.done.candidacies.isEmpty)
    }

    @Test("a candidate runs with its ranking for the term above the highest it has seen")
    func runsForNextTerm() {
        let solo = Solo { $0.ranking = 321 }
        solo.follow(term: 41)
        solo.runForLeader()
        let said = solo.done.candidacies[0]
        #expect(said.term == 42)
        #expect(said.ranking == 321)
        #expect(said.nominee == nil)
        #expect(said.countdown == nil)
    }

    @Test("who becomes a candidate runs for the term that others run for already")
    func runsForTheirs() {
        let solo = Solo()
        solo.join()
        solo.idle(950)
        solo.read(candidacy(by: 3, term: 7, ranking: 50))
        solo.runForLeader()
        #expect(solo.done.candidacies[0].term == 7)
    }

    @Test("a candidate that reads a higher term joins that one")
    func joinsTerm() {
        let solo = candidate()
        solo.read(candidacy(by: 3, term: 9, ranking: 50))
        #expect(solo.done.candidacies.last?.term == 9)
        #expect(solo.role == .candidate)
    }

    @Test("a candidacy for a term that no counter reaches is ignored: one more must be possible")
    func hostileTerm() {
        let solo = candidate()
        solo.read(candidacy(by: 3, term: .max, ranking: 500))
        #expect(solo.role == .candidate)
        #expect(solo.done.candidacies.isEmpty)
    }

    @Test("a node that has not caught up with the leader log does not run")
    func notJoined() {
        let solo = Solo()
        solo.begin()
        solo.wait(10_000)
        #expect(solo.done.candidacies.isEmpty)
        #expect(solo.role == .member)
    }

    @Test("a node that cannot reach the broker is a member whose LED blinks, and does not run")
    func offline() {
        let solo = candidate()
        solo.give(.brokerLost)
        #expect(solo.role == .member)
        #expect(solo.done.shows.last?.online == false)
        solo.clear()
        solo.wait(10_000)
        #expect(solo.done.candidacies.isEmpty)
        solo.give(.brokerFound)
        solo.wait(900)
        #expect(solo.done.candidacies.isEmpty, "a full timeout passes first")
    }

    @Test("silence of the broker counts as its loss")
    func outOfTouch() {
        let solo = Solo()
        solo.join()
        solo.wait(1100)
        #expect(solo.done.shows.last?.online == false)
        #expect(solo.done.candidacies.isEmpty)
    }

    @Test("what an earlier life said of its candidacy is not ours")
    func earlierLife() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.read(candidacy(by: 1, term: 1, ranking: 100, incarnation: 99))
        #expect(solo.done.candidacies.count == 1)
        #expect(solo.done.candidacies[0].countdown == nil, "not read back yet")
    }

    // MARK: Candidates and voters

    @Test("a candidate that reads a higher ranking withdraws and names it")
    func votes() {
        let solo = candidate()
        solo.read(candidacy(by: 3, term: 1, ranking: 101))
        #expect(solo.role == .voter)
        #expect(solo.done.candidacies.last?.nominee == worker(3))
        #expect(solo.done.shows.last?.role == .voter)
    }

    @Test("a lower ranking makes nobody withdraw")
    func lowerRanking() {
        let solo = candidate(against: 99)
        #expect(solo.role == .candidate)
        #expect(solo.done.candidacies.isEmpty)
    }

    /// Whom a voter nominates who has read these candidates, as (worker, ranking), one after the other.
    private func nominees(among candidates: [(Int, Int32)]) -> [WorkerID?] {
        let solo = Solo()
        solo.join()
        solo.idle(990)
        for (number, ranking) in candidates {
            solo.read(candidacy(by: number, term: 1, ranking: ranking))
        }
        solo.idle(400) { solo.role == .voter }
        solo.idle(60)
        return solo.done.candidacies.map(\.nominee)
    }

    @Test("of several the highest ranked is nominated")
    func votesForHighest() {
        #expect(nominees(among: [(3, 101), (4, 300), (5, 200)]) == [worker(4)])
    }

    @Test("the votes for a candidate are listed in what it says")
    func votesReceived() {
        let solo = candidate()
        solo.read(candidacy(by: 3, term: 1, nominee: 1))
        solo.read(candidacy(by: 4, term: 1, nominee: 9))
        solo.read(candidacy(by: 5, term: 1, nominee: 1))
        solo.read(candidacy(by: 9, term: 1, ranking: 50, nominee: 1))
        let said = solo.done.filter {
            if case .write(.candidacy, _) = $0.effect { true } else { false }
        }
        let bytes = said.last?.bytes ?? []
        let ids = (0..<(bytes.count / 16)).map { Payload.workerID(bytes.span, at: 16 * $0) }
        #expect(ids.count == 3)
        #expect([3, 5, 9].allSatisfy { ids.contains(worker($0)) })
    }

    @Test("a voter whose nominee withdraws votes for the best that remains")
    func votesAgain() {
        let solo = candidate()
        solo.read(candidacy(by: 3, term: 1, ranking: 300))
        solo.read(candidacy(by: 4, term: 1, ranking: 200))
        solo.read(candidacy(by: 3, term: 1, ranking: 300, nominee: 4))
        #expect(solo.role == .voter)
        solo.idle(60)
        #expect(solo.done.candidacies.last?.nominee == worker(4))
    }

    @Test("a voter whose nominee withdraws runs itself where nobody remains")
    func runsItself() {
        let solo = candidate()
        solo.read(candidacy(by: 3, term: 1, ranking: 300))
        solo.read(candidacy(by: 9, term: 1, ranking: 50, nominee: 3))
        solo.read(candidacy(by: 3, term: 1, ranking: 300, nominee: 4))
        solo.idle(60) { solo.role == .candidate }
        #expect(solo.role == .candidate)
        #expect(solo.done.candidacies.last?.nominee == nil)
    }

    @Test("a voter stays with a nominee that has lowered its ranking: nobody is two things")
    func staysVoter() {
        let solo = candidate()
        solo.read(candidacy(by: 3, term: 1, ranking: 101))
        solo.read(candidacy(by: 3, term: 1, ranking: 60))
        #expect(solo.role == .voter)
        #expect(solo.done.candidacies.count == 1)
    }

    @Test("a voter that reads no claim within two campaign TTLs looks around, and runs again")
    func voterRunsAgain() {
        let solo = candidate()
        solo.read(candidacy(by: 3, term: 1, ranking: 300))
        for _ in 0..<19 {
            solo.idle(100)
            solo.readBackOnce()
            solo.read(candidacy(by: 3, term: 1, ranking: 300))
        }
        #expect(solo.role == .voter)
        solo.clear()
        solo.idle(200)
        #expect(solo.role == .voter, "somebody better is still there")
        #expect(solo.counters[.votes] == 2)
        solo.idle(1300) { solo.role == .candidate }
        #expect(solo.role == .candidate)
    }

    @Test("who has read a candidate as good as itself says no candidacy", arguments: [100, 101])
    func saysNothingNew(_ ranking: Int32) {
        let solo = Solo()
        solo.join()
        solo.idle(950)
        solo.read(candidacy(by: 3, term: 1, ranking: ranking))
        solo.idle(400) { solo.role != .member }
        #expect(solo.role == .voter)
        #expect(solo.done.candidacies.isEmpty, "its vote can wait")
    }

    @Test("who has read a worse candidate runs against it")
    func runsAgainstWorse() {
        let solo = Solo()
        solo.join()
        solo.idle(950)
        solo.read(candidacy(by: 3, term: 1, ranking: 99))
        solo.runForLeader()
        #expect(solo.done.candidacies.map(\.ranking) == [100])
    }

    @Test("a voter waits as long as its nominee's countdown goes on, and no longer")
    func countdownGoesOn() {
        let solo = candidate()
        for number in (1...30).reversed() {
            solo.read(candidacy(by: 3, term: 1, ranking: 300, countdown: Int32(number)))
            solo.idle(900)
            #expect(solo.role == .voter)
        }
        #expect(solo.counters[.votes] == 1)
        for _ in 0..<10 {
            solo.read(candidacy(by: 3, term: 1, ranking: 300, countdown: 1))
            solo.idle(150)
        }
        #expect(solo.counters[.votes] == 2, "the same number again is no progress")
    }

    // MARK: Ties

    @Test("equals lower their ranking by 1 to 10", arguments: 1...10)
    func tie(_ seed: UInt64) {
        let solo = Solo(seed: seed)
        solo.join()
        solo.runForLeader()
        solo.readBackOnce()
        solo.read(candidacy(by: 3, term: 1, ranking: 100))
        let said = solo.done.candidacies.last!
        #expect((90...99).contains(said.ranking))
        #expect(said.nominee == nil)
        #expect(said.countdown == nil)
        #expect(solo.counters[.ties] == 1)
    }

    @Test("it is no tie while one of another ranking remains")
    func noTie() {
        let solo = candidate(against: 50)
        solo.read(candidacy(by: 3, term: 1, ranking: 100))
        #expect(solo.done.candidacies.isEmpty)
        solo.read(candidacy(by: 9, term: 1, ranking: 50, nominee: 3))
        #expect(solo.counters[.ties] == 1, "the lower one has withdrawn")
    }

    @Test("below zero the ranking starts again from the configured one", arguments: [0, 4])
    func belowZero(_ ranking: Int32) {
        for seed in 1...20 {
            let solo = Solo(seed: UInt64(seed)) { $0.ranking = ranking }
            solo.join()
            solo.runForLeader()
            solo.readBackOnce()
            for _ in 0..<20 {
                let mine = solo.done.candidacies.last!.ranking
                solo.read(candidacy(by: 3, term: 1, ranking: mine))
                let next = solo.done.candidacies.last!.ranking
                #expect(next >= 0 && next != mine)
                #expect(next < mine || next >= ranking)
                solo.readBackOnce()
            }
        }
    }

    @Test("who has tied is compared with nobody before both new rankings were read")
    func tiedWaits() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.readBackOnce()
        solo.read(candidacy(by: 3, term: 1, ranking: 100))
        solo.clear()
        solo.readBackOnce()
        #expect(solo.role == .candidate, "the other's old ranking is higher, and counts no more")
        #expect(solo.done.candidacies.isEmpty, "no countdown either: somebody else is there")
        solo.read(candidacy(by: 3, term: 1, ranking: 10))
        solo.read(candidacy(by: 3, term: 1, ranking: 10, nominee: 1))
        #expect(solo.done.candidacies.last?.countdown == 3)
    }

    @Test("who says the same ranking long after a tie has not seen it: it is compared again")
    func tieNotSeen() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.readBackOnce()
        solo.read(candidacy(by: 3, term: 1, ranking: 100))
        for _ in 0..<6 where solo.role == .candidate {
            solo.readBackOnce()
            solo.wait(Int64(solo.settings.campaignTtlMs / 4))
            solo.read(candidacy(by: 3, term: 1, ranking: 100))
        }
        #expect(solo.role == .voter)
        #expect(solo.done.candidacies.last?.nominee == worker(3))
    }

    @Test("whose rival withdraws counts only when its own new ranking was read")
    func tiedAndAlone() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.readBackOnce()
        solo.read(candidacy(by: 3, term: 1, ranking: 100))
        solo.clear()
        solo.read(candidacy(by: 3, term: 1, ranking: 100, nominee: 1))
        #expect(solo.done.candidacies.isEmpty)
        solo.readBackOnce()
        #expect(solo.done.candidacies.map(\.countdown) == [3])
    }

    @Test("a renewal that says the old ranking is no new ranking")
    func renewalIsNoRanking() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.readBackOnce()
        solo.read(candidacy(by: 3, term: 1, ranking: 100))
        solo.readBackOnce()
        solo.read(candidacy(by: 3, term: 1, ranking: 100))
        #expect(solo.role == .candidate)
    }

    @Test("boards that tie do not lower their rankings in lockstep")
    func tiesDiffer() {
        var rankings: Set<Int32> = []
        for seed in 1...20 {
            let solo = Solo(seed: UInt64(seed))
            solo.join()
            solo.runForLeader()
            solo.readBackOnce()
            solo.read(candidacy(by: 3, term: 1, ranking: 100))
            rankings.insert(solo.done.candidacies.last!.ranking)
        }
        #expect(rankings.count > 4)
    }

    @Test("of candidates that are equal all vote for the one with the smallest id")
    func votesForSmallest() {
        #expect(nominees(among: [(5, 300), (4, 300), (6, 300)]) == [worker(4)])
    }

    // MARK: Patience

    @Test("campaigns in vain make the next ones rarer")
    func backsOff() {
        let solo = Solo()
        solo.join()
        var campaigns: [Instant] = []
        // It reads nothing of what it says in election.
        solo.idle(40_000) {
            if solo.counters[.campaigns] > campaigns.count { campaigns.append(solo.now) }
            return false
        }
        let longestUs = zip(campaigns, campaigns.dropFirst()).map { $1.us - $0.us }.max() ?? 0
        #expect(longestUs > 3_000_000, "twice a timeout, and a quarter of that, without back-off")
    }

    @Test("a campaign is as patient as the round trips that it sees ask for")
    func slowRoundTrips() {
        let solo = candidate()
        for _ in 0..<14 {
            solo.wait(100)
            solo.read(heartbeat(by: 9))
        }
        #expect(solo.role == .candidate)
        #expect(solo.counters[.blindCampaigns] == 0, "its word may be on its way")
    }

    @Test("in a large union a campaign takes its time: everybody's word costs everybody a read")
    func spreadOut() {
        var longestUs: Int64 = 0
        for seed in 1...20 {
            let solo = Solo(seed: UInt64(seed))
            solo.follow()
            for number in 3...33 { solo.read(heartbeat(by: number)) }
            solo.idle(300)
            solo.read(leaderRecord(by: 2, term: 1))
            let heard = solo.now
            solo.idle(2100) { solo.role == .candidate }
            #expect(solo.role == .candidate)
            longestUs = max(longestUs, solo.now.us - heard.us)
        }
        #expect(longestUs > 1_600_000)
    }

    @Test("a round trip that was slow once is forgotten by halves")
    func roundTrip() {
        var trip = RoundTrip()
        trip.noteSent(1, at: ms(0))
        trip.noteRead(1, at: ms(400))
        #expect(trip.ms(at: ms(400)) == 400)
        trip.noteSent(2, at: ms(1000))
        #expect(trip.ms(at: ms(1700)) == 700, "still on its way")
        trip.noteRead(2, at: ms(1010))
        #expect(trip.ms(at: ms(1010)) == 200)
    }

    @Test("a heartbeat that never came, or came while we were stopped, makes no round trip slow")
    func noRoundTrip() {
        var trip = RoundTrip()
        trip.noteSent(1, at: ms(0))
        trip.noteRead(2, at: ms(900))
        #expect(trip.ms(at: ms(900)) == 0)
        trip.noteSent(3, at: ms(1000))
        trip.forget()
        trip.noteRead(3, at: ms(6000))
        #expect(trip.ms(at: ms(6000)) == 0)
    }

    // MARK: The countdown

    @Test("an earlier word of its own is not the number that it waits to read back")
    func readsOwnNumber() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.readBackOnce()
        #expect(solo.done.candidacies.last?.countdown == 3)
        solo.read(candidacy(by: 1, term: 1))
        solo.idle(20)
        #expect(solo.done.candidacies.last?.countdown == 3)
    }

    @Test("the countdown begins when the only candidate has read back its own candidacy")
    func countdownBegins() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        #expect(solo.done.candidacies.map(\.countdown) == [nil])
        solo.readBackOnce()
        #expect(solo.done.candidacies.map(\.countdown) == [nil, 3])
    }

    @Test("each number is sent after the one before was read back, and 0 comes with the claim")
    func countdown() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        for numbers: [Int32?] in [[nil, 3], [nil, 3, 2], [nil, 3, 2, 1]] {
            solo.readBackOnce()
            #expect(solo.done.candidacies.map(\.countdown) == numbers)
            #expect(solo.done.claims.isEmpty)
        }
        solo.idle(50)
        #expect(solo.done.candidacies.count == 4, "time alone does not go on")
        solo.readBackOnce()
        #expect(solo.done.candidacies.map(\.countdown) == [nil, 3, 2, 1, 0])
        #expect(solo.done.claims.map(\.term) == [1])
    }

    @Test("countdown_delay_ms passes between two numbers")
    func countdownDelay() {
        let solo = Solo { $0.countdownDelayMs = 100 }
        solo.join()
        solo.runForLeader()
        solo.readBackOnce()
        solo.readBackOnce()
        #expect(solo.done.candidacies.last?.countdown == 3)
        solo.idle(99)
        #expect(solo.done.candidacies.last?.countdown == 3)
        solo.idle(1)
        #expect(solo.done.candidacies.last?.countdown == 2)
    }

    @Test("a countdown that starts at 0 claims at once")
    func noCountdown() {
        let solo = Solo { $0.countdownStart = 0 }
        solo.join()
        solo.runForLeader()
        solo.readBackOnce()
        #expect(solo.done.claims.count == 1)
        #expect(solo.done.candidacies.last?.countdown == 0)
    }

    @Test("any other live candidacy cancels the countdown", arguments: [50, 100, 150])
    func countdownCancelled(_ ranking: Int32) {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.readBackOnce()
        solo.readBackOnce()
        #expect(solo.done.candidacies.last?.countdown == 2)
        solo.read(candidacy(by: 3, term: 1, ranking: ranking))
        solo.clear()
        solo.readBack()
        #expect(solo.done.claims.isEmpty)
        #expect(solo.done.candidacies.allSatisfy { $0.countdown == nil })
    }

    @Test("a voter's word does not cancel the countdown")
    func voterDoesNotCancel() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.readBackOnce()
        solo.read(candidacy(by: 3, term: 1, ranking: 150, nominee: 1))
        solo.readBack()
        #expect(solo.leads)
    }

    @Test("a cancelled countdown starts again from its beginning when the other has withdrawn")
    func countdownStartsAgain() {
        let solo = candidate(against: 50)
        solo.read(candidacy(by: 9, term: 1, ranking: 50, nominee: 1))
        #expect(solo.done.candidacies.map(\.countdown) == [3])
    }

    @Test("a campaign that is not renewed within its TTL is dropped")
    func droppedAfterTTL() {
        let solo = candidate(against: 50)
        solo.idle(980)
        solo.readBackOnce()
        #expect(solo.done.candidacies.allSatisfy { $0.countdown == nil })
        solo.idle(350)
        #expect(solo.done.candidacies.contains { $0.countdown == 3 })
    }

    @Test("a candidate renews its campaign well within the TTL")
    func renews() {
        let solo = candidate(against: 50)
        for _ in 0..<10 {
            solo.idle(100)
            solo.read(candidacy(by: 9, term: 1, ranking: 50))
            solo.readBackOnce()
        }
        #expect(solo.role == .candidate)
        #expect(solo.done.candidacies.count >= 2)
        #expect(solo.done.candidacies.allSatisfy { $0.ranking == 100 && $0.countdown == nil })
    }

    @Test("a claim that is not read within the TTL is no claim: it runs again")
    func claimLost() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        for _ in 0..<4 { solo.readBackOnce() }
        #expect(solo.done.claims.count == 1)
        solo.readBackOnce { $0.topic == .election }
        solo.loseUnread()
        solo.clear()
        solo.idle(990)
        #expect(solo.done.candidacies.isEmpty)
        solo.idle(20)
        #expect(solo.done.candidacies.count == 1)
        #expect(!solo.leads)
        solo.readBack()
        #expect(solo.leads)
    }

    @Test("another's valid claim makes a candidate and a voter members again", arguments: [1, 0])
    func claimEndsCampaign(_ higher: Int32) {
        let solo = candidate()
        if higher > 0 { solo.read(candidacy(by: 3, term: 1, ranking: 300)) }
        solo.read(leaderRecord(.claim, by: 3, term: 1))
        #expect(solo.role == .member)
        solo.clear()
        solo.idle(900)
        #expect(solo.done.candidacies.isEmpty)
    }

    // MARK: Quelling an uprising

    @Test("a leader that reads a candidacy answers with one higher, 0, its term, and announces")
    func quells() {
        let solo = Solo()
        solo.lead()
        solo.idle(50)
        solo.clear()
        solo.read(candidacy(by: 3, term: 2, ranking: 700))
        let said = solo.done.candidacies
        #expect(said.count == 1)
        #expect(said[0].ranking == 701)
        #expect(said[0].countdown == 0)
        #expect(said[0].term == 1)
        #expect(solo.done.announcements.count == 1)
        #expect(solo.leads)
    }

    @Test("a leader answers neither voters nor what was said before its own claim")
    func quellsNoVoter() {
        let solo = Solo()
        solo.lead()
        solo.read(candidacy(by: 3, term: 2, nominee: 4))
        solo.read(candidacy(by: 4, term: 1, ranking: 10))
        #expect(solo.done.candidacies.isEmpty)
    }

    @Test("who does not lead quells nothing")
    func memberQuellsNothing() {
        let solo = Solo()
        solo.follow()
        solo.read(candidacy(by: 3, term: 2, ranking: 700))
        #expect(solo.done.candidacies.isEmpty)
        #expect(solo.done.announcements.isEmpty)
    }

    @Test("a candidate and a voter that read their incumbent's quell go back", arguments: [1, 0])
    func isQuelled(_ higher: Int32) {
        let solo = Solo()
        solo.follow(term: 4)
        solo.runForLeader()
        solo.readBackOnce()
        if higher > 0 { solo.read(candidacy(by: 3, term: 5, ranking: 300)) }
        solo.read(candidacy(by: 2, term: 4, ranking: 101, countdown: 0))
        #expect(solo.role == .member)
        #expect(solo.counters[.quelled] == 1)
        solo.clear()
        solo.readBack()
        #expect(solo.done.claims.isEmpty)
    }

    @Test("a candidate that missed the leader's claim obeys a quell of a term below its own")
    func isQuelledByUnknown() {
        let solo = Solo()
        solo.join()
        solo.idle(950)
        solo.read(candidacy(by: 3, term: 9, ranking: 10))
        solo.runForLeader()
        solo.read(candidacy(by: 2, term: 8, ranking: 101, countdown: 0))
        #expect(solo.role == .member)
    }

    @Test("only the incumbent quells: a stranger's 0 under its term does not")
    func strangerDoesNotQuell() {
        let solo = Solo()
        solo.follow(term: 4)
        solo.runForLeader()
        solo.read(candidacy(by: 3, term: 4, ranking: 900, countdown: 0))
        #expect(solo.role == .candidate)
    }

    @Test("a leader that has resigned does not quell any more")
    func resignedDoesNotQuell() {
        let solo = Solo()
        solo.follow(term: 4)
        solo.read(leaderRecord(.resign, by: 2, term: 4))
        solo.runForLeader()
        solo.read(candidacy(by: 2, term: 4, ranking: 101, countdown: 0))
        #expect(solo.role == .candidate)
    }

    // MARK: Resignation, blindness, pauses

    @Test("after a resignation nobody waits for a timeout")
    func campaignsAtOnce() {
        let solo = Solo()
        solo.follow()
        for _ in 0..<2 {
            solo.idle(600)
            solo.read(leaderRecord(by: 2, term: 1))
        }
        solo.read(leaderRecord(.resign, by: 2, term: 1))
        let resigned = solo.now
        solo.runForLeader()
        #expect(solo.now <= resigned + 50)
        solo.readBack()
        #expect(solo.leads, "and no predecessor's lease is waited for")
    }

    @Test("a void resignation starts nothing")
    func voidResignation() {
        let solo = Solo()
        solo.follow(term: 2)
        solo.read(leaderRecord(.resign, by: 3, term: 1))
        solo.idle(900)
        #expect(solo.role == .member)
    }

    @Test("a candidate that does not read its own candidacy falls silent")
    func blind() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.clear()
        solo.idle(990)
        #expect(solo.role == .candidate)
        #expect(solo.done.candidacies.isEmpty, "it does not go on about it")
        solo.idle(20)
        #expect(solo.role == .member)
        #expect(solo.counters[.blindCampaigns] == 1)
    }

    @Test("who was stopped reads on for a full timeout before it runs")
    func paused() {
        let solo = Solo()
        solo.follow()
        solo.sleep(60_000)
        solo.give(.tick)
        #expect(solo.counters[.pauses] == 1)
        #expect(solo.done.candidacies.isEmpty)
        solo.read(leaderRecord(by: 2, term: 1))
        solo.idle(990)
        #expect(solo.done.candidacies.isEmpty)
    }

    @Test("a short stop, too, that lasted beyond the timeout starts no campaign by itself")
    func shortPause() {
        let solo = Solo()
        solo.follow()
        solo.idle(600)
        solo.sleep(700)
        solo.give(.tick)
        #expect(solo.done.shows.last?.online != false)
        #expect(solo.done.candidacies.isEmpty)
    }
}
