import Testing
import Union

@testable import Shell

@Suite("Writing to the broker")
struct KafkaWritingTests {
    @Test("what became of a record is told to who gave it a tag")
    func reports() {
        var talk = Talk.online
        func report(_ tag: UInt, _ outcome: Delivery.Outcome) -> KafkaSession.Event? {
            talk.session.onReport(
                Delivery(tag: tag, outcome), isFatal: false, at: .zero)
        }
        #expect(report(7, .delivered(12)) == .delivered(tag: 7, 12))
        #expect(report(8, .undelivered) == .undelivered(tag: 8))
        #expect(report(9, .unknownTopic) == .undelivered(tag: 9))
        #expect(report(10, .refused) == .refused(tag: 10))
        for outcome in [.delivered(12), .undelivered, .unknownTopic, .refused]
            as [Delivery.Outcome]
        {
            #expect(report(0, outcome) == nil)
        }
    }

    @Test("a record that was not taken is told as undelivered, when the queue had time to drain")
    func refused() {
        var talk = Talk.online
        talk.session.giveUp(tag: 5, forGood: false, at: talk.now)
        talk.session.giveUp(tag: 0, forGood: false, at: talk.now)
        #expect(talk.session.deadline == talk.now + 50)
        talk.now = talk.now + 49
        #expect(talk.events() == [])
        talk.now = talk.now + 1
        #expect(talk.session.nextEvent(at: talk.now) == .undelivered(tag: 5))
        // Who writes again at once, in vain, hears of that after as long.
        talk.session.giveUp(tag: 6, forGood: false, at: talk.now)
        #expect(talk.events() == [])
        talk.now = talk.now + 50
        #expect(talk.events() == [.undelivered(tag: 6)])
        talk.session.giveUp(tag: 7, forGood: true, at: talk.now)
        talk.now = talk.now + 50
        #expect(talk.events() == [.refused(tag: 7)])
        #expect(talk.session.deadline == .never)
    }

    @Test("of 256 records that were not taken each is told; one more is forgotten")
    func manyRefused() {
        var talk = Talk.online
        for tag in 1...257 as ClosedRange<UInt> {
            talk.session.giveUp(tag: tag, forGood: false, at: talk.now)
        }
        talk.now = talk.now + 50
        #expect(talk.events() == (1...256).map { .undelivered(tag: $0) })
    }

    enum Sign: CaseIterable { case report, refusal, error }

    @Test("a writer that met a fatal error is replaced, and that is said", arguments: Sign.allCases)
    func fatal(sign: Sign) {
        var talk = Talk.online
        switch sign {
        case .report:
            let event = talk.session.onReport(
                Delivery(tag: 3, .undelivered), isFatal: true, at: .zero)
            #expect(event == .undelivered(tag: 3))
        case .refusal: talk.session.onRefusedWrite(isFatal: true)
        case .error:
            let event = talk.session.onError(
                KafkaFailure(.other), fixed("out of order"), isFatal: true)
            #expect(event == nil)
        }
        #expect(talk.events() == [])
        #expect(talk.session.deadline <= talk.now)
        // The reader is as good as it was.
        #expect(talk.tick() == [.replaceWriter])
        #expect(talk.session.isOnline)
        #expect(talk.session.deadline == .zero)
        #expect(talk.events() == [.line(level: 4)])
        #expect(
            talk.text == "the broker lost records that it had acknowledged: new producer")
        #expect(talk.session.deadline == .never)
        #expect(talk.tick(afterMs: 60_000) == [])
    }

    @Test("a record that is refused by a good writer replaces nothing")
    func notFatal() {
        var talk = Talk.online
        talk.session.onRefusedWrite(isFatal: false)
        _ = talk.session.onReport(
            Delivery(tag: 3, .undelivered), isFatal: false, at: .zero)
        _ = talk.session.onError(KafkaFailure(.other), fixed("oops"), isFatal: false)
        #expect(talk.tick(afterMs: 5000) == [])
    }

    @Test("a writer is not replaced while the one before has reports left")
    func retiring() {
        var talk = Talk.online
        talk.isRetiring = true
        talk.session.onRefusedWrite(isFatal: true)
        #expect(talk.tick() == [])
        #expect(talk.session.deadline == talk.now + 100)
        #expect(talk.tick(afterMs: 100) == [])
        talk.isRetiring = false
        #expect(talk.tick(afterMs: 100) == [.replaceWriter])
    }
}

@Suite("A broker that comes and goes")
struct KafkaBrokerTests {
    @Test("any good answer finds it; a failure does not")
    func found() {
        var talk = Talk()
        talk.tick()
        _ = talk.session.onLook(1, KafkaFailure(.unreachable), at: talk.now)
        _ = talk.session.onBound(BoundRequest(.leader, .low, serial: 1), nil, at: talk.now)
        talk.session.onRefusal(KafkaFailure(.other), at: talk.now)
        #expect(talk.events() == [])
        let answers: [(inout Talk) -> Void] = [
            { _ = $0.session.onLook(1, PerTopic(.absent), at: $0.now) },
            { _ = $0.session.onBound(BoundRequest(.leader, .low, serial: 1), 0, at: $0.now) },
            { $0.session.onBrokers(1, at: $0.now) },
            { $0.session.onCreated(PerTopic(nil), at: $0.now) },
        ]
        for answer in answers {
            var other = talk
            answer(&other)
            #expect(other.session.deadline == .zero)
            #expect(other.events() == [.brokerFound])
        }
    }

    @Test("no broker is left: that is told once with the reason, and all is looked for again")
    func lost() {
        var talk = Talk.online
        #expect(talk.lose() == .brokerLost)
        #expect(talk.text == "3/3 brokers are down")
        #expect(!talk.session.isOnline)
        #expect(talk.lose() == nil)
        #expect(talk.tick() == [.replaceWriter, .replaceReader, .describeTopics(look: 1)])
        #expect(talk.answer() == .topicsReady)
        #expect(talk.events() == [.brokerFound])
        #expect(talk.session.isOnline)
    }

    @Test("a late answer after that does not make up for a look at the topics")
    func lateAnswer() {
        var talk = Talk.online
        // Handles are replaced once a second: these stay for a while.
        talk.session.onRefusedWrite(isFatal: true)
        talk.tick()
        talk.lose()
        _ = talk.session.onBound(BoundRequest(.leader, .low, serial: 1), 0, at: talk.now)
        #expect(talk.events().contains(.brokerFound))
        #expect(!talk.session.isOnline)
    }

    @Test("a broker that never was there is waited for with the same handles")
    func neverThere() {
        var talk = Talk()
        talk.tick()
        #expect(talk.lose() == .brokerLost)
        #expect(talk.tick(afterMs: 60_000) == [])
    }

    @Test("one broker of several that fails is not the connection")
    func one() {
        var talk = Talk.online
        let event = talk.session.onError(
            KafkaFailure(.unreachable), fixed("broker 2 is down"), isFatal: false)
        #expect(event == nil)
        #expect(talk.session.isOnline)
    }
}

@Suite("librdkafka's log")
struct KafkaLogLineTests {
    private func line(
        _ talk: inout Talk, _ facility: String, _ words: String
    ) -> KafkaSession.Event? {
        facility.lend { facility in
            words.lend { talk.session.onLogLine(level: 4, facility: facility, $0, at: talk.now) }
        }
    }

    @Test("a line is handed on as it is")
    func plain() {
        var talk = Talk.online
        #expect(line(&talk, "FAIL", "a:9092: Connect failed") == .line(level: 4))
        #expect(talk.text == "a:9092: Connect failed")
    }

    @Test("a key that only the other handle knows is no news")
    func otherHandle() {
        var talk = Talk()
        let words = "Configuration property acks is a producer property and will be ignored by"
        #expect(line(&talk, "CONFWARN", words) == nil)
        #expect(line(&talk, "CONFWARN", "No `bootstrap.servers` configured") == .line(level: 4))
        #expect(line(&talk, "OTHER", words) == .line(level: 4))
    }

    @Test("a broker that stays out of reach is complained about every five seconds")
    func failures() {
        var talk = Talk.online
        for _ in 0..<3 { #expect(line(&talk, "FAIL", "Connect failed") != nil) }
        talk.lose()
        #expect(line(&talk, "FAIL", "Connect failed") != nil)
        talk.now = talk.now + 4999
        #expect(line(&talk, "FAIL", "Connect failed") == nil)
        #expect(line(&talk, "ERROR", "something else") != nil)
        talk.now = talk.now + 1
        #expect(line(&talk, "FAIL", "Connect failed") != nil)
    }

    @Test("a .local name that cannot be resolved comes with advice")
    func localName() {
        var talk = Talk()
        #expect(line(&talk, "FAIL", "Failed to resolve 'pi.local:9092': No such host") != nil)
        #expect(talk.text.hasSuffix("No such host \(string(localNamesAdvice))"))
        #expect(line(&talk, "FAIL", "Failed to resolve 'pi.lan:9092': No such host") != nil)
        #expect(!talk.text.contains("multicast"))
    }
}
