import CLinux
import Union

/// The descriptors of one poll(2).
package struct PollSet {
    /// Three for each job, and the loop's own.
    private static let capacity = 3 * Limits.bench + 8

    private var descriptors = InlineArray<200, pollfd>(repeating: pollfd())
    private var count = 0

    package init() {}

    package mutating func removeAll() { count = 0 }

    package mutating func add(_ fd: Int32, _ events: Int32) {
        precondition(count < Self.capacity, "PollSet: full")
        descriptors[count] = pollfd(fd: fd, events: Int16(events), revents: 0)
        count += 1
    }

    /// Waits until a descriptor is ready, or `ms` have passed; -1: for ever.
    package mutating func wait(ms: Int32) throws(Errno) {
        let used = nfds_t(count)
        var span = descriptors.mutableSpan
        let result = unsafe span.withUnsafeMutableBufferPointer {
            unsafe poll($0.baseAddress, used, ms)
        }
        guard result >= 0 || Errno.last == .interrupted else { throw .last }
    }

    /// Whether something happened on the descriptor that was added as the `index`th.
    package func isReady(_ index: Int) -> Bool {
        precondition(index < count, "PollSet: index out of range")
        return descriptors[index].revents != 0
    }
}
