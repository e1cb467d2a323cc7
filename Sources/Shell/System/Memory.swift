import CLinux
import Union

extension Arena {
    /// An arena of `bytes` zeroed bytes that lives as long as the process. Pages that are never
    /// written cost nothing. Traps when the kernel has no memory: this happens at start.
    package static func mapped(_ bytes: Int) -> Arena {
        guard let base = unsafe scrap_map(bytes) else { fatalError("mmap") }
        return unsafe Arena(UnsafeMutableRawBufferPointer(start: base, count: bytes))
    }
}
