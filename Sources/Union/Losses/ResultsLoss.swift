/// What a leader does when the broker has lost results (design, section 12): a request whose outcome
/// is not there any more is open again.
///
/// Noticed by comparing: `results` ends before what was read, or before what the last checkpoint says
/// was read; or another record stands where the last one stood. Then what is still there is read
/// again, a little from before, as at a takeover; and then `openAgain`.
extension Leader {
    /// The broker does not have the offset of `results` where we wanted to read on.
    mutating func onResultsVanished() { readResultsAgain() }

    /// The broker was away. It may be another that knows less, and may have new records already where
    /// we have read others: the last of `results` is read again.
    mutating func doubtResults(_ desk: inout Desk) {
        guard takeover.phase == .done, let offset = takeover.verifyLast() else { return }
        desk.open(.results, from: offset)
    }

    /// A record of `results` was read, or its end: the last one that was read before is not there.
    mutating func findResultsLost(_ desk: inout Desk) {
        guard takeover.phase == .done, takeover.hasLost else { return }
        readResultsAgain()
        desk.emit(.ask(.results))
    }

    private mutating func readResultsAgain() {
        takeover.readAgain()
        ledger.forgetOutcomes()
    }

    /// `results` has been read again. What the leader log said was open, when results were read up to
    /// a place from which they have been read again now, is open unless they say otherwise. And the last
    /// requests are read again: not all of them were ever said to be open.
    mutating func openAgain(_ elector: borrowing Elector, _ desk: inout Desk) {
        let (wanted, from) = (takeover.hadReadTo, takeover.readFrom)
        desk.say(.logLost(.results, wanted: wanted, from: from))
        for place in 0..<elector.openWork.capacity {
            guard let row = elector.openWork.row(place) else { continue }
            openAgain(row, at: elector.openWork.checkpoint.resultsNext, &desk)
        }
        // Newest first, and no more than a checkpoint can say: else nobody had room for their orders.
        for i in (0..<elector.openWork.dropped.count).reversed() where hasRoomToOpen(desk) {
            let dropped = elector.openWork.dropped[i]
            openAgain(dropped.row, at: dropped.openAt, &desk)
        }
        let low = requests.low ?? 0
        // Requests may be read again for a loss of their own: then this is not the second way back.
        let end = max(requests.next, requestsLoss.rereadsUntil)
        requests.goBack(to: max(low, end - Offset(Limits.openWork)))
        requestsLoss.rereadByID(until: end)
        checkpoints.wantNow()
    }

    private mutating func openAgain(_ row: OpenWork, at openAt: Offset, _ desk: inout Desk) {
        guard openAt >= takeover.readFrom, row.requestOffset < requests.next,
            ledger.find(row.requestOffset) == nil, !ledger.isKnown(row.requestKey)
        else { return }
        var row = row
        row.workerID = nil
        ledger.takeOver(row, at: desk.now)
        desk.count(.openedAgain)
    }
}
