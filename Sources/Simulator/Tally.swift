import Union

/// What a run did: for the report, and for coverage.
public struct Tally {
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
}
