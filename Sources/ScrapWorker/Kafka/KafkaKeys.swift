import CRdkafka
import Shell
import Union

extension KafkaConf {
    /// Why a pair of `[kafka]` cannot be used, in words; nil when it can: rd_kafka_conf_set(3) on a
    /// configuration that is then thrown away, so that the complaint can name file and line.
    static func refusal(of pair: Config.Pair, in config: borrowing Config) -> FixedText<512>? {
        if let text = KafkaSettings.refusal(of: config.bytes(pair.key)) { return text }
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
        var text = FixedText<512>()
        text.put(words)
        return text
    }
}
