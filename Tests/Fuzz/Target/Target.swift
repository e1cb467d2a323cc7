import Union
import WirePromises

// What libFuzzer calls; it has the `main` of this program.

nonisolated(unsafe) private var promises = Promises()

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    do {
        _ = try promises.examine(input)
    } catch {
        fatalError("broken: \(error.promise)")
    }
    return 0
}

@c(LLVMFuzzerCustomMutator)
public func mutate(
    _ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ limit: Int, _ seed: UInt32
) -> Int {
    var mutation = Mutation(random: Random(seed: UInt64(seed))) { old in
        let room = limit - count + old.count
        guard room > 0 else { return old }
        return Array(unsafeUninitializedCapacity: room) { bytes, size in
            _ = bytes.initialize(fromContentsOf: old)
            size = mutateBytes(bytes.baseAddress!, old.count, room)
        }
    }
    let changed = mutation.change(Array(UnsafeBufferPointer(start: start, count: count)))
    let size = min(changed.count, limit)
    start.update(from: changed, count: size)
    return size
}

/// libFuzzer's own changes.
@_extern(c, "LLVMFuzzerMutate")
private func mutateBytes(_ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ limit: Int) -> Int
