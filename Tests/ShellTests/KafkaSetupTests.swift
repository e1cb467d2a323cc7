import Testing
import Union

@testable import Shell

@Suite("The five topics")
struct KafkaSetupTests {
    /// Only these.
    private func only(_ topics: [Topic]) -> PerTopic<Bool> {
        var some = PerTopic(false)
        for topic in topics { some[topic] = true }
        return some
    }

    private func failures(_ some: [Topic: KafkaFailure]) -> PerTopic<KafkaFailure?> {
        var failures = PerTopic(KafkaFailure?.none)
        for (topic, failure) in some { failures[topic] = failure }
        return failures
    }

    @Test("are looked for at once, and ready when each has one partition")
    func ready() {
        var talk = Talk()
        #expect(talk.session.deadline <= .zero)
        #expect(talk.tick() == [.describeTopics(look: 1)])
        #expect(talk.session.deadline == .never)
        #expect(!talk.session.isOnline)
        #expect(talk.answer() == .topicsReady)
        #expect(talk.session.isOnline)
        // A look has two answers: one is enough.
        #expect(talk.answer(but: [.leader: .absent]) == nil)
        #expect(talk.session.isOnline)
        #expect(talk.actions() == [])
    }

    @Test("are looked for again after a pause when both answers are failures")
    func failedLook() {
        var talk = Talk()
        talk.tick()
        let failure = KafkaFailure(.other, "not now")
        #expect(talk.session.onLook(1, failure, at: talk.now) == nil)
        #expect(talk.session.deadline == .never)
        #expect(talk.session.onLook(1, failure, at: talk.now) == .line(level: 3))
        #expect(talk.text == "cannot look at the topics: not now")
        #expect(talk.tick(afterMs: 199) == [])
        #expect(talk.tick(afterMs: 1) == [.describeTopics(look: 2)])
        // Late answers to the first look are none to the second.
        #expect(talk.session.onLook(1, PerTopic(.present(partitions: 1)), at: talk.now) == nil)
        #expect(talk.session.onLook(1, failure, at: talk.now) == nil)
        #expect(talk.session.onLook(2, failure, at: talk.now) == nil)
        #expect(talk.answer() == .topicsReady)
    }

    @Test("of a broker that is out of reach librdkafka says enough")
    func unreachable() {
        var talk = Talk()
        talk.tick()
        let failure = KafkaFailure(.unreachable)
        #expect(talk.session.onLook(1, failure, at: talk.now) == nil)
        #expect(talk.session.onLook(1, failure, at: talk.now) == nil)
        #expect(talk.session.deadline == talk.now + 200)
        #expect(!talk.session.isOnline)
    }

    @Test(
        "that are missing are created, on three brokers at most",
        arguments: [(1, 1), (3, 3), (7, 3)])
    func created(brokers: Int, replication: Int32) {
        var talk = Talk()
        #expect(talk.find(but: [.results: .absent, .leader: .absent]) == nil)
        #expect(talk.actions() == [.describeCluster])
        talk.session.onBrokers(brokers, at: talk.now)
        #expect(
            talk.actions() == [.createTopics(only([.leader, .results]), replication: replication)])
        talk.session.onCreated(failures([.leader: KafkaFailure(.topicExists)]), at: talk.now)
        #expect(talk.tick() == [.describeTopics(look: 2)])
        #expect(talk.answer() == .topicsReady)
    }

    @Test("that the broker does not mention are missing")
    func notMentioned() {
        var talk = Talk()
        talk.tick()
        #expect(talk.session.onLook(1, PerTopic(.absent), at: talk.now) == nil)
        #expect(talk.actions() == [.describeCluster])
    }

    @Test("that are not seen although they were created are looked for in steps")
    func notSeenYet() {
        var talk = Talk()
        talk.find(but: [.leader: .absent])
        talk.session.onBrokers(1, at: talk.now)
        talk.session.onCreated(failures([.leader: KafkaFailure(.topicExists)]), at: talk.now)
        _ = talk.find(but: [.leader: .absent])
        #expect(talk.due() == talk.now + 200)
        #expect(!talk.actions().contains(.describeCluster))
        talk.now = talk.now + 200
        _ = talk.find(but: [.leader: .absent])
        #expect(talk.actions() == [.describeCluster])
    }

    @Test("that cannot be created are named, with the broker's reason and what to do")
    func refused() {
        var talk = Talk()
        talk.find(but: [.results: .absent])
        talk.session.onBrokers(1, at: talk.now)
        let failure = KafkaFailure(.other, "Topic authorization failed")
        talk.session.onCreated(failures([.results: failure]), at: talk.now)
        _ = talk.actions()
        #expect(talk.tick(afterMs: 199) == [])
        #expect(talk.tick(afterMs: 1) == [.describeTopics(look: 2)])
        #expect(talk.answer(but: [.results: .absent]) == .line(level: 3))
        #expect(
            talk.text == "topic scrapworkerunion-1-results does not exist; create it with one "
                + "partition, for the broker refused to: Topic authorization failed")
        // Somebody may do that, or allow us to.
        #expect(talk.tick(afterMs: 1999) == [])
        #expect(talk.tick(afterMs: 1) == [.describeTopics(look: 3)])
        #expect(talk.answer(but: [.results: .absent]) == nil)
        #expect(talk.actions() == [.describeCluster])
    }

    @Test("that cannot be created are complained about every five seconds, not more often")
    func complaints() {
        var talk = Talk()
        var said = 0
        for _ in 0..<20 {
            talk.now = max(talk.now, talk.due())
            let start = talk.now
            talk.find(but: [.results: .absent])
            talk.session.onRefusal(KafkaFailure(.other), at: talk.now)
            talk.now = talk.due()
            if talk.find(but: [.results: .absent]) != nil { said += 1 }
            #expect(talk.due() == start + 2200)
        }
        // Each round takes 2.2 s: every third one may speak.
        #expect(said == 7)
    }

    @Test("wait for a broker that knows of no brokers")
    func noBrokers() {
        var talk = Talk()
        talk.find(but: [.leader: .absent])
        _ = talk.actions()
        talk.session.onBrokers(0, at: talk.now)
        #expect(talk.actions() == [])
        #expect(talk.due() == talk.now + 200)
    }

    @Test("that the broker cannot tell of are named, and looked for again")
    func failedTopic() {
        var talk = Talk()
        let failure = KafkaFailure(.other, "Leader not available")
        #expect(talk.find(but: [.election: .failed(failure)]) == .line(level: 3))
        #expect(talk.text == "topic scrapworkerunion-1-election: Leader not available")
        #expect(talk.due() == talk.now + 200)
    }

    @Test("with several partitions are refused, with what to do")
    func unfit() {
        var talk = Talk()
        #expect(
            talk.find(but: [.leader: .absent, .requests: .present(partitions: 4)])
                == .unfit(.requests))
        #expect(
            talk.text == "topic scrapworkerunion-1-requests has 4 partitions, a union needs "
                + "exactly 1: delete it and create it with one partition, or choose another "
                + "topic_prefix")
        #expect(!talk.session.isOnline)
        #expect(talk.due() == .never)
    }

    @Test(
        "are looked for again when something points at one that is gone: at most twice a second",
        arguments: [true, false])
    func checkedAgain(byReading: Bool) {
        var talk = Talk.online
        let since = talk.now
        talk.now = talk.now + 100
        if byReading {
            talk.fail(.leader, .unknownTopic)
        } else {
            let event = talk.session.onReport(
                Delivery(tag: 0, .unknownTopic), isFatal: false, at: .zero)
            #expect(event == nil)
        }
        #expect(!talk.session.isOnline)
        #expect(talk.session.deadline == since + 500)
        #expect(talk.tick() == [])
        talk.now = since + 500
        #expect(talk.find() == .topicsReady)
        #expect(talk.session.isOnline)
    }

    @Test("that were there and are gone are made again through new handles")
    func lost() {
        var talk = Talk.online
        talk.fail(.leader, .unknownTopic)
        talk.now = talk.now + 5000
        #expect(talk.find(but: [.leader: .absent]) == nil)
        #expect(talk.actions() == [])
        #expect(talk.session.deadline <= talk.now)
        #expect(talk.tick() == [.replaceWriter, .replaceReader, .describeTopics(look: 1)])
        #expect(talk.answer(but: [.leader: .absent]) == nil)
        #expect(talk.actions() == [.describeCluster])
    }
}
