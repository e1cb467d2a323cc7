import Foundation

/// A JSON value, as someone reads it who knows nothing of the code under test.
public enum JSON: Decodable, Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([JSON])
    case object([String: JSON])

    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let int = try? value.decode(Int.self) {
            self = .int(int)
        } else if let double = try? value.decode(Double.self) {
            self = .double(double)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let list = try? value.decode([JSON].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    public init?(_ text: String) {
        guard let value = try? JSONDecoder().decode(JSON.self, from: Data(text.utf8)) else {
            return nil
        }
        self = value
    }

    public subscript(name: String) -> JSON {
        if case .object(let fields) = self { fields[name] ?? .null } else { .null }
    }

    public var int: Int? { if case .int(let value) = self { value } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var list: [JSON] { if case .list(let value) = self { value } else { [] } }
    public var isNull: Bool { self == .null }
}

/// A record of a topic, as an independent client read it.
public struct Record: Sendable, CustomStringConvertible {
    public let offset: Int
    /// `.null` when it is not JSON.
    public let json: JSON
    public let text: String

    /// From a line `OFFSET PAYLOAD`.
    public init?(_ line: some StringProtocol) {
        guard let space = line.firstIndex(of: " "), let offset = Int(line[..<space]) else {
            return nil
        }
        self.offset = offset
        text = String(line[line.index(after: space)...])
        json = JSON(text) ?? .null
    }

    public subscript(name: String) -> JSON { json[name] }

    public var worker: String? { json["worker_id"].string }
    public var term: Int? { json["term"].int }
    public var op: String? { json["op_code"].string }
    public var status: String? { json["status"].string }
    public var requestOffset: Int? { json["request_offset"].int }
    public var attempt: Int? { json["attempt"].int }
    public var isFinal: Bool { json["final"].bool ?? false }
    public var sentUs: Int? { json["sent_us"].int }

    public var description: String { "\(offset): \(text.prefix(400))" }
}
