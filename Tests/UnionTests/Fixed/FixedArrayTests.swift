import Testing
import Union

struct FixedArrayTests {
    private typealias List = FixedArray<5, Int>

    private func list(_ elements: Range<Int>) -> List {
        var list = List(filler: -1)
        for element in elements { list.append(element) }
        return list
    }

    private func elements(_ list: List) -> [Int] { (0..<list.count).map { list[$0] } }

    @Test("a new list is empty, whatever fills its places")
    func empty() {
        let list = List(filler: 7)
        #expect(list.isEmpty)
        #expect(!list.isFull)
        #expect(list.count == 0)
        #expect(!list.contains(7))
    }

    @Test("elements stay in the order in which they came", arguments: 0...5)
    func order(count: Int) {
        let list = list(0..<count)
        #expect(elements(list) == Array(0..<count))
        #expect(list.isEmpty == (count == 0))
        #expect(list.isFull == (count == 5))
    }

    @Test("a full list takes nothing more and does not change")
    func overflow() {
        var list = list(0..<5)
        let taken = list.append(5)
        #expect(!taken)
        #expect(elements(list) == [0, 1, 2, 3, 4])
    }

    @Test("removing an element closes its gap", arguments: 1...5)
    func remove(count: Int) {
        for index in 0..<count {
            var list = list(0..<count)
            list.remove(at: index)
            #expect(elements(list) == (0..<count).filter { $0 != index })
            list.append(9)
            #expect(list[count - 1] == 9)
        }
    }

    @Test("removing all makes room for all")
    func removeAll() {
        var list = list(0..<5)
        list.removeAll()
        #expect(list.isEmpty)
        #expect(!list.contains(3))
        list.append(8)
        #expect(elements(list) == [8])
    }

    @Test("an element can be replaced and is found")
    func replace() {
        var list = list(0..<3)
        list[1] = 7
        #expect(elements(list) == [0, 7, 2])
        #expect(list.contains(7))
        #expect(!list.contains(1))
    }

    @Test("a copy is independent")
    func copy() {
        let list = list(0..<3)
        var copy = list
        copy[0] = 9
        copy.append(8)
        #expect(elements(list) == [0, 1, 2])
    }

    @Test("an index outside the list is a broken invariant")
    func outOfRange() async {
        await #expect(processExitsWith: .failure) { _ = FixedArray<5, Int>(filler: 0)[0] }
        await #expect(processExitsWith: .failure) {
            var list = FixedArray<5, Int>(filler: 0)
            list.append(1)
            _ = list[-1]
        }
        await #expect(processExitsWith: .failure) {
            var list = FixedArray<5, Int>(filler: 0)
            list.append(1)
            list[1] = 2
        }
        await #expect(processExitsWith: .failure) {
            var list = FixedArray<5, Int>(filler: 0)
            list.append(1)
            list.remove(at: 1)
        }
    }
}
