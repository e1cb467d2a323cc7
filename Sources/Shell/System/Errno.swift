import CLinux
import Union

/// Why a system call failed: errno.
package struct Errno: Error, Equatable {
    package var code: Int32

    package init(code: Int32) { self.code = code }

    /// The calling thread's errno(3).
    package static var last: Errno { Errno(code: scrap_errno()) }

    package static let interrupted = Errno(code: EINTR)
    package static let wouldBlock = Errno(code: EAGAIN)
}

/// A file descriptor, closed with its owner: close(2).
public struct Descriptor: ~Copyable {
    package let fd: Int32

    /// Takes over what a system call returned; throws its errno when that is negative.
    package init(_ result: Int32) throws(Errno) {
        guard result >= 0 else { throw .last }
        fd = result
    }

    deinit { close(fd) }

    /// Bytes read into `buffer`, 0 at the end of the stream, nil when there is nothing now:
    /// read(2) on a non-blocking descriptor.
    package func read<let n: Int>(into buffer: inout InlineArray<n, UInt8>) throws(Errno) -> Int? {
        var span = buffer.mutableSpan
        let count = unsafe span.withUnsafeMutableBufferPointer {
            unsafe CLinux.read(fd, $0.baseAddress!, n)
        }
        return try Self.result(count)
    }

    /// Bytes written, nil when there is no room now: write(2) on a non-blocking descriptor.
    package func write(_ bytes: Span<UInt8>) throws(Errno) -> Int? {
        let count = unsafe bytes.withUnsafeBufferPointer {
            unsafe CLinux.write(fd, $0.baseAddress, $0.count)
        }
        return try Self.result(count)
    }

    private static func result(_ count: Int) throws(Errno) -> Int? {
        if count >= 0 { return count }
        let error = Errno.last
        guard error == .wouldBlock || error == .interrupted else { throw error }
        return nil
    }
}

/// Random bytes of the kernel: getrandom(2). It blocks only before the kernel has gathered
/// entropy, early in a boot.
package func randomNumber() -> UInt64 {
    var number: UInt64 = 0
    var count = -1
    repeat {
        count = unsafe withUnsafeMutableBytes(of: &number) {
            unsafe getrandom($0.baseAddress!, $0.count, 0)
        }
    } while count < 0 && Errno.last == .interrupted
    guard count == MemoryLayout<UInt64>.size else { fatalError("getrandom") }
    return number
}

/// A descriptor that any thread can make readable: eventfd(2).
package struct Bell: ~Copyable {
    private let descriptor: Descriptor

    package var fd: Int32 { descriptor.fd }

    package init() throws(Errno) {
        descriptor = try Descriptor(
            eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)))
    }

    /// Makes it unreadable until it is rung again.
    package func acknowledge() throws(Errno) {
        var count = InlineArray<8, UInt8>(repeating: 0)
        _ = try descriptor.read(into: &count)
    }
}
