import Testing

@testable import Union

/// The leader's ledger (design, section 6). Worker 1 leads; the others are driven by hand.
@Suite("Ledger")
struct LedgerTests {
    private func leader(members: [Int] = [2, 3], slots: Int32 = 1) -> Solo {
        let solo = Solo()
        solo.lead()
        for number in members { solo.addMember(number, slots: slots) }
        solo.clear()
        return solo
    }

    /// Time passes; the members say every 200 ms what they have.
    private func live(
        _ solo: Solo, _ milliseconds: Int64, _ running: [Int: [Offset]], slots: Int32 = 1,
        incarnations: [Int: Incarnation] = [:], started: Offset? = nil
    ) {
        for _ in 0..<(milliseconds / 200) {
            solo.live(200)
            for (number, offsets) in running.sorted(by: { $0.key < $1.key }) {
                let incarnation = incarnations[number] ?? 1
                solo.report(
                    number, running: offsets, started: started, slots: slots,
                    incarnation: incarnation)
            }
            solo.readBack()
        }
    }

    private func conclusions(_ solo: Solo) -> [WorkResult] { solo.done.results.filter(\.final) }

    /// Results that say that this op takes less than a millisecond.
    private func makeShort(_ op: String, on solo: Solo, by number: Int = 2) {
        for i in 0..<3 {
            let offset = solo.read(request("short\(i)", op: op))
            solo.readBack()
            let number = solo.done.assignments.last!.attempt.workerID == worker(2) ? 2 : 3
            solo.read(result(of: offset, by: number, id: "short\(i)", durationMs: 0))
        }
        solo.clear()
    }

    // MARK: Assigning

    @Test("the free worker that has waited longest gets the next request")
    func longestWaiting() {
        let solo = leader(members: [2, 3, 4])
        for name in ["a", "b", "c", "d"] { solo.read(request(name)) }
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(2), worker(3), worker(4)])
        solo.idle(1)
        solo.read(result(of: 1, by: 3, id: "b"))
        #expect(solo.done.assignments.last?.attempt.workerID == worker(3))
        solo.idle(1)
        solo.read(result(of: 2, by: 4, id: "c"))
        solo.idle(1)
        solo.read(result(of: 0, by: 2, id: "a"))
        for name in ["e", "f"] { solo.read(request(name)) }
        #expect(solo.done.assignments.suffix(2).map(\.attempt.workerID) == [worker(4), worker(2)])
    }

    @Test("an assignment carries the request, its payload, and attempt 1")
    func assignment() {
        let solo = leader()
        solo.read(.request(request("a", op: "resize", timeoutMs: 7, maxAttempts: 5)), [9, 8])
        let write = solo.done.filter {
            if case .write(.leader, _) = $0.effect { true } else { false }
        }[0]
        #expect(write.bytes == [9, 8])
        let said = solo.done.assignments[0]
        #expect(said.attempt == Attempt(requestOffset: 0, attempt: 1, workerID: worker(2)))
        #expect(string(said.request.opCode) == "resize")
        #expect(said.request.timeoutMs == 7)
        #expect(said.failures == 0)
    }

    @Test("the leader's own deadline of an op is no other board's")
    func opDeadline() {
        let solo = Solo { $0.setTimeout(of: text("resize"), ms: 60_000) }
        solo.lead()
        solo.addMember(2)
        solo.addMember(3)
        solo.read(request("a", op: "resize"))
        solo.read(request("b", op: "resize", timeoutMs: 5))
        #expect(solo.done.assignments.map(\.request.timeoutMs) == [nil, 5])
    }

    @Test("a worker has as many at once as it has slots")
    func slots() {
        let solo = leader(members: [2], slots: 3)
        for i in 0..<5 { solo.read(request("r\(i)")) }
        #expect(solo.done.assignments.count == 3)
        solo.read(result(of: 1, by: 2))
        #expect(solo.done.assignments.count == 4)
    }

    @Test("requests are assigned in the order of their topic")
    func order() {
        let solo = leader(members: [2])
        for i in 0..<5 { solo.read(request("r\(i)")) }
        for i in 0..<5 { solo.read(result(of: Offset(i), by: 2)) }
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [0, 1, 2, 3, 4])
    }

    @Test("a worker that has not read our claim yet gets no work")
    func notCurrent() {
        let solo = leader(members: [2])
        solo.read(heartbeat(by: 2, leader: 9, term: 0))
        solo.read(request("a"))
        #expect(solo.done.assignments.isEmpty)
        solo.report(2)
        #expect(solo.done.assignments.count == 1)
    }

    @Test("short ops are queued behind each other, enough to bridge a round trip")
    func window() {
        let solo = leader(members: [2])
        makeShort("noop", on: solo)
        for i in 0..<100 { solo.read(request("n\(i)", op: "noop")) }
        #expect(solo.done.assignments.count > 2)
        #expect(solo.done.assignments.count <= Limits.bench * 3 / 4)
    }

    @Test("ops that are slow, or not known yet, are never queued behind anything")
    func slowIsNotQueued() {
        let solo = leader(members: [2])
        makeShort("noop", on: solo)
        solo.read(request("slow", op: "render"))
        for i in 0..<10 { solo.read(request("n\(i)", op: "noop")) }
        #expect(solo.done.assignments.count == 1, "and nothing waits behind it")
        solo.read(result(of: 3, by: 2, id: "slow", durationMs: 9000))
        solo.clear()
        solo.read(request("slow2", op: "render"))
        #expect(solo.done.assignments.isEmpty)
    }

    @Test("given-up and refused attempts say nothing about how long an op takes")
    func lostIsNotShort() {
        let solo = leader(members: [2])
        for i in 0..<5 {
            solo.read(request("r\(i)", op: "render", maxAttempts: 9))
            solo.readOver(result(of: Offset(i), by: 2, .lost, final: false, durationMs: 0))
            solo.read(result(of: Offset(i), by: 2, attempt: 2, .rejected, durationMs: 0))
        }
        solo.clear()
        for i in 10..<13 { solo.read(request("r\(i)", op: "render")) }
        #expect(solo.done.assignments.count == 1)
    }

    /// A leader whose worker 2 has a slow job, and others of a short op queued after it, which were
    /// recalled; and the offset of the leader log after the slow one's order.
    private func recalled() -> (solo: Solo, offsets: [Offset], started: Offset) {
        let solo = leader(members: [2])
        makeShort("noop", on: solo)
        var started: Offset = 0
        for i in 0..<4 {
            solo.read(request("n\(i)", op: "noop"))
            solo.readBack()
            if i == 0 { started = solo.node.desk.next(.leader) }
        }
        let offsets = solo.done.assignments.map(\.attempt.requestOffset)
        #expect(offsets.count >= 2)
        solo.clear()
        while solo.done.cancels.isEmpty {
            solo.report(2, running: offsets, deadlines: [1000], started: started)
            solo.live(50)
        }
        solo.readBack()
        return (solo, offsets, started)
    }

    @Test("a short op that turns out slow holds nobody: those behind it are taken back")
    func recall() {
        let (solo, offsets, started) = recalled()
        let recalled = solo.done.leaderRecords.compactMap {
            if case .cancel(let attempt, true) = $0.order { attempt.requestOffset } else { nil }
        }
        #expect(recalled == Array(offsets.dropFirst()))
        solo.addMember(3)
        solo.clear()
        solo.report(2, running: [offsets[0]], deadlines: [1000], started: started)
        #expect(solo.done.assignments.first?.attempt.attempt == 2)
        #expect(solo.done.assignments.first?.failures == 0, "it was never started")
        #expect(solo.done.assignments.first?.attempt.workerID == worker(3))
        #expect(solo.counters[.stalled] == offsets.count - 1)
        let index = solo.node.leader.ledger.find(offsets[1])
        #expect(index.map { solo.node.leader.ledger.entries[$0].inVain } == 0, "nor in vain")
    }

    @Test("what had started when it was to be taken back stays where it is")
    func recallTooLate() {
        let (solo, offsets, _) = recalled()
        solo.addMember(3)
        solo.clear()
        let next = solo.node.desk.next(.leader)
        live(solo, 3000, [2: Array(offsets[0...1])], started: next)
        let moved = solo.done.assignments.map(\.attempt.requestOffset)
        #expect(!moved.contains(offsets[1]))
        solo.read(result(of: offsets[1], by: 2, id: "n1"))
        #expect(solo.counters[.settled] == 4, "the three that made it short, and this one")
    }

    @Test("what had started when it was to be taken back is looked after as before")
    func recallEnds() {
        let (solo, offsets, _) = recalled()
        solo.report(
            2, running: Array(offsets[0...1]), deadlines: [1000, 1000],
            started: solo.node.desk.next(.leader))
        let index = solo.node.leader.ledger.find(offsets[1])
        #expect(index.map { solo.node.leader.ledger.entries[$0].state == .assigned } == true)
    }

    // MARK: What is taken in

    @Test("a request with the id of an open one is not run again, and ends as that does, after it")
    func duplicateOpen() {
        let solo = leader()
        solo.read(request("a"))
        solo.read(request("a"))
        solo.live(500)
        #expect(solo.done.assignments.count == 1)
        #expect(solo.counters[.duplicates] == 1)
        #expect(solo.done.results.isEmpty)
        solo.read(result(of: 0, by: 2, .failed, id: "a"))
        solo.live(500)
        expectRepeat(solo.done.results, of: 0, at: 1, .failed)
        solo.readBack()
        #expect(solo.node.leader.ledger.unfinished == 0)
    }

    @Test("a request with the id of a recently settled one is not run again, and ends as that did")
    func duplicateSettled() {
        let solo = leader()
        solo.read(request("a"))
        solo.read(result(of: 0, by: 2, id: "a"))
        solo.read(request("a"))
        expectRepeat(solo.done.results, of: 0, at: 1, .completed)
        solo.readBack()
        // The third names the first as well, and not the second.
        solo.clear()
        solo.read(request("a"))
        expectRepeat(solo.done.results, of: 0, at: 2, .completed)
        solo.readBack()
        #expect(solo.done.assignments.isEmpty)
        #expect(solo.counters[.duplicates] == 2)
        // Whatever is said after the outcome is void.
        solo.read(result(of: 0, by: 9, .failed, id: "a"))
        solo.clear()
        solo.read(request("a"))
        expectRepeat(solo.done.results, of: 0, at: 3, .completed)
    }

    @Test("who knows of the first one by the second's result only names the first")
    func duplicateOfDuplicate() {
        let solo = takenOver([])
        var second = result(of: 7, by: 2, id: "a")
        second.duplicateOf = 3
        solo.read(second)
        solo.addMember(5)
        solo.read(.request(request("a")), emptyPayload, at: 10)
        expectRepeat(solo.done.results, of: 3, at: 10, .completed)
    }

    @Test("one that cannot be read has the outcome of the first with its id, too")
    func malformedDuplicate() {
        let solo = leader()
        solo.read(request("a"))
        solo.give(.malformed(.requests, text("a"), 1), Array("op_code is missing".utf8))
        solo.live(500)
        #expect(solo.done.results.isEmpty, "who waits by the id would be misled")
        solo.read(result(of: 0, by: 2, id: "a"))
        solo.live(500)
        expectRepeat(solo.done.results, of: 0, at: 1, .completed)
    }

    @Test("no more than a quarter of the ledger waits for others: the next is rejected by offset")
    func tooManyDuplicates() {
        let solo = leader()
        solo.read(request("b"))
        solo.read(result(of: 0, by: 2, id: "b"))
        for _ in 0...(Limits.ledger / 4) { solo.read(request("a")) }
        #expect(solo.done.results.isEmpty)
        solo.read(request("a"))
        let result = solo.done.results.first
        #expect(result?.status == .rejected)
        let offset = Offset(Limits.ledger / 4 + 2)
        #expect(result.map { string($0.requestID) } == "offset-\(offset)")
        #expect(result?.duplicateOf == nil)
        solo.readBack()
        solo.clear()
        // All others have their turn, and what need not wait its answer.
        solo.read(request("b"))
        expectRepeat(solo.done.results, of: 0, at: offset + 1, .completed, "b")
        solo.readBack()
        solo.read(request("c"))
        #expect(solo.node.leader.ledger.unfinished == Int32(Limits.ledger / 4 + 2))
    }

    @Test("who stands behind an open one waits for that, whatever anybody says of their id")
    func forgedOutcome() {
        let solo = leader()
        for id in ["b", "a", "a"] { solo.read(request(id)) }
        solo.read(result(of: 0, by: 2, id: "b"))
        var forged = result(of: 0, by: 9, .failed, id: "a")
        solo.read(forged)
        solo.live(500)
        #expect(solo.done.results.isEmpty)
        solo.read(result(of: 1, by: 3, id: "a"))
        solo.live(500)
        #expect(solo.done.results.map(\.requestOffset) == [2])
        // Nor does a result of another keep a request without its own.
        forged = result(of: 0, by: 9, id: "d")
        forged.duplicateOf = 3
        solo.read(forged)
        solo.clear()
        solo.read(request("d"))
        expectRepeat(solo.done.results, of: 0, at: 3, .completed, "d")
    }

    @Test("a row whose id nobody knows is fetched, and run")
    func unknownKey() {
        let row = OpenWork(
            requestOffset: 3, attempt: 0, failures: 0, workerID: nil, requestKey: 0)
        let solo = takenOver([row])
        solo.read(.request(request("a")), emptyPayload, at: 3)
        solo.readBack()
        solo.addMember(5)
        solo.live(300)
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [3])
        #expect(solo.done.results.isEmpty)
    }

    /// Worker 1 has taken over from worker 2, whose last checkpoint had these rows.
    private func takenOver(_ rows: [OpenWork]) -> Solo {
        let solo = claimed(rows: rows)
        answer(solo)
        return solo
    }

    @Test(
        "the next leader reads what waits for another with its id, or was rejected, and lets it wait",
        arguments: ["a", "offset-7"])
    func duplicateTakenOver(known: String) {
        let rows = [
            OpenWork(
                requestOffset: 3, attempt: 1, failures: 0, workerID: worker(2),
                requestKey: RequestID("a").key),
            OpenWork(
                requestOffset: 7, attempt: 0, failures: 0, workerID: nil,
                requestKey: (text(known) as RequestID).key),
        ]
        let solo = takenOver(rows)
        #expect(solo.done.seeks(.requests).last == 7)
        solo.read(.request(request("a")), emptyPayload, at: 7)
        solo.readBack()
        #expect(solo.node.leader.ledger.unfinished == 2)
        solo.live(300)
        #expect(solo.done.assignments.isEmpty && solo.done.results.isEmpty)
        solo.read(result(of: 3, by: 2, id: "a"))
        solo.live(300)
        expectRepeat(solo.done.results, of: 3, at: 7, .completed)
    }

    private func expectRepeat(
        _ results: [WorkResult], of first: Offset, at offset: Offset, _ status: Status,
        _ id: String = "a", _ place: SourceLocation = #_sourceLocation
    ) {
        #expect(results.count == 1, sourceLocation: place)
        guard let result = results.first else { return }
        #expect(result.requestOffset == offset, sourceLocation: place)
        #expect(result.duplicateOf == first && result.status == status, sourceLocation: place)
        #expect(string(result.requestID) == id, sourceLocation: place)
        #expect(result.final && !result.counts, sourceLocation: place)
    }

    @Test("requests without an id are all different, and named after their offset")
    func unnamed() {
        let solo = leader()
        solo.read(request(""))
        solo.read(request(""))
        let names = solo.done.assignments.map { string($0.request.requestID) }
        #expect(names == ["offset-0", "offset-1"])
    }

    @Test("a malformed request whose id could be read is rejected under that")
    func malformedWithID() {
        let solo = leader()
        solo.ends[Int(Topic.requests.rawValue)] = 1
        solo.give(.malformed(.requests, text("mine"), 0), Array("op_code is missing".utf8))
        #expect(solo.done.results.map { string($0.requestID) } == ["mine"])
        solo.readBack()
        #expect(solo.counters[.settled] == 1)
    }

    @Test("a malformed request is rejected with its offset and the reason; reading goes on")
    func malformed() {
        let solo = leader()
        solo.ends[Int(Topic.requests.rawValue)] = 1
        solo.give(.malformed(.requests, RequestID(), 0), Array("op_code is missing".utf8))
        #expect(solo.done.results.count == 1)
        let said = solo.done.results[0]
        #expect(said.status == .rejected)
        #expect(said.final)
        #expect(said.requestOffset == 0)
        #expect(string(said.requestID) == "offset-0")
        let write = solo.done.filter {
            if case .write(.result, _) = $0.effect { true } else { false }
        }[0]
        #expect(String(decoding: write.bytes, as: UTF8.self) == "op_code is missing")
        solo.read(request("next"))
        #expect(solo.done.assignments.count == 1)
    }

    @Test("a full ledger holds reading back until something is settled")
    func full() {
        let solo = leader()
        for i in 0..<Limits.ledger {
            #expect(solo.wantsRequests)
            solo.read(request("r\(i)"))
            solo.readBack()
        }
        #expect(!solo.wantsRequests)
        solo.live(1100)
        #expect(!solo.wantsRequests)
        solo.read(result(of: 0, by: 2))
        #expect(solo.wantsRequests)
    }

    @Test("a request that comes nevertheless is not lost: it is sought again")
    func overfull() {
        let solo = leader(members: [])
        for i in 0..<Limits.openWork {
            solo.read(request("r\(i)"))
            solo.readBackOnce { $0.topic == .leader }
        }
        solo.clear()
        solo.read(request("one-more"))
        #expect(solo.done.seeks(.requests) == [Offset(Limits.openWork)])
    }

    @Test("what lies between two requests and is no record is passed: no seek for ever")
    func transactionMark() {
        let solo = leader()
        solo.read(request("a"))
        solo.clear()
        solo.give(.reachedEnd(.requests, 2))
        solo.give(.reachedEnd(.requests, 2))
        #expect(solo.done.seeks(.requests).isEmpty)
        solo.ends[Int(Topic.requests.rawValue)] = 2
        solo.read(request("b"))
        #expect(solo.done.assignments.count == 1)
    }

    @Test("who does not lead takes nothing in, and nothing is lost by it")
    func notLeading() {
        let solo = leader()
        solo.sleep(5000)
        solo.read(request("a"))
        #expect(solo.done.assignments.isEmpty)
        solo.readBack()
        #expect(solo.leads)
        #expect(solo.done.seeks(.requests) == [0])
    }

    // MARK: Results

    @Test("the first final result is the outcome; later ones are void")
    func firstFinal() {
        let solo = leader()
        solo.read(request("a"))
        solo.read(result(of: 0, by: 2, id: "a"))
        #expect(solo.counters[.settled] == 1)
        solo.read(result(of: 0, by: 3, .failed, id: "a"))
        #expect(solo.counters[.settled] == 1)
        #expect(solo.counters[.voidResults] == 1)
    }

    @Test("a final result of an earlier attempt counts too, and the current one is called back")
    func staleFinal() {
        let solo = leader()
        solo.read(request("a"))
        solo.idle(1)
        solo.readOver(result(of: 0, by: 2, .failed, final: false, id: "a"))
        #expect(solo.done.assignments.count == 2)
        solo.clear()
        solo.read(result(of: 0, by: 2, .completed, id: "a"))
        #expect(solo.counters[.settled] == 1)
        #expect(
            solo.done.cancels == [Attempt(requestOffset: 0, attempt: 2, workerID: worker(3))])
    }

    @Test("a result that is not final ends the attempt, when its own worker says it of this one")
    func notFinal() {
        let solo = leader()
        solo.read(request("a"))
        solo.readOver(result(of: 0, by: 3, .failed, final: false, id: "a"))
        solo.readOver(result(of: 0, by: 2, attempt: 2, .failed, final: false, id: "a"))
        #expect(solo.done.assignments.count == 1)
        #expect(solo.counters[.voidResults] == 2)
        solo.readOver(result(of: 0, by: 2, .failed, final: false, id: "a"))
        #expect(solo.done.assignments.count == 2)
        #expect(solo.done.assignments[1].attempt.attempt == 3, "2 stands in results already")
        #expect(solo.done.assignments[1].failures == 1)
    }

    @Test("a result for the offset under another id is another request's")
    func otherID() {
        let solo = leader()
        solo.read(request("a"))
        solo.read(result(of: 0, by: 2, id: "b"))
        #expect(solo.counters[.settled] == 0)
    }

    // MARK: Which attempts count

    /// The workers' own words: so many attempts at `a` are lost.
    private func lose(_ attempts: ClosedRange<Int32>, counts: Bool, on solo: Solo) {
        for attempt in attempts {
            let number = solo.done.assignments.last!.attempt.workerID == worker(2) ? 2 : 3
            var lost = result(of: 0, by: number, attempt: attempt, .lost, final: false, id: "a")
            lost.counts = counts
            solo.readOver(lost)
        }
    }

    @Test("anybody can write such a result: the attempt goes on as long as its worker shows it")
    func forgedEnd() {
        let solo = leader()
        solo.read(request("a"))
        let over = result(of: 0, by: 2, .failed, final: false, id: "a")
        solo.read(over)
        solo.report(2) { $0.leaderOffset = 0 }
        #expect(solo.done.assignments.count == 1, "it may not have read the order yet")
        solo.readBack()
        solo.report(2) { $0.leaderOffset = solo.node.leader.ledger.entries[0].orderedAt! }
        #expect(solo.done.assignments.count == 1)
        live(solo, 3000, [2: [0]])
        #expect(solo.done.assignments.count == 1 && solo.done.cancels.isEmpty)
        #expect(solo.counters[.attemptsEnded] == 0)
        solo.report(2)
        #expect(solo.done.assignments.map(\.failures) == [0, 1])
    }

    @Test("of two such results the attempt counts if either says so")
    func forgedInVain() {
        let solo = leader()
        solo.read(request("a"))
        for counts in [true, false] {
            var over = result(of: 0, by: 2, .lost, final: false, id: "a")
            over.counts = counts
            solo.read(over)
        }
        solo.readBack()
        solo.report(2)
        #expect(solo.done.assignments.map(\.failures) == [0, 1])
    }

    @Test("a board that leaves says so with its last word, and gets nothing more")
    func leaving() {
        let solo = leader()
        solo.report(2) { $0.isLeaving = true }
        solo.read(request("a"))
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(3)])
        solo.report(2)
        solo.read(request("b"))
        #expect(solo.done.assignments.last!.attempt.workerID == worker(2))
    }

    @Test("an attempt that was not started, or given back, does not count")
    func givenBack() {
        let solo = leader()
        solo.read(request("a", maxAttempts: 1))
        lose(1...5, counts: false, on: solo)
        #expect(solo.done.assignments.count == 6)
        #expect(solo.done.assignments.allSatisfy { $0.failures == 0 })
        #expect(conclusions(solo).isEmpty)
    }

    @Test("a start counts, whatever ended it")
    func startCounts() {
        let solo = leader()
        solo.read(request("a", maxAttempts: 3))
        lose(1...3, counts: true, on: solo)
        #expect(solo.done.assignments.map(\.failures) == [0, 1, 2])
        #expect(conclusions(solo).first?.status == .exhausted)
        #expect(conclusions(solo).first?.reason == .attemptsFailed(3))
    }

    @Test("a hundred attempts that do not count are enough")
    func inVain() {
        let solo = leader()
        solo.read(request("a", maxAttempts: 1))
        lose(1...99, counts: false, on: solo)
        #expect(conclusions(solo).isEmpty)
        lose(100...100, counts: false, on: solo)
        #expect(conclusions(solo).first?.status == .exhausted)
        #expect(conclusions(solo).first?.reason == .attemptsInVain(100))
    }

    @Test(
        "an assignment that its worker never showed counts, unless it says that it did not start it",
        arguments: [nil, 0, 1] as [Offset?])
    func unshown(startedAfterOrder: Offset?) {
        let solo = leader()
        let before = solo.node.desk.next(.leader)
        solo.read(request("a"))
        solo.readBack()
        live(solo, 3200, [2: [], 3: []], started: startedAfterOrder.map { before + $0 })
        #expect(solo.counters[.unacknowledged] == 1)
        let failures: Int32 = startedAfterOrder == 0 ? 0 : 1
        #expect(solo.done.assignments.last?.failures == failures)
        #expect(solo.done.assignments.last?.attempt.attempt == 2)
    }

    @Test("a worker's bench is full in the leader's eyes before it is")
    func benchIsCounted() {
        let solo = leader(members: [2], slots: 8)
        makeShort("noop", on: solo)
        for i in 0..<200 { solo.read(request("n\(i)", op: "noop")) }
        let first = solo.done.assignments
        // It has finished them all, and has no delivery report for any of their results.
        let offsets = first.map(\.attempt.requestOffset)
        for offset in offsets { solo.read(result(of: offset, by: 2, id: "n\(offset - 3)")) }
        let open = solo.done.assignments.count - first.count
        #expect(first.count + open <= Limits.bench)
        // Its heartbeat shows that it has them no more.
        solo.report(
            2, running: solo.done.assignments.dropFirst(first.count).map(\.attempt.requestOffset),
            slots: 8)
        #expect(solo.done.assignments.count > first.count + open)
    }

    // MARK: Workers that die, and jobs that kill

    @Test("a worker that dies while working is lost after member_timeout_ms: another gets it")
    func workerDies() {
        let solo = leader()
        solo.read(request("a"))
        solo.readBack()
        live(solo, 1800, [3: []])
        #expect(solo.done.assignments.count == 1)
        live(solo, 600, [3: []])
        #expect(solo.done.removed == [worker(2)])
        #expect(solo.done.assignments.count == 2)
        #expect(solo.done.assignments[1].attempt.workerID == worker(3))
        #expect(solo.done.assignments[1].attempt.attempt == 2)
        #expect(solo.done.assignments[1].failures == 1)
        let lost = solo.done.results.filter { $0.status == .lost }
        #expect(lost.map(\.final) == [false])
        #expect(lost.map(\.attempt) == [1])
    }

    @Test("so it is when it comes back in a new incarnation, after its removal in the log")
    func workerReturns() {
        let solo = leader(members: [2])
        solo.read(request("a"))
        solo.readBack()
        live(solo, 1800, [2: []], incarnations: [2: 2])
        #expect(solo.done.removed.isEmpty, "the former one may be cut off, and work")
        solo.live(300)
        solo.clear()
        solo.report(2, incarnation: 2)
        let orders = solo.done.leaderRecords.map(\.order)
        if case .removeMember = orders.first {} else { Issue.record("the removal comes first") }
        #expect(solo.done.assignments.isEmpty, "the removal may be lost on its way")
        solo.readBack()
        #expect(solo.done.assignments.map(\.attempt.attempt) == [2])
    }

    @Test("a removal that is lost on its way gives nobody's work away")
    func removalLost() {
        let solo = leader(members: [2, 3])
        solo.read(request("a"))
        solo.readBack()
        let first = solo.done.assignments[0].attempt
        let (dead, other) = first.workerID == worker(2) ? (2, 3) : (3, 2)
        live(solo, 1800, [2: [], 3: []], incarnations: [dead: 2])
        live(solo, 200, [other: []])
        solo.clear()
        solo.report(dead, incarnation: 2)
        #expect(solo.done.removed == [worker(dead)])
        solo.loseUnread()
        live(solo, 1800, [other: []])
        #expect(solo.done.assignments.isEmpty)
        live(solo, 4000, [other: []])
        #expect(solo.done.assignments.first?.attempt.workerID == worker(other))
    }

    @Test("of a removed worker's attempt its next life cannot say that it never started")
    func removedCounts() {
        let solo = leader(members: [2, 3])
        solo.read(request("a"))
        solo.readBack()
        live(solo, 1800, [2: [], 3: []], incarnations: [2: 2])
        live(solo, 200, [3: []])
        solo.clear()
        solo.report(2, incarnation: 2)
        #expect(solo.done.removed == [worker(2)])
        solo.loseUnread()
        live(solo, 4000, [2: [], 3: []], incarnations: [2: 2], started: 0)
        #expect(solo.done.assignments.first?.attempt.attempt == 2)
        #expect(solo.done.assignments.first?.failures == 1)
    }

    /// A leader whose members are given up long before its lease ends.
    private func patientLeader() -> Solo {
        let solo = Solo {
            ($0.leaseMs, $0.leaderTimeoutMs, $0.campaignTtlMs) = (3000, 4000, 3000)
            ($0.heartbeatMs, $0.workerLeaseMs, $0.killGraceMs) = (100, 500, 50)
            ($0.memberTimeoutMs, $0.ackTimeoutMs) = (700, 700)
        }
        solo.join()
        solo.idle(6000) { solo.role == .candidate }
        solo.readBack()
        solo.takeOver()
        solo.live(1000)
        #expect(solo.leads)
        solo.clear()
        return solo
    }

    @Test("a removal that is read back frees nothing that was given after it")
    func earlierRemoval() {
        let solo = patientLeader()
        solo.addMember(5, slots: 2)
        solo.read(request("a"))
        while solo.done.removed.isEmpty { solo.wait(50) }
        let first = solo.done.leaderRecords.last {
            if case .removeMember = $0.order { true } else { false }
        }
        solo.report(5, slots: 2)
        solo.read(request("b"))
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [0, 1])
        while solo.done.removed.count < 2 { solo.wait(50) }
        solo.readBackOnce {
            if case .leader(let r) = $0 { r.sentAt == first?.sentAt } else { false }
        }
        #expect(solo.leads)
        #expect(solo.counters[.attemptsEnded] == 0, "it was added, and may have begun")
        solo.readBack()
        #expect(solo.counters[.attemptsEnded] == 2)
    }

    @Test("a CANCEL of an earlier attempt that is read back says nothing of the present one")
    func earlierCancel() {
        let solo = patientLeader()
        solo.addMember(2)
        solo.addMember(3)
        solo.read(request("a", maxAttempts: 9))
        func waitForCancel(_ count: Int) {
            while solo.done.cancels.count < count {
                solo.wait(50)
                solo.report(2)
                solo.report(3)
            }
        }
        waitForCancel(1)
        let first = solo.done.leaderRecords.last {
            if case .cancel = $0.order { true } else { false }
        }
        let given = solo.done.assignments[0].attempt
        var lost = result(of: 0, by: 2, .lost, final: false, id: "a")
        lost.workerID = given.workerID
        solo.readOver(lost)
        #expect(solo.done.assignments.count == 2)
        waitForCancel(2)
        solo.readBackOnce {
            if case .leader(let r) = $0 { r.sentAt == first?.sentAt } else { false }
        }
        solo.report(2)
        solo.report(3)
        #expect(solo.done.assignments.count == 2, "nobody has read the second one")
    }

    @Test("who overran, and was removed, works when it comes back")
    func removedIsNotSuspended() {
        let solo = leader(members: [2], slots: 2)
        solo.read(request("a", timeoutMs: 1000))
        solo.readBack()
        live(solo, 3600, [2: [0]], slots: 2)
        #expect(solo.counters[.overruns] == 1)
        solo.live(2200)
        #expect(solo.done.removed == [worker(2)])
        live(solo, 400, [2: []], slots: 2)
        solo.clear()
        solo.read(request("b"))
        solo.readBack()
        #expect(solo.done.assignments.map(\.attempt.workerID).contains(worker(2)))
    }

    @Test("a job that kills every worker it touches is exhausted after max_attempts")
    func poison() {
        let solo = leader(members: [2])
        solo.read(request("poison", maxAttempts: 3))
        for incarnation in 2...4 {
            live(solo, 2200, [2: []], incarnations: [2: UInt64(incarnation)])
        }
        #expect(solo.done.assignments.map(\.failures) == [0, 1, 2])
        #expect(conclusions(solo).map(\.status) == [.exhausted])
        #expect(conclusions(solo).first?.requestOffset == 0)
        #expect(solo.counters[.settled] == 1)
        solo.read(request("next"))
        #expect(solo.done.assignments.count == 4, "the union survives")
    }

    @Test("our own word about an outcome is written again when it is not read back in time")
    func conclusionLost() {
        let solo = leader()
        solo.give(.malformed(.requests, RequestID(), 0), Array("why".utf8))
        solo.loseUnread()
        live(solo, 1800, [2: []])
        #expect(conclusions(solo).count == 1)
        live(solo, 600, [2: []])
        #expect(conclusions(solo).count == 2)
        live(solo, 4000, [2: []])
        #expect(conclusions(solo).count == 2, "read back now")
        #expect(solo.counters[.settled] == 1)
    }

    @Test("a member that is silent gets nothing, also before it is removed", arguments: 0..<10)
    func silentMember(_ shift: Int64) {
        let solo = leader(members: [2])
        solo.live(10 * shift)
        solo.report(2)
        solo.live(2000)
        solo.read(request("a"))
        #expect(!solo.done.assignments.contains { $0.attempt.workerID == worker(2) })
    }

    // MARK: Workers that do not acknowledge, and jobs that overrun

    @Test("what nobody shows within ack_timeout_ms is cancelled, then tried elsewhere")
    func unacknowledged() {
        let solo = leader()
        solo.read(request("a"))
        solo.readBack()
        live(solo, 1800, [2: [], 3: []])
        #expect(solo.done.cancels.isEmpty)
        solo.clear()
        solo.live(300)
        #expect(solo.done.cancels == [Attempt(requestOffset: 0, attempt: 1, workerID: worker(2))])
        #expect(solo.done.assignments.isEmpty, "not before the worker has read it")
        solo.report(2)
        #expect(solo.done.assignments.map(\.attempt.attempt) == [2])
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(3)])
    }

    @Test("a job that heartbeats show is left alone, for as long as it takes")
    func longJob() {
        let solo = leader()
        solo.read(request("a"))
        solo.readBack()
        live(solo, 60_000, [2: [0], 3: []])
        #expect(solo.done.cancels.isEmpty)
        #expect(solo.done.removed.isEmpty)
    }

    @Test("a cancelled attempt is over when its worker has read the CANCEL and has it no more")
    func cancelConfirmed() {
        let solo = leader()
        solo.read(request("a"))
        solo.readBack()
        live(solo, 1800, [2: [], 3: []])
        solo.live(300)
        solo.clear()
        let next = solo.node.desk.next(.leader)
        solo.read(heartbeat(by: 2, leader: 1, term: 1, leaderOffset: next - 5))
        #expect(solo.done.assignments.isEmpty, "it has not read it")
        solo.report(2, running: [0])
        #expect(solo.done.assignments.isEmpty, "it still has it")
        solo.report(3)
        #expect(solo.done.assignments.isEmpty, "another's word")
        solo.report(2)
        #expect(solo.done.assignments.count == 1)
    }

    @Test("who does not read a CANCEL loses the job when its lease is over, and gets no other")
    func cancelUnread() {
        let solo = leader()
        solo.read(request("a"))
        solo.readBack()
        let read = solo.node.desk.next(.leader)
        func pass(_ milliseconds: Int64) {
            for _ in 0..<(milliseconds / 200) {
                solo.live(200)
                solo.read(heartbeat(by: 2, leader: 1, term: 1, leaderOffset: read))
                solo.report(3)
                solo.readBack()
            }
        }
        pass(2400)
        #expect(solo.done.cancels.count == 1)
        #expect(solo.done.assignments.count == 1)
        pass(1400)
        #expect(solo.done.assignments.count == 1)
        pass(800)
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(2), worker(3)])
        solo.read(request("b"))
        #expect(solo.done.assignments.count == 2, "worker 3 is busy, and worker 2 must read first")
        solo.report(2)
        #expect(solo.done.assignments.count == 3)
    }

    @Test("who has read the CANCEL and still has the job is waited for: it is being killed there")
    func cancelReadAndHeld() {
        let solo = leader()
        solo.read(request("a", timeoutMs: 1000))
        solo.readBack()
        live(solo, 20_000, [2: [0], 3: []])
        #expect(solo.done.cancels.count == 1)
        #expect(solo.done.assignments.count == 1)
    }

    @Test("a CANCEL that is not read back is written again; nothing is reassigned before")
    func cancelLost() {
        let solo = leader()
        solo.read(request("a"))
        solo.readBack()
        live(solo, 1800, [2: [], 3: []])
        while solo.done.cancels.isEmpty {
            solo.wait(20)
            solo.readBackOnce {
                if case .leader(let r) = $0, case .cancel = r.order { false } else { true }
            }
        }
        solo.loseUnread()
        solo.clear()
        live(solo, 1800, [2: [], 3: []])
        #expect(solo.done.cancels.isEmpty)
        #expect(solo.done.assignments.isEmpty)
        live(solo, 600, [2: [], 3: []])
        #expect(solo.done.cancels.count == 1)
        #expect(solo.done.assignments.count == 1)
    }

    @Test("a job that overruns, and whose worker does not stop it, is cancelled by the leader")
    func overrun() {
        let solo = leader()
        solo.read(request("a", timeoutMs: 3000))
        solo.readBack()
        live(solo, 5200, [2: [0], 3: []])
        #expect(solo.done.cancels.isEmpty, "the worker has the time to kill it")
        live(solo, 400, [2: [0], 3: []])
        #expect(solo.done.cancels.count == 1)
        #expect(solo.counters[.overruns] == 1)
    }

    @Test("a deadline that the request does not name is its worker's: it tells the leader")
    func toldDeadline() {
        let solo = leader()
        solo.read(request("a"))
        solo.readBack()
        for _ in 0..<17 {
            solo.live(200)
            solo.report(2, running: [0], deadlines: [1000])
            solo.report(3)
        }
        #expect(solo.done.cancels.isEmpty, "the worker has the time to kill it")
        solo.live(200)
        #expect(solo.done.cancels.count == 1)
        #expect(solo.counters[.overruns] == 1)
        let said = solo.done.checkpoints.last?.rows.first
        #expect(said?.timeoutMs == 1000, "and the next leader")
    }

    @Test("its worker is suspended until a heartbeat shows it free")
    func suspended() {
        let solo = leader(members: [2], slots: 2)
        solo.read(request("a", timeoutMs: 1000))
        solo.readBack()
        live(solo, 3600, [2: [0]], slots: 2)
        #expect(solo.done.cancels.count == 1)
        solo.clear()
        solo.read(request("b"))
        live(solo, 2000, [2: [0]], slots: 2)
        let others = solo.done.assignments.map(\.attempt.workerID)
        #expect(others == [worker(1)], "it has a free slot, and gets nothing")
        solo.report(2, slots: 2)
        #expect(solo.done.assignments.count == 2)
        #expect(solo.done.assignments.contains { $0.attempt.attempt == 2 && $0.failures == 1 })
    }

    @Test("timed_out by its worker is a failed attempt, and the next is made")
    func timedOut() {
        let solo = leader()
        solo.read(request("a", timeoutMs: 1000))
        solo.readOver(result(of: 0, by: 2, .timedOut, final: false, id: "a"))
        #expect(solo.done.assignments.count == 2)
        #expect(solo.done.assignments[1].failures == 1)
    }

    // MARK: What could not be started

    /// The worker could not start the attempt, says so, and does not have it any more.
    private func failStart(_ solo: Solo, _ offset: Offset, by number: Int, attempt: Int32 = 1) {
        var failed = result(
            of: offset, by: number, attempt: attempt, .lost, final: false, id: "r\(offset)")
        (failed.counts, failed.cannotStart) = (false, true)
        solo.readOver(failed)
        solo.readBack()
    }

    @Test("what one could not start goes elsewhere, uncounted; no more of its op comes there")
    func startFails() {
        let solo = leader()
        solo.read(request("r0"))
        failStart(solo, 0, by: 2)
        #expect(solo.done.assignments.last?.attempt.workerID == worker(3))
        #expect(solo.done.assignments.last?.failures == 0)
        // The other is busy with that, and 2 is free. Another op may go there, which came later.
        solo.clear()
        solo.read(request("r1"))
        live(solo, 200, [2: [], 3: [0]])
        #expect(solo.done.assignments.isEmpty)
        solo.read(request("r2", op: "other"))
        live(solo, 200, [2: [], 3: [0]])
        #expect(solo.done.assignments.map(\.attempt.requestOffset) == [2])
        #expect(solo.done.assignments.last?.attempt.workerID == worker(2))
        solo.read(result(of: 2, by: 2, id: "r2"))
        // Its rest is over.
        live(solo, 400, [2: [], 3: [0]])
        #expect(solo.done.assignments.count == 1)
        live(solo, 400, [2: [], 3: [0]])
        #expect(solo.done.assignments.last?.attempt.requestOffset == 1)
        #expect(solo.done.assignments.last?.attempt.workerID == worker(2))
        #expect(solo.counters[.failedStarts] == 1)
    }

    @Test("whoever could not start an op several times rests longer each time, until it can")
    func restsGrow() {
        let solo = leader()
        // The other is busy: for as long as it could, we leave it to it.
        solo.read(request("busy", op: "other"))
        #expect(solo.done.assignments.last?.attempt.workerID == worker(2))
        var rests: [Int64] = []
        func awaitNext(_ offset: Offset, attempt: Int32) {
            let since = solo.now
            while solo.done.assignments.last?.attempt.requestOffset != offset
                || solo.done.assignments.last?.attempt.attempt != attempt
            {
                live(solo, 200, [2: [0], 3: []])
                guard solo.now < since + 60_000 else { break }
            }
            rests.append(solo.now.ms(since: since))
        }
        solo.read(request("r1"))
        for attempt in 1...7 as ClosedRange<Int32> {
            awaitNext(1, attempt: attempt)
            if attempt < 7 { failStart(solo, 1, by: 3, attempt: attempt) }
        }
        solo.read(result(of: 1, by: 3, attempt: 7))
        solo.read(request("r2"))
        awaitNext(2, attempt: 1)
        failStart(solo, 2, by: 3)
        awaitNext(2, attempt: 2)
        let expected: [Int64] = [0, 1000, 2000, 4000, 8000, 16000, 30000, 0, 1000]
        for (rest, expected) in zip(rests, expected) {
            #expect(rest >= expected - 200 && rest <= expected + 400, "\(rests)")
        }
    }

    @Test("starts that fail together are one reason to rest; after long the rest is short again")
    func restsOnce() {
        withArena(bytes: 1 << 17) { arena in
            var failed = FailedStarts(Capacities(), &arena)
            let (two, x, y): (_, OpName, OpName) = (worker(2), text("x"), text("y"))
            var now = Instant.zero + 1000
            for _ in 0..<8 {
                let rest = failed.note(0, two, x, at: now)
                #expect(rest == 1000)
            }
            func rests(_ place: Int, _ id: WorkerID, _ op: OpName, at now: Instant) -> Bool {
                failed.rests(place, id, op.key, at: now)
            }
            let isResting = [
                rests(0, two, x, at: now + 999), rests(0, worker(3), x, at: now),
                rests(0, two, y, at: now), rests(0, two, x, at: now + 1000),
            ]
            #expect(isResting == [true, false, false, false])
            now = now + 1000
            let (second, late) = (
                failed.note(0, two, x, at: now), failed.note(0, two, x, at: now + 70_000)
            )
            #expect(second == 2000 && late == 1000)
            failed.forget(0, two, x)
            let isHeld = failed.holds(0, two, x.key)
            #expect(!isHeld)
            // Of more than eight the one whose rest ends first is forgotten.
            let ops = (0..<9).map { text("x\($0)") as OpName }
            for i in 0..<9 { _ = failed.note(1, two, ops[i], at: now + Int32(i)) }
            let held = ops.map { failed.holds(1, two, $0.key) }
            #expect(held == [false] + Array(repeating: true, count: 8))
        }
    }

    @Test("who waits for somebody that can start it keeps its turn")
    func keepsTurn() {
        let solo = leader()
        solo.read(request("r0", op: "x"))
        failStart(solo, 0, by: 2)
        solo.read(request("r1", op: "x"))
        for i in 2...5 { solo.read(request("r\(i)", op: "y")) }
        live(solo, 200, [2: [2], 3: [0]])
        #expect(solo.done.assignments.last?.attempt.requestOffset == 2)
        solo.read(result(of: 0, by: 3, attempt: 2))
        #expect(solo.done.assignments.last?.attempt.requestOffset == 1)
        #expect(solo.done.assignments.last?.attempt.workerID == worker(3))
    }

    @Test("whoever could not start it, and is busy now, keeps nobody waiting: the leader is asked")
    func busyAndUnable() {
        let solo = leader()
        solo.read(request("r0", op: "x"))
        failStart(solo, 0, by: 2)
        failStart(solo, 0, by: 3, attempt: 2)
        #expect(solo.done.assignments.last?.attempt.workerID == worker(1))
        solo.give(.jobEnded(solo.done.starts.last!.place, jobEnd()))
        solo.readBack()
        solo.read(request("r1", op: "y"))
        let busy = solo.done.assignments.last?.attempt.workerID == worker(2) ? 2 : 3
        live(solo, 1400, [busy: [1], 5 - busy: []])
        solo.read(request("r2", op: "x"))
        #expect(solo.done.assignments.last?.attempt.workerID == worker(5 - busy))
        failStart(solo, 2, by: 5 - busy)
        #expect(solo.done.assignments.last?.attempt.requestOffset == 2)
        #expect(solo.done.assignments.last?.attempt.workerID == worker(1))
    }

    @Test("what nobody can start ends all the same, and says so")
    func nobodyStarts() {
        let solo = leader()
        solo.read(request("r0", maxAttempts: 2))
        var attempts: Int32 = 0
        for _ in 0..<100 where conclusions(solo).isEmpty {
            live(solo, 200, [2: [], 3: []])
            guard let last = solo.done.assignments.last?.attempt, last.attempt > attempts else {
                continue
            }
            attempts = last.attempt
            if last.workerID == worker(1) {
                var end = jobEnd(.lost)
                end.start = .failed
                solo.give(.jobEnded(solo.done.starts.last!.place, end))
                solo.readBack()
                #expect(solo.done.results.last?.cannotStart == true)
            } else {
                failStart(solo, 0, by: last.workerID == worker(2) ? 2 : 3, attempt: attempts)
            }
        }
        // At first another can be asked: the second member, and then we.
        #expect(attempts > 3 && attempts < 8)
        #expect(conclusions(solo).map(\.status) == [.exhausted])
        #expect(conclusions(solo).last?.reason == .cannotBeStarted)
    }

    // MARK: Orders and the lease

    @Test("a leader whose lease has ended gives no order, and goes on when it has one again")
    func noOrderWithoutLease() {
        let solo = leader()
        solo.read(request("a"))
        solo.readBack()
        solo.sleep(3000)
        solo.clear()
        solo.report(2, incarnation: 7)
        #expect(!solo.leads)
        #expect(!solo.done.announcements.isEmpty)
        #expect(solo.done.announcements.count == solo.done.leaderRecords.count)
        solo.readBack()
        #expect(solo.leads)
    }

    /// A leader whose member, worker 5, runs its job and has not spoken for nearly as long as it may.
    private func leaderOfNearlySilent() -> Solo {
        let solo = Solo()
        solo.lead()
        solo.addMember(5)
        solo.read(request("a"))
        solo.report(5, running: [0])
        solo.live(1900)
        return solo
    }

    @Test("a removal that is read back after a time without a lease takes no job away at once")
    func removalOfEarlier() {
        let solo = leaderOfNearlySilent()
        solo.wait(200)
        #expect(solo.done.removed == [worker(5)])
        // Meanwhile the worker may see that nobody leads, and keep its job.
        solo.sleep(1000)
        solo.give(.tick)
        #expect(!solo.leads)
        solo.readBack()
        solo.live(1000)
        #expect(solo.leads)
        #expect(solo.done.assignments.count == 1)
        solo.live(6000)
        #expect(solo.done.assignments.count == 2)
    }

    @Test("a leader that was stopped takes nothing back for what it has not read meanwhile")
    func nothingShownWhileStopped() {
        let solo = leader()
        solo.read(request("a"))
        solo.readBack()
        solo.sleep(3000)
        solo.give(.tick)
        solo.readBack()
        #expect(solo.leads)
        solo.live(500)
        #expect(solo.done.cancels.isEmpty)
    }

    @Test("a removal from before an interruption of the lead frees nothing, though it leads by it")
    func removalAcrossInterruption() {
        let solo = leaderOfNearlySilent()
        while solo.done.removed.isEmpty { solo.wait(10) }
        while solo.leads { solo.wait(10) }
        solo.readBackOnce { $0.topic == .leader }
        #expect(solo.leads)
        #expect(solo.done.assignments.count == 1, "its worker may have seen that nobody led")
    }

    @Test("stillHolds: a leader that was stopped carries out no order, LED or conclusion")
    func stillHolds() {
        let solo = leader()
        solo.read(request("a"))
        let order = solo.done.filter {
            if case .write(.leader, _) = $0.effect { true } else { false }
        }[0].effect
        solo.give(.malformed(.requests, RequestID(), 1), Array("why".utf8))
        let conclusion = solo.done.filter {
            if case .write(.result, .none) = $0.effect { true } else { false }
        }[0].effect
        let led = Effect.show(.leader, online: true, working: false)
        let announcement = Effect.write(
            .leader(leaderRecord(by: 1, term: 1, sentAt: solo.now)), .none)
        for effect in [order, conclusion, led, announcement] {
            #expect(solo.stillHolds(effect, at: solo.now))
            #expect(!solo.stillHolds(effect, at: solo.now + 801))
        }
        let off = Effect.show(.member, online: true, working: false)
        #expect(solo.stillHolds(off, at: solo.now + 801))
    }
}
