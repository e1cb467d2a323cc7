import Foundation

/// The older versions that today's is tried beside: what `Tests/Versions/list` names, built by
/// `make versions`.
public enum Versions {
    /// Their commits, the oldest first.
    public static let all: [String] = {
        let path = "\(Programs.root)/Tests/Versions/list"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            preconditionFailure("cannot read \(path)")
        }
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }()

    /// Those that are older than this one of them.
    public static func before(_ commit: String) -> [String] {
        guard let index = all.firstIndex(of: commit) else {
            preconditionFailure("Tests/Versions/list does not name \(commit)")
        }
        return Array(all[..<index])
    }

    private static let folder = ProcessInfo.processInfo.environment["SCRAP_VERSIONS"]

    /// Whether they are wanted: `make version-test` says where they are.
    public static let areWanted = folder != nil

    /// The static binary of this commit.
    public static func program(_ commit: String) throws -> String {
        let path = "\(Programs.absolute(folder ?? ".build-versions"))/\(commit)/scrap-worker"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Unmet("no \(path): make versions")
        }
        return path
    }
}
