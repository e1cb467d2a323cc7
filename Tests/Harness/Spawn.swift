import CSpawn
import Foundation

/// Both ends of a pipe.
struct Pipe {
    let reader: Int32
    let writer: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        let error = cspawn_pipe(&ends)
        guard error == 0 else { throw Unmet("pipe2: errno \(error)") }
        (reader, writer) = (ends[0], ends[1])
    }
}

/// Starts a process (`cspawn`). Of our environment it inherits the path and a home.
func spawn(
    _ program: String, _ arguments: [String], _ environment: [String: String], _ folder: String?,
    descriptors: [Int32]
) throws -> pid_t {
    let ours = ProcessInfo.processInfo.environment
    var wanted = ["PATH": ours["PATH"] ?? "/usr/bin:/bin", "HOME": ours["HOME"] ?? "/"]
    wanted.merge(environment) { _, given in given }
    var pid: pid_t = 0
    let error = withCStrings([program] + arguments) { arguments in
        withCStrings(wanted.map { "\($0)=\($1)" }) { environment in
            cspawn(&pid, program, arguments, environment, folder, descriptors)
        }
    }
    guard error == 0 else { throw Unmet("\(program): \(String(cString: strerror(error)))") }
    return pid
}

private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}
