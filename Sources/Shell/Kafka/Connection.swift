import Union

/// Whether a broker can be reached, and when librdkafka's handles are of no use any more. Knows no
/// librdkafka and no clock: its owner says what happened, replaces what `replacement` names, and
/// hands out what `nextEvent` returns.
package struct Connection {
    package enum Event: Equatable {
        case brokerFound
        /// The fresh writer stands in the place of one that had met a fatal error.
        case newWriter
        case cannotRead(KafkaFailure)
    }

    package enum Replacement: Equatable { case writer, bothHandles }

    package enum State { case unknown, online, lost }

    /// Between two replacements: what a broken broker does to fresh handles it does at once.
    package static let replaceMs: Int32 = 1000
    /// Until it is looked again whether the writer replaced last is done with.
    package static let retiringMs: Int32 = 100
    /// Between two lines of the log that say the same.
    package static let repeatMs: Int32 = 5000

    package private(set) var state = State.unknown
    /// A broker was found, and that is not handed out yet.
    private var isFound = false
    /// The writer met a fatal error, and that is not handed out yet.
    private var isWriterLost = false
    /// When what is to be replaced, and from when on that may be.
    private var due: (at: Instant, what: Replacement)?
    private var mayReplaceAt = Instant.zero
    /// What reading failed with, when that is not handed out yet.
    private var readError: KafkaFailure?
    private var readErrors = RateLimit(everyMs: repeatMs)
    private var failures = RateLimit(everyMs: repeatMs)

    package init() {}

    /// When `replacement` has something.
    package var deadline: Instant { due?.at ?? .never }

    /// Whether `nextEvent` may have one.
    package var hasEvent: Bool { isFound || saysNewWriter || readError != nil }

    private var saysNewWriter: Bool { isWriterLost && due == nil }

    package mutating func nextEvent(at now: Instant) -> Event? {
        if isFound {
            isFound = false
            return .brokerFound
        }
        if saysNewWriter {
            isWriterLost = false
            return .newWriter
        }
        guard let failure = readError.take(), readErrors.allows(at: now) else { return nil }
        return .cannotRead(failure)
    }

    /// Whether librdkafka's line about a failed connection is to be passed on: a broker that is
    /// out of reach fails twice a second.
    package mutating func tellsFailure(at now: Instant) -> Bool {
        state != .lost || failures.allows(at: now)
    }

    /// What is to be replaced now. `isRetiring`: the writer replaced last still has reports.
    package mutating func replacement(at now: Instant, isRetiring: Bool) -> Replacement? {
        guard let (at, what) = due, at <= now else { return nil }
        guard !isRetiring else {
            due = (now + Self.retiringMs, what)
            return nil
        }
        due = nil
        mayReplaceAt = now + Self.replaceMs
        return what
    }
}

// What happens.
extension Connection {
    /// A round trip succeeded.
    package mutating func onAnswer() {
        if state != .online { isFound = true }
        state = .online
    }

    /// No broker can be reached. False when that is known already.
    package mutating func onAllBrokersDown() -> Bool {
        guard state != .lost else { return false }
        if state == .online { replace(.bothHandles) }
        state = .lost
        isFound = false
        return true
    }

    /// Topics that were there are gone.
    package mutating func onTopicsLost() { replace(.bothHandles) }

    /// The writer takes no record any more.
    package mutating func onFatalError() {
        replace(.writer)
        isWriterLost = true
    }

    package mutating func onReadError(_ failure: KafkaFailure) { readError = failure }

    /// What librdkafka has in mind of a cluster that was away or has lost topics is of no use, and
    /// dangerous: release 2.8 can crash when a topic of the same name comes back with another id
    /// (its issue 4964). Fresh handles have nothing in mind.
    private mutating func replace(_ what: Replacement) {
        let isBoth = what == .bothHandles || due?.what == .bothHandles
        due = (due?.at ?? mayReplaceAt, isBoth ? .bothHandles : .writer)
    }
}
