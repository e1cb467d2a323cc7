import Testing

@testable import Union

/// What a leader does when the broker has lost results (design, section 12): a request whose outcome
/// is not there any more is open again.
@Suite("Lost results")
struct LostResultsTests {
    /// Worker 1 has followed worker 2, whose checkpoints said `rows` first and then, what was settled
    /// since left out, `later`; it leads now, with worker 5, and has read all of `results`, which holds
    /// 0 ..< `results`, and of `requests`, which holds 0 ..< 10.
    private func leader(
        rows: [OpenWork], then later: [OpenWork], resultsNext: Offset = 0, results: Offset
    ) -> Solo {
        let solo = Solo()
        solo.follow()
        for (list, next) in [(rows, resultsNext), (later, results)] {
            let order = Order.checkpoint(Checkpoint(requestsNext: 10, resultsNext: next))
            solo.read(leaderRecord(order, by: 2, term: 1), packed(list))
        }
        solo.idle(900)
        solo.read(leaderRecord(.resign, by: 2, term: 1))
        solo.winElection()
        solo.ends[Int(Topic.requests.rawValue)] = 10
        solo.give(.bounds(.results, low: 0, high: results, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 0, high: 10, askedAt: solo.now))
        for offset in 0..<results {
            solo.read(.result(result(of: offset, by: 2, id: "s\(offset)")), at: offset)
        }
        solo.reachEnd(.results)
        solo.addMember(5)
        solo.clear()
        return solo
    }

    /// The broker has 0 ..< `end` of `results` now, and they are read again.
    private func loseResults(from end: Offset, on solo: Solo) {
        solo.give(.vanished(.results))
        solo.give(.bounds(.results, low: 0, high: end, askedAt: solo.now))
        for offset in 0..<end {
            solo.read(.result(result(of: offset, by: 2, id: "s\(offset)")), at: offset)
        }
        solo.ends[Int(Topic.results.rawValue)] = end
        solo.reachEnd(.results)
    }

    @Test("after an outage the last result is read again: it may be another now")
    func doubted() {
        let solo = leader(rows: [], then: [], results: 3)
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        #expect(solo.done.seeks(.results) == [2])
        let other = result(of: 2, by: 3, id: "s2")
        solo.read(.result(other), at: 2)
        #expect(solo.done.asks.contains(.results), "another stands there: what else is lost?")
    }

    @Test(
        "what cannot be read is told from a result, and from others of its kind",
        arguments: [
            ("", "not JSON", true), ("not JSON", "", true), ("not JSON", "status is missing", true),
            ("not JSON", "not JSON", false),
        ])
    func unreadable(first: String, then: String, isLost: Bool) {
        let solo = leader(rows: [], then: [], results: 3)
        read(first, at: 3, solo)
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        solo.clear()
        read(then, at: 3, solo)
        #expect(solo.done.asks.contains(.results) == isLost)
    }

    /// A record of `results` that cannot be read for this reason; empty: one that can.
    private func read(_ why: String, at offset: Offset, _ solo: Solo) {
        guard why.isEmpty else {
            return solo.give(.malformed(.results, RequestID(), offset), Array(why.utf8))
        }
        solo.read(.result(result(of: offset, by: 2, id: "s\(offset)")), at: offset)
    }

    @Test("results that end before what was read last are lost")
    func shorter() {
        let solo = leader(rows: [], then: [], results: 3)
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        solo.clear()
        solo.give(.reachedEnd(.results, 2))
        #expect(solo.done.asks.contains(.results))
    }

    @Test("where the last result stands as it did nothing is lost")
    func undoubted() {
        let solo = leader(rows: [], then: [], results: 3)
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        solo.clear()
        solo.read(.result(result(of: 2, by: 2, id: "s2")), at: 2)
        #expect(!solo.done.asks.contains(.results))
    }

    @Test("what a checkpoint has left out, and has no outcome any more, is open again")
    func droppedAgain() {
        let solo = leader(
            rows: [openWork(3, attempt: 2, failures: 1, worker: 5)], then: [], results: 2)
        loseResults(from: 1, on: solo)
        #expect(solo.counters[.openedAgain] == 1)
        solo.read(.request(request("r3")), emptyPayload, at: 3)
        solo.readBack()
        let again = solo.done.assignments.first { $0.attempt.requestOffset == 3 }
        #expect(again?.attempt.attempt == 3, "numbers go on")
        #expect(again?.failures == 1)
    }

    @Test("what results do not hold because they expired is not open again")
    func expired() {
        let solo = leader(
            rows: [openWork(3)], then: [], resultsNext: 1, results: 4)
        solo.give(.vanished(.results))
        solo.give(.bounds(.results, low: 2, high: 3, askedAt: solo.now))
        solo.read(.result(result(of: 2, by: 2, id: "s2")), at: 2)
        solo.ends[Int(Topic.results.rawValue)] = 3
        solo.reachEnd(.results)
        #expect(solo.counters[.openedAgain] == 0, "it had no outcome before a place that is gone")
    }

    @Test("the last requests are read again: not all of them were ever said to be open")
    func lastRequestsAgain() {
        let solo = leader(rows: [], then: [], results: 2)
        loseResults(from: 1, on: solo)
        #expect(solo.done.seeks(.requests).last == 0)
        solo.read(.request(request("s0")), emptyPayload, at: 0)
        solo.read(.request(request("s1")), emptyPayload, at: 1)
        solo.readBack()
        #expect(
            solo.done.assignments.map { string($0.request.requestID) } == ["s1"],
            "the outcome of the first is still there")
    }

    @Test("a row whose outcome was read since its checkpoint, and is lost, is open again")
    func rowAgain() {
        let solo = Solo()
        solo.follow()
        let order = Order.checkpoint(Checkpoint(requestsNext: 10, resultsNext: 0))
        let row = openWork(3, attempt: 1, worker: 2)
        solo.read(leaderRecord(order, by: 2, term: 1), packed([row]))
        solo.idle(900)
        solo.read(leaderRecord(.resign, by: 2, term: 1))
        solo.winElection()
        solo.ends[Int(Topic.requests.rawValue)] = 10
        solo.give(.bounds(.results, low: 0, high: 1, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 0, high: 10, askedAt: solo.now))
        solo.read(.result(result(of: 3, by: 2)), at: 0)
        solo.reachEnd(.results)
        #expect(solo.counters[.settled] == 1)
        loseResults(from: 0, on: solo)
        #expect(solo.counters[.openedAgain] == 1)
        #expect(solo.node.leader.ledger.fetching == 1, "nobody has it any more")
    }
}
