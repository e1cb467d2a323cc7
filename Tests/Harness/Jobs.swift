import Foundation

/// What jobs say while they run, as they say it: lines in a named pipe that we keep open.
public final class Jobs: Sendable {
    /// Each job is a shell script that begins so. It says `start` at once, and `overlap` when
    /// another attempt at its request still runs.
    static let prologue = """
        folder=$1
        say() { echo "$1 $SCRAP_REQUEST_ID $SCRAP_ATTEMPT $$ $2" >>"$folder/said"; }
        if read -r other <"$folder/$SCRAP_REQUEST_ID.pid" &&
            grep -q '^State:.[^ZX]' "/proc/$other/status"
        then
            say overlap
        fi 2>/dev/null
        echo $$ >"$folder/$SCRAP_REQUEST_ID.pid"
        say start

        """
    /// Ends the script's waiting: it goes on when `open` is called.
    public static let waitForGate = "read -r word <\"$folder/gate\"\n"

    public struct Line: Sendable {
        public let word: String
        public let request: String
        public let attempt: Int
        public let pid: pid_t
        public let rest: String
    }

    public let lines: Lines
    private let folder: String
    private let writer: Shared<Int32>
    private let gate = Shared<Int32>(-1)

    init(_ folder: String) throws {
        self.folder = folder
        for name in ["said", "gate"] {
            guard mkfifo("\(folder)/\(name)", 0o600) == 0 else { throw Unmet("mkfifo: \(errno)") }
        }
        // Nobody writes yet: only a reader that does not wait may open it.
        let reader = open("\(folder)/said", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        writer = Shared(open("\(folder)/said", O_WRONLY | O_CLOEXEC))
        guard reader >= 0, fcntl(reader, F_SETFL, 0) == 0 else { throw Unmet("open: \(errno)") }
        lines = Lines(reading: reader)
    }

    func close() {
        for pipe in [writer, gate] {
            pipe.change { fd in
                if fd >= 0 { Glibc.close(fd) }
                fd = -1
            }
        }
    }

    private static func parse(_ text: String) -> Line? {
        let words = text.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
        guard words.count == 5, let attempt = Int(words[2]), let pid = pid_t(words[3]) else {
            return nil
        }
        return Line(
            word: String(words[0]), request: String(words[1]), attempt: attempt, pid: pid,
            rest: String(words[4]))
    }

    public var all: [Line] { lines.all.compactMap(Self.parse) }

    /// Waits until a job has said `word` in this attempt at this request.
    @discardableResult
    public func await(_ word: String, of request: String, attempt: Int = 1) throws -> Line {
        let found = lines.wait { lines in
            lines.lazy.compactMap(Self.parse).first {
                $0.word == word && $0.request == request && $0.attempt == attempt
            }
        }
        guard let found else { throw Unmet("no \(word) of \(request), attempt \(attempt)") }
        return found
    }

    /// Lets all jobs go on that wait at the gate, now and later.
    public func openGate() throws {
        try gate.change { fd in
            // For reading and writing: it can be opened, and keeps what is in it, without readers.
            fd = open("\(folder)/gate", O_RDWR | O_CLOEXEC)
            let words = String(repeating: "go\n", count: 1000)
            guard write(fd, words, words.utf8.count) == words.utf8.count else {
                throw Unmet("gate: errno \(errno)")
            }
        }
    }

    /// Attempts that began while another one at the same request still ran.
    var overlaps: [String] { lines.all.filter { $0.hasPrefix("overlap ") } }
}

/// Asks again until it is so, for what cannot be waited for: the end of another's child.
public func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
    let deadline = Date(timeIntervalSinceNow: patience)
    while try !isSo() {
        guard Date() < deadline else { throw Unmet("waited in vain for \(what)") }
        _ = poll(nil, 0, 10)
    }
}

/// Whether a process runs. One that has ended and is only not waited for yet does not.
public func runs(_ pid: pid_t) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let name = text.lastIndex(of: ")")
    else { return false }
    return !["Z", "X"].contains(text[name...].dropFirst(2).prefix(1))
}
