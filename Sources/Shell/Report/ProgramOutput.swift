import CLinux
import Union

/// What another program says on its standard output, for a bug report.
package enum ProgramOutput {
    /// Runs it and hands its output on, control characters but newlines replaced; false when it
    /// cannot be started, fails, or takes longer than `ms`: posix_spawnp(3), poll(2), waitpid(2).
    @unsafe
    package static func put<Sink: TextSink & ~Copyable>(
        of words: borrowing Words, withinMs ms: Int32, to sink: inout Sink
    ) -> Bool {
        guard let pipe = try? Pipe() else { return false }
        var pid: pid_t = 0
        guard unsafe spawn(words, &pid, writesTo: pipe.writer) == 0 else { return false }
        let end = Clock.now + ms
        let reader = pipe.takeReader()
        defer { close(reader) }
        let isWhole = copy(reader, until: end, to: &sink)
        if !isWhole { kill(pid, SIGKILL) }
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0 && scrap_errno() == EINTR {}
        return isWhole && status == 0
    }

    @unsafe
    private static func spawn(
        _ words: borrowing Words, _ pid: inout pid_t, writesTo end: Int32
    ) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, Argument("/dev/null").cString, O_WRONLY, 0)
        return unsafe words.withPointers { arguments in
            unsafe posix_spawnp(
                &pid, arguments[0]!, &actions, nil, arguments, scrap_environment())
        }
    }

    /// True when the end was reached in time.
    private static func copy<Sink: TextSink & ~Copyable>(
        _ fd: Int32, until end: Instant, to sink: inout Sink
    ) -> Bool {
        var chunk = InlineArray<1024, UInt8>(repeating: 0)
        while true {
            let left = end.ms(since: Clock.now)
            var waiting = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
            guard left > 0, unsafe poll(&waiting, 1, Int32(left)) > 0 else { return false }
            var span = chunk.mutableSpan
            let count = unsafe span.withUnsafeMutableBytes {
                unsafe read(fd, $0.baseAddress, $0.count)
            }
            if count < 0 && scrap_errno() == EINTR { continue }
            guard count > 0 else { return count == 0 }
            let bytes = chunk.span.extracting(first: count)
            for i in bytes.indices {
                let byte = bytes[i]
                sink.put(byte < 0x20 && byte != 0x0A || byte == 0x7F ? UInt8(ascii: "?") : byte)
            }
        }
    }
}
