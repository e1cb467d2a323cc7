import CGpiod
import CLinux
import CRdkafka
import Shell
import Union

/// `check --report`: one paste for a bug report. What `check` says comes last.
enum Report {
    private static let logLines: StaticString = "40"
    private static let journalMs: Int32 = 5000

    /// Program and machine; what comes on standard error from here on is part of the report.
    static func begin(_ version: Argument) {
        dup2(STDOUT_FILENO, STDERR_FILENO)
        var output = Output(STDOUT_FILENO)
        output.put(version.bytes)
        output.put(", librdkafka ")
        if let version = unsafe rd_kafka_version_str() { unsafe output.put(cString: version) }
        output.put(", libgpiod ")
        if let version = unsafe gpiod_api_version() { unsafe output.put(cString: version) }
        output.put("\n")
        MachineReport.put(to: &output)
        output.put("\n")
        output.flush()
    }

    /// The configuration without secrets, the GPIO chips, and the node's last log lines, where the
    /// journal lets us.
    static func describe(_ config: borrowing Config) {
        var output = Output(STDOUT_FILENO)
        output.put("configuration, as the program has it:\n")
        config.report(to: &output)
        output.put("\nGPIO chips:\n")
        if !GpioLeds.describeChips(to: &output) { output.put("  none that can be opened\n") }
        output.put("\nthe journal's last lines of scrap-worker.service:\n")
        var words = Words()
        words.add("journalctl")
        words.add("--unit=scrap-worker.service")
        words.add("--no-pager")
        words.add("--output=short-iso")
        words.add("--lines")
        words.add(logLines)
        let isDone = unsafe ProgramOutput.put(of: words, withinMs: journalMs, to: &output)
        if !isDone {
            output.put("(journalctl cannot tell them: there is none, or this user may not)\n")
        }
        output.put("\nwhat was tried:\n")
        output.flush()
    }
}
