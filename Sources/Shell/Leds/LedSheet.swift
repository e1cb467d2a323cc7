import CLinux
import Union

/// What a keeper is told to show (design, section 7).
package enum Told: Equatable {
    /// What a node is. Exactly one role's LED is lit while it is online.
    case node(Role, online: Bool, working: Bool)
    /// These LEDs, for `leds`.
    case lamps(LampSet)

    /// Before anything was told.
    package static let nothing = Told.node(.member, online: false, working: false)

    /// Whether a leader's LED is lit by it.
    package var lightsLeader: Bool {
        switch self {
        case .node(let role, let isOnline, _): role == .leader && isOnline
        case .lamps(let set): set.contains(.leader)
        }
    }

    private static let onlineBit: Int64 = 1 << 8
    private static let workingBit: Int64 = 1 << 9
    private static let lampsBit: Int64 = 1 << 10

    /// The same as one number, which another process reads whole or not at all.
    package var word: Int64 {
        switch self {
        case .node(let role, let online, let working):
            Int64(role.rawValue) | (online ? Self.onlineBit : 0) | (working ? Self.workingBit : 0)
        case .lamps(let set): Int64(set.bits) | Self.lampsBit
        }
    }

    package init(word: Int64) {
        let low = UInt8(truncatingIfNeeded: word)
        if word & Self.lampsBit != 0 {
            self = .lamps(LampSet(bits: low))
        } else {
            self = .node(
                Role(rawValue: low) ?? .member, online: word & Self.onlineBit != 0,
                working: word & Self.workingBit != 0)
        }
    }
}

/// A page of memory between a node and the keeper of its LEDs: what is to be shown and until when,
/// which the node writes, and what the keeper has seen of it.
///
/// Each is one word. Whatever mixture of old and new ones a keeper reads, it lights no leader's LED
/// beyond a lease that the node had: `until` is only ever the end of one, or over.
@safe
public struct LedSheet: ~Copyable {
    private static let words = 4
    private let page: UnsafeMutablePointer<Int64>

    package init() throws(Errno) {
        guard let base = unsafe scrap_map_shared(Self.words * MemoryLayout<Int64>.size) else {
            throw .last
        }
        unsafe page = base.bindMemory(to: Int64.self, capacity: Self.words)
        told = .nothing
    }

    deinit { unsafe munmap(page, Self.words * MemoryLayout<Int64>.size) }

    package var told: Told {
        get { Told(word: unsafe scrap_load(page)) }
        nonmutating set { unsafe scrap_store(page, newValue.word) }
    }

    /// Until when the leader's LED may be lit; `.lamps` any.
    package var until: Instant {
        get { Instant(us: unsafe scrap_load(page + 1)) }
        nonmutating set { unsafe scrap_store(page + 1, newValue.us) }
    }

    /// Counts what the node has asked, and what of it the keeper has shown.
    package var asked: Int64 {
        get { unsafe scrap_load(page + 2) }
        nonmutating set { unsafe scrap_store(page + 2, newValue) }
    }
    package var answered: Int64 {
        get { unsafe scrap_load(page + 3) }
        nonmutating set { unsafe scrap_store(page + 3, newValue) }
    }
}
