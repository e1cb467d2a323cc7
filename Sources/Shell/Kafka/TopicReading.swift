import Union

/// What is known of reading one topic: where it is read, where it ends, whether the broker still
/// has it, and the question about its bounds. Knows no librdkafka and no clock: its owner says
/// what the broker answered, carries out what `act` returns until there is none, after each input,
/// and hands out what `nextEvent` returns.
package struct TopicReading {
    package enum Event: Equatable {
        /// The topic holds `low ..< high`; `askedAt` is when the answered question left.
        case bounds(low: Offset, high: Offset, askedAt: Instant)
        /// The topic has been read up to this offset, where it ends for now.
        case reachedEnd(Offset)
        /// The broker does not have the offset where we wanted to read on; reading has stopped.
        case vanished
    }

    /// What the reading handle is to do.
    package enum Action: Equatable {
        case read(from: Offset)
        case stop
        /// Both requests of the question, with this serial number.
        case listOffsets(serial: UInt32)
    }

    /// Where it is read. `leave` goes elsewhere; reading on happens in the same place.
    private enum Place {
        case closed
        /// What we want to read on is not there, and that is not handed out yet.
        case vanished
        /// From here on, as soon as the topics are there.
        case wanted(Offset)
        /// The handle reads it; the record at this offset is the next.
        case open(Offset)
    }

    private var place = Place.closed
    /// What the handle was told last.
    private var handleReads = false
    /// Nothing has come since the handle began to read there.
    private var isFresh = false
    /// An end that was read and is not handed out yet.
    private var end: Offset?
    /// An end was handed out since the topic was sought.
    private var hasSaidEnd = false
    private var question = BoundsQuestion()
    /// The owner waits for the question's answer.
    private var isAsked = false
    /// The next record's offset when the check of what was read began (`onTopicsReady`).
    private var checked: Offset?

    package init() {}

    /// When `act` has something to do, provided that the topics are there.
    package var deadline: Instant { question.deadline }

    /// Whether `nextEvent` has one.
    package var hasEvent: Bool {
        if case .vanished = place { return true }
        return end != nil
    }

    /// An end or a check from before says nothing about another place.
    private mutating func leave(for other: Place) {
        place = other
        (end, checked) = (nil, nil)
        hasSaidEnd = false
    }
}

// What the owner wants.
extension TopicReading {
    /// Reads from `offset` on, wherever it was read before.
    package mutating func seek(to offset: Offset) {
        leave(for: .wanted(offset))
    }

    /// Reads no more.
    package mutating func close() { leave(for: .closed) }

    /// Finds out which offsets the topic holds: `bounds`, as soon as a broker answers. A question
    /// that is asked again is a new question.
    package mutating func ask() {
        isAsked = true
        question.ask()
    }

    package mutating func nextEvent() -> Event? {
        if case .vanished = place {
            leave(for: .closed)
            return .vanished
        }
        guard let offset = end else { return nil }
        end = nil
        hasSaidEnd = true
        return .reachedEnd(offset)
    }

    /// The next thing that the handle must do, nil when there is none now. `now`: nil where no
    /// question is to leave.
    package mutating func act(at now: Instant?, topicsReady: Bool) -> Action? {
        if handleReads {
            guard case .open = place else {
                handleReads = false
                return .stop
            }
        }
        guard topicsReady else { return nil }
        if case .wanted(let offset) = place {
            place = .open(offset)
            (handleReads, isFresh) = (true, true)
            return .read(from: offset)
        }
        guard let now, let serial = question.send(at: now) else { return nil }
        return .listOffsets(serial: serial)
    }
}

// What the broker answers.
extension TopicReading {
    package mutating func onRecord(at offset: Offset) {
        precondition(handleReads, "TopicReading: a record, but nobody reads")
        place = .open(offset + 1)
        isFresh = false
        // An end that was not handed out yet was none.
        end = nil
    }

    /// The end comes after nearly every record of a quiet topic, and then says nothing new: it is
    /// handed out once after each `seek`, and where it does not lie right after a record.
    package mutating func onEnd(at offset: Offset) {
        isFresh = false
        guard case .open(let next) = place, !hasSaidEnd || offset != next else { return }
        end = offset
    }

    /// The broker does not have the next record, nor will it; `offset` is where that was found,
    /// below zero where it is not said. librdkafka drops what it fetched before a stop, but not such
    /// a finding (rd_kafka_offset_reset gives it no version), and may have ended fetching with it:
    /// where it is the first thing that comes and speaks of another place, ours is read once more.
    package mutating func onOutOfRange(at offset: Offset) {
        if isFresh, case .open(let next) = place, offset != next {
            return leave(for: .wanted(next))
        }
        leave(for: .vanished)
    }

    /// The topics are there, for the first time or again. Asks whether this one still reaches as
    /// far as it was read: not every broker answers a fetch beyond the end with an error, so a
    /// topic that was lost and made again would stay silent until it has grown as long as it was.
    package mutating func onTopicsReady() {
        switch place {
        case .wanted(let next), .open(let next):
            guard next > 0 else { return }
            checked = next
            question.ask()
        case .closed, .vanished: break
        }
    }

    /// A fresh handle stands in the old one's place: it reads nothing yet, and does not know the
    /// question.
    package mutating func onHandleReplaced() {
        if case .open(let next) = place { place = .wanted(next) }
        handleReads = false
        question.askAgain()
    }

    /// The answer to one of the requests that `listOffsets` sent, nil when it failed.
    package mutating func onBound(
        _ bound: BoundsQuestion.Bound, _ offset: Offset?, serial: UInt32, at now: Instant
    ) -> Event? {
        guard let answer = question.answer(bound, offset, serial: serial, at: now) else {
            return nil
        }
        if let next = checked, answer.high < next { leave(for: .vanished) }
        checked = nil
        guard isAsked else { return nil }
        isAsked = false
        return .bounds(low: answer.low, high: answer.high, askedAt: answer.askedAt)
    }
}
