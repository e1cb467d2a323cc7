import Testing

@testable import Union

/// A job that SIGKILL does not end: it waits in the kernel (design, section 6).
@Suite("A job that cannot be killed")
struct StuckTests {
    // MARK: Its worker

    /// A worker with a lease, that follows worker 2.
    private func worker1(slots: Int32 = 1) -> Solo {
        let solo = Solo { $0.slots = slots }
        solo.follow()
        solo.renewLease()
        solo.readBackOnce()
        solo.clear()
        return solo
    }

    private func assign(_ offset: Offset, timeoutMs: Int32 = 1000, on solo: Solo) {
        let order = Order.assign(
            assignment(offset, to: 1, request("r\(offset)", timeoutMs: timeoutMs)))
        solo.read(leaderRecord(order, by: 2, term: 1, sentAt: solo.now), emptyPayload)
    }

    /// The leader goes on hearing it.
    private func lead(_ solo: Solo, _ milliseconds: Int64) {
        for _ in 0..<(milliseconds / 100) {
            solo.idle(100)
            let end = solo.ends[Int(Topic.heartbeat.rawValue)]
            solo.read(leaderRecord(by: 2, term: 1, sentAt: solo.now, heartbeatOffset: end))
        }
    }

    private func wereStuck(_ solo: Solo) -> [Offset] {
        solo.done.notices.compactMap {
            if case .stuck(_, let attempt) = $0 { attempt.requestOffset } else { nil }
        }
    }

    /// Its deadline, the grace of 200 ms, a heartbeat (250) until it is killed once more, and
    /// ack_timeout_ms (2,000).
    private static let stuckMs: Int64 = 1000 + 200 + 250 + 2000

    @Test("who cannot end a job says so, shows it no more, and takes nothing else")
    func suspends() {
        let solo = worker1()
        assign(3, on: solo)
        assign(4, on: solo)
        lead(solo, Self.stuckMs - 150)
        #expect(wereStuck(solo).isEmpty)
        #expect(solo.done.heartbeats.last?.runningCount == 2)
        #expect(solo.done.kills == [Place(0)], "it was killed, whatever its shell did before")
        lead(solo, 400)
        #expect(wereStuck(solo) == [3])
        #expect(solo.done.heartbeats.last.flatMap { $0.stuckOp.map { string($0) } } == "thumbnail")
        let given = solo.done.results
        #expect(given.map(\.requestOffset) == [4], "what waits goes back")
        #expect(given.allSatisfy { $0.status == .lost && !$0.counts && !$0.final })
        solo.clear()
        assign(5, on: solo)
        #expect(solo.done.starts.isEmpty)
        #expect(solo.done.results.map(\.requestOffset) == [5])
        #expect(solo.done.results.allSatisfy { !$0.counts })
    }

    @Test("what runs beside it is shown, and it is not")
    func runsBeside() {
        let solo = worker1(slots: 2)
        assign(3, on: solo)
        assign(4, timeoutMs: 60_000, on: solo)
        lead(solo, Self.stuckMs + 400)
        #expect(wereStuck(solo) == [3])
        #expect(solo.done.reports.last?.running == [4])
        #expect(solo.done.reports.last?.deadlines == [60_000])
    }

    @Test("what is taken from it, once it was killed at once, has its time to die all the same")
    func takenWhileItDies() {
        let solo = worker1()
        assign(3, on: solo)
        lead(solo, 1000 + 200 + 250 + 100)
        #expect(solo.done.kills == [Place(0)])
        let cancel = Order.cancel(
            Attempt(requestOffset: 3, attempt: 1, workerID: worker(1)), unlessStarted: false)
        solo.read(leaderRecord(cancel, by: 2, term: 1, sentAt: solo.now))
        lead(solo, 1700)
        #expect(wereStuck(solo).isEmpty)
        lead(solo, 400)
        #expect(wereStuck(solo) == [3])
    }

    @Test("when it is gone after all, its board works again")
    func worksAgain() {
        let solo = worker1()
        assign(3, on: solo)
        lead(solo, Self.stuckMs + 200)
        #expect(wereStuck(solo) == [3])
        solo.clear()
        solo.give(.jobEnded(Place(0), jobEnd(.timedOut)))
        lead(solo, 300)
        #expect(solo.done.results.isEmpty, "nobody waits for that")
        #expect(solo.done.heartbeats.last?.stuckOp == nil)
        assign(5, timeoutMs: 60_000, on: solo)
        #expect(solo.done.starts.count == 1)
        lead(solo, 5000)
        #expect(solo.done.kills.isEmpty, "the next one on that place has its own time")
    }

    @Test("an order that it refused is not taken for new when it is read again")
    func refusedOnce() {
        let solo = worker1()
        assign(3, on: solo)
        lead(solo, Self.stuckMs + 200)
        assign(5, on: solo)
        #expect(solo.done.results.last?.requestOffset == 5)
        solo.give(.jobEnded(Place(0), jobEnd(.timedOut)))
        let starts = solo.done.starts.count
        #expect(
            solo.node.worker.bench.find(
                Attempt(requestOffset: 5, attempt: 1, workerID: worker(1))) == nil)
        lead(solo, 300)
        #expect(solo.done.starts.count == starts)
    }

    @Test("one that is withdrawn and does not die is stuck just so")
    func withdrawn() {
        let solo = worker1()
        assign(3, timeoutMs: 60_000, on: solo)
        let attempt = Attempt(requestOffset: 3, attempt: 1, workerID: worker(1))
        solo.read(leaderRecord(.cancel(attempt), by: 2, term: 1, sentAt: solo.now))
        #expect(solo.done.kills.count == 1)
        lead(solo, 200 + 2000)
        #expect(wereStuck(solo).isEmpty)
        lead(solo, 400)
        #expect(wereStuck(solo) == [3])
    }

    @Test("a node that was stopped hears of the end late, and takes nothing for stuck")
    func stopped() {
        let solo = worker1()
        assign(3, on: solo)
        lead(solo, 500)
        solo.sleep(20_000)
        solo.give(.tick)
        solo.give(.jobEnded(Place(0), jobEnd(.timedOut)))
        solo.idle(1000)
        #expect(wereStuck(solo).isEmpty)
        #expect(solo.done.results.count == 1)
    }

    @Test("a node with such a job leaves when it is told to")
    func leaves() {
        let solo = worker1()
        assign(3, on: solo)
        lead(solo, Self.stuckMs + 200)
        solo.give(.shutdown)
        solo.idle(1200) { solo.done.hasLeft }
        #expect(solo.done.hasLeft)
    }

    // MARK: Its leader

    private func report(_ solo: Solo, _ number: Int, stuck: String?) {
        solo.report(number) { $0.stuckOp = stuck.map { text($0) } }
    }

    /// A leader with one member, worker 2, which has nothing to do.
    private func leaderOfOne() -> Solo {
        let solo = Solo()
        solo.lead()
        solo.addMember(2)
        solo.live(300)
        solo.report(2)
        return solo
    }

    private func named(_ solo: Solo) -> [String] {
        solo.done.notices.compactMap {
            if case .workerStuck(worker(2), let op) = $0 { string(op) } else { nil }
        }
    }

    @Test("a member with a job that does not die gets no work, and is named once, with the op")
    func leaderSuspends() {
        let solo = Solo()
        solo.lead()
        solo.addMember(2, slots: 4)
        solo.addMember(3)
        for _ in 0..<3 { report(solo, 2, stuck: "mount") }
        #expect(named(solo) == ["mount"])
        solo.read(request("a"))
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(3)])
        solo.read(request("b"))
        #expect(solo.done.assignments.count == 1)
        report(solo, 2, stuck: nil)
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(3), worker(2)])
    }

    @Test("where no member is fit for work the leader works itself, and no longer")
    func leaderWorks() {
        let solo = leaderOfOne()
        solo.read(request("a"))
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(2)])
        solo.read(request("b"))
        #expect(solo.done.assignments.count == 1, "who is busy is fit")
        solo.read(result(of: 0, by: 2, id: "a"))
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(2), worker(2)])
        report(solo, 2, stuck: "mount")
        solo.read(request("c"))
        #expect(solo.done.assignments.last?.attempt.workerID == worker(1))
        solo.live(100)
        solo.give(.jobEnded(Place(0), jobEnd()))
        solo.live(100)
        report(solo, 2, stuck: nil)
        solo.read(result(of: 1, by: 2, id: "b"))
        solo.read(request("d"))
        #expect(solo.done.assignments.last?.attempt.workerID == worker(2))
    }

    @Test("what a stuck worker shows no more is done elsewhere, and the attempt counts")
    func doneElsewhere() {
        let solo = leaderOfOne()
        solo.read(request("a"))
        solo.readBack()
        for _ in 0..<12 {
            solo.live(200)
            report(solo, 2, stuck: "thumbnail")
        }
        solo.readBack()
        report(solo, 2, stuck: "thumbnail")
        #expect(solo.done.cancels.count == 1)
        #expect(solo.done.assignments.map(\.attempt.workerID) == [worker(2), worker(1)])
        #expect(solo.done.assignments.map(\.failures) == [0, 1])
    }
}
