import Testing
import Union
import Wire

@testable import Shell

@Suite("A worker's identity")
struct WorkerIdentityTests {
    @Test(
        "SHA-256 gives the standard's digests, across block borders",
        arguments: [
            // FIPS 180-4's examples, and lengths around one block's 55 and 64 bytes.
            ("", "e3b0c44298fc1c149afbf4c8996fb924"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039"
            ),
            (String(repeating: "a", count: 55), "9f4390f8d30c2dd92ec9f095b65e2b9a"),
            (String(repeating: "a", count: 56), "b35439a4ac6f0948b6d6f9e3c6af0f5f"),
            (String(repeating: "a", count: 64), "ffe054fe7ae0cb6dc65c3af9b61d5209"),
            (String(repeating: "a", count: 1000), "41edece42d63e8d9bf515a9ba6932e1c"),
        ])
    func digest(_ text: String, _ expected: String) {
        let (high, low) = text.lend { sha256Prefix($0) }
        var hex = FixedText<32>()
        hex.put(hex: high, digits: 16)
        hex.put(hex: low, digits: 16)
        #expect(string(hex) == expected)
    }

    private func id(_ machine: String, _ serial: String = "", _ prefix: String = "u-") -> String? {
        WorkerID.derived(
            machineID: fixed(machine), serialNumber: fixed(serial), topicPrefix: fixed(prefix)
        ).map { string($0.uuid) }
    }

    @Test("is the same at every start: these must never change, boards are known by them")
    func stable() {
        let machine = "0123456789abcdef0123456789abcdef"
        #expect(id(machine) == "2f084c55-b082-8a91-8331-fde9e4e37866")
        #expect(id(machine, "10000000abcdef01") == "5def6978-a85a-8800-ace3-81fbc92c4c13")
        let named = WorkerID.named(fixed("pi"), topicPrefix: fixed("u-"))
        #expect(named.map { string($0.uuid) } == "6f51912a-db7e-829b-860d-478f5cd0ae9a")
    }

    @Test("is another one for another machine, serial number or union")
    func distinct() {
        let ids = [
            id("a"), id("b"), id("a", "1"), id("a", "2"), id("a", "", "v-"), id("a", "1", "v-"),
        ]
        #expect(Set(ids).count == ids.count)
        let named = WorkerID.named(fixed("a"), topicPrefix: fixed("u-"))
        #expect(named.map { string($0.uuid) } != id("a"))
        #expect(named != WorkerID.named(fixed("a"), topicPrefix: fixed("v-")))
    }

    @Test("is a UUID of version 8 and of the standard variant")
    func version() {
        for machine in (0..<50).map({ "machine \($0)" }) {
            let text = Array(id(machine) ?? "")
            #expect(text.count == 36 && text[14] == "8" && "89ab".contains(text[19]))
        }
    }

    @Test("there is none without a machine id, on a first boot, or without a host name")
    func none() {
        #expect(id("") == nil && id("", "serial") == nil && id("uninitialized") == nil)
        #expect(WorkerID.named(fixed(""), topicPrefix: fixed("u-")) == nil)
    }
}
