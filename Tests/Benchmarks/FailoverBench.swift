import Foundation
import Harness

/// From the end of a leader to the next valid claim of another worker, as an independent reader
/// of the log sees it; and from there to the LEDs of all whose role the claim changes.
struct FailoverBench {
    let broker: Broker
    private static let workers = 5

    init(_ broker: Broker) { self.broker = broker }

    func run(_ runs: Int) throws {
        Table.title("Failover: five workers, from the signal to the next worker's claim in the log")
        var lights: (claimant: [Double], others: [Double]) = ([], [])
        for pace in ["normal", "fast"] {
            for (name, signal) in [("kill -9", SIGKILL), ("SIGTERM", SIGTERM)] {
                Table.row("\(name), pace \(pace)", try sample(pace, signal, runs, &lights), "ms")
            }
        }
        Table.title("LEDs: in these failovers, from when the claim could be read to the change")
        lightRow("the claimant's, to leader", lights.claimant)
        lightRow("the others', to member", lights.others)
        lightRow("all of these", lights.claimant + lights.others)
    }

    /// Below zero: the worker had read the claim before the independent reader had.
    private func lightRow(_ what: String, _ ms: [Double]) {
        let sample = Sample(ms)
        let numbers = [("p50", 0.5), ("p99", 0.99), ("max", 1.0)]
            .map { "\($0) \(Table.format(sample.percentile($1)))" }.joined(separator: "  ")
        Table.row(what, "\(numbers) ms", "n=\(sample.count)")
    }

    private func sample(
        _ pace: String, _ signal: Int32, _ runs: Int,
        _ lights: inout (claimant: [Double], others: [Double])
    ) throws -> Sample {
        let fleet = try Fleet(on: broker)
        defer { fleet.destroy() }
        let workers = try (1...Self.workers).map { try launch($0, pace, in: fleet) }
        for worker in workers { try worker.awaitReady() }
        let log = try StampedLog(fleet)
        do {
            let sample = Sample(try (0..<runs).map { _ in try measure(pace, signal, fleet, log) })
            addLights(of: fleet, log, to: &lights)
            return sample
        } catch {
            throw Unmet("\(error)\n\(log.story)\n\(fleet.story)")
        }
    }

    private func launch(_ number: Int, _ pace: String, in fleet: Fleet) throws -> Worker {
        try fleet.launch(number) {
            $0.pace = pace
            $0.options.append("log.level=warning")
        }
    }

    private func measure(
        _ pace: String, _ signal: Int32, _ fleet: Fleet, _ log: StampedLog
    ) throws -> Double {
        let leader = try log.wait(for: "a leader that all follow") { records in
            try settledLeader(records.map(\.record), fleet)
        }
        // Anywhere between two announcements.
        _ = poll(nil, 0, Int32.random(in: 0..<250))
        let from = log.count
        let began = monotonicNs()
        try leader.signalNode(signal)
        let claimed = try log.wait(for: "the next claim") { records in
            let referee = Referee(records.map(\.record))
            let offsets = Set(referee.valid.map(\.offset))
            return records[from...].first {
                $0.record.op == "CLAIM" && $0.record.worker != leader.id
                    && offsets.contains($0.record.offset)
            }?.ns
        }
        try leader.child.waitForEnd()
        try launch(leader.plan.number, pace, in: fleet).awaitReady()
        return Double(claimed - began) / 1e6
    }

    /// For each claim the changes that it made: of the claimant to leader, and of those who were
    /// something else to member. A claimant that joined a moment ago is left out: it waits for
    /// leases that it cannot know of.
    private func addLights(
        of fleet: Fleet, _ log: StampedLog, to lights: inout (claimant: [Double], others: [Double])
    ) {
        let records = log.all
        let claims = Referee(records.map(\.record)).valid.filter { $0.op == "CLAIM" }
        let offsets = Set(claims.map(\.offset))
        for stamped in records where offsets.contains(stamped.record.offset) {
            for worker in fleet.lives {
                let isClaimant = worker.id == stamped.record.worker
                guard !isClaimant || stamped.ns > worker.startedNs + 2_000_000_000 else { continue }
                let role = isClaimant ? "leader" : "member"
                guard let ms = delay(of: worker, to: role, after: stamped.ns) else { continue }
                if isClaimant { lights.claimant.append(ms) } else { lights.others.append(ms) }
            }
        }
    }

    /// Milliseconds from `ns` to the end of what the worker was then, if that became `role`.
    private func delay(of worker: Worker, to role: String, after ns: Int) -> Double? {
        let us = ns / 1000 + bootUs() - monotonicNs() / 1000
        let changes = worker.roleChanges
        for (former, change) in zip(changes, changes.dropFirst()) where former.us < us {
            if change.us > us - 50_000 {
                // The former leader was asked to leave, by a signal.
                guard change.role == role && former.role != "leader" else { return nil }
                return Double(change.us - us) / 1000
            }
        }
        return nil
    }

    /// The leader, when it has added the four others since it leads or took them over.
    private func settledLeader(_ records: [Record], _ fleet: Fleet) throws -> Worker? {
        let referee = Referee(records)
        guard let id = referee.leader, fleet.living.count == Self.workers else { return nil }
        let members = referee.valid.last { !$0["union_members"].list.isEmpty }
        let others = Set(members?["union_members"].list.compactMap(\.string) ?? [])
        guard others.union([id]).count == Self.workers else { return nil }
        return try? fleet.worker(id)
    }
}

/// A leader log with the moments at which its records were read.
final class StampedLog: Sendable {
    struct Stamped: Sendable {
        let ns: Int
        let record: Record
    }

    private let reader: Child
    private let records = Shared<[Stamped]>([])

    init(_ fleet: Fleet) throws {
        reader = try fleet.client.stampedTail(fleet.topic("leader"))
        let (lines, records) = (reader.output, records)
        Thread.detachNewThread {
            var count = 0
            while let new = lines.wait(upTo: 86_400, for: { $0.count > count ? $0[count...] : nil })
            {
                count += new.count
                let stamped = new.compactMap(Self.parse)
                records.change { $0 += stamped }
            }
        }
    }

    deinit { reader.destroy() }

    private static func parse(_ line: String) -> Stamped? {
        let parts = line.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let ns = Int(parts[0]), ns > 0, let record = Record(parts[1]) else {
            return nil
        }
        return Stamped(ns: ns, record: record)
    }

    var all: [Stamped] { records.read { $0 } }
    var count: Int { records.read { $0.count } }
    var story: String { records.read { $0.suffix(40).map { "\($0.ns) \($0.record)\n" }.joined() } }

    func wait<Found>(for what: String, _ find: ([Stamped]) throws -> Found?) throws -> Found {
        if let found = try records.wait(upTo: patience, for: find) { return found }
        throw Unmet("waited in vain for \(what)")
    }
}
