import CLinux
import Union

extension WorkerID {
    /// The identity of this board in the union of `topicPrefix`: a UUIDv8 from a hash of
    /// `/etc/machine-id`, the board's serial number where the device tree has one, and the prefix
    /// (design, section 5). A hash, because machine-id(5) wants the id itself kept private. Nil
    /// when there is no machine id.
    package static func derived(topicPrefix: FixedText<64>) -> WorkerID? {
        var text = FixedText<512>("scrap-worker identity 1\n")
        guard appendLine(of: "/etc/machine-id", to: &text),
            !text.withSpan({ $0.hasSuffix("uninitialized\n") })  // a first boot, machine-id(5)
        else { return nil }
        _ = appendLine(of: "/proc/device-tree/serial-number", to: &text)
        text.put(topicPrefix)
        return hashed(text)
    }

    /// The identity of a container, which has no machine id of its own: a UUIDv8 from its host
    /// name and the prefix. Nil when it has no name.
    package static func fromHostName(topicPrefix: FixedText<64>) -> WorkerID? {
        var text = FixedText<512>("scrap-worker host name 1\n")
        guard appendLine(of: "/proc/sys/kernel/hostname", to: &text) else { return nil }
        text.put(topicPrefix)
        return hashed(text)
    }

    private static func hashed(_ text: FixedText<512>) -> WorkerID {
        let (high, low) = text.withSpan { sha256Prefix($0) }
        return WorkerID(
            high: high & ~0xF000 | 0x8000, low: low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// Appends a small file's first line and a newline; false when the file has none.
    private static func appendLine(of path: StaticString, to text: inout FixedText<512>) -> Bool {
        let fd = unsafe scrap_open(Argument(path).cString, O_RDONLY)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        var content = FixedText<128>()
        readAll(fd, into: &content)
        var length = 0
        while length < content.count && content[length] > 0x20 { length += 1 }
        guard length > 0 else { return false }
        text.append(content.span.extracting(0..<length))
        text.put("\n")
        return true
    }
}

/// The first 128 bits of the SHA-256 (FIPS 180-4) of at most 1,000 bytes.
package func sha256Prefix(_ message: Span<UInt8>) -> (high: UInt64, low: UInt64) {
    precondition(message.count <= 1000)
    var padded = FixedText<1088>()
    padded.append(message)
    padded.append(0x80)
    while padded.count % 64 != 56 { padded.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) {
        padded.append(UInt8(truncatingIfNeeded: UInt64(message.count * 8) >> UInt64(shift)))
    }
    var state: InlineArray<8, UInt32> = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
        0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    for block in 0..<(padded.count / 64) {
        sha256Block(padded.span.extracting((block * 64)..<(block * 64 + 64)), &state)
    }
    return (
        UInt64(state[0]) << 32 | UInt64(state[1]), UInt64(state[2]) << 32 | UInt64(state[3])
    )
}

private func sha256Block(_ block: Span<UInt8>, _ state: inout InlineArray<8, UInt32>) {
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
