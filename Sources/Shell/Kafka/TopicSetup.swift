import Union

/// Sees to it that the five topics exist with one partition each (design, section 2): looks,
/// creates what is missing, and looks again. The broker may be unreachable for as long as it
/// likes, and may lose its topics later.
package struct TopicSetup {
    private enum Stage {
        /// Looks at this time.
        case due(Instant)
        /// Waits for so many answers; the first good one is enough.
        case looking(answersLeft: Int)
        /// Asked how many brokers there are, then to create these.
        case creating(PerTopic<Bool>)
        case ready(since: Instant)
        /// Topics that were there are gone. They are made again through fresh handles only
        /// (see `Connection`), with a fresh setup.
        case lost
        /// A topic has several partitions.
        case unfit
    }

    /// What came of creating topics.
    private enum Creation {
        case untried
        case done
        case refused(KafkaFailure)
    }

    /// What people, or the others here, should know.
    enum News {
        case ready
        case lost
        case unfit(Topic, partitions: Int)
        /// The broker cannot say whether the topics exist, or the topic.
        case cannotLook(KafkaFailure)
        case cannotUse(Topic, KafkaFailure)
        /// It is not there, and the broker refused to create it.
        case cannotCreate(Topic, KafkaFailure)
    }

    /// How many answers a look has: see `KafkaReader.describeTopics`.
    package static let answers = 2
    private static let retryMs: Int32 = 200
    /// Between two looks that found a topic missing where it could not be created.
    private static let patienceMs: Int32 = 2000
    /// A topic that was made a moment ago may not be seen everywhere yet.
    private static let settleMs: Int32 = 500

    private var stage = Stage.due(Instant(us: .min))
    /// Counts the looks.
    private var look: UInt = 0
    private var creation = Creation.untried
    /// The topics were there once.
    private var wasReady = false

    var isReady: Bool { if case .ready = stage { true } else { false } }

    var deadline: Instant { if case .due(let when) = stage { when } else { .never } }

    /// Something points at a topic that is gone, or at a broker that is: look again.
    mutating func checkAgain() {
        if case .ready(let since) = stage { stage = .due(since + Self.settleMs) }
    }

    /// Looks, when it is time to.
    mutating func tick(at now: Instant, _ actions: inout KafkaActions) {
        guard deadline <= now else { return }
        look += 1
        stage = .looking(answersLeft: Self.answers)
        actions.add(.describeTopics(look: look))
    }

    /// One answer to a look: it failed.
    mutating func onLook(_ look: UInt, _ failure: KafkaFailure, at now: Instant) -> News? {
        guard look == self.look, case .looking(let left) = stage else { return nil }
        guard left == 1 else {
            stage = .looking(answersLeft: left - 1)
            return nil
        }
        stage = .due(now + Self.retryMs)
        return failure.kind == .unreachable ? nil : .cannotLook(failure)
    }

    /// One answer to a look: what was found.
    mutating func onLook(
        _ look: UInt, _ findings: PerTopic<TopicFinding>, at now: Instant,
        _ actions: inout KafkaActions
    ) -> News? {
        guard look == self.look, case .looking = stage else { return nil }
        var absent: Topic?
        var missing = PerTopic(false)
        var failed: (topic: Topic, failure: KafkaFailure)?
        for topic in Topic.all {
            switch findings[topic] {
            case .present(let partitions):
                guard partitions > 1 else { continue }
                stage = .unfit
                return .unfit(topic, partitions: partitions)
            case .absent:
                missing[topic] = true
                absent = absent ?? topic
            case .failed(let failure): failed = (topic, failure)
            }
        }
        if let failed {
            stage = .due(now + Self.retryMs)
            return .cannotUse(failed.topic, failed.failure)
        }
        guard let absent else {
            stage = .ready(since: now)
            creation = .untried
            wasReady = true
            return .ready
        }
        return create(missing, first: absent, at: now, &actions)
    }

    /// Topics are missing: creates them, unless that was tried a moment ago.
    private mutating func create(
        _ missing: PerTopic<Bool>, first: Topic, at now: Instant, _ actions: inout KafkaActions
    ) -> News? {
        guard !wasReady else {
            stage = .lost
            return .lost
        }
        defer { creation = .untried }
        switch creation {
        case .untried:
            stage = .creating(missing)
            actions.add(.describeCluster)
            return nil
        case .done:
            stage = .due(now + Self.retryMs)
            return nil
        case .refused(let failure):
            stage = .due(now + Self.patienceMs)
            return .cannotCreate(first, failure)
        }
    }

    /// How many brokers there are.
    mutating func onBrokers(_ count: Int, at now: Instant, _ actions: inout KafkaActions) {
        guard case .creating(let missing) = stage else { return }
        guard count > 0 else {
            stage = .due(now + Self.retryMs)
            return
        }
        actions.add(.createTopics(missing, replication: Int32(min(3, count))))
    }

    /// Creating topics failed, or finding out how many brokers there are.
    mutating func onRefusal(_ failure: KafkaFailure, at now: Instant) {
        guard case .creating = stage else { return }
        creation = .refused(failure)
        stage = .due(now + Self.retryMs)
    }

    /// What came of creating each topic; nil: it was created, or nobody asked for it.
    mutating func onCreated(_ failures: PerTopic<KafkaFailure?>, at now: Instant) {
        guard case .creating = stage else { return }
        for topic in Topic.all {
            // Another node may have been quicker.
            guard let failure = failures[topic], failure.kind != .topicExists else { continue }
            return onRefusal(failure, at: now)
        }
        creation = .done
        stage = .due(now)
    }
}
