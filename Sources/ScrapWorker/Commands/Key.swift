import CLinux
import Shell
import Union

/// `key`: prints a new key for a union.
enum Key {
    static func perform() throws(Exit) {
        var line = FixedText<65>()
        line.put(UnionKey.drawn())
        line.put("\n")
        guard writeAll(STDOUT_FILENO, line.span) else { throw Exit(code: EX_IOERR) }
    }
}
