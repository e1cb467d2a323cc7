import Glibc
import Simulator



var options = Simulation.Options()
var first: UInt64 = 1
var count: UInt64 = 1
var i = 1
var show = false
while i + 1 < CommandLine.arguments.count {
    let value = CommandLine.arguments[i + 1]
    switch CommandLine.arguments[i] {
    case "--seed": first = UInt64(value)!
    case "--seeds": count = UInt64(value)!
    case "--nodes": options.nodes = Int(value)!
    case "--safety": options.safetyMs = Int64(value)! * 1000
    case "--faults":
        options.faults = Set(
            value.split(separator: ",").compactMap { name in
                Fault.allCases.first { "\($0)" == name }
            })
    case "--without":
        options.without = Set(
            value.split(separator: ",").compactMap { name in
                Fault.allCases.first { "\($0)" == name }
            })
    case "--show": options.isTranscriptKept = true; show = true
    default: break
    }
    i += 2
}
for seed in first..<(first + count) {
    print("seed \(seed)", terminator: " ")
    fflush(nil)
    let run = Simulation(seed: seed, options)
    let t = run.union.tally
    print("steps \(t.steps) jobs \(t.jobs) at \(run.union.now / 1_000_000)s", terminator: " ")
    if let v = run.violation {
        print("VIOLATION \(v.property): \(v.what)")
        if show { print(run.union.transcript.lines.joined(separator: "\n")) }
    } else {
        print("ok")
    }
}
