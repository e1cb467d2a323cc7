/// What has happened in a node since its start: for people, and for the simulator's coverage.
public struct Counters: Sendable {
    // Sections 3 and 4.
    public var voidRecords = 0
    public var tenures = 0
    public var terms = 0
    public var stepsDown = 0
    public var resignations = 0
    public var campaigns = 0
    public var votes = 0
    public var ties = 0
    public var claims = 0
    public var quells = 0
    public var quelled = 0
    public var blindCampaigns = 0
    public var pauses = 0
    // Section 5.
    public var membersAdded = 0
    public var membersRemoved = 0
    public var rosterFull = 0
    public var workerLeasesLost = 0
    // Section 6.
    public var admitted = 0
    public var duplicates = 0
    public var ledgerFull = 0
    public var offsetsUsedAgain = 0
    public var requestsForgotten = 0
    public var assigned = 0
    public var cancelled = 0
    public var unacknowledged = 0
    public var overruns = 0
    public var recalls = 0
    public var attemptsEnded = 0
    public var attemptsLost = 0
    public var concluded = 0
    public var settled = 0
    public var takeovers = 0
    public var checkpoints = 0
    public var voidAssignments = 0
    public var voidResults = 0
    public var accepted = 0
    public var notAccepted = 0
    public var started = 0
    public var results = 0
    // The log.
    public var malformed = 0
    public var readTwice = 0
    public var undelivered = 0
    public var logsLost = 0

    public init() {}
}
