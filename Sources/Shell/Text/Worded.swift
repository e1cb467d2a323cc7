import Union
import Wire

/// An enumeration whose cases people write and read as words.
package protocol Worded: Cases {
    var word: StaticString { get }
}

extension Worded {
    /// The case that is called so.
    package init?(word: Span<UInt8>) {
        for one in Self.all where word.equals(one.word) {
            self = one
            return
        }
        return nil
    }
}

extension Role: Worded {}

extension Settings.Pace: Worded {
    package var word: StaticString {
        switch self {
        case .fast: "fast"
        case .normal: "normal"
        case .cloud: "cloud"
        case .classroom: "classroom"
        }
    }

    /// The pace that has this `lease_ms`; nil: the configuration has set its own.
    package init?(leaseMs: Int32) { self.init { $0.leaseMs == leaseMs } }

    /// The same by `worker_lease_ms`.
    package init?(workerLeaseMs: Int32) { self.init { $0.workerLeaseMs == workerLeaseMs } }

    private init?(_ isMeant: (Settings) -> Bool) {
        let nobody = WorkerID(high: 0, low: 0)
        for pace in Self.all
        where isMeant(Settings(workerID: nobody, incarnation: 0, pace: pace)) {
            self = pace
            return
        }
        return nil
    }
}

extension TextSink where Self: ~Copyable {
    /// `pace normal`, or `pace of its own`.
    package mutating func put(pace: Settings.Pace?) {
        put("pace ")
        put(pace?.word ?? "of its own")
    }

    /// That the leader's lease, and so its pace, is not ours.
    package mutating func put(_ other: OtherPace) {
        put(short: other.leader)
        put(" leads at ")
        put(paceOf: other.leaseMs)
        put(", this board has ")
        put(paceOf: other.ownMs)
    }

    /// `protocol 1`, or `protocols 1 to 2`
    mutating func put(_ versions: Versions) {
        let isOne = versions.oldest == versions.newest
        put(isOne ? "protocol " as StaticString : "protocols ")
        if !isOne {
            put(versions.oldest)
            put(" to ")
        }
        put(versions.newest)
    }

    /// `pace normal (lease_ms = 800)`
    private mutating func put(paceOf leaseMs: Int32) {
        put(pace: Settings.Pace(leaseMs: leaseMs))
        put(" (lease_ms = ")
        put(leaseMs)
        put(")")
    }
}
