import Testing
import Union

struct RingTests {
    private typealias Five = Ring<Int>

    /// A ring of five in memory that nobody gives back: a test is short.
    private static func five(filler: Int) -> Five {
        var arena = Arena(.allocate(byteCount: 40, alignment: 16))
        return Ring(capacity: 5, filler: filler, &arena)
    }

    /// Every layout: the oldest element in each place, with each count.
    private static let layouts = (0..<5).flatMap { start in (0...5).map { (start, $0) } }

    private func ring(_ start: Int, _ count: Int) -> Five {
        var ring = Self.five(filler: -1)
        for _ in 0..<start {
            ring.append(-2)
            ring.removeFirst()
        }
        for element in 0..<count { ring.append(element) }
        return ring
    }

    private func elements(_ ring: borrowing Five) -> [Int] {
        var elements: [Int] = []
        for i in 0..<ring.count { elements.append(ring[i]) }
        return elements
    }

    @Test("index 0 is the oldest element", arguments: layouts)
    func order(start: Int, count: Int) {
        let ring = ring(start, count)
        #expect(elements(ring) == Array(0..<count))
        let (isEmpty, isFull) = (ring.isEmpty, ring.isFull)
        #expect(isEmpty == (count == 0))
        #expect(isFull == (count == 5))
    }

    @Test("elements leave in the order in which they came", arguments: layouts)
    func removeFirst(start: Int, count: Int) {
        var ring = ring(start, count)
        for element in 0..<count {
            let first = ring.removeFirst()
            #expect(first == element)
        }
        #expect(elements(ring) == [])
    }

    @Test("an appended element is the newest; a full ring refuses it", arguments: layouts)
    func append(start: Int, count: Int) {
        var ring = ring(start, count)
        let isTaken = ring.append(9)
        #expect(isTaken == (count < 5))
        #expect(elements(ring) == Array(0..<count) + (count < 5 ? [9] : []))
    }

    @Test("pushing into a full ring drops the oldest", arguments: layouts)
    func push(start: Int, count: Int) {
        var ring = ring(start, count)
        ring.push(9)
        #expect(elements(ring) == Array((Array(0..<count) + [9]).suffix(5)))
    }

    @Test("an element can be replaced in its place", arguments: layouts)
    func replace(start: Int, count: Int) {
        for index in 0..<count {
            var ring = ring(start, count)
            ring[index] = 9
            #expect(elements(ring) == (0..<count).map { $0 == index ? 9 : $0 })
        }
    }

    @Test("removing all makes room for all", arguments: layouts)
    func removeAll(start: Int, count: Int) {
        var ring = ring(start, count)
        ring.removeAll()
        #expect(elements(ring) == [])
        for element in 5..<10 { ring.append(element) }
        #expect(elements(ring) == [5, 6, 7, 8, 9])
    }

    @Test("it behaves as a list would, for long", arguments: 0..<10 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = Random(seed: seed)
        var ring = Self.five(filler: 0)
        var list: [Int] = []
        for step in 0..<500 {
            switch random.below(3) {
            case 0 where !list.isEmpty:
                let first = ring.removeFirst()
                #expect(first == list.removeFirst())
            case 1:
                ring.push(step)
                list = Array((list + [step]).suffix(5))
            default:
                if ring.append(step) { list.append(step) } else { #expect(list.count == 5) }
            }
            #expect(elements(ring) == list, "SEED=\(seed)")
        }
    }

    @Test("taking from an empty ring is a broken invariant")
    func empty() async {
        await #expect(processExitsWith: .failure) {
            var ring = RingTests.five(filler: 0)
            ring.removeFirst()
        }
    }

    @Test("an index outside the ring is a broken invariant")
    func outOfRange() async {
        await #expect(processExitsWith: .failure) {
            var ring = RingTests.five(filler: 0)
            ring.append(1)
            _ = ring[1]
        }
        await #expect(processExitsWith: .failure) {
            var ring = RingTests.five(filler: 0)
            ring.append(1)
            ring[-1] = 2
        }
    }
}
