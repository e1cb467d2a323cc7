import CLinux
import Union

/// What the records of a union are signed with: 32 to 256 bytes, as a file has them but for the
/// white space at its end.
package struct UnionKey {
    package static let sizes = 32...256
    package typealias Bytes = FixedText<256>

    package let bytes: Bytes
    /// Names the key without telling it; never 0.
    package let id: UInt32

    /// Nil: it is shorter or longer than a key may be.
    package init?(_ text: Span<UInt8>) {
        var count = text.count
        while count > 0, Self.isWhite(text[count - 1]) { count -= 1 }
        guard Self.sizes.contains(count) else { return nil }
        var bytes = Bytes()
        bytes.append(text.extracting(0..<count))
        self.bytes = bytes
        id = Self.id(of: bytes)
    }

    private static func isWhite(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte >= 0x09 && byte <= 0x0D
    }

    /// The first 32 bits of the HMAC of a phrase that no record is.
    private static func id(of key: Bytes) -> UInt32 {
        var hmac = key.withSpan { HMAC<PlainSHA256>(key: $0) }
        hmac.add(Argument("scrap-worker key id").bytes)
        let hash = hmac.finish()
        var id: UInt32 = 0
        for i in 0..<4 { id = id << 8 | UInt32(hash[i]) }
        return id == 0 ? 1 : id
    }

    /// A new key, from the kernel's random numbers: 64 hexadecimal digits.
    package static func drawn() -> FixedText<64> {
        var text = FixedText<64>()
        for _ in 0..<4 { text.put(hex: randomNumber(), digits: 16) }
        return text
    }
}

// Its file.
extension UnionKey {
    /// Why a file gives no key.
    package enum Refusal: Error {
        case unreadable(Errno)
        /// It has so many bytes, or more where these are 1,024; white space at the end counted.
        case size(Int)
    }

    /// Of a file no more is read than tells that it is too long.
    private typealias Content = FixedText<1024>

    /// Reads a key file: open(2), read(2). `isOpenToOthers`: somebody who is neither its owner nor of
    /// its group may read or change it.
    package static func read(
        _ path: FixedText<1024>
    ) throws(Refusal) -> (key: UnionKey, isOpenToOthers: Bool) {
        guard path.count < 1024 else { throw .unreadable(Errno(code: ENAMETOOLONG)) }
        let fd = unsafe path.withCString { unsafe scrap_open($0, O_RDONLY) }
        guard fd >= 0 else { throw .unreadable(.last) }
        defer { close(fd) }
        var file = stat()
        guard unsafe fstat(fd, &file) == 0 else { throw .unreadable(.last) }
        guard file.st_mode & mode_t(S_IFMT) != mode_t(S_IFDIR) else {
            throw .unreadable(Errno(code: EISDIR))
        }
        var content = Content()
        readAll(fd, into: &content)
        guard let key = content.withSpan({ UnionKey($0) }) else { throw .size(content.count) }
        return (key, file.st_mode & 0o007 != 0)
    }
}

/// How far the boards have come on the way to a key, or back (docs/operations.md).
package enum KeyStep: UInt8, Worded {
    /// It counts; what was before counts, too, and is written.
    case accept
    /// It is written; what was before still counts.
    case sign
    /// Nothing else counts.
    case require

    package var word: StaticString {
        switch self {
        case .accept: "accept"
        case .sign: "sign"
        case .require: "require"
        }
    }
}

/// A union's key, the one before it, and the step between them. Without a key, records are not
/// signed.
package struct UnionKeys {
    package var key: UnionKey?
    /// Nil: there was none.
    package var previous: UnionKey?
    package var step = KeyStep.require

    package init() {}

    /// With which records are signed; nil: they are not.
    package var signing: UnionKey? { step == .accept ? previous : key }

    /// Whose signatures count.
    package var accepted: (UnionKey?, UnionKey?) { (key, step == .require ? nil : previous) }

    /// The same, as the core knows them.
    package var acceptedIDs: AcceptedKeys {
        let second = accepted.1?.id ?? (acceptsUnsigned ? 0 : nil)
        return AcceptedKeys(key?.id ?? 0, or: second)
    }

    /// Whether a record counts that is not signed.
    package var acceptsUnsigned: Bool {
        guard key != nil else { return true }
        return step != .require && previous == nil
    }
}

extension TextSink where Self: ~Copyable {
    mutating func put(_ refusal: UnionKey.Refusal) {
        switch refusal {
        case .unreadable(let error):
            put("cannot be read: ")
            put(errno: error.code)
        case .size(let bytes):
            put("holds ")
            put(bytes)
            put(bytes < 1024 ? " bytes" : " bytes or more")
            put("; a key has 32 to 256, without white space at its end ")
            put("(`scrap-worker key` makes one)")
        }
    }

    /// `records are signed with key 1a2b3c4d; accepted: 1a2b3c4d, 99887766, unsigned`
    package mutating func put(_ keys: UnionKeys) {
        if let signing = keys.signing {
            put("records are signed with key ")
            put(hex: UInt64(signing.id), digits: 8)
        } else {
            put("records are not signed")
        }
        put("; accepted: ")
        var separator: StaticString = ""
        if let key = keys.accepted.0 {
            put(hex: UInt64(key.id), digits: 8)
            separator = ", "
        }
        if let key = keys.accepted.1 {
            put(separator)
            put(hex: UInt64(key.id), digits: 8)
        }
        if keys.acceptsUnsigned {
            put(separator)
            put("unsigned")
        }
    }
}
