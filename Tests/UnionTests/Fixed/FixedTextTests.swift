import Testing
import Union

struct FixedTextTests {
    private func bytes<let n: Int>(_ text: borrowing FixedText<n>) -> [UInt8] {
        let span = text.span
        return span.indices.map { span[$0] }
    }

    private func string<let n: Int>(_ text: borrowing FixedText<n>) -> String {
        String(decoding: bytes(text), as: UTF8.self)
    }

    private func text<let n: Int>(_ string: String) -> FixedText<n> {
        var text = FixedText<n>()
        text.append(Array(string.utf8).span)
        return text
    }

    @Test("a new text is empty")
    func empty() {
        let text = FixedText<4>()
        #expect(text.isEmpty)
        #expect(bytes(text) == [])
    }

    @Test("a literal is its bytes")
    func literal() {
        #expect(string(FixedText<5>("grün")) == "grün")
        #expect(FixedText<5>("grün").count == 5)
        #expect(FixedText<5>("").isEmpty)
    }

    @Test("bytes are taken whole or not at all", arguments: 0...4, 0...6)
    func appendBytes(before: Int, count: Int) {
        var text = FixedText<4>()
        for _ in 0..<before { text.append(0x61) }
        let more = [UInt8](repeating: 0x62, count: count)
        let taken = text.append(more.span)
        #expect(taken == (before + count <= 4))
        let expected = [UInt8](repeating: 0x61, count: before)
        #expect(bytes(text) == expected + (before + count <= 4 ? more : []))
    }

    @Test("a byte too many is refused")
    func appendByte() {
        var text = FixedText<2>()
        let taken = [text.append(0x61), text.append(0x00), text.append(0x62)]
        #expect(taken == [true, true, false])
        #expect(bytes(text) == [0x61, 0x00])
        #expect(text[1] == 0)
    }

    @Test(
        "a number is taken whole or not at all",
        arguments: [Int64.min, -100, -10, -1, 0, 1, 9, 10, 99, 12_345, .max])
    func decimal(number: Int64) {
        var wide = FixedText<20>()
        wide.append(decimal: number)
        #expect(string(wide) == "\(number)")
        var narrow = FixedText<3>()
        let taken = narrow.append(decimal: number)
        #expect(taken == ("\(number)".count <= 3))
        #expect(string(narrow) == ("\(number)".count <= 3 ? "\(number)" : ""))
    }

    @Test("texts are equal when their bytes are")
    func equality() {
        let first: FixedText<8> = text("abc")
        var other: FixedText<8> = text("abcd")
        #expect(first != other)
        other.removeAll()
        #expect(other.isEmpty)
        other.append("abc")
        #expect(first == other)
        for (text, same) in [("abc", true), ("abx", false), ("ab", false), ("", false)] {
            let result = first.hasSameBytes(as: Array(text.utf8).span)
            #expect(result == same)
        }
    }

    @Test("a key is FNV-1a of the bytes, and 0 only for no text")
    func key() {
        #expect(FixedText<8>().key == 0)
        #expect(FixedText<8>("a").key == 0xAF63_DC4C_8601_EC8C)
        #expect(FixedText<8>("foobar").key == 0x8594_4171_F739_67E8)
        #expect(FixedText<64>("foobar").key == 0x8594_4171_F739_67E8)
    }

    @Test("what is packed is unpacked")
    func packing() {
        var text = FixedText<128>()
        text.pack(0x0102_0304_0506_0708, size: 8)
        text.pack(0xABCD, size: 2)
        text.pack(WorkerID(high: 1, low: 2))
        text.pack(nil as WorkerID?)
        let row = OpenWork(
            requestOffset: -1, attempt: .max, failures: -2, workerID: WorkerID(high: 3, low: 0),
            requestKey: .max, timeoutMs: 5)
        text.pack(row)
        #expect(text.count == 8 + 2 + 2 * Limits.packedIDBytes + Limits.packedOpenWorkBytes)
        #expect(text[0] == 8)
        #expect(Payload.number(text.span, at: 0, size: 8) == 0x0102_0304_0506_0708)
        #expect(Payload.number(text.span, at: 8, size: 2) == 0xABCD)
        #expect(Payload.workerID(text.span, at: 10) == WorkerID(high: 1, low: 2))
        #expect(Payload.workerID(text.span, at: 26) == nil)
        #expect(Payload.openWork(text.span, at: 42) == row)
    }

    @Test("what does not fit by construction is a broken invariant")
    func broken() async {
        await #expect(processExitsWith: .failure) { _ = FixedText<2>("abc") }
        await #expect(processExitsWith: .failure) {
            var text = FixedText<2>()
            text.pack(0, size: 3)
        }
        await #expect(processExitsWith: .failure) {
            var text = FixedText<2>()
            text.pack([1, 2, 3].span as Span<UInt8>)
        }
        await #expect(processExitsWith: .failure) { _ = FixedText<2>("a")[1] }
        await #expect(processExitsWith: .failure) { _ = FixedText<2>("a")[-1] }
    }
}
