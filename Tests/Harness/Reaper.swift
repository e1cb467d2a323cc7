import Foundation

/// Sees to it that nothing we start outlives us, however we end: a shell that kills what is on
/// its list, and removes our folder, when the pipe from us breaks.
final class Reaper: Sendable {
    static let name = "reaper"
    static let shared = Reaper()

    /// Everything that tests write goes below here.
    let folder: String
    private let shell: Child

    private static let script = """
        pids=' '
        while read -r what pid; do
            case $what in
            +) pids="$pids$pid " ;;
            -) pids="${pids%% "$pid" *} ${pids#* "$pid" }" ;;
            esac
        done
        for pid in $pids; do kill -s KILL -- "-$pid"; done
        rm -rf -- "$1"
        """

    private init() {
        // A child that ended is noticed by waiting for it, not by a signal on writing to it.
        signal(SIGPIPE, SIG_IGN)
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var template = Array("\(base)/scrap-worker-XXXXXX\0".utf8).map { CChar(bitPattern: $0) }
        guard mkdtemp(&template) != nil else { preconditionFailure("mkdtemp: errno \(errno)") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        do {
            shell = try Child(Self.name, "/bin/sh", ["-c", Self.script, Self.name, folder])
        } catch {
            preconditionFailure("\(error)")
        }
    }

    func watch(_ pid: pid_t) { try? shell.write("+ \(pid)\n") }
    func forget(_ pid: pid_t) { try? shell.write("- \(pid)\n") }
}

/// A new folder, gone when the tests are.
public func newFolder(_ name: String) throws -> String {
    let path = "\(Reaper.shared.folder)/\(name)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}
