import CLinux
import Shell
import Union

/// The whole program: parses the command line, loads the configuration and hands over to the
/// command. Returns the process's exit code (sysexits(3)).
@c(scrap_worker_main)
public func scrapWorkerMain(
    _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
    _ version: UnsafePointer<CChar>
) -> Int32 {
    scrap_open_standard()
    if let code = unsafe Minder.run(count, arguments) { return code }
    let options: Options
    do throws(Misuse) {
        options = try unsafe Options(count, arguments, version: Argument(cString: version))
    } catch {
        writeAll(STDERR_FILENO, error.text.span)
        return EX_USAGE
    }
    if let answer = options.answer {
        var output = Output(STDOUT_FILENO)
        output.put(answer.bytes)
        output.put("\n")
        output.flush()
        return output.isBroken ? EX_IOERR : EX_OK
    }
    do throws(Exit) {
        try perform(options)
        return EX_OK
    } catch {
        return error.code
    }
}

private func perform(_ options: borrowing Options) throws(Exit) {
    if let parent = options.parent { dieWithParent(parent) }
    useOwnResolver()
    Log.start(.info)
    if options.command == .demo { return try Demo.perform(options) }
    if options.command == .key { return try Key.perform() }
    if options.report { Report.begin(options.version) }
    let config = try ConfigLoader.load(options, identity: options.command == .run)
    Log.start(config.logLevel)
    if options.command == .run { Log.neverWait() }
    warnOfOpenKeys(config)
    switch options.command {
    case .run: try Run.perform(config)
    case .broker: try Broker.perform(config)
    case .submit: try Submit.perform(options, config)
    case .watch: try Watch.perform(options, config)
    case .leds: try LedsCommand.perform(options, config)
    case .check: try Check.perform(options, config)
    case .health: try Health.perform(options, config)
    case .demo, .key: preconditionFailure("performed above")
    }
}

private func warnOfOpenKeys(_ config: borrowing Config) {
    for i in 0..<config.keysOpenToOthers.count {
        Log.write(.warning) { (line: inout Log.Line) in
            line.put("every user of this machine can read or change the union's key in ")
            line.put(foreign: config.bytes(config.keysOpenToOthers[i]))
            line.put(": chmod o= makes it a secret")
        }
    }
}

/// Ends this process when its parent, a `demo` or a keeper, ends in whatever way: PR_SET_PDEATHSIG
/// of prctl(2). The parent may have gone before that.
func dieWithParent(_ parent: pid_t) {
    guard scrap_die_with_parent(SIGKILL) == 0, getppid() == parent else { exit(EX_UNAVAILABLE) }
}

/// Names are resolved by this binary's own code: "files" and "dns" are linked in. Other services
/// of nsswitch.conf, such as Raspberry Pi OS's mdns4_minimal, are modules made for another glibc.
private func useOwnResolver() {
    unsafe _ = __nss_configure_lookup(Argument("hosts").cString, Argument("files dns").cString)
}
