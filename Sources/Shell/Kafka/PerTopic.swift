import Union

/// A value for each of the union's topics.
package struct PerTopic<Value> {
    private var leader, election, heartbeat, results, requests: Value

    package init(_ value: Value) {
        (leader, election, heartbeat, results, requests) = (value, value, value, value, value)
    }

    package subscript(topic: Topic) -> Value {
        get {
            switch topic {
            case .leader: leader
            case .election: election
            case .heartbeat: heartbeat
            case .results: results
            case .requests: requests
            }
        }
        set {
            switch topic {
            case .leader: leader = newValue
            case .election: election = newValue
            case .heartbeat: heartbeat = newValue
            case .results: results = newValue
            case .requests: requests = newValue
            }
        }
    }
}

extension PerTopic: Equatable where Value: Equatable {}
