import Testing
import Union

@testable import Wire

/// What is accepted beyond the records that we write ourselves.
struct ReadingTests {
    let station = Station()

    private func request(_ json: String) throws -> (WorkRequest, [UInt8]) {
        let decoded = try station.decode(json, from: .requests)
        guard case .request(let request) = decoded.record else { fatalError() }
        return (request, decoded.payload)
    }

    @Test("a request needs nothing but its op")
    func defaults() throws {
        let (request, payload) = try request(#"{"op_code":"noop"}"#)
        #expect(request.requestID.isEmpty)
        #expect(string(request.opCode) == "noop")
        #expect(request.timeoutMs == nil)
        #expect(request.maxAttempts == WorkRequest.defaultMaxAttempts)
        #expect(payload == [0, 0, 0, 0, 0, 0])
    }

    @Test("null stands for the default of every optional field")
    func nulls() throws {
        let (request, payload) = try request(
            """
            {"request_id":null,"op_code":"noop","code":null,"parameters":null,\
            "requester_id":null,"signature":null,"timeout_ms":null,"max_attempts":null}
            """)
        #expect(request.requestID.isEmpty)
        #expect(request.timeoutMs == nil)
        #expect(request.maxAttempts == 5)
        #expect(payload == [0, 0, 0, 0, 0, 0])
    }

    @Test("the original's request producer is understood")
    func original() throws {
        let (request, payload) = try request(
            """
            {"request_id": "6f1d", "op_code": "blink", "code": null, \
            "parameters": {"ms": "500"}, "requester_id": null, "signature": null}
            """)
        #expect(string(request.requestID) == "6f1d")
        #expect(string(request.opCode) == "blink")
        let fields = RequestPayload(payload.span)
        #expect(fields.parameterCount == 1)
        #expect(array(fields.parameter(0).name) == Array("ms".utf8))
        #expect(array(fields.parameter(0).value) == Array("500".utf8))
    }

    @Test("a parameter that is a number, true or false counts as its own text")
    func scalars() throws {
        let (_, payload) = try request(
            #"{"op_code":"x","parameters":{"a":-1.50e+3,"b":true,"c":false,"d":""}}"#)
        let fields = RequestPayload(payload.span)
        var values: [String] = []
        for i in 0..<fields.parameterCount {
            values.append(string(array(fields.parameter(i).value))!)
        }
        #expect(values == ["-1.50e+3", "true", "false", ""])
    }

    @Test("an empty code is not the same as none")
    func emptyCode() throws {
        let (_, payload) = try request(#"{"op_code":"x","code":""}"#)
        #expect(optional(RequestPayload(payload.span).code) == [])
    }

    @Test("unknown fields are passed over, whatever they hold", arguments: GoldenTests.all)
    func unknownFields(topic: Topic, json: String) throws {
        var fields = Fields(of: json)
        let known = try station.decode(json, from: topic)
        for value in ["1", "null", "\"}\"", "[]", "{}", "[[1,{\"a\":[]}],{\"term\":{\"term\":9}}]"]
        {
            fields.list.insert(("unknown\(fields.list.count)", value), at: fields.list.count / 2)
        }
        // A name of another kind of record is unknown here.
        let other = topic == .heartbeat ? "votes_received" : "completed_count"
        fields.list.insert((other, "{}"), at: 0)
        fields.list.insert(("", "0"), at: 1)
        fields.list.insert(("", "0"), at: 2)
        let decoded = try station.decode(fields.json, from: topic)
        #expect(facts(decoded) == facts(known))
    }

    @Test("the order of fields and the space between them mean nothing", arguments: GoldenTests.all)
    func order(topic: Topic, json: String) throws {
        var fields = Fields(of: json)
        fields.list.reverse()
        let spaced = fields.list.map { "\n\t\"\($0.name)\" :\r \($0.value) " }
        let text = " \n{" + spaced.joined(separator: ",") + "}\n "
        let decoded = try station.decode(text, from: topic)
        let known = try station.decode(json, from: topic)
        #expect(facts(decoded) == facts(known))
    }

    @Test("a name may be escaped")
    func escapedName() throws {
        let (request, _) = try request(#"{"\u006fp_\u0063ode":"noop"}"#)
        #expect(string(request.opCode) == "noop")
        let twice = #"{"op_code":"noop","op\u005fcode":"echo"}"#
        #expect(station.complaint(twice, from: .requests) == "op_code: given twice")
        let long = "\\u0061" + String(repeating: "a", count: 100)
        #expect(station.complaint("{\"op_code\":\"x\",\"\(long)\":1}", from: .requests) == nil)
    }

    @Test(
        "escapes are read as what they stand for",
        arguments: [
            (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#"\u0041\u00e4\u20AC\u0000"#, "Aä€\u{0}"),
            (#"\ud83d\ude00 \uD800\uDC00 \udbff\udfff"#, "😀 \u{10000} \u{10FFFF}"),
            ("ä€😀\u{7F}\u{2028}", "ä€😀\u{7F}\u{2028}"),
        ])
    func escapes(json: String, text: String) throws {
        let (_, payload) = try request("{\"op_code\":\"x\",\"code\":\"\(json)\"}")
        #expect(optional(RequestPayload(payload.span).code) == Array(text.utf8))
    }

    @Test(
        "an integer may be written in any way that JSON has",
        arguments: [
            ("0", 0), ("-0", 0), ("7", 7), ("500.0", 500), ("5e2", 500), ("5E+2", 500),
            ("0.5e1", 5), ("1.50e2", 150), ("5000e-1", 500), ("0e999999999", 0), ("0.000", 0),
            ("100000000000000000000e-20", 1), ("9007199254740991", 1 << 53 - 1),
            ("0.00000000000000000000000000000012e32", 12),
        ])
    func integers(json: String, value: Int64) throws {
        let text = Fields(of: GoldenTests.heartbeat).with("term", json).json
        let decoded = try station.decode(text, from: .heartbeat)
        guard case .heartbeat(let heartbeat) = decoded.record else { fatalError() }
        #expect(heartbeat.term == value)
    }

    @Test(
        "numbers that are no integers in range are refused",
        arguments: [
            "-1", "0.5", "1e-1", "15e-1", "1e400", "9007199254740992", "9223372036854775807",
            "9223372036854775808", "18446744073709551616", "99999999999999999999999999999999",
            "1e99999999999999999999", "1e-99999999999999999999", "\"7\"", "true", "[7]", "null",
            String(repeating: "9", count: 20000), "0." + String(repeating: "0", count: 20000) + "1",
        ])
    func noIntegers(json: String) {
        let text = Fields(of: GoldenTests.heartbeat).with("term", json).json
        #expect(
            station.complaint(text, from: .heartbeat)
                == "term: must be an integer from 0 to 9007199254740991")
    }

    @Test("an exit code may be any 32-bit number", arguments: [Int32.min, -1, 0, 255, .max])
    func exitCodes(code: Int32) throws {
        let text = Fields(of: GoldenTests.result).with("exit_code", "\(code)").json
        guard case .result(let result) = try station.decode(text, from: .results).record else {
            fatalError()
        }
        #expect(result.exitCode == code)
    }
}
