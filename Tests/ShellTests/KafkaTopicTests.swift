import Testing
import Union

@testable import Shell

private func ms(_ ms: Int64) -> Instant { Instant(us: ms * 1000) }

/// A topic, and a handle that does what it is told.
private struct Topic {
    var reading = TopicReading()
    var now = ms(0)
    var isReady = true
    /// What the handle was told.
    var told: [TopicReading.Action] = []
    /// The serial number of the question that was sent last.
    var serial: UInt32 = 0

    /// Carries out what is to be done.
    mutating func run() {
        while let action = reading.act(at: now, topicsReady: isReady) {
            told.append(action)
            if case .listOffsets(let serial) = action { self.serial = serial }
        }
    }

    /// Topics are there, and it is read from `offset` on; the handle knows.
    static func read(from offset: Offset) -> Topic {
        var topic = Topic()
        topic.reading.seek(to: offset)
        topic.run()
        topic.told = []
        return topic
    }

    mutating func takeRecords(_ offsets: Range<Offset>) {
        for offset in offsets { reading.onRecord(at: offset) }
    }

    /// The outage is over: the topics are looked at, and found.
    mutating func findTopics() {
        reading.onTopicsReady()
        run()
    }

    /// The broker answers both requests.
    mutating func answer(_ low: Offset?, _ high: Offset?, serial: UInt32? = nil)
        -> TopicReading.Event?
    {
        let serial = serial ?? self.serial
        let first = reading.onBound(.low, low, serial: serial, at: now)
        #expect(first == nil)
        let event = reading.onBound(.high, high, serial: serial, at: now)
        run()
        return event
    }

    mutating func events() -> [TopicReading.Event] {
        var events: [TopicReading.Event] = []
        while let event = reading.nextEvent() { events.append(event) }
        #expect(!reading.hasEvent)
        return events
    }
}

@Suite("Reading a topic")
struct KafkaTopicTests {
    @Test("a topic is read from where it was sought, as soon as the topics are there")
    func seek() {
        var topic = Topic(isReady: false)
        topic.reading.seek(to: 5)
        topic.run()
        #expect(topic.told == [])
        topic.isReady = true
        topic.findTopics()
        #expect(topic.told.first == .read(from: 5))
    }

    @Test("a topic that is sought elsewhere or closed is stopped first")
    func stop() {
        var topic = Topic.read(from: 5)
        topic.reading.seek(to: 2)
        topic.run()
        topic.reading.close()
        topic.run()
        #expect(topic.told == [.stop, .read(from: 2), .stop])
    }

    @Test("while the topics are looked at, a topic that is sought is stopped and waits")
    func seekUnready() {
        var topic = Topic.read(from: 5)
        topic.isReady = false
        topic.reading.seek(to: 2)
        topic.run()
        #expect(topic.told == [.stop])
    }

    @Test("an end is handed out once after each seek")
    func end() {
        var topic = Topic.read(from: 5)
        for _ in 0..<2 {
            topic.reading.onEnd(at: 5)
            #expect(topic.events() == [.reachedEnd(5)])
            topic.takeRecords(5..<6)
            topic.reading.onEnd(at: 6)
            #expect(topic.events() == [])
            topic.reading.seek(to: 5)
            topic.run()
        }
    }

    @Test("an end that does not lie right after a record is handed out each time")
    func endAfterGap() {
        var topic = Topic.read(from: 5)
        topic.reading.onEnd(at: 5)
        _ = topic.events()
        for end: Offset in [7, 9] {
            topic.reading.onEnd(at: end)
            #expect(topic.events() == [.reachedEnd(end)])
        }
    }

    @Test("an end that a record follows before it is handed out was none")
    func endThatWasNone() {
        var topic = Topic.read(from: 5)
        topic.reading.onEnd(at: 5)
        topic.takeRecords(5..<6)
        #expect(topic.events() == [])
        topic.reading.onEnd(at: 6)
        #expect(topic.events() == [.reachedEnd(6)])
    }

    @Test("an offset that the broker does not have ends reading, and is told once")
    func outOfRange() {
        var topic = Topic.read(from: 5)
        topic.reading.onOutOfRange(at: 5)
        topic.run()
        #expect(topic.told == [.stop])
        #expect(topic.events() == [.vanished])
        topic.findTopics()
        #expect(topic.told == [.stop] && topic.events() == [])
    }

    @Test(
        "what was found out of range before a seek says nothing of the new place: it is read again",
        arguments: [3, 900, -1001] as [Offset])
    func staleOutOfRange(_ stale: Offset) {
        var topic = Topic.read(from: 5)
        topic.reading.onOutOfRange(at: stale)
        topic.run()
        #expect(topic.told == [.stop, .read(from: 5)])
        #expect(topic.events() == [])
        topic.takeRecords(5..<7)
        topic.reading.onOutOfRange(at: 7)
        #expect(topic.events() == [.vanished])
    }

    @Test(
        "after a record or an end it is true wherever it was found: offsets may hold no record",
        arguments: [false, true])
    func outOfRangeBeyondGap(ends: Bool) {
        var topic = Topic.read(from: 5)
        if ends { topic.reading.onEnd(at: 5) } else { topic.takeRecords(5..<6) }
        topic.reading.onOutOfRange(at: ends ? -1001 : 9)
        #expect(topic.events() == [.vanished])
    }

    @Test("who seeks or closes does not care any more what vanished or ended")
    func forget() {
        for closes in [false, true] {
            var topic = Topic.read(from: 5)
            topic.reading.onEnd(at: 7)
            if closes { topic.reading.close() } else { topic.reading.seek(to: 0) }
            #expect(topic.events() == [])
            topic = .read(from: 5)
            topic.reading.onOutOfRange(at: 5)
            if closes { topic.reading.close() } else { topic.reading.seek(to: 0) }
            #expect(topic.events() == [])
        }
    }
}

@Suite("After an outage")
struct KafkaOutageTests {
    @Test("a topic that ends before what was read has vanished")
    func lost() {
        for high: Offset in [0, 99] {
            var topic = Topic.read(from: 90)
            topic.takeRecords(90..<100)
            topic.findTopics()
            #expect(topic.told == [.listOffsets(serial: topic.serial)])
            #expect(topic.answer(0, high) == nil)
            #expect(topic.told.last == .stop && topic.events() == [.vanished])
        }
    }

    @Test("a topic that reaches as far as what was read is read on")
    func kept() {
        var topic = Topic.read(from: 90)
        topic.takeRecords(90..<100)
        topic.findTopics()
        topic.takeRecords(100..<120)
        #expect(topic.answer(0, 100) == nil)
        #expect(topic.told.count == 1 && topic.events() == [])
    }

    @Test("a topic of which nothing was read is not asked")
    func unread() {
        var topic = Topic.read(from: 0)
        topic.findTopics()
        var closed = Topic()
        closed.findTopics()
        #expect(topic.told == [] && closed.told == [])
    }

    @Test("a check of another place says nothing about where the owner sought since")
    func soughtSince() {
        var topic = Topic.read(from: 100)
        topic.findTopics()
        topic.reading.seek(to: 50)
        topic.run()
        topic.takeRecords(50..<110)
        #expect(topic.answer(0, 60) == nil)
        #expect(topic.events() == [])
    }

    @Test("an answer to a check before the outage does not decide the check after it")
    func secondOutage() {
        var topic = Topic.read(from: 10)
        topic.findTopics()
        topic.takeRecords(10..<20)
        let old = topic.serial
        topic.reading.onTopicsReady()
        #expect(topic.answer(0, 10, serial: old) == nil)
        #expect(topic.events() == [])
        #expect(topic.serial != old)
        #expect(topic.answer(0, 15) == nil)
        #expect(topic.events() == [.vanished])
    }

    @Test("a fresh handle reads where the old one was, and is asked what that was asked")
    func freshHandle() {
        var topic = Topic.read(from: 5)
        topic.takeRecords(5..<7)
        topic.reading.ask()
        topic.run()
        topic.isReady = false
        topic.reading.onHandleReplaced()
        topic.run()
        #expect(topic.told == [.listOffsets(serial: 1)])
        topic.isReady = true
        topic.findTopics()
        #expect(topic.told.dropFirst() == [.read(from: 7), .listOffsets(serial: 2)])
        #expect(topic.answer(0, 7) == .bounds(low: 0, high: 7, askedAt: ms(0)))
    }

    @Test("a fresh handle is asked about a topic that is not read, too")
    func freshHandleQuestion() {
        var topic = Topic()
        topic.reading.ask()
        topic.run()
        topic.reading.onHandleReplaced()
        topic.run()
        #expect(topic.told == [.listOffsets(serial: 1), .listOffsets(serial: 2)])
    }

    @Test("a fresh handle does not read what nobody wants to be read")
    func closedTopic() {
        var topic = Topic.read(from: 5)
        topic.reading.close()
        topic.run()
        topic.reading.onHandleReplaced()
        topic.findTopics()
        #expect(topic.told == [.stop])
    }
}

@Suite("The question about a topic's bounds")
struct KafkaQuestionTests {
    @Test("it waits for the topics, and is answered once, as of when it left")
    func answer() {
        var topic = Topic(now: ms(10), isReady: false)
        topic.reading.ask()
        topic.run()
        #expect(topic.told == [])
        (topic.now, topic.isReady) = (ms(20), true)
        topic.run()
        topic.now = ms(30)
        #expect(topic.answer(3, 8) == .bounds(low: 3, high: 8, askedAt: ms(20)))
        #expect(topic.answer(3, 9) == nil)
        #expect(topic.told.count == 1 && topic.reading.deadline == .never)
    }

    @Test("once it is answered, what is checked after an outage is told to nobody")
    func answeredBefore() {
        var topic = Topic.read(from: 5)
        topic.reading.ask()
        topic.run()
        #expect(topic.answer(3, 8) != nil)
        topic.findTopics()
        #expect(topic.answer(3, 9) == nil)
    }

    @Test("it does not leave before its owner's next turn")
    func turn() {
        var topic = Topic()
        topic.reading.ask()
        #expect(topic.reading.act(at: nil, topicsReady: true) == nil)
        #expect(topic.reading.deadline <= ms(0))
    }

    @Test("it is repeated a quarter of a second after either request failed")
    func repeated() {
        for (low, high) in [(nil, 8), (3, nil), (nil, nil)] as [(Offset?, Offset?)] {
            var topic = Topic()
            topic.reading.ask()
            topic.run()
            #expect(topic.answer(low, high) == nil)
            #expect(topic.told.count == 1 && topic.reading.deadline == ms(250))
            topic.now = ms(249)
            topic.run()
            #expect(topic.told.count == 1)
            topic.now = ms(250)
            topic.run()
            #expect(topic.answer(3, 8) == .bounds(low: 3, high: 8, askedAt: ms(250)))
        }
    }

    @Test("half an answer to the requests before a failure is not used")
    func halves() {
        var topic = Topic()
        topic.reading.ask()
        topic.run()
        #expect(topic.answer(3, nil) == nil)
        topic.now = ms(250)
        topic.run()
        #expect(topic.reading.onBound(.high, 8, serial: topic.serial, at: topic.now) == nil)
        let event = topic.reading.onBound(.low, 5, serial: topic.serial, at: topic.now)
        #expect(event == .bounds(low: 5, high: 8, askedAt: ms(250)))
    }

    @Test("an answer to what was asked before is not taken, once it is asked again or sent again")
    func late() {
        var topic = Topic()
        topic.reading.ask()
        topic.run()
        let old = topic.serial
        topic.now = ms(5)
        topic.reading.ask()
        #expect(topic.reading.onBound(.low, 0, serial: old, at: topic.now) == nil)
        #expect(topic.reading.onBound(.high, 1, serial: old, at: topic.now) == nil)
        topic.run()
        #expect(topic.answer(0, 2, serial: old) == nil)
        #expect(topic.answer(0, 3) == .bounds(low: 0, high: 3, askedAt: ms(5)))
    }

    @Test("a topic that lost old records between the two answers is empty")
    func lostMeanwhile() {
        var topic = Topic()
        topic.reading.ask()
        topic.run()
        #expect(topic.answer(9, 7) == .bounds(low: 9, high: 9, askedAt: ms(0)))
    }

    @Test("a check after an outage and the owner's question are one")
    func both() {
        var topic = Topic.read(from: 100)
        topic.reading.ask()
        topic.findTopics()
        #expect(topic.told.count == 1)
        #expect(topic.answer(0, 4) == .bounds(low: 0, high: 4, askedAt: ms(0)))
        #expect(topic.events() == [.vanished])
    }

    @Test("a request's number tells topic, bound and serial number", arguments: [0, 1, .max])
    func number(_ serial: UInt32) {
        for topic in Union.Topic.all {
            for bound in BoundsQuestion.Bound.all {
                let request = BoundRequest(topic, bound, serial: serial)
                #expect(BoundRequest(number: request.number) == request)
            }
        }
    }
}
