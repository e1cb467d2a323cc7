import Testing

@testable import Union

/// What a node does as a worker (design, section 6).
@Suite("Bench")
struct BenchTests {
    /// A worker with a lease, that follows worker 2.
    private func worker1(
        slots: Int32 = 1, _ change: (inout Settings) -> Void = { _ in }
    ) -> Solo {
        let solo = Solo {
            $0.slots = slots
            change(&$0)
        }
        solo.follow()
        solo.renewLease()
        solo.readBackOnce()
        solo.clear()
        return solo
    }

    private func assign(
        _ offset: Offset, attempt: Int32 = 1, to number: Int = 1, failures: Int32 = 0,
        _ request: WorkRequest? = nil, on solo: Solo
    ) {
        let order = Order.assign(
            assignment(offset, attempt: attempt, to: number, failures: failures, request))
        solo.read(leaderRecord(order, by: 2, term: 1), emptyPayload)
    }

    private func cancel(
        _ offset: Offset, attempt: Int32 = 1, to number: Int = 1, unlessStarted: Bool = false,
        on solo: Solo
    ) {
        let attempt = Attempt(requestOffset: offset, attempt: attempt, workerID: worker(number))
        let order = Order.cancel(attempt, unlessStarted: unlessStarted)
        solo.read(leaderRecord(order, by: 2, term: 1))
    }

    // MARK: Orders

    @Test("a valid assignment is started, with its request, its payload and the term")
    func starts() {
        let solo = worker1()
        let order = Order.assign(assignment(7, to: 1, request("thumb", op: "resize")))
        solo.read(leaderRecord(order, by: 2, term: 1), [1, 2, 3])
        #expect(solo.done.starts.count == 1)
        #expect(string(solo.done.starts[0].assignment.request.opCode) == "resize")
        #expect(solo.done.starts[0].term == 1)
        let start = solo.done.filter { if case .start = $0.effect { true } else { false } }[0]
        #expect(start.bytes == [1, 2, 3])
    }

    @Test("an attempt number that was used before takes nothing away, whoever it is for")
    func usedNumber() {
        let solo = worker1()
        assign(3, attempt: 2, on: solo)
        #expect(solo.done.starts.count == 1)
        assign(3, attempt: 1, to: 5, on: solo)
        assign(3, attempt: 2, to: 5, on: solo)
        #expect(solo.done.kills.isEmpty)
        #expect(solo.counters[.voidAssignments] == 2)
    }

    @Test("another worker's assignment is not ours")
    func notOurs() {
        let solo = worker1()
        assign(0, to: 3, on: solo)
        #expect(solo.done.starts.isEmpty)
        #expect(solo.counters[.accepted] == 0)
    }

    @Test("a deposed leader's assignment is void")
    func voidAssignment() {
        let solo = worker1()
        solo.read(leaderRecord(.claim, by: 3, term: 2))
        assign(0, on: solo)
        #expect(solo.done.starts.isEmpty)
        #expect(solo.counters[.voidRecords] == 1)
    }

    @Test("a deposed leader's CANCEL is void")
    func voidCancel() {
        let solo = worker1()
        assign(0, on: solo)
        solo.read(leaderRecord(.claim, by: 3, term: 2))
        cancel(0, on: solo)
        #expect(solo.done.kills.isEmpty)
    }

    @Test("it runs as many at once as it has slots, the rest in order", arguments: [1, 3, 8])
    func slots(_ slots: Int32) {
        let solo = worker1(slots: slots)
        for offset in 0..<20 { assign(Offset(19 - offset), on: solo) }
        #expect(solo.done.starts.count == slots)
        for ended in 0..<20 {
            solo.give(.jobEnded(solo.done.starts[ended].place, jobEnd()))
            #expect(solo.done.starts.count == min(20, ended + 1 + Int(slots)))
        }
        let order = solo.done.starts.map { 19 - $0.assignment.attempt.requestOffset }
        #expect(order == order.sorted())
    }

    @Test("an assignment that is read twice is run once")
    func readTwice() {
        let solo = worker1()
        assign(0, on: solo)
        solo.give(.jobEnded(0, jobEnd()))
        assign(0, on: solo)
        #expect(solo.done.starts.count == 1)
    }

    @Test("an assignment that is read again after a loss is not run again, settled as it is")
    func readAgainAfterLoss() {
        let solo = worker1()
        assign(3, on: solo)
        solo.give(.jobEnded(0, jobEnd()))
        solo.readBackOnce { $0.topic == .results }
        let order = Order.checkpoint(Checkpoint(requestsNext: 10, resultsNext: 1))
        solo.read(leaderRecord(order, by: 2, term: 1))
        solo.loseLeaderLog()
        solo.read(leaderRecord(.claim, by: 2, term: 1))
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 1))
        assign(3, on: solo)
        #expect(solo.counters[.accepted] == 1)
        #expect(solo.counters[.notAccepted] == 1)
    }

    @Test("the same attempt under a later term is another: the broker had lost the first")
    func usedAgain() {
        let solo = worker1()
        assign(0, on: solo)
        solo.give(.jobEnded(0, jobEnd()))
        solo.read(leaderRecord(.claim, by: 2, term: 2))
        solo.read(
            leaderRecord(.checkpoint(Checkpoint(requestsNext: 0, resultsNext: 0)), by: 2, term: 2))
        let order = Order.assign(assignment(0, to: 1))
        solo.read(leaderRecord(order, by: 2, term: 2), emptyPayload)
        #expect(solo.done.starts.count == 2)
    }

    @Test("assignments from before it came were another life's")
    func beforeJoining() {
        let solo = Solo()
        solo.begin()
        solo.give(.bounds(.election, low: 0, high: 0, askedAt: solo.now))
        solo.give(.bounds(.heartbeat, low: 0, high: 0, askedAt: solo.now))
        solo.give(.bounds(.leader, low: 0, high: 3, askedAt: solo.now))
        solo.read(.leader(leaderRecord(.claim, by: 2, term: 1)), at: 0)
        solo.read(.leader(leaderRecord(by: 2, term: 1)), at: 2)
        solo.read(.leader(leaderRecord(.claim, by: 2, term: 1)), at: 0)
        let order = Order.assign(assignment(0, to: 1))
        solo.read(.leader(leaderRecord(order, by: 2, term: 1)), emptyPayload, at: 1)
        solo.read(.leader(leaderRecord(by: 2, term: 1)), at: 2)
        #expect(solo.done.isReady)
        solo.renewLease()
        #expect(solo.done.starts.isEmpty)
    }

    @Test("a bench has 64 places; what does not fit is given back at once, and does not count")
    func benchFull() {
        let solo = worker1()
        for offset in 0..<70 { assign(Offset(offset), on: solo) }
        #expect(solo.counters[.accepted] == 64)
        #expect(solo.counters[.notAccepted] == 6)
        let refused = solo.done.results
        #expect(refused.map(\.requestOffset) == Array(64..<70))
        #expect(refused.allSatisfy { $0.status == .lost && !$0.final && !$0.counts })
        #expect(refused.allSatisfy { $0.reason == .benchFull })
        assign(64, on: solo)
        #expect(solo.done.results.count == 6, "an order that is read twice is answered once")
        solo.idle(20)
        #expect(solo.done.heartbeats.last?.runningCount == 64)
    }

    @Test("a job that is queued when it is cancelled never starts")
    func cancelQueued() {
        let solo = worker1()
        assign(0, on: solo)
        assign(1, on: solo)
        cancel(1, on: solo)
        solo.give(.jobEnded(0, jobEnd()))
        #expect(solo.done.starts.count == 1)
        #expect(solo.done.results.count == 1)
    }

    @Test("what is taken back unless it has started goes where it waits, and stays where it runs")
    func cancelUnlessStarted() {
        let solo = worker1()
        assign(0, on: solo)
        assign(1, on: solo)
        cancel(0, unlessStarted: true, on: solo)
        cancel(1, unlessStarted: true, on: solo)
        #expect(solo.done.kills.isEmpty)
        solo.idle(20)
        #expect(solo.done.reports.last!.running == [0])
        solo.give(.jobEnded(0, jobEnd()))
        #expect(solo.done.results.map(\.requestOffset) == [0])
        #expect(solo.done.starts.count == 1)
    }

    @Test("a job that runs when it is cancelled is killed, and has no result")
    func cancelRunning() {
        let solo = worker1()
        assign(0, on: solo)
        cancel(0, on: solo)
        #expect(solo.done.kills == [0])
        assign(1, on: solo)
        #expect(solo.done.starts.count == 1, "its slot is free when it is dead")
        solo.give(.jobEnded(0, jobEnd(.failed)))
        #expect(solo.done.results.isEmpty)
        #expect(solo.done.starts.count == 2)
    }

    @Test("a CANCEL of another attempt, or of another worker's, is not ours")
    func cancelOther() {
        let solo = worker1()
        assign(0, attempt: 2, on: solo)
        cancel(0, attempt: 1, on: solo)
        cancel(0, attempt: 2, to: 3, on: solo)
        #expect(solo.done.kills.isEmpty)
    }

    @Test("who is removed drops everything that was ordered before")
    func removed() {
        let solo = worker1()
        assign(0, on: solo)
        assign(1, on: solo)
        solo.read(leaderRecord(.removeMember(worker(3)), by: 2, term: 1))
        #expect(solo.done.kills.isEmpty)
        solo.read(leaderRecord(.removeMember(worker(1)), by: 2, term: 1))
        #expect(solo.done.kills == [0])
        solo.give(.jobEnded(0, jobEnd(.failed)))
        #expect(solo.done.starts.count == 1)
        #expect(solo.done.results.isEmpty)
    }

    @Test("another attempt elsewhere ends ours, even where its CANCEL was lost")
    func superseded() {
        let solo = worker1()
        assign(0, on: solo)
        assign(1, on: solo)
        assign(0, attempt: 2, to: 3, on: solo)
        assign(1, attempt: 2, to: 3, on: solo)
        #expect(solo.done.kills == [0])
        solo.give(.jobEnded(0, jobEnd(.failed)))
        #expect(solo.done.starts.count == 1)
    }

    @Test("an assignment that appears after the CANCEL it was given up for is void")
    func lateAssignment() {
        let solo = worker1()
        solo.read(leaderRecord(by: 2, term: 1, sentAt: ms(500)))
        let attempt = Attempt(requestOffset: 0, attempt: 1, workerID: worker(1))
        solo.read(leaderRecord(.cancel(attempt), by: 2, term: 1, sentAt: ms(3000)))
        let order = Order.assign(assignment(0, to: 1))
        solo.read(leaderRecord(order, by: 2, term: 1, sentAt: ms(600)), emptyPayload)
        #expect(solo.done.starts.isEmpty)
    }

    @Test("orders are for the incarnation that the leader has added last")
    func orderForTwin() {
        let solo = worker1(slots: 3)
        solo.read(leaderRecord(.removeMember(worker(1)), by: 2, term: 1))
        assign(0, on: solo)
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 1))
        assign(1, on: solo)
        #expect(solo.done.starts.map(\.assignment.attempt.requestOffset) == [1])
    }

    @Test("nobody works before it was added: a twin may have been")
    func orderBeforeAdded() {
        let solo = Solo()
        solo.follow(isAdded: false)
        solo.renewLease()
        assign(0, on: solo)
        #expect(solo.done.starts.isEmpty)
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 1))
        assign(1, on: solo)
        #expect(solo.done.starts.map(\.assignment.attempt.requestOffset) == [1])
    }

    @Test("an attempt does not start while the former one is still being killed here")
    func formerAttemptFirst() {
        let solo = worker1(slots: 3)
        assign(0, on: solo)
        solo.read(leaderRecord(.removeMember(worker(1)), by: 2, term: 1))
        solo.read(leaderRecord(.addMember(worker(1), 1), by: 2, term: 1))
        assign(0, attempt: 2, on: solo)
        assign(1, on: solo)
        #expect(solo.done.starts.map(\.assignment.attempt.requestOffset) == [0, 1])
        #expect(solo.done.starts[0].assignment.attempt.attempt == 1)
        solo.give(.jobEnded(solo.done.starts[0].place, jobEnd(.failed)))
        #expect(solo.done.starts.count == 3)
    }

    // MARK: Results

    @Test("a result says what was run, by whom, under which term, and how it went")
    func result() {
        let solo = worker1()
        assign(7, attempt: 2, failures: 1, request("mine"), on: solo)
        var end = jobEnd(.completed, durationMs: 42)
        end.exitCode = 0
        solo.give(.jobEnded(0, end), Array("out".utf8))
        let said = solo.done.results[0]
        #expect(string(said.requestID) == "mine")
        #expect(said.requestOffset == 7)
        #expect(said.workerID == worker(1))
        #expect(said.term == 1)
        #expect(said.attempt == 2)
        #expect(said.status == .completed)
        #expect(said.exitCode == 0)
        #expect(said.durationMs == 42)
        #expect(said.final)
        let write = solo.done.filter {
            if case .write(.result, _) = $0.effect { true } else { false }
        }[0]
        #expect(write.bytes == Array("out".utf8))
    }

    @Test("of the output no more than 4096 bytes come back")
    func longOutput() {
        let solo = worker1()
        assign(0, on: solo)
        solo.give(.jobEnded(0, jobEnd()), [UInt8](repeating: 7, count: 5000))
        let write = solo.done.filter {
            if case .write(.result, _) = $0.effect { true } else { false }
        }[0]
        #expect(write.bytes.count == 4096)
    }

    @Test(
        "a failure is final when it was the last attempt; success and refusal always are",
        arguments: [
            (Status.completed, 0, true), (.rejected, 0, true), (.failed, 0, false),
            (.failed, 1, false), (.failed, 2, true), (.timedOut, 1, false), (.timedOut, 2, true),
            (.lost, 2, false),
        ] as [(Status, Int32, Bool)])
    func final(_ status: Status, _ failures: Int32, _ isFinal: Bool) {
        let solo = worker1()
        assign(0, attempt: 9, failures: failures, request("a", maxAttempts: 3), on: solo)
        solo.give(.jobEnded(0, jobEnd(status)))
        #expect(solo.done.results.map(\.final) == [isFinal])
        #expect(solo.done.results.map(\.status) == [status])
    }

    @Test("a result that was not delivered is written again until it is")
    func retried() {
        let solo = worker1()
        assign(0, on: solo)
        solo.give(.jobEnded(0, jobEnd()), [5])
        let receipt = solo.unread.last { $0.record.topic == .results }!.receipt
        for _ in 0..<5 {
            solo.clear()
            solo.give(.undelivered(receipt))
            solo.idle(200)
            #expect(solo.done.results.count == 1)
            let again = solo.done.filter {
                if case .write(.result, receipt) = $0.effect { true } else { false }
            }
            #expect(again.map(\.bytes) == [[5]])
        }
        solo.give(.delivered(receipt, 0))
        solo.clear()
        solo.give(.undelivered(receipt))
        solo.idle(500)
        #expect(solo.done.results.isEmpty)
    }

    /// Has finished one of three jobs, and two run; nobody takes the result.
    private func mute() -> (solo: Solo, receipt: Receipt) {
        let solo = worker1(slots: 2)
        for offset in 0..<3 as Range<Offset> { assign(offset, on: solo) }
        solo.give(.jobEnded(0, jobEnd()), [5])
        return (solo, solo.unread.last { $0.record.topic == .results }!.receipt)
    }

    /// Time passes under a leader that hears us; the producer gives the result up again and again, or
    /// (nil) goes on trying.
    private func live(_ solo: Solo, _ milliseconds: Int64, refusing receipt: Receipt? = nil) {
        for _ in 0..<(milliseconds / 200) {
            if let receipt { solo.give(.undelivered(receipt)) }
            solo.idle(200)
            solo.read(leaderRecord(by: 2, term: 1, heartbeatOffset: solo.ends[2]))
        }
    }

    @Test(
        "who cannot write results shows them no more after a while, takes no work, and says so",
        arguments: [true, false])
    func cannotReport(isRefused: Bool) {
        let (solo, receipt) = mute()
        live(solo, 3800, refusing: isRefused ? receipt : nil)
        #expect(solo.done.heartbeats.allSatisfy { !$0.cannotReport })
        #expect(solo.done.heartbeats.last!.runningCount == 3)
        solo.clear()
        live(solo, 800, refusing: isRefused ? receipt : nil)
        let said = solo.done.heartbeats.last!
        #expect(said.cannotReport && said.runningCount == 2, "1 and 2 run on")
        #expect(solo.done.notices.count { if case .cannotReport = $0 { true } else { false } } == 1)
        solo.clear()
        assign(3, on: solo)
        live(solo, 400)
        #expect(solo.done.starts.isEmpty)
        #expect(solo.done.results.contains { $0.requestOffset == 3 && !$0.counts }, "it goes back")
        solo.give(.delivered(receipt, 0))
        solo.give(.jobEnded(1, jobEnd()))
        assign(4, on: solo)
        live(solo, 200)
        #expect(solo.done.starts.map(\.assignment.attempt.requestOffset) == [4])
        #expect(!solo.done.heartbeats.last!.cannotReport)
        #expect(solo.done.notices.contains { if case .canReport = $0 { true } else { false } })
    }

    @Test("a result that is not taken for long says nothing of one that was finished since")
    func cannotReportOne() {
        let (solo, _) = mute()
        live(solo, 3000)
        solo.give(.jobEnded(1, jobEnd()))
        live(solo, 1600)
        #expect(solo.done.heartbeats.last!.cannotReport)
        #expect(solo.done.heartbeats.last!.runningCount == 2, "1 is reported yet, 2 runs")
        live(solo, 3000)
        #expect(solo.done.heartbeats.last!.runningCount == 1)
    }

    @Test("once nobody asks for its results any more it tries again, and waits longer each time")
    func triesToReport() {
        let solo = worker1()
        var muteMs: [Int64] = []
        for offset in 0..<3 as Range<Offset> {
            assign(offset, on: solo)
            #expect(solo.done.starts.last?.assignment.attempt.requestOffset == offset)
            let place = Int(solo.done.starts.last!.place)
            solo.give(.jobEnded(Place(place), jobEnd()))
            live(solo, 4400)
            #expect(solo.done.heartbeats.last!.cannotReport)
            let attempt = Attempt(requestOffset: offset, attempt: 1, workerID: worker(1))
            solo.read(leaderRecord(.cancel(attempt), by: 2, term: 1))
            let since = solo.now
            while solo.done.heartbeats.last!.cannotReport, solo.now < since + 200_000 {
                live(solo, 200)
            }
            muteMs.append(solo.now.ms(since: since))
        }
        #expect(muteMs[0] > 15_000 && muteMs[1] > 35_000 && muteMs[2] > 75_000, "\(muteMs)")
        #expect(muteMs[2] < 100_000)
    }

    @Test("a result that comes late because the broker was away is no sign of that")
    func reportsLate() {
        let (solo, receipt) = mute()
        solo.give(.brokerLost)
        solo.wait(20_000)
        solo.give(.brokerFound)
        live(solo, 3800)
        #expect(solo.done.heartbeats.last!.runningCount >= 1)
        solo.give(.delivered(receipt, 0))
        live(solo, 8000)
        #expect(solo.done.heartbeats.allSatisfy { !$0.cannotReport })
    }

    @Test("a result that the broker refuses is written shorter, then as failed, then as it is")
    func refused() {
        let solo = worker1()
        assign(0, on: solo)
        let output = [UInt8](repeating: 7, count: 3000)
        solo.give(.jobEnded(0, jobEnd()), output)
        let receipt = solo.unread.last { $0.record.topic == .results }!.receipt
        func writeAgain() -> (result: WorkResult?, count: Int?) {
            solo.clear()
            solo.give(.refused(receipt))
            solo.idle(200)
            #expect(solo.done.results.count == 1)
            let written = solo.done.first {
                if case .write(.result, receipt) = $0.effect { true } else { false }
            }
            return (solo.done.results.first, written?.bytes.count)
        }
        let shorter = writeAgain()
        #expect(shorter.count == 256 && shorter.result?.truncated == true)
        #expect(shorter.result?.status == .completed && shorter.result?.reason == nil)
        for _ in 0..<3 {
            let failed = writeAgain()
            #expect(failed.count == 0 && failed.result?.status == .failed)
            #expect(failed.result?.reason == .resultRefused)
        }
        solo.give(.delivered(receipt, 0))
        solo.clear()
        assign(1, on: solo)
        #expect(solo.done.starts.count == 1)
    }

    @Test("results are retried without a lease, and by a node that leaves")
    func retriedAlways() {
        let solo = worker1()
        assign(0, on: solo)
        solo.give(.jobEnded(0, jobEnd()))
        let receipt = solo.unread.last { $0.record.topic == .results }!.receipt
        solo.wait(3000)
        solo.give(.shutdown)
        #expect(!solo.done.hasLeft)
        solo.clear()
        solo.give(.undelivered(receipt))
        solo.wait(200)
        #expect(solo.done.results.count == 1)
        solo.give(.delivered(receipt, 0))
        #expect(solo.done.hasLeft)
    }

    @Test("a delivery report of a place's former result is told apart by its serial")
    func receipts() {
        let solo = worker1()
        assign(0, on: solo)
        solo.give(.jobEnded(0, jobEnd()))
        let first = solo.unread.last { $0.record.topic == .results }!.receipt
        solo.give(.delivered(first, 0))
        assign(1, on: solo)
        solo.give(.jobEnded(0, jobEnd()))
        let second = solo.unread.last { $0.record.topic == .results }!.receipt
        #expect(first != second)
        solo.give(.delivered(first, 0))
        solo.idle(30)
        #expect(solo.done.heartbeats.last?.runningCount == 1)
        solo.give(.delivered(second, 1))
        solo.idle(30)
        #expect(solo.done.heartbeats.last?.runningCount == 0)
    }

    @Test("an end that nothing ran for is a broken machine")
    func noJob() async {
        await #expect(processExitsWith: .failure) {
            let solo = Solo()
            solo.follow()
            solo.give(.jobEnded(0, jobEnd()))
        }
    }

    // MARK: What heartbeats say of it

    @Test("a heartbeat lists what runs, waits, or is finished and not known to be in results")
    func running() {
        let solo = worker1()
        for offset in [4, 5, 6] { assign(Offset(offset), on: solo) }
        solo.give(.jobEnded(0, jobEnd()))
        solo.idle(30)
        let said = solo.done.heartbeats.last!
        #expect(solo.done.reports.last!.running.sorted() == [4, 5, 6])
        #expect(said.current.map(string) == "r5")
        #expect(said.completedCount == 1)
        #expect(solo.done.reports.last!.completed == ["r4"])
        solo.readBackOnce()
        solo.idle(30)
        #expect(solo.done.reports.last!.running.sorted() == [5, 6])
    }

    @Test("it says which have a deadline, for they run, and up to which order it has started all")
    func deadlines() {
        let solo = worker1 { $0.setTimeout(of: text("slow"), ms: 7000) }
        assign(4, request("a", op: "slow"), on: solo)
        let next = solo.node.desk.next(.leader)
        assign(5, request("b", op: "slow", timeoutMs: 8), on: solo)
        solo.idle(30)
        #expect(solo.done.reports.last!.running == [4, 5])
        #expect(solo.done.reports.last!.deadlines == [7000])
        #expect(solo.done.heartbeats.last!.startedOffset == next)
        solo.give(.jobEnded(0, jobEnd()))
        solo.idle(30)
        #expect(solo.done.reports.last!.running == [5, 4], "what runs comes first")
        #expect(solo.done.reports.last!.deadlines == [8])
        #expect(solo.done.heartbeats.last!.startedOffset == next + 1)
    }

    @Test("what a board started in a log that the broker lost says nothing of the new one")
    func startedInLostLog() {
        let solo = worker1()
        assign(4, on: solo)
        solo.loseLeaderLog()
        solo.give(.jobEnded(0, jobEnd(.failed)))
        solo.idle(600)
        #expect(solo.done.heartbeats.last!.startedOffset == 0)
    }

    @Test("of the finished only the last four are named")
    func completed() {
        let solo = worker1()
        for offset in 0..<6 {
            assign(Offset(offset), on: solo)
            solo.give(.jobEnded(solo.done.starts.last!.place, jobEnd()))
        }
        solo.idle(30)
        #expect(solo.done.reports.last!.completed == ["r2", "r3", "r4", "r5"])
        #expect(solo.done.heartbeats.last!.completedCount == 6)
    }

    @Test("the work LED is lit while a job runs")
    func workLED() {
        let solo = worker1()
        func isLit() -> Bool? {
            let shows = solo.done.compactMap {
                if case .show(_, _, let working) = $0.effect { working } else { nil }
            }
            return shows.last
        }
        assign(0, on: solo)
        #expect(isLit() == true)
        solo.give(.jobEnded(0, jobEnd()))
        #expect(isLit() == false)
    }

    @Test("an attempt that was lost is not among the finished")
    func lostIsNotFinished() {
        let solo = worker1()
        assign(0, on: solo)
        solo.idle(2500)
        #expect(solo.done.kills.first == 0)
        solo.give(.jobEnded(0, jobEnd(.failed)))
        solo.idle(300)
        #expect(solo.done.results.map(\.status) == [.lost])
        #expect(solo.done.heartbeats.last?.completedCount == 0)
        #expect(solo.done.reports.last?.completed == [])
    }

    // MARK: Leaving

    @Test("a worker that leaves kills what runs, gives back what waits, and then goes")
    func leaves() {
        let solo = worker1()
        assign(0, on: solo)
        assign(1, on: solo)
        solo.give(.shutdown)
        #expect(solo.done.kills == [0])
        #expect(solo.done.results.map(\.requestOffset) == [1])
        solo.give(.jobEnded(0, jobEnd(.failed)))
        #expect(solo.done.results.map(\.status) == [.lost, .lost])
        #expect(solo.done.results.allSatisfy { !$0.final && !$0.counts })
        #expect(!solo.done.hasLeft)
        for (record, _, receipt) in solo.unread where record.topic == .results {
            solo.give(.delivered(receipt, 0))
        }
        #expect(solo.done.hasLeft)
    }

    @Test("a leader that leaves waits until its resignation is in the log")
    func leaderLeaves() {
        let solo = Solo()
        solo.lead()
        solo.give(.shutdown)
        #expect(solo.done.resignations.count == 1)
        #expect(!solo.done.hasLeft)
        solo.readBack()
        #expect(solo.done.hasLeft)
    }

    @Test("it does not wait for ever to leave")
    func leavesInTime() {
        let solo = worker1()
        assign(0, on: solo)
        solo.give(.shutdown)
        solo.wait(999)
        #expect(!solo.done.hasLeft)
        solo.sleep(1)
        solo.give(.tick)
        #expect(solo.done.hasLeft)
    }

    @Test("who leaves takes nothing new")
    func leavingTakesNothing() {
        let solo = worker1()
        assign(0, on: solo)
        solo.give(.shutdown)
        assign(1, on: solo)
        #expect(solo.done.starts.count == 1)
        #expect(solo.counters[.accepted] == 1)
    }
}
