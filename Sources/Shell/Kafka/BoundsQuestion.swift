import Union

/// The question which offsets a topic holds, until the broker has answered it. It is two requests,
/// for the first offset and for the end; when either fails, both are sent again.
///
/// A question that is asked again is a new one: an answer that was under way to the old one tells
/// how things were before.
package struct BoundsQuestion {
    /// Between a failure and the next attempt.
    package static let retryMs: Int32 = 250

    package enum Bound: UInt8, Cases { case low, high }

    /// What the broker said.
    package struct Answer: Equatable {
        /// The topic holds `low ..< high`.
        package var low: Offset
        package var high: Offset
        /// When the requests left.
        package var askedAt: Instant
    }

    private enum State {
        case none
        case due(Instant)
        case sent(Instant, low: Offset?, high: Offset?)
    }

    private var state = State.none
    /// Tells answers to what was sent last from answers to anything older.
    private var serial: UInt32 = 0

    package init() {}

    /// When it is to be sent.
    package var deadline: Instant { if case .due(let when) = state { when } else { .never } }

    /// Opens the question, or opens it anew.
    package mutating func ask() { state = .due(Instant(us: .min)) }

    /// Sends an open one again: whoever was asked answers no more.
    package mutating func askAgain() { if case .sent = state { ask() } }

    /// Sends it when it is due: the serial number that both requests carry.
    package mutating func send(at now: Instant) -> UInt32? {
        guard deadline <= now else { return nil }
        serial &+= 1
        state = .sent(now, low: nil, high: nil)
        return serial
    }

    /// Takes the answer to one of the two requests, nil when it failed. An answer when this was
    /// the last one missing.
    package mutating func answer(
        _ bound: Bound, _ offset: Offset?, serial: UInt32, at now: Instant
    ) -> Answer? {
        guard serial == self.serial, case .sent(let askedAt, var low, var high) = state else {
            return nil
        }
        guard let offset else {
            state = .due(now + Self.retryMs)
            return nil
        }
        switch bound {
        case .low: low = offset
        case .high: high = offset
        }
        guard let low, let high else {
            state = .sent(askedAt, low: low, high: high)
            return nil
        }
        state = .none
        // The broker may have dropped old records between the two answers.
        return Answer(low: low, high: max(low, high), askedAt: askedAt)
    }
}

/// One of a question's two requests, as it travels with the request and comes back with the
/// answer: librdkafka's `opaque`.
package struct BoundRequest: Equatable {
    package var topic: Topic
    package var bound: BoundsQuestion.Bound
    package var serial: UInt32

    package init(_ topic: Topic, _ bound: BoundsQuestion.Bound, serial: UInt32) {
        self.topic = topic
        self.bound = bound
        self.serial = serial
    }

    /// Takes what `number` made.
    package init(number: UInt) {
        topic = Topic(rawValue: UInt8(number >> 1 & 7))!
        bound = number & 1 == 0 ? .low : .high
        serial = UInt32(truncatingIfNeeded: number >> 4)
    }

    package var number: UInt {
        UInt(serial) << 4 | UInt(topic.rawValue) << 1 | UInt(bound.rawValue)
    }
}
