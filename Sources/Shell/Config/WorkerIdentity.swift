import CLinux
import Union

extension WorkerID {
    /// The identity of this board in the union of `topicPrefix`: a UUIDv8 from a hash of
    /// `/etc/machine-id`, the board's serial number where the device tree has one, and the prefix
    /// (design, section 5). A hash, because machine-id(5) wants the id itself kept private. Nil
    /// when there is no machine id.
    package static func derived(topicPrefix: FixedText<64>) -> WorkerID? {
        derived(
            machineID: firstLine(of: "/etc/machine-id"),
            serialNumber: firstLine(of: "/proc/device-tree/serial-number"),
            topicPrefix: topicPrefix)
    }

    /// The same; empty: there is none.
    static func derived(
        machineID: FixedText<128>, serialNumber: FixedText<128>, topicPrefix: FixedText<64>
    ) -> WorkerID? {
        // `uninitialized` is a first boot, machine-id(5).
        guard !machineID.isEmpty, !machineID.equals("uninitialized") else { return nil }
        var text = FixedText<512>("scrap-worker identity 1\n")
        putLine(machineID, to: &text)
        putLine(serialNumber, to: &text)
        text.put(topicPrefix)
        return hashed(text)
    }

    /// The identity of a container, which has no machine id of its own: a UUIDv8 from its host
    /// name and the prefix. Nil when it has no name.
    package static func fromHostName(topicPrefix: FixedText<64>) -> WorkerID? {
        named(firstLine(of: "/proc/sys/kernel/hostname"), topicPrefix: topicPrefix)
    }

    static func named(_ hostName: FixedText<128>, topicPrefix: FixedText<64>) -> WorkerID? {
        guard !hostName.isEmpty else { return nil }
        var text = FixedText<512>("scrap-worker host name 1\n")
        putLine(hostName, to: &text)
        text.put(topicPrefix)
        return hashed(text)
    }

    private static func putLine(_ line: FixedText<128>, to text: inout FixedText<512>) {
        guard !line.isEmpty else { return }
        text.put(line)
        text.put("\n")
    }

    private static func hashed(_ text: FixedText<512>) -> WorkerID {
        let (high, low) = text.withSpan { sha256Prefix($0) }
        return WorkerID(
            high: high & ~0xF000 | 0x8000, low: low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// A small file's first word; empty when there is none.
    private static func firstLine(of path: StaticString) -> FixedText<128> {
        var line = FixedText<128>()
        let fd = unsafe scrap_open(Argument(path).cString, O_RDONLY)
        guard fd >= 0 else { return line }
        defer { close(fd) }
        var content = FixedText<128>()
        readAll(fd, into: &content)
        for i in 0..<content.count {
            guard content[i] > 0x20 else { break }
            line.append(content[i])
        }
        return line
    }
}

/// The first 128 bits of a text's SHA-256.
func sha256Prefix(_ message: Span<UInt8>) -> (high: UInt64, low: UInt64) {
    var sha256 = PlainSHA256()
    sha256.add(message)
    let hash = sha256.finish()
    var (high, low): (UInt64, UInt64) = (0, 0)
    for i in 0..<8 {
        high = high << 8 | UInt64(hash[i])
        low = low << 8 | UInt64(hash[i + 8])
    }
    return (high, low)
}
