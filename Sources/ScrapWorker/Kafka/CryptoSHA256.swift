import CCrypto
import Shell

/// SHA-256 of libcrypto, in whatever way this processor does it fastest: SHA256_Init(3). None of its
/// calls allocates or can fail.
struct CryptoSHA256: SHA256 {
    private var state = SHA256_CTX()

    init() { unsafe SHA256_Init(&state) }

    mutating func add(_ bytes: Span<UInt8>) {
        _ = unsafe bytes.withUnsafeBytes { unsafe SHA256_Update(&state, $0.baseAddress, $0.count) }
    }

    mutating func add(_ hash: SHA256Hash) {
        var hash = hash
        var span = hash.mutableSpan
        _ = unsafe span.withUnsafeMutableBytes {
            unsafe SHA256_Update(&state, $0.baseAddress, $0.count)
        }
    }

    mutating func finish() -> SHA256Hash {
        var hash = SHA256Hash(repeating: 0)
        var span = hash.mutableSpan
        _ = unsafe span.withUnsafeMutableBufferPointer {
            unsafe SHA256_Final($0.baseAddress, &state)
        }
        return hash
    }
}

typealias UnionSeal = Seal<CryptoSHA256>
