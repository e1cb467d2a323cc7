import Testing
import Union

struct ArenaTests {
    private func elements<Element>(_ table: borrowing Table<Element>) -> [Element] {
        var elements: [Element] = []
        for i in 0..<table.count { elements.append(table[i]) }
        return elements
    }

    @Test("a table begins with its filler everywhere")
    func filler() {
        withArena(bytes: 64) { arena in
            let table = arena.table(8, filler: 7 as Int64)
            #expect(elements(table) == [Int64](repeating: 7, count: 8))
            #expect(arena.free == 0)
        }
    }

    @Test("tables do not share bytes, and each is aligned", arguments: 1...9)
    func alignment(odd: Int) {
        withArena(bytes: 128) { arena in
            var bytes = arena.bytes(odd)
            var words = arena.table(4, filler: 0x0101_0101_0101_0101 as Int64)
            var pairs = arena.table(3, filler: 0x0202 as Int16)
            for i in 0..<odd { bytes[i] = 0xFF }
            words[0] = 1
            words[3] = 4
            pairs[0] = 5
            #expect(elements(bytes) == [UInt8](repeating: 0xFF, count: odd))
            #expect(elements(words) == [1, 0x0101_0101_0101_0101, 0x0101_0101_0101_0101, 4])
            #expect(elements(pairs) == [5, 0x0202, 0x0202])
            #expect(arena.free == 128 - (odd + 7) / 8 * 8 - 32 - 6)
        }
    }

    @Test("bytes are zero until they are written")
    func zeroed() {
        withArena(bytes: 16) { arena in
            let table = arena.bytes(16)
            #expect(elements(table) == [UInt8](repeating: 0, count: 16))
        }
    }

    @Test("an element changes in place")
    func inPlace() {
        withArena(bytes: 64) { arena in
            var table = arena.table(4, filler: (a: 0 as Int32, b: 0 as Int32))
            table[2].b += 5
            #expect(table[2].a == 0)
            #expect(table[2].b == 5)
            #expect(table[1].b == 0)
        }
    }

    @Test("a run is copied to its place, and lent from it", arguments: 0...4, 0...4)
    func runs(start: Int, count: Int) {
        guard start + count <= 4 else { return }
        withArena(bytes: 4) { arena in
            var table = arena.bytes(4)
            let source = Array([1, 2, 3, 4 as UInt8].prefix(count))
            table.copy(source.span, at: start)
            let expected = (0..<4).map { i in
                i >= start && i < start + count ? UInt8(i - start + 1) : 0
            }
            #expect(elements(table) == expected)
            let span = table.span(start..<(start + count))
            #expect(span.indices.map { span[$0] } == source)
        }
    }

    @Test("an arena that is used up is a broken invariant")
    func usedUp() async {
        await #expect(processExitsWith: .failure) {
            var arena = Arena(.allocate(byteCount: 63, alignment: 16))
            _ = arena.table(8, filler: 0 as Int64)
        }
        await #expect(processExitsWith: .failure) {
            var arena = Arena(.allocate(byteCount: 16, alignment: 16))
            _ = arena.bytes(9)
            _ = arena.table(1, filler: 0 as Int64)
        }
        await #expect(processExitsWith: .failure) {
            var arena = Arena(.allocate(byteCount: 16, alignment: 16))
            _ = arena.bytes(17)
        }
        await #expect(processExitsWith: .failure) {
            var arena = Arena(.allocate(byteCount: 16, alignment: 16))
            _ = arena.bytes(0)
        }
    }

    @Test("a place outside a table is a broken invariant")
    func outOfRange() async {
        await #expect(processExitsWith: .failure) {
            var arena = Arena(.allocate(byteCount: 16, alignment: 16))
            let table = arena.bytes(8)
            _ = table[8]
        }
        await #expect(processExitsWith: .failure) {
            var arena = Arena(.allocate(byteCount: 16, alignment: 16))
            var table = arena.bytes(8)
            table[-1] = 0
        }
        await #expect(processExitsWith: .failure) {
            var arena = Arena(.allocate(byteCount: 16, alignment: 16))
            let table = arena.bytes(8)
            _ = table.span(4..<9).count
        }
        await #expect(processExitsWith: .failure) {
            var arena = Arena(.allocate(byteCount: 16, alignment: 16))
            var table = arena.bytes(8)
            table.copy([1, 2].span, at: 7)
        }
    }
}

/// Lends an arena of so many bytes, as the node gets it: zeroed, and given for as long as its tables live.
func withArena<Result>(
    bytes: Int, _ body: (inout Arena) throws -> Result
) rethrows -> Result {
    let region = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 16)
    region.initializeMemory(as: UInt8.self, repeating: 0)
    defer { region.deallocate() }
    var arena = Arena(region)
    return try body(&arena)
}
