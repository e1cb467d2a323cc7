import Glibc

/// What must hold for every union at all times (the design's section 10), checked on what an
/// independent client read of its topics, and on when leader LEDs were lit. All workers run on
/// one machine, so the stamps of their boot clocks can be compared.
struct Audit {
    private var broken: [String] = []
    /// Requests without an outcome.
    private(set) var lost: [String] = []
    var problems: [String] { broken + lost }
    private let referee: Referee
    private let leader: [Record]
    private let results: [Record]

    init(
        leader: [Record], requests: [Record], results: [Record], settledBefore: Set<String>,
        leaderSpans: [(String, ClosedRange<Int>)], sights: [LedObserver.Sight]
    ) {
        referee = Referee(leader)
        (self.leader, self.results) = (leader, results)
        checkHolders()
        checkLeases()
        checkAttempts()
        checkResults()
        checkOutcomes(of: requests, settledBefore)
        checkLamps(leaderSpans)
        broken += Self.overlaps(sights) + Self.wrongStamps(sights)
    }

    /// The first final result for each request offset.
    static func outcomes(_ results: [Record]) -> [Int: Record] {
        var outcomes: [Int: Record] = [:]
        for result in results where result.isFinal {
            guard let offset = result.requestOffset, outcomes[offset] == nil else { continue }
            outcomes[offset] = result
        }
        return outcomes
    }

    /// Election safety: nobody but its holder speaks under a term, claims apart.
    private mutating func checkHolders() {
        let holders = Dictionary(
            referee.tenures.map { ($0.term, $0) }, uniquingKeysWith: { first, _ in first })
        for record in leader where record.op != "CLAIM" {
            guard let term = record.term, let tenure = holders[term] else { continue }
            if record.worker != tenure.holder || record["incarnation"].string != tenure.incarnation
            {
                broken.append("term \(term) is \(tenure.holder ?? "?")'s, yet there is \(record)")
            }
        }
    }

    /// Lease exclusivity: orders are given within a lease that the giver's own records earned,
    /// and only when no former holder's lease can run any more.
    private mutating func checkLeases() {
        var formerLeaseUntil = 0
        for tenure in referee.tenures {
            let own = leader.filter {
                $0.term == tenure.term && $0.worker == tenure.holder
                    && $0["incarnation"].string == tenure.incarnation
            }
            var leaseUntil = 0
            for record in own {
                let sent = record.sentUs ?? 0
                if isOrder(record) && sent >= leaseUntil {
                    broken.append(
                        "ordered without a lease, \(sent - leaseUntil) us late: \(record)")
                }
                if isOrder(record) && sent < formerLeaseUntil {
                    broken.append("ordered in its predecessor's lease: \(record)")
                }
                // A record earns a lease when it is read back, and only a valid one does.
                guard isValid(record) else { continue }
                leaseUntil = max(leaseUntil, sent + (record["lease_ms"].int ?? 0) * 1000)
            }
            formerLeaseUntil = tenure.hasResigned ? 0 : max(formerLeaseUntil, leaseUntil)
        }
    }

    private func isOrder(_ record: Record) -> Bool {
        !["CLAIM", "NOOP", "RESIGN"].contains(record.op)
    }

    private func isValid(_ record: Record) -> Bool {
        referee.valid.contains { $0.offset == record.offset }
    }

    /// Run exclusivity, as the log tells it: an attempt's number is used once, and the next
    /// attempt comes after what took the job from its former worker.
    private mutating func checkAttempts() {
        var current: [Int: Record] = [:]
        var released: Set<Int> = []
        let ended = Set(results.compactMap { key($0.requestOffset, $0.attempt) })
        for record in referee.valid {
            switch record.op {
            case "ASSIGN_WORK_REQUEST":
                guard let offset = record.requestOffset, let attempt = record.attempt else {
                    broken.append("an assignment without request or attempt: \(record)")
                    continue
                }
                if let former = current[offset] {
                    let isFree =
                        released.contains(former.offset)
                        || ended.contains(key(offset, former.attempt) ?? "")
                    if !isFree { broken.append("assigned while \(former) may run: \(record)") }
                    if attempt <= former.attempt ?? 0 {
                        broken.append("attempt \(attempt) is used again: \(record)")
                    }
                }
                current[offset] = record
            case "CANCEL_WORK_REQUEST":
                if let former = current[record.requestOffset ?? -1],
                    former.attempt == record.attempt
                {
                    released.insert(former.offset)
                }
            case "REMOVE_MEMBER":
                let lost = current.values.filter {
                    $0["member_id"].string == record["member_id"].string
                }
                released.formUnion(lost.map(\.offset))
            default: break
            }
        }
    }

    private func key(_ offset: Int?, _ attempt: Int?) -> String? {
        guard let offset, let attempt else { return nil }
        return "\(offset)/\(attempt)"
    }

    /// Fencing: what ran was assigned by a valid record to the worker that ran it.
    private mutating func checkResults() {
        var assigned: Set<String> = []
        for record in referee.valid where record.op == "ASSIGN_WORK_REQUEST" {
            let worker = record["member_id"].string ?? "?"
            assigned.insert("\(record.requestOffset ?? -1)/\(record.attempt ?? -1)/\(worker)")
        }
        let outcomes = Self.outcomes(results)
        for result in results where ["completed", "failed", "timed_out"].contains(result.status) {
            if let first = result["duplicate_of"].int {
                if outcomes[first]?.status != result.status {
                    broken.append("does not end as \(first) did: \(result)")
                }
                continue
            }
            let worker = result.worker ?? "?"
            let key = "\(result.requestOffset ?? -1)/\(result.attempt ?? -1)/\(worker)"
            if !assigned.contains(key) {
                broken.append("ran without a valid assignment: \(result)")
            }
        }
    }

    /// Nothing lost: every request has an outcome; where the broker lost some, under its id is enough.
    private mutating func checkOutcomes(of requests: [Record], _ settledBefore: Set<String>) {
        let outcomes = Self.outcomes(results)
        let ids = outcomes.values.compactMap { $0["request_id"].string }
        let settled = settledBefore.isEmpty ? [] : settledBefore.union(ids)
        for request in requests where outcomes[request.offset] == nil {
            if let id = request["request_id"].string, settled.contains(id) { continue }
            lost.append("no outcome for request \(request)")
        }
    }

    /// Never two leader LEDs at once.
    private mutating func checkLamps(_ spans: [(String, ClosedRange<Int>)]) {
        let sorted = spans.sorted { $0.1.lowerBound < $1.1.lowerBound }
        for (former, next) in zip(sorted, sorted.dropFirst()) {
            let overlap = former.1.upperBound - next.1.lowerBound
            if overlap > 0 {
                broken.append("leader LEDs of \(former.0) and \(next.0) lit for \(overlap) us")
            }
        }
    }

    /// The same by the order in which keepers said it on one socket, whatever clocks say: one was lit,
    /// and another was still to say that it is dark. A keeper that was killed says nothing more: for
    /// it the stamps speak, and when its end was seen.
    static func overlaps(_ sights: [LedObserver.Sight]) -> [String] {
        var overlaps: [String] = []
        var lit: Set<pid_t> = []
        for (index, sight) in sights.enumerated() {
            guard sight.line.contains(" leader 1 ") else {
                lit.remove(sight.pid)
                continue
            }
            let after = Set(sights[index...].map(\.pid))
            for other in lit where other != sight.pid && after.contains(other) {
                overlaps.append("the leader LED of process \(other) is lit yet at \(sight)")
            }
            lit.insert(sight.pid)
        }
        return overlaps
    }

    /// Keepers' stamps are of the past when they are seen.
    static func wrongStamps(_ sights: [LedObserver.Sight]) -> [String] {
        sights.filter { sight in
            let stamp = sight.line.split(separator: " ").first.flatMap { Int($0) }
            return stamp.map { $0 > sight.seenUs } ?? true
        }.map { "stamped later than it was seen: \($0)" }
    }
}
