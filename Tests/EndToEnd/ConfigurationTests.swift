import Foundation
import Harness
import Testing

extension EndToEnd {
    @Suite("wrong configurations") struct ConfigurationTests {
        struct Wrong: CustomTestStringConvertible {
            let what: String
            let file: String
            /// All are in what the program says.
            let words: [String]

            init(_ what: String, _ file: String, _ words: String...) {
                (self.what, self.file, self.words) = (what, file, words)
            }

            var testDescription: String { what }
        }

        static let wrong = [
            Wrong(
                "an unknown key", "[worker]\nranking = 5\nrankin = 7\n",
                "wrong.conf:3", "rankin", "ranking"),
            Wrong(
                "an unknown section", "[wroker]\nranking = 5\n", "wrong.conf", "wroker", "worker"),
            Wrong("a key outside of sections", "ranking = 5\n", "wrong.conf:1", "ranking"),
            Wrong("a line that is neither", "[worker]\nwhat is this\n", "wrong.conf:2"),
            Wrong("ten slots", "[worker]\nslots = 10\n", "wrong.conf:2", "slots", "10", "1", "8"),
            Wrong("no slots", "[worker]\nslots = 0\n", "wrong.conf:2", "slots", "1", "8"),
            Wrong(
                "a negative ranking", "[worker]\nranking = -1\n", "wrong.conf:2", "ranking", "-1",
                "1000000"),
            Wrong("a number that is none", "[worker]\nranking = 5x\n", "wrong.conf:2", "5x"),
            Wrong(
                "an unknown pace", "[worker]\npace = slow\n", "wrong.conf:2", "slow", "fast",
                "normal", "classroom"),
            Wrong("an id that is none", "[worker]\nid = 12\n", "wrong.conf:2", "id", "12", "UUID"),
            Wrong(
                "a topic prefix that Kafka forbids", "[worker]\ntopic_prefix = a/b\n",
                "wrong.conf:2", "topic_prefix", "a/b"),
            Wrong(
                "a lease longer than the timeout", "[timing]\nlease_ms = 2000\n",
                "lease_ms", "leader_timeout_ms", "1000"),
            Wrong(
                "announcements rarer than the lease", "[timing]\nannounce_ms = 500\n",
                "announce_ms", "lease_ms"),
            Wrong(
                "a member's timeout within the worker's lease",
                "[timing]\nmember_timeout_ms = 1800\n", "worker_lease_ms", "member_timeout_ms"),
            Wrong(
                "an op without a program", "[op.thumbnail]\ntimeout_ms = 5\n", "thumbnail", "exec"),
            Wrong(
                "33 ops", (1...33).map { "[op.o\($0)]\nexec = /bin/true\n" }.joined(), "32", "op"),
            Wrong(
                "a key that librdkafka does not know", "[kafka]\nbootstrap.servants = x\n",
                "wrong.conf:2", "bootstrap.servants"),
            Wrong(
                "a mechanism that is not in this build",
                "[kafka]\nsecurity.protocol = sasl_plaintext\nsasl.mechanisms = GSSAPI\n", "GSSAPI"),
            Wrong(
                "an unknown LED driver", "[leds]\ndriver = neon\n", "wrong.conf:2", "neon", "gpio"),
        ]

        private static let identity = "worker.id=00000000-0000-4000-8000-000000000001"

        @Test("is refused with exit code 78, naming place and remedy", arguments: wrong)
        func refused(_ wrong: Wrong) throws {
            let path = "\(try newFolder("wrong"))/wrong.conf"
            try wrong.file.write(toFile: path, atomically: true, encoding: .utf8)
            let command = try Command("run", "-c", path, "-o", Self.identity)
            #expect(command.end == .exit(78))
            for word in wrong.words {
                #expect(command.errors.contains(word), "no \(word) in: \(command.errors)")
            }
        }

        @Test("everything that is wrong is said at once")
        func all() throws {
            let path = "\(try newFolder("wrong"))/wrong.conf"
            try "[worker]\nslots = 10\ncolor = red\n[sky]\nblue = 1\n"
                .write(toFile: path, atomically: true, encoding: .utf8)
            let command = try Command("run", "-c", path)
            for place in ["wrong.conf:2", "wrong.conf:3", "wrong.conf:5"] {
                #expect(command.errors.contains(place), "no \(place) in: \(command.errors)")
            }
        }

        @Test("a node without an identity of its own does not start, and is told the remedy")
        func noIdentity() throws {
            let hidden = "mount --bind /dev/null /etc/machine-id && exec \"$0\" run"
            let child = try Child(
                "run without a machine id", "/usr/bin/unshare",
                ["--mount", "/bin/sh", "-c", hidden, Programs.scrapWorker])
            defer { child.destroy() }
            #expect(try child.waitForEnd() == .exit(78))
            #expect(child.errors.text.contains("/etc/machine-id"), "\(child.story)")
            #expect(child.errors.text.contains("worker.id"), "\(child.story)")
        }

        @Test("a file may end without a newline")
        func lastLine() throws {
            let path = "\(try newFolder("right"))/cut.conf"
            try "[worker]\nslots = 99".write(toFile: path, atomically: true, encoding: .utf8)
            let command = try Command("run", "-c", path, "-o", Self.identity)
            #expect(command.end == .exit(78) && command.errors.contains("cut.conf:2"))
        }

        @Test("a file that is not there is named")
        func missingFile() throws {
            let command = try Command("run", "-c", "/nowhere/scrap-worker.conf")
            #expect(command.end == .exit(66))
            #expect(command.errors.contains("/nowhere/scrap-worker.conf"))
        }

        @Test("wrong options and variables are named, too")
        func otherSources() throws {
            let option = try Command("run", "-o", "worker.slots=99")
            #expect(option.end == .exit(78) && option.errors.contains("worker.slots"))
            let shapeless = try Command("run", "-o", "slots")
            #expect(shapeless.end == .exit(78) && shapeless.errors.contains("section.key=value"))
            let variable = try Command("run", environment: ["SCRAP_WORKER_SLOTS": "99"])
            #expect(variable.end == .exit(78) && variable.errors.contains("SCRAP_WORKER_SLOTS"))
        }

        @Test("an option overrides the file, and a variable overrides both")
        func precedence() throws {
            let address = try EndToEnd.noida.get().address
            let path = "\(try newFolder("right"))/right.conf"
            try """
            [worker]
            id = 00000000-0000-4000-8000-000000000001
            ranking = 11
            topic_prefix = precedence-
            [kafka]
            bootstrap.servers = \(address)

            """.write(toFile: path, atomically: true, encoding: .utf8)
            let file = try Command("check", "-c", path)
            #expect(file.end == .exit(0) && file.output.contains("ranking 11"), "\(file)")
            let option = try Command("check", "-c", path, "-o", "worker.ranking=22")
            #expect(option.output.contains("ranking 22"), "\(option)")
            let variable = try Command(
                "check", "-c", path, "-o", "worker.ranking=22",
                environment: ["SCRAP_WORKER_RANKING": "33"])
            #expect(variable.output.contains("ranking 33"), "\(variable)")
        }

        @Test("wrong use is told from wrong configuration")
        func usage() throws {
            for words in [["fly"], ["submit"], ["run", "--json"], ["demo", "-n", "0"], []] {
                let child = try Child("usage", Programs.scrapWorker, words)
                #expect(try child.waitForEnd() == .exit(64), "\(words)")
                #expect(!child.errors.text.isEmpty)
            }
        }
    }
}
