/// Something that a node counts from its start on: for people, and for the simulator's coverage.
public enum Count: UInt8, Cases, Sendable {
    // Sections 3 and 4.
    case voidRecords, termsTooHigh, tenures, terms, stepsDown, givenUp, resignations
    case campaigns, votes, ties, claims, quells, quelled, blindCampaigns
    case pauses
    // Section 5.
    case membersAdded, membersRemoved, rosterFull, workerLeasesLost, standsBack
    // Section 6.
    case admitted, duplicates, ledgerFull, offsetsUsedAgain, requestsForgotten, openedAgain
    case assigned, cancelled, unacknowledged, overruns, stalled
    case attemptsEnded, attemptsLost, failedStarts, concluded, settled
    case takeovers, checkpoints, voidAssignments, voidResults
    case accepted, notAccepted, started, results, stuckJobs
    // The log.
    case malformed, unknownOrders, unsigned, signedOtherwise, readTwice, undelivered, logsLost
}

/// How often each has happened in a node since its start.
public struct Counters: Sendable {
    private var values = InlineArray<64, Int>(repeating: 0)

    public subscript(what: Count) -> Int { values[Int(what.rawValue)] }

    mutating func add(_ what: Count) { values[Int(what.rawValue)] += 1 }
}
