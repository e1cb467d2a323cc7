import Union

/// The core's rules between timings in the words of the configuration file.
extension Settings.Rule {
    package var formula: StaticString {
        switch self {
        case .announcementsFitLease: "2 x announce_ms <= lease_ms"
        case .leaseEndsBeforeCampaign: "1.25 x lease_ms <= leader_timeout_ms"
        case .heartbeatsRenewLease: "2 x heartbeat_ms + announce_ms <= worker_lease_ms"
        case .jobsDieBeforeRemoval: "worker_lease_ms + kill_grace_ms + 2 % < member_timeout_ms"
        case .removalBeforeCancel: "member_timeout_ms <= ack_timeout_ms"
        case .countdownFitsCampaign: "2 x countdown_delay_ms < campaign_ttl_ms"
        case .candidaciesComeRound: "lease_ms <= campaign_ttl_ms"
        }
    }

    package var why: StaticString {
        switch self {
        case .announcementsFitLease: "one lost announcement would end the lease"
        case .leaseEndsBeforeCampaign:
            "followers must not campaign while the leader's LED can be lit"
        case .heartbeatsRenewLease: "a worker's lease would end before it can be renewed"
        case .jobsDieBeforeRemoval:
            "a lost worker's jobs must be dead before they are given to another"
        case .removalBeforeCancel: "an assignment must not be given up before its worker is"
        case .countdownFitsCampaign:
            "a campaign would be dropped between two numbers of its countdown"
        case .candidaciesComeRound:
            "on a broker that a leader can bear, no candidacy would come round in its time"
        }
    }
}
