import CLinux
import Union

/// systemd's end of sd_notify(3), spoken directly over its datagram socket. The keeper has it, for
/// it is the unit's main process (design, section 7). Without systemd it does nothing.
public struct NotifySocket: ~Copyable {
    private let socket: Int32
    /// NOTIFY_SOCKET. A socket's path has at most 107 bytes.
    private let path: FixedText<108>

    /// Takes NOTIFY_SOCKET out of the environment.
    package init() {
        path = Environment.take("NOTIFY_SOCKET")
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        socket = path.count > 0 ? CLinux.socket(AF_UNIX, kind, 0) : -1
    }

    deinit { if socket >= 0 { close(socket) } }

    /// A lost datagram is no reason to fail: systemd has its timeouts.
    package func send(_ message: Span<UInt8>) {
        guard socket >= 0 else { return }
        _ = unsafe path.withCString { path in
            unsafe message.withUnsafeBytes { message in
                unsafe scrap_send_datagram(socket, path, message.baseAddress!, message.count)
            }
        }
    }
}

/// What a node has to say to systemd, by way of its keeper: a keeper that is stopped feeds no
/// watchdog either.
package struct Notify {
    /// How often the watchdog wants to be fed: half of WATCHDOG_USEC, or never.
    private let watchdogUs: Int64
    private var fedAt = Instant(us: -3_600_000_000)
    private var isReady = false

    /// Takes WATCHDOG_USEC out of the environment. It is meant for the keeper, our parent.
    package init() {
        let watchdog = Environment.take("WATCHDOG_USEC")
        let pid = Environment.take("WATCHDOG_PID")
        let isOurs = pid.isEmpty || pid.decimal == Int64(getppid())
        watchdogUs = isOurs ? (watchdog.decimal ?? 0) / 2 : 0
    }

    package mutating func ready(_ keeper: borrowing KeeperLink) {
        isReady = true
        keeper.send(Argument("READY=1").bytes)
    }

    package func stopping(_ keeper: borrowing KeeperLink) {
        keeper.send(Argument("STOPPING=1").bytes)
    }

    /// One line for `systemctl status`.
    package func status(_ words: Span<UInt8>, _ keeper: borrowing KeeperLink) {
        var message = FixedText<256>()
        message.put("STATUS=")
        message.put(foreign: words.extracting(first: 240))
        keeper.send(message.span)
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

extension Environment {
    /// A variable, removed: getenv(3), unsetenv(3). Empty when it is not set, or too long for what
    /// it should be.
    fileprivate static func take(_ name: StaticString) -> FixedText<108> {
        var value = FixedText<108>()
        if let text = Environment.value(name), text.count < 108 { value.put(text.bytes) }
        unsafe unsetenv(Argument(name).cString)
        return value
    }
}
