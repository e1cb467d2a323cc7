import Foundation

/// Where the programs are that a test starts; `make` passes what it built.
public enum Programs {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    public static let scrapWorker = path("SCRAP_WORKER", else: "dist/scrap-worker-amd64")
    /// The ARM build, and what runs it on another processor.
    static let armWorker = path("SCRAP_WORKER_ARM", else: "dist/scrap-worker-arm64")
    static let armEmulator = "/usr/bin/qemu-aarch64-static"
    public static let probe = path("SCRAP_PROBE", else: ".build-amd64/release/probe")
    /// Where Python finds confluent-kafka.
    public static let python = path("SCRAP_PYTHON", else: ".build-tools/python")
    static let noida = path("SCRAP_NOIDA", else: ".build-tools/noida-db")
    static let tansu = path("SCRAP_TANSU", else: ".build-tools/tansu")
    static let kcat = "/usr/bin/kcat"

    private static func path(_ variable: String, else usual: String) -> String {
        absolute(ProcessInfo.processInfo.environment[variable] ?? usual)
    }

    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(root)/\(path)"
    }
}
