import Harness
import Testing

/// Whole workers as processes, on brokers that nobody here wrote, seen by an independent client.
///
/// Serialized: each test starts up to eleven processes, and a machine may have two cores.
@Suite("end to end", .serialized) enum EndToEnd {
    /// The broker that most tests share; each has topics of its own there.
    static let noida = Result { try Broker(.noida) }
}
