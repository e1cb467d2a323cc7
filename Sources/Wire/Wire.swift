import CJsmn

/// How many JSON tokens `text` holds, or nil when it is not one complete JSON value.
func tokenCount(_ text: Span<UInt8>) -> Int? {
    var parser = jsmn_parser()
    unsafe jsmn_init(&parser)
    let count = unsafe text.withUnsafeBufferPointer { bytes in
        unsafe bytes.withMemoryRebound(to: CChar.self) { text in
            unsafe jsmn_parse(&parser, text.baseAddress, text.count, nil, 0)
        }
    }
    return count < 0 ? nil : Int(count)
}
