import Glibc
import Simulator

/// The command line.
struct Arguments {
    var options = Simulation.Options()
    var first: UInt64 = 1
    var count: UInt64 = 1
    var isShown = false
    /// Only violations, and how much was simulated.
    var isBrief = false
    /// Watches elections, under no faults but these.
    var elections = Elections()
    var watchesElections = false
    var cores = max(1, UInt64(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    /// This process is one of `cores`, and goes on from this seed.
    var worker: UInt64?
    /// What is passed on to the workers.
    private(set) var passed: [String] = []

    /// Of those, what decides what a seed does, beside the number of nodes.
    var choices: [String] {
        stride(from: 0, to: passed.count, by: 2).flatMap { i -> [String] in
            let decides = ["--safety", "--pace", "--faults", "--without", "--key"].contains(
                passed[i])
            return decides ? [passed[i], passed[i + 1]] : []
        }
    }

    init(_ words: ArraySlice<String>) {
        var rest = words
        while let word = rest.popFirst() {
            if word == "--elections" {
                watchesElections = true
                continue
            }
            if word == "--slow-leader" {
                elections.isOnlyLeader = true
                continue
            }
            if word == "--show" || word == "--brief" {
                isShown = isShown || word == "--show"
                isBrief = isBrief || word == "--brief"
                continue
            }
            guard let value = rest.popFirst() else { Self.refuse("\(word): a value is missing") }
            take(word, value)
            if word != "--worker" { passed += [word, value] }
        }
        options.isTranscriptKept = isShown
    }

    private mutating func take(_ word: String, _ value: String) {
        switch word {
        case "--seeds": count = UInt64(Self.number(word, value))
        case "--seed": first = UInt64(Self.number(word, value))
        case "--nodes": options.nodes = Self.number(word, value)
        case "--safety": options.safetyMs = Int64(Self.number(word, value)) * 1000
        case "--cores": cores = UInt64(max(1, Self.number(word, value)))
        case "--worker": worker = UInt64(Self.number(word, value))
        case "--round-trip": elections.roundTripMs = Int64(Self.number(word, value))
        case "--jitter": elections.jitterMs = Int64(Self.number(word, value))
        case "--broker": elections.recordsPerSecond = Int64(Self.number(word, value))
        case "--faults": options.faults = Self.faults(word, value)
        case "--without": options.without = Self.faults(word, value)
        case "--key":
            guard value == "yes" || value == "no" else {
                Self.refuse("--key: \(value) is none of yes, no")
            }
            options.hasKey = value == "yes"
        case "--pace":
            switch value {
            case "fast": options.pace = .fast
            case "normal": options.pace = .normal
            case "cloud": options.pace = .cloud
            case "classroom": options.pace = .classroom
            default: Self.refuse("--pace: \(value) is none of fast, normal, cloud, classroom")
            }
        default: Self.refuse("\(word) is not known")
        }
    }

    private static func number(_ word: String, _ value: String) -> Int {
        guard let number = Int(value), number >= 0 else {
            refuse("\(word): \(value) is not a number of 0 or more")
        }
        return number
    }

    private static func faults(_ word: String, _ value: String) -> Set<Fault> {
        guard value != "none" else { return [] }
        var faults: Set<Fault> = []
        for name in value.split(separator: ",") {
            guard let fault = Fault.allCases.first(where: { "\($0)" == name }) else {
                let known = Fault.allCases.map { "\($0)" }.joined(separator: ", ")
                refuse("\(word): \(name) is none of \(known)")
            }
            faults.insert(fault)
        }
        return faults
    }

    private static func refuse(_ why: String) -> Never {
        write(2, "simulate: \(why)\n", why.utf8.count + 11)
        exit(64)
    }
}
