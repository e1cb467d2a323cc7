import CLinux
import Shell
import Union

/// `health`: whether the broker hears this machine's node. It waits for a heartbeat that was
/// written after it began to look.
enum Health {
    static func perform(_ options: borrowing Options, _ config: borrowing Config) throws(Exit) {
        let within = options.withinS ?? 10
        let end = Clock.now.adding(us: within * 1_000_000)
        var client = try KafkaClient.open(config, withinS: within)
        client.log.ask(.heartbeat)
        while Clock.now < end, try client.wait(until: end) {
            while let event = try client.nextEvent() {
                switch event {
                case .bounds(.heartbeat, _, let high, _): client.log.seek(.heartbeat, to: high)
                case .vanished(.heartbeat): client.log.ask(.heartbeat)
                default: continue
                }
            }
            while let record = client.read(.heartbeat) {
                guard case .heartbeat(let heartbeat) = record else { continue }
                if heartbeat.workerID == config.settings.workerID { return }
            }
        }
        let id = config.settings.workerID
        Log.write(.error) { (line: inout Log.Line) in
            line.put("the broker does not hear the node ")
            line.put(short: id)
        }
        throw Exit(code: EX_UNAVAILABLE)
    }
}
