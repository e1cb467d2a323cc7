import Testing

@testable import Union

/// The outbox has room for the worst that can happen in one step (design, section 10, rule 8).
/// A full one traps: each of these would end the test.
@Suite("Outbox")
struct OutboxTests {
    @Test("256 members lost at once are all removed, and all their work is given to another")
    func membersLost() {
        let solo = Solo()
        solo.lead()
        for number in 2...256 { solo.addMember(number, slots: 8) }
        for i in 0..<Limits.ledger {
            solo.read(request("r\(i)", maxAttempts: 9))
            solo.readBackOnce { $0.topic == .leader }
        }
        #expect(solo.done.assignments.count == Limits.ledger)
        solo.clear()
        solo.live(2900)
        #expect(solo.done.removed.count == 255)
        #expect(solo.counters[.attemptsLost] == Limits.ledger)
    }

    @Test("a step that has used half of the bytes goes on to nothing that can wait")
    func halfOfTheBytes() {
        let region = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { region.deallocate() }
        var arena = Arena(region)
        var outbox = Outbox(&arena)
        for _ in 1..<(Limits.effectBytes / 2) { outbox.pack(UInt8(0)) }
        let hadRoom = outbox.hasRoom
        outbox.pack(UInt8(0))
        let hasRoom = outbox.hasRoom
        #expect(hadRoom && !hasRoom)
    }

    @Test("a worker with a full queue that comes back in a new incarnation loses all of it")
    func fullQueueLost() {
        let solo = Solo()
        solo.lead()
        solo.addMember(2, slots: 8)
        for i in 0..<3 {
            solo.read(request("s\(i)", op: "noop"))
            solo.read(result(of: Offset(i), by: 2, id: "s\(i)", durationMs: 0))
        }
        solo.clear()
        for i in 0..<100 { solo.read(request("n\(i)", op: "noop")) }
        let inFlight = solo.done.assignments.count
        #expect(inFlight > 16)
        solo.readBack()
        solo.clear()
        solo.live(1800)
        solo.report(2, slots: 8, incarnation: 9)
        solo.live(300)
        solo.report(2, slots: 8, incarnation: 9)
        solo.readBack()
        #expect(solo.counters[.attemptsLost] == inFlight)
        #expect(solo.done.assignments.count >= 8)
    }

    /// A worker with eight slots that has 64 jobs.
    private func fullBench() -> Solo {
        let solo = Solo { $0.slots = 8 }
        solo.follow()
        solo.renewLease()
        for offset in 0..<64 {
            let order = Order.assign(assignment(Offset(offset), to: 1))
            solo.read(leaderRecord(order, by: 2, term: 1), emptyPayload)
        }
        return solo
    }

    @Test("64 results that were not delivered are all written again")
    func results() {
        let solo = fullBench()
        let output = [UInt8](repeating: 1, count: Limits.outputBytes)
        for ended in 0..<64 {
            solo.give(.jobEnded(solo.done.starts[ended].place, jobEnd()), output)
        }
        #expect(solo.done.results.count == 64)
        for (record, _, receipt) in solo.unread where record.topic == .results {
            solo.give(.undelivered(receipt))
        }
        solo.clear()
        solo.wait(250)
        #expect(solo.done.results.count == 64)
    }

    @Test("64 jobs are given up at once by a leader that leaves")
    func leaves() {
        let solo = Solo { $0.slots = 8 }
        solo.lead()
        solo.live(300)
        for i in 0..<64 {
            let order = Order.assign(assignment(Offset(i), to: 1))
            solo.read(
                leaderRecord(order, by: 1, term: 1, sentAt: solo.now), emptyPayload)
        }
        solo.clear()
        solo.give(.shutdown)
        #expect(solo.done.results.count == 56)
        #expect(solo.done.kills.count == 8)
        #expect(solo.done.resignations.count == 1)
    }

    @Test("64 jobs are dropped at once")
    func dropped() {
        let solo = fullBench()
        solo.clear()
        solo.read(leaderRecord(.removeMember(worker(1)), by: 2, term: 1))
        #expect(solo.done.kills.count == 8)
    }

    @Test("requests as large as they come are assigned, 256 of them")
    func largeRequests() {
        let solo = Solo()
        solo.lead()
        for number in 2...40 { solo.addMember(number, slots: 8) }
        solo.clear()
        // None is eligible until they report: then all are assigned in a few steps.
        for number in 2...40 { solo.read(heartbeat(by: number, leader: 9, term: 0)) }
        let payload = [UInt8](repeating: 3, count: Limits.requestPayloadBytes)
        for i in 0..<Limits.ledger { solo.read(.request(request("r\(i)")), payload) }
        #expect(solo.done.assignments.isEmpty)
        for number in 2...40 { solo.report(number, slots: 8) }
        solo.live(10)
        #expect(solo.done.assignments.count == Limits.ledger)
    }

    @Test("512 open requests whose records are gone are all answered")
    func allVanished() {
        let solo = Solo()
        solo.follow()
        let rows = (0..<Limits.ledger).map { openWork(Offset($0)) }
        let order = Order.checkpoint(Checkpoint(requestsNext: 256, resultsNext: 0))
        solo.read(leaderRecord(order, by: 2, term: 1), packed(rows))
        solo.idle(900)
        solo.read(leaderRecord(.resign, by: 2, term: 1))
        solo.winElection()
        solo.clear()
        solo.give(.bounds(.results, low: 0, high: 0, askedAt: solo.now))
        solo.give(.bounds(.requests, low: 300, high: 300, askedAt: solo.now))
        solo.reachEnd(.results)
        solo.live(5000)
        #expect(Set(solo.done.results.map(\.requestOffset)).count == 256)
        #expect(solo.done.results.allSatisfy { $0.status == .rejected && $0.final })
        #expect(solo.counters[.settled] == 256)
    }

    @Test("an effect has its own bytes, and a step begins with an empty outbox")
    func bytes() {
        let region = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Node.arenaBytes, alignment: 16)
        defer { region.deallocate() }
        region.initializeMemory(as: UInt8.self, repeating: 0)
        var arena = Arena(region)
        var outbox = Outbox(&arena)
        outbox.append(.ready)
        outbox.pack(7)
        outbox.pack(UInt64(0x0102), size: 2)
        outbox.append(.exit)
        outbox.append(.ready)
        let counts = (0..<outbox.count).map { outbox.payload($0).count }
        #expect(counts == [0, 3, 0])
        let first = outbox.payload(1)[0]
        let second = outbox.payload(1)[1]
        #expect(first == 7 && second == 2)
        outbox.removeAll()
        let count = outbox.count
        #expect(count == 0)
    }
}
