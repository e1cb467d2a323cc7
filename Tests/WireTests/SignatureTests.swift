import Testing
import Union

@testable import Wire

@Suite("The signature in a request")
struct SignatureTests {
    private let digits = "a2c85b751c6b7ea372b2b857381ac5c8918635c916fe57d4f33aba5218911081"

    private func signature(_ json: String) -> (place: Range<Int>, bytes: [UInt8])? {
        var decoder = RecordDecoder()
        let bytes = Array(json.utf8)
        return decoder.signature(in: bytes.span).map { written in
            (written.digits, (0..<written.bytes.count).map { written.bytes[$0] })
        }
    }

    @Test("is found where its digits stand, in either case, and is what they say")
    func place() throws {
        for text in [digits, digits.uppercased()] {
            for (before, after) in [
                (#"{"signature":""#, #""}"#),
                (#" { "op_code" : "x", "signature": ""#, #"", "y":1}"#),
                (#"{"parameters":{"signature":"no"},"signature":""#, #""}"#),
                (#"{"s\u0069gnature":""#, #""}"#),
            ] {
                let found = try #require(signature(before + text + after), "\(before)")
                let start = before.utf8.count
                #expect(found.place == start..<(start + 64))
                #expect(found.bytes.first == 0xA2 && found.bytes.last == 0x81)
                #expect(found.bytes.count == 32)
            }
        }
    }

    @Test("is nothing but a string of 64 digits as they stand")
    func none() {
        let (tail, head) = (String(digits.dropFirst()), String(digits.dropLast()))
        let wrong: [String] = [
            head, digits + "0", String(head.dropLast()), digits + "00", "g" + tail, head + " ",
            #"\u0061"# + tail, "",
        ]
        for text in wrong {
            #expect(signature(#"{"signature":"\#(text)"}"#) == nil, "\(text)")
        }
        let others: [String] = [
            "", "{", "[]", #"{"signature":null}"#, #"{"signature":1}"#, #"{"other":"\#(digits)"}"#,
            #"{"signature":["\#(digits)"]}"#, #"{"signature":"\#(digits)"} x"#,
        ]
        for json in others {
            #expect(signature(json) == nil, "\(json)")
        }
        let long = String(repeating: " ", count: Limits.requestBytes)
        #expect(signature(#"{"signature":"\#(digits)"}"# + long) == nil)
    }
}
