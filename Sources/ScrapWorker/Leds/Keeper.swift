import CLinux
import Shell
import Union

/// The keeper of the LEDs (design, section 7): the process that `run` becomes first. It holds the
/// lines and shows what the node, its child, has told, as long as that holds; and it stands between
/// the node and whoever started it: it passes signals on to the node, and its words for systemd and
/// its exit code to the other side.
///
/// A process of its own, because the node may be stopped, starved or dead, and the LED must be dark
/// then all the same. Should the keeper itself be stopped while the leader's LED is lit, the kernel
/// kills it before anybody else may lead, and the node with it.
struct Keeper: ~Copyable {
    private static let name: StaticString = "scrap-keeper"
    /// Until what could not be said is said again.
    private static let retryMs: Int32 = 20
    private static let messagesPerTurn = 64

    private var leds: Leds
    private let node: pid_t
    private let sheet: LedSheet
    private let line: Descriptor
    private let signals: Signals
    private var notify: NotifySocket
    private var alarm: Alarm
    private let killTimer: KillTimer
    private var polled = PollSet()

    private var pattern: KeptPattern
    private var heardAt = Instant(us: -3_600_000_000)
    private var answered: Int64 = 0
    /// From the end of a lease, before anybody may campaign.
    private let marginMs: Int32
    private var retryAt = Instant.never

    /// Forks: in the node's process it returns that one's line to the keeper. The keeper's process
    /// keeps the LEDs until the node has ended, and throws its exit code.
    static func begin(_ config: borrowing Config) throws(Exit) -> KeeperLink {
        let leds = try Leds(config)
        let code: Int32
        do throws(Errno) {
            let sheet = try LedSheet()
            let ends = try keeperLine()
            let keepersEnd = try Descriptor(ends.keeper)
            let nodesEnd = try Descriptor(ends.node)
            // Blocked before the fork: none of them is lost on either side.
            let signals = try Signals(keeps: true)
            let keeper = getpid()
            let node = scrap_fork()
            if node == 0 {
                unblockKeepersSignals()
                dieWithParent(keeper)
                return KeeperLink(sheet, nodesEnd, config.settings)
            }
            guard node > 0 else { throw .last }
            let alarm = try Alarm()
            let killTimer = try KillTimer()
            var kept = Keeper(
                config.settings, leds, node, sheet, keepersEnd, signals, alarm, killTimer)
            code = try kept.run()
        } catch {
            Log.write(.error) { (line: inout Log.Line) in
                line.put("a system call failed: ")
                line.put(errno: error.code)
            }
            throw Exit(code: EX_OSERR)
        }
        throw Exit(code: code)
    }

    private init(
        _ settings: Settings, _ leds: consuming Leds, _ node: pid_t, _ sheet: consuming LedSheet,
        _ line: consuming Descriptor, _ signals: consuming Signals,
        _ alarm: consuming Alarm, _ killTimer: consuming KillTimer
    ) {
        unsafe scrap_name_process(Argument(Self.name).cString)
        self.leds = leds
        self.node = node
        self.sheet = sheet
        self.line = line
        self.signals = signals
        notify = NotifySocket(Environment.take("NOTIFY_SOCKET"))
        self.alarm = alarm
        self.killTimer = killTimer
        pattern = KeptPattern(
            silenceMs: max(settings.leaderTimeoutMs, 2 * KeeperLink.askEveryMs(settings)))
        marginMs = settings.ledMarginMs
    }

    /// Keeps until the node has ended; returns what this process's exit code must be.
    private mutating func run() throws(Errno) -> Int32 {
        while true {
            show()
            try wait()
            hear()
            notify.goOn()
            Log.tick()
            if let code = try onSignals() { return code }
        }
    }

    private mutating func wait() throws(Errno) {
        let saysAgainAt = notify.owes ? Clock.now + Self.retryMs : .never
        try alarm.arm(for: min(min(pattern.nextChange, retryAt), saysAgainAt))
        polled.removeAll()
        polled.add(line.fd, POLLIN)
        polled.add(signals.fd, POLLIN)
        polled.add(alarm.fd, POLLIN)
        try polled.wait(ms: -1)
        if polled.isReady(2) { try alarm.acknowledge() }
    }
}

// MARK: - The LEDs

extension Keeper {
    /// Shows what holds now, and says that it has.
    private mutating func show() {
        let asked = sheet.asked
        let (told, until) = (sheet.told, sheet.until)
        let now = Clock.now
        // Before it is lit: between here and there this process may be stopped.
        if leds.isVisible && told.lightsLeader && now < until {
            killTimer.arm(for: until, plusMs: marginMs)
        }
        let lightsAt = Clock.now
        pattern.show(told, until: until, heardAt: heardAt, at: lightsAt)
        retryAt = leds.show(pattern.lit, pattern.words) ? .never : lightsAt + Self.retryMs
        if !pattern.lit.contains(.leader) {
            // Not shown, and not answered: a RESIGN waits, and the timer runs on.
            guard !leds.mayShowLeader else { return }
            killTimer.disarm()
        }
        guard asked != answered else { return }
        answered = asked
        sheet.answered = asked
        _ = unsafe Argument("!").bytes.withUnsafeBytes {
            unsafe scrap_send(line.fd, $0.baseAddress, $0.count)
        }
    }

    private mutating func darken() {
        pattern.show(.nothing, until: .zero, heardAt: .zero, at: Clock.now)
        _ = leds.show(LampSet(), pattern.words)
        if !leds.mayShowLeader { killTimer.disarm() }
    }
}

// MARK: - Between the node and the world

extension Keeper {
    /// Takes the node's questions, and passes on its words for systemd.
    private mutating func hear() {
        for _ in 0..<Self.messagesPerTurn {
            var message = InlineArray<256, UInt8>(repeating: 0)
            // A node that ends without having heard our last answer resets the line: its end is
            // told by SIGCHLD, with its code.
            guard let count = try? line.read(into: &message), count > 0 else { return }
            heardAt = Clock.now
            let words = message.span.extracting(first: count)
            if !words.equals(KeeperLink.question) { notify.send(words) }
        }
    }

    /// Nil while the node lives.
    private mutating func onSignals() throws(Errno) -> Int32? {
        while let (signal, isKernels) = try signals.nextWithOrigin() {
            switch signal {
            case SIGCHLD: if let code = reap() { return code }
            case SIGTSTP:
                // Ctrl-Z. The node stops by itself: it is of the same group.
                darken()
                kill(getpid(), SIGSTOP)
            // A terminal's keys are for the whole group.
            default: if !isKernels { kill(node, signal) }
            }
        }
        return nil
    }

    /// waitpid(2) for all who have ended: as process 1 of a container we inherit orphans.
    private mutating func reap() -> Int32? {
        var status: Int32 = 0
        while true {
            let pid = unsafe waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return nil }
            if pid == node { return onEnd(status) }
        }
    }

    private mutating func onEnd(_ status: Int32) -> Int32 {
        darken()
        let signal = status & 0x7F
        guard signal != 0 else { return status >> 8 & 0xFF }
        Log.write(.error) { (line: inout Log.Line) in
            line.put("the node was ended by signal ")
            line.put(signal)
        }
        return 128 + signal
    }
}
