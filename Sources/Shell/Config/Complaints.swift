import Union

/// What is wrong with a configuration, a line for each, said as it is found:
///
/// ```
/// scrap-worker: /etc/scrap-worker/scrap-worker.conf:12: ranking must be …
/// ```
struct Complaints {
    typealias Line = FixedText<1024>

    private let fd: Int32
    /// How many there were.
    private(set) var count = 0
    /// The source that is being read: a path, `-o`, a variable's name.
    private var source = FixedText<256>()
    /// The line of the file that is being read; 0 elsewhere.
    var line: Int32 = 0

    init(to fd: Int32) { self.fd = fd }

    /// What comes is about this source.
    mutating func begin(_ source: StaticString, _ rest: Span<UInt8>) {
        self.source.removeAll()
        self.source.put(source)
        self.source.put(foreign: rest)
        line = 0
    }

    mutating func begin(_ source: StaticString) { begin(source, Argument("").bytes) }

    mutating func say(_ words: (inout Line) -> Void) {
        var text = Line("scrap-worker: ")
        text.put(source)
        if line > 0 {
            text.put(":")
            text.put(line)
        }
        text.put(": ")
        words(&text)
        // Its end is sure to be there, however long it is.
        var whole = FixedText<1025>()
        whole.put(text)
        whole.put("\n")
        writeAll(fd, whole.span)
        count += 1
    }

    mutating func say(_ words: StaticString) { say { (text: inout Line) in text.put(words) } }

    /// `…, not `value``
    mutating func say(_ words: StaticString, not value: Span<UInt8>) {
        say { (text: inout Line) in
            text.put(words)
            text.put(", not `")
            text.put(foreign: value)
            text.put("`")
        }
    }
}
