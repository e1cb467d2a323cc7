import CLinux
import Union

/// A C string that lives as long as the process: an argument, an environment variable, a literal.
@safe
package struct Argument {
    package let cString: UnsafePointer<CChar>
    package let count: Int

    /// Unsafe because nobody can check that the string ends and is never freed. A callback may
    /// wrap what it was lent, if it keeps nothing.
    @unsafe
    package init(cString text: UnsafePointer<CChar>) {
        unsafe cString = text
        unsafe count = strlen(text)
    }

    package init(_ literal: StaticString) {
        unsafe cString = UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
        count = literal.utf8CodeUnitCount
    }

    /// The bytes, without the zero at the end.
    package var bytes: Span<UInt8> {
        @_lifetime(immortal)
        get {
            let start = unsafe UnsafeRawPointer(cString).assumingMemoryBound(to: UInt8.self)
            let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: start, count: count))
            return unsafe _overrideLifetime(span, copying: ())
        }
    }
}

package enum Environment {
    /// getenv(3). Nothing here sets variables once the program runs, but `Notify`, which removes
    /// those that only systemd's own child may have.
    package static func value(_ name: StaticString) -> Argument? {
        guard let text = unsafe getenv(Argument(name).cString) else { return nil }
        return unsafe Argument(cString: text)
    }

    /// Removes every variable whose name begins so: unsetenv(3).
    package static func removeAll(withPrefix prefix: StaticString) {
        guard var entry = unsafe scrap_environment() else { return }
        while let text = unsafe entry.pointee {
            let bytes = unsafe Argument(cString: text).bytes
            var name = FixedText<256>()
            if bytes.hasPrefix(prefix), let equals = bytes.firstIndex(of: UInt8(ascii: "=")) {
                name.append(bytes.extracting(0..<equals))
            }
            guard !name.isEmpty && name.count < 256 else {
                unsafe entry += 1
                continue
            }
            // The entries after it move up.
            _ = unsafe name.withCString { unsafe unsetenv($0) }
        }
    }

    /// Whether it is set and not empty.
    package static func has(_ name: StaticString) -> Bool { (value(name)?.count ?? 0) > 0 }
}
