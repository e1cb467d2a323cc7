import Testing
import Union

@testable import Shell

@Suite("A slow broker is told, and is no lost one")
struct AnswerTimeTests {
    private static func ms(_ ms: Int64) -> Instant { Instant(us: 1_000_000_000 + ms * 1000) }

    /// Answers that take so long, one after another; what was told.
    private func told(_ times: [Int64], _ answers: inout AnswerTime, from start: Int64 = 0)
        -> [Int64]
    {
        var told: [Int64] = []
        var now = start
        for (i, time) in times.enumerated() {
            let tag = UInt(i + 1)
            answers.onWrite(tag: tag, at: Self.ms(now))
            now += time
            if let ms = answers.onReport(tag: tag, at: Self.ms(now)) { told.append(ms) }
        }
        return told
    }

    @Test("three slow answers in a row are told, by the shortest of them, and then no more")
    func once() {
        var answers = AnswerTime(bearableMs: 300)
        #expect(told([2000, 301, 700, 800, 900], &answers) == [301])
        #expect(told([700, 700, 700], &answers, from: 10_000) == [])
        #expect(told([700, 700, 700], &answers, from: 3_700_000) == [700])
    }

    @Test("accidents among quick answers are not")
    func accidents() {
        var answers = AnswerTime(bearableMs: 300)
        #expect(told([2000, 2000, 300, 2000, 2000, 0, 2000], &answers) == [])
    }

    @Test("one record is watched at a time; those that ask for no report are not")
    func watched() {
        var answers = AnswerTime(bearableMs: 300)
        answers.onWrite(tag: 0, at: Self.ms(0))
        #expect(answers.onReport(tag: 0, at: Self.ms(9000)) == nil)
        for tag in UInt(1)...9 { answers.onWrite(tag: tag, at: Self.ms(0)) }
        // All nine come at once: that is one slow answer.
        for tag in UInt(1)...9 { #expect(answers.onReport(tag: tag, at: Self.ms(900)) == nil) }
    }

    @Test("the report of another record says nothing of the one that is watched")
    func others() {
        var answers = AnswerTime(bearableMs: 300)
        for tag in UInt(1)...3 {
            answers.onWrite(tag: tag, at: Self.ms(0))
            #expect(answers.onReport(tag: 99, at: Self.ms(900)) == nil)
            #expect(answers.onReport(tag: tag, at: Self.ms(100)) == nil)
        }
    }

    @Test("a broker that is lost is not slow")
    func lost() {
        var answers = AnswerTime(bearableMs: 300)
        #expect(told([900, 900], &answers) == [])
        answers.onWrite(tag: 9, at: Self.ms(5000))
        answers.onLost()
        #expect(answers.onReport(tag: 9, at: Self.ms(9000)) == nil)
        #expect(told([900, 900], &answers, from: 10_000) == [])
    }

    @Test("nor in a session: what was on its way when the broker was lost counts for nothing")
    func lostInSession() {
        var talk = Talk.online
        for tag in UInt(1)...3 {
            talk.session.onWrite(tag: tag, at: talk.now)
            talk.now = talk.now + 400
            if tag == 3 { talk.lose() }
            _ = talk.session.onReport(
                Delivery(tag: tag, .undelivered), isFatal: false, at: talk.now)
            #expect(talk.events() == [])
        }
    }

    @Test("the session says it, with the pace's name, once")
    func session() {
        var talk = Talk.online
        for tag in UInt(1)...4 {
            talk.session.onWrite(tag: tag, at: talk.now)
            talk.now = talk.now + 400
            let event = talk.session.onReport(
                Delivery(tag: tag, .delivered(1)), isFatal: false, at: talk.now)
            #expect(event == .delivered(tag: tag, 1))
            let line = talk.session.nextEvent(at: talk.now)
            #expect(line == (tag == 3 ? .line(level: 4) : nil))
            if line != nil {
                let words = string(talk.session.text)
                #expect(words == "the broker answers in 400 ms, too slow for pace normal")
            }
        }
        #expect(talk.session.isOnline)
    }

    @Test("the quickest pace that bears an answer's time is named")
    func paces() {
        #expect(Settings.Pace.quickest(bearing: 0) == .fast)
        #expect(Settings.Pace.quickest(bearing: 63) == .fast)
        #expect(Settings.Pace.quickest(bearing: 64) == .normal)
        #expect(Settings.Pace.quickest(bearing: 200) == .normal)
        #expect(Settings.Pace.quickest(bearing: 201) == .cloud)
        #expect(Settings.Pace.quickest(bearing: 60_000) == nil)
    }

    @Test("a sample's median is that of all five, in whatever order they came")
    func median() {
        for times in [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [3, 900, 1, 2, 900], [3, 3, 3, 3, 3]] {
            var sample = AnswerSample()
            for time in times {
                #expect(!sample.isFull)
                sample.add(ms: Int64(time))
            }
            #expect(sample.isFull && sample.median == 3)
        }
    }
}
