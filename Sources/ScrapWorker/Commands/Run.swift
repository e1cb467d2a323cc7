import CLinux
import Shell
import Union

/// `run`: the keeper of the LEDs, and below it the node, from its configuration to its exit code.
enum Run {
    static func perform(_ config: borrowing Config) throws(Exit) {
        // From here on this is the node's process: the keeper's goes no further.
        let keeper = try Keeper.begin(config)
        let code: Int32
        do {
            code = try run(config, keeper)
        } catch {
            throw say(error)
        }
        guard code == EX_OK else { throw Exit(code: code) }
    }

    private enum Failure: Error {
        case system(Errno)
        case kafka(KafkaError)
    }

    private static func run(
        _ config: borrowing Config, _ keeper: consuming KeeperLink
    ) throws(Failure) -> Int32 {
        var settings = config.settings
        settings.incarnation = randomNumber()
        // Signals before threads (see `Signals`).
        let notify = Notify()
        let signals = try system { () throws(Errno) in try Signals(reports: true) }
        let alarm = try system(Alarm.init)
        let jobs = try system { () throws(Errno) in try Jobs(killGraceMs: settings.killGraceMs) }
        // librdkafka's threads come and go with its handles; a heap for each would keep what they freed.
        _ = mallopt(M_ARENA_MAX, 1)
        if config.keys.key != nil {
            Log.write(.info) { (line: inout Log.Line) in line.put(config.keys) }
        }
        let log = try openLog(config)
        var arena = Arena.mapped(Node.arenaBytes)
        let node = Node(settings, seed: randomNumber(), &arena)
        let teller = CounterTeller(settings.workerID)
        var loop = EventLoop(node, log, keeper, jobs, notify, signals, alarm, teller)
        do { return try loop.run(config) } catch { throw .system(error) }
    }

    private static func system<Owner: ~Copyable>(
        _ make: () throws(Errno) -> Owner
    ) throws(Failure) -> Owner {
        do { return try make() } catch { throw .system(error) }
    }

    private static func openLog(_ config: borrowing Config) throws(Failure) -> KafkaLog {
        do { return try KafkaLog(config) } catch { throw .kafka(error) }
    }

    private static func say(_ failure: Failure) -> Exit {
        switch failure {
        case .system(let error):
            Log.write(.error) { (line: inout Log.Line) in
                line.put("a system call failed: ")
                line.put(errno: error.code)
            }
            return Exit(code: EX_OSERR)
        case .kafka(let error): return error.asExit()
        }
    }
}
