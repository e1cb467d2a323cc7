import Testing
import Union

struct OffsetTableTests {
    /// A table of eight in memory that nobody gives back: a test is short.
    private static func eight() -> OffsetTable<Int> {
        var arena = Arena(.allocate(byteCount: 1024, alignment: 16))
        return OffsetTable(capacity: 8, filler: 0, &arena)
    }

    @Test("a row lives at its offset's own place where that is free")
    func home() {
        var table = Self.eight()
        let index = table.insert(13, 1)
        #expect(index == 5)
        let found = table.find(13)
        #expect(found == 5)
        let isUsed = table.isUsed(5)
        #expect(isUsed)
    }

    @Test("rows with one home are told apart, in whatever order they leave", arguments: 0..<6)
    func oneHome(order: Int) throws {
        let orders = [
            [3, 11, 19], [3, 19, 11], [11, 3, 19], [11, 19, 3], [19, 3, 11], [19, 11, 3],
        ]
        var table = Self.eight()
        for offset in [3, 11, 19] as [Offset] { _ = table.insert(offset, Int(offset)) }
        var rest = [3, 11, 19]
        for offset in orders[order] {
            let index = table.find(Offset(offset))
            table.remove(at: try #require(index))
            rest.removeAll { $0 == offset }
            for other in [3, 11, 19] {
                let row = table.find(Offset(other)).map { table[$0] }
                #expect(row == (rest.contains(other) ? other : nil))
            }
        }
    }

    @Test("a full table refuses, and changes nothing")
    func full() {
        var table = Self.eight()
        for offset in 0..<8 as Range<Offset> { _ = table.insert(offset * 8, 1) }
        let isFull = table.isFull
        #expect(isFull)
        let refused = table.insert(100, 1)
        #expect(refused == nil)
        let count = table.count
        #expect(count == 8)
        let found = table.find(100)
        #expect(found == nil)
    }

    @Test("it behaves as a dictionary would, for long", arguments: 0..<10 as Range<UInt64>)
    func model(seed: UInt64) throws {
        var random = Random(seed: seed)
        var table = Self.eight()
        var model: [Offset: Int] = [:]
        var places: [Offset: Int] = [:]
        for step in 0..<2000 {
            // Few homes for many offsets.
            let offset = Offset(random.below(4)) + 8 * Offset(random.below(6))
            switch random.below(5) {
            case 0..<3:
                guard model[offset] == nil else { break }
                let index = table.insert(offset, step)
                #expect((index == nil) == (model.count == 8), "SEED=\(seed)")
                if let index { (model[offset], places[offset]) = (step, index) }
            case 3:
                guard model[offset] != nil else { break }
                let index = table.find(offset)
                table.remove(at: try #require(index))
                model[offset] = nil
            default:
                guard random.below(50) == 0 else { break }
                table.removeAll()
                model = [:]
            }
            for offset in 0..<48 as Range<Offset> {
                let index = table.find(offset)
                let row = index.map { table[$0] }
                #expect(row == model[offset], "SEED=\(seed)")
                if model[offset] != nil { #expect(index == places[offset], "SEED=\(seed)") }
            }
        }
    }

    @Test("a place that nothing uses is a broken invariant")
    func unused() async {
        await #expect(processExitsWith: .failure) {
            var table = OffsetTableTests.eight()
            table.remove(at: 0)
        }
    }
}
