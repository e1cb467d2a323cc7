import CLinux

/// SIGTERM and SIGINT, which ask this process to end, as something to read: signalfd(2); with
/// `reports`, SIGUSR1, too, which asks a node for its counters; with `keeps`, that one, the end of
/// a child, and the terminal's Ctrl-Z.
///
/// Made before any thread starts: librdkafka's threads must inherit the blocked signals, or the
/// kernel would hand one of them a SIGTERM, which kills the process.
package struct Signals: ~Copyable {
    private let descriptor: Descriptor

    package var fd: Int32 { descriptor.fd }

    package init(reports: Bool = false, keeps: Bool = false) throws(Errno) {
        var blocked = sigset_t()
        unsafe sigemptyset(&blocked)
        unsafe sigaddset(&blocked, SIGTERM)
        unsafe sigaddset(&blocked, SIGINT)
        if reports || keeps { unsafe sigaddset(&blocked, SIGUSR1) }
        if keeps {
            unsafe sigaddset(&blocked, SIGCHLD)
            unsafe sigaddset(&blocked, SIGTSTP)
        }
        let failure = unsafe pthread_sigmask(SIG_BLOCK, &blocked, nil)
        guard failure == 0 else { throw Errno(code: failure) }
        // Ignored, as some parents leave it, it would take the ends of our children away.
        guard scrap_default_signal(SIGCHLD) == 0 else { throw .last }
        // A reader that went away is told by EPIPE; a closed terminal is no reason to stop.
        guard scrap_ignore_signal(SIGPIPE) == 0 && scrap_ignore_signal(SIGHUP) == 0 else {
            throw .last
        }
        descriptor = try Descriptor(
            unsafe signalfd(-1, &blocked, Int32(SFD_NONBLOCK | SFD_CLOEXEC)))
    }

    /// The next signal that came, or nil.
    package func next() throws(Errno) -> Int32? { try nextWithOrigin()?.number }

    /// The same; and whether the kernel sent it, as for a terminal's keys, to the whole group.
    package func nextWithOrigin() throws(Errno) -> (number: Int32, isKernels: Bool)? {
        var record = InlineArray<128, UInt8>(repeating: 0)  // struct signalfd_siginfo
        guard try descriptor.read(into: &record) == 128 else { return nil }
        return (Self.field(0, of: record), Self.field(8, of: record) == SI_KERNEL)
    }

    private static func field(_ offset: Int, of record: InlineArray<128, UInt8>) -> Int32 {
        var value: UInt32 = 0
        for i in 0..<4 { value |= UInt32(record[offset + i]) << UInt32(8 * i) }
        return Int32(bitPattern: value)
    }
}

/// In a node, whose keeper had these for itself before the fork.
package func unblockKeepersSignals() {
    var own = sigset_t()
    unsafe sigemptyset(&own)
    unsafe sigaddset(&own, SIGCHLD)
    unsafe sigaddset(&own, SIGTSTP)
    unsafe pthread_sigmask(SIG_UNBLOCK, &own, nil)
}
