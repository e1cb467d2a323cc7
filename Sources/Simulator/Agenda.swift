import Union

/// What is going to happen, by time; what is planned first for a moment happens first.
struct Agenda {
    enum Act {
        /// The board's clock reaches the deadline of its node.
        case tick(board: Int, life: Int)
        /// A record leaves a board for the broker / a busy broker takes it / its delivery report
        /// comes back / the producer gives it up.
        case sent(write: Int, use: Int)
        case taken(write: Int, use: Int)
        case acknowledged(write: Int, use: Int)
        case expired(write: Int, use: Int)
        /// Records that a board waits for arrive there.
        case fetched(board: Int, Topic, seek: Int)
        /// Its next fetch has come to the broker.
        case asksAgain(board: Int, Topic, seek: Int)
        /// Nothing came for a while: the board learns that it has read the topic to its end.
        case idle(board: Int, Topic, seek: Int)
        /// A question about a topic's bounds reaches the broker / its answer the board.
        case asked(board: Int, Topic, life: Int, at: Instant)
        case answered(board: Int, Topic, life: Int, low: Offset, high: Offset, at: Instant)
        case jobEnds(board: Int, life: Int, place: Int, serial: Int)
        /// The minder of a job kills it, for the worker's lease is over.
        case minded(board: Int, life: Int, place: Int, serial: Int)
        case poisons(board: Int, life: Int)
        case starves(board: Int, life: Int, us: Int64)
        /// A keeper that is stopped owes its node an answer / is killed by its timer.
        case keeperMissed(board: Int, stop: Int)
        case keeperKilled(board: Int, stop: Int)
        case wakes(board: Int, pause: Int)
        case starts(board: Int)
        case brokerSeen(board: Int, life: Int, isThere: Bool)
        /// The next fault of a kind / the end of one.
        case fault(Fault)
        case mends(Fault, board: Int, serial: Int)
        case submits
    }

    private struct Item {
        var at: Int64
        var serial: Int64
        var act: Act

        func isBefore(_ other: Item) -> Bool {
            at != other.at ? at < other.at : serial < other.serial
        }
    }

    private var heap = ContiguousArray<Item>()
    private var serial: Int64 = 0

    var nextAt: Int64? { heap.first?.at }

    mutating func plan(_ act: Act, at time: Int64) {
        serial += 1
        let item = Item(at: time, serial: serial, act: act)
        heap.append(item)
        var i = heap.count - 1
        while i > 0 {
            let parent = (i - 1) / 2
            guard item.isBefore(heap[parent]) else { break }
            heap[i] = heap[parent]
            i = parent
        }
        heap[i] = item
    }

    mutating func next() -> Act? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first.act }
        var i = 0
        while true {
            var child = 2 * i + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
            guard heap[child].isBefore(last) else { break }
            heap[i] = heap[child]
            i = child
        }
        heap[i] = last
        return first.act
    }
}
