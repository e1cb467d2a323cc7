import Union

extension Candidacy {
    init(_ object: borrowing JSONObject, payload: inout Payload.Buffer) throws(Malformed) {
        self.init(
            workerID: try object.workerID(.workerID),
            incarnation: try object.hex(.incarnation),
            term: try object.integer(.term),
            ranking: try object.small(.ranking),
            countdown: try object.optionalSmall(.acceptanceCountdown),
            nominee: try object.optionalWorkerID(.nominee))
        versions = try object.versions
        try object.packIDs(.votesReceived, into: &payload)
    }

    func write(_ votes: Span<UInt8>, into buffer: inout RecordBuffer) {
        buffer.openObject()
        buffer.field(.workerID, workerID)
        buffer.field(.ranking, ranking)
        buffer.field(.votesReceived, ids: votes)
        buffer.field(.acceptanceCountdown, countdown)
        buffer.field(.nominee, nominee)
        buffer.field(.term, term)
        buffer.field(.incarnation, hex: incarnation)
        buffer.field(versions)
        buffer.closeObject()
    }
}
