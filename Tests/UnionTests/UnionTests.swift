import Testing

@testable import Union

/// Whole unions: elections and faults from the outside, through the topics alone.
@Suite("A union")
struct WholeUnionTests {
    @Test(
        "nodes with equal rankings elect one leader",
        arguments: [(1, 1000), (2, 1000), (5, 1000), (64, 1000), (128, 1000), (256, 500)])
    func elects(_ count: Int, _ latencyUs: Int64) {
        let union = MemoryUnion(count, latencyUs: latencyUs, seed: 2)
        union.run(100)
        // What they say of themselves plays no part, and is much with so many.
        if count > 5 { for machine in union.machines { union.setDeaf(machine, to: [.heartbeat]) } }
        #expect(union.run(within: 1700) { union.leader != nil })
        #expect(union[.election].high < 8 * count + 16, "no storm")
        union.run(50)
        #expect(union.leader != nil)
        #expect(union.violations.isEmpty, "\(union.violations)")
    }

    @Test("the highest ranked of candidates that come together becomes leader")
    func highestWins() {
        let union = MemoryUnion(7) { settings, number in
            settings.ranking = Int32(100 + number)
            settings.leaderTimeoutMs = 1000
        }
        union.run(within: 3000) { union.leader != nil }
        let candidates = union.machines.filter { $0.node.counters[.campaigns] > 0 }
        #expect(union.leader?.number == candidates.map(\.number).max())
    }
}
