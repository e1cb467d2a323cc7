import CLinux
import Union
import Wire

/// systemd's end of sd_notify(3), spoken directly over its datagram socket. The keeper has it, for
/// it is the unit's main process (design, section 7). Without systemd it does nothing.
public struct NotifySocket: ~Copyable {
    private let socket: Int32
    /// A socket's path has at most 107 bytes.
    private let path: FixedText<108>
    /// What it has not taken yet and must be told: the watchdog is fed again anyway.
    private var owesReady = false
    private var owedStatus = FixedText<256>()

    /// `path` is what NOTIFY_SOCKET says; empty: there is no systemd.
    package init(_ path: FixedText<108>) {
        self.path = path
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        socket = path.count > 0 ? CLinux.socket(AF_UNIX, kind, 0) : -1
    }

    deinit { if socket >= 0 { close(socket) } }

    /// Whether `goOn` must be called again soon.
    package var owes: Bool { owesReady || !owedStatus.isEmpty }

    /// Passes a message on, without waiting. READY=1 and the last status are kept when systemd has
    /// no room for them; a lost datagram of another kind is no reason to fail.
    package mutating func send(_ message: Span<UInt8>) {
        let isTaken = takes(message)
        if message.equals(Notify.ready) { owesReady = !isTaken }
        guard message.hasPrefix(NodeStatus.name) else { return }
        owedStatus.removeAll()
        if !isTaken { owedStatus.put(message) }
    }

    /// Says again what had no room.
    package mutating func goOn() {
        if owesReady && takes(Notify.ready.bytes) { owesReady = false }
        if !owedStatus.isEmpty && takes(owedStatus.span) { owedStatus.removeAll() }
    }

    /// False: there is no room now. A socket that is gone takes everything.
    private func takes(_ message: Span<UInt8>) -> Bool {
        guard socket >= 0 else { return true }
        let count = unsafe path.withCString { path in
            unsafe message.withUnsafeBytes { message in
                unsafe scrap_send_datagram(socket, path, message.baseAddress!, message.count)
            }
        }
        return count >= 0 || Errno.last != .wouldBlock
    }
}

/// What a node has to say to systemd, by way of its keeper: a keeper that is stopped feeds no
/// watchdog either.
package struct Notify {
    /// How often the watchdog wants to be fed: half of WATCHDOG_USEC, or never.
    private let watchdogUs: Int64
    private var fedAt = Instant(us: -3_600_000_000)
    private var isReady = false
    private var hasSaidReady = false
    fileprivate static let ready: StaticString = "READY=1"

    /// Takes WATCHDOG_USEC out of the environment. It is meant for the keeper, our parent.
    package init() {
        let watchdog = Environment.take("WATCHDOG_USEC")
        let pid = Environment.take("WATCHDOG_PID")
        let isOurs = pid.isEmpty || pid.decimal == Int64(getppid())
        watchdogUs = isOurs ? (watchdog.decimal ?? 0) / 2 : 0
    }

    package mutating func ready(_ keeper: borrowing KeeperLink) {
        isReady = true
        goOn(keeper)
    }

    /// Says READY=1 again, until the keeper has it. Called in every turn.
    package mutating func goOn(_ keeper: borrowing KeeperLink) {
        if isReady && !hasSaidReady { hasSaidReady = keeper.send(Self.ready.bytes) }
    }

    package func stopping(_ keeper: borrowing KeeperLink) {
        keeper.send(Argument("STOPPING=1").bytes)
    }

    /// False: it must be said again.
    package func status(_ status: NodeStatus, _ keeper: borrowing KeeperLink) -> Bool {
        keeper.send(status.message.span)
    }

    /// Feeds the watchdog when it is hungry. Called after real progress only: a turn of the loop
    /// that served the log. Until the node is ready the watchdog sleeps, and the same sign asks
    /// for more time to start: the broker may be away for long.
    package mutating func alive(at now: Instant, _ keeper: borrowing KeeperLink) {
        guard watchdogUs > 0 && now.us - fedAt.us >= watchdogUs / 2 else { return }
        let words: StaticString = isReady ? "WATCHDOG=1" : "EXTEND_TIMEOUT_USEC=30000000"
        keeper.send(words.bytes)
        fedAt = now
    }

    /// When it must be fed next.
    package var deadline: Instant {
        watchdogUs > 0 ? fedAt.adding(us: watchdogUs) : .never
    }
}

/// What `systemctl status` says of a node.
package struct NodeStatus: Equatable {
    package var role = Role.member
    package var online = false
    package var term: Term = 0
    package var otherPace: OtherPace?
    package var standsBack: StandingBack?
    package var isLeftOut = false

    fileprivate static let name: StaticString = "STATUS="

    package init() {}

    /// `STATUS=member, term 7`, and what is wrong with the pace, its identity or its place.
    package var message: FixedText<256> {
        var message = FixedText<256>(Self.name)
        message.put(online ? role.word : "not online")
        message.put(", term ")
        message.put(term)
        if let otherPace {
            message.put("; ")
            message.put(otherPace)
        }
        switch standsBack {
        case .twin: message.put("; another living worker has this worker's id")
        case .key: message.put("; the union's key and this worker's do not fit")
        case nil: break
        }
        if isLeftOut { message.put("; the leader has not taken this worker in") }
        return message
    }
}

extension Environment {
    /// A variable, removed: getenv(3), unsetenv(3). Empty when it is not set, or too long for what
    /// it should be.
    package static func take(_ name: StaticString) -> FixedText<108> {
        var value = FixedText<108>()
        if let text = Environment.value(name), text.count < 108 { value.put(text.bytes) }
        unsafe unsetenv(Argument(name).cString)
        return value
    }
}
