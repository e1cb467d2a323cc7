/// The one door for records that the broker loses (design, section 12): what each room
/// does about it. Nothing else in the node asks whether the broker may have lost something but
/// through what these rooms say: `LeaderLogLoss` (is the log another, may others have orders that we
/// do not know), `RequestsLoss` (are the requests still those that we have read), `WorkerLease` (do
/// our heartbeats' offsets still mean ours) and `Blindness` (what a leader does that cannot know).
extension Node {
    /// Which offsets a topic holds: asked for to join, to take over, or in doubt.
    mutating func onBounds(
        _ topic: Topic, low: Offset, high: Offset, askedAt: Instant
    ) {
        switch topic {
        case .leader: onLeaderBounds(low: low, high: high)
        case .election: joining.onElectionBounds(high: high, &desk)
        case .heartbeat:
            if joining.knowsHeartbeats {
                leader.noteHeartbeatsSkipped(desk)
                twin.notePassedOver(ownCount: worker.heartbeatCount)
            }
            if hearing.begin(at: desk.now) { leader.forgetWhoIsThere() }
            let from = joining.onHeartbeatBounds(low: low, high: high, &desk)
            elector.hasRead(heartbeatsBefore: from)
        case .results: leader.onResultsBounds(low: low, high: high, &elector, &desk)
        case .requests:
            leader.onRequestsBounds(low: low, high: high, askedAt: askedAt, &elector, &desk)
        }
        finishJoining()
    }

    private mutating func onLeaderBounds(low: Offset, high: Offset) {
        guard joining.isAsking else { return }
        let next = desk.next(.leader)
        if next > high { desk.say(.logLost(.leader, wanted: next, from: low)) }
        // Whom it has added since, under our id too, may be among what is passed over, or lost.
        twin.forgetAdded()
        joining.onLeaderBounds(low: low, high: high, &elector, &desk)
    }

    /// The broker does not have the offset where we wanted to read on.
    mutating func onVanished(_ topic: Topic) {
        desk.count(.logsLost)
        switch topic {
        case .leader:
            // On our way in, we may wait for heartbeats that are lost as well.
            if !joining.isJoined { desk.emit(.ask(.heartbeat)) }
            joining.beginAgain()
            twin.onLeaderLogLost()
            elector.loseRecords(desk)
            worker.doubtHeartbeats(desk)
            leader.end(&desk)
            noticeLeading()
            worker.loseOrders(&desk)
        case .heartbeat:
            worker.onHeartbeatsLost()
            elector.doubtHeartbeats()
            hearing.onVanished(&desk)
        case .election: break
        case .results:
            guard leader.hasTenure else { return }
            leader.onResultsVanished()
        case .requests:
            guard leader.hasTenure else { return }
            leader.onRequestsVanished()
        }
        desk.emit(.ask(topic))
    }

    mutating func onBroker(isThere: Bool) {
        guard isThere != brokerIsThere else { return }
        desk.say(isThere ? .brokerFound : .brokerLost)
        brokerIsThere = isThere
        // What anybody had read of heartbeats may be lost, and others at those offsets.
        worker.doubtHeartbeats(desk)
        worker.onBroker(isThere: isThere, desk)
        elector.doubtHeartbeats()
        if isThere {
            leader.doubtRequests(&desk)
            leader.doubtResults(&desk)
            hearing.hasten(at: desk.now)
        }
        contactAt = desk.now
        elector.returnToMember(&desk)
    }
}
