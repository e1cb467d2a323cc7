import Testing
import Union

@testable import Wire

struct RoundTripTests {
    @Test("what is written is read as it was", arguments: 0..<20 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        let station = Station()
        var generator = Generator(seed: seed)
        for _ in 0..<50 {
            let record = try generator.record()
            let bytes = try #require(station.encode(record))
            let read = try station.decode(bytes, from: record.record.topic)
            #expect(facts(read) == facts(record), "SEED=\(seed) \(string(bytes) ?? "")")
        }
    }

    @Test("a buffer's former contents do not show")
    func noResidue() throws {
        let station = Station()
        let long = try station.decode(GoldenTests.request, from: .requests)
        let first = try station.decode(GoldenTests.candidacy, from: .election)
        _ = station.encode(long)
        #expect(string(station.encode(first)) == GoldenTests.candidacy)
        #expect(first.payload.count == Limits.packedIDBytes)
    }
}
