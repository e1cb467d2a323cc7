import CLinux
import Union

/// What a node and a Kafka cluster have to do with each other (design, section 2), without the
/// handles: what was asked, read, written and told, and what is to be done next.
///
/// No clock and no I/O: its owner, `KafkaLog`, feeds it what librdkafka's handles answered, and
/// carries out `nextAction` after each input until there is none.
package struct KafkaSession {
    /// Something that happened, other than a record.
    package enum Event: Equatable {
        /// The broker has the record written with this tag, at this offset.
        case delivered(tag: UInt, Offset)
        /// The producer gave the record up, or did not take it. It may still appear in the log.
        case undelivered(tag: UInt)
        /// Neither broker nor producer takes the record as it is.
        case refused(tag: UInt)
        /// The topic holds `low ..< high`; `askedAt` is when the answered question left.
        case bounds(Topic, low: Offset, high: Offset, askedAt: Instant)
        /// The topic has been read up to this offset, where it ends for now. Comes once after
        /// each `seek`, and again only where the end does not lie right after a record.
        case reachedEnd(Topic, Offset)
        /// The broker does not have the offset where we wanted to read on; reading has stopped.
        case vanished(Topic)
        /// All five topics exist and have one partition.
        case topicsReady
        /// The topic has more than one partition, so the union cannot use it. Text: what to do.
        case unfit(Topic)
        /// No broker can be reached / one can again. Text: why.
        case brokerLost
        case brokerFound
        /// Text: a line for the log, with its syslog level.
        case line(level: Int32)
    }

    /// The words that belong to the event returned last.
    package private(set) var text = FixedText<512>()

    private let names: TopicNames
    private var connection = Connection()
    private var setup = TopicSetup()
    private var readings = PerTopic(TopicReading())
    private var refused = RefusedWrites()
    private var answers: AnswerTime
    /// How long the broker takes to answer, when that is too long and not told yet.
    private var slowMs: Int64?
    private let pace: Settings.Pace
    private var complaints = RateLimit(everyMs: Connection.repeatMs)
    private var actions = KafkaActions()

    /// `pace`: what the timings are called.
    package init(_ names: TopicNames, bearableAnswerMs: Int32, pace: Settings.Pace) {
        self.names = names
        self.pace = pace
        answers = AnswerTime(bearableMs: bearableAnswerMs)
    }

    /// Whether a broker answered and the topics are there, and nothing says otherwise since.
    package var isOnline: Bool { connection.state == .online && setup.isReady }

    /// When `tick` must be called, or `nextEvent`: at once when something is to be told.
    package var deadline: Instant {
        var first = min(connection.deadline, min(setup.deadline, refused.deadline))
        if connection.hasEvent || slowMs != nil { first = .zero }
        for topic in Topic.all {
            if readings[topic].hasEvent { first = .zero }
            if setup.isReady { first = min(first, readings[topic].deadline) }
        }
        return first
    }

    /// Does what is due. `isRetiring`: a writer that was replaced has reports left.
    package mutating func tick(at now: Instant, isRetiring: Bool) {
        switch connection.replacement(at: now, isRetiring: isRetiring) {
        case .writer: actions.add(.replaceWriter)
        case .bothHandles: replaceBoth()
        case nil: break
        }
        setup.tick(at: now, &actions)
        for topic in Topic.all { act(topic, at: now) }
    }

    private mutating func replaceBoth() {
        actions.add(.replaceWriter)
        actions.add(.replaceReader)
        setup = TopicSetup()
        for topic in Topic.all { readings[topic].onHandleReplaced() }
    }

    /// Collects what the topic's reading wants. `now`: nil where no question is to leave.
    private mutating func act(_ topic: Topic, at now: Instant? = nil) {
        while let action = readings[topic].act(at: now, topicsReady: setup.isReady) {
            actions.add(.reading(topic, action))
        }
    }

    /// What is to be done next, nil when that is all.
    package mutating func nextAction() -> KafkaAction? { actions.next() }
}

// What the owner wants.
extension KafkaSession {
    /// Reads `topic` from `offset` on, wherever it was read before; as soon as the topics are there.
    package mutating func seek(_ topic: Topic, to offset: Offset) {
        readings[topic].seek(to: offset)
        act(topic)
    }

    /// Reads `topic` no more.
    package mutating func close(_ topic: Topic) {
        readings[topic].close()
        act(topic)
    }

    /// Finds out which offsets the topic holds; answered by `bounds` as soon as a broker can. A
    /// question that is asked again is a new question. It leaves with the next `tick`.
    package mutating func ask(_ topic: Topic) { readings[topic].ask() }

    /// Tells that a record was not taken, as if it had been given up, but not at once.
    package mutating func giveUp(tag: UInt, forGood: Bool, at now: Instant) {
        refused.add(tag, forGood: forGood, at: now)
    }
}

// What the writer answers.
extension KafkaSession {
    /// The writer took a record.
    package mutating func onWrite(tag: UInt, at now: Instant) { answers.onWrite(tag: tag, at: now) }

    /// What became of a record. `isFatal`: the writer takes no record any more. librdkafka does
    /// not always send an event for that.
    package mutating func onReport(
        _ report: Delivery, isFatal: Bool, at now: Instant
    ) -> Event? {
        if let ms = answers.onReport(tag: report.tag, at: now) { slowMs = ms }
        if isFatal { connection.onFatalError() }
        if case .unknownTopic = report.outcome { setup.checkAgain() }
        return report.event
    }

    /// The writer did not take a record.
    package mutating func onRefusedWrite(isFatal: Bool) {
        if isFatal { connection.onFatalError() }
    }
}

// What the reader answers.
extension KafkaSession {
    /// What was read from a topic's queue.
    package enum Reading {
        case record(Offset)
        /// The topic ends here for now.
        case end(Offset)
        /// The offset is where it failed, below zero where that is not said.
        case failed(KafkaFailure, Offset)
    }

    package mutating func onRead(_ topic: Topic, _ reading: Reading) {
        switch reading {
        case .record(let offset): readings[topic].onRecord(at: offset)
        case .end(let offset): readings[topic].onEnd(at: offset)
        case .failed(let failure, let offset):
            switch failure.kind {
            case .outOfRange:
                readings[topic].onOutOfRange(at: offset)
                act(topic)
            case .unknownTopic: setup.checkAgain()
            case .topicExists, .recordRefused, .unreachable, .allBrokersDown, .other:
                connection.onReadError(failure)
            }
        }
    }

    /// The answer to one of a question's requests, nil when it failed.
    package mutating func onBound(
        _ request: BoundRequest, _ offset: Offset?, at now: Instant
    ) -> Event? {
        if offset != nil { connection.onAnswer() }
        let event = readings[request.topic].onBound(
            request.bound, offset, serial: request.serial, at: now)
        act(request.topic)
        return event.map { Event($0, of: request.topic) }
    }
}

// What either of them answers.
extension KafkaSession {
    /// librdkafka's log has a line for every error too; here is what must be acted on.
    package mutating func onError(
        _ failure: KafkaFailure, _ words: FixedText<512>, isFatal: Bool
    ) -> Event? {
        if isFatal { connection.onFatalError() }
        guard failure.kind == .allBrokersDown, connection.onAllBrokersDown() else { return nil }
        setup.checkAgain()
        answers.onLost()
        text = words
        return .brokerLost
    }

    /// A line of librdkafka's log. `[kafka]` goes to both handles, and each warns of the other's
    /// keys: that is no news.
    package mutating func onLogLine(
        level: Int32, facility: Span<UInt8>, _ words: Span<UInt8>, at now: Instant
    ) -> Event? {
        if facility.equals("CONFWARN") && words.contains("will be ignored by") { return nil }
        guard !facility.equals("FAIL") || connection.tellsFailure(at: now) else { return nil }
        text.removeAll()
        text.put(words)
        if words.contains("Failed to resolve") && words.contains(".local:") {
            text.put(" ")
            text.put(localNamesAdvice)
        }
        return .line(level: level)
    }
}

// Whether the topics are there.
extension KafkaSession {
    /// An answer to `KafkaAction.describeTopics`.
    package mutating func onLook(
        _ look: UInt, _ findings: PerTopic<TopicFinding>, at now: Instant
    ) -> Event? {
        connection.onAnswer()
        return tell(setup.onLook(look, findings, at: now, &actions), at: now)
    }

    package mutating func onLook(_ look: UInt, _ failure: KafkaFailure, at now: Instant) -> Event? {
        tell(setup.onLook(look, failure, at: now), at: now)
    }

    /// The answer to `KafkaAction.describeCluster`.
    package mutating func onBrokers(_ count: Int, at now: Instant) {
        connection.onAnswer()
        setup.onBrokers(count, at: now, &actions)
    }

    /// The answer to `KafkaAction.createTopics`: nil where nothing is wrong.
    package mutating func onCreated(_ failures: PerTopic<KafkaFailure?>, at now: Instant) {
        connection.onAnswer()
        setup.onCreated(failures, at: now)
    }

    /// The answer to either of these two: it failed.
    package mutating func onRefusal(_ failure: KafkaFailure, at now: Instant) {
        setup.onRefusal(failure, at: now)
    }

    private mutating func tell(_ news: TopicSetup.News?, at now: Instant) -> Event? {
        switch news {
        case nil: return nil
        case .ready:
            onTopicsReady()
            return .topicsReady
        case .lost:
            connection.onTopicsLost()
            return nil
        case .unfit(let topic, let partitions):
            sayUnfit(topic, partitions)
            return .unfit(topic)
        case .cannotLook(let failure):
            guard complaints.allows(at: now) else { return nil }
            text = FixedText("cannot look at the topics: ")
            text.put(failure.words.bytes)
        case .cannotUse(let topic, let failure):
            guard complaints.allows(at: now) else { return nil }
            say(topic, ": ", failure)
        case .cannotCreate(let topic, let failure):
            guard complaints.allows(at: now) else { return nil }
            say(
                topic,
                " does not exist; create it with one partition, for the broker refused to: ",
                failure)
        }
        return .line(level: LOG_ERR)
    }

    private mutating func onTopicsReady() {
        for topic in Topic.all {
            readings[topic].onTopicsReady()
            act(topic)
        }
    }

    private mutating func say(_ topic: Topic, _ what: StaticString, _ failure: KafkaFailure) {
        text = FixedText("topic ")
        text.put(names[topic].bytes)
        text.put(what)
        text.put(failure.words.bytes)
    }

    private mutating func sayUnfit(_ topic: Topic, _ partitions: Int) {
        text = FixedText("topic ")
        text.put(names[topic].bytes)
        text.put(" has ")
        text.put(partitions)
        text.put(
            """
             partitions, a union needs exactly 1: delete it and create it with one partition, or \
            choose another topic_prefix
            """)
    }
}

// What was noticed on the way to something else.
extension KafkaSession {
    /// The next event that no handle has to be asked for, nil when there is none now.
    package mutating func nextEvent(at now: Instant) -> Event? {
        if let event = connection.nextEvent(at: now) { return tell(event) }
        if let ms = slowMs.take() {
            text = FixedText("the broker answers in ")
            text.put(ms)
            text.put(" ms, too slow for pace ")
            text.put(pace.word)
            return .line(level: LOG_WARNING)
        }
        for topic in Topic.all {
            if let event = readings[topic].nextEvent() { return Event(event, of: topic) }
        }
        return refused.next(at: now)
    }

    private mutating func tell(_ event: Connection.Event) -> Event {
        switch event {
        case .brokerFound:
            text.removeAll()
            return .brokerFound
        case .newWriter:
            text = FixedText("the broker lost records that it had acknowledged: new producer")
            return .line(level: LOG_WARNING)
        case .cannotRead(let failure):
            text = FixedText("cannot read: ")
            text.put(failure.words.bytes)
            return .line(level: LOG_ERR)
        }
    }
}

extension KafkaSession.Event {
    fileprivate init(_ event: TopicReading.Event, of topic: Topic) {
        self =
            switch event {
            case .bounds(let low, let high, let askedAt):
                .bounds(topic, low: low, high: high, askedAt: askedAt)
            case .reachedEnd(let offset): .reachedEnd(topic, offset)
            case .vanished: .vanished(topic)
            }
    }
}
