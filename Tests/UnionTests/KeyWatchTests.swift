import Testing

@testable import Union

/// Nodes whose records are void for each other do not share a log (docs/design.md, section 2).
@Suite("Keys that do not fit")
struct KeyWatchTests {
    /// It signs with key 7, and takes nothing else.
    private func requiring(_ settings: inout Settings) {
        (settings.signsWith, settings.accepts) = (7, AcceptedKeys(7))
    }

    private func keyless(_: inout Settings) {}

    /// Reads what `hears` lets it read before it has read everything, and then again every 200 ms.
    private func arriving(
        _ configure: (inout Settings) -> Void, forMs ms: Int64, hears: (Solo) -> Void
    ) -> Solo {
        let solo = Solo(configure)
        solo.begin()
        for topic in [Topic.leader, .election] {
            solo.give(.bounds(topic, low: 0, high: 0, askedAt: solo.now))
        }
        solo.give(.bounds(.heartbeat, low: 0, high: 1, askedAt: solo.now))
        hears(solo)
        var last = heartbeat(by: 9)
        last.accepts = solo.settings.accepts
        solo.read(last)
        live(solo, ms, hears: hears)
        return solo
    }

    private func live(_ solo: Solo, _ ms: Int64, hears: (Solo) -> Void) {
        for _ in 0..<(ms / 200) {
            solo.wait(200)
            hears(solo)
        }
    }

    /// A leader that accepts these, with a claim the first time.
    private func leads(
        _ number: Int = 2, term: Term = 1, accepts: AcceptedKeys, on solo: Solo
    ) {
        let isNew = solo.node.term < term
        var r = leaderRecord(isNew ? .claim : .noop, by: number, term: term, sentAt: solo.now)
        if isNew { r.accepts = accepts }
        solo.read(r)
    }

    private func speaks(_ number: Int, accepts: AcceptedKeys, on solo: Solo) {
        var h = heartbeat(by: number)
        h.accepts = accepts
        solo.read(h)
    }

    private func said(_ solo: Solo) -> [String] {
        solo.done.notices.compactMap {
            switch $0 {
            case .otherKey: "other"
            case .keyNotAccepted(let id): (1...9).first { worker($0) == id }.map { "not by \($0)" }
            case .keyTooEarly: "early"
            case .keyAccepted: "accepted"
            default: nil
            }
        }
    }

    @Test("beside a leader whose key is another a node begins no union of its own")
    func otherKey() {
        for configure in [keyless, requiring] {
            let solo = arriving(configure, forMs: 9000) {
                $0.readVoid(.leader(leaderRecord(by: 2, term: 1)), isSigned: true)
            }
            #expect(solo.standsBack && said(solo) == ["other"])
            #expect(solo.done.heartbeats.isEmpty && solo.done.leaderRecords.isEmpty)
            #expect(!solo.done.isReady)
            solo.wait(2 * Int64(solo.settings.memberTimeoutMs))
            #expect(!solo.standsBack && solo.done.isReady && said(solo) == ["other", "accepted"])
        }
    }

    @Test("a stranger's void words beside a leader's valid ones only make it look twice")
    func strangerBesideLeader() {
        let solo = arriving(requiring, forMs: 2400) {
            $0.readVoid(.leader(leaderRecord(by: 3, term: 9)), isSigned: true)
            $0.readVoid(.heartbeat(heartbeat(by: 4)), isSigned: false)
            leads(accepts: AcceptedKeys(7), on: $0)
        }
        #expect(!solo.standsBack && solo.done.isReady && said(solo).isEmpty)
    }

    @Test("who leads goes on; who was away comes back to it only among others of its key")
    func leadsBesideAnother() {
        for isAlone in [true, false] {
            let solo = Solo(requiring)
            solo.lead()
            func live(_ ms: Int64) {
                for _ in 0..<(ms / 200) {
                    if !isAlone { speaks(5, accepts: AcceptedKeys(7), on: solo) }
                    solo.readVoid(.leader(leaderRecord(by: 3, term: 9)), isSigned: true)
                    solo.live(200)
                }
            }
            live(4000)
            #expect(solo.leads && said(solo).isEmpty)
            solo.sleep(3000)
            live(4000)
            #expect(solo.leads != isAlone && solo.standsBack == isAlone)
            #expect(said(solo) == (isAlone ? ["other"] : []))
        }
    }

    @Test("what a leader of long ago accepted makes nobody's void words a stranger's")
    func leaderOfLongAgo() {
        let solo = arriving(requiring, forMs: 4000) {
            if $0.node.term == 0 { leads(accepts: AcceptedKeys(7), on: $0) }
            $0.readVoid(.heartbeat(heartbeat(by: 4)), isSigned: true)
        }
        #expect(solo.standsBack && said(solo) == ["early"])
    }

    @Test("a stranger's void words keep nobody from running among others of its key")
    func strangerAmongOthers() {
        let solo = Solo(requiring)
        solo.join()
        for i in 0..<40 {
            speaks(5, accepts: AcceptedKeys(7), on: solo)
            if i < 20 {
                leads(accepts: AcceptedKeys(7), on: solo)
            } else {
                solo.readVoid(.leader(leaderRecord(by: 3, term: 9)), isSigned: true)
            }
            // Its campaigns come to nothing: nobody leads.
            solo.idle(200)
        }
        #expect(!solo.done.candidacies.isEmpty && !solo.standsBack && said(solo).isEmpty)
    }

    @Test("who sees that some accept what is void for it does not claim beside another")
    func claimsBesideAnother() {
        let solo = Solo(requiring)
        solo.join()
        for _ in 0..<20 {
            speaks(5, accepts: AcceptedKeys(7, or: 0), on: solo)
            speaks(6, accepts: AcceptedKeys(7), on: solo)
            solo.readVoid(.leader(leaderRecord(by: 3, term: 9)), isSigned: false)
            solo.idle(200)
        }
        #expect(solo.standsBack)
        #expect(said(solo) == ["other"])
        #expect(solo.done.leaderRecords.isEmpty)
    }

    @Test("silence of a broker that is away, or of one's own pause, is not the others'")
    func watchesAgain() {
        for isPause in [false, true] {
            let solo = arriving(keyless, forMs: 1000) {
                $0.readVoid(.leader(leaderRecord(by: 2, term: 1)), isSigned: true)
            }
            if isPause {
                solo.sleep(10_000)
                solo.wait(1)
            } else {
                solo.give(.brokerLost)
                solo.wait(10_000)
                solo.give(.brokerFound)
            }
            #expect(!solo.done.isReady)
            live(solo, 4000) { $0.readVoid(.leader(leaderRecord(by: 2, term: 1)), isSigned: true) }
            #expect(!solo.done.isReady && said(solo) == ["other"])
        }
    }

    @Test("what is old keeps nobody out")
    func oldWords() {
        var isFirst = true
        let solo = arriving(requiring, forMs: 2400) {
            if isFirst { $0.readVoid(.leader(leaderRecord(by: 3, term: 9)), isSigned: true) }
            isFirst = false
        }
        #expect(solo.done.isReady && said(solo).isEmpty)
    }

    @Test("who meets a member for which its words are void does not join")
    func refusedByMember() {
        let solo = arriving(keyless, forMs: 4000) {
            speaks(5, accepts: AcceptedKeys(7), on: $0)
            leads(accepts: AcceptedKeys(7, or: 0), on: $0)
        }
        #expect(solo.standsBack && said(solo) == ["not by 5"] && !solo.done.isReady)
        live(solo, 4000) {
            speaks(5, accepts: AcceptedKeys(7, or: 0), on: $0)
            leads(accepts: AcceptedKeys(7, or: 0), on: $0)
        }
        #expect(solo.done.isReady && said(solo) == ["not by 5", "accepted"])
    }

    @Test("who requires signatures waits for those that do not sign, but not where the leader does")
    func tooEarly() {
        for leaderRequires in [false, true] {
            let solo = arriving(requiring, forMs: 4000) {
                $0.readVoid(.heartbeat(heartbeat(by: 5)), isSigned: false)
                leads(accepts: leaderRequires ? AcceptedKeys(7) : AcceptedKeys(7, or: 0), on: $0)
            }
            #expect(said(solo) == (leaderRequires ? [] : ["early"]))
            #expect(solo.done.isReady == leaderRequires)
        }
    }

    @Test("a leader's heartbeats say what it accepts, where its claim says less, or was not read")
    func leadersHeartbeat() {
        let second = arriving(requiring, forMs: 4000) {
            $0.readVoid(.heartbeat(heartbeat(by: 5)), isSigned: false)
            leads(accepts: AcceptedKeys(7, or: 0), on: $0)
            speaks(2, accepts: AcceptedKeys(7), on: $0)
        }
        #expect(second.done.isReady && said(second).isEmpty)
        let solo = arriving(keyless, forMs: 4000) {
            leads(accepts: AcceptedKeys(), on: $0)
            speaks(2, accepts: AcceptedKeys(7), on: $0)
        }
        #expect(solo.standsBack && said(solo) == ["not by 2"])
    }

    @Test("a worker whose words are void for a new leader has no job and no say, and says why")
    func refusedByLeader() {
        let solo = Solo()
        solo.follow()
        let order = Order.assign(assignment(0, to: 1))
        solo.idle(10)
        solo.read(leaderRecord(.addMember(worker(1), solo.settings.incarnation), by: 2, term: 1))
        solo.read(leaderRecord(order, by: 2, term: 1), emptyPayload)
        solo.renewLease()
        #expect(solo.done.starts.count == 1)
        leads(3, term: 2, accepts: AcceptedKeys(7), on: solo)
        #expect(solo.done.kills.count == 1 && solo.standsBack)
        #expect(said(solo) == ["not by 3"] && solo.counters[.standsBack] == 1)
        solo.clear()
        live(solo, 4000) { leads(3, term: 2, accepts: AcceptedKeys(7), on: $0) }
        #expect(solo.done.heartbeats.isEmpty && solo.done.candidacies.isEmpty)
        // Another leads that is one step behind.
        live(solo, 4000) { leads(2, term: 3, accepts: AcceptedKeys(7, or: 0), on: $0) }
        #expect(said(solo) == ["accepted"] && !solo.done.heartbeats.isEmpty)
    }

    @Test("claims and heartbeats say what their writer accepts")
    func saysWhatItAccepts() {
        let solo = Solo(requiring)
        solo.join()
        solo.winElection()
        let heartbeats = solo.done.heartbeats
        #expect(!heartbeats.isEmpty && heartbeats.allSatisfy { $0.accepts == AcceptedKeys(7) })
        let claims = solo.done.leaderRecords.filter {
            if case .claim = $0.order { true } else { false }
        }
        #expect(claims.map(\.accepts) == [AcceptedKeys(7)])
    }

    @Test("of two keys either is accepted; they are written in one number")
    func accepted() {
        let both = AcceptedKeys(7, or: 0)
        #expect(both.contains(7) && both.contains(0) && !both.contains(8))
        #expect(AcceptedKeys(7).isWithin(both) && !both.isWithin(AcceptedKeys(7)))
        #expect(AcceptedKeys(0x1A2B_3C4D, or: 0).bits == 0x1A2B_3C4D_0000_0000)
        #expect(AcceptedKeys(bits: both.bits) == both)
        #expect(AcceptedKeys() == AcceptedKeys(bits: 0))
    }
}
