/// Whether the leader takes us in (design, section 5): a union has room for so many members, and takes
/// nobody whose jobs may run on for longer than its leader waits, or whose version does not fit the
/// others'. Who is left out says and shows it.
struct Admission {
    /// Since when somebody leads who has not added us.
    private var waitsSince: Instant?
    private(set) var isLeftOut = false
    /// The last leader that was read, as its claim or its heartbeats say; nil: neither was read.
    private var leader: (id: WorkerID, versions: Versions)?
    /// The last leader does not understand us, or we not it: we do not follow.
    private(set) var isOutside = false

    /// True when we have followed until now, and do not any more.
    mutating func note(
        leader id: WorkerID, _ versions: Versions, _ desk: borrowing Desk
    ) -> Bool {
        let wasOutside = isOutside
        leader = (id, versions)
        isOutside = !versions.fits(desk.settings.versions)
        return isOutside && !wasOutside
    }

    /// When we are left out, should nothing else happen.
    func dueAt(_ desk: borrowing Desk) -> Instant {
        guard let waitsSince, !isLeftOut else { return .never }
        return waitsSince + 2 * desk.settings.memberTimeoutMs
    }

    /// `isLed`: somebody else leads. (Who was started anew waits for its former life.)
    mutating func look(isLed: Bool, isAdded: Bool, _ desk: inout Desk) {
        guard isLed, !isAdded else {
            if isLeftOut, isAdded { desk.say(.takenIn) }
            (waitsSince, isLeftOut) = (nil, false)
            return
        }
        if waitsSince == nil { waitsSince = desk.now }
        guard !isLeftOut else { return }
        if let leader, isOutside {
            isLeftOut = true
            desk.say(.versionDiffers(leader.id, leader.versions, desk.settings.versions))
        } else if desk.now >= dueAt(desk) {
            isLeftOut = true
            desk.say(.leftOut)
        }
    }
}
