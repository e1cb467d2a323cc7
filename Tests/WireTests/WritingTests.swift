import Testing
import Union

@testable import Wire

struct WritingTests {
    let station = Station()

    private func output(_ bytes: [UInt8], truncated: Bool = false) throws -> (String, Bool) {
        let decoded = try station.decode(GoldenTests.result, from: .results)
        guard case .result(var result) = decoded.record else { fatalError() }
        result.truncated = truncated
        let written = try #require(
            station.encode(Decoded(record: .result(result), payload: bytes)))
        let read = try station.decode(written, from: .results)
        guard case .result(let again) = read.record else { fatalError() }
        #expect(read.payload.count <= Limits.outputBytes)
        return (string(read.payload)!, again.truncated)
    }

    @Test("output that is UTF-8 stays as it is")
    func utf8() throws {
        let text = "a\u{0}\u{1}\n\"\\/ä€😀\u{7F}\u{FFFD}"
        #expect(try output(Array(text.utf8)) == (text, false))
        #expect(try output(Array(text.utf8), truncated: true) == (text, true))
    }

    @Test("bytes that are not UTF-8 become U+FFFD, each by itself")
    func replacement() throws {
        #expect(try output([0x61, 0xFF, 0x62]) == ("a\u{FFFD}b", false))
        #expect(try output([0xE2, 0x82]) == ("\u{FFFD}\u{FFFD}", false))
        #expect(try output([0xED, 0xA0, 0x80]) == ("\u{FFFD}\u{FFFD}\u{FFFD}", false))
        #expect(try output([0xC3, 0xA4, 0xA4]) == ("ä\u{FFFD}", false))
    }

    @Test("output that U+FFFD makes too long is cut between characters, and flagged")
    func cut() throws {
        let (text, truncated) = try output([UInt8](repeating: 0xFF, count: Limits.outputBytes))
        #expect(text.unicodeScalars.count == Limits.outputBytes / 3)
        #expect(text.unicodeScalars.allSatisfy { $0 == "\u{FFFD}" })
        #expect(truncated)
        let plain = [UInt8](repeating: 0x61, count: Limits.outputBytes - 2)
        #expect(try output(plain + [0xFF, 0x62]) == (string(plain)!, true))
        #expect(try output(plain + [0xC3, 0xA4]) == (string(plain)! + "ä", false))
    }

    @Test(
        "what a node says itself instead of output stands there in words",
        arguments: [
            (WorkResult.Reason.workerLost, "its worker was lost"),
            (.attemptsFailed(1), "1 attempt failed or was lost"),
            (.attemptsFailed(3), "3 attempts failed or were lost"),
            (.recordGone, "the broker has this request's record no more"),
            (.attemptsInVain(100), "100 attempts were not started, or given back"),
            (.neverStarted, "it was not started"),
            (.benchFull, "its worker had no place for it"),
        ])
    func reasons(reason: WorkResult.Reason, words: String) throws {
        let decoded = try station.decode(GoldenTests.result, from: .results)
        guard case .result(var result) = decoded.record else { fatalError() }
        result.reason = reason
        let written = try #require(station.encode(Decoded(record: .result(result), payload: [])))
        #expect(string(try station.decode(written, from: .results).payload) == words)
    }

    @Test("strings are escaped as little as JSON allows")
    func escapes() throws {
        let text: [UInt8] = Array(0...0x7F)
        let work = WorkRequest(
            requestID: RequestID(), opCode: fixed("x"), timeoutMs: nil, maxAttempts: 3)
        let bytes = try #require(
            station.encode(
                Decoded(record: .request(work), payload: try requestPayload(code: text))))
        let code = Fields(of: string(bytes)!).list.first { $0.name == "code" }!.value
        #expect(
            code == #"""
                "\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\#
                \u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\#
                \u001d\u001e\u001f !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]\#
                ^_`abcdefghijklmnopqrstuvwxyz{|}~\#u{7F}"
                """#)
    }

    @Test("every number is written as it is", arguments: [Int64.min, -1, 0, 9, 10, .max])
    func numbers(number: Int64) throws {
        var buffer = RecordBuffer()
        buffer.write(decimal: number)
        #expect(string(contents(of: buffer)) == "\(number)")
    }

    @Test("an id that a request does not have is null in its result")
    func noID() throws {
        let json = Fields(of: GoldenTests.result).with("request_id", "null").json
        let read = try station.decode(json, from: .results)
        #expect(string(station.encode(read)) == json)
    }

    @Test("a running request without an id is told from none")
    func emptyCurrent() throws {
        for value in ["null", "\"\""] {
            let json = Fields(of: GoldenTests.heartbeat).with("current_work_request_id", value).json
            let read = try station.decode(json, from: .heartbeat)
            #expect(string(station.encode(read)) == json)
        }
    }

    @Test("no two fields have the same name, and every name finds its field")
    func names() {
        let table = FieldTable()
        for raw in 0..<UInt8(Field.all) {
            let field = Field(rawValue: raw)!
            #expect(table.field(field.name.bytes) == field)
        }
        #expect(Field(rawValue: UInt8(Field.all)) == nil)
        for name in ["", "x", "TERM", "terms", "term "] {
            #expect(table.field(Array(name.utf8).span) == nil)
        }
    }
}
