import Union
import Wire

/// The configuration as a bug report shows it: every key with its value, and nothing that may be
/// secret.
extension Config {
    package borrowing func report<Sink: TextSink & ~Copyable>(to sink: inout Sink) {
        for key in ConfigKey.all {
            switch key {
            case .number(let number):
                Self.putName(key, to: &sink)
                sink.put(settings.value(of: number))
                sink.put("\n")
            case .word(let word):
                Self.putName(key, to: &sink)
                putValue(word, to: &sink)
                sink.put("\n")
            case .lamp(let lamp):
                guard lamps[lamp].count > 0 else { continue }
                Self.putName(key, to: &sink)
                sink.put(foreign: bytes(lamps[lamp]))
                sink.put("\n")
            case .op: break
            }
        }
        for i in 0..<ops.count { reportOp(ops[i], to: &sink) }
        for i in 0..<kafka.count { reportKafka(kafka[i], to: &sink) }
    }

    private static func putName<Sink: TextSink & ~Copyable>(_ key: ConfigKey, to sink: inout Sink) {
        sink.put("  ")
        sink.put(key.section.word)
        sink.put(".")
        sink.put(key.word)
        sink.put(" = ")
    }

    private borrowing func putValue<Sink: TextSink & ~Copyable>(
        _ key: WordKey, to sink: inout Sink
    ) {
        switch key {
        case .id: sink.put(settings.workerID.uuid)
        case .topicPrefix: sink.put(topicPrefix)
        case .pace: sink.put(pace.word)
        case .keyFile: sink.put(foreign: bytes(keyFile))
        case .keyStep: sink.put(keys.step.word)
        case .previousKeyFile: sink.put(foreign: bytes(previousKeyFile))
        case .driver: sink.put(driver.word)
        case .activeLow:
            var separator: StaticString = ""
            for lamp in Lamp.all where activeLow.contains(lamp) {
                sink.put(separator)
                sink.put(lamp.word)
                separator = " "
            }
        case .level: sink.put(logLevel.word)
        }
    }

    /// The program alone: its arguments may hold passwords.
    private borrowing func reportOp<Sink: TextSink & ~Copyable>(_ op: Op, to sink: inout Sink) {
        sink.put("  op.")
        sink.put(foreign: op.name)
        sink.put(".exec = ")
        let words = bytes(op.exec)
        sink.put(foreign: words.extracting(0..<(words.firstIndex(of: 0) ?? words.count)))
        if op.words > 1 {
            sink.put(" (and ")
            sink.put(op.words - 1)
            sink.put(" arguments)")
        }
        if let ms = op.timeoutMs {
            sink.put(", timeout_ms = ")
            sink.put(ms)
        }
        sink.put("\n")
    }

    private borrowing func reportKafka<Sink: TextSink & ~Copyable>(
        _ pair: Pair, to sink: inout Sink
    ) {
        sink.put("  kafka.")
        sink.put(foreign: bytes(pair.key))
        sink.put(" = ")
        if isPublic(pair) { sink.put(foreign: bytes(pair.value)) } else { sink.put("(not shown)") }
        sink.put("\n")
    }

    /// Whether a value may be shown: it is one of those that say how the broker is reached, or a
    /// number or a switch under a name that sounds of no secret.
    private borrowing func isPublic(_ pair: Pair) -> Bool {
        let key = bytes(pair.key)
        if key.equals("bootstrap.servers") || key.equals("security.protocol")
            || key.equals("sasl.mechanisms") || key.equals("sasl.mechanism")
            || key.equals("ssl.ca.location") || key.equals("broker.address.family")
        {
            return true
        }
        let value = bytes(pair.value)
        let isPlain = value.decimal != nil || value.equals("true") || value.equals("false")
        return isPlain && !key.contains("password") && !key.contains("secret")
            && !key.contains("user") && !key.contains("key") && !key.contains("token")
            && !key.contains("pem")
    }
}

extension Settings {
    /// The number that `key` configures.
    func value(of key: NumberKey) -> Int32 {
        switch key {
        case .ranking: ranking
        case .slots: slots
        case .announceMs: announceMs
        case .leaseMs: leaseMs
        case .leaderTimeoutMs: leaderTimeoutMs
        case .heartbeatMs: heartbeatMs
        case .memberTimeoutMs: memberTimeoutMs
        case .workerLeaseMs: workerLeaseMs
        case .killGraceMs: killGraceMs
        case .ackTimeoutMs: ackTimeoutMs
        case .countdownStart: countdownStart
        case .countdownDelayMs: countdownDelayMs
        case .campaignTtlMs: campaignTtlMs
        }
    }
}
