/// Whether the leader takes us in (design, section 5): a union has room for so many members, and takes
/// nobody whose jobs may run on for longer than its leader waits. Who is left out says and shows it.
struct Admission {
    /// Since when somebody leads who has not added us.
    private var waitsSince: Instant?
    private(set) var isLeftOut = false

    /// When we are left out, should nothing else happen.
    func dueAt(_ desk: borrowing Desk) -> Instant {
        guard let waitsSince, !isLeftOut else { return .never }
        return waitsSince + 2 * desk.settings.memberTimeoutMs
    }

    /// `isLed`: somebody else leads. (Who was started anew waits for its former life.)
    mutating func look(isLed: Bool, isAdded: Bool, _ desk: inout Desk) {
        guard isLed, !isAdded else {
            if isLeftOut, isAdded { desk.say(.takenIn) }
            self = Admission()
            return
        }
        if waitsSince == nil { waitsSince = desk.now }
        guard desk.now >= dueAt(desk) else { return }
        isLeftOut = true
        desk.say(.leftOut)
    }
}
