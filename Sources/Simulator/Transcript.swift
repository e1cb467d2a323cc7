import Union

/// What happened, a line each, for people; kept only when wanted.
public final class Transcript {
    public let isKept: Bool
    public private(set) var lines: [String] = []

    init(isKept: Bool) { self.isKept = isKept }

    func say(_ now: Int64, _ board: Board, _ text: @autoclosure () -> String) {
        guard isKept else { return }
        say(now, "board \(board.index)", text())
    }

    func say(_ now: Int64, _ who: String, _ text: @autoclosure () -> String) {
        guard isKept else { return }
        let us = String(now % 1_000_000)
        let padded = String(repeating: "0", count: 6 - us.count) + us
        lines.append("\(now / 1_000_000).\(padded) \(who): \(text())")
    }
}

// MARK: - Short names

extension Transcript {
    static func name(_ id: WorkerID?) -> String {
        guard let id else { return "nobody" }
        return id.low <= Limits.members ? "\(id.low - 1)" : "a stranger"
    }

    static func name(_ record: Record) -> String {
        switch record {
        case .leader(let r) where r.isMark: "a mark of \(name(r.workerID))"
        case .leader(let r): "term \(r.term) of \(name(r.workerID)): \(name(r.order))"
        case .candidacy(let c): name(c)
        case .heartbeat(let h):
            "heartbeat \(h.count) of \(name(h.workerID)), term \(h.term), led by "
                + "\(name(h.leaderID)), has \(h.runningCount)"
        case .request(let r): "request \(text(r.requestID)) \(text(r.opCode))"
        case .result(let r):
            "result requests[\(r.requestOffset)] attempt \(r.attempt) of \(name(r.workerID)): "
                + "\(r.status)\(r.final ? ", final" : "")"
        }
    }

    private static func name(_ c: Candidacy) -> String {
        var text = "candidacy of \(name(c.workerID)), term \(c.term), ranking \(c.ranking)"
        if let countdown = c.countdown { text += ", countdown \(countdown)" }
        if let nominee = c.nominee { text += ", votes for \(name(nominee))" }
        return text
    }

    private static func name(_ order: Order) -> String {
        switch order {
        case .claim: "CLAIM"
        case .noop: "NOOP"
        case .resign: "RESIGN"
        case .addMember(let id, _): "ADD_MEMBER \(name(id))"
        case .removeMember(let id): "REMOVE_MEMBER \(name(id))"
        case .assign(let a): "ASSIGN \(name(a.attempt)), \(a.failures) failed"
        case .cancel(let a, let unlessStarted):
            "CANCEL \(name(a))\(unlessStarted ? " unless started" : "")"
        case .unknown: "an order of a later version"
        case .checkpoint(let c):
            "CHECKPOINT requests from \(c.requestsNext), results from \(c.resultsNext)"
        }
    }

    static func name(_ a: Attempt) -> String {
        "requests[\(a.requestOffset)] attempt \(a.attempt) to \(name(a.workerID))"
    }

    static func name(_ effect: Effect) -> String {
        switch effect {
        case .write(let record, _): "write \(name(record))"
        case .start(_, let a, _, _): "start \(name(a.attempt))"
        default: "\(effect)"
        }
    }

    private static func text<let n: Int>(_ text: FixedText<n>) -> String {
        text.span.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}
