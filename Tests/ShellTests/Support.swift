import CLinux
import Foundation
import Union
import Wire

@testable import Shell

/// The text of a fixed one.
func string<let n: Int>(_ text: FixedText<n>) -> String {
    text.withSpan { string($0) }
}

func string(_ bytes: Span<UInt8>) -> String {
    var text: [UInt8] = []
    for i in bytes.indices { text.append(bytes[i]) }
    return String(decoding: text, as: UTF8.self)
}

func string(_ literal: StaticString) -> String { String(describing: literal) }

extension String {
    /// Lends the bytes.
    func lend<Result: ~Copyable>(_ body: (Span<UInt8>) throws -> Result) rethrows -> Result {
        let bytes = Array(utf8)
        return try body(bytes.span)
    }

    /// A C string that is never freed.
    var argument: Argument { unsafe Argument(cString: strdup(self)) }
}

func fixed<let n: Int>(_ text: String, as type: FixedText<n>.Type = FixedText<n>.self)
    -> FixedText<n>
{
    var result = FixedText<n>()
    text.lend { _ = result.append($0) }
    return result
}

/// A file in memory, to be written by descriptor and read back.
struct MemoryFile: ~Copyable {
    let fd = scrap_memory_file("test")

    deinit { close(fd) }

    var text: String {
        let size = Int(lseek(fd, 0, SEEK_END))
        var bytes = [UInt8](repeating: 0, count: size)
        let count = bytes.withUnsafeMutableBytes { pread(fd, $0.baseAddress, size, 0) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    var lines: [String] { text.split(separator: "\n").map(String.init) }
}

/// Stands in for librdkafka, which the host does not have: keys that begin with `no.` are wrong.
enum SomeKeys: KafkaKeyCheck {
    static func refusal(of pair: Config.Pair, in config: borrowing Config) -> FixedText<512>? {
        let key = string(config.bytes(pair.key))
        return key.hasPrefix("no.") ? fixed("No such configuration property: \"\(key)\"") : nil
    }
}

/// What became of a configuration.
struct Loaded {
    var complaints: [String] = []
    /// The exit code, when it was refused.
    var code: Int32?
}

/// Loads a configuration from its three sources, and hands it over when it is right.
///
/// The file is cut into lines and pairs here; the syntax itself is inih's, whose callbacks come in
/// this order.
@discardableResult
func load(
    _ file: String = "", _ overrides: [String] = [], _ environment: [String] = [],
    identity: Bool = false, _ body: (borrowing Config) -> Void = { _ in }
) -> Loaded {
    let errors = MemoryFile()
    var loader = ConfigLoader<SomeKeys>(complaintsTo: errors.fd)
    loader.beginFile("test.conf".argument)
    var section = ""
    var wrongLine: Int32 = 0
    for (i, line) in file.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        "\(line)\n".lend { loader.sawLine($0) }
        if line.hasPrefix("[") {
            section = String(line.dropFirst().dropLast())
        } else if let equals = line.firstIndex(of: "=") {
            let name = line[..<equals].trimmingCharacters(in: .whitespaces)
            let value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
            section.lend { section in
                name.lend { name in
                    value.lend { loader.take(section: section, name: name, value: $0) }
                }
            }
        } else if !line.isEmpty && wrongLine == 0 {
            wrongLine = Int32(i + 1)
        }
    }
    loader.endFile(wrongLine: wrongLine, readError: false)
    for text in overrides { text.lend { loader.readOverride($0) } }
    for entry in environment { entry.lend { loader.readVariable($0) } }
    var loaded = Loaded()
    do throws(Exit) {
        let config = try loader.finish(identity: identity)
        body(config)
    } catch {
        loaded.code = error.code
    }
    loaded.complaints = errors.lines
    return loaded
}

/// A request's payload.
func payload(code: String? = nil, _ parameters: [(String, String)]) throws -> Payload.Buffer {
    var packed = Parameters()
    for (name, value) in parameters {
        let (name, value) = (Array(name.utf8), Array(value.utf8))
        try packed.add(name: name.span, value: value.span)
    }
    var payload = Payload.Buffer()
    let bytes = Array((code ?? "").utf8)
    try RequestPayload.pack(
        code: code == nil ? nil : bytes.span, packed, requesterID: nil, signature: nil,
        into: &payload)
    return payload
}
