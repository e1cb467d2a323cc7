import Testing
import Union

@testable import Shell

@Suite("Reading the five topics")
struct KafkaSessionTests {
    @Test("a topic is read as soon as the topics are there, and each by itself")
    func seek() {
        var talk = Talk()
        talk.session.seek(.results, to: 0)
        #expect(talk.tick() == [.describeTopics(look: 1)])
        #expect(talk.answer() == .topicsReady)
        #expect(talk.actions() == [.reading(.results, .read(from: 0))])
        talk.session.seek(.leader, to: 7)
        #expect(talk.actions() == [.reading(.leader, .read(from: 7))])
        talk.session.close(.results)
        #expect(talk.actions() == [.reading(.results, .stop)])
    }

    @Test("an end is told with its topic")
    func end() {
        var talk = Talk.online
        talk.session.seek(.results, to: 0)
        talk.read(.results, 0)
        talk.session.onRead(.results, .end(1))
        #expect(talk.session.deadline == .zero)
        #expect(talk.events() == [.reachedEnd(.results, 1)])
        #expect(talk.session.deadline == .never)
    }

    @Test("an offset that the broker does not have ends the reading of that topic")
    func outOfRange() {
        var talk = Talk.online
        talk.session.seek(.requests, to: 900)
        _ = talk.actions()
        talk.fail(.requests, .outOfRange, at: 900)
        #expect(talk.actions() == [.reading(.requests, .stop)])
        #expect(talk.events() == [.vanished(.requests)])
    }

    @Test("any other failure is said, and reading goes on")
    func failure() {
        for kind in [.topicExists, .unreachable, .allBrokersDown, .other] as [KafkaFailure.Kind] {
            var talk = Talk.online
            talk.session.seek(.leader, to: 0)
            _ = talk.actions()
            talk.fail(.leader, kind)
            #expect(talk.actions() == [])
            #expect(talk.session.deadline == .zero)
            #expect(talk.events() == [.line(level: 3)])
            #expect(talk.text == "cannot read: some words")
        }
    }

    @Test("after an outage each topic is read on by the new handle, and checked")
    func outage() {
        var talk = Talk.online
        talk.session.seek(.leader, to: 0)
        talk.session.seek(.results, to: 0)
        talk.session.seek(.requests, to: 4)
        for offset in 0..<20 as Range<Offset> { talk.read(.leader, offset) }
        talk.session.close(.results)
        _ = talk.actions()
        #expect(
            talk.loseAndFind() == [
                .reading(.leader, .read(from: 20)), .reading(.requests, .read(from: 4)),
            ])
        #expect(talk.session.deadline <= talk.now)
        #expect(
            talk.tick() == [
                .reading(.leader, .listOffsets(serial: 1)),
                .reading(.requests, .listOffsets(serial: 1)),
            ])
        #expect(talk.bounds(of: .leader, serial: 1, low: 0, high: 20) == nil)
        #expect(talk.bounds(of: .requests, serial: 1, low: 0, high: 3) == nil)
        #expect(talk.actions() == [.reading(.requests, .stop)])
        #expect(talk.events() == [.vanished(.requests)])
    }

    @Test("a handle that was not replaced goes on reading by itself")
    func sameHandle() {
        var talk = Talk.online
        talk.session.seek(.leader, to: 0)
        _ = talk.actions()
        talk.read(.leader, 0)
        talk.fail(.leader, .unknownTopic)
        talk.now = talk.now + 1000
        #expect(talk.find() == .topicsReady)
        #expect(talk.actions() == [])
    }

    @Test("questions leave with the next tick once the topics are there, and are told by topic")
    func questions() {
        var talk = Talk()
        for topic in Topic.all { talk.session.ask(topic) }
        #expect(talk.tick() == [.describeTopics(look: 1)])
        #expect(talk.session.deadline == .never)
        #expect(talk.answer() == .topicsReady)
        _ = talk.events()
        #expect(talk.actions() == [])
        #expect(talk.session.deadline <= talk.now)
        #expect(
            talk.tick() == Topic.all.map { .reading($0, .listOffsets(serial: 1)) })
        #expect(talk.session.deadline == .never)
        for topic in Topic.all {
            let high = Offset(topic.rawValue) + 100
            #expect(
                talk.bounds(of: topic, serial: 1, low: 0, high: high)
                    == .bounds(topic, low: 0, high: high, askedAt: talk.now))
        }
    }

    @Test("a question that failed is due again")
    func failedQuestion() {
        var talk = Talk.online
        talk.session.ask(.election)
        talk.tick()
        let event = talk.session.onBound(
            BoundRequest(.election, .high, serial: 1), nil, at: talk.now)
        #expect(event == nil)
        #expect(talk.session.deadline == talk.now + 250)
        #expect(talk.tick(afterMs: 250) == [.reading(.election, .listOffsets(serial: 2))])
    }
}
