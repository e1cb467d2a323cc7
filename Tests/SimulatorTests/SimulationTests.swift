import Simulator
import Testing
import Union

private func options(_ faults: Set<Fault>? = nil) -> Simulation.Options {
    var options = Simulation.Options()
    options.safetyMs = 20_000
    options.faults = faults
    options.isTranscriptKept = true
    return options
}

@Test("two runs of one seed are the same, to the last byte of their transcripts")
func sameSeedSameTranscript() {
    let first = Simulation(seed: 7, options()).union.transcript.lines
    let second = Simulation(seed: 7, options()).union.transcript.lines
    #expect(!first.isEmpty)
    #expect(first == second)
}

@Test("another seed is another run")
func anotherSeed() {
    let first = Simulation(seed: 1, options([])).union.transcript.lines
    let second = Simulation(seed: 2, options([])).union.transcript.lines
    #expect(first != second)
}

@Test("every kind of fault alone leaves the properties standing", arguments: Fault.allCases)
func eachFaultAlone(_ fault: Fault) {
    let run = Simulation(seed: 3, options([fault]))
    #expect(run.violation == nil)
}

@Test("a union of three elects one leader, works, and elects another when that one crashes")
func electionWorkFailover() throws {
    let union = SimulatedUnion(nodes: 3, seed: 11)
    let elected = union.run(until: { $0.leader != nil }, withinMs: 10_000)
    #expect(elected)
    union.submit("sleep-50", id: "a")
    let done = union.run(until: { $0.outcome(of: "a") != nil }, withinMs: 5_000)
    #expect(done)
    let status = union.outcome(of: "a")
    #expect(status == .completed)
    let first = try #require(union.leader)
    union.crash(first)
    let again = union.run(until: { $0.leader.map { $0 != first } ?? false }, withinMs: 10_000)
    #expect(again)
    #expect(union.violation == nil)
}

@Test("the numbers of a run survive their way from one process to another")
func tallyRow() throws {
    let tally = Simulation(seed: 1, options()).tally
    let copy = try #require(Tally(row: tally.row))
    #expect(copy.row == tally.row)
    #expect(Tally(row: [1, 2, 3]) == nil)
}
