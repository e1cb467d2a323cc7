import Union

/// When which node's leader LED was lit: intervals on the boot clock of this machine, as the
/// nodes themselves reported them.
package struct LeaderLights: ~Copyable {
    private struct Interval {
        var node: Int32 = 0
        var lit = Instant.zero
        var dark = Instant.never
    }

    /// Intervals that are kept: more than a demo of a day has.
    static let capacity = 16_384

    private var intervals: Table<Interval>
    private var count = 0
    /// Intervals that did not fit.
    package private(set) var missed = 0

    package init() {
        var arena = Arena.mapped(Self.capacity * MemoryLayout<Interval>.stride + 64)
        intervals = arena.table(Self.capacity, filler: Interval())
    }

    /// The node's LED went on. It stays on until `darken`.
    package mutating func light(_ node: Int32, at time: Instant) {
        guard count < Self.capacity else {
            missed += 1
            return
        }
        // Kept in the order of `lit`; reports of different nodes are a little out of order.
        var place = count
        while place > 0 && intervals[place - 1].lit > time {
            intervals[place] = intervals[place - 1]
            place -= 1
        }
        intervals[place] = Interval(node: node, lit: time, dark: .never)
        count += 1
    }

    /// The node's LED went off, if it was on.
    package mutating func darken(_ node: Int32, at time: Instant) {
        for i in 0..<count where intervals[i].node == node && intervals[i].dark == .never {
            intervals[i].dark = max(time, intervals[i].lit)
        }
    }

    package var first: Instant? { count > 0 ? intervals[0].lit : nil }

    /// How often two nodes' LEDs were lit at one instant.
    package var overlaps: Int {
        var found = 0
        for i in 0..<count {
            var j = i + 1
            while j < count && intervals[j].lit < intervals[i].dark {
                let isOther = intervals[i].node != intervals[j].node
                if isOther && intervals[j].dark > intervals[j].lit { found += 1 }
                j += 1
            }
        }
        return found
    }

    /// The longest time, in microseconds, in which no LED was lit, from the first light to `end`.
    package func longestGap(until end: Instant) -> Int64 {
        guard count > 0 else { return 0 }
        var longest: Int64 = 0
        var litUntil = intervals[0].dark
        for i in 1..<max(count, 1) {
            longest = max(longest, min(intervals[i].lit, end).us - min(litUntil, end).us)
            litUntil = max(litUntil, intervals[i].dark)
        }
        return max(longest, end.us - min(litUntil, end).us)
    }
}
