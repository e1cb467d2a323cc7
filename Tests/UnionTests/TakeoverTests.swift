import Testing

@testable import Union

/// How a new leader learns what is open, and what it does about it (design, section 6, takeover).
@Suite("Takeover")
struct TakeoverTests {
    private func tookOver(_ solo: Solo) -> (open: Int32, assigned: Int32)? {
        for case .tookOver(let open, let assigned) in solo.done.notices { return (open, assigned) }
        return nil
    }

    private func fetch(_ offset: Offset, id: String? = nil, on solo: Solo) {
        solo.read(.request(request(id ?? "r\(offset)")), emptyPayload, at: offset)
    }

    private func digest(_ id: String) -> Digest {
        let payload = emptyPayload
        return request(id).digest(payload.span)
    }

    private func live(_ solo: Solo, _ milliseconds: Int64, _ running: [Int: [Offset]]) {
        for _ in 0..<(milliseconds / 200) {
            solo.live(200)
            for (number, offsets) in running.sorted(by: { $0.key < $1.key }) {
                solo.report(number, running: offsets)
            }
            solo.readBack()
        }
    }

    // MARK: A leader alone

    @Test(
        "what a leader alone has from before counts, also where it is heard only after its takeover"
    )
    func ownWorkBeforeHeard() {
        let solo = Solo()
        solo.follow()
        let order = Order.checkpoint(Checkpoint(requestsNext: 10, resultsNext: 0))
        solo.read(leaderRecord(order, by: 2, term: 1), packed([openWork(3, attempt: 1, worker: 1)]))
        solo.read(leaderRecord(.resign, by: 2, term: 1))
        // None of its own heartbeats is read before it leads.
        while !solo.leads {
            solo.wait(50)
            solo.readBackOnce { $0.topic != .heartbeat }
        }
        answer(solo)
        #expect(tookOver(solo).map { $0 == (1, 1) } == true)
        solo.report(1, running: [3])
        solo.read(request("next"))
        #expect(solo.done.assignments.isEmpty, "its one slot is taken")
    }

    // MARK: Results first

    @Test("results are read up to where they ended at the claim before anything is assigned")
    func resultsFirst() {
        let solo = claimed(rows: [openWork(3)])
        #expect(solo.done.asks.suffix(2) == [.results, .requests])
        solo.addMember(5)
        answer(solo, results: 2)
        #expect(solo.done.seeks(.results) == [0])
        #expect(solo.done.seeks(.requests).isEmpty)
        solo.read(result(of: 1, by: 2))
        #expect(tookOver(solo) == nil)
        solo.read(result(of: 3, by: 2))
        solo.reachEnd(.results)
        #expect(tookOver(solo) ?? (9, 9) == (0, 0), "settled meanwhile")
        #expect(solo.done.seeks(.requests) == [10], "nothing to fetch: what is new is next")
        #expect(solo.done.assignments.isEmpty)
    }

    @Test("results are read to their end also where the broker's answer said less")
    func answerSaidLess() {
        let solo = claimed(rows: [openWork(3)])
        answer(solo, results: 1)
        solo.addMember(5)
        solo.read(result(of: 1, by: 2))
        #expect(tookOver(solo) == nil)
        solo.read(result(of: 3, by: 2))
        solo.reachEnd(.results)
        #expect(tookOver(solo) ?? (9, 9) == (0, 0))
    }

    @Test("results that end earlier than was answered, for the broker has lost some, are read")
    func answerSaidMore() {
        let solo = claimed(rows: [])
        answer(solo, results: 5)
        solo.read(result(of: 1, by: 2))
        solo.reachEnd(.results)
        #expect(tookOver(solo) ?? (9, 9) == (0, 0))
    }

    @Test("empty topics are read to their end at once")
    func emptyTopics() {
        let solo = claimed(rows: [], requestsNext: 0)
        answer(solo, requests: 0)
        #expect(tookOver(solo) ?? (9, 9) == (0, 0))
        #expect(solo.done.seeks(.results) == [0])
        #expect(solo.wantsRequests)
    }

    @Test("results whose records are gone are read from the first that is there")
    func resultsTrimmed() {
        let solo = claimed(rows: [], resultsNext: 1000)
        solo.give(.bounds(.results, low: 900, high: 1100, askedAt: solo.now))
        #expect(solo.done.seeks(.results) == [900])
    }

    @Test("results are read from a little before the checkpoint: ids settled a short while ago")
    func recentIDs() {
        let solo = claimed(rows: [], resultsNext: 2000)
        solo.give(.bounds(.results, low: 0, high: 2100, askedAt: solo.now))
        let from = solo.done.seeks(.results)[0]
        #expect(from == 2000 - Offset(Limits.recentlySettled))
        solo.give(.bounds(.requests, low: 0, high: 11, askedAt: solo.now))
        solo.ends[Int(Topic.results.rawValue)] = 2099
        solo.read(result(of: 2, by: 2, id: "old"))
        solo.reachEnd(.results)
        solo.addMember(5)
        solo.ends[Int(Topic.requests.rawValue)] = 10
        solo.read(request("old"))
        #expect(solo.done.assignments.isEmpty)
        #expect(solo.counters[.duplicates] == 1)
    }

    @Test("an outcome that stands in results already is not produced again: the request is passed")
    func settledAhead() {
        let solo = claimed(rows: [])
        answer(solo, results: 1, requests: 12)
        solo.read(result(of: 11, by: 2, id: "r11"))
        solo.reachEnd(.results)
        solo.addMember(5)
        solo.clear()
        solo.ends[Int(Topic.requests.rawValue)] = 10
        solo.read(request("r10"))
        solo.read(request("r11"))
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [10])
        #expect(solo.counters[.admitted] == 1)
    }

    @Test("an outcome of a request that was not there after it was read is void")
    func farOutcome() {
        let solo = claimed(rows: [])
        answer(solo, results: 2, requests: 12)
        solo.read(result(of: 11, by: 2, id: "r11"))
        let askedAt = solo.now
        solo.clear()
        solo.read(result(of: 9_000_000, by: 2, id: "far"))
        #expect(solo.done.asks == [.requests], "is it there?")
        solo.reachEnd(.results)
        // This answer is older than the result.
        solo.wait(10)
        solo.read(result(of: 8_000_000, by: 2, id: "farther"))
        solo.give(.bounds(.requests, low: 0, high: 12, askedAt: askedAt.adding(us: 1000)))
        #expect(solo.node.leader.ledger.settledAhead == 2)
        #expect(solo.counters[.voidResults] == 1)
        solo.clear()
        solo.wait(10)
        solo.give(.bounds(.requests, low: 0, high: 12, askedAt: solo.now))
        #expect(solo.node.leader.ledger.settledAhead == 1)
        #expect(solo.counters[.voidResults] == 2)
        solo.addMember(5, slots: 4)
        solo.ends[Int(Topic.requests.rawValue)] = 10
        for id in ["r10", "r11", "r12"] { solo.read(request(id)) }
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [10, 12])
        solo.live(1100)
        #expect(solo.done.checkpoints.last?.resultsNext == 3)
    }

    @Test("a second outcome of a request that is still to be read is void")
    func outcomeAheadTwice() {
        let solo = claimed(rows: [], requestsNext: 3)
        answer(solo, results: 2)
        solo.read(result(of: 5, by: 2))
        solo.read(result(of: 5, by: 4))
        solo.reachEnd(.results)
        #expect(solo.counters[.voidResults] == 1)
        #expect(solo.node.leader.ledger.settledAhead == 1)
    }

    @Test("an attempt of that number, of before a loss, does not end the present one")
    func attemptOfEarlierTerm() {
        let solo = Solo()
        solo.follow(term: 5)
        solo.idle(900)
        solo.read(leaderRecord(.resign, by: 2, term: 5))
        solo.winElection()
        solo.takeOver()
        solo.addMember(2)
        solo.read(request("a"))
        solo.readOver(result(of: 0, by: 2, .failed, final: false, id: "a", term: 5))
        #expect(solo.done.assignments.count == 1)
        solo.readOver(result(of: 0, by: 2, .failed, final: false, id: "a", term: 6))
        #expect(solo.done.assignments.count == 2)
    }

    @Test("numbers of attempts that results show are not used again, but for a stranger's")
    func numbersOfResults() {
        let solo = Solo()
        solo.lead()
        solo.addMember(2, slots: 2)
        solo.read(result(of: 50, by: 9, attempt: 7, .failed, final: false, id: "a"))
        solo.read(
            result(of: 51, by: 9, attempt: 1_000_000_000, .failed, final: false, id: "b"))
        for id in ["a", "b"] { solo.read(request(id)) }
        #expect(solo.done.assignments.map(\.attempt.attempt) == [8, 1])
    }

    @Test("an outcome of our own for which a step has no room is written by the next one")
    func noRoomToConclude() {
        let solo = claimed(rows: (0..<100).map { openWork($0) }, requestsNext: 150)
        answer(solo, requests: 151)
        // All that was to be fetched is gone, and what is read instead is malformed.
        solo.ends[Int(Topic.requests.rawValue)] = 151
        solo.give(.malformed(.requests, RequestID(), 150), Array("why".utf8))
        #expect(!solo.done.results.map(\.requestOffset).contains(150))
        solo.live(500)
        #expect(solo.done.results.map(\.requestOffset).contains(150))
    }

    @Test("until it is passed, checkpoints name where reading of results began")
    func settledAheadCheckpoint() {
        let solo = claimed(rows: [], resultsNext: 0)
        answer(solo, results: 2, requests: 12)
        solo.read(result(of: 5, by: 2))
        solo.read(result(of: 11, by: 2, id: "r11"))
        solo.reachEnd(.results)
        solo.live(50)
        #expect(solo.done.checkpoints.last?.resultsNext == 0)
        solo.ends[Int(Topic.requests.rawValue)] = 10
        solo.read(request("r10"))
        solo.read(request("r11"))
        solo.live(1100)
        #expect(solo.done.checkpoints.last?.resultsNext == 2)
        #expect(solo.done.checkpoints.last?.requestsNext == 12)
    }

    @Test("more outcomes ahead than fit into the ledger do not stop it")
    func manyAhead() {
        let solo = claimed(rows: [], requestsNext: 0)
        answer(solo, results: 700, requests: 700)
        for offset in 0..<700 { solo.read(result(of: Offset(offset), by: 2)) }
        solo.reachEnd(.results)
        solo.addMember(5)
        solo.ends[Int(Topic.requests.rawValue)] = 0
        for offset in 0..<700 {
            #expect(solo.wantsRequests)
            solo.read(request("r\(offset)"))
            solo.readBack()
        }
        #expect(solo.wantsRequests)
        solo.clear()
        solo.read(request("new"))
        #expect(solo.done.assignments.map { string($0.request.requestID) } == ["new"])
    }

    @Test("a new request finds room among outcomes that lie ahead: the furthest is forgotten")
    func roomAmongAhead() {
        let solo = claimed(rows: [], requestsNext: 0)
        answer(solo, results: 512, requests: 600)
        for offset in 1...512 { solo.read(result(of: Offset(offset), by: 2)) }
        solo.reachEnd(.results)
        solo.addMember(5)
        solo.clear()
        solo.ends[Int(Topic.requests.rawValue)] = 0
        solo.read(request("r0"))
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [0])
    }

    // MARK: What is open

    @Test("what nobody has is fetched by its offset, and assigned at once")
    func unassigned() {
        let solo = claimed(rows: [openWork(3, attempt: 1, failures: 1), openWork(7)])
        answer(solo)
        #expect(tookOver(solo) ?? (9, 9) == (2, 0))
        #expect(solo.done.seeks(.requests) == [3])
        solo.addMember(5)
        solo.addMember(6)
        solo.clear()
        fetch(3, on: solo)
        #expect(solo.done.seeks(.requests) == [7])
        fetch(7, on: solo)
        #expect(solo.done.seeks(.requests) == [7, 10])
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [3, 7])
        #expect(solo.done.assignments.map(\.attempt.attempt) == [2, 1], "numbers go on")
        #expect(solo.done.assignments.map(\.failures) == [1, 0])
    }

    @Test("an assigned request stays where its worker reports it")
    func undisturbed() {
        let solo = claimed(
            rows: [openWork(3, attempt: 2, worker: 5)], assigned: [assignment(12, to: 6)])
        answer(solo, requests: 13)
        #expect(tookOver(solo) ?? (9, 9) == (2, 2))
        live(solo, 10_000, [5: [3], 6: [12]])
        #expect(solo.done.cancels.isEmpty)
        #expect(solo.done.removed.isEmpty)
        #expect(solo.done.assignments.isEmpty)
        #expect(solo.done.seeks(.requests) == [10], "nothing was fetched")
        solo.read(result(of: 3, by: 5, attempt: 2))
        #expect(solo.counters[.settled] == 1)
    }

    @Test("such a worker is busy: it gets nothing beyond its slots")
    func busy() {
        let solo = claimed(rows: [openWork(3, attempt: 2, worker: 5)])
        answer(solo)
        solo.report(5, running: [3])
        solo.readBack()
        solo.read(request("new"))
        #expect(solo.done.assignments.isEmpty)
        solo.read(result(of: 3, by: 5, attempt: 2))
        #expect(solo.done.assignments.count == 1)
    }

    @Test("the leader's own work from before its tenure keeps it busy, too")
    func busyAlone() {
        let solo = claimed(rows: [openWork(3, attempt: 2, worker: 1)])
        answer(solo)
        solo.live(300)
        solo.read(request("new"))
        #expect(solo.done.assignments.isEmpty)
    }

    @Test("what its worker does not report is cancelled when ack_timeout_ms bring no result")
    func reportsWithout() {
        let solo = claimed(rows: [openWork(3, attempt: 1, worker: 5)])
        answer(solo)
        live(solo, 1800, [5: [], 6: []])
        #expect(solo.done.cancels.isEmpty)
        solo.live(300)
        #expect(solo.done.cancels == [Attempt(requestOffset: 3, attempt: 1, workerID: worker(5))])
        solo.report(5)
        #expect(solo.done.seeks(.requests).last == 3, "fetched again, for it must be reassigned")
        fetch(3, on: solo)
        #expect(solo.done.assignments.map(\.attempt.attempt) == [2])
    }

    @Test("what another leader ordered may have started, whatever its worker says of its orders")
    func orderOfAnother() {
        let solo = claimed(rows: [openWork(3, attempt: 1, worker: 5)])
        answer(solo)
        live(solo, 2400, [5: []])
        #expect(solo.done.cancels.count == 1)
        solo.report(5, started: 0)
        fetch(3, on: solo)
        solo.readBack()
        #expect(solo.done.assignments.map(\.failures) == [1])
    }

    @Test("whom nobody has heard member_timeout_ms after the claim is removed, and replaced")
    func unheard() {
        let solo = claimed(rows: [openWork(3, attempt: 1, worker: 5)])
        answer(solo)
        live(solo, 1800, [6: []])
        #expect(solo.done.removed.isEmpty)
        live(solo, 400, [6: []])
        #expect(solo.done.removed == [worker(5)])
        #expect(solo.done.seeks(.requests).last == 3)
        fetch(3, on: solo)
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(6)])
        #expect(solo.done.assignments.map(\.failures) == [1])
    }

    @Test("what is to be fetched again, and was not looked for yet, is not gone")
    func notLookedFor() {
        let rows = (0..<100).map { openWork(Offset($0), attempt: 1, worker: 5) }
        let solo = claimed(rows: rows, requestsNext: 100)
        answer(solo, requests: 100)
        // All of worker 5's jobs end at once: the step has no room to look for their requests.
        solo.reachEnd(.requests)
        solo.live(1900)
        solo.wait(200)
        #expect(solo.done.removed == [worker(5)])
        solo.clear()
        solo.readBackOnce { if case .leader = $0 { true } else { false } }
        #expect(solo.done.seeks(.requests).isEmpty)
        fetch(100, on: solo)
        #expect(solo.done.results.isEmpty)
        #expect(solo.done.seeks(.requests) == [0])
    }

    @Test("requests that end before what was read, as reading shows, are lost")
    func endsBeforeNext() {
        let solo = claimed(rows: [openWork(1)], requestsNext: 5)
        answer(solo, requests: 5)
        #expect(solo.done.seeks(.requests) == [1])
        solo.clear()
        solo.give(.reachedEnd(.requests, 3))
        #expect(solo.counters[.logsLost] == 1)
        #expect(solo.done.seeks(.requests) == [0])
    }

    @Test("whom REMOVE_MEMBER took it from may not have read that: it counts as his still")
    func removedBefore() {
        let solo = Solo()
        solo.follow()
        solo.read(
            leaderRecord(.assign(assignment(0, to: 5)), by: 2, term: 1), emptyPayload)
        solo.read(leaderRecord(.removeMember(worker(5)), by: 2, term: 1))
        solo.idle(900)
        solo.read(leaderRecord(.resign, by: 2, term: 1))
        solo.winElection()
        answer(solo)
        #expect(tookOver(solo) ?? (9, 9) == (1, 1))
        live(solo, 2400, [6: []])
        #expect(solo.done.removed == [worker(5)])
        #expect(solo.done.seeks(.requests).last == 0)
    }

    @Test("a void assignment of a deposed leader is nobody's work")
    func voidAssignment() {
        let solo = Solo()
        solo.follow(term: 3)
        solo.read(
            leaderRecord(.assign(assignment(0, to: 5)), by: 4, term: 2), emptyPayload)
        solo.idle(900)
        solo.read(leaderRecord(.resign, by: 2, term: 3))
        solo.winElection()
        answer(solo, requests: 0)
        #expect(tookOver(solo) ?? (9, 9) == (0, 0))
    }

    @Test("a request that is fetched and that is another's by now is run as what it is")
    func replaced() {
        let solo = claimed(rows: [openWork(3, attempt: 1, failures: 2)])
        answer(solo)
        solo.addMember(5)
        fetch(3, id: "another", on: solo)
        #expect(solo.done.assignments.map(\.failures) == [0])
        solo.read(result(of: 3, by: 5, attempt: 2, id: "another"))
        #expect(solo.counters[.settled] == 1)
    }

    @Test("what a worker has of a lost request is called back, and does not count for the next")
    func usedAgainWhileAssigned() {
        let solo = claimed(rows: [], assigned: [assignment(3, to: 5)], requestsNext: 3)
        answer(solo, requests: 4)
        solo.report(5, running: [3])
        fetch(3, id: "other", on: solo)
        #expect(solo.done.cancels.map(\.requestOffset) == [3])
        solo.readBack()
        #expect(solo.done.assignments.isEmpty, "its worker still has it")
        solo.report(5)
        solo.readBack()
        let next = solo.done.assignments.first
        #expect(next.map { string($0.request.requestID) } == "other")
        #expect(next?.attempt.attempt == 2)
        #expect(next?.failures == 0)
    }

    @Test("what a silent worker had of a lost request ends with its removal")
    func usedAgainWhileSilent() {
        let solo = claimed(rows: [], assigned: [assignment(3, to: 5)], requestsNext: 3)
        answer(solo, requests: 4)
        fetch(3, id: "other", on: solo)
        #expect(solo.done.cancels.map(\.requestOffset) == [3])
        // Worker 6 works; worker 5 is never heard.
        for _ in 0..<60 where solo.done.removed.isEmpty {
            solo.readBack()
            solo.wait(50)
            solo.report(6)
        }
        solo.wait(300)
        #expect(solo.done.removed == [worker(5)], "it is on its way")
        solo.readBack()
        solo.report(6)
        let next = solo.done.assignments.first
        #expect(next.map { string($0.request.requestID) } == "other")
        #expect(next?.failures == 0)
    }

    @Test("an open request whose record the broker has no more is rejected, and says so")
    func vanished() {
        let solo = claimed(rows: [openWork(3), openWork(8)])
        answer(solo, low: 5)
        #expect(solo.done.results.map(\.requestOffset) == [3])
        #expect(solo.done.results[0].status == .rejected)
        #expect(solo.done.results[0].final)
        #expect(solo.done.seeks(.requests) == [8])
        solo.readBack()
        #expect(solo.counters[.settled] == 1)
    }

    @Test("an outcome under its offset's name is not that of a request with an id")
    func outcomeOfAnother() {
        let solo = claimed(rows: [openWork(3)])
        solo.ends[Int(Topic.requests.rawValue)] = 10
        solo.give(.bounds(.results, low: 0, high: 1, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 0, high: 10, askedAt: solo.now))
        solo.read(result(of: 3, by: 2, .rejected, id: "offset-3"))
        solo.reachEnd(.results)
        #expect(tookOver(solo) ?? (9, 9) == (1, 0))
        solo.addMember(5)
        fetch(3, on: solo)
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [3])
    }

    @Test("two outcomes at one offset: the broker lost a request, and the later one counts")
    func outcomesOfTwo() {
        let solo = claimed(rows: [], requestsNext: 0)
        solo.ends[Int(Topic.requests.rawValue)] = 4
        solo.give(.bounds(.results, low: 0, high: 2, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 0, high: 4, askedAt: solo.now))
        solo.read(result(of: 3, by: 2, id: "lost"))
        solo.read(result(of: 3, by: 2))
        solo.reachEnd(.results)
        solo.addMember(5)
        for offset in 0...3 as ClosedRange<Offset> { fetch(offset, on: solo) }
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [0])
        solo.read(result(of: 0, by: 5))
        solo.read(result(of: 1, by: 5))
        solo.read(result(of: 2, by: 5))
        #expect(solo.counters[.admitted] == 3, "the fourth has its outcome")
        #expect(solo.node.leader.ledger.settledAhead == 0, "and is done with")
    }

    @Test("a malformed record where two have their outcomes, one of them it, opens nothing")
    func malformedOfTwo() {
        let solo = claimed(rows: [], requestsNext: 0)
        solo.ends[Int(Topic.requests.rawValue)] = 1
        solo.give(.bounds(.results, low: 0, high: 2, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 0, high: 1, askedAt: solo.now))
        solo.read(result(of: 0, by: 2, id: "lost"))
        solo.read(result(of: 0, by: 2, .rejected, id: "offset-0"))
        solo.reachEnd(.results)
        solo.give(.malformed(.requests, RequestID(), 0), Array("not JSON".utf8))
        solo.live(100)
        #expect(solo.done.results.isEmpty)
        #expect(solo.node.leader.ledger.unfinished == 0)
    }

    @Test("one that is passed over in the reading is gone, too")
    func passedOver() {
        let solo = claimed(rows: [openWork(3)])
        answer(solo)
        fetch(4, on: solo)
        #expect(solo.done.results.map(\.requestOffset) == [3])
    }

    @Test("where the broker lost the end of requests, reading goes on at what there is")
    func requestsCut() {
        let solo = claimed(rows: [openWork(8)])
        answer(solo)
        #expect(solo.done.seeks(.requests) == [8])
        solo.give(.vanished(.requests))
        solo.give(.bounds(.requests, low: 0, high: 5, askedAt: solo.now))
        #expect(solo.done.results.isEmpty, "another will stand at that offset")
        #expect(solo.counters[.requestsForgotten] == 1)
        #expect(solo.done.seeks(.requests).last == 0)
        solo.addMember(5)
        solo.ends[Int(Topic.requests.rawValue)] = 5
        solo.read(request("new"))
        #expect(solo.done.assignments.count == 1)
    }

    // MARK: A broker that lost requests

    @Test("requests that were lost, and had grown beyond that before it was known, are read again")
    func requestsRegrown() {
        let solo = claimed(rows: [])
        answer(solo)
        solo.give(.vanished(.requests))
        solo.give(.bounds(.requests, low: 0, high: 400, askedAt: solo.now))
        #expect(solo.done.seeks(.requests).last == 0)
    }

    @Test("where all was lost, a request that is like the last one proves nothing")
    func likeTheLast() {
        let solo = Solo()
        solo.follow()
        let order = Order.checkpoint(
            Checkpoint(
                requestsNext: 1500, resultsNext: 0, lastRequest: digest("r1499")))
        solo.read(leaderRecord(order, by: 2, term: 1))
        solo.loseLeaderLog()
        solo.winElection()
        solo.give(.bounds(.results, low: 0, high: 0, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 0, high: 1600, askedAt: solo.now))
        solo.reachEnd(.results)
        #expect(solo.node.elector.log.loss.beganAnew)
        #expect(solo.done.seeks(.requests).last == 1499)
        fetch(1499, on: solo)
        #expect(solo.done.seeks(.requests).last == 0)
    }

    @Test("the last request that the leader before has read is compared: it stands there still")
    func lastRequestStands() {
        let last = digest("r9")
        let solo = claimed(rows: [], lastRequest: last)
        answer(solo, requests: 11)
        #expect(solo.done.seeks(.requests) == [9])
        fetch(9, on: solo)
        #expect(solo.done.seeks(.requests) == [9], "reading goes on")
        #expect(solo.counters[.logsLost] == 0)
        fetch(10, on: solo)
        solo.live(10)
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [10])
    }

    @Test(
        "who knows of a loss, and not what was read last, does not take what stands there for another",
        arguments: [false, true])
    func lastRequestUnknown(isKnown: Bool) {
        let solo = Solo()
        solo.follow()
        let checkpoint = Checkpoint(
            requestsNext: 10, resultsNext: 0, lastRequest: isKnown ? digest("r9") : 0)
        solo.read(leaderRecord(.checkpoint(checkpoint), by: 2, term: 1))
        let end = solo.ends[Int(Topic.leader.rawValue)]
        let log = [
            leaderRecord(.claim, by: 2, term: 1), leaderRecord(by: 2, term: 1),
            leaderRecord(.addMember(solo.settings.workerID, 1), by: 2, term: 1),
            leaderRecord(.checkpoint(checkpoint), by: 2, term: 1),
        ]
        #expect(end == Offset(log.count))
        solo.give(.vanished(.leader))
        solo.give(.bounds(.leader, low: 0, high: end, askedAt: solo.now))
        for offset in [0, 3, 0, 1, 2, 3] { solo.read(.leader(log[offset]), at: Offset(offset)) }
        solo.loseUnread()
        solo.runForLeader()
        solo.readBack()
        #expect(solo.node.elector.log.loss.hasLostRecords && solo.node.elector.isMine)
        answer(solo, requests: 11)
        solo.idle(1000) { solo.leads }
        #expect(solo.done.seeks(.requests).last == (isKnown ? 9 : 10))
        fetch(9, id: isKnown ? "other" : "r9", on: solo)
        #expect(solo.counters[.logsLost] == (isKnown ? 2 : 1), "of the leader log, and of requests")
    }

    @Test(
        "a request without an id whose outcome was read is not run again, however full the ledger")
    func unnamedIsKnown() {
        let solo = claimed(rows: [], requestsNext: 10, ledger: 8)
        solo.ends[Int(Topic.requests.rawValue)] = 23
        solo.give(.bounds(.results, low: 0, high: 12, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 0, high: 23, askedAt: solo.now))
        for offset in 10..<22 as Range<Offset> {
            solo.read(result(of: offset, by: 2, id: "offset-\(offset)"))
        }
        solo.reachEnd(.results)
        for offset in 10..<23 as Range<Offset> {
            fetch(offset, id: "", on: solo)
            // Its checkpoint makes room for the next.
            solo.live(1500)
        }
        #expect(solo.counters[.admitted] == 1)
        #expect(solo.counters[.duplicates] == 0)
    }

    @Test("what stands in place of a lost request is not run again where its outcome was read")
    func replacedIsKnown() {
        var row = openWork(3, attempt: 2)
        row.requestKey = request("lost").requestID.key
        let solo = claimed(rows: [row], requestsNext: 4)
        solo.ends[Int(Topic.requests.rawValue)] = 5
        solo.give(.bounds(.results, low: 0, high: 1, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 0, high: 5, askedAt: solo.now))
        solo.read(result(of: 3, by: 2, id: "new"))
        solo.reachEnd(.results)
        fetch(3, id: "new", on: solo)
        fetch(4, on: solo)
        solo.live(10)
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [4])
    }

    @Test("another request where the last one stood: those before it are read again")
    func lastRequestReplaced() {
        let last = digest("r9")
        let solo = claimed(rows: [], lastRequest: last)
        solo.ends[Int(Topic.requests.rawValue)] = 10
        solo.give(.bounds(.results, low: 0, high: 2, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 7, high: 10, askedAt: solo.now))
        for offset in [7, 8] as [Offset] { solo.read(result(of: offset, by: 2)) }
        solo.reachEnd(.results)
        fetch(9, id: "new 9", on: solo)
        #expect(solo.counters[.logsLost] == 1)
        #expect(solo.done.seeks(.requests).last == 7)
        fetch(7, on: solo)
        fetch(8, id: "new 8", on: solo)
        fetch(9, id: "new 9", on: solo)
        solo.live(10)
        #expect(solo.counters[.admitted] == 2, "r7 has its outcome")
        #expect(solo.counters[.duplicates] == 0, "it is the same, and no twin")
        #expect(solo.done.assignments.map { string($0.request.requestID) } == ["new 8"])
    }

    @Test("a lost end is found though requests come all the time, so that none is read")
    func endIsNeverRead() {
        let solo = claimed(rows: [], requestsNext: 345, lastRequest: digest("lost"))
        answer(solo, requests: 3)
        #expect(solo.done.seeks(.requests).last == 3)
        solo.clear()
        fetch(3, on: solo)
        fetch(4, on: solo)
        #expect(solo.done.asks == [.requests])
        solo.give(.bounds(.requests, low: 0, high: 5, askedAt: solo.now))
        #expect(solo.counters[.logsLost] == 1)
        #expect(solo.done.seeks(.requests).last == 0)
        for offset in 0..<5 as Range<Offset> { fetch(offset, on: solo) }
        solo.live(10)
        #expect(solo.counters[.admitted] == 5)
    }

    @Test("a lost end is found also where the last request is not known, or the ledger is full")
    func endIsNeverReadOf() {
        for (rows, ledger) in [([], Limits.ledger), ([openWork(300), openWork(301)], 2)] {
            let solo = claimed(rows: rows, requestsNext: 345, ledger: ledger)
            answer(solo, requests: 3)
            fetch(3, on: solo)
            solo.give(.bounds(.requests, low: 0, high: 4, askedAt: solo.now))
            #expect(solo.counters[.logsLost] == 1)
            for offset in 0..<4 as Range<Offset> { fetch(offset, on: solo) }
            solo.live(10)
            #expect(solo.counters[.admitted] == Int64(min(4, ledger)))
        }
    }

    @Test("an end that was asked for while reading headed elsewhere is asked for once more")
    func oldQuestion() {
        var reader = RequestReader()
        reader.heads(for: 10)
        let asks = [5, 6].map { reader.asksEnd(after: $0) }
        #expect(asks == [true, false])
        reader.heads(for: 10)
        #expect(reader.hasAskedEnd)
        reader.heads(for: 12)
        #expect(!reader.hasAskedEnd)
        let asksAgain = reader.asksEnd(after: 7)
        #expect(asksAgain)
        // That it reaches so far was said since.
        reader.reaches(20)
        reader.heads(for: 12)
        #expect(!reader.hasAskedEnd)
    }

    @Test("where an old answer said less than there is, the last request is compared all the same")
    func answerWasOld() {
        let solo = claimed(rows: [], requestsNext: 9, lastRequest: digest("r8"))
        answer(solo, requests: 3)
        fetch(3, on: solo)
        solo.give(.bounds(.requests, low: 0, high: 9, askedAt: solo.now))
        #expect(solo.done.seeks(.requests).last == 8)
        fetch(8, on: solo)
        fetch(9, on: solo)
        solo.live(10)
        #expect(solo.counters[.logsLost] == 0)
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [9])
    }

    @Test("an old answer that said less is no loss where the topic ends with what was read")
    func nextIsTheEnd() {
        let solo = claimed(rows: [], requestsNext: 9, firstRequest: .init(digest: 1))
        answer(solo, requests: 3)
        fetch(3, on: solo)
        solo.give(.bounds(.requests, low: 0, high: 9, askedAt: solo.now))
        #expect(solo.counters[.logsLost] == 0)
        #expect(solo.done.seeks(.requests).last == 9)
    }

    @Test("an end of requests that is read while results are read again is asked for once more")
    func endIsReadTooEarly() {
        let solo = claimed(rows: [], requestsNext: 345, lastRequest: digest("lost"))
        answer(solo, requests: 3)
        solo.give(.vanished(.results))
        solo.reachEnd(.requests)
        solo.clear()
        solo.give(.bounds(.results, low: 0, high: 0, askedAt: solo.now))
        solo.reachEnd(.results)
        #expect(solo.done.seeks(.requests) == [3])
        solo.reachEnd(.requests)
        #expect(solo.done.seeks(.requests) == [3, 0])
        for offset in 0..<3 as Range<Offset> { fetch(offset, on: solo) }
        solo.live(10)
        #expect(solo.counters[.admitted] == 3)
    }

    @Test("where the first requests are gone, reading begins with those that are there")
    func requestsTrimmed() {
        let solo = claimed(rows: [], requestsNext: 10)
        answer(solo, requests: 50, low: 30)
        #expect(solo.done.seeks(.requests) == [30])
    }

    @Test("an open request beyond the end that is known waits until reading comes there")
    func openBeyondEnd() {
        let solo = claimed(rows: [openWork(40)], requestsNext: 10)
        answer(solo, requests: 20)
        #expect(solo.done.seeks(.requests) == [10])
    }

    @Test("an outcome that was read ahead is no outcome of another request at that offset")
    func foreignOutcome() {
        let solo = claimed(rows: [], requestsNext: 3)
        answer(solo, results: 1, requests: 6)
        solo.read(result(of: 5, by: 2))
        solo.reachEnd(.results)
        solo.addMember(5, slots: 8)
        for (offset, id) in [(3, "r3"), (4, "r4"), (5, "other")] as [(Offset, String)] {
            fetch(offset, id: id, on: solo)
        }
        solo.live(10)
        let ids = solo.done.assignments.map { string($0.request.requestID) }
        #expect(ids == ["r3", "r4", "other"])
        #expect(solo.counters[.offsetsUsedAgain] == 1)
    }

    @Test("that requests are read again is said at once: what lies before would seem settled")
    func lossIsSaid() {
        let solo = leader()
        solo.read(request("r0"))
        solo.read(request("r1"))
        solo.live(1100)
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        solo.give(.bounds(.requests, low: 0, high: 2, askedAt: solo.now))
        solo.live(50)
        solo.clear()
        fetch(1, id: "c", on: solo)
        #expect(solo.done.checkpoints.isEmpty, "all may be lost")
        fetch(0, on: solo)
        #expect(solo.done.checkpoints.map(\.requestsNext) == [0])
    }

    // MARK: A topic that was made anew

    /// A leader that has read five requests of an old topic, of which the first are settled, and the time
    /// has come to look at it.
    private func looking(low: Offset = 0, high: Offset = 9) -> Solo {
        let solo = leader()
        for i in 0..<5 { solo.read(request("r\(i)")) }
        for i in 0..<3 { solo.read(result(of: Offset(i), by: 2)) }
        let first = solo.node.leader.requestsLoss.first
        #expect(first == .init(offset: 0, digest: digest("r0")))
        solo.clear()
        for _ in 0..<60 where !solo.done.asks.contains(.requests) {
            live(solo, 200, [2: [3, 4]])
        }
        #expect(solo.done.asks.contains(.requests), "nobody tells us")
        solo.clear()
        solo.ends[Int(Topic.requests.rawValue)] = high
        solo.give(.bounds(.requests, low: low, high: high, askedAt: solo.now))
        return solo
    }

    @Test("where the topic's first request stands, when it is looked at, nothing is read again")
    func looksAndFindsNothing() {
        let solo = looking()
        #expect(solo.done.seeks(.requests) == [0])
        fetch(0, on: solo)
        #expect(solo.done.seeks(.requests) == [0, 5], "reading goes on")
        #expect(solo.counters[.logsLost] == 0 && solo.counters[.admitted] == 5)
        let looksAt = solo.node.leader.requestsLoss.looksAt
        #expect(looksAt > solo.now && looksAt <= solo.now + 10_000)
    }

    @Test("where another stands, the topic is another, and all of it is read, however far back")
    func madeAnew() {
        let solo = looking(high: 1200)
        fetch(0, id: "n0", on: solo)
        #expect(solo.done.seeks(.requests) == [0, 0])
        #expect(solo.counters[.logsLost] == 1)
        for i in 0..<5 { fetch(Offset(i), id: "n\(i)", on: solo) }
        #expect(solo.counters[.admitted] + solo.counters[.offsetsUsedAgain] == 10)
        let index = solo.node.leader.ledger.find(3)!
        let third = solo.node.leader.ledger.entries[index].requestKey
        #expect(third == request("n3").requestID.key)
        live(solo, 1200, [:])
        let said = solo.done.leaderRecords.compactMap { record -> Checkpoint? in
            if case .checkpoint(let said) = record.order { said } else { nil }
        }
        #expect(said.last?.firstRequest.digest == digest("n0"), "as all are told")
    }

    @Test("a request of the new topic that was read before that was known is not run again")
    func readOnInNewTopic() {
        let solo = looking(high: 1200)
        fetch(0, id: "n0", on: solo)
        fetch(0, id: "n0", on: solo)
        solo.readBack()
        let admitted = solo.counters[.admitted]
        // As 3 and 4 were read in their order, so they stand there.
        fetch(1, id: "n1", on: solo)
        fetch(2, id: "r1", on: solo)
        #expect(solo.counters[.admitted] == admitted + 2, "the id was another topic's, too")
        #expect(solo.counters[.duplicates] == 1)
        fetch(3, on: solo)
        fetch(4, on: solo)
        #expect(solo.counters[.admitted] == admitted + 2)
    }

    @Test("no topic is known by a malformed record: each version says in its own words what it is")
    func malformedFirst() {
        let solo = leader()
        solo.give(.malformed(.requests, RequestID(), 0), Array("why".utf8))
        let first = solo.node.leader.requestsLoss.first
        #expect(first.digest == 0 && solo.node.leader.requests.next == 1)
    }

    @Test("a new leader compares the first, too, which its predecessor has named")
    func predecessorsTopic() {
        let solo = claimed(
            rows: [], requestsNext: 1000,
            firstRequest: .init(offset: 0, digest: digest("r0")), lastRequest: digest("r999"))
        answer(solo, requests: 1500)
        #expect(solo.done.seeks(.requests) == [999])
        fetch(999, on: solo)
        #expect(solo.done.seeks(.requests) == [999, 0])
        fetch(0, id: "n0", on: solo)
        #expect(solo.done.seeks(.requests) == [999, 0, 0])
        #expect(solo.node.leader.requests.next == 0)
    }

    @Test("where the end is gone and the first stands, the last 512 are read again, else all")
    func howMuchIsLost() {
        for isAnother in [false, true] {
            let solo = claimed(
                rows: [], requestsNext: 1000,
                firstRequest: .init(offset: 0, digest: digest("r0")), lastRequest: digest("r999"))
            answer(solo, requests: 1500)
            fetch(999, id: "x", on: solo)
            #expect(solo.done.seeks(.requests) == [999, 0])
            let isUnsure = solo.node.leader.requestsLoss.isUnsure
            #expect(isUnsure)
            fetch(0, id: isAnother ? "n0" : "r0", on: solo)
            #expect(solo.node.leader.requests.next == (isAnother ? 0 : 1000 - 512))
            let isVerifying = solo.node.leader.requestsLoss.isVerifying
            #expect(!isVerifying)
        }
    }

    @Test("where the topic ends before its first request stood, all of it is new")
    func shorterThanFirst() {
        let solo = claimed(
            rows: [], requestsNext: 1000, firstRequest: .init(offset: 600, digest: digest("r600")))
        answer(solo, requests: 1500, low: 600)
        solo.give(.vanished(.requests))
        solo.give(.bounds(.requests, low: 0, high: 550, askedAt: solo.now))
        #expect(solo.node.leader.requests.next == 0, "not 38")
    }

    @Test("a topic that begins before its first request is another")
    func beginsEarlier() {
        let solo = claimed(
            rows: [], requestsNext: 1000,
            firstRequest: .init(offset: 600, digest: digest("r600")), lastRequest: digest("r999"))
        answer(solo, requests: 1500)
        fetch(999, on: solo)
        #expect(solo.done.seeks(.requests) == [999, 0])
        fetch(0, id: "n0", on: solo)
        #expect(solo.node.leader.requests.next == 0)
    }

    @Test("a first request that is not known, and will not be read in order, is looked for at once")
    func firstUnknown() {
        let solo = claimed(rows: [], requestsNext: 9)
        answer(solo, requests: 9)
        #expect(solo.done.asks.filter { $0 == .requests }.count == 2)
        solo.give(.bounds(.requests, low: 0, high: 9, askedAt: solo.now))
        fetch(0, on: solo)
        let first = solo.node.leader.requestsLoss.first
        #expect(first == .init(offset: 0, digest: digest("r0")))
    }

    @Test("where the first request was removed meanwhile, another is looked for from then on")
    func firstRemoved() {
        let solo = looking(low: 2)
        #expect(solo.done.seeks(.requests) == [4], "the last shows whether it is the same topic")
        fetch(4, on: solo)
        #expect(solo.done.seeks(.requests) == [4, 2])
        fetch(2, on: solo)
        #expect(solo.done.seeks(.requests) == [4, 2, 5])
        let first = solo.node.leader.requestsLoss.first
        #expect(first == .init(offset: 2, digest: digest("r2")))
        #expect(solo.counters[.logsLost] == 0)
    }

    @Test("where the first request was removed, and the last is another, the broker has lost some")
    func firstRemovedFromNewTopic() {
        let solo = looking(low: 2, high: 1200)
        fetch(4, id: "n4", on: solo)
        #expect(solo.counters[.logsLost] == 1 && solo.node.leader.requests.next == 2)
    }

    @Test("how much is lost is asked of the first request, which is gone when the answer comes")
    func firstRemovedWhileCompared() {
        let solo = claimed(
            rows: [], requestsNext: 1000, firstRequest: .init(offset: 0, digest: digest("r0")),
            lastRequest: digest("r999"))
        answer(solo, requests: 1500)
        fetch(999, id: "x", on: solo)
        #expect(solo.done.seeks(.requests) == [999, 0])
        solo.give(.bounds(.requests, low: 700, high: 1500, askedAt: solo.now))
        let isVerifying = solo.node.leader.requestsLoss.isVerifying
        #expect(solo.node.leader.requests.next == 700 && !isVerifying)
    }

    /// The broker was away, and where the last of so many requests stood there is another: all are read
    /// again.
    private func loseLast(of end: Offset, on solo: Solo) {
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        solo.give(.bounds(.requests, low: 0, high: end, askedAt: solo.now))
        solo.live(50)
        fetch(end - 1, id: "c", on: solo)
        #expect(solo.done.seeks(.requests).last == 0)
        solo.clear()
    }

    @Test("what is read again after a loss is not run again, though it has no id")
    func unnamedReadAgain() {
        let solo = Solo()
        solo.lead()
        solo.addMember(2, slots: 8)
        solo.read(request(""))
        solo.read(request("b"))
        solo.read(result(of: 0, by: 2, id: "offset-0"))
        loseLast(of: 2, on: solo)
        solo.read(.request(request("")), emptyPayload, at: 0)
        solo.readBack()
        #expect(!solo.done.assignments.map(\.attempt.requestOffset).contains(0))
        #expect(solo.counters[.admitted] == 2)
    }

    @Test("a duplicate that is read again after a loss has its answer")
    func duplicateReadAgain() {
        let solo = Solo()
        solo.lead()
        solo.addMember(2, slots: 8)
        solo.read(request("a"))
        solo.read(result(of: 0, by: 2, id: "a"))
        solo.read(request("a"))
        solo.readBack()
        solo.read(request("b"))
        loseLast(of: 3, on: solo)
        for offset in 0..<2 as Range<Offset> { fetch(offset, id: "a", on: solo) }
        #expect(solo.done.results.isEmpty)
        #expect(solo.counters[.duplicates] == 1)
    }

    @Test("a duplicate whose first is gone with its topic is run")
    func duplicateOfLost() {
        let solo = leader()
        solo.addMember(5)
        for _ in 0..<2 { solo.read(request("a")) }
        live(solo, 400, [2: [0], 5: []])
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [0])
        solo.clear()
        for _ in 0..<60 where !solo.done.asks.contains(.requests) {
            live(solo, 200, [2: [0], 5: []])
        }
        solo.give(.bounds(.requests, low: 0, high: 2, askedAt: solo.now))
        // The topic is another, and its first request, too; the second is what it was.
        fetch(0, id: "b", on: solo)
        fetch(0, id: "b", on: solo)
        fetch(1, id: "a", on: solo)
        solo.clear()
        live(solo, 200, [2: [], 5: []])
        #expect(solo.done.seeks(.requests) == [1])
        fetch(1, id: "a", on: solo)
        live(solo, 400, [2: [], 5: []])
        #expect(solo.done.assignments.contains { $0.attempt.requestOffset == 1 })
    }

    @Test("whose outcome was read while another had its offset is not run after that one")
    func settledBeforeItsTurn() {
        let solo = looking()
        solo.read(result(of: 3, by: 9, id: "n3"))
        fetch(0, id: "n0", on: solo)
        for i in 0..<4 { fetch(Offset(i), id: "n\(i)", on: solo) }
        solo.readBack()
        let attempt = Attempt(requestOffset: 3, attempt: 1, workerID: worker(2))
        #expect(solo.done.cancels.contains(attempt))
        solo.clear()
        live(solo, 400, [2: [4]])
        #expect(solo.done.seeks(.requests).contains(3))
        fetch(3, id: "n3", on: solo)
        live(solo, 400, [2: []])
        #expect(!solo.done.assignments.contains { $0.attempt.requestOffset == 3 })
        let index = solo.node.leader.ledger.find(3)
        #expect(index == nil)
    }

    @Test("what was concluded while somebody had it gives its offset to another without him")
    func concludedAndGone() {
        let solo = claimed(
            rows: [openWork(3, attempt: 1, worker: 2)], requestsNext: 3,
            firstRequest: .init(offset: 0, digest: digest("r0")), lastRequest: digest("r2"))
        answer(solo, requests: 4)
        fetch(2, on: solo)
        fetch(0, on: solo)
        solo.report(2, running: [3])
        solo.give(.malformed(.requests, text("r3"), 3), Array("why".utf8))
        let index = solo.node.leader.ledger.find(3)!
        let entry = solo.node.leader.ledger.entries[index]
        #expect(entry.state == .concluded(.rejected, nil) && entry.workerID == worker(2))
        // The topic is made anew.
        solo.give(.vanished(.requests))
        solo.give(.bounds(.requests, low: 0, high: 4, askedAt: solo.now))
        fetch(3, id: "n3", on: solo)
        fetch(0, id: "n0", on: solo)
        for i in 0..<4 { fetch(Offset(i), id: "n\(i)", on: solo) }
        let other = solo.node.leader.ledger.entries[solo.node.leader.ledger.find(3)!]
        #expect(other.state == .waiting && other.workerID == nil)
    }

    @Test("what there was no room for while requests are read again is new when it comes again")
    func noRoomWhileReadAgain() {
        let solo = Solo()
        solo.lead()
        for i in 0..<257 {
            let offset = solo.read(request("r\(i)"))
            if i == 255 { solo.read(result(of: offset, by: 1)) }
            solo.readBack()
        }
        solo.live(1200)
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        solo.give(.bounds(.requests, low: 0, high: 257, askedAt: solo.now))
        solo.live(50)
        fetch(256, id: "new 256", on: solo)
        #expect(solo.done.seeks(.requests).last == 0)
        for offset in 0..<255 as Range<Offset> { fetch(offset, on: solo) }
        fetch(255, id: "new 255", on: solo)
        #expect(solo.counters[.ledgerFull] == 1)
        solo.read(result(of: 0, by: 1))
        fetch(255, id: "new 255", on: solo)
        let index = solo.node.leader.ledger.find(255)
        #expect(index != nil)
    }

    @Test("a checkpoint names the last request that was read")
    func lastRequestNamed() {
        let solo = claimed(rows: [])
        answer(solo)
        fetch(10, on: solo)
        solo.live(1100)
        let named = solo.done.leaderRecords.compactMap { record -> Digest? in
            if case .checkpoint(let said) = record.order { said.lastRequest } else { nil }
        }
        #expect(named.last == digest("r10"))
    }

    @Test("an answer that says less than was read may be old: nothing is read again for it")
    func oldAnswer() {
        let solo = claimed(rows: [])
        answer(solo)
        fetch(10, on: solo)
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        solo.clear()
        solo.give(.bounds(.requests, low: 0, high: 10, askedAt: solo.now))
        #expect(solo.done.seeks(.requests) == [10], "does what was read last stand there?")
        fetch(10, on: solo)
        #expect(solo.done.seeks(.requests) == [10])
        fetch(11, on: solo)
        #expect(solo.counters[.admitted] == 2)
    }

    @Test("nothing is sought beyond the end that was told: some brokers never answer that")
    func notBeyondTheEnd() {
        let solo = claimed(rows: [], lastRequest: digest("r9"))
        answer(solo, requests: 3)
        #expect(solo.done.seeks(.requests) == [3])
        solo.ends[Int(Topic.requests.rawValue)] = 3
        solo.reachEnd(.requests)
        #expect(solo.done.seeks(.requests).last == 0, "there is no more: it is read again")
    }

    @Test("an attempt that is said to be over ends nothing where its request turns out to be none")
    func saidOverAndRejected() {
        let solo = claimed(rows: [], assigned: [assignment(8, to: 2)], requestsNext: 8)
        answer(solo)
        solo.addMember(2)
        solo.read(result(of: 8, by: 2, .failed, final: false))
        solo.give(.void(.requests, request("r8").requestID, 1, isSigned: false, 8))
        solo.report(2)
        #expect(solo.done.results.map(\.status) == [.rejected])
    }

    @Test("where the topic reaches further than was told, it is read up to the last request")
    func furtherThanTold() {
        let solo = claimed(rows: [], lastRequest: digest("r9"))
        answer(solo, requests: 8)
        #expect(solo.done.seeks(.requests) == [8])
        fetch(8, on: solo)
        fetch(9, on: solo)
        #expect(solo.done.seeks(.requests) == [8])
        #expect(solo.counters[.logsLost] == 0)
        fetch(10, on: solo)
        #expect(solo.counters[.admitted] == 1)
    }

    @Test("while it is open whether requests still holds what was read, no checkpoint says so")
    func noCheckpointInDoubt() {
        let solo = claimed(rows: [])
        answer(solo)
        fetch(10, on: solo)
        solo.give(.brokerLost)
        solo.give(.brokerFound)
        solo.clear()
        solo.live(2500)
        #expect(solo.done.checkpoints.isEmpty)
        solo.give(.bounds(.requests, low: 0, high: 11, askedAt: solo.now))
        solo.live(1500)
        #expect(solo.done.checkpoints.isEmpty)
        fetch(10, on: solo)
        solo.live(1500)
        #expect(solo.done.checkpoints.map(\.requestsNext).first == 11)
    }

    // MARK: A leader that does not know who has what

    /// Worker 1 leads after the broker has lost the leader log; `requests` holds one.
    private func blind() -> Solo {
        let solo = Solo()
        solo.follow()
        solo.loseLeaderLog()
        solo.winElection()
        solo.takeOver()
        solo.clear()
        return solo
    }

    @Test("who does not know who has what calls everybody back before anything else")
    func callsAllBack() {
        let solo = blind()
        solo.addMember(5)
        solo.addMember(6)
        #expect(solo.done.removed == [worker(5), worker(6)])
        #expect(solo.done.added == [worker(5), worker(6)])
        fetch(0, on: solo)
        live(solo, 1800, [5: [], 6: []])
        #expect(solo.done.assignments.isEmpty, "who has not read it may work for his lease yet")
        #expect(solo.done.checkpoints.isEmpty)
        live(solo, 400, [5: [], 6: []])
        #expect(solo.done.assignments.count == 1)
        live(solo, 1000, [5: [], 6: []])
        #expect(solo.done.checkpoints.count >= 1)
        #expect(solo.done.removed.count == 2, "once each")
    }

    @Test("a call back that is lost on its way is written again, and waited for")
    func callBackLost() {
        let solo = blind()
        solo.report(5)
        #expect(solo.done.removed == [worker(5)])
        solo.loseUnread()
        fetch(0, on: solo)
        live(solo, 2000, [5: []])
        #expect(solo.done.removed == [worker(5), worker(5)])
        #expect(solo.done.assignments.isEmpty)
        let isAddition = solo.done.leaderRecords.compactMap { record -> Bool? in
            switch record.order {
            case .addMember: true
            case .removeMember: false
            default: nil
            }
        }
        #expect(isAddition.last == true, "and it is added again")
        live(solo, 2400, [5: []])
        #expect(solo.done.assignments.count == 1)
    }

    @Test("who has read that it was added, and then the second call back, is added once more")
    func calledBackAfterAddition() {
        let solo = blind()
        solo.report(5)
        solo.readBackOnce { record in
            if case .leader(let r) = record, case .addMember = r.order { true } else { false }
        }
        solo.loseUnread()
        solo.clear()
        live(solo, 2200, [5: []])
        #expect(solo.done.removed == [worker(5)])
        #expect(solo.done.added == [worker(5)])
    }

    @Test("workers that come and go do not keep it from going to work")
    func flapping() {
        let solo = blind()
        fetch(0, on: solo)
        for round in 0..<24 {
            // Worker 7 is always there; 5 and 6 are silent for longer than a member may be, in turn.
            live(solo, 400, [7: []])
            if round % 6 == 0 { solo.report(5) }
            if round % 6 == 3 { solo.report(6) }
            solo.readBack()
        }
        #expect(!solo.done.assignments.isEmpty)
    }

    /// Time passes while as many workers report as there is room for, and then whoever else speaks.
    private func liveFull(_ solo: Solo, _ milliseconds: Int64, _ others: () -> Void = {}) {
        for _ in 0..<(milliseconds / 500) {
            solo.live(500)
            for number in 2...Limits.members { solo.report(number) }
            others()
            solo.readBack()
        }
    }

    @Test("a worker that it had no room to know, and that speaks, is not taken for silent")
    func noRoomToHear() {
        let solo = claimed(rows: [openWork(3, attempt: 1, worker: 5_000)])
        answer(solo)
        liveFull(solo, 4000) { solo.read(heartbeat(by: 5_000)) }
        #expect(solo.counters[.rosterFull] > 0)
        #expect(!solo.done.removed.contains(worker(5_000)))
    }

    @Test("its claim calls everybody back, and no other's does")
    func claimCallsBack() {
        let solo = Solo()
        solo.follow()
        solo.loseLeaderLog()
        solo.winElection()
        #expect(solo.done.claims.map(\.callsBack) == [true])
        #expect(claimed(rows: []).done.claims.map(\.callsBack) == [false])
    }

    @Test("whom a claim calls back drops what he has, and takes orders once he is added again")
    func calledBackByClaim() {
        let solo = Solo { $0.slots = 2 }
        solo.follow()
        solo.renewLease()
        solo.read(leaderRecord(.assign(assignment(0, to: 1)), by: 2, term: 1), emptyPayload)
        #expect(solo.done.starts.count == 1)
        solo.read(leaderRecord(.claim, by: 3, term: 2))
        #expect(solo.done.kills.isEmpty)
        var claim = leaderRecord(.claim, by: 4, term: 3)
        claim.callsBack = true
        solo.read(claim)
        #expect(solo.done.kills == [0])
        solo.read(leaderRecord(.assign(assignment(1, to: 1)), by: 4, term: 3), emptyPayload)
        #expect(solo.done.starts.count == 1)
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 4, term: 3))
        solo.read(leaderRecord(.assign(assignment(2, to: 1)), by: 4, term: 3), emptyPayload)
        #expect(solo.done.starts.count == 2)
    }

    @Test("a stranger with a new name every moment does not keep it from work")
    func newNames() {
        let solo = blind()
        solo.addMember(5)
        fetch(0, on: solo)
        for name in 0..<24 {
            solo.live(250)
            solo.report(20_000 + name)
            solo.report(5)
            solo.readBack()
        }
        #expect(!solo.done.assignments.isEmpty)
    }

    @Test("strangers who take all places, with new names all the time, do not keep it from work")
    func strangersEverywhere() {
        let solo = blind()
        var name = 10_000
        func strangersSpeak() {
            for _ in 0..<100 {
                name += 1
                // He says what he likes; but not that he has read this leader's claim.
                solo.read(heartbeat(by: name, running: 0, leaderOffset: 5))
            }
        }
        for _ in 0..<3 { strangersSpeak() }
        #expect(solo.counters[.rosterFull] > 0)
        solo.report(5)
        solo.readBack()
        #expect(solo.done.added == [worker(5)], "who has read the claim takes a stranger's place")
        fetch(0, on: solo)
        for round in 0..<14 {
            // Until all leases from before its claim are over.
            if round < 3 { #expect(solo.done.assignments.isEmpty) }
            solo.live(250)
            strangersSpeak()
            solo.report(5)
            solo.readBack()
        }
        #expect(solo.done.assignments.map(\.attempt.workerID).first == worker(5))
        #expect(!solo.done.checkpoints.isEmpty)
    }

    @Test("a job that it calls back may have started: that counts")
    func calledBackCounts() {
        let solo = Solo()
        solo.follow()
        solo.read(leaderRecord(.assign(assignment(0, to: 5)), by: 2, term: 1), emptyPayload)
        solo.loseLeaderLog()
        solo.winElection()
        answer(solo)
        solo.report(5, running: [0])
        solo.readBack()
        #expect(solo.done.removed == [worker(5)])
        fetch(0, on: solo)
        live(solo, 2400, [5: []])
        #expect(solo.done.assignments.map(\.failures) == [1])
    }

    @Test("its next checkpoint tells the others, and they know from then on")
    func knowsFromCheckpoint() {
        let solo = Solo()
        solo.follow()
        solo.loseLeaderLog()
        solo.read(leaderRecord(.claim, by: 2, term: 2))
        #expect(solo.node.elector.log.loss.isBlind)
        let order = Order.checkpoint(Checkpoint(requestsNext: 0, resultsNext: 0))
        solo.read(leaderRecord(order, by: 2, term: 2))
        #expect(!solo.node.elector.log.loss.isBlind)
    }

    @Test("what the checkpoint did not list and lies before its requests_next is not read again")
    func goesOn() {
        let solo = claimed(rows: [], requestsNext: 42)
        answer(solo, requests: 50)
        #expect(solo.done.seeks(.requests) == [42])
    }

    @Test("a deadline is known to the next leader: an overrun is noticed after a takeover")
    func deadline() {
        let row = OpenWork(
            requestOffset: 3, attempt: 1, failures: 0, workerID: worker(5),
            requestKey: openWork(3).requestKey, timeoutMs: 1000)
        let solo = claimed(rows: [row])
        answer(solo)
        live(solo, 3200, [5: [3]])
        #expect(solo.done.cancels.isEmpty)
        live(solo, 600, [5: [3]])
        #expect(solo.done.cancels.count == 1)
        #expect(solo.counters[.overruns] == 1)
    }

    @Test("a leader that is deposed forgets its ledger, and stops reading what it is not for")
    func deposed() {
        let solo = claimed(rows: [openWork(3)])
        answer(solo)
        solo.read(leaderRecord(.claim, by: 4, term: 9))
        #expect(solo.done.closes == [.results, .requests])
        #expect(!solo.wantsRequests)
        solo.clear()
        solo.live(800)
        #expect(solo.done.leaderRecords.isEmpty)
        #expect(solo.done.shows.isEmpty)
    }

    // MARK: Checkpoints

    private func leader(_ members: [Int] = [2]) -> Solo {
        let solo = Solo()
        solo.lead()
        for number in members { solo.addMember(number) }
        live(solo, 2200, [2: []])
        solo.clear()
        return solo
    }

    @Test("a checkpoint is written in every second in which something changed, and in no other")
    func checkpointCadence() {
        let solo = leader()
        live(solo, 5000, [2: []])
        #expect(solo.done.checkpoints.isEmpty)
        for i in 0..<20 {
            solo.read(request("r\(i)"))
            solo.read(result(of: Offset(i), by: 2))
            live(solo, 200, [2: []])
        }
        #expect((3...5).contains(solo.done.checkpoints.count))
        live(solo, 1200, [2: []])
        let count = solo.done.checkpoints.count
        live(solo, 5000, [2: []])
        #expect(solo.done.checkpoints.count == count)
    }

    @Test("a checkpoint says where to read on, and what is unfinished")
    func checkpointContents() {
        let solo = leader()
        solo.read(request("r0"))
        solo.read(request("r1", timeoutMs: 50_000))
        solo.read(request("r2"))
        solo.read(result(of: 0, by: 2))
        live(solo, 1200, [2: [1]])
        let said = solo.done.checkpoints.last!
        #expect(said.requestsNext == 3)
        #expect(said.resultsNext == 1)
        var assigned = openWork(1, attempt: 1, worker: 2)
        assigned.timeoutMs = 50_000
        let rows = said.rows.sorted { $0.requestOffset < $1.requestOffset }
        #expect(rows == [assigned, openWork(2)])
    }

    @Test("every record names the last checkpoint that was read back")
    func checkpointOffset() {
        let solo = leader()
        #expect(solo.node.elector.pen.checkpointOffset >= 0)
        solo.read(request("r0"))
        let before = solo.node.elector.pen.checkpointOffset
        #expect(solo.done.leaderRecords.last?.checkpointOffset == before)
        solo.live(1200)
        #expect(solo.node.elector.pen.checkpointOffset > before)
    }

    private func admitAndSettle(_ count: Int, on solo: Solo) {
        for i in 0..<count {
            solo.read(request("r\(i)"))
            solo.read(result(of: Offset(i), by: 2))
        }
    }

    @Test("a checkpoint is written before 256 requests are admitted past the last one")
    func checkpointBeforeFull() {
        let solo = leader()
        admitAndSettle(250, on: solo)
        #expect(solo.done.checkpoints.count == 1)
    }

    @Test("no more than 256 are admitted past the last checkpoint that everybody has")
    func holdsForCheckpoint() {
        let solo = leader()
        for i in 0..<256 {
            #expect(solo.wantsRequests)
            solo.read(request("r\(i)"))
            solo.read(result(of: Offset(i), by: 2))
        }
        #expect(!solo.wantsRequests)
        solo.readBack()
        #expect(solo.wantsRequests)
    }

    @Test("requests that have their outcome count, too: the next leader needs a place for each")
    func settledAheadCounts() {
        let solo = claimed(rows: [], requestsNext: 0, ledger: 4)
        answer(solo, results: 4, requests: 8)
        for offset in 0..<4 { solo.read(result(of: Offset(offset), by: 2)) }
        solo.reachEnd(.results)
        solo.ends[Int(Topic.requests.rawValue)] = 0
        for offset in 0..<4 {
            #expect(solo.wantsRequests)
            fetch(Offset(offset), on: solo)
        }
        #expect(!solo.wantsRequests, "nobody has a checkpoint yet that says so")
        #expect(solo.done.assignments.isEmpty)
        solo.readBack()
        #expect(solo.wantsRequests)
    }

    @Test("a checkpoint does not wait for its second where others' tables may be full")
    func checkpointInTime() {
        let solo = leader()
        for i in 0..<250 {
            solo.read(request("r\(i)"))
            solo.read(result(of: Offset(i), by: 2))
            if i == 0 { solo.readBack() }
        }
        #expect(solo.done.checkpoints.count == 2)
    }

    @Test("only the last checkpoint that is read back is one that everybody has")
    func lastCheckpointCounts() {
        var checkpoints = Checkpoints()
        checkpoints.noteTaken()
        checkpoints.noteWritten(requestsNext: 5, at: ms(1))
        checkpoints.noteTaken()
        checkpoints.noteWritten(requestsNext: 9, at: ms(2))
        checkpoints.noteRead(requestsNext: 5)
        #expect(checkpoints.waits)
        checkpoints.noteRead(requestsNext: 9)
        #expect(!checkpoints.waits)
        #expect(checkpoints.unread == 0)
    }

    @Test("a checkpoint says how many attempts have counted")
    func checkpointFailures() {
        let solo = leader()
        solo.read(request("r0"))
        solo.readOver(result(of: 0, by: 2, .failed, final: false))
        live(solo, 1200, [2: [0]])
        #expect(
            solo.done.checkpoints.last?.rows == [openWork(0, attempt: 2, failures: 1, worker: 2)])
    }

    @Test("no checkpoint is written that does not fit into everybody's table")
    func checkpointFits() {
        let solo = claimed(
            rows: (0..<256).map { openWork($0) },
            assigned: (256..<300).map { assignment($0, to: 5) },
            requestsNext: 256)
        answer(solo, requests: 300)
        #expect(tookOver(solo)?.open == 300)
        solo.live(1500)
        #expect(solo.done.checkpoints.isEmpty)
    }

    @Test("where nothing changes a checkpoint is written every hour, before retention removes it")
    func hourly() {
        let solo = leader()
        var checkpoints = Checkpoints()
        checkpoints.noteWritten(requestsNext: 7, at: solo.now)
        checkpoints.noteRead(requestsNext: 7)
        solo.sleep(3_599_000)
        solo.give(.tick)
        var isDue = checkpoints.isDue(solo.node.desk)
        #expect(!isDue)
        solo.sleep(1_000)
        solo.give(.tick)
        isDue = checkpoints.isDue(solo.node.desk)
        #expect(isDue)
    }

    @Test("a checkpoint that was lost on its way is written again")
    func checkpointLost() {
        let solo = leader()
        admitAndSettle(256, on: solo)
        // Nothing changes any more, and none of the checkpoints arrives.
        for _ in 0..<110 {
            solo.wait(10)
            solo.readBackOnce {
                if case .leader(let r) = $0, case .checkpoint = r.order { false } else { true }
            }
        }
        #expect(solo.done.checkpoints.count == 2)
        #expect(!solo.wantsRequests)
        solo.loseUnread()
        live(solo, 1200, [2: []])
        #expect(solo.wantsRequests)
    }
}
