import CLinux
import Testing
import Union

@testable import Shell

extension KafkaFailure {
    init(_ kind: Kind, _ words: String = "some words") { self.init(kind, words.argument) }
}

/// A session and its owner; the test plays the broker. Time passes when the test says so.
struct Talk {
    var session = KafkaSession(TopicNames(Config()), bearableAnswerMs: 300, pace: .normal)
    var now = Instant(us: 1_000_000_000)
    /// A writer that was replaced has reports left.
    var isRetiring = false
    /// The number of the last look at the topics.
    var look: UInt = 0

    /// The topics are there, and that is told.
    static var online: Talk {
        var talk = Talk()
        talk.find()
        _ = talk.events()
        _ = talk.actions()
        return talk
    }

    /// Lets time pass, and says what is to be done then.
    @discardableResult
    mutating func tick(afterMs ms: Int32 = 0) -> [KafkaAction] {
        now = now + ms
        session.tick(at: now, isRetiring: isRetiring)
        return actions()
    }

    /// What is to be done.
    mutating func actions() -> [KafkaAction] {
        var actions: [KafkaAction] = []
        while let action = session.nextAction() {
            if case .describeTopics(let look) = action { self.look = look }
            actions.append(action)
        }
        return actions
    }

    /// What is told without a handle's help.
    mutating func events() -> [KafkaSession.Event] {
        var events: [KafkaSession.Event] = []
        while let event = session.nextEvent(at: now) { events.append(event) }
        return events
    }

    /// When there is something to be done, all that can be told being told.
    mutating func due() -> Instant {
        _ = events()
        return session.deadline
    }

    var text: String { string(session.text) }

    /// Looks at the topics, and finds all of them but these.
    @discardableResult
    mutating func find(
        but others: [Topic: TopicFinding] = [:]
    ) -> KafkaSession.Event? {
        tick()
        return answer(but: others)
    }

    /// Answers the look that is under way.
    mutating func answer(but others: [Topic: TopicFinding] = [:]) -> KafkaSession.Event? {
        var findings = PerTopic(TopicFinding.present(partitions: 1))
        for (topic, finding) in others { findings[topic] = finding }
        return session.onLook(look, findings, at: now)
    }

    /// Reads a record.
    mutating func read(_ topic: Topic, _ offset: Offset) { session.onRead(topic, .record(offset)) }

    mutating func fail(_ topic: Topic, _ kind: KafkaFailure.Kind, at offset: Offset = 0) {
        session.onRead(topic, .failed(KafkaFailure(kind), offset))
    }

    /// Answers both requests of a question; what comes of that.
    mutating func bounds(
        of topic: Topic, serial: UInt32, low: Offset, high: Offset
    ) -> KafkaSession.Event? {
        let first = session.onBound(BoundRequest(topic, .low, serial: serial), low, at: now)
        #expect(first == nil)
        return session.onBound(BoundRequest(topic, .high, serial: serial), high, at: now)
    }

    /// No broker can be reached.
    @discardableResult
    mutating func lose() -> KafkaSession.Event? {
        session.onError(
            KafkaFailure(.allBrokersDown), fixed("3/3 brokers are down"), isFatal: false)
    }

    /// The broker was away; the handles are new, and the topics are there again.
    mutating func loseAndFind() -> [KafkaAction] {
        lose()
        now = now + 10_000
        find()
        _ = events()
        return actions()
    }
}
