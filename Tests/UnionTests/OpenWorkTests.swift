import Testing

@testable import Union

/// What every node knows of unfinished requests from the leader log alone (design, section 6).
@Suite("Open work")
final class OpenWorkTests {
    private var table: OpenWorkTable
    private var hasCheckpoint = false
    private let region = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)

    init() {
        var arena = Arena(region)
        table = OpenWorkTable(Capacities(), &arena)
    }

    deinit { region.deallocate() }

    private func replace(_ rows: [OpenWork], requestsNext: Offset = 5) {
        let list = packed(rows)
        table.replace(list.span, Checkpoint(requestsNext: requestsNext, resultsNext: 3))
        hasCheckpoint = true
    }

    private func assign(
        _ offset: Offset, attempt: Int32 = 1, to number: Int = 2, failures: Int32 = 0
    ) -> Bool {
        table.assign(
            assignment(offset, attempt: attempt, to: number, failures: failures), term: 0,
            isAfterCheckpoint: hasCheckpoint)
    }

    private var rows: [OpenWork] {
        (0..<table.capacity).compactMap { table.row($0) }
            .sorted { $0.requestOffset < $1.requestOffset }
    }

    @Test("a checkpoint says all: what it does not list is settled")
    func checkpoint() {
        _ = assign(1)
        replace([openWork(2, attempt: 3, failures: 1, worker: 4), openWork(4)])
        #expect(rows == [openWork(2, attempt: 3, failures: 1, worker: 4), openWork(4)])
        #expect(table.checkpoint.requestsNext == 5)
        #expect(table.checkpoint.resultsNext == 3)
    }

    @Test("what a checkpoint leaves out is remembered, and where it was open still")
    func dropped() {
        replace([openWork(1), openWork(2)])
        _ = assign(7)
        table.replace(
            packed([openWork(2)]).span, Checkpoint(requestsNext: 9, resultsNext: 6))
        let dropped = (0..<table.dropped.count).map { table.dropped[$0] }
        #expect(dropped.map(\.row.requestOffset).sorted() == [1, 7])
        #expect(dropped.map(\.openAt) == [3, 3])
        table.forgetDropped()
        #expect(table.dropped.count == 0)
    }

    @Test("assignments after a checkpoint are added to its list")
    func assigned() {
        replace([openWork(2)])
        #expect(assign(2, attempt: 1, to: 3))
        #expect(assign(7, attempt: 1, to: 4))
        #expect(
            rows == [
                openWork(2, attempt: 1, worker: 3), openWork(7, attempt: 1, worker: 4),
            ])
    }

    @Test("an attempt number that was used before is void, and changes nothing")
    func usedAttempt() {
        #expect(assign(7, attempt: 2, to: 3))
        #expect(!assign(7, attempt: 2, to: 4))
        #expect(!assign(7, attempt: 1, to: 4))
        #expect(rows.map(\.workerID) == [worker(3)])
        #expect(assign(7, attempt: 3, to: 4, failures: 2))
        #expect(rows == [openWork(7, attempt: 3, failures: 2, worker: 4)])
    }

    @Test("an assignment of a request that the checkpoint knows to be settled is void")
    func settled() {
        replace([openWork(2)], requestsNext: 5)
        #expect(!assign(4))
        #expect(assign(5))
    }

    @Test("a number of an attempt that no honest leader reaches is none")
    func dishonestAttempt() {
        #expect(!assign(7, attempt: 100_000_000))
        replace([openWork(2, attempt: 100_000_000)])
        #expect(rows.map(\.attempt) == [0])
        #expect(assign(2, attempt: 1))
    }

    @Test("what does not fit is void for everybody, and nothing is overwritten")
    func full() {
        for offset in 0..<Offset(Limits.openWork) { #expect(assign(offset)) }
        #expect(!assign(Offset(Limits.openWork)))
        #expect(rows.count == Limits.openWork)
        #expect(assign(3, attempt: 2))
    }

    @Test("a list whose rows contradict each other, or are too many, is read as far as it goes")
    func hostileList() {
        replace([openWork(2, attempt: 1), openWork(2, attempt: 9), openWork(-1), openWork(3)])
        #expect(rows == [openWork(2, attempt: 9), openWork(3)])
        let list = (0..<600).flatMap { packed([openWork(Offset($0))]) }
        table.replace(list.span, Checkpoint(requestsNext: 0, resultsNext: 0))
        #expect(rows.count == Limits.openWork)
    }
}
