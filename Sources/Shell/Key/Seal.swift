import Union
import Wire

/// Signs a union's records, and tells which of those that are read count (docs/protocol.md).
///
/// A signature is the HMAC-SHA-256 over prefix, topic, record key and value, each after its length
/// in 4 bytes, the highest first. It stands in a header; a request that has none may carry it in
/// its field `signature`, as hexadecimal digits, computed with zeros in their places.
package struct Seal<Hash: SHA256> {
    /// What a signature says of a record.
    package enum Verdict: Equatable {
        /// It counts.
        case valid
        /// It is void: it has no signature, and needs one.
        case unsigned
        /// It is void: its signature is of no key that counts.
        case signedOtherwise
    }

    /// Of each topic: prefix and topic are mixed in.
    private typealias Begun = PerTopic<HMAC<Hash>>
    private let signing: Begun?
    private let accepted: (Begun?, Begun?)
    private let acceptsUnsigned: Bool

    /// For the union of `prefix`.
    package init(_ keys: UnionKeys, prefix: FixedText<64>) {
        signing = Self.begun(keys.signing, prefix)
        accepted = (Self.begun(keys.accepted.0, prefix), Self.begun(keys.accepted.1, prefix))
        acceptsUnsigned = keys.acceptsUnsigned
    }

    private static func begun(_ key: UnionKey?, _ prefix: FixedText<64>) -> Begun? {
        guard let key else { return nil }
        let hmac = key.bytes.withSpan { HMAC<Hash>(key: $0) }
        var begun = Begun(hmac)
        for topic in Topic.all {
            var start = FixedText<96>()
            start.put(length: prefix.count)
            start.put(prefix)
            start.put(length: topic.word.bytes.count)
            start.put(topic.word)
            start.withSpan { begun[topic].add($0) }
        }
        return begun
    }

    /// The signature of a record without a key; nil: records are not signed now.
    package func sign(_ value: Span<UInt8>, for topic: Topic) -> SHA256Hash? {
        guard let signing else { return nil }
        return Self.mac(signing[topic], value, key: Argument("").bytes, digits: nil)
    }

    /// Whether a record of `topic` counts. `signature`: what its last header of that name holds.
    package func judge(
        _ value: Span<UInt8>, key: Span<UInt8>, signature: Span<UInt8>?, of topic: Topic,
        _ decoder: inout RecordDecoder
    ) -> Verdict {
        if let signature {
            let isValid = isAccepted(topic) { hmac in
                Self.areEqual(Self.mac(hmac, value, key: key, digits: nil), signature)
            }
            return isValid ? .valid : .signedOtherwise
        }
        if acceptsUnsigned { return .valid }
        guard topic == .requests, let written = decoder.signature(in: value) else {
            return .unsigned
        }
        let isValid = isAccepted(topic) { hmac in
            let signature = Self.mac(hmac, value, key: key, digits: written.digits)
            return written.bytes.withSpan { Self.areEqual(signature, $0) }
        }
        return isValid ? .valid : .unsigned
    }

    private func isAccepted(_ topic: Topic, _ fits: (HMAC<Hash>) -> Bool) -> Bool {
        if let first = accepted.0, fits(first[topic]) { return true }
        if let second = accepted.1, fits(second[topic]) { return true }
        return false
    }

    /// `begun`: prefix and topic are mixed in. `digits`: where zeros stand for what the value has.
    private static func mac(
        _ begun: HMAC<Hash>, _ value: Span<UInt8>, key: Span<UInt8>, digits: Range<Int>?
    ) -> SHA256Hash {
        var hmac = begun
        var lengths = FixedText<8>()
        lengths.put(length: key.count)
        if key.count > 0 {
            lengths.withSpan { hmac.add($0) }
            lengths.removeAll()
            hmac.add(key)
        }
        lengths.put(length: value.count)
        lengths.withSpan { hmac.add($0) }
        if let digits {
            var zeros = FixedText<64>()
            for _ in digits { zeros.append(UInt8(ascii: "0")) }
            hmac.add(value.extracting(0..<digits.lowerBound))
            zeros.withSpan { hmac.add($0) }
            hmac.add(value.extracting(digits.upperBound..<value.count))
        } else if value.count > 0 {
            hmac.add(value)
        }
        return hmac.finish()
    }

    /// In a time that tells nothing of where they differ.
    private static func areEqual(_ signature: SHA256Hash, _ given: Span<UInt8>) -> Bool {
        guard given.count == 32 else { return false }
        var differences: UInt8 = 0
        for i in 0..<32 { differences |= signature[i] ^ given[i] }
        return differences == 0
    }
}

/// The name of the header that holds a record's signature.
package let signatureHeader: StaticString = "scrap-signature"

extension FixedText {
    /// Appends the 4 bytes of a length, the highest first.
    fileprivate mutating func put(length: Int) {
        for i in 0..<4 { append(UInt8(truncatingIfNeeded: length >> (24 - 8 * i))) }
    }
}
