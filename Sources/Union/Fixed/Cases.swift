/// An enumeration whose raw values count its cases from 0, as the compiler gives them. `all` goes
/// through them in the order of their declaration, so that nobody counts them a second time;
/// `CaseIterable` would make an array of them.
public protocol Cases: RawRepresentable where RawValue == UInt8 {}

extension Cases {
    public static var all: IteratorSequence<AllOf<Self>> { IteratorSequence(AllOf()) }
}

/// Every case of an enumeration, in order.
public struct AllOf<Element: Cases>: IteratorProtocol {
    private var raw: UInt8 = 0

    init() {}

    public mutating func next() -> Element? {
        defer { raw &+= 1 }
        return Element(rawValue: raw)
    }
}
