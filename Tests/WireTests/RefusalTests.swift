import Testing
import Union

@testable import Wire

/// What is refused, and in which words.
struct RefusalTests {
    let station = Station()

    // MARK: Fields

    /// What a field must be, for every kind of record: the words of its complaint, and whether it
    /// may be absent or null.
    private static let rules: [(topic: Topic, name: String, complaint: String, optional: Bool)] = [
        (.election, "worker_id", "must be a string", false),
        (.election, "ranking", "must be an integer from 0 to 1000000000", false),
        (.election, "votes_received", "must be a list", false),
        (.election, "acceptance_countdown", "must be an integer from 0 to 1000000000", true),
        (.election, "withdrawn_and_nominating_worker_id", "must be a string", true),
        (.election, "term", "must be an integer from 0 to 9007199254740991", false),
        (.election, "incarnation", "must be a string", false),
        (.heartbeat, "worker_id", "must be a string", false),
        (.heartbeat, "incarnation", "must be a string", false),
        (.heartbeat, "count", "must be an integer from 0 to 9007199254740991", false),
        (.heartbeat, "leader_id", "must be a string", true),
        (.heartbeat, "term", "must be an integer from 0 to 9007199254740991", false),
        (.heartbeat, "leader_offset", "must be an integer from 0 to 9007199254740991", false),
        (.heartbeat, "started_offset", "must be an integer from 0 to 9007199254740991", true),
        (.heartbeat, "running_timeouts_ms", "must be a list", true),
        (.heartbeat, "role", "must be a string", false),
        (.heartbeat, "ranking", "must be an integer from 0 to 1000000000", false),
        (.heartbeat, "slots", "must be an integer from 1 to 8", false),
        (.heartbeat, "worker_lease_ms", "must be an integer from 1 to 3600000", true),
        (.heartbeat, "kill_grace_ms", "must be an integer from 0 to 3600000", true),
        (.heartbeat, "stuck_op_code", "must be a string", true),
        (.heartbeat, "cannot_report", "must be true or false", true),
        (.heartbeat, "leaving", "must be true or false", true),
        (.heartbeat, "left_out", "must be true or false", true),
        (.heartbeat, "accepts_keys", "must be a string", true),
        (.heartbeat, "protocol", "must be an integer from 1 to 1000000000", true),
        (.heartbeat, "reads", "must be an integer from 1 to 1000000000", true),
        (.election, "protocol", "must be an integer from 1 to 1000000000", true),
        (.election, "reads", "must be an integer from 1 to 1000000000", true),
        (.leader, "protocol", "must be an integer from 1 to 1000000000", true),
        (.leader, "reads", "must be an integer from 1 to 1000000000", true),
        (.heartbeat, "current_work_request_id", "must be a string", true),
        (.heartbeat, "running", "must be a list", false),
        (.heartbeat, "completed_work_request_ids", "must be a list", false),
        (.heartbeat, "completed_count", "must be an integer from 0 to 9007199254740991", false),
        (.requests, "request_id", "must be a string", true),
        (.requests, "op_code", "must be a string", false),
        (.requests, "code", "must be a string", true),
        (.requests, "parameters", "must be an object", true),
        (.requests, "requester_id", "must be a string", true),
        (.requests, "signature", "must be a string", true),
        (.requests, "timeout_ms", "must be an integer from 1 to 86400000", true),
        (.requests, "max_attempts", "must be an integer from 1 to 100", true),
        (.results, "request_id", "must be a string", true),
        (.results, "request_offset", "must be an integer from 0 to 9007199254740991", false),
        (.results, "worker_id", "must be a string", false),
        (.results, "term", "must be an integer from 0 to 9007199254740991", false),
        (.results, "attempt", "must be an integer from 0 to 1000000000", false),
        (.results, "status", "must be a string", false),
        (.results, "exit_code", "must be an integer from -2147483648 to 2147483647", true),
        (.results, "output", "must be a string", false),
        (.results, "truncated", "must be true or false", false),
        (.results, "duration_ms", "must be an integer from 0 to 9007199254740991", false),
        (.results, "counts", "must be true or false", true),
        (.results, "final", "must be true or false", false),
        (.results, "duplicate_of", "must be an integer from 0 to 9007199254740991", true),
        (.leader, "worker_id", "must be a string", false),
        (.leader, "op_code", "must be a string", false),
        (.leader, "term", "must be an integer from 0 to 9007199254740991", false),
        (.leader, "incarnation", "must be a string", false),
        (.leader, "sent_us", "must be an integer from 0 to 9007199254740991", false),
        (.leader, "lease_ms", "must be an integer from 0 to 3600000", false),
        (.leader, "heartbeat_offset", "must be an integer from 0 to 9007199254740991", false),
        (.leader, "checkpoint_offset", "must be an integer from -1 to 9007199254740991", false),
        (.leader, "union_members", "must be a list", false),
        (.leader, "member_id", "must be a string", false),
        (.leader, "member_incarnation", "must be a string", false),
        (.leader, "work_request", "must be an object", false),
        (.leader, "request_offset", "must be an integer from 0 to 9007199254740991", false),
        (.leader, "attempt", "must be an integer from 1 to 1000000000", false),
        (.leader, "unless_started", "must be true or false", true),
        (.leader, "calls_back", "must be true or false", true),
        (.leader, "accepts_keys", "must be a string", true),
        (.leader, "failures", "must be an integer from 0 to 1000000000", false),
        (.leader, "requests_next", "must be an integer from 0 to 9007199254740991", false),
        (.leader, "results_next", "must be an integer from 0 to 9007199254740991", false),
        (.leader, "results_read", "must be an integer from 0 to 9007199254740991", true),
        (.leader, "first_offset", "must be an integer from 0 to 9007199254740991", true),
        (.leader, "first_request", "must be a string", true),
        (.leader, "last_request", "must be a string", true),
        (.leader, "last_result", "must be a string", true),
        (.leader, "unfinished", "must be a list", false),
        (.leader, "member_timeout_ms", "must be an integer from 1 to 3600000", true),
    ]

    private static func rule(_ topic: Topic, _ name: String) throws -> (String, Bool) {
        let rule = try #require(rules.first { $0.topic == topic && $0.name == name }, "\(name)")
        return (rule.complaint, rule.optional)
    }

    @Test("every field is refused when it has the wrong type", arguments: GoldenTests.all)
    func wrongTypes(topic: Topic, json: String) throws {
        let fields = Fields(of: json)
        for (name, value) in fields.list where name != "metadata" {
            let (complaint, optional) = try Self.rule(topic, name)
            for wrong in ["null", "true", "-7000000000", "0.5", "\"\\n\"", "[]", "{}"] {
                let sameType = wrong.first == value.first || value == "false" && wrong == "true"
                if wrong == "null" && optional || sameType { continue }
                let isString = wrong.first == "\"" && complaint == "must be a string"
                if isString { continue }
                let text = fields.with(name, wrong).json
                #expect(station.complaint(text, from: topic) == "\(name): \(complaint)", "\(text)")
            }
        }
    }

    @Test("every field is missed, unless it has a default", arguments: GoldenTests.all)
    func missing(topic: Topic, json: String) throws {
        let fields = Fields(of: json)
        for (name, _) in fields.list where name != "metadata" {
            let (_, optional) = try Self.rule(topic, name)
            let complaint = station.complaint(fields.without(name).json, from: topic)
            #expect(complaint == (optional ? nil : "\(name): missing"))
        }
    }

    @Test("no known field may be given twice", arguments: GoldenTests.all)
    func twice(topic: Topic, json: String) {
        let fields = Fields(of: json)
        for (name, value) in fields.list {
            var doubled = fields
            doubled.list.append((name, value))
            #expect(station.complaint(doubled.json, from: topic) == "\(name): given twice")
        }
    }

    @Test("the original's records without a term are refused")
    func original() {
        let heartbeat = Fields(of: GoldenTests.heartbeat).without("term").json
        #expect(station.complaint(heartbeat, from: .heartbeat) == "term: missing")
        let candidacy = Fields(of: GoldenTests.candidacy).without("term").json
        #expect(station.complaint(candidacy, from: .election) == "term: missing")
    }

    @Test("a record of one kind is none of another", arguments: GoldenTests.all)
    func otherTopics(topic: Topic, json: String) {
        for raw in UInt8(0)..<UInt8(Topic.count) {
            let other = Topic(rawValue: raw)!
            // An order's op_code makes it a request too: Kafka's topics tell them apart.
            if other == topic || topic == .leader && other == .requests { continue }
            #expect(station.complaint(json, from: other) != nil)
        }
    }

    @Test(
        "a value that breaks its rule is refused in words that say the rule",
        arguments: [
            (Topic.heartbeat, "worker_id", "\"x\"", "must be a UUID, and not the one of zeros"),
            (
                .heartbeat, "worker_id", "\"00000000-0000-0000-0000-000000000000\"",
                "must be a UUID, and not the one of zeros"
            ),
            (.heartbeat, "incarnation", "\"ab\"", "must be 16 hexadecimal digits"),
            (.heartbeat, "incarnation", "\"00000000000000ag\"", "must be 16 hexadecimal digits"),
            (.heartbeat, "slots", "9", "must be an integer from 1 to 8"),
            (.heartbeat, "running", "[1,null]", "must be an integer from 0 to 9007199254740991"),
            (.heartbeat, "running_timeouts_ms", "[0]", "must be an integer from 1 to 86400000"),
            (.heartbeat, "running_timeouts_ms", "[1,2,3]", "3 given, at most 2 allowed"),
            (.heartbeat, "running", "[[[1]]]", "must be an integer from 0 to 9007199254740991"),
            (
                .heartbeat, "running", "[" + String(repeating: "1,", count: 64) + "1]",
                "65 given, at most 64 allowed"
            ),
            (.heartbeat, "completed_work_request_ids", "[1]", "must be a string"),
            (
                .heartbeat, "completed_work_request_ids", #"["","","","",""]"#,
                "5 given, at most 4 allowed"
            ),
            (.heartbeat, "current_work_request_id", "\"a\\u0000\"", "holds a NUL character"),
            (.election, "votes_received", "[null]", "must be a string"),
            (.heartbeat, "protocol", "0", "must be an integer from 1 to 1000000000"),
            (.heartbeat, "reads", "0", "must be an integer from 1 to 1000000000"),
            (.requests, "op_code", "\"\"", "empty"),
            (.requests, "op_code", "\"a\\u0000b\"", "holds a NUL character"),
            (
                .requests, "op_code", "\"123456789012345678901234567890123\"",
                "33 bytes given, at most 32 allowed"
            ),
            (
                .requests, "code", "\"" + String(repeating: "\\n", count: 4097) + "\"",
                "4097 bytes given, at most 4096 allowed"
            ),
            (.requests, "timeout_ms", "0", "must be an integer from 1 to 86400000"),
            (.requests, "max_attempts", "101", "must be an integer from 1 to 100"),
            (.requests, "parameters", "{\"\":\"1\"}", "a name is empty or holds '='"),
            (.requests, "parameters", "{\"a=b\":\"1\"}", "a name is empty or holds '='"),
            (.requests, "parameters", "{\"a\":1,\"\\u0061\":2}", "a name is given twice"),
            (.requests, "parameters", "{\"a\\u0000\":1}", "holds a NUL character"),
            (.requests, "parameters", "{\"a\":\"\\u0000\"}", "holds a NUL character"),
            (
                .requests, "parameters", "{\"a\":[]}",
                "a value must be a string, a number, true or false"
            ),
            (
                .requests, "parameters", "{\"a\":{\"b\":1}}",
                "a value must be a string, a number, true or false"
            ),
            (
                .requests, "parameters", "{\"a\":null}",
                "a value must be a string, a number, true or false"
            ),
            (
                .requests, "parameters",
                "{" + (0..<17).map { "\"p\($0)\":0" }.joined(separator: ",") + "}",
                "17 given, at most 16 allowed"
            ),
            (
                .requests, "parameters",
                "{\"a\":\"" + String(repeating: "x", count: 1023) + "\",\"b\":\"\"}",
                "1025 bytes given, at most 1024 allowed"
            ),
            (
                .requests, "parameters", "{\"a\":" + String(repeating: "1", count: 1025) + "}",
                "1025 bytes given, at most 1024 allowed"
            ),
        ] as [(Topic, String, String, String)])
    func rules(topic: Topic, name: String, value: String, complaint: String) {
        let all = GoldenTests.all.first { $0.0 == topic }!
        let text = Fields(of: all.1).with(name, value).json
        #expect(station.complaint(text, from: topic) == "\(name): \(complaint)")
    }

    @Test(
        "a checkpoint's row begins with its six places",
        arguments: [
            "1", "[]", "[1,2,null,3]", #"[1,2,null,3,"0000000000000000"]"#,
            "{}", #"[1,2,null,3,"0000000000000000",[5],6]"#,
            #"{"a":1,"b":2,"c":null,"d":3,"e":"0000000000000000","f":5}"#,
            #"[1,2,[null],3,"0000000000000000",5]"#,
        ])
    func rows(row: String) {
        let checkpoint = GoldenTests.orders.last!
        let good = #"[1,2,null,3,"0000000000000000",5]"#
        for list in ["[\(row)]", "[\(good),\(row)]", "[\(row),\(good)]"] {
            let text = Fields(of: checkpoint).with("unfinished", list).json
            #expect(
                station.complaint(text, from: .leader)
                    == "unfinished: a row must be "
                    + "[offset, attempt, worker id or null, failures, key, timeout]")
        }
        let text = Fields(of: checkpoint).with("unfinished", "[\(good),\(good)]").json
        #expect(station.complaint(text, from: .leader) == nil)
    }

    @Test("what a later version says behind a row's six places is passed over")
    func longerRows() throws {
        let checkpoint = Fields(of: GoldenTests.orders.last!)
        let rows = ["1,2,null,3,\"0000000000000000\",5", "7,0,null,0,\"0000000000000000\",null"]
        let plain = checkpoint.with("unfinished", "[[\(rows[0])],[\(rows[1])]]").json
        let more = ["6,null", "\"x\",[1,[2]],{\"a\":[3]}"]
        let longer = checkpoint.with(
            "unfinished", "[[\(rows[0]),\(more[0])],[\(rows[1]),\(more[1])]]")
        let read = try [plain, longer.json].map { try station.decode($0, from: .leader) }
        #expect(station.encode(read[0]) == station.encode(read[1]))
        for (json, isLonger) in [(plain, false), (longer.json, true)] {
            guard case .leader(let r) = try station.decode(json, from: .leader).record,
                case .checkpoint(let checkpoint) = r.order
            else { return #expect(Bool(false), "\(json)") }
            #expect(checkpoint.saysMore == isLonger)
        }
    }

    @Test("words of a later version are read as what they are: unknown")
    func unknownWords() throws {
        let order = Fields(of: GoldenTests.orders[0]).with("op_code", "\"DRAIN\"")
            .with("drained", "{\"for\":[\"ever\"]}").json
        guard case .leader(let r) = try station.decode(order, from: .leader).record,
            case .unknown = r.order
        else { return #expect(Bool(false), "\(order)") }
        #expect(r.term == 7 && r.leaseMs == 800)
        let result = Fields(of: GoldenTests.result).with("status", "\"cancelled\"").json
        guard case .result(let it) = try station.decode(result, from: .results).record else {
            return #expect(Bool(false), "\(result)")
        }
        #expect(it.status == .unknown && it.final)
        let heartbeat = Fields(of: GoldenTests.heartbeat).with("role", "\"drained\"").json
        guard case .heartbeat(let h) = try station.decode(heartbeat, from: .heartbeat).record else {
            return #expect(Bool(false), "\(heartbeat)")
        }
        #expect(h.role == .member)
    }

    @Test(
        "each place of a row is checked",
        arguments: [
            (
                #"[-1,2,null,3,"0000000000000000",null]"#,
                "must be an integer from 0 to 9007199254740991"
            ),
            (
                #"[1,true,null,3,"0000000000000000",null]"#,
                "must be an integer from 0 to 1000000000"
            ),
            (#"[1,2,true,3,"0000000000000000",null]"#, "must be a string"),
            (#"[1,2,"x",3,"0000000000000000",null]"#, "must be a UUID, and not the one of zeros"),
            (#"[1,2,null,"3","0000000000000000",null]"#, "must be an integer from 0 to 1000000000"),
            (#"[1,2,null,3,null,null]"#, "must be a string"),
            (#"[1,2,null,3,"0",null]"#, "must be 16 hexadecimal digits"),
            (
                #"[1,2,null,3,"0000000000000000",true]"#,
                "must be an integer from 1 to 1000000000"
            ),
            (
                #"[1,2,null,3,"0000000000000000",0]"#, "must be an integer from 1 to 1000000000"
            ),
        ])
    func places(row: String, complaint: String) {
        let text = Fields(of: GoldenTests.orders.last!).with("unfinished", "[\(row)]").json
        #expect(station.complaint(text, from: .leader) == "unfinished: \(complaint)")
    }

    // MARK: Text

    @Test(
        "only one JSON object is a record",
        arguments: [
            ("", "not a JSON object"), (" ", "not a JSON object"), ("null", "not a JSON object"),
            ("[]", "not a JSON object"), ("\"{}\"", "not a JSON object"),
            ("7", "not a JSON object"),
            ("\u{FEFF}{}", "not a JSON object"), ("{", "not JSON at byte 1"),
            ("{}{}", "not JSON at byte 2"), ("{},", "not JSON at byte 2"),
            ("{}x", "not JSON at byte 2"),
            ("{\"a\":1}}", "not JSON at byte 7"), ("{\"a\":1]", "not JSON at byte 6"),
            ("{\"a\":[1}", "not JSON at byte 7"), ("{\"a\":[}", "not JSON at byte 6"),
            ("{\"a\"}", "not JSON at byte 4"), ("{\"a\" 1}", "not JSON at byte 5"),
            ("{\"a\":}", "not JSON at byte 5"), ("{\"a\":1,}", "not JSON at byte 7"),
            ("{,}", "not JSON at byte 1"), ("{\"a\":1 \"b\":2}", "not JSON at byte 7"),
            ("{\"a\":1,,\"b\":2}", "not JSON at byte 7"),
            ("{\"a\":\"b\":\"c\"}", "not JSON at byte 8"),
            ("{a:1}", "not JSON at byte 1"), ("{1:1}", "not JSON at byte 1"),
            ("{null:1}", "not JSON at byte 1"), ("{'a':1}", "not JSON at byte 1"),
            ("{[]:1}", "not JSON at byte 1"), ("{\"a\":[1 2]}", "not JSON at byte 8"),
            ("{\"a\":[,1]}", "not JSON at byte 6"), ("{\"a\":[1,]}", "not JSON at byte 8"),
            ("{\"a\":tru}", "not JSON at byte 8"), ("{\"a\":truex}", "not JSON at byte 9"),
            ("{\"a\":True}", "not JSON at byte 5"), ("{\"a\":nul", "not JSON at byte 8"),
            ("{\"a\":NaN}", "not JSON at byte 5"), ("{\"a\":-}", "not JSON at byte 6"),
            ("{\"a\":01}", "not JSON at byte 6"), ("{\"a\":+1}", "not JSON at byte 5"),
            ("{\"a\":.5}", "not JSON at byte 5"), ("{\"a\":1.}", "not JSON at byte 7"),
            ("{\"a\":1e}", "not JSON at byte 7"), ("{\"a\":1e+}", "not JSON at byte 8"),
            ("{\"a\":0x1}", "not JSON at byte 6"), ("{\"a\":--1}", "not JSON at byte 6"),
            ("{\"a\":\"\\x\"}", "not JSON at byte 7"), ("{\"a\":\"\\u12\"}", "not JSON at byte 10"),
            ("{\"a\":\"\\u12g4\"}", "not JSON at byte 10"),
            ("{\"a\":\"\n\"}", "not JSON at byte 6"),
            ("{\"a\":\"\u{0}\"}", "not JSON at byte 6"), ("{\"a\":\"b", "not JSON at byte 7"),
            ("{\"a\":\"b\\", "not JSON at byte 8"), ("{\u{0}\"a\":1}", "not JSON at byte 1"),
            ("{}\u{0}", "not JSON at byte 2"), ("{/**/}", "not JSON at byte 1"),
            ("{\u{A0}}", "not JSON at byte 1"),
        ])
    func grammar(json: String, complaint: String) {
        for topic in [Topic.leader, .requests] {
            #expect(station.complaint(json, from: topic) == complaint)
        }
    }

    @Test(
        "strings are UTF-8",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
            [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        ] as [[UInt8]])
    func utf8(bytes: [UInt8]) {
        let text = Array(#"{"op_code":"x","code":"ab"#.utf8) + bytes + Array("\"}".utf8)
        let refusal = station.refusal(text, from: .requests)
        #expect(refusal?.reason == .notText)
        #expect(refusal?.given == 25)
    }

    @Test(
        "half a surrogate pair is refused",
        arguments: [
            #"\ud83d"#, #"\ude00"#, #"\ud83dx"#, #"\ud83d\n"#, #"\ud83d\ud83d"#, #"\ud83dA"#,
            #"\ude00\ud83d"#,
        ])
    func surrogates(text: String) {
        #expect(
            station.complaint("{\"op_code\":\"x\",\"code\":\"ab\(text)\"}", from: .requests)
                == "neither UTF-8 nor a whole surrogate pair at byte 25")
    }

    @Test("a name is text too")
    func names() {
        #expect(
            station.complaint(#"{"\ud83d":1}"#, from: .requests)
                == "neither UTF-8 nor a whole surrogate pair at byte 2")
    }

    // MARK: Sizes

    @Test("deep nesting is refused, shallow passed over")
    func depth() {
        func nested(_ depth: Int) -> String {
            let open = String(repeating: "[", count: depth)
            return "{\"op_code\":\"x\",\"a\":\(open)\(String(repeating: "]", count: depth))}"
        }
        #expect(station.complaint(nested(31), from: .requests) == nil)
        for depth in [32, 33, 64, 65, 10000] {
            #expect(
                station.complaint(nested(depth), from: .requests)
                    == "nested more than 32 deep at byte 50")
        }
        let open = String(repeating: "[", count: 10000)
        #expect(station.complaint(open, from: .requests) == "not a JSON object")
        let objects = String(repeating: "{\"a\":", count: 5000)
        #expect(
            station.complaint(objects, from: .requests) == "nested more than 32 deep at byte 160")
    }

    @Test("too many values are refused")
    func values() {
        func list(_ count: Int) -> String {
            "{\"op_code\":\"x\",\"a\":[\(String(repeating: "0,", count: count - 1))0]}"
        }
        #expect(station.complaint(list(Tokens.capacity - 5), from: .requests) == nil)
        for count in [Tokens.capacity - 4, 10000] {
            #expect(
                station.complaint(list(count), from: .requests) == "more than 3072 JSON values")
        }
    }

    @Test("a record has its limit, a request a smaller one")
    func recordBytes() {
        for topic in [Topic.leader, .election, .heartbeat, .results] {
            let json = GoldenTests.all.first { $0.0 == topic }!.1
            let padding = String(repeating: " ", count: Limits.recordBytes - json.utf8.count)
            #expect(station.complaint(json + padding, from: topic) == nil)
            #expect(
                station.complaint(json + padding + " ", from: topic)
                    == "record of 32769 bytes; at most 32768")
        }
        let json = #"{"op_code":"x"}"#
        let padding = String(repeating: " ", count: Limits.requestBytes - json.utf8.count)
        #expect(station.complaint(json + padding, from: .requests) == nil)
        #expect(
            station.complaint(json + padding + " ", from: .requests)
                == "record of 31745 bytes; at most 31744")
    }

    // MARK: Whose request it was

    @Test(
        "a request that is refused keeps its id wherever that can be read",
        arguments: [
            (#"{"request_id":"a1","op_code":7}"#, "a1"),
            (#"{"op_code":"x","request_id":"a1","max_attempts":101}"#, "a1"),
            (#"{"request_id":"a1"}"#, "a1"),
            (#"{"request_id":"a1","op_code":"x","op_code":"y"}"#, "a1"),
            (#"{"request_id":"a1","op_code":"x","request_id":"a2"}"#, "a1"),
            (#"{"parameters":{"request_id":"inner"},"op_code":7}"#, ""),
            (#"{"request_id":7,"op_code":"x"}"#, ""),
            (#"{"request_id":"a\u0000","op_code":"x"}"#, ""),
            (#"{"request_id":"a1","op_code":"x""#, ""),
            ("[]", ""),
        ])
    func refusedID(json: String, id: String) {
        #expect(station.complaint(json, from: .requests) != nil)
        #expect(station.refusedID == id)
        #expect(station.complaint(#"{"op_code":"x","request_id":"good"}"#, from: .requests) == nil)
        #expect(station.refusedID.isEmpty, "what is accepted is not refused")
    }
}
