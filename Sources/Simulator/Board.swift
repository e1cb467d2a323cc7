import Glibc
import Union

/// One life of a node's process: an unmodified `Node` with its memory.
final class Life {
    let number: Int
    var node: Node
    private let memory: UnsafeMutableRawBufferPointer

    init(_ settings: Settings, seed: UInt64, number: Int) {
        let size = Node.arenaBytes + 1024 * 1024
        let address = mmap(
            nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        precondition(address != MAP_FAILED, "no memory for a node")
        memory = UnsafeMutableRawBufferPointer(start: address, count: size)
        var arena = Arena(memory)
        self.number = number
        node = Node(settings, seed: seed, &arena)
    }

    deinit { munmap(memory.baseAddress, memory.count) }
}

/// A board: its boot clock, its identity, what its process reads and writes, and its jobs.
final class Board {
    /// Where a topic is read, as a consumer of librdkafka does it.
    struct Reader {
        /// The next record to fetch; -1: the topic is not read.
        var position: Offset = -1
        /// Counts seeks: what was fetched before one is dropped.
        var seek = 0
        /// A fetch is on its way, up to here.
        var fetchedTo: Offset?
        /// The fetch found no such offset.
        var isOutOfRange = false
        /// The broker lost what was read there.
        var isBehindCut = false
        /// Records of `requests` that the node does not want yet.
        var isHeld = false
        /// Where the end of the topic was reported last.
        var endSaid: Offset = -1
        /// Since when there was nothing to fetch.
        var quietSince: Int64 = 0
        var isIdlePlanned = false
        /// Its next fetch is at the broker only then.
        var asksAt: Int64 = 0
    }

    struct Job {
        var attempt: Attempt
        var requestID: RequestID
        var serial: Int
        var status: Status
        var startedAt: Int64
        var endsAt: Int64
        /// Ignores SIGTERM.
        var isStubborn: Bool
        var isKilled = false
        /// It waits in the kernel: SIGKILL does not end it.
        var isHung = false
        /// Killed at once: its place is free as soon as its end is reported.
        var isOver = false
    }

    let index: Int
    var settings: Settings
    var life: Life?
    var lives = 0

    // The clock: local = base + (global - origin) * (1 + ppm / 1e6).
    var ppm: Int64 = 0
    private var origin: Int64 = 0
    private var base: Int64 = 0

    /// When the next `Agenda.Act.tick` comes.
    var tickAt = Int64.max
    /// Ticks that came at one moment, and when.
    var ticksAtOnce = 0
    var tickedAt = Int64.min
    var readers = [Reader](repeating: Reader(), count: Topic.count)
    /// In order, per topic: no record overtakes another of the same producer.
    var lastSentAt = [Int64](repeating: 0, count: Topic.count)
    /// Writes that wait for a connection, and those whose report waits for one.
    var outgoing: [Int] = []
    var unreported: [Int] = []
    var questions: [Topic] = []
    var jobs = [Job?](repeating: nil, count: Limits.bench)
    var jobCount = 0
    var jobSerial = 0
    /// The LED, as it is lit.
    var shown: (role: Role, online: Bool)?
    /// Until when the node leads, as it has told the keeper of its LEDs.
    var toldUntil = Instant.zero
    /// Its keeper is stopped, and the LED as it was: nobody puts it out before `litUntil`, when a
    /// timer in the kernel kills the keeper, and the node with it; nil: it was dark.
    var stoppedKeeper: (serial: Int, litUntil: Instant?)?
    var keeperStops = 0

    // Faults.
    /// The pace of its next start; nil: as now.
    var nextPace: Settings.Pace?
    /// How far it is with the union's key (`KeyStep`); and from its next start on, nil: as now.
    var keyStep = 0
    var nextKeyStep: Int?
    /// What it speaks from its next start on; nil: as now.
    var nextVersions: Versions?
    /// The protocol that it writes as a leader, as it has said.
    var speaks: Int32 = 0
    /// It was given a pace of its own.
    var hasOwnPace = false
    var readCut: UInt8 = 0
    var writeCut: UInt8 = 0
    /// The broker takes its results.
    var mayReport = true
    /// It is cut off together with a part of the brokers that others have left behind: what it
    /// reads, and what it is told of a topic's bounds, ends here; by topic.
    var staleEnds: [Offset]?
    var knowsBroker = true
    var pausedUntil: Int64?
    /// Only its process is stopped: its jobs run, and its minders kill them when the lease ends.
    var jobsRunOn = false
    var pauses = 0
    var deferred: [Agenda.Act] = []
    /// When its node took the last event: the effects may come later.
    var steppedAt: Int64 = 0
    var slowUs: Int64 = 0
    /// Records that it was handed, over all of its lives.
    var recordsRead: Int64 = 0
    /// What its link adds each way, and up to how much more.
    var linkUs: Int64 = 0
    var jitterUs: Int64 = 0
    /// It joins only then.
    var startsAt: Int64 = 0
    /// Its shell does not enforce deadlines.
    var neglectsDeadlines = false
    /// Counts the cuts, and the pauses of one kind, that a later one replaces.
    var cutSerial = 0
    /// Its jobs' programs cannot be started, most of the time.
    var cannotStart = false
    /// Jobs that were not started, for their time was over, or could not be.
    var lostStarts: [(place: Place, start: JobEnd.Start)] = []
    /// The last attempt of each request that this life has started.
    var started: [Offset: (attempt: Int32, term: Term)] = [:]
    /// It was told to leave.
    var isLeaving = false

    init(_ index: Int, _ settings: Settings) {
        self.index = index
        self.settings = settings
    }

    func isTwin(of other: Board) -> Bool {
        self !== other && settings.workerID == other.settings.workerID
    }

    var isRunning: Bool { life != nil && pausedUntil == nil }

    /// It runs, and does not stand back before a twin.
    var works: Bool { isRunning && life.map { $0.node.standsBack == nil } ?? false }

    /// Whether its leader's LED is lit at the true time `now`: its keeper puts it out at the lease's
    /// end, whatever has become of the node's process. (Of a board that stands still as a whole
    /// nothing is known.)
    func isLit(at now: Int64) -> Bool {
        guard isRunning || jobsRunOn else { return false }
        if let stoppedKeeper { return stoppedKeeper.litUntil.map { clock(at: now) < $0 } ?? false }
        return shown?.role == .leader && clock(at: now) < toldUntil
    }

    /// The board is switched on: its boot clock begins anew.
    func boot(at now: Int64, clock: Int64) {
        origin = now
        base = clock
    }

    func clock(at now: Int64) -> Instant {
        let passed = now - origin
        return Instant(us: base + passed + passed * ppm / 1_000_000)
    }

    /// The first moment at which the board's clock shows `instant`.
    func time(of instant: Instant) -> Int64 {
        guard instant != .never else { return .max }
        let wanted = instant.us - base
        var time = origin + wanted - wanted * ppm / (1_000_000 + ppm)
        while clock(at: time) < instant { time += 1 }
        while clock(at: time - 1) >= instant { time -= 1 }
        return time
    }

    func mendLink() {
        linkUs = 0
        jitterUs = 0
    }

    /// A new process: nothing is open yet.
    func reset() {
        for i in readers.indices { readers[i] = Reader(position: -1, seek: readers[i].seek + 1) }
        tickAt = .max
        shown = nil
        speaks = 0
        toldUntil = .zero
        stoppedKeeper = nil
        outgoing = []
        unreported = []
        questions = []
        deferred = []
        lostStarts = []
        started = [:]
        isLeaving = false
        pausedUntil = nil
        jobsRunOn = false
        knowsBroker = true
        for place in jobs.indices { jobs[place] = nil }
    }

    func isCut(_ cut: UInt8, _ topic: Topic) -> Bool { cut & (1 << topic.rawValue) != 0 }
}
