import CLinux

/// SIGTERM and SIGINT as something to read: signalfd(2).
///
/// Made before any thread starts: librdkafka's threads must inherit the blocked signals, or the
/// kernel would hand one of them a SIGTERM, which kills the process.
package struct Signals: ~Copyable {
    private let descriptor: Descriptor

    package var fd: Int32 { descriptor.fd }

    package init() throws(Errno) {
        var blocked = sigset_t()
        unsafe sigemptyset(&blocked)
        unsafe sigaddset(&blocked, SIGTERM)
        unsafe sigaddset(&blocked, SIGINT)
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
    package func next() throws(Errno) -> Int32? {
        var record = InlineArray<128, UInt8>(repeating: 0)  // struct signalfd_siginfo
        guard try descriptor.read(into: &record) == 128 else { return nil }
        return Int32(record[0]) | Int32(record[1]) << 8
    }
}
