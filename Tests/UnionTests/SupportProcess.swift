import Foundation
import Testing

@testable import Union

/// An effect and the bytes that belong to it.
struct Done {
    var effect: Effect
    var bytes: [UInt8]
}

/// One life of a node: its memory, and each step's effects as a list.
class Process {
    let settings: Settings
    var node: Node
    private let region: UnsafeMutableRawPointer

    init(_ settings: Settings, seed: UInt64) {
        self.settings = settings
        // Zeroed, and not touched before it is used.
        region = calloc(1, Node.arenaBytes)!
        var arena = Arena(
            UnsafeMutableRawBufferPointer(start: region, count: Node.arenaBytes))
        node = Node(settings, seed: seed, &arena)
    }

    deinit { free(region) }

    var standsBack: Bool { node.standsBack != nil }

    func start(_ now: Instant) -> [Done] {
        node.start(at: now)
        return takeEffects()
    }

    func step(_ event: Event, _ bytes: [UInt8], _ now: Instant) -> [Done] {
        node.step(event, bytes.span, at: now)
        if let broken = node.brokenInvariant { Issue.record("after \(event): \(broken)") }
        return takeEffects()
    }

    private func takeEffects() -> [Done] {
        var done: [Done] = []
        for i in 0..<node.desk.outbox.count {
            let span = node.desk.outbox.payload(i)
            done.append(Done(effect: node.desk.outbox[i], bytes: (0..<span.count).map { span[$0] }))
        }
        node.clearOutbox()
        return done
    }
}

extension [Done] {
    var records: [Record] {
        compactMap { if case .write(let record, _) = $0.effect { record } else { nil } }
    }
    var leaderRecords: [LeaderRecord] {
        records.compactMap { if case .leader(let r) = $0 { r } else { nil } }
    }
    var candidacies: [Candidacy] {
        records.compactMap { if case .candidacy(let c) = $0 { c } else { nil } }
    }
    var heartbeats: [Heartbeat] {
        records.compactMap { if case .heartbeat(let h) = $0 { h } else { nil } }
    }
    /// What the heartbeats' payloads say.
    var reports: [(running: [Offset], deadlines: [Int32], completed: [String])] {
        compactMap {
            guard case .write(.heartbeat(let h), _) = $0.effect else { return nil }
            let bytes = $0.bytes
            var completed: [String] = []
            var next = 8 * Int(h.runningCount) + 4 * Int(h.deadlineCount)
            while next < bytes.count {
                let end = next + 1 + Int(bytes[next])
                completed.append(String(decoding: bytes[(next + 1)..<end], as: UTF8.self))
                next = end
            }
            return (
                (0..<h.runningCount).map { Heartbeat.running(bytes.span, $0) },
                (0..<h.deadlineCount).map { h.deadlineMs(bytes.span, $0) }, completed
            )
        }
    }
    var results: [WorkResult] {
        records.compactMap { if case .result(let r) = $0 { r } else { nil } }
    }
    var assignments: [Assignment] {
        leaderRecords.compactMap { if case .assign(let a) = $0.order { a } else { nil } }
    }
    var cancels: [Attempt] {
        leaderRecords.compactMap { if case .cancel(let a, _) = $0.order { a } else { nil } }
    }
    var added: [WorkerID] {
        leaderRecords.compactMap { if case .addMember(let id, _) = $0.order { id } else { nil } }
    }
    var removed: [WorkerID] {
        leaderRecords.compactMap { if case .removeMember(let id) = $0.order { id } else { nil } }
    }
    var claims: [LeaderRecord] {
        leaderRecords.filter { if case .claim = $0.order { true } else { false } }
    }
    var resignations: [LeaderRecord] {
        leaderRecords.filter { if case .resign = $0.order { true } else { false } }
    }
    var announcements: [LeaderRecord] {
        leaderRecords.filter { if case .noop = $0.order { !$0.isMark } else { false } }
    }
    var checkpoints: [(requestsNext: Offset, resultsNext: Offset, rows: [OpenWork])] {
        compactMap {
            guard case .write(.leader(let r), _) = $0.effect,
                case .checkpoint(let checkpoint) = r.order
            else { return nil }
            let size = Limits.packedOpenWorkBytes
            let bytes = $0.bytes
            let rows = (0..<(bytes.count / size)).map {
                Payload.openWork(bytes.span, at: $0 * size)
            }
            return (checkpoint.requestsNext, checkpoint.resultsNext, rows)
        }
    }
    var starts: [(place: Place, assignment: Assignment, term: Term)] {
        compactMap {
            if case .start(let place, let a, let term, _) = $0.effect {
                (place, a, term)
            } else {
                nil
            }
        }
    }
    var kills: [Place] {
        compactMap { if case .kill(let place, _) = $0.effect { place } else { nil } }
    }
    var shows: [(role: Role, online: Bool)] {
        compactMap {
            if case .show(let role, let online, _) = $0.effect { (role, online) } else { nil }
        }
    }
    var marks: [LeaderRecord] { leaderRecords.filter(\.isMark) }
    var asks: [Topic] { compactMap { if case .ask(let t) = $0.effect { t } else { nil } } }
    var closes: [Topic] { compactMap { if case .close(let t) = $0.effect { t } else { nil } } }
    var hasLeft: Bool { contains { if case .exit = $0.effect { true } else { false } } }
    var notices: [Notice] { compactMap { if case .say(let n) = $0.effect { n } else { nil } } }
    var isReady: Bool { contains { if case .ready = $0.effect { true } else { false } } }

    func seeks(_ topic: Topic) -> [Offset] {
        compactMap {
            if case .seek(topic, let offset) = $0.effect { offset } else { nil }
        }
    }
}
