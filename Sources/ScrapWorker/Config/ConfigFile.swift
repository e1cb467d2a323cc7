@unsafe @preconcurrency import CInih  // for inih's settings, global variables
import CLinux
import Shell
import Union

/// Asks librdkafka.
enum KafkaKeys: KafkaKeyCheck {
    static func refusal(of pair: Config.Pair, in config: borrowing Config) -> FixedText<512>? {
        KafkaConf.refusal(of: pair, in: config)
    }
}

/// The configuration file, by inih: its syntax is known here and nowhere else.
extension ConfigLoader<KafkaKeys> {
    private static var defaultPath: Argument { Argument("/etc/scrap-worker/scrap-worker.conf") }

    /// The configuration that `options` ask for; see `finish` for `identity`.
    static func load(_ options: borrowing Options, identity: Bool) throws(Exit) -> Config {
        var loader = ConfigLoader()
        if let file = options.configFile {
            try loader.readFile(file, mayBeMissing: false)
        } else {
            try loader.readFile(defaultPath, mayBeMissing: true)
        }
        for i in 0..<options.overrides.count { loader.readOverride(options.overrides[i].bytes) }
        loader.readEnvironment()
        return try loader.finish(identity: identity)
    }

    private mutating func readFile(_ path: Argument, mayBeMissing: Bool) throws(Exit) {
        beginFile(path)
        guard let file = unsafe fopen(path.cString, Argument("re").cString) else {
            if mayBeMissing && scrap_errno() == ENOENT { return }
            refuseFile(errno: scrap_errno())
            throw Exit(code: EX_NOINPUT)
        }
        ini_max_line = Int32(Self.lineBytes)
        ini_allow_multiline = false
        let wrongLine = unsafe withUnsafeMutablePointer(to: &self) { loader in
            var reading = unsafe Reading(file: file, loader: loader)
            return unsafe withUnsafeMutablePointer(to: &reading) {
                unsafe ini_parse_stream(readLine, $0, takeValue, $0)
            }
        }
        let failed = unsafe ferror(file) != 0
        unsafe fclose(file)
        endFile(wrongLine: max(0, wrongLine), readError: failed || wrongLine < 0)
    }
}

/// What the two C callbacks share.
@unsafe
private struct Reading {
    var file: UnsafeMutablePointer<FILE>
    var loader: UnsafeMutablePointer<ConfigLoader<KafkaKeys>>
}

/// fgets(3) for inih, which itself does not tell the number of a line.
private func readLine(
    _ text: UnsafeMutablePointer<CChar>?, _ size: Int32, _ user: UnsafeMutableRawPointer?
) -> UnsafeMutablePointer<CChar>? {
    let reading = unsafe user!.assumingMemoryBound(to: Reading.self)
    guard let read = unsafe fgets(text, size, reading.pointee.file) else { return nil }
    unsafe reading.pointee.loader.pointee.sawLine(Argument(cString: read).bytes)
    return unsafe read
}

private func takeValue(
    _ user: UnsafeMutableRawPointer?, _ section: UnsafePointer<CChar>?,
    _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
) -> Int32 {
    let reading = unsafe user!.assumingMemoryBound(to: Reading.self)
    unsafe reading.pointee.loader.pointee.take(
        section: Argument(cString: section!).bytes, name: Argument(cString: name!).bytes,
        value: Argument(cString: value!).bytes)
    return 1
}
