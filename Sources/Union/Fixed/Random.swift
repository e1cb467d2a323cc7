/// The seeded generator behind every random choice of the core: SplitMix64 (Steele, Lea and
/// Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
public struct Random: Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number in `0 ..< bound`, by Lemire's multiplication; its bias is below 2⁻³² here.
    public mutating func below(_ bound: Int32) -> Int32 {
        precondition(bound > 0)
        return Int32(truncatingIfNeeded: ((next() >> 32) &* UInt64(bound)) >> 32)
    }
}
