import Union

/// A node's LEDs (design, section 7): one for each role, and one for work.
package enum Lamp: UInt8, Worded {
    case leader, candidate, voter, member, work

    /// The LED that is lit while a node has this role.
    package init(_ role: Role) {
        switch role {
        case .leader: self = .leader
        case .candidate: self = .candidate
        case .voter: self = .voter
        case .member: self = .member
        }
    }

    package var word: StaticString {
        switch self {
        case .leader: "leader"
        case .candidate: "candidate"
        case .voter: "voter"
        case .member: "member"
        case .work: "work"
        }
    }
}

/// Some of the LEDs.
package struct LampSet: Equatable {
    /// A bit for each, in the order of `Lamp`.
    package private(set) var bits: UInt8 = 0

    package init() {}

    package init(bits: UInt8) { self.bits = bits & Self.all.bits }

    package init(_ lamp: Lamp) { insert(lamp) }

    /// Every LED.
    package static var all: LampSet {
        var all = LampSet()
        for lamp in Lamp.all { all.insert(lamp) }
        return all
    }

    package func contains(_ lamp: Lamp) -> Bool { bits & Self.bit(lamp) != 0 }

    package mutating func insert(_ lamp: Lamp) { bits |= Self.bit(lamp) }

    /// Adds it when it is missing, and takes it out when it is there.
    package mutating func toggle(_ lamp: Lamp) { bits ^= Self.bit(lamp) }

    package func intersection(_ other: LampSet) -> LampSet {
        var common = self
        common.bits &= other.bits
        return common
    }

    package func union(_ other: LampSet) -> LampSet { LampSet(bits: bits | other.bits) }

    private static func bit(_ lamp: Lamp) -> UInt8 {
        precondition(lamp.rawValue < UInt8.bitWidth, "LampSet: more LEDs than bits")
        return 1 << lamp.rawValue
    }
}

/// A value for each LED.
package struct PerLamp<Value> {
    private var leader, candidate, voter, member, work: Value

    package init(_ value: Value) {
        (leader, candidate, voter, member, work) = (value, value, value, value, value)
    }

    package subscript(lamp: Lamp) -> Value {
        get {
            switch lamp {
            case .leader: leader
            case .candidate: candidate
            case .voter: voter
            case .member: member
            case .work: work
            }
        }
        set {
            switch lamp {
            case .leader: leader = newValue
            case .candidate: candidate = newValue
            case .voter: voter = newValue
            case .member: member = newValue
            case .work: work = newValue
            }
        }
    }
}
