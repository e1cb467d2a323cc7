import Testing
import Union

@testable import Shell

private func ms(_ ms: Int64) -> Instant { Instant(us: ms * 1000) }

extension Connection {
    fileprivate mutating func events(at now: Instant) -> [Event] {
        var events: [Event] = []
        while let event = nextEvent(at: now) { events.append(event) }
        #expect(!hasEvent)
        return events
    }

    fileprivate static func online() -> Connection {
        var connection = Connection()
        connection.onAnswer()
        #expect(connection.events(at: ms(0)) == [.brokerFound])
        return connection
    }
}

@Suite("The connection to the broker")
struct KafkaConnectionTests {
    @Test("a broker is found with the first answer, and lost when all are down: each told once")
    func foundAndLost() {
        var connection = Connection.online()
        connection.onAnswer()
        #expect(connection.state == .online && connection.events(at: ms(0)) == [])
        let isNews = [connection.onAllBrokersDown(), connection.onAllBrokersDown()]
        #expect(isNews == [true, false] && connection.state == .lost)
        connection.onAnswer()
        #expect(connection.events(at: ms(0)) == [.brokerFound])
    }

    @Test("a broker that is lost before it was told that it is found was not found")
    func foundAndLostAtOnce() {
        var connection = Connection()
        connection.onAnswer()
        _ = connection.onAllBrokersDown()
        #expect(connection.events(at: ms(0)) == [])
    }

    @Test("both handles are replaced when a broker is lost that was there, or its topics are")
    func bothHandles() {
        var connection = Connection()
        _ = connection.onAllBrokersDown()
        #expect(connection.deadline == .never)
        connection = .online()
        _ = connection.onAllBrokersDown()
        #expect(connection.deadline == .zero)
        #expect(connection.replacement(at: ms(5), isRetiring: false) == .bothHandles)
        #expect(connection.replacement(at: ms(5), isRetiring: false) == nil)
        connection = .online()
        connection.onTopicsLost()
        #expect(connection.replacement(at: ms(5), isRetiring: false) == .bothHandles)
    }

    @Test("a writer that met a fatal error is replaced, which is told when it is done")
    func fatal() {
        var connection = Connection.online()
        connection.onFatalError()
        #expect(connection.deadline == .zero && connection.events(at: ms(0)) == [])
        #expect(connection.replacement(at: ms(5), isRetiring: false) == .writer)
        #expect(connection.deadline == .never && connection.hasEvent)
        #expect(connection.events(at: ms(5)) == [.newWriter])
    }

    @Test("a writer's fatal error does not spare the reader, nor the other way round")
    func fatalAndLost() {
        for fatalFirst in [false, true] {
            var connection = Connection.online()
            if fatalFirst { connection.onFatalError() }
            connection.onTopicsLost()
            if !fatalFirst { connection.onFatalError() }
            #expect(connection.replacement(at: ms(5), isRetiring: false) == .bothHandles)
            #expect(connection.events(at: ms(5)) == [.newWriter])
        }
    }

    @Test("handles are replaced once a second at most, and not before the last writer is done with")
    func pace() {
        var connection = Connection.online()
        connection.onFatalError()
        #expect(connection.replacement(at: ms(500), isRetiring: false) == .writer)
        connection.onFatalError()
        #expect(connection.deadline == ms(1500))
        connection.onFatalError()
        #expect(connection.deadline == ms(1500))
        #expect(connection.replacement(at: ms(1499), isRetiring: false) == nil)
        #expect(connection.replacement(at: ms(1500), isRetiring: true) == nil)
        #expect(connection.deadline == ms(1600))
        #expect(connection.replacement(at: ms(1600), isRetiring: false) == .writer)
    }

    @Test("what reading fails with is told every five seconds at most")
    func readErrors() {
        var connection = Connection.online()
        let failure = KafkaFailure(.other, "why")
        var told = 0
        for second in 0..<10 {
            connection.onReadError(failure)
            #expect(connection.hasEvent)
            let events = connection.events(at: ms(Int64(second) * 1000))
            #expect(events == (second % 5 == 0 ? [.cannotRead(failure)] : []))
            told += events.count
        }
        #expect(told == 2)
    }

    @Test("each failed connection is told, but of a lost broker's one in five seconds")
    func failures() {
        var connection = Connection.online()
        #expect(connection.tellsFailure(at: ms(0)) && connection.tellsFailure(at: ms(1)))
        _ = connection.onAllBrokersDown()
        let told = (0..<10).map { connection.tellsFailure(at: ms(Int64($0) * 1000)) }
        #expect(told.indices.filter { told[$0] } == [0, 5])
    }
}
