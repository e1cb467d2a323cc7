import CLinux
import Foundation
import Testing
import Union
import Wire

@testable import Shell

/// 32 and 74 bytes; more than 64 are hashed before they are used.
private let first = "0123456789abcdef0123456789abcdef"
private let second = "another key of the union, which is longer than one block of SHA-256 is, 64"

private func unionKey(_ text: String) throws -> UnionKey {
    try #require(text.lend { UnionKey($0) })
}

private func hex(_ hash: SHA256Hash) -> String {
    (0..<32).map { String(format: "%02x", hash[$0]) }.joined()
}

@Suite("A union's key")
final class KeyTests {
    private let folder = NSTemporaryDirectory() + "key-\(UUID().uuidString)"

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    // MARK: The key

    @Test(
        "HMAC-SHA-256 gives the digests of RFC 4231",
        arguments: [
            (
                String(repeating: "\u{0B}", count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                "Jefe", "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
        ])
    func hmac(_ key: String, _ message: String, _ expected: String) {
        var hmac = key.lend { HMAC<PlainSHA256>(key: $0) }
        message.lend { hmac.add($0) }
        #expect(hex(hmac.finish()) == expected)
    }

    @Test("a key longer than a block counts by its hash: RFC 4231, case 6")
    func longKey() {
        let key = [UInt8](repeating: 0xAA, count: 131)
        var hmac = HMAC<PlainSHA256>(key: key.span)
        for piece in ["Test Using Larger Than Block-Size Key", " - Hash Key First"] {
            piece.lend { hmac.add($0) }
        }
        #expect(
            hex(hmac.finish())
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test("has 32 to 256 bytes, without the white space at its end")
    func size() throws {
        for (bytes, isKey) in [(0, false), (31, false), (32, true), (256, true), (257, false)] {
            let text = String(repeating: "k", count: bytes)
            #expect(text.lend { UnionKey($0) != nil } == isKey, "\(bytes)")
            #expect((text + " \r\n\n").lend { UnionKey($0) != nil } == isKey, "\(bytes)")
        }
        let inner = try unionKey("  " + first + "\t x\n")
        #expect(string(inner.bytes) == "  " + first + "\t x")
    }

    /// `hmac.new(key, b"scrap-worker key id", "sha256").hexdigest()[:8]` of Python's.
    @Test("has an id that names it without telling it")
    func id() throws {
        #expect(try unionKey(first).id == 0x2f0d_337e)
        #expect(try unionKey(second).id == 0xf6dc_655f)
    }

    @Test("a drawn one is a key, and another one each time")
    func drawn() throws {
        let texts = (0..<20).map { _ in string(UnionKey.drawn()) }
        #expect(Set(texts).count == 20)
        for text in texts {
            #expect(text.count == 64 && text.allSatisfy { $0.isHexDigit })
            _ = try unionKey(text)
        }
    }

    // MARK: Its file

    private func file(_ text: String, mode: Int = 0o600) throws -> String {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/\(UUID().uuidString)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private func refusal(_ file: String) -> [String] {
        let loaded = load("[union]\n" + file)
        #expect(loaded.code == EX_CONFIG)
        return loaded.complaints.map {
            $0.replacing("scrap-worker: configuration: [union] ", with: "")
        }
    }

    @Test("without a file there is none, and nothing that needs one may be set")
    func none() {
        load { config in
            #expect(config.keys.key == nil && config.keys.signing == nil)
            #expect(config.keys.acceptsUnsigned)
        }
        #expect(refusal("key_step = sign") == ["key_step is nothing without key_file"])
        #expect(
            refusal("previous_key_file = /x") == ["previous_key_file is nothing without key_file"])
        // An option takes away what the file says.
        let loaded = load("[union]\nkey_file = /nowhere", ["union.key_file="])
        #expect(loaded.complaints == [])
    }

    @Test("it is read, with the step, and the one before it")
    func read() throws {
        let (new, old) = (try file(first + "\n"), try file(second))
        let loaded = load(
            "[union]\nkey_file = \(new)\nkey_step = accept\nprevious_key_file = \(old)"
        ) { config in
            #expect(config.keys.key?.id == 0x2f0d_337e)
            #expect(config.keys.previous?.id == 0xf6dc_655f)
            #expect(config.keys.step == .accept)
            #expect(config.keysOpenToOthers.count == 0)
        }
        #expect(loaded.complaints == [])
        load("[union]\nkey_file = \(new)") { #expect($0.keys.step == .require) }
    }

    @Test("a file that everybody may read or change is told", arguments: [0o604, 0o602, 0o640])
    func mode(_ mode: Int) throws {
        let path = try file(first, mode: mode)
        let loaded = load("[union]\nkey_file = \(path)") { config in
            #expect(config.keysOpenToOthers.count == (mode == 0o640 ? 0 : 1))
        }
        #expect(loaded.complaints == [])
    }

    @Test("what is wrong with a file is said, and what is allowed")
    func wrongFiles() throws {
        let allowed =
            "a key has 32 to 256, without white space at its end (`scrap-worker key` makes one)"
        let short = try file("secret\n")
        #expect(refusal("key_file = \(short)") == ["key_file holds 7 bytes; \(allowed): \(short)"])
        let long = try file(String(repeating: "x", count: 5000))
        #expect(
            refusal("key_file = \(long)") == [
                "key_file holds 1024 bytes or more; \(allowed): \(long)"
            ])
        #expect(
            refusal("key_file = /nowhere/k") == [
                "key_file cannot be read: No such file or directory: /nowhere/k"
            ])
        #expect(refusal("key_file = /tmp/") == ["key_file cannot be read: Is a directory: /tmp/"])
        let path = "/" + String(repeating: "x", count: 1023)
        #expect(refusal("key_file = \(path)").first?.contains("File name too long: /xxx") == true)
        let good = try file(first)
        #expect(
            refusal("key_file = \(good)\nprevious_key_file = \(good)") == [
                "key_file and previous_key_file hold the same key"
            ])
        #expect(
            load("[union]\nkey_step = now").complaints == [
                "scrap-worker: test.conf:2: key_step must be accept, sign or require, not `now`"
            ])
    }

    // MARK: Signatures

    private func seal(
        _ key: String?, _ previous: String? = nil, _ step: KeyStep = .require
    ) throws -> Seal<PlainSHA256> {
        var keys = UnionKeys()
        keys.key = try key.map { try unionKey($0) }
        keys.previous = try previous.map { try unionKey($0) }
        keys.step = step
        return Seal(keys, prefix: fixed("u-"))
    }

    private func signature(_ seal: Seal<PlainSHA256>, _ value: String, _ topic: Topic) -> String? {
        value.lend { seal.sign($0, for: topic).map { hex($0) } }
    }

    private typealias Verdict = Seal<PlainSHA256>.Verdict

    private func judge(
        _ seal: Seal<PlainSHA256>, _ value: String, _ header: [UInt8]? = nil,
        key: String = "", of topic: Topic = .requests
    ) -> Verdict {
        var decoder = RecordDecoder()
        return value.lend { value in
            key.lend { key in
                guard let header else {
                    return seal.judge(value, key: key, signature: nil, of: topic, &decoder)
                }
                return seal.judge(value, key: key, signature: header.span, of: topic, &decoder)
            }
        }
    }

    private func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.count, by: 2).map { i in
            UInt8(hex.dropFirst(i).prefix(2), radix: 16)!
        }
    }

    /// Of Python's `hmac.new(key, b"".join(struct.pack(">I", len(p)) + p for p in parts), "sha256")`
    /// for the parts prefix, topic, record key and value.
    @Test("a record's signature is over prefix, topic, record key and value, each after its length")
    func known() throws {
        let signing = try seal(first)
        #expect(
            signature(signing, #"{"op_code":"noop"}"#, .requests)
                == "3ff74b8ba679dc51a91a27d2b4ae859f89c945634302798fe65f3647e87e8675")
        #expect(
            signature(try seal(second), "", .results)
                == "b899fe9b14eaf53bd852c801d102f8dd76c26ffef0c0d5f67842c39a6d1cca9a")
        let withKey = bytes("eb123ab0e010ae4c5c3fdff638e2a5a9bdaacf507c2731e795fc7555d13ec2e1")
        #expect(judge(signing, "{}", withKey, key: "k", of: .leader) == .valid)
        #expect(judge(signing, "{}", withKey, key: "", of: .leader) == .signedOtherwise)
        #expect(judge(signing, "{}", withKey, key: "k", of: .election) == .signedOtherwise)
        #expect(judge(signing, "{} ", withKey, key: "k", of: .leader) == .signedOtherwise)
    }

    @Test("one that differs in a bit, is cut, or has more bytes is none")
    func broken() throws {
        let signing = try seal(first)
        let good = bytes(try #require(signature(signing, "{}", .results)))
        #expect(judge(signing, "{}", good, of: .results) == .valid)
        for i in 0..<32 {
            var bad = good
            bad[i] ^= 1 << (i % 8)
            #expect(judge(signing, "{}", bad, of: .results) == .signedOtherwise, "\(i)")
        }
        for bad in [[], Array(good.dropLast()), good + [0]] {
            #expect(judge(signing, "{}", bad, of: .results) == .signedOtherwise)
        }
    }

    /// What each step makes of a record that is not signed, signed with the first key, with the
    /// second, and with a third; and with what it signs itself.
    struct Step: CustomTestStringConvertible {
        let key: String?
        let previous: String?
        let step: KeyStep
        let writes: String?
        let verdicts: [String]
        var testDescription: String { "\(step), \(previous == nil ? "no key" : "a key") before" }
    }

    @Test(
        "each step writes and accepts what it says",
        arguments: [
            Step(
                key: nil, previous: nil, step: .require, writes: nil,
                verdicts: ["valid", "signedOtherwise", "signedOtherwise", "signedOtherwise"]),
            Step(
                key: first, previous: nil, step: .accept, writes: nil,
                verdicts: ["valid", "valid", "signedOtherwise", "signedOtherwise"]),
            Step(
                key: first, previous: nil, step: .sign, writes: first,
                verdicts: ["valid", "valid", "signedOtherwise", "signedOtherwise"]),
            Step(
                key: first, previous: nil, step: .require, writes: first,
                verdicts: ["unsigned", "valid", "signedOtherwise", "signedOtherwise"]),
            Step(
                key: first, previous: second, step: .accept, writes: second,
                verdicts: ["unsigned", "valid", "valid", "signedOtherwise"]),
            Step(
                key: first, previous: second, step: .sign, writes: first,
                verdicts: ["unsigned", "valid", "valid", "signedOtherwise"]),
            Step(
                key: first, previous: second, step: .require, writes: first,
                verdicts: ["unsigned", "valid", "signedOtherwise", "signedOtherwise"]),
        ])
    func steps(_ step: Step) throws {
        let judging = try seal(step.key, step.previous, step.step)
        let third = String(repeating: "3", count: 32)
        let written = try step.writes.map { try seal($0) }
        for topic in Topic.all {
            #expect(
                signature(judging, "{}", topic) == written.flatMap { signature($0, "{}", topic) })
            var verdicts = [judge(judging, "{}", of: topic)]
            for key in [first, second, third] {
                let signed = bytes(try #require(signature(try seal(key), "{}", topic)))
                verdicts.append(judge(judging, "{}", signed, of: topic))
            }
            #expect(verdicts.map { "\($0)" } == step.verdicts, "\(topic)")
        }
    }

    @Test("who writes in one step is read in the steps beside it, there and back")
    func neighbours() throws {
        for previous in [nil, second] {
            let before = try seal(previous)
            let steps = try [KeyStep.accept, .sign, .require].map { try seal(first, previous, $0) }
            let ways = [before] + steps
            for i in 0..<3 {
                for (writer, reader) in [(ways[i], ways[i + 1]), (ways[i + 1], ways[i])] {
                    let header = signature(writer, "{}", .leader).map { bytes($0) }
                    #expect(judge(reader, "{}", header, of: .leader) == .valid, "\(i)")
                }
            }
        }
    }

    // MARK: The field of a request

    private static let zeros = String(repeating: "0", count: 64)
    private static let signed =
        "a2c85b751c6b7ea372b2b857381ac5c8918635c916fe57d4f33aba5218911081"

    private func request(_ signature: String) -> String {
        #"{"op_code":"noop","signature":"\#(signature)"}"#
    }

    /// By the same line of Python's, over the request with 64 zeros.
    @Test("a request may carry its signature in a field, computed with zeros in its place")
    func field() throws {
        let judging = try seal(first)
        #expect(judge(judging, request(Self.signed)) == .valid)
        #expect(judge(judging, request(Self.signed.uppercased())) == .valid)
        let ofResult = try #require(signature(judging, request(Self.zeros), .results))
        #expect(judge(judging, request(ofResult), of: .results) == .unsigned)
        #expect(judge(judging, request(Self.zeros)) == .unsigned)
        #expect(judge(judging, request(Self.signed) + " ") == .unsigned)
        #expect(judge(judging, request(Self.signed), key: "k") == .unsigned)
        #expect(judge(try seal(second), request(Self.signed)) == .unsigned)
        #expect(judge(try seal(second, first, .sign), request(Self.signed)) == .valid)
    }

    @Test("a field that is no plain string of 64 digits is no signature")
    func noField() throws {
        let judging = try seal(first)
        let (tail, head) = (String(Self.signed.dropFirst()), String(Self.signed.dropLast()))
        let wrong: [String] = [
            request(head), request(Self.signed + "0"),
            request("g" + tail), request(#"\u0061"# + tail), request(""),
            #"{"op_code":"noop","signature":null}"#, #"{"op_code":"noop"}"#, "no JSON", "", "[]",
            #"{"op_code":"noop","parameters":{"signature":"\#(Self.signed)"}}"#,
        ]
        for text in wrong {
            #expect(judge(judging, text) == .unsigned, "\(text)")
        }
    }

    @Test("a header is looked at before the field")
    func headerFirst() throws {
        let judging = try seal(first)
        let wrong = [UInt8](repeating: 1, count: 32)
        #expect(judge(judging, request(Self.signed), wrong) == .signedOtherwise)
        let right = bytes(try #require(signature(judging, request(Self.zeros), .requests)))
        #expect(judge(judging, request(Self.zeros), right) == .valid)
    }

    @Test("where records need no signature nobody looks at the field")
    func fieldWithoutKey() throws {
        for judging in [try seal(nil), try seal(first, nil, .accept), try seal(first, nil, .sign)] {
            #expect(judge(judging, request(Self.zeros)) == .valid)
            #expect(judge(judging, request("x")) == .valid)
        }
    }

    // MARK: In words

    @Test("what is written and accepted is said by the keys' ids")
    func words() throws {
        func words(_ key: String?, _ previous: String?, _ step: KeyStep) throws -> String {
            var keys = UnionKeys()
            keys.key = try key.map { try unionKey($0) }
            keys.previous = try previous.map { try unionKey($0) }
            keys.step = step
            var text = FixedText<256>()
            text.put(keys)
            return string(text)
        }
        #expect(try words(nil, nil, .require) == "records are not signed; accepted: unsigned")
        #expect(
            try words(first, nil, .accept) == "records are not signed; accepted: 2f0d337e, unsigned"
        )
        #expect(
            try words(first, second, .accept)
                == "records are signed with key f6dc655f; accepted: 2f0d337e, f6dc655f")
        #expect(
            try words(first, nil, .require)
                == "records are signed with key 2f0d337e; accepted: 2f0d337e")
    }
}
