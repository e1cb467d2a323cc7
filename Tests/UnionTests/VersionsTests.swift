import Testing

@testable import Union

/// Boards of several versions in one union (docs/design.md, section 2). The node under test, worker 1,
/// speaks 2 and reads from 1 on.
@Suite("Versions that differ")
struct VersionsTests {
    private static let later = Versions(newest: 3, oldest: 3)
    private static let both = Versions(newest: 3, oldest: 2)

    private func leads() -> Solo {
        let solo = Solo()
        solo.lead()
        return solo
    }

    private func spoken(_ solo: Solo) -> [Int32] {
        solo.done.notices.compactMap { if case .speaks(let newest, _) = $0 { newest } else { nil } }
    }

    private func isCalledOther(_ solo: Solo) -> [WorkerID] {
        solo.done.notices.compactMap {
            if case .otherVersion(let id, _, _) = $0 { id } else { nil }
        }
    }

    // MARK: Whom a leader takes in

    @Test("a leader speaks the oldest protocol among its members")
    func speaksOldest() {
        let solo = leads()
        solo.addMember(2)
        #expect(spoken(solo).isEmpty)
        solo.report(3) { $0.versions = .unsaid }
        #expect(spoken(solo) == [1])
        for _ in 0..<12 {
            solo.live(200)
            solo.report(2)
            solo.readBack()
        }
        #expect(solo.done.removed == [worker(3)])
        #expect(spoken(solo) == [1, 2])
    }

    @Test("members that would drop what they have started are not told to drop what they have not")
    func noStalledOrders() {
        for isOld in [true, false] {
            let solo = leads()
            func report(_ running: [Offset], started: Offset?) {
                solo.report(2, running: running, started: started) {
                    if isOld { $0.versions = .unsaid }
                }
            }
            report([], started: nil)
            solo.readBack()
            for i in 0..<4 {
                solo.read(request("r\(i)", op: "noop"))
                solo.read(result(of: Offset(i), by: 2, durationMs: 0))
            }
            for i in 4..<7 {
                solo.read(request("r\(i)", op: "noop"))
                solo.readBack()
            }
            let given = solo.done.assignments.map(\.attempt.requestOffset).filter { $0 >= 4 }
            #expect(given.count > 1)
            for _ in 0..<5 {
                solo.live(100)
                report(given, started: 0)
                solo.readBack()
            }
            #expect(solo.done.cancels.isEmpty == isOld)
        }
    }

    @Test("who does not read what the union speaks is no member, and is named once")
    func otherVersion() {
        let solo = leads()
        for _ in 0..<3 { solo.report(2) { $0.versions = Self.later } }
        #expect(solo.done.added.isEmpty && isCalledOther(solo) == [worker(2)])
        // Nor one that knows it, and follows nobody.
        solo.report(3) { ($0.versions, $0.leaderID) = (Self.later, nil) }
        #expect(isCalledOther(solo) == [worker(2), worker(3)])
    }

    @Test("members that are there have their way: who would not be understood by one is not added")
    func membersFirst() {
        let solo = leads()
        solo.report(2) { $0.versions = .unsaid }
        solo.report(3) { $0.versions = Self.both }
        #expect(solo.done.added == [worker(2)] && isCalledOther(solo) == [worker(3)])
        let other = leads()
        other.report(3) { $0.versions = Self.both }
        other.report(2) { $0.versions = .unsaid }
        #expect(other.done.added == [worker(3)] && isCalledOther(other) == [worker(2)])
    }

    @Test("who has read our orders and follows nobody ends what it has no more")
    func outsideMember() {
        let solo = leads()
        solo.addMember(2)
        solo.read(request("a"))
        solo.readBack()
        for _ in 0..<14 {
            solo.live(200)
            solo.report(2, running: []) { $0.leaderID = nil }
            solo.readBack()
        }
        #expect(solo.done.cancels.map(\.requestOffset) == [0])
        #expect(solo.done.assignments.map(\.attempt.attempt).contains(2))
    }

    // MARK: Who follows

    private func claim(_ solo: Solo, _ versions: Versions, term: Term, by number: Int = 2) {
        var r = leaderRecord(.claim, by: number, term: term, sentAt: solo.now)
        r.versions = versions
        solo.read(r)
    }

    private func lastHeartbeat(_ solo: Solo) -> Heartbeat {
        solo.idle(300)
        return solo.done.heartbeats.last!
    }

    private func differs(_ solo: Solo) -> Int {
        solo.done.notices.count { if case .versionDiffers = $0 { true } else { false } }
    }

    @Test("who does not understand its leader drops what it has, does not follow, and says so")
    func outside() {
        let solo = Solo()
        solo.follow()
        solo.renewLease()
        solo.read(leaderRecord(.assign(assignment(0, to: 1)), by: 2, term: 1), emptyPayload)
        #expect(solo.done.starts.count == 1)
        claim(solo, Self.later, term: 2)
        #expect(solo.done.kills.count == 1)
        let h = lastHeartbeat(solo)
        #expect(h.leaderID == nil && h.term == 2 && h.isLeftOut && differs(solo) == 1)
        // It takes nothing, though it was added when that was on its way.
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 2))
        solo.read(leaderRecord(.assign(assignment(1, to: 1)), by: 2, term: 2), emptyPayload)
        #expect(solo.done.starts.count == 1)
        claim(solo, .current, term: 3)
        #expect(lastHeartbeat(solo).leaderID == worker(2))
    }

    @Test("who comes late hears from the leader's heartbeats what it speaks")
    func outsideByHeartbeat() {
        let solo = Solo()
        solo.join()
        solo.read(leaderRecord(by: 2, term: 1))
        var h = heartbeat(by: 2, leader: 2, term: 1)
        h.versions = Self.later
        solo.read(h)
        #expect(lastHeartbeat(solo).leaderID == nil)
        h.versions = .current
        solo.read(h)
        #expect(lastHeartbeat(solo).leaderID == worker(2))
        // Where its claim was read, nobody says otherwise in its name.
        claim(solo, .current, term: 2)
        h.versions = Self.later
        solo.read(h)
        #expect(lastHeartbeat(solo).leaderID == worker(2))
    }

    @Test("who does not read protocol 1 follows nobody before it is said what he speaks")
    func unknownLeader() {
        let solo = Solo { $0.versions = Self.both }
        solo.join()
        solo.read(leaderRecord(by: 2, term: 1))
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 1))
        solo.read(leaderRecord(.assign(assignment(0, to: 1)), by: 2, term: 1), emptyPayload)
        #expect(solo.counters[.accepted] == 0 && lastHeartbeat(solo).leaderID == nil)
        solo.read(heartbeat(by: 2, leader: 2, term: 1))
        #expect(lastHeartbeat(solo).leaderID == worker(2))
    }

    @Test("who was outside does not run for leader while one of those inside is heard")
    func abstains() {
        for isAlone in [false, true] {
            let solo = Solo()
            solo.follow(isAdded: false)
            claim(solo, Self.later, term: 2)
            for _ in 0..<15 {
                var h = heartbeat(by: 3)
                h.versions = isAlone ? .current : Self.later
                solo.read(h)
                solo.idle(200)
            }
            #expect(solo.done.candidacies.isEmpty != isAlone)
            guard !isAlone else { continue }
            // They are gone.
            solo.idle(10_000)
            #expect(!solo.done.candidacies.isEmpty)
        }
    }

    @Test("who reads less than others waits longer, and ranks itself lower")
    func readsLess() {
        func campaign(_ versions: Versions) -> (rankings: [Int32], at: Instant) {
            let solo = Solo()
            solo.follow()
            func live(_ ms: Int64) {
                for _ in 0..<(ms / 200) where solo.done.candidacies.isEmpty {
                    var h = heartbeat(by: 3)
                    h.versions = versions
                    solo.read(h)
                    solo.idle(200) { !solo.done.candidacies.isEmpty }
                }
            }
            live(600)
            solo.read(leaderRecord(by: 2, term: 1))
            live(4000)
            return (solo.done.candidacies.map(\.ranking), solo.now)
        }
        let (alike, early) = campaign(.current)
        let (less, late) = campaign(Self.both)
        #expect(alike.first == 100 && less.first == 0)
        #expect(late > early)
    }

    // MARK: What later versions write

    @Test("an order that is not known is the leader's word all the same")
    func unknownOrder() {
        let solo = Solo()
        solo.follow()
        for _ in 0..<10 {
            solo.read(leaderRecord(.unknown, by: 2, term: 1, sentAt: solo.now))
            solo.idle(400)
        }
        #expect(solo.done.candidacies.isEmpty && solo.counters[.unknownOrders] == 10)
        // But it begins no tenure, and makes no record late: who does not read it judges alike.
        solo.read(leaderRecord(.unknown, by: 3, term: 5, sentAt: solo.now))
        #expect(solo.node.term == 1)
        solo.read(leaderRecord(by: 2, term: 1, sentAt: ms(1)))
        #expect(solo.counters[.voidRecords] == 1)
    }

    @Test("what older versions do not hear earns no lease")
    func unheardLease() {
        var longer = Checkpoint(requestsNext: 0, resultsNext: 0)
        longer.saysMore = true
        for order in [Order.unknown, .checkpoint(longer)] {
            let solo = leads()
            solo.sleep(600)
            solo.read(leaderRecord(order, by: 1, term: solo.node.term, sentAt: solo.now))
            #expect(solo.leads)
            solo.sleep(300)
            #expect(!solo.leads)
        }
    }

    // MARK: What older versions do not say

    @Test("a worker's lease under a leader that does not say how long it waits is short enough")
    func shortLease() {
        // 800 ms * 12 / 5 = 1920; of which 2 % and 200 ms to die: 1681.
        let lengths = [true, false].map { saysTimeout in
            let solo = Solo()
            solo.join()
            var r = leaderRecord(.claim, by: 2, term: 1)
            if !saysTimeout { r.memberTimeoutMs = nil }
            solo.read(r)
            solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 1))
            solo.renewLease()
            let first = solo.node.jobsUntil.us - solo.now.us
            var said = Checkpoint(requestsNext: 0, resultsNext: 0)
            said.memberTimeoutMs = 2000
            solo.read(leaderRecord(.checkpoint(said), by: 2, term: 1))
            solo.renewLease()
            return [first, solo.node.jobsUntil.us - solo.now.us]
        }
        let own = Int64(Solo().settings.workerLeaseMs)
        #expect(lengths[0][0] == lengths[0][1] && lengths[0][1] == lengths[1][1])
        #expect(lengths[0][0] - lengths[1][0] == (own - 1681) * 1000)
    }

    @Test("who does not say how long its jobs run on unheard may be of the slowest pace")
    func slowestHold() {
        let solo = leads()
        solo.report(2) { ($0.workerLeaseMs, $0.killGraceMs) = (nil, nil) }
        solo.readBack()
        solo.report(3)
        solo.read(request("a"))
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(2)])
        func live(_ ms: Int64) {
            for _ in 0..<(ms / 100) {
                solo.live(100)
                solo.report(3)
                solo.readBack()
            }
        }
        live(9700)
        #expect(solo.done.removed.isEmpty)
        live(300)
        #expect(solo.done.removed == [worker(2)])
    }

    @Test("beside a board that may lead next, and wait for less, a worker's lease is as short")
    func shortBesideOlder() {
        let lengths = [Versions.current, .unsaid].map { versions in
            let solo = Solo()
            solo.follow()
            for _ in 0..<4 {
                var h = heartbeat(by: 3)
                h.versions = versions
                solo.read(h)
                solo.renewLease()
            }
            return solo.node.jobsUntil.us - solo.now.us
        }
        #expect(lengths[0] - lengths[1] == Int64(Solo().settings.workerLeaseMs - 1681) * 1000)
    }

    @Test("a worker whose lease would end before it is renewed takes nothing from such a leader")
    func tooShort() {
        for isOld in [true, false] {
            // 800 ms * 12 / 5 and 2 %, and 1,500 to die: 381 are left, and 700 are needed.
            let solo = Solo {
                ($0.killGraceMs, $0.memberTimeoutMs, $0.ackTimeoutMs) = (1500, 4000, 4000)
            }
            solo.join()
            var r = leaderRecord(.claim, by: 2, term: 1)
            if isOld { r.memberTimeoutMs = nil }
            solo.read(r)
            solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 1))
            solo.renewLease()
            solo.read(leaderRecord(.assign(assignment(0, to: 1)), by: 2, term: 1), emptyPayload)
            #expect(solo.counters[.notAccepted] == (isOld ? 1 : 0))
            #expect(solo.done.starts.count == (isOld ? 0 : 1))
        }
    }

    @Test("an outcome of a later version counts, proves nothing, and is not said again")
    func unknownStatus() {
        let solo = leads()
        solo.addMember(2)
        solo.read(request("a"))
        solo.read(request("a"))
        solo.readBack()
        solo.read(result(of: 0, by: 2, .unknown, id: "a"))
        #expect(solo.counters[.settled] == 1)
        solo.live(300)
        let said = solo.done.results.last
        #expect(said?.duplicateOf == 0 && said?.status == .failed)
        #expect(result(of: 0, by: 2, .unknown).digest == 0)
        #expect(result(of: 0, by: 2, .failed).digest != 0)
    }

    @Test("a leader whose id another has does not say for that one that it has nothing")
    func twinOfLeader() {
        for isHeard in [true, false] {
            let solo = leads()
            solo.read(request("a"))
            solo.readBack()
            #expect(solo.done.starts.count == 1)
            // What a life before it had: it does not know whether that one lives.
            let index = solo.node.leader.ledger.find(0)!
            let worker = solo.node.leader.ledger.entries[index].workerID
            #expect(worker == UnionTests.worker(1))
            for _ in 0..<3 {
                if isHeard { solo.read(heartbeat(by: 1, incarnation: 9)) }
                solo.live(100)
            }
            let roster = solo.node.leader.roster.find(UnionTests.worker(1))!
            let speaks = solo.node.leader.roster.speaksForAll(roster, solo.node.desk)
            #expect(speaks != isHeard)
        }
    }

    @Test("two elections to which nobody came end an outside board's patience")
    func patience() {
        let solo = Solo()
        solo.follow(isAdded: false)
        claim(solo, Self.later, term: 2)
        for _ in 0..<80 where solo.done.candidacies.isEmpty {
            var h = heartbeat(by: 3)
            h.versions = Self.later
            solo.read(h)
            solo.idle(200)
        }
        #expect(!solo.done.candidacies.isEmpty)
    }

    @Test("who speaks under one id does not speak for another that is heard under it")
    func twoUnderOneID() {
        for isHeard in [true, false] {
            let solo = leads()
            solo.addMember(2)
            solo.read(request("a"))
            solo.readBack()
            for _ in 0..<12 {
                solo.live(200)
                // It cannot read, and has what was given to it.
                if isHeard { solo.report(2, running: [0], incarnation: 9) { $0.leaderOffset = 0 } }
                solo.report(2)
                solo.readBack()
            }
            #expect(solo.done.cancels.map(\.requestOffset) == [0])
            #expect(solo.done.assignments.map(\.attempt.attempt) == (isHeard ? [1] : [1, 2]))
        }
    }
}
