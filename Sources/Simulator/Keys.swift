import Union

/// A union that has a key, or gets one, changes it, takes it out: step by step, while it works.
enum KeyStep {
    /// What boards sign with, and what they accept; each fits the one before it, and the one after it.
    static let all: [(signs: KeyID, accepts: AcceptedKeys)] = [
        (0, AcceptedKeys()), (0, AcceptedKeys(1, or: 0)), (1, AcceptedKeys(1, or: 0)),
        (1, AcceptedKeys(1)), (1, AcceptedKeys(2, or: 1)), (2, AcceptedKeys(2, or: 1)),
        (2, AcceptedKeys(2)),
    ]
    static let required = 3
    /// A key that no board has.
    static let foreign: KeyID = 99
}

extension SimulatedUnion {
    /// Gives the union a key, which no stranger has.
    func setKey() {
        keyStep = KeyStep.required
        for board in boards {
            board.keyStep = keyStep
            takeKeyStep(board)
        }
    }

    /// The board is told what it signs with.
    func takeKeyStep(_ board: Board) {
        let step = KeyStep.all[board.keyStep]
        (board.settings.signsWith, board.settings.accepts) = (step.signs, step.accepts)
    }

    /// Somebody goes from board to board, and to the next step, or back, when all are there.
    func rollKey() -> Bool {
        let left = boards.filter { $0.lives > 0 && $0.keyStep != keyStep }
        guard !left.isEmpty else {
            // He waits until somebody leads, and has said what is open so that the next step's boards
            // read it.
            let next = keyStep + (random.below(3) == 0 ? -1 : 1)
            guard leader != nil, boards.allSatisfy({ $0.isRunning || $0.lives == 0 }),
                KeyStep.all.indices.contains(next),
                KeyStep.all[next].accepts.contains(checkpointKey),
                // What strangers have written would be valid then.
                !strangersWrote || !KeyStep.all[next].accepts.contains(0)
            else { return false }
            keyStep = next
            transcript.say(now, "faults", "key step \(keyStep)")
            return true
        }
        let board = left[Int(random.below(Int32(left.count)))]
        board.nextKeyStep = keyStep
        guard board.life != nil, board.pausedUntil == nil else { return false }
        startAgain(board)
        return true
    }

    var hasRolledKey: Bool { tally.faults[Fault.keyRolls.rawValue] > 0 }

    /// Whether all boards that have ever started take what is signed so for valid, or none does; nil: some
    /// do.
    func isValid(_ key: KeyID) -> Bool? {
        var (some, all) = (false, true)
        for board in boards where board.lives > 0 {
            let isAccepted = board.settings.accepts.contains(key)
            (some, all) = (some || isAccepted, all && isAccepted)
        }
        return some == all ? all : nil
    }

    /// Whether a record that the broker has is valid for this board.
    func isValid(_ offset: Offset, of topic: Topic, for board: Board) -> Bool {
        let log = topics[topic.index]
        return !log.contains(offset) || board.settings.accepts.contains(log[offset].signedBy)
    }

    /// With what users sign: the latest that all boards accept.
    var usersKey: KeyID {
        let keys = boards.map { $0.settings.signsWith }
        return keys.filter { isValid($0) == true }.max() ?? KeyStep.all[keyStep].signs
    }
}
