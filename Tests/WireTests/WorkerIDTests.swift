import Testing
import Union
import Wire

struct WorkerIDTests {
    private func parse(_ text: String) -> WorkerID? { WorkerID(uuid: Array(text.utf8).span) }

    @Test("a UUID is read in either case and written in lower case")
    func cases() throws {
        let id = try #require(parse("0123ABCD-ef45-6789-AbCd-fedcba987654"))
        #expect(id.high == 0x0123_ABCD_EF45_6789)
        #expect(id.low == 0xABCD_FEDC_BA98_7654)
        #expect(string(id.uuid) == "0123abcd-ef45-6789-abcd-fedcba987654")
    }

    @Test("every id is read as it was written", arguments: 0..<100 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var random = Random(seed: seed)
        let id = WorkerID(high: random.next(), low: random.next())
        let text = id.uuid
        #expect(WorkerID(uuid: text.span) == id)
    }

    @Test(
        "what is no UUID is refused",
        arguments: [
            "", "0", "0123abcd-ef45-6789-abcd-fedcba98765", "0123abcd-ef45-6789-abcd-fedcba9876543",
            "0123abcdef456789abcdfedcba987654", "0123abcd-ef45-6789-abcd_fedcba987654",
            "0123abcde-f45-6789-abcd-fedcba987654", "g123abcd-ef45-6789-abcd-fedcba987654",
            "{0123abcd-ef45-6789-abcd-fedcba98765", "0123abcd-ef45-6789-abcd-fedcba98765\u{0}",
            "00000000-0000-0000-0000-000000000000", "------------------------------------",
        ])
    func refused(text: String) {
        #expect(parse(text) == nil)
    }
}
