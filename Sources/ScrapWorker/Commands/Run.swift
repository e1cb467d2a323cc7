import CLinux
import Shell
import Union

/// `run`: the node itself, from its configuration to its exit code.
enum Run {
    static func perform(_ config: borrowing Config) throws(Exit) {
        let code: Int32
        do {
            code = try run(config)
        } catch {
            throw say(error)
        }
        guard code == EX_OK else { throw Exit(code: code) }
    }

    private enum Failure: Error {
        case system(Errno)
        case kafka(KafkaError)
        /// Said already.
        case said(Exit)
    }

    private static func run(_ config: borrowing Config) throws(Failure) -> Int32 {
        var settings = config.settings
        settings.incarnation = randomNumber()
        // What systemd gave us is not for jobs; and signals before threads (see `Signals`).
        let notify = Notify()
        let signals = try system(Signals.init)
        let alarm = try system(Alarm.init)
        let jobs = try system { () throws(Errno) in try Jobs(killGraceMs: settings.killGraceMs) }
        let leds = try openLeds(config)
        let log = try openLog(config)
        var arena = Arena.mapped(Node.arenaBytes)
        let node = Node(settings, seed: randomNumber(), &arena)
        var loop = EventLoop(node, log, leds, jobs, notify, signals, alarm)
        do { return try loop.run(config) } catch { throw .system(error) }
    }

    private static func system<Owner: ~Copyable>(
        _ make: () throws(Errno) -> Owner
    ) throws(Failure) -> Owner {
        do { return try make() } catch { throw .system(error) }
    }

    private static func openLeds(_ config: borrowing Config) throws(Failure) -> Leds {
        do { return try Leds(config) } catch { throw .said(error) }
    }

    private static func openLog(_ config: borrowing Config) throws(Failure) -> KafkaLog {
        do { return try KafkaLog(config) } catch { throw .kafka(error) }
    }

    private static func say(_ failure: Failure) -> Exit {
        switch failure {
        case .said(let exit): return exit
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
