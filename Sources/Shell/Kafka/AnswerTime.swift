import Union

extension Settings {
    /// The longest time from a question to the broker's answer at which a leader surely keeps its
    /// lease. A record's way is one and a half times that, there and back to a fetch that has just
    /// missed it, and the next announcement follows after `announceMs`; what is left, as much again,
    /// is for the broker's bad moments (design, section 9).
    package var bearableAnswerMs: Int32 { (leaseMs - announceMs) / 3 }
}

extension Settings.Pace {
    /// The quickest pace that bears a broker which answers in `ms`; nil when none does.
    package static func quickest(bearing ms: Int64) -> Settings.Pace? {
        var best: (pace: Settings.Pace, ms: Int32)?
        for pace in all {
            let bears = Settings(
                workerID: WorkerID(high: 0, low: 0), incarnation: 0, pace: pace
            ).bearableAnswerMs
            if ms <= Int64(bears) && bears < best?.ms ?? .max { best = (pace, bears) }
        }
        return best?.pace
    }
}

/// How long the broker takes to acknowledge a record: watched on one at a time, and told when it is
/// too long for the timings. A slow broker is not a lost one; people should know all the same.
package struct AnswerTime {
    /// One slow answer is an accident.
    package static let inARow = 3
    /// Told once; who reads a log a day later wants to find it.
    package static let repeatMs: Int32 = 3_600_000

    private let bearableMs: Int64
    private var watched: (tag: UInt, sentAt: Instant)?
    private var slow = 0
    /// The shortest of the slow answers in a row.
    private var shortestMs: Int64 = .max
    private var tells = RateLimit(everyMs: repeatMs)

    package init(bearableMs: Int32) { self.bearableMs = Int64(bearableMs) }

    /// A record was handed over; 0 asks for no report.
    package mutating func onWrite(tag: UInt, at now: Instant) {
        if watched == nil && tag != 0 { watched = (tag, now) }
    }

    /// What became of a record. How long answers take, in milliseconds, when that is to be told.
    package mutating func onReport(tag: UInt, at now: Instant) -> Int64? {
        guard let (one, sentAt) = watched, one == tag else { return nil }
        watched = nil
        let ms = now.ms(since: sentAt)
        guard ms > bearableMs else {
            (slow, shortestMs) = (0, .max)
            return nil
        }
        slow += 1
        shortestMs = min(shortestMs, ms)
        guard slow >= Self.inARow, tells.allows(at: now) else { return nil }
        defer { (slow, shortestMs) = (0, .max) }
        return shortestMs
    }

    /// No broker can be reached: that is another matter, and told by itself.
    package mutating func onLost() {
        watched = nil
        (slow, shortestMs) = (0, .max)
    }
}

/// Some answers of a broker, measured one after another: `check` asks for them.
package struct AnswerSample {
    package static let count = 5

    private var sorted = InlineArray<5, Int64>(repeating: .max)
    private var taken = 0

    package init() {}

    package var isFull: Bool { taken == Self.count }

    package mutating func add(ms: Int64) {
        precondition(!isFull, "AnswerSample: full")
        var place = taken
        while place > 0 && sorted[place - 1] > ms {
            sorted[place] = sorted[place - 1]
            place -= 1
        }
        sorted[place] = ms
        taken += 1
    }

    /// Of a full one, in milliseconds.
    package var median: Int64 {
        precondition(isFull, "AnswerSample: not full")
        return sorted[Self.count / 2]
    }
}
