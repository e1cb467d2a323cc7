import Foundation
import Harness
import Testing

/// Whole workers as processes, on brokers that nobody here wrote, seen by an independent client.
///
/// Serialized: each test starts up to eleven processes, and a machine may have two cores.
@Suite("end to end", .serialized) enum EndToEnd {
    /// The broker that most tests share; each has topics of its own there.
    static let noida = Result { try Broker(.noida) }
}

/// The record's text, with other words in these fields.
func forged(_ record: Record, _ change: [String: Any]) throws -> String {
    let object = try JSONSerialization.jsonObject(with: Data(record.text.utf8))
    let fields = try #require(object as? [String: Any])
    let data = try JSONSerialization.data(
        withJSONObject: fields.merging(change) { $1 }, options: .sortedKeys)
    return String(decoding: data, as: UTF8.self)
}
