import Union

/// The counters' names, for people.
extension Count: Worded {
    package var word: StaticString {
        switch self {
        case .voidRecords: "void_records"
        case .termsTooHigh: "terms_too_high"
        case .tenures: "tenures"
        case .terms: "terms"
        case .stepsDown: "steps_down"
        case .givenUp: "given_up"
        case .resignations: "resignations"
        case .campaigns: "campaigns"
        case .votes: "votes"
        case .ties: "ties"
        case .claims: "claims"
        case .quells: "quells"
        case .quelled: "quelled"
        case .blindCampaigns: "blind_campaigns"
        case .pauses: "pauses"
        case .membersAdded: "members_added"
        case .membersRemoved: "members_removed"
        case .rosterFull: "roster_full"
        case .standsBack: "stands_back"
        case .workerLeasesLost: "worker_leases_lost"
        case .admitted: "admitted"
        case .duplicates: "duplicates"
        case .ledgerFull: "ledger_full"
        case .offsetsUsedAgain: "offsets_used_again"
        case .openedAgain: "opened_again"
        case .requestsForgotten: "requests_forgotten"
        case .assigned: "assigned"
        case .cancelled: "cancelled"
        case .unacknowledged: "unacknowledged"
        case .overruns: "overruns"
        case .stalled: "stalled"
        case .attemptsEnded: "attempts_ended"
        case .attemptsLost: "attempts_lost"
        case .failedStarts: "failed_starts"
        case .concluded: "concluded"
        case .settled: "settled"
        case .takeovers: "takeovers"
        case .checkpoints: "checkpoints"
        case .voidAssignments: "void_assignments"
        case .voidResults: "void_results"
        case .accepted: "accepted"
        case .notAccepted: "not_accepted"
        case .started: "started"
        case .results: "results"
        case .stuckJobs: "stuck_jobs"
        case .malformed: "malformed"
        case .unknownOrders: "unknown_orders"
        case .unsigned: "unsigned"
        case .signedOtherwise: "signed_otherwise"
        case .readTwice: "read_twice"
        case .undelivered: "undelivered"
        case .logsLost: "logs_lost"
        }
    }
}

extension TextSink where Self: ~Copyable {
    /// `name=value`
    mutating func put(_ count: Count, of counters: Counters) {
        put(count.word)
        put("=")
        put(counters[count])
    }
}

extension Log {
    /// Bytes of a line of counters before it is ended.
    private static let counterBytes = 500

    /// All counters, on a few lines: `counters: void_records=0 tenures=1 …`.
    package static func say(_ counters: Counters) {
        var text = Line()
        for count in Count.all {
            text.put(" ")
            text.put(count, of: counters)
            if text.count >= counterBytes { sayCounters(&text) }
        }
        if !text.isEmpty { sayCounters(&text) }
    }

    private static func sayCounters(_ text: inout Line) {
        let words = text
        answer(.info) { (line: inout Line) in
            line.put("counters:")
            line.put(words)
        }
        text.removeAll()
    }
}
