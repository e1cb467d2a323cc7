import Testing
import Union
import Wire

@testable import Shell

/// A result as a node or a leader writes it.
private func result(
    _ id: String, at offset: Offset, _ status: Status = .completed, final: Bool = true
) -> WorkResult {
    WorkResult(
        requestID: fixed(id), requestOffset: offset, workerID: WorkerID(high: 7, low: 7), term: 1,
        attempt: 1, status: status, exitCode: nil, truncated: false, durationMs: 1, final: final)
}

private func requests(_ limit: Int, _ name: String = "") -> Requests {
    name.lend { Requests(limit: limit, name: $0) }
}

private func at(_ us: Int64) -> Instant { Instant(us: us) }

@Suite("What submit knows of its requests")
struct RequestsTests {
    @Test("ids: a name alone, numbered names, or UUIDs that differ in their first eight digits")
    func ids() {
        let one = requests(1, "mine")
        #expect(string(one.id(0)) == "mine")
        let many = requests(3, "mine")
        #expect((0..<3).map { string(many.id($0)) } == ["mine-1", "mine-2", "mine-3"])
        let unnamed = requests(1000)
        var heads: Set<String> = []
        for i in 0..<1000 {
            let id = string(unnamed.id(i))
            #expect(id.lend { WorkerID(uuid: $0) } != nil && id.dropFirst(14).first == "4")
            heads.insert(String(id.prefix(8)))
        }
        #expect(heads.count == 1000)
        #expect(string(requests(1).id(0)) != string(requests(1).id(0)))
    }

    @Test("a final result of each id is the outcome of its request, with its latency")
    func byID() {
        for name in ["", "mine"] {
            var requests = requests(100, name)
            for i in 0..<100 { requests.noteSent(at: at(Int64(i))) }
            for i in (0..<100).reversed() {
                let id = string(requests.id(i))
                let verdict = requests.settle(result(id, at: Offset(i)), at: at(500))
                #expect(verdict == .settled(latencyUs: 500 - Int64(i)))
            }
            #expect(requests.open == 0 && requests.outcomes[.completed] == 100)
            #expect(requests.firstSentAt == at(0) && requests.lastSettledAt == at(500))
        }
    }

    @Test("a result that is not final, comes again, or is of a request not yet sent, is foreign")
    func foreign() {
        var requests = requests(2, "mine")
        requests.noteSent(at: at(0))
        requests.noteDelivered(tag: 1, 10)
        func settle(_ result: WorkResult) -> Requests.Verdict { requests.settle(result, at: at(1)) }
        #expect(settle(result("mine-1", at: 10, .lost, final: false)) == .foreign)
        #expect(settle(result("mine-2", at: 11)) == .foreign)
        #expect(settle(result("mine-1", at: 10)) == .settled(latencyUs: 1))
        #expect(settle(result("mine-1", at: 10, .failed)) == .foreign)
        #expect(requests.outcomes.all == 1 && requests.outcomes[.failed] == 0)
    }

    @Test(
        "an id that only looks like ours is another's",
        arguments: ["mine", "mine-", "mine-0", "mine-3", "mine-01", "mine--1", "mine+1", "yours-1"])
    func lookalikes(_ id: String) {
        var requests = requests(2, "mine")
        for i in 0..<2 {
            requests.noteSent(at: at(0))
            requests.noteDelivered(tag: UInt(i) + 1, Offset(i))
        }
        #expect(requests.settle(result(id, at: 50), at: at(1)) == .foreign)
    }

    @Test("an unnamed request's lookalikes are others', too")
    func unnamedLookalikes() {
        var requests = requests(4)
        for i in 0..<4 {
            requests.noteSent(at: at(0))
            requests.noteDelivered(tag: UInt(i) + 1, Offset(i))
        }
        let id = string(requests.id(2))
        let changed = [
            String(id.dropLast()), id.uppercased() == id ? id.lowercased() : id.uppercased(),
            id.replacing("-4", with: "-5"), String(id.dropLast()) + (id.hasSuffix("0") ? "1" : "0"),
        ]
        for id in changed { #expect(requests.settle(result(id, at: 50), at: at(1)) == .foreign) }
        #expect(requests.settle(result(id, at: 2), at: at(1)) == .settled(latencyUs: 1))
    }

    @Test("a result that names a request after ours is a stranger's")
    func farOffset() {
        var requests = requests(2, "r")
        for i in 0..<2 {
            requests.noteSent(at: at(0))
            requests.noteDelivered(tag: UInt(i) + 1, Offset(10 + i))
        }
        #expect(requests.settle(result("r-1", at: 11), at: at(1)) == .foreign)
        #expect(requests.settle(result("r-1", at: 10), at: at(1)) == .settled(latencyUs: 1))
        #expect(requests.settle(result("r-2", at: 3), at: at(1)) == .settled(latencyUs: 1))
    }

    @Test("a request whose id the leader could not read is known by its offset")
    func byOffset() {
        var requests = requests(3)
        for i in 0..<3 { requests.noteSent(at: at(Int64(i))) }
        requests.noteDelivered(tag: 1, 100)
        requests.noteDelivered(tag: 2, 104)
        requests.noteDelivered(tag: 3, 105)
        #expect(
            requests.settle(result("offset-104", at: 104, .rejected), at: at(9))
                == .settled(latencyUs: 8))
        #expect(requests.settle(result("offset-101", at: 101, .rejected), at: at(9)) == .foreign)
        #expect(requests.outcomes[.rejected] == 1 && requests.open == 2)
    }

    @Test("offsets that share a place in the table are told apart")
    func collisions() {
        var requests = requests(4)
        let offsets: [Offset] = [3, 11, 19, 1_000_000_003]
        for i in 0..<4 {
            requests.noteSent(at: at(0))
            requests.noteDelivered(tag: UInt(i) + 1, offsets[i])
        }
        for offset in [27, 35] as [Offset] {
            #expect(requests.settle(result("x", at: offset), at: at(1)) == .foreign)
        }
        for offset in offsets.reversed() {
            #expect(requests.settle(result("x", at: offset), at: at(1)) == .settled(latencyUs: 1))
        }
    }

    @Test("a result that overtakes the delivery report waits for it, and for no other")
    func overtaking() {
        var requests = requests(2)
        requests.noteSent(at: at(0))
        requests.noteSent(at: at(0))
        let ours = result("offset-8", at: 8, .rejected)
        #expect(requests.settle(ours, at: at(1)) == .undecided)
        requests.noteDelivered(tag: 1, 7)
        #expect(requests.settle(ours, at: at(1)) == .undecided)
        // What lies before a reported offset would have been reported already.
        #expect(requests.settle(result("offset-6", at: 6), at: at(1)) == .foreign)
        requests.noteDelivered(tag: 2, 8)
        #expect(requests.settle(ours, at: at(2)) == .settled(latencyUs: 2))
        #expect(requests.settle(result("offset-9", at: 9), at: at(2)) == .foreign)
    }

    @Test("with nothing on its way, nothing is undecided")
    func decided() {
        var requests = requests(2)
        #expect(requests.settle(result("x", at: 5), at: at(1)) == .foreign)
        requests.noteSent(at: at(0))
        requests.noteUndelivered(tag: 1)
        #expect(requests.settle(result("x", at: 5), at: at(1)) == .foreign)
    }

    @Test("a request that the producer gave up is waited for no more, unless it was in the log")
    func undelivered() {
        var requests = requests(2, "r")
        requests.noteSent(at: at(0))
        requests.noteSent(at: at(0))
        requests.noteUndelivered(tag: 1)
        requests.noteDelivered(tag: 2, 5)
        #expect(requests.undelivered == 1 && requests.open == 2)
        // It was in the log nevertheless: the other one is still waited for.
        #expect(requests.settle(result("r-1", at: 4), at: at(1)) == .settled(latencyUs: 1))
        #expect(requests.undelivered == 0 && requests.open == 1)
        // Its outcome came first: the report says nothing new.
        #expect(requests.settle(result("r-2", at: 5), at: at(1)) == .settled(latencyUs: 1))
        #expect(requests.open == 0)
    }

    @Test("a request that was settled before its report came is not given up")
    func settledFirst() {
        var requests = requests(1, "r")
        requests.noteSent(at: at(0))
        #expect(requests.settle(result("r", at: 4), at: at(1)) == .settled(latencyUs: 1))
        requests.noteUndelivered(tag: 1)
        #expect(requests.undelivered == 0)
    }

    @Test("outcomes are counted by status")
    func tally() {
        var requests = requests(7, "r")
        var number = 0
        for status in Status.all {
            requests.noteSent(at: at(0))
            number += 1
            _ = requests.settle(result("r-\(number)", at: 0, status), at: at(1))
        }
        for status in Status.all { #expect(requests.outcomes[status] == 1, "\(status)") }
        #expect(requests.outcomes.all == 7)
    }

    @Test("a percentile is the least latency that so many did not exceed")
    func percentiles() {
        var requests = requests(100, "r")
        for _ in 0..<100 { requests.noteSent(at: at(0)) }
        for i in 1...100 {
            _ = requests.settle(result("r-\(i)", at: 0), at: at(Int64(i) * 10))
        }
        #expect(requests.percentile(50) == 500)
        #expect(requests.percentile(99) == 990)
        #expect(requests.percentile(100) == 1000)
        #expect(requests.percentile(1) == 10)
    }

    @Test("half of three are two: a percentile is rounded up")
    func percentileOfFew() {
        var requests = requests(3, "r")
        for _ in 0..<3 { requests.noteSent(at: at(0)) }
        for i in 1...3 {
            _ = requests.settle(result("r-\(i)", at: 0), at: at(Int64(i) * 10))
        }
        #expect(requests.percentile(50) == 20)
    }

    @Test("tags are the requests' numbers from 1, for 0 asks for no report")
    func tags() {
        var requests = requests(2)
        #expect(requests.nextTag == 1)
        requests.noteSent(at: at(0))
        #expect(requests.nextTag == 2)
    }
}
