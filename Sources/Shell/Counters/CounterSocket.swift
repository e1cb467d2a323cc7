import CLinux
import Union
import Wire

/// Where a node tells its counters to whoever asks on the same machine, `watch --json` for one: a
/// socket that is called `scrap-worker/` and the worker's id, in Linux's abstract namespace
/// (unix(7)). It needs no folder, leaves no file behind, and works under systemd and in a terminal
/// alike. Whoever connects gets one line of `name=value` pairs, and the end.
private func socketName(_ id: WorkerID) -> FixedText<64> {
    var name = FixedText<64>("scrap-worker/")
    name.put(id.uuid)
    return name
}

/// The text that travels.
typealias CounterText = FixedText<4096>

extension Counters {
    var text: CounterText {
        var text = CounterText()
        for count in Count.all {
            if !text.isEmpty { text.put(" ") }
            text.put(count, of: self)
        }
        text.put("\n")
        return text
    }
}

/// The node's side.
package struct CounterTeller: ~Copyable {
    private let listener: Descriptor?
    /// Readable when somebody asks; -1: nobody can, and that is said.
    package let fd: Int32

    package init(_ id: WorkerID) {
        do throws(Errno) {
            let listener = try Descriptor(
                unsafe socketName(id).withCString { unsafe scrap_listen($0) })
            fd = listener.fd
            self.listener = consume listener
        } catch {
            fd = -1
            listener = nil
            Log.write(.warning) { (line: inout Log.Line) in
                line.put("nobody can ask this node for its counters: ")
                line.put(errno: error.code)
            }
        }
    }

    /// Answers everybody who has asked, up to eight at once. Whoever does not take it is left.
    package func tell(_ counters: Counters) {
        for _ in 0..<8 {
            guard fd >= 0, let asker = try? Descriptor(scrap_accept(fd)) else { return }
            _ = counters.text.withSpan { text in
                unsafe text.withUnsafeBytes {
                    unsafe scrap_send(asker.fd, $0.baseAddress, $0.count)
                }
            }
        }
    }
}

/// The side of who asks.
package struct CounterAsker: ~Copyable {
    private static let everyMs: Int32 = 5000

    private let name: FixedText<64>
    private var answer: Descriptor?
    private var askAt = Instant.zero
    /// What has come of the answer, and the last whole one.
    private var text = CounterText()
    private var told = CounterText()

    package init(_ id: WorkerID) { name = socketName(id) }

    /// Whether the node's counters are others than when this was asked last. Asks the node every
    /// five seconds, and never waits: where there is no node there is no news.
    package mutating func hasNews(at now: Instant) -> Bool {
        if answer == nil {
            guard now >= askAt else { return false }
            askAt = now + Self.everyMs
            answer = try? Descriptor(unsafe name.withCString { unsafe scrap_connect($0) })
            text.removeAll()
        }
        guard isWhole() else { return false }
        answer = nil
        guard !text.isEmpty && text != told else { return false }
        told = text
        return true
    }

    /// Reads what there is; true at its end.
    private mutating func isWhole() -> Bool {
        guard answer != nil else { return false }
        var chunk = InlineArray<512, UInt8>(repeating: 0)
        while true {
            do throws(Errno) {
                guard let count = try answer!.read(into: &chunk) else { return false }
                guard count > 0 else { return true }
                text.append(chunk.span.extracting(first: count))
            } catch {
                return true
            }
        }
    }

    /// The last answer as fields of a JSON object that has others before: `,"tenures":1`. What is
    /// no counter is left out, whoever wrote it.
    package func putJSON<Sink: TextSink & ~Copyable>(to sink: inout Sink) {
        var start = 0
        for i in 0..<told.count where told[i] == 0x20 || told[i] == 0x0A {
            let pair = told.withSpan { Self.pair($0.extracting(start..<i)) }
            start = i + 1
            guard let pair else { continue }
            sink.put(",\"")
            sink.put(pair.name)
            sink.put("\":")
            sink.put(pair.value)
        }
    }

    private static func pair(_ text: Span<UInt8>) -> (name: FixedText<64>, value: Int64)? {
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > 0,
            let value = text.extracting((equals + 1)..<text.count).decimal
        else { return nil }
        var name = FixedText<64>()
        for i in 0..<equals {
            let isLetter = text[i] >= UInt8(ascii: "a") && text[i] <= UInt8(ascii: "z")
            guard isLetter || text[i] == UInt8(ascii: "_"), name.append(text[i]) else { return nil }
        }
        return (name, value)
    }
}
