import Testing
import Union

@testable import Wire

struct RequestPayloadTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test("what was packed is found again")
    func packed() throws {
        let payload = try requestPayload(
            code: bytes("code"),
            [(bytes("a"), bytes("1")), (bytes("bb"), []), (bytes("c"), bytes("ä"))],
            requesterID: bytes("me"), signature: [])
        let fields = RequestPayload(payload.span)
        #expect(optional(fields.code) == bytes("code"))
        #expect(fields.parameterCount == 3)
        var parameters: [[UInt8]] = []
        for i in 0..<3 {
            parameters.append(array(fields.parameter(i).name))
            parameters.append(array(fields.parameter(i).value))
        }
        #expect(parameters == [bytes("a"), bytes("1"), bytes("bb"), [], bytes("c"), bytes("ä")])
        #expect(optional(fields.requesterID) == bytes("me"))
        #expect(optional(fields.signature) == [])
    }

    @Test("nothing is found where nothing was packed")
    func nothing() throws {
        let payload = try requestPayload()
        let fields = RequestPayload(payload.span)
        #expect(optional(fields.code) == nil)
        #expect(fields.parameterCount == 0)
        #expect(optional(fields.requesterID) == nil)
        #expect(optional(fields.signature) == nil)
    }

    @Test("a request with every field at its limit fits its buffer")
    func largest() throws {
        let parameters = (0..<16).map { ([0x61 + UInt8($0)], [UInt8](repeating: 0x78, count: 63)) }
        let payload = try requestPayload(
            code: [UInt8](repeating: 0, count: Limits.codeBytes), parameters,
            requesterID: [UInt8](repeating: 0x61, count: Limits.idBytes),
            signature: [UInt8](repeating: 0x61, count: Limits.signatureBytes))
        #expect(payload.count == Limits.requestPayloadBytes)
    }

    @Test("what is too long or not UTF-8 is refused")
    func refused() {
        func complaint(_ body: () throws(Malformed) -> [UInt8]) -> String? {
            do throws(Malformed) {
                _ = try body()
                return nil
            } catch {
                return string(error.describe())
            }
        }
        let long = [UInt8](repeating: 0x61, count: 4097)
        let one: [UInt8] = [0x61]
        #expect(
            complaint { () throws(Malformed) in try requestPayload(code: long) }
                == "code: 4097 bytes given, at most 4096 allowed")
        #expect(
            complaint { () throws(Malformed) in try requestPayload(code: [0x61, 0xFF]) }
                == "code: neither UTF-8 nor a whole surrogate pair at byte 1")
        #expect(
            complaint { () throws(Malformed) in try requestPayload(signature: Array(long[..<257])) }
                == "signature: 257 bytes given, at most 256 allowed")
        #expect(
            complaint { () throws(Malformed) in try requestPayload(requesterID: Array(long[..<65]))
            }
                == "requester_id: 65 bytes given, at most 64 allowed")
        #expect(
            complaint { () throws(Malformed) in try requestPayload([([0xFF], one)]) }
                == "parameters: neither UTF-8 nor a whole surrogate pair at byte 0")
        #expect(
            complaint { () throws(Malformed) in try requestPayload([(one, [0])]) }
                == "parameters: holds a NUL character")
        #expect(
            complaint { () throws(Malformed) in try requestPayload([([], one)]) }
                == "parameters: a name is empty or holds '='")
        #expect(
            complaint { () throws(Malformed) in try requestPayload([(one, one), (one, one)]) }
                == "parameters: a name is given twice")
        #expect(
            complaint { () throws(Malformed) in
                try requestPayload((0..<17).map { ([0x61 + UInt8($0)], one) })
            } == "parameters: 17 given, at most 16 allowed")
        #expect(
            complaint { () throws(Malformed) in try requestPayload([(one, Array(long[..<1024]))]) }
                == "parameters: 1025 bytes given, at most 1024 allowed")
    }

    @Test("an index that no parameter has is a broken invariant")
    func outOfRange() async {
        await #expect(processExitsWith: .failure) {
            let payload = try requestPayload([([0x61], [0x62])])
            _ = RequestPayload(payload.span).parameter(1)
        }
        await #expect(processExitsWith: .failure) {
            let payload = try requestPayload([([0x61], [0x62])])
            _ = RequestPayload(payload.span).parameter(-1)
        }
    }

    @Test("bytes that are no request's payload are a broken invariant")
    func notPacked() async {
        await #expect(processExitsWith: .failure) {
            let payload: [UInt8] = [255, 255, 0]
            _ = RequestPayload(payload.span)
        }
    }
}
