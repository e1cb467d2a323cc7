import CLinux
import Union

/// The five topics' full names as C strings that stay where they are. Made once per process.
@safe
package struct TopicNames {
    private static let room = 128
    private let base: UnsafeMutablePointer<CChar>

    package init(_ config: borrowing Config) {
        guard let page = unsafe scrap_map(Topic.count * Self.room) else { fatalError("mmap") }
        unsafe base = page.assumingMemoryBound(to: CChar.self)
        for topic in Topic.all {
            let name = config.name(of: topic)
            for i in 0..<name.count {
                unsafe base[Int(topic.rawValue) * Self.room + i] = CChar(bitPattern: name[i])
            }
        }
    }

    /// The name, ended by a zero byte: the page is zeroed, and longer than any name.
    package subscript(topic: Topic) -> Argument {
        unsafe Argument(cString: base + Int(topic.rawValue) * Self.room)
    }

    /// The topic that is called so.
    package func topic(named name: Span<UInt8>) -> Topic? {
        for topic in Topic.all where self[topic].bytes.equals(name) { return topic }
        return nil
    }
}
