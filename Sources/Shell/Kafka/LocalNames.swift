import Union

/// What to do about a broker whose name only multicast DNS knows.
package let localNamesAdvice: StaticString = """
    (.local names need multicast DNS, which this program does not speak: give the broker's \
    address, or name it in /etc/hosts)
    """

extension Span<UInt8> {
    /// Whether a host in a list of `HOST:PORT` ends in `.local`.
    package var hasLocalName: Bool {
        for i in indices where extracting(i...).hasPrefix(".local") {
            let end = i + 6
            if end == count || self[end] == UInt8(ascii: ":") || self[end] == UInt8(ascii: ",") {
                return true
            }
        }
        return false
    }
}
