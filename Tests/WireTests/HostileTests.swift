import Testing
import Union

@testable import Wire

/// Anybody who can write to Kafka can write anything: nothing may trap, and what is accepted
/// must be something that we can write again.
struct HostileTests {
    let station = Station()

    @Test("a record that is cut off is refused wherever it ends", arguments: GoldenTests.all)
    func truncation(topic: Topic, json: String) {
        let bytes = Array(json.utf8)
        for count in 0..<bytes.count {
            #expect(station.refusal(Array(bytes[..<count]), from: topic) != nil)
        }
    }

    @Test("a changed record is refused, or can be written again", arguments: 0..<20)
    func mutation(seed: Int) throws {
        var random = Random(seed: UInt64(seed))
        var generator = Generator(seed: UInt64(seed))
        var records = GoldenTests.all.map { (topic: $0.0, bytes: Array($0.1.utf8)) }
        for _ in 0..<10 {
            let record = try generator.record()
            records.append((record.record.topic, try #require(station.encode(record))))
        }
        for round in 0..<1000 {
            var (topic, bytes) = records[Int(random.below(Int32(records.count)))]
            for _ in 0...random.below(3) { mutate(&bytes, &random) }
            try expectStable(bytes, topic, "SEED=\(seed) round \(round)")
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Random) {
        let structure: [UInt8] = Array("\"\\{}[]:,0-.eEutn \u{0}".utf8) + [0x7F, 0x80, 0xC3, 0xED]
        let index = Int(random.below(Int32(bytes.count)))
        switch random.below(4) {
        case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[index] = structure[Int(random.below(Int32(structure.count)))]
        case 2: bytes.remove(at: index)
        default:
            let end = min(bytes.count, index + Int(random.below(20)))
            bytes.insert(contentsOf: bytes[index..<end], at: index)
        }
    }

    /// What is accepted can be written, and what was written is read as the same.
    private func expectStable(_ bytes: [UInt8], _ topic: Topic, _ comment: Comment) throws {
        guard station.refusal(bytes, from: topic) == nil else { return }
        let read = try station.decode(bytes, from: topic)
        let written = try #require(station.encode(read), comment)
        let again = try station.decode(written, from: topic)
        #expect(facts(again) == facts(read), comment)
        #expect(station.encode(again) == written, comment)
    }

    @Test("any bytes at all are refused", arguments: 0..<10)
    func noise(seed: Int) {
        var random = Random(seed: UInt64(seed))
        let structure = Array("{}[]\"\\:,0123456789truefalsn -.eE\n".utf8)
        for _ in 0..<500 {
            var bytes: [UInt8] = Array("{".utf8)
            for _ in 0..<random.below(60) {
                bytes.append(structure[Int(random.below(Int32(structure.count)))])
            }
            let topic = Topic(rawValue: UInt8(random.below(5)))!
            #expect(station.refusal(bytes, from: topic) != nil, "SEED=\(seed)")
        }
    }

    /// jsmn looks for the beginning of each bracket through the tokens before it: the last of these
    /// costs it 50 ms on a PC.
    @Test(
        "what jsmn's strict mode lets through is refused",
        arguments: [
            "{\"op_code\":\"x\"} trailing", "{\"op_code\":\"x\"}{}", "{\"op_code\" \"x\"}",
            "{\"op_code\":\"x\" \"code\":null}", "{\"op_code\":\"x\",}", "{\"op_code\"}",
            "{\"op_code\":\"x\":\"y\"}", "{\"op_code\":\"x\",\"a\":nope}",
            "{\"op_code\":\"x\",\"a\":1-2}", "{\"op_code\":\"x\",\"a\":\"\u{1}\"}",
            "{\"op_code\":\"x\"\u{0}}", "{\"op_code\":\"x\",\"a\":\"\t\"}",
            "{" + String(repeating: "\"\":", count: 2000) + String(repeating: ":}", count: 12000),
        ])
    func lax(json: String) {
        #expect(station.refusal(Array(json.utf8), from: .requests)?.reason == .notJSON)
    }

    @Test("a complaint always fits its text")
    func complaints() {
        for raw in UInt8(0)... {
            guard let reason = Malformed.Reason(rawValue: raw) else { break }
            var worst = Malformed(reason, .nominee, given: .min, limit: .min)
            worst.low = .min
            #expect(worst.describe().count <= 200)
        }
    }
}
