import CLinux
import Foundation
import Testing
import Union
import Wire

@testable import Shell

/// getopt_long(3) keeps its place in global variables.
private let getopt = NSLock()

/// The options of `scrap-worker WORDS`.
private func parse(_ words: String...) throws(Misuse) -> Options { try parse(words) }

private func parse(_ words: [String]) throws(Misuse) -> Options {
    getopt.lock()
    defer { getopt.unlock() }
    var vector = (["scrap-worker"] + words).map { strdup($0) }
    let count = Int32(vector.count)
    vector.append(nil)
    let arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
        capacity: vector.count)
    for i in 0..<vector.count { arguments[i] = vector[i] }
    return try unsafe Options(count, arguments, version: "scrap-worker 9.8.7".argument)
}

/// What is said about a wrong command line; nil when it is right.
private func misuse(_ words: String...) -> String? {
    do throws(Misuse) {
        _ = try parse(words)
        return nil
    } catch {
        return string(error.text)
    }
}

private func texts<let n: Int>(_ list: FixedArray<n, Argument>) -> [String] {
    (0..<list.count).map { string(list[$0].bytes) }
}

@Suite("The command line")
struct OptionsTests {
    @Test("every command is known by its word")
    func commands() throws {
        for command in Command.all {
            let word = string(command.word)
            let options = try parse(command == .submit ? [word, "noop"] : [word])
            #expect(options.command == command && options.answer == nil)
        }
    }

    @Test("what is not said has its default")
    func defaults() throws {
        let submit = try parse("submit", "noop")
        #expect(submit.requests == 1 && submit.rate == nil && submit.timeoutMs == nil)
        #expect(submit.maxAttempts == 5 && submit.id.count == 0 && !submit.wait && !submit.json)
        #expect(submit.configFile == nil && submit.overrides.count == 0 && submit.withinS == nil)
        #expect(submit.code == nil && submit.parameters.count == 0)
        let demo = try parse("demo")
        #expect(demo.nodes == 5 && demo.killLeaderEveryS == nil && demo.forS == nil)
        #expect(demo.pace == .normal && demo.parent == nil)
    }

    @Test("submit's options are taken, before its op and after it")
    func submit() throws {
        let options = try parse(
            "submit", "--code", "x y", "--param", "a=1", "thumbnail", "--param=b=2=3",
            "--timeout", "500", "--max-attempts", "7", "--id", "mine", "--count", "20", "--rate",
            "2.5", "--wait", "--json", "--within", "9", "-c", "f.conf", "-o", "worker.slots=2",
            "--option", "log.level=debug")
        #expect(string(options.op.bytes) == "thumbnail")
        #expect(options.code.map { string($0.bytes) } == "x y")
        #expect(texts(options.parameters) == ["a=1", "b=2=3"])
        #expect(options.timeoutMs == 500 && options.maxAttempts == 7 && options.requests == 20)
        #expect(string(options.id.bytes) == "mine" && options.rate == 2.5)
        #expect(options.wait && options.json && options.withinS == 9)
        #expect(options.configFile.map { string($0.bytes) } == "f.conf")
        #expect(texts(options.overrides) == ["worker.slots=2", "log.level=debug"])
    }

    @Test("demo's options are taken")
    func demo() throws {
        let options = try parse(
            "demo", "-n", "16", "--kill-leader-every", "0.5", "--for", "60", "--pace", "classroom")
        #expect(options.nodes == 16 && options.killLeaderEveryS == 0.5 && options.forS == 60)
        #expect(options.pace == .classroom)
        let nodes = try parse("demo", "--nodes=1").nodes
        #expect(nodes == 1)
    }

    @Test("help and version are answers, in a command's place and after one")
    func answers() throws {
        func answer(_ words: String...) throws -> String? {
            try parse(words).answer.map { string($0.bytes) }
        }
        let program = string(Help.program)
        for word in ["--help", "-h", "help"] { #expect(try answer(word) == program) }
        for word in ["--version", "-V"] { #expect(try answer(word) == "scrap-worker 9.8.7") }
        for command in Command.all {
            let word = string(command.word)
            let help = try answer(word, "--help")
            #expect(help == string(Help.of(command)))
            #expect(help?.contains("scrap-worker \(word)") == true)
            #expect(program.contains("  \(word) "))
            #expect(try answer(word, "-V") == "scrap-worker 9.8.7")
        }
        // What comes after the question is not looked at.
        #expect(try answer("watch", "-h", "--nonsense") == string(Help.of(.watch)))
    }

    @Test("no command at all: the help, on standard error")
    func nothing() { #expect(misuse() == string(Help.program) + "\n") }

    static let wrong: [([String], String)] = [
        (["fly"], "there is no command `fly`; scrap-worker --help lists what there is"),
        (["submit"], "submit needs the name of an op: submit `OP`; "),
        (["run", "x"], "nothing more is expected here: `x`; "),
        (["submit", "a", "b"], "nothing more is expected here: `b`; "),
        (["run", "--nonsense"], "this is no option, or it lacks its value: `--nonsense`; "),
        (["run", "-c"], "this is no option, or it lacks its value: `-c`; "),
        (["run", "--json"], "this command has no option `--json`; "),
        (["watch", "--wait"], "this command has no option `--wait`; "),
        (["demo", "-c", "x"], "this command has no option `--config`; "),
        (["check", "-n", "5"], "this command has no option `--nodes`; "),
        (["submit", "a", "--die-with-parent", "1"], "this command has no option `--die-with-"),
        (
            ["demo", "--pace", "slow"],
            "--pace takes fast, normal, cloud or classroom, not `slow`; "
        ),
        (["submit", "a", "--param", "x"], "--param takes KEY=VALUE, not `x`; "),
        (["submit", "a", "--param", "=x"], "--param takes KEY=VALUE, not `=x`; "),
    ]

    @Test("wrong use is told with the word that is wrong", arguments: wrong)
    func wrongUse(_ wrong: (words: [String], start: String)) {
        do throws(Misuse) {
            _ = try parse(wrong.words)
            Issue.record("taken")
        } catch {
            let text = string(error.text)
            #expect(text.hasPrefix("scrap-worker: " + wrong.start), "\(text)")
            #expect(text.hasSuffix("\n"))
        }
    }

    static let numbers: [(option: [String], low: Int64, high: Int64)] = [
        (["submit", "a", "--count"], 1, 1_000_000),
        (["submit", "a", "--timeout"], 1, 86_400_000),
        (["submit", "a", "--max-attempts"], 1, 100),
        (["submit", "a", "--within"], 1, 86_400),
        (["demo", "--nodes"], 1, 16),
        (["run", "--die-with-parent"], 1, 2_147_483_647),
    ]

    @Test("a number is taken within its range, and refused beside it", arguments: numbers)
    func number(_ number: (option: [String], low: Int64, high: Int64)) throws {
        for right in [number.low, number.high] {
            _ = try parse(number.option + ["\(right)"])
        }
        for wrong in ["\(number.low - 1)", "\(number.high + 1)", "x", "", "1.5"] {
            do throws(Misuse) {
                _ = try parse(number.option + [wrong])
                Issue.record("\(wrong) is taken")
            } catch {
                let option = number.option.last!
                #expect(
                    string(error.text) == "scrap-worker: \(option) takes a number from "
                        + "\(number.low) to \(number.high), not `\(wrong)`\n")
            }
        }
    }

    @Test("seconds and rates may have a fraction, but are above 0 and have a limit")
    func decimals() throws {
        for (text, value) in [("1", 1.0), ("0.25", 0.25), ("3.", 3), ("1000000", 1e6)] {
            let rate = try parse("submit", "a", "--rate", text).rate
            #expect(rate == value)
        }
        for wrong in ["0", "0.0", "-1", "1.-5", ".5", "1000001", "1e3", "1.1234567", "x"] {
            #expect(misuse("submit", "a", "--rate", wrong) != nil, "\(wrong)")
        }
        #expect(misuse("demo", "--for", "864000") == nil)
        #expect(misuse("demo", "--for", "864001") != nil)
        #expect(misuse("demo", "--kill-leader-every", "86401") != nil)
    }

    @Test("what fits the wire is taken, and what does not is refused")
    func wireLimits() throws {
        func long(_ count: Int) -> String { String(repeating: "x", count: count) }
        #expect(misuse("submit", long(Limits.opBytes)) == nil)
        #expect(
            misuse("submit", long(33)) == "scrap-worker: an op's name is too long, the limit is "
                + "32 bytes: `\(long(33))`\n")
        #expect(misuse("submit", "a", "--id", long(Limits.idBytes)) == nil)
        #expect(misuse("submit", "a", "--id", long(65))?.contains("limit is 64 bytes") == true)
        #expect(misuse("submit", "a", "--count", "2", "--id", long(56)) == nil)
        #expect(
            misuse("submit", "a", "--count", "2", "--id", long(57))?.contains("limit is 56 bytes")
                == true)
        let parameters = (1...Limits.parameters).flatMap { ["--param", "k\($0)=v"] }
        _ = try parse(["submit", "a"] + parameters)
        do throws(Misuse) {
            _ = try parse(["submit", "a"] + parameters + ["--param", "x=y"])
            Issue.record("17 parameters are taken")
        } catch {
            #expect(string(error.text).hasPrefix("scrap-worker: too many of `--param`"))
        }
    }

    @Test("a request of the largest numbers that are taken can be read by every node")
    func extremesTravel() throws {
        let options = try parse(
            "submit", "op", "--timeout", "\(OptionsTests.numbers[1].high)", "--max-attempts",
            "\(OptionsTests.numbers[2].high)")
        var payload = Payload.Buffer()
        try RequestPayload.pack(
            code: nil, Parameters(), requesterID: nil, signature: nil, into: &payload)
        let request = WorkRequest(
            requestID: fixed("id"), opCode: fixed("op"), timeoutMs: options.timeoutMs,
            maxAttempts: options.maxAttempts)
        var buffer = RecordBuffer()
        let fits = encode(.request(request), payload.span, into: &buffer)
        #expect(fits)
        var decoder = RecordDecoder()
        let record = try decoder.decode(buffer.span, from: .requests, payload: &payload)
        guard case .request(let read) = record else {
            Issue.record("no request")
            return
        }
        #expect(read.timeoutMs == options.timeoutMs && read.maxAttempts == options.maxAttempts)
    }

    @Test("64 overrides fit")
    func overrides() throws {
        let fits = Array(repeating: ["-o", "a.b=c"], count: 64).flatMap { $0 }
        let count = try parse(["run"] + fits).overrides.count
        #expect(count == 64)
        do throws(Misuse) {
            _ = try parse(["run"] + fits + ["-o", "a.b=c"])
            Issue.record("65 are taken")
        } catch {
            #expect(string(error.text).hasPrefix("scrap-worker: too many of `--option`"))
        }
    }

    @Test("what a user typed cannot forge a line")
    func foreign() {
        #expect(misuse("a\nb")?.hasPrefix("scrap-worker: there is no command `a?b`") == true)
    }
}

@Suite("The manual and the completion")
struct ManualTests {
    private func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test("name every command and every option that is for people")
    func options() throws {
        let manual = try text("board/deb/scrap-worker.1").replacing("\\-", with: "-")
        let completion = try text("board/deb/completion.bash")
        for command in Command.all {
            #expect(manual.contains(string(command.word)), "\(command)")
            #expect(completion.contains(string(command.word)), "\(command)")
        }
        for flag in Flag.all where flag != .dieWithParent {
            #expect(manual.contains(string(flag.word)), "\(flag)")
            #expect(completion.contains(string(flag.word)), "\(flag)")
            let helps = Command.all.filter { flag.isFor($0) }.map { string(Help.of($0)) }
            if flag != .help && flag != .version {
                let short =
                    flag == .config ? "-c " : flag == .override ? "-o " : "\(string(flag.word))"
                #expect(
                    helps.allSatisfy { $0.contains(short) || $0.contains("[options]") }, "\(flag)")
            }
        }
    }
}
