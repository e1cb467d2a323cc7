import Union

/// SHA-256 (FIPS 180-4) of bytes that come in pieces. A copy goes on from where it was made.
package protocol SHA256 {
    init()
    mutating func add(_ bytes: Span<UInt8>)
    mutating func add(_ hash: SHA256Hash)
    /// The hash of all that was added. Nothing is added after it.
    mutating func finish() -> SHA256Hash
}

package typealias SHA256Hash = InlineArray<32, UInt8>

/// HMAC-SHA-256 (RFC 2104) under a key that is mixed in already: a copy takes a message.
package struct HMAC<Hash: SHA256> {
    private var inner = Hash()
    private var outer = Hash()

    /// Any key; what is longer than 64 bytes counts by its hash.
    package init(key: Span<UInt8>) {
        var block = InlineArray<64, UInt8>(repeating: 0)
        if key.count > 64 {
            var hash = Hash()
            hash.add(key)
            let short = hash.finish()
            for i in 0..<32 { block[i] = short[i] }
        } else {
            for i in key.indices { block[i] = key[i] }
        }
        var pad = FixedText<64>()
        for i in 0..<64 { pad.append(block[i] ^ 0x36) }
        pad.withSpan { inner.add($0) }
        pad.removeAll()
        for i in 0..<64 { pad.append(block[i] ^ 0x5C) }
        pad.withSpan { outer.add($0) }
    }

    package mutating func add(_ bytes: Span<UInt8>) { inner.add(bytes) }

    package mutating func finish() -> SHA256Hash {
        outer.add(inner.finish())
        return outer.finish()
    }
}

/// SHA-256 in Swift, for what is hashed once: a board's identity, a key's id. Records are hashed by
/// libcrypto, which uses what the processor has for it.
package struct PlainSHA256: SHA256 {
    private var state: InlineArray<8, UInt32> = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
        0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    private var block = InlineArray<64, UInt8>(repeating: 0)
    private var count: UInt64 = 0

    package init() {}

    package mutating func add(_ bytes: Span<UInt8>) {
        for i in bytes.indices { add(bytes[i]) }
    }

    package mutating func add(_ hash: SHA256Hash) {
        for i in 0..<32 { add(hash[i]) }
    }

    private mutating func add(_ byte: UInt8) {
        block[Int(count % 64)] = byte
        count += 1
        if count % 64 == 0 { mix() }
    }

    package mutating func finish() -> SHA256Hash {
        let bits = count * 8
        add(0x80)
        while count % 64 != 56 { add(0) }
        for i in 0..<8 as Range<UInt64> { add(UInt8(truncatingIfNeeded: bits >> (56 - 8 * i))) }
        var hash = SHA256Hash(repeating: 0)
        for i in 0..<32 {
            hash[i] = UInt8(truncatingIfNeeded: state[i / 4] >> UInt32(24 - 8 * (i % 4)))
        }
        return hash
    }

    private mutating func mix() {
        func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
        var w = InlineArray<64, UInt32>(repeating: 0)
        for i in 0..<64 {
            if i < 16 {
                for j in 0..<4 { w[i] = w[i] << 8 | UInt32(block[4 * i + j]) }
            } else {
                let a = w[i - 15]
                let b = w[i - 2]
                let low = rotate(a, 7) ^ rotate(a, 18) ^ (a >> 3)
                let high = rotate(b, 17) ^ rotate(b, 19) ^ (b >> 10)
                w[i] = w[i - 16] &+ low &+ w[i - 7] &+ high
            }
        }
        var s = state
        for i in 0..<64 {
            let e = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)
            let choice = (s[4] & s[5]) ^ (~s[4] & s[6])
            let first = s[7] &+ e &+ choice &+ sha256Constants[i] &+ w[i]
            let a = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)
            let majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2])
            (s[7], s[6], s[5], s[4]) = (s[6], s[5], s[4], s[3] &+ first)
            (s[3], s[2], s[1], s[0]) = (s[2], s[1], s[0], first &+ a &+ majority)
        }
        for i in 0..<8 { state[i] = state[i] &+ s[i] }
    }
}

private let sha256Constants: InlineArray<64, UInt32> = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
]
