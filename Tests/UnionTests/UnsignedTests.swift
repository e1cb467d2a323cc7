import Testing

@testable import Union

/// Records without a valid signature are as if they were not there (docs/protocol.md).
@Suite("Unsigned records")
struct UnsignedTests {
    private let why = "it is not signed with this union's key"

    private func reasons(_ solo: Solo) -> [VoidReason] {
        solo.done.notices.compactMap { if case .void(_, _, let why) = $0 { why } else { nil } }
    }

    private func leader() -> Solo {
        let solo = Solo()
        solo.lead()
        return solo
    }

    @Test("each is counted and said, by whether it has a signature", arguments: [false, true])
    func counted(isSigned: Bool) {
        let solo = leader()
        let records: [Record] = [
            .leader(leaderRecord(.claim, by: 2, term: 9)), .heartbeat(heartbeat(by: 2)),
            .candidacy(candidacy(by: 2, term: 9)), .result(result(of: 0, by: 2)),
        ]
        for record in records { solo.readVoid(record, isSigned: isSigned) }
        solo.readVoid(.request(request("r")), emptyPayload, isSigned: isSigned)
        #expect(
            reasons(solo) == Array(repeating: isSigned ? .signedOtherwise : .unsigned, count: 5))
        #expect(solo.counters[.unsigned] == (isSigned ? 0 : 5))
        #expect(solo.counters[.signedOtherwise] == (isSigned ? 5 : 0))
        #expect(solo.counters[.malformed] == 0)
    }

    @Test("a claim deposes nobody, and what follows it is read")
    func claim() {
        let solo = leader()
        let term = solo.node.term
        let offset = solo.readVoid(.leader(leaderRecord(.claim, by: 2, term: term + 5)))
        #expect(solo.leads && solo.node.term == term)
        #expect(solo.node.desk.next(.leader) == offset + 1)
        solo.read(leaderRecord(.claim, by: 2, term: term + 1))
        #expect(!solo.leads)
    }

    @Test("a log may begin with one: that is its beginning")
    func beginning() {
        let solo = Solo()
        solo.join()
        solo.readVoid(.leader(leaderRecord(.claim, by: 2, term: 9)))
        let isKnown = solo.node.elector.log.loss.isBeginningKnown
        #expect(isKnown)
    }

    @Test("while the way in is looked for, one names no checkpoint")
    func wayIn() {
        let solo = Solo()
        solo.begin()
        for topic in [Topic.leader, .election, .heartbeat] {
            let isLeader = topic == .leader
            solo.give(
                .bounds(topic, low: isLeader ? 10 : 0, high: isLeader ? 100 : 0, askedAt: solo.now))
        }
        let unsigned = Record.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 50))
        for offset in [10, 99] as [Offset] {
            solo.give(Event.read(unsigned, offset).asVoid(isSigned: false, []))
        }
        solo.read(.leader(leaderRecord(by: 2, term: 3, checkpointOffset: 40)), at: 98)
        #expect(solo.done.seeks(.leader) == [10, 99, 98, 40])
    }

    @Test("a heartbeat adds nobody, and renews nobody's lease")
    func heartbeats() {
        let solo = leader()
        solo.addMember(2)
        solo.clear()
        func live(_ ms: Int64) {
            for _ in 0..<(ms / 250) {
                solo.live(250)
                for number in [2, 3] { solo.readVoid(.heartbeat(heartbeat(by: number))) }
            }
        }
        live(2_500)
        #expect(solo.done.added.isEmpty)
        #expect(solo.done.removed == [worker(2)])
        let end = solo.ends[Int(Topic.heartbeat.rawValue)]
        #expect(solo.node.desk.next(.heartbeat) == end)
    }

    @Test("a candidacy wins nothing")
    func candidacies() {
        let solo = Solo()
        solo.join()
        solo.runForLeader()
        solo.readVoid(.candidacy(candidacy(by: 2, term: 1, ranking: 900)))
        solo.live(300) { solo.leads }
        #expect(solo.leads)
    }

    @Test("a result settles nothing, and the attempt goes on")
    func results() {
        let solo = leader()
        solo.read(request("r"))
        solo.readBack()
        let unsigned = result(of: 0, by: 1, attempt: 1, id: "r", term: solo.node.term)
        solo.readVoid(.result(unsigned))
        #expect(solo.counters[.settled] == 0)
        solo.read(unsigned)
        #expect(solo.counters[.settled] == 1)
    }

    @Test("a result that was read when it counted is the same when it is void: nothing is lost")
    func sameResult() {
        for other in [false, true] {
            let solo = leader()
            solo.read(result(of: 7, by: 2, id: "s"))
            solo.give(.brokerLost)
            solo.give(.brokerFound)
            solo.clear()
            let again = Record.result(result(of: other ? 8 : 7, by: 2, id: "s"))
            solo.give(Event.read(again, 0).asVoid(isSigned: false, []))
            #expect(solo.done.asks.contains(.results) == other)
        }
    }

    private func outcomes(_ solo: Solo) -> [String] {
        solo.done.filter { if case .write(.result, _) = $0.effect { true } else { false } }
            .map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test("a request is rejected under its offset's name, and takes its id from nobody")
    func requests() {
        let solo = leader()
        solo.readVoid(.request(request("r")), emptyPayload)
        #expect(solo.done.results.map { string($0.requestID) } == ["offset-0"])
        #expect(solo.done.results[0].status == .rejected && solo.done.results[0].final)
        #expect(outcomes(solo) == [why])
        solo.readBack()
        solo.read(request("r"))
        #expect(solo.done.assignments.map { string($0.request.requestID) } == ["r"])
    }

    @Test("so is one that is malformed, too")
    func malformedRequest() {
        let solo = leader()
        let event = Event.malformed(.requests, text("r"), 0)
        solo.ends[Int(Topic.requests.rawValue)] = 1
        solo.give(event.asVoid(isSigned: true, Array("op_code: missing".utf8)))
        #expect(solo.done.results.map { string($0.requestID) } == ["offset-0"])
        #expect(outcomes(solo) == [why])
    }

    @Test("one that the union took in when it counted is rejected under its own id")
    func takenRequest() {
        let solo = claimed(rows: [openWork(3)])
        answer(solo)
        solo.clear()
        let unsigned = Event.read(.request(request("r3")), 3)
        solo.give(unsigned.asVoid(isSigned: false, emptyPayload))
        #expect(solo.done.results.map { string($0.requestID) } == ["r3"])
        #expect(solo.counters[.offsetsUsedAgain] == 0)
    }

    @Test("the last request is the same, whatever its signature says now: none is lost")
    func lastRequest() {
        func digest(_ event: Event) -> Digest? {
            if case .void(.requests, _, let digest, _, _) = event { digest } else { nil }
        }
        let payload = emptyPayload
        let event = Event.read(.request(request("r")), 4).asVoid(isSigned: false, payload)
        #expect(digest(event) == request("r").digest(payload.span))
        let why = Array("not JSON".utf8)
        let malformed = Event.malformed(.requests, text("r"), 4)
        #expect(
            digest(malformed.asVoid(isSigned: false, why)) == .malformed(text("r"), why.span))
    }
}
