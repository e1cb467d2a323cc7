import CLinux
import Union

/// What systemd hears from us: sd_notify(3), spoken directly over its datagram socket. Without
/// systemd every call does nothing.
public struct Notify: ~Copyable {
    private let socket: Int32
    /// NOTIFY_SOCKET. A socket's path has at most 107 bytes.
    private var path = FixedText<108>()
    /// How often the watchdog wants to be fed: half of WATCHDOG_USEC, or never.
    private let watchdogUs: Int64
    private var fedAt = Instant(us: -3_600_000_000)
    private var isReady = false

    /// Takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment, which jobs inherit.
    package init() {
        let watchdog = Self.take("WATCHDOG_USEC")
        let pid = Self.take("WATCHDOG_PID")
        let isOurs = pid.isEmpty || pid.decimal == Int64(getpid())
        watchdogUs = isOurs ? (watchdog.decimal ?? 0) / 2 : 0
        path = Self.take("NOTIFY_SOCKET")
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        socket = path.count > 0 ? CLinux.socket(AF_UNIX, kind, 0) : -1
    }

    deinit { if socket >= 0 { close(socket) } }

    package mutating func ready() {
        isReady = true
        send("READY=1")
    }

    package func stopping() { send("STOPPING=1") }

    /// One line for `systemctl status`.
    package func status(_ words: Span<UInt8>) {
        var message = FixedText<256>()
        message.put("STATUS=")
        message.put(foreign: words.extracting(first: 240))
        send(message.span)
    }

    /// Feeds the watchdog when it is hungry. Called after real progress only: a turn of the loop
    /// that served the log. Until the node is ready the watchdog sleeps, and the same sign asks
    /// for more time to start: the broker may be away for long.
    package mutating func alive(at now: Instant) {
        guard watchdogUs > 0 && now.us - fedAt.us >= watchdogUs / 2 else { return }
        send(isReady ? "WATCHDOG=1" : "EXTEND_TIMEOUT_USEC=30000000")
        fedAt = now
    }

    /// When it must be fed next.
    package var deadline: Instant {
        watchdogUs > 0 ? fedAt.adding(us: watchdogUs) : .never
    }

    private func send(_ message: StaticString) { send(message.bytes) }

    /// A lost datagram is no reason to fail: systemd has its timeouts.
    private func send(_ message: Span<UInt8>) {
        guard socket >= 0 else { return }
        _ = unsafe path.withCString { path in
            unsafe message.withUnsafeBytes { message in
                unsafe scrap_send_datagram(socket, path, message.baseAddress!, message.count)
            }
        }
    }

    /// An environment variable, removed: getenv(3), unsetenv(3). Empty when it is not set, or too
    /// long for what it should be.
    private static func take(_ name: StaticString) -> FixedText<108> {
        var value = FixedText<108>()
        if let text = Environment.value(name), text.count < 108 { value.put(text.bytes) }
        unsafe unsetenv(Argument(name).cString)
        return value
    }
}
