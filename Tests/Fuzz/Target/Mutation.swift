import Union

/// A change of an input that leaves most of it a record: changed bytes alone rarely stay JSON, and
/// rarely get past the first checks.
struct Mutation {
    var random: Random
    /// Changes bytes without a thought for what they mean.
    let bytewise: ([UInt8]) -> [UInt8]

    private static let samples = [
        "null", "true", "0", "-1", "1.0", "5e2", "9007199254740992", "\"\"", "\"\\u0000\"", "[]",
        "[[0,0,null,0,\"0000000000000000\",null]]", "{}", "{\"a\":1,\"b\":\"c\"}",
        "\"00000000-0000-0000-0000-00000000000F\"", "\"0123456789ABCDEF\"",
    ].map { Array($0.utf8) }

    mutating func change(_ input: [UInt8]) -> [UInt8] {
        let parts = Self.parts(of: input)
        guard chance(3, of: 4), let part = pick(parts) else { return bytewise(input) }
        let old = Array(input[part])
        let space: [UInt8] = [0x20, 0x0A, 0x0D, 0x09].dropLast(Int(random.below(4)))
        let new: [UInt8] =
            switch random.below(8) {
            case 0: bytewise(old)
            // Between the quotes or brackets.
            case 1, 2: old.prefix(1) + bytewise(Array(old.dropFirst().dropLast())) + old.suffix(1)
            case 3: Array(input[pick(parts)!])
            case 4: pick(Self.samples)!
            case 5: old + [UInt8(ascii: ",")] + old
            case 6: chance(1, of: 2) ? old + space : space + old
            default: []
            }
        var range = part
        if new.isEmpty, range.upperBound < input.count, input[range.upperBound] == 0x2C {
            range = range.lowerBound..<(range.upperBound + 1)
        }
        return input[..<range.lowerBound] + new + input[range.upperBound...]
    }

    private mutating func chance(_ n: Int32, of all: Int32) -> Bool { random.below(all) < n }

    private mutating func pick<T>(_ list: [T]) -> T? {
        list.isEmpty ? nil : list[Int(random.below(Int32(list.count)))]
    }

    /// Where the values, the names, and names together with their values stand; of bytes that are
    /// not JSON, what looks like them.
    private static func parts(of input: [UInt8]) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var open: [Int] = []
        /// The beginnings of strings, by their ends.
        var strings: [Int: Int] = [:]
        var start = 1
        while start < input.count {
            var end = start + 1
            switch input[start] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open.append(start)
                start = end
                continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                start = open.popLast() ?? start
            case UInt8(ascii: "\""):
                while end < input.count, input[end] != UInt8(ascii: "\"") {
                    end += input[end] == UInt8(ascii: "\\") ? 2 : 1
                }
                end = min(end + 1, input.count)
                strings[end] = start
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x00...0x20:
                start = end
                continue
            default:
                while end < input.count, isScalar(input[end]) { end += 1 }
            }
            parts.append(start..<end)
            if input[start - 1] == UInt8(ascii: ":"), let name = strings[start - 1] {
                parts.append(name..<end)
            }
            start = end
        }
        return parts
    }

    private static func isScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
