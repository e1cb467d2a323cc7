import CLinux
import Foundation
import Testing
import Wire

@testable import Shell
@testable import Union

/// Counters that all differ.
private var someCounters: Counters {
    var counters = Counters()
    for count in Count.all {
        for _ in 0...Int(count.rawValue) { counters.add(count) }
    }
    return counters
}

private func freshID() -> WorkerID { WorkerID(high: randomNumber(), low: randomNumber()) }

@Suite("Counters")
struct CounterTests {
    @Test("each is called as in the code, with underscores")
    func names() {
        for count in Count.all {
            let snake = "\(count)".reduce(into: "") { text, letter in
                text += letter.isUppercase ? "_" + letter.lowercased() : String(letter)
            }
            #expect(string(count.word) == snake)
        }
    }

    @Test("the text has every one with its value, once")
    func text() {
        let pairs = string(someCounters.text).split(whereSeparator: \.isWhitespace).map(String.init)
        var expected: [String] = []
        for count in Count.all { expected.append("\(string(count.word))=\(count.rawValue + 1)") }
        #expect(pairs == expected && pairs.count > 40)
    }

    @Test("the text of the highest counts fits")
    func room() {
        var longest = 0
        for count in Count.all {
            longest += string(count.word).count + "=-9223372036854775808 ".count
        }
        #expect(longest < CounterText.capacity)
    }

    @Test("who asks a node on the same machine gets all of them, as JSON")
    func asked() throws {
        let id = freshID()
        let teller = CounterTeller(id)
        var asker = CounterAsker(id)
        #expect(teller.fd >= 0)
        #expect(asker.hasNews(at: Instant(us: 0)) == false)
        teller.tell(someCounters)
        #expect(asker.hasNews(at: Instant(us: 1)) == true)
        var text = FixedText<4096>("{\"first\":0")
        asker.putJSON(to: &text)
        text.put("}")
        let object = try JSONSerialization.jsonObject(with: Data(string(text).utf8))
        let values = try #require(object as? [String: Int])
        for count in Count.all {
            #expect(values[string(count.word)] == Int(count.rawValue) + 1, "\(count)")
        }
    }

    @Test("the node is asked every five seconds, and the same counters are no news")
    func repeated() {
        let id = freshID()
        let teller = CounterTeller(id)
        var asker = CounterAsker(id)
        func ask(_ ms: Int64, _ counters: Counters) -> Bool {
            let before = asker.hasNews(at: Instant(us: ms * 1000))
            teller.tell(counters)
            return asker.hasNews(at: Instant(us: ms * 1000)) || before
        }
        #expect(ask(0, Counters()))
        #expect(!ask(4999, someCounters))
        #expect(ask(5000, someCounters))
        #expect(!ask(10_000, someCounters))
        #expect(ask(15_000, Counters()))
    }

    @Test("where there is no node, there is no news, and nobody waits")
    func nobody() {
        var asker = CounterAsker(freshID())
        #expect(asker.hasNews(at: Instant(us: 0)) == false)
        #expect(asker.hasNews(at: Instant(us: 10_000_000)) == false)
    }

    @Test("several may ask at once, and one that went away harms nobody")
    func several() {
        let id = freshID()
        let teller = CounterTeller(id)
        var first = CounterAsker(id)
        var second = CounterAsker(id)
        do {
            var gone = CounterAsker(id)
            #expect(gone.hasNews(at: Instant(us: 0)) == false)
        }
        #expect(first.hasNews(at: Instant(us: 0)) == false)
        #expect(second.hasNews(at: Instant(us: 0)) == false)
        teller.tell(someCounters)
        #expect(first.hasNews(at: Instant(us: 1)) == true)
        #expect(second.hasNews(at: Instant(us: 1)) == true)
    }

    @Test("a second process with the same id tells nothing")
    func taken() {
        let id = freshID()
        let first = CounterTeller(id)
        let second = CounterTeller(id)
        #expect(first.fd >= 0 && second.fd == -1)
        second.tell(someCounters)
    }

    @Test("what somebody else tells in the node's place becomes no JSON but numbers with names")
    func impostor() throws {
        let id = freshID()
        let listener = try Descriptor(
            fixed("scrap-worker/\(string(id.uuid))", as: FixedText<64>.self).withCString {
                scrap_listen($0)
            })
        var asker = CounterAsker(id)
        #expect(asker.hasNews(at: Instant(us: 0)) == false)
        do {
            let connection = try Descriptor(scrap_accept(listener.fd))
            let text = "a=1 b\"=2 =3 c=x d= Up=4 e_f=-5 g=6\",\"h\":7\ni=8 cut=9"
            _ = try text.lend { try connection.write($0) }
        } catch {
            Issue.record("nobody connected")
        }
        #expect(asker.hasNews(at: Instant(us: 1)) == true)
        var json = FixedText<256>()
        asker.putJSON(to: &json)
        #expect(string(json) == ",\"a\":1,\"e_f\":-5,\"i\":8")
    }
}
