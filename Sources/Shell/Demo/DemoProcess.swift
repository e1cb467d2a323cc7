import CLinux
import Union

/// A process that `demo` starts: this same program with another command. It ends when the demo
/// does, however the demo ends (`--die-with-parent`).
package struct DemoProcess {
    /// 0: it does not run.
    package private(set) var pid: pid_t = 0
    /// What it writes for us, non-blocking; -1: closed.
    package private(set) var fd: Int32 = -1
    /// A line of it that has not ended yet.
    private var rest = FixedText<256>()

    package init() {}

    package var isRunning: Bool { pid > 0 }

    /// Starts it: pipe2(2), posix_spawn(3). `target` is the child's descriptor that we read; all
    /// else that it prints goes to the file at `log`.
    package mutating func start(
        _ words: borrowing Words, target: Int32, log: FixedText<128>
    ) throws(Errno) {
        precondition(pid == 0)
        if fd >= 0 { CLinux.close(fd) }
        rest.removeAll()
        var ends = InlineArray<2, Int32>(repeating: -1)
        var span = ends.mutableSpan
        let piped = unsafe span.withUnsafeMutableBufferPointer {
            unsafe scrap_pipe($0.baseAddress)
        }
        guard piped == 0 else { throw .last }
        defer { CLinux.close(ends[1]) }
        fd = ends[0]
        guard scrap_set_nonblocking(fd) == 0 else { throw .last }
        let failure = unsafe Self.spawn(words, &pid, writes: ends[1], to: target, log)
        guard failure == 0 else {
            pid = 0
            throw Errno(code: failure)
        }
    }

    @unsafe
    private static func spawn(
        _ words: borrowing Words, _ pid: inout pid_t, writes end: Int32, to target: Int32,
        _ log: FixedText<128>
    ) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_addopen(
            &actions, STDIN_FILENO, Argument("/dev/null").cString, O_RDONLY, 0)
        _ = unsafe log.withCString {
            unsafe posix_spawn_file_actions_addopen(
                &actions, STDERR_FILENO, $0, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, end, target)
        unsafe scrap_spawn_close_from(&actions, max(target, STDERR_FILENO) + 1)
        // A group of its own: Ctrl-C is for the demo alone.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        return unsafe words.withPointers { arguments in
            unsafe posix_spawn(
                &pid, Argument("/proc/self/exe").cString, &actions, &attributes, arguments,
                scrap_environment())
        }
    }

    package func signal(_ number: Int32) { if pid > 0 { kill(pid, number) } }

    /// Whether it has just ended: waitpid(2), without waiting.
    package mutating func hasEnded() -> Bool {
        var status: Int32 = 0
        guard pid > 0, unsafe waitpid(pid, &status, WNOHANG) == pid else { return false }
        pid = 0
        return true
    }

    /// Kills it and waits for its end, which SIGKILL makes certain.
    package mutating func destroy() {
        if pid > 0 {
            kill(pid, SIGKILL)
            while waitpid(pid, nil, 0) < 0 && scrap_errno() == EINTR {}
        }
        pid = 0
        if fd >= 0 { CLinux.close(fd) }
        fd = -1
    }

    /// The next whole line that it wrote, without its end; nil when there is none now.
    package mutating func nextLine() -> FixedText<256>? {
        while fd >= 0 {
            var byte: UInt8 = 0
            let count = unsafe read(fd, &byte, 1)
            if count == 0 {
                CLinux.close(fd)
                fd = -1
            }
            guard count > 0 else { return nil }
            if byte == UInt8(ascii: "\n") {
                let line = rest
                rest.removeAll()
                return line
            }
            rest.append(byte)
        }
        return nil
    }
}

/// Where the logs of a demo's processes lie: a new folder in /tmp.
package struct LogFolder: ~Copyable {
    package let path: FixedText<64>

    /// mkdtemp(3).
    package init() throws(Errno) {
        var template = InlineArray<64, UInt8>(repeating: 0)
        let words = Argument("/tmp/scrap-worker-demo-XXXXXX").bytes
        for i in words.indices { template[i] = words[i] }
        var span = template.mutableSpan
        let isMade = unsafe span.withUnsafeMutableBytes {
            unsafe mkdtemp($0.baseAddress!.assumingMemoryBound(to: CChar.self)) != nil
        }
        guard isMade else { throw .last }
        var path = FixedText<64>()
        for i in words.indices { path.append(template[i]) }
        self.path = path
    }

    /// The log of a node, or of the broker.
    package func path(_ node: WorkerID?) -> FixedText<128> {
        var file = FixedText<128>()
        file.put(path)
        file.put("/")
        if let node { file.put(short: node) } else { file.put("broker") }
        file.put(".log")
        return file
    }

    /// Removes one log: unlink(2).
    package func remove(_ node: WorkerID?) {
        _ = unsafe path(node).withCString { unsafe unlink($0) }
    }

    /// Removes the folder, which is empty: rmdir(2).
    package func remove() {
        _ = unsafe path.withCString { unsafe rmdir($0) }
    }
}

/// A program's arguments while they are put together.
package struct Words: ~Copyable {
    private var text = FixedText<2048>()
    private var starts = FixedArray<32, Int>(filler: 0)

    package init() {}

    /// Begins a word; what is put then belongs to it.
    package mutating func begin() {
        if starts.count > 0 { text.append(0) }
        starts.append(text.count)
    }

    package mutating func add(_ word: StaticString) {
        begin()
        put(word)
    }

    /// Lends them as C wants them, with a null at the end.
    @unsafe
    package borrowing func withPointers<Result>(
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        unsafe text.withCString { base in
            var vector = unsafe InlineArray<33, UnsafeMutablePointer<CChar>?>(repeating: nil)
            for i in 0..<starts.count {
                unsafe vector[i] = UnsafeMutablePointer(mutating: base + starts[i])
            }
            var span = unsafe vector.mutableSpan
            return unsafe span.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
        }
    }
}

extension Words: TextSink {
    package mutating func put(_ byte: UInt8) { text.append(byte) }
}
