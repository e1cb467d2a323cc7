import Foundation

/// What Foundation's JSON reader, which shares no line with `Wire`, makes of the same bytes.
extension Promises {
    /// What we accepted is JSON for others too, and what we write of it says the same to them.
    func compare(_ bytes: [UInt8], _ written: [UInt8]) throws(Broken) {
        let before: [String: Any]
        switch foundation(bytes) {
        case .unrepresentable: return
        case .notJSON: throw Broken(promise: "what is accepted is JSON")
        case .object(let object): before = object
        }
        guard case .object(let after) = foundation(written) else {
            throw Broken(promise: "what is written is JSON")
        }
        for (name, value) in after where name != "metadata" {
            try expect(
                says(value, before[name] ?? NSNull(), name), "\(name) is written as it was read")
        }
    }

    /// What we call no JSON is none for others. Foundation alone takes a comma before a bracket.
    func confirm(_ bytes: [UInt8], notJSONAt place: Int) throws(Broken) {
        let spaces: [UInt8] = [0x20, 0x0A, 0x0D, 0x09]
        let last = bytes.prefix(place).last { !spaces.contains($0) }
        guard last != UInt8(ascii: ",") else { return }
        if case .object = foundation(bytes) { throw Broken(promise: "what is JSON is no other") }
    }

    private enum Opinion {
        case object([String: Any])
        case notJSON
        /// A number is too large for Foundation. For us it is one that no field can have.
        case unrepresentable
    }

    private func foundation(_ bytes: [UInt8]) -> Opinion {
        do {
            guard let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
            else { return .notJSON }
            return .object(object)
        } catch {
            let why = (error as NSError).userInfo[NSDebugDescriptionErrorKey] as? String
            return why?.contains("not representable") == true ? .unrepresentable : .notJSON
        }
    }

    /// Whether `after`, which we wrote, says what `before` said.
    private func says(_ after: Any, _ before: Any, _ name: String) -> Bool {
        switch (after, before) {
        case (is NSNull, is NSNull): true
        case (is NSNull, let before as String): name == "request_id" && before.isEmpty
        case (let after as NSNumber, is NSNull):
            switch name {
            case "max_attempts": after == 5
            case "counts": after == true
            case "unless_started": after == false
            case "protocol", "reads": after == 1
            // As `results_next`.
            case "results_read": true
            default: false
            }
        case (let after as String, is NSNull):
            ["last_request", "last_result"].contains(name) && after == "0000000000000000"
        case (let after as [String: Any], is NSNull): name == "parameters" && after.isEmpty
        case (let after as [Any], is NSNull): name == "running_timeouts_ms" && after.isEmpty
        case (let after as NSNumber, let before as NSNumber):
            after.doubleValue == before.doubleValue
        case (let after as String, let before as String):
            Array(after.utf8) == Array(before.utf8)
                || isHexadecimal(after) && after == before.lowercased()
                || isUnknown(before, name) && after == Self.unknown[name]
        // A parameter that is a number, true or false counts as its own text.
        case (is String, is NSNumber): true
        case (let after as [Any], let before as [Any]):
            (after.count == before.count || isLongerRow(before, than: after, name))
                && zip(after, before).allSatisfy { says($0, $1, name) }
        case (let after as [String: Any], let before as [String: Any]):
            after.allSatisfy { says($1, before[$0] ?? NSNull(), $0) }
        default: false
        }
    }

    /// How a word that is not known is written: it says no more than that.
    private static let unknown = ["op_code": "UNKNOWN", "status": "unknown", "role": "member"]
    private static let known: Set = [
        "NOOP", "ADD_MEMBER", "REMOVE_MEMBER", "ASSIGN_WORK_REQUEST", "CLAIM", "RESIGN",
        "CANCEL_WORK_REQUEST", "CHECKPOINT", "completed", "failed", "timed_out", "rejected", "lost",
        "exhausted", "leader", "candidate", "voter", "member",
    ]

    private func isUnknown(_ word: String, _ name: String) -> Bool {
        Self.unknown[name] != nil && !Self.known.contains(word)
    }

    /// A later version's.
    private func isLongerRow(_ before: [Any], than after: [Any], _ name: String) -> Bool {
        name == "unfinished" && after.count == 6 && before.count > 6
            && !after.contains { $0 is [Any] }
    }

    /// Worker ids, incarnations and keys are written in lower case.
    private func isHexadecimal(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 == UInt8(ascii: "-") || Character(UnicodeScalar($0)).isHexDigit }
    }
}
