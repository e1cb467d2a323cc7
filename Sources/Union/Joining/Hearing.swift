/// When a node reads heartbeats (design, section 5). Who leads acts on them, and reads all. The others
/// want to know how many there are, and whether a twin is among them: in a small union they read
/// all, too; in a larger one they listen by turns, so that each reads about as much as in a small one.
struct Hearing {
    private enum State: Equatable {
        /// The end of `heartbeat` was asked for: it is read from there. `knowsOthers`: the broker has
        /// lost some while we listened, and who was there a moment ago still counts.
        case asking(knowsOthers: Bool)
        /// Whoever lives is heard within `member_timeout_ms` of this.
        case listening(since: Instant)
        case away(until: Instant)
    }

    private var state = State.asking(knowsOthers: false)
    /// Other workers, as they were heard when we listened last.
    private(set) var heard = Heard()

    var isListening: Bool {
        if case .listening = state { true } else { false }
    }

    /// Whoever lives, and writes heartbeats, was heard.
    func hasListened(_ desk: borrowing Desk) -> Bool {
        guard case .listening(let since) = state else { return false }
        return desk.now >= since + desk.settings.memberTimeoutMs / 2
    }

    /// When it begins or ends to listen, should nothing else happen.
    func dueAt(_ desk: borrowing Desk) -> Instant {
        switch state {
        case .asking: .never
        case .listening(let since): since + desk.settings.memberTimeoutMs
        case .away(let until): until
        }
    }

    /// `heartbeat` is read from its end on; true when heartbeats were passed over on purpose.
    mutating func begin(at now: Instant) -> Bool {
        defer { state = .listening(since: now) }
        return state == .asking(knowsOthers: false)
    }

    /// The broker has lost heartbeats, those where we wanted to read on: the end was asked for.
    mutating func onVanished(_ desk: inout Desk) {
        guard isListening else { return }
        state = .asking(knowsOthers: true)
        desk.close(.heartbeat)
    }

    /// These others were heard within `member_timeout_ms`, if we listened for as long.
    mutating func note(_ more: Heard) {
        if isListening { heard.add(more) }
    }

    /// The broker is there again: who else is, was never more uncertain.
    mutating func hasten(at now: Instant) {
        if case .away = state { state = .away(until: now) }
    }

    /// `isNeeded`: we must hear everybody. True when it reads no heartbeats from now on.
    mutating func act(
        isNeeded: Bool, _ roster: borrowing Roster, _ desk: inout Desk
    ) -> Bool {
        switch state {
        case .asking: return false
        case .away(let until):
            guard isNeeded || desk.now >= until else { return false }
            state = .asking(knowsOthers: false)
            desk.emit(.ask(.heartbeat))
            return false
        case .listening(let since):
            guard desk.now >= dueAt(desk) else { return false }
            heard = roster.heard(since: since, desk)
            state = .listening(since: desk.now)
            let turns = (heard.others + 1) / desk.settings.capacities.smallUnion
            guard !isNeeded, turns > 1 else { return false }
            let turnMs = desk.settings.memberTimeoutMs
            // Not all of them at the same moments.
            let awayMs = Int64(turnMs) * Int64(turns - 1) + Int64(desk.random(below: turnMs))
            state = .away(until: desk.now + Int32(clamping: awayMs))
            desk.close(.heartbeat)
            return true
        }
    }
}

/// Other workers that are heard, and what they speak.
struct Heard {
    private(set) var others: Int32 = 0
    /// The newest protocol that any of them speaks.
    private(set) var newest: Int32 = 0
    /// And the oldest of what each speaks at the newest; 0: nobody is heard.
    private(set) var oldest: Int32 = 0
    /// How many do not understand us, or we them.
    private(set) var unfit: Int32 = 0

    mutating func note(_ versions: Versions, _ desk: borrowing Desk) {
        others += 1
        newest = max(newest, versions.newest)
        oldest = others == 1 ? versions.newest : min(oldest, versions.newest)
        if !versions.fits(desk.settings.versions) { unfit += 1 }
    }

    /// The same workers, of whom some were not heard either time.
    mutating func add(_ more: Heard) {
        others = max(others, more.others)
        newest = max(newest, more.newest)
        if more.others > 0 { oldest = oldest == 0 ? more.oldest : min(oldest, more.oldest) }
        unfit = max(unfit, more.unfit)
    }
}
