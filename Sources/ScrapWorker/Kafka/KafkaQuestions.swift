import Shell
import Union

/// The questions for topics' bounds that are not answered yet. Each is two requests, for the
/// first and the last offset; when either fails, both are asked again.
struct KafkaQuestions {
    private struct Question {
        var isOpen = false
        /// Tells answers to this question from answers to an older one.
        var serial: UInt32 = 0
        var askedAt = Instant.zero
        /// When it is to be sent.
        var due = Instant.never
        var low: Offset?
        var high: Offset?
    }

    private static let retryMs: Int32 = 250

    private var questions = InlineArray<5, Question>(repeating: Question())
    /// Tells these questions' answers from others', 0 or 1.
    private let kind: UInt

    init(kind: UInt) { self.kind = kind }

    static func kind(_ opaque: UInt) -> UInt { opaque >> 4 & 1 }

    /// Opens a question, in place of an open one about the same topic.
    mutating func ask(_ topic: Topic) {
        questions[Int(topic.rawValue)].isOpen = true
        questions[Int(topic.rawValue)].due = Instant(us: .min)
    }

    /// Sends the open ones anew: their answers will not come.
    mutating func sendAgain() {
        for i in 0..<Topic.count where questions[i].isOpen { questions[i].due = Instant(us: .min) }
    }

    var deadline: Instant {
        var first = Instant.never
        for i in 0..<Topic.count { first = min(first, questions[i].due) }
        return first
    }

    /// Sends what is due.
    mutating func tick(at now: Instant, _ reader: borrowing KafkaReader) {
        for i in 0..<Topic.count where questions[i].due <= now {
            questions[i].serial &+= 1
            questions[i].askedAt = now
            questions[i].due = .never
            questions[i].low = nil
            questions[i].high = nil
            for end in 0...1 {
                let opaque =
                    UInt(questions[i].serial) << 8 | kind << 4 | UInt(i) << 1 | UInt(end)
                reader.listOffset(
                    of: Topic(rawValue: UInt8(i))!, end: end == 1, opaque: opaque)
            }
        }
    }

    /// Takes the answer to one of the two requests, nil when it failed.
    mutating func answer(_ opaque: UInt, _ offset: Offset?, at now: Instant) -> KafkaLog.Event? {
        let i = Int(opaque >> 1 & 7)
        guard questions[i].isOpen && questions[i].serial == UInt32(truncatingIfNeeded: opaque >> 8)
        else { return nil }
        guard let offset else {
            questions[i].serial &+= 1
            questions[i].due = now + Self.retryMs
            return nil
        }
        if opaque & 1 == 0 { questions[i].low = offset } else { questions[i].high = offset }
        guard let low = questions[i].low, let high = questions[i].high else { return nil }
        questions[i].isOpen = false
        // The broker may have dropped old records between the two answers.
        return .bounds(
            Topic(rawValue: UInt8(i))!, low: low, high: max(low, high),
            askedAt: questions[i].askedAt)
    }
}
