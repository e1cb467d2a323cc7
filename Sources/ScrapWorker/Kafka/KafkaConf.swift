import CLinux
import CRdkafka
import Shell
import Union

/// What librdkafka refused or reports: rd_kafka_resp_err_t and its words.
struct KafkaError: Error {
    var code: Int32
    var text = FixedText<512>()

    init(_ words: StaticString, code: rd_kafka_resp_err_t = RD_KAFKA_RESP_ERR__INVALID_ARG) {
        self.code = code.rawValue
        text.put(words)
    }

    init(_ errno: Errno) {
        code = RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE.rawValue
        text.put(errno: errno.code)
    }

    /// Says it, and how the process ends: too few threads or descriptors are no fault of the
    /// configuration's, and trying again may help.
    func asExit() -> Exit {
        let words = text
        Log.write(.error) { (line: inout Log.Line) in line.put(words) }
        let isSystem = code == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE.rawValue
        return Exit(code: isSystem ? EX_OSERR : EX_CONFIG)
    }
}

/// librdkafka's room for an error's words, as C functions want it.
typealias KafkaWords = InlineArray<512, CChar>

/// A configuration of librdkafka: rd_kafka_conf_t.
///
/// `[kafka]` decides everything but what the union's guarantees stand on; see `KafkaSettings`.
@safe
struct KafkaConf: ~Copyable {
    /// Nil once a handle has taken it over.
    private var conf: OpaquePointer?

    /// For a handle that talks to nobody: the mock cluster's owner. It is quiet about that.
    static func forMock() -> KafkaConf {
        let conf = unsafe KafkaConf(taking: rd_kafka_conf_new())
        conf.set(KafkaSetting("log_level", "3"))
        return conf
    }

    private init(taking conf: OpaquePointer) { unsafe self.conf = conf }

    deinit { if let conf = unsafe conf { unsafe rd_kafka_conf_destroy(conf) } }

    /// Defaults, then what `[kafka]` says: rd_kafka_conf_set(3) for each pair.
    init(_ config: borrowing Config) throws(KafkaError) {
        unsafe conf = rd_kafka_conf_new()
        set(KafkaSettings.defaults)
        for i in 0..<config.kafka.count {
            if let refusal = Self.refusal(of: config.kafka[i], in: config) {
                var error = KafkaError("[kafka] ")
                error.text.put(refusal)
                throw error
            }
            set(config.kafka[i], in: config)
        }
        try refuseKerberos()
    }

    /// A copy: rd_kafka_conf_dup(3).
    func copy() -> KafkaConf { unsafe KafkaConf(taking: rd_kafka_conf_dup(conf)) }

    /// What the guarantees need of the handle that writes (design, section 2).
    func forWriter() -> KafkaConf {
        let copy = copy()
        copy.set(KafkaSettings.writer)
        unsafe rd_kafka_conf_set_events(
            copy.conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
        return copy
    }

    /// What the guarantees need of the handle that reads (design, section 2).
    func forReader() -> KafkaConf {
        let copy = copy()
        copy.set(KafkaSettings.reader)
        unsafe rd_kafka_conf_set_events(copy.conf, RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
        return copy
    }

    /// Opens a handle: rd_kafka_new(3), which takes the configuration over when it succeeds.
    consuming func open(_ type: rd_kafka_type_t) throws(KafkaError) -> OpaquePointer {
        var words = KafkaWords(repeating: 0)
        var span = words.mutableSpan
        let handle = unsafe span.withUnsafeMutableBufferPointer {
            unsafe rd_kafka_new(type, conf, $0.baseAddress, $0.count)
        }
        guard let handle = unsafe handle else {
            var error = KafkaError("", code: rd_kafka_last_error())
            error.text.put(words)
            throw error
        }
        unsafe conf = nil
        return unsafe handle
    }

    private func set<let n: Int>(_ settings: InlineArray<n, KafkaSetting>) {
        for i in 0..<n { set(settings[i]) }
    }

    /// Ours to know: librdkafka accepts it, or this is a bug.
    private func set(_ setting: KafkaSetting) {
        let result = unsafe rd_kafka_conf_set(
            conf, Argument(setting.key).cString, Argument(setting.value).cString, nil, 0)
        precondition(result == RD_KAFKA_CONF_OK)
    }

    /// A pair of `[kafka]` that `refusal` found nothing wrong with.
    private func set(_ pair: Config.Pair, in config: borrowing Config) {
        let result = unsafe config.withCString(pair.key) { key in
            unsafe config.withCString(pair.value) { value in
                unsafe rd_kafka_conf_set(conf, key, value, nil, 0)
            }
        }
        precondition(result == RD_KAFKA_CONF_OK)
    }

    /// Cyrus SASL is not linked in (CAbsent). Kerberos is also librdkafka's default as soon as
    /// `security.protocol` names SASL.
    private func refuseKerberos() throws(KafkaError) {
        let protocolName = get("security.protocol")
        let mechanism = get("sasl.mechanisms")
        let isSASL = protocolName.withSpan { $0.hasPrefix("sasl") }
        guard isSASL && mechanism.equals("GSSAPI") else { return }
        throw KafkaError(
            """
            [kafka] sasl.mechanisms: GSSAPI (Kerberos) is not in this build; set PLAIN, \
            SCRAM-SHA-256 or SCRAM-SHA-512
            """)
    }

    /// rd_kafka_conf_get(3); empty when the value is longer than the names we look for.
    private func get(_ key: StaticString) -> FixedText<64> {
        var value = InlineArray<64, CChar>(repeating: 0)
        var size = 64
        var span = value.mutableSpan
        let result = unsafe span.withUnsafeMutableBufferPointer {
            unsafe rd_kafka_conf_get(conf, Argument(key).cString, $0.baseAddress, &size)
        }
        var text = FixedText<64>()
        if result == RD_KAFKA_CONF_OK { text.put(value) }
        return text
    }
}

extension FixedText {
    /// What C wrote into `words`, up to its zero byte.
    mutating func put<let n: Int>(_ words: InlineArray<n, CChar>) {
        for i in 0..<n {
            guard words[i] != 0 else { return }
            append(UInt8(bitPattern: words[i]))
        }
    }
}
