import Union

/// What a run did: for the report, and for coverage.
public struct Tally: Sendable {
    public var steps = 0
    public var records = 0
    public var starts = 0
    public var jobs = 0
    public var kills = 0
    public var requests = 0
    public var effectsDropped = 0
    public var voidFed = 0
    /// By `Fault.rawValue`.
    public var faults = [Int](repeating: 0, count: Fault.allCases.count)
    /// Every `Counters` of every life of a node, added up; in their order.
    public var rules = [Int](repeating: 0, count: Tally.ruleNames.count)

    public init() {}

    /// The names of what a node counts.
    public static let ruleNames: [String] = Count.all.map { "\($0)" }

    mutating func add(_ counters: Counters) {
        for i in rules.indices { rules[i] += counters[Count(rawValue: UInt8(i))!] }
    }

    /// How often the core's counter of this name has counted.
    public func rule(_ name: String) -> Int {
        Self.ruleNames.firstIndex(of: name).map { rules[$0] } ?? 0
    }

    public static func += (a: inout Tally, b: Tally) {
        a.steps += b.steps
        a.records += b.records
        a.starts += b.starts
        a.jobs += b.jobs
        a.kills += b.kills
        a.requests += b.requests
        a.effectsDropped += b.effectsDropped
        a.voidFed += b.voidFed
        for i in a.faults.indices { a.faults[i] += b.faults[i] }
        for i in a.rules.indices { a.rules[i] += b.rules[i] }
    }

    /// All numbers in one row, and back: how a process tells them to the one that adds them up.
    public var row: [Int] {
        [steps, records, starts, jobs, kills, requests, effectsDropped, voidFed] + faults + rules
    }

    public init?(row: [Int]) {
        guard row.count == 8 + faults.count + rules.count else { return nil }
        (steps, records, starts, jobs) = (row[0], row[1], row[2], row[3])
        (kills, requests, effectsDropped, voidFed) = (row[4], row[5], row[6], row[7])
        faults = Array(row[8..<(8 + faults.count)])
        rules = Array(row[(8 + faults.count)...])
    }
}
