extension StaticString {
    /// The bytes of a string literal, without a terminator.
    public var bytes: Span<UInt8> {
        @_lifetime(immortal)
        get {
            let buffer = unsafe UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
            return unsafe _overrideLifetime(Span(_unsafeElements: buffer), copying: ())
        }
    }
}
