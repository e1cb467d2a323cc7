import CLinux
import CRdkafka
import Shell
import Union

/// `broker`: an in-memory Kafka for development, alive until a signal comes. Prints its address.
///
/// It is librdkafka's own mock cluster: one broker on 127.0.0.1 at a port that it picks. It
/// cannot create topics on request, so the union's five are there from the start.
enum Broker {
    static func perform(_ config: borrowing Config) throws(Exit) {
        let signals: Signals
        do {
            signals = try Signals()
        } catch {
            Log.write(.error) { (line: inout Log.Line) in line.put(errno: error.code) }
            throw Exit(code: EX_OSERR)
        }
        let cluster: MockCluster
        do {
            cluster = try MockCluster(TopicNames(config))
        } catch {
            Log.write(.error) { (line: inout Log.Line) in line.put(error.text) }
            throw Exit(code: EX_SOFTWARE)
        }
        var line = cluster.address
        line.put("\n")
        guard writeAll(STDOUT_FILENO, line.span) else { throw Exit(code: EX_IOERR) }
        try waitForSignal(signals)
    }

    private static func waitForSignal(_ signals: borrowing Signals) throws(Exit) {
        do {
            while try signals.next() == nil {
                var waiting = pollfd(fd: signals.fd, events: Int16(POLLIN), revents: 0)
                unsafe poll(&waiting, 1, -1)
            }
        } catch {
            Log.write(.error) { (line: inout Log.Line) in line.put(errno: error.code) }
            throw Exit(code: EX_OSERR)
        }
    }
}

/// rd_kafka_mock_cluster_t, which lives beside a handle of its own: rd_kafka_mock_cluster_new(3).
@safe
struct MockCluster: ~Copyable {
    private let handle: OpaquePointer
    private let cluster: OpaquePointer

    /// A cluster of one broker, with the union's topics of one partition each.
    init(_ names: TopicNames) throws(KafkaError) {
        let handle = unsafe try KafkaConf.forMock().open(RD_KAFKA_PRODUCER)
        guard let cluster = unsafe rd_kafka_mock_cluster_new(handle, 1) else {
            unsafe rd_kafka_destroy(handle)
            throw KafkaError("cannot start the broker: rd_kafka_mock_cluster_new")
        }
        unsafe self.handle = handle
        unsafe self.cluster = cluster
        for topic in Topic.all {
            let code = unsafe rd_kafka_mock_topic_create(cluster, names[topic].cString, 1, 1)
            precondition(code == RD_KAFKA_RESP_ERR_NO_ERROR, "rd_kafka_mock_topic_create")
        }
    }

    deinit {
        unsafe rd_kafka_mock_cluster_destroy(cluster)
        unsafe rd_kafka_destroy(handle)
    }

    /// What clients need as `bootstrap.servers`.
    var address: FixedText<64> {
        var text = FixedText<64>()
        if let servers = unsafe rd_kafka_mock_cluster_bootstraps(cluster) {
            unsafe text.put(cString: servers)
        }
        return text
    }
}
