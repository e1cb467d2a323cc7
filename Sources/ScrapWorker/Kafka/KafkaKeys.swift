import CRdkafka
import Shell
import Union

extension KafkaConf {
    /// Why a pair of `[kafka]` cannot be used, in words; nil when it can: rd_kafka_conf_set(3) on a
    /// configuration that is then thrown away, so that the complaint can name file and line.
    static func refusal(of pair: Config.Pair, in config: borrowing Config) -> FixedText<512>? {
        var text = FixedText<512>()
        guard !isOwned(config.bytes(pair.key)) else {
            text.put(foreign: config.bytes(pair.key))
            text.put(" is not yours to set: the union's guarantees depend on it")
            return text
        }
        guard let conf = unsafe rd_kafka_conf_new() else { return nil }
        defer { unsafe rd_kafka_conf_destroy(conf) }
        var words = KafkaWords(repeating: 0)
        var span = words.mutableSpan
        let result = unsafe span.withUnsafeMutableBufferPointer { words in
            unsafe config.withCString(pair.key) { key in
                unsafe config.withCString(pair.value) { value in
                    unsafe rd_kafka_conf_set(conf, key, value, words.baseAddress, words.count)
                }
            }
        }
        guard result != RD_KAFKA_CONF_OK else { return nil }
        text.put(words)
        return text
    }
}

/// What to do about a broker whose name only multicast DNS knows.
let localNamesAdvice: StaticString = """
    (.local names need multicast DNS, which this program does not speak: give the broker's \
    address, or name it in /etc/hosts)
    """

extension Span<UInt8> {
    /// Whether a host in a list of `HOST:PORT` ends in `.local`.
    var hasLocalName: Bool {
        for i in indices where extracting(i...).hasPrefix(".local") {
            let end = i + 6
            if end == count || self[end] == UInt8(ascii: ":") || self[end] == UInt8(ascii: ",") {
                return true
            }
        }
        return false
    }
}
