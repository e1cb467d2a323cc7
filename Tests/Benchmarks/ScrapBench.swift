import Foundation
import Harness

/// Measures whole workers on noida-db, as processes, and prints a table. It judges nothing.
///
///     ScrapBench [--runs N] [failover] [work] [resources] [step] [key] [load]
///     [many [NODES ...]]
///
/// Without a part's name it measures the first four; `key`, `load` and `many` take minutes. What is
/// measured depends on the machine: beside each number that needs one stands a reference that was
/// measured in the same run.
@main
enum ScrapBench {
    static func main() {
        var runs = 20
        var parts: Set<String> = []
        var sizes: [Int] = []
        var words = CommandLine.arguments.dropFirst()[...]
        while let word = words.popFirst() {
            if word == "--runs", let number = words.popFirst().flatMap({ Int($0) }), number > 0 {
                runs = number
            } else if ["failover", "work", "resources", "step", "key", "load", "many"].contains(
                word)
            {
                parts.insert(word)
            } else if let size = Int(word), parts.contains("many"), (2...256).contains(size) {
                sizes.append(size)
            } else {
                print("ScrapBench: \(word): no part, and no number of nodes (2 to 256) after many")
                print("usage: ScrapBench [--runs N] [failover] [work] [resources] [step] [key]")
                print("                  [load] [many [NODES ...]]")
                exit(EX_USAGE)
            }
        }
        func wants(_ part: String) -> Bool { parts.isEmpty || parts.contains(part) }

        printMachine()
        do {
            if wants("step") { StepBench().run() }
            if wants("resources") { try ResourceBench().run(runs) }
            if wants("work") { try WorkBench(Broker(.noida)).run() }
            if parts.contains("key") { try KeyBench().run() }
            if parts.contains("load") { try LoadBench().run() }
            if parts.contains("many") {
                try ManyBench().run(sizes.isEmpty ? [5, 32, 64, 128] : sizes)
            }
            if wants("failover") { try FailoverBench(Broker(.noida)).run(runs) }
        } catch {
            print("\(error)")
            exit(EX_SOFTWARE)
        }
    }

    private static func printMachine() {
        let cpus = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = cpus.split(separator: "\n").first { $0.hasPrefix("model name") } ?? "model: ?"
        let name = model.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
        print("machine: \(ProcessInfo.processInfo.activeProcessorCount) cores, \(name ?? "?")")
        print("load before the run: \(Benchmark.loadAverages.joined(separator: " "))")
    }
}
