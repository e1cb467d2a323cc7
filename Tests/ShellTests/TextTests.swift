import Foundation
import Testing
import Union
import Wire

@testable import Shell

private func put(_ body: (inout FixedText<512>) -> Void) -> String {
    var text = FixedText<512>()
    body(&text)
    return string(text)
}

@Suite("Text for people")
struct TextTests {
    @Test("control characters of others are shown as ?, those beyond ASCII included")
    func foreign() {
        "a\u{1B}[2J\n\u{7F}é\u{9B}ü".lend { bytes in
            #expect(put { $0.put(foreign: bytes) } == "a?[2J??é\u{FFFD}?ü")
        }
        "plain: ~ äöü €".lend { bytes in
            #expect(put { $0.put(foreign: bytes) } == "plain: ~ äöü €")
        }
    }

    @Test("numbers: plain, aligned, filled, hexadecimal, tenths of milliseconds")
    func numbers() {
        #expect(put { $0.put(-42) } == "-42")
        #expect(put { $0.put(UInt64.max) } == "9223372036854775807")
        #expect(put { $0.put(7, width: 3) } == "  7")
        #expect(put { $0.put(7, width: 3, fill: UInt8(ascii: "0")) } == "007")
        #expect(put { $0.put(12345, width: 3) } == "12345")
        #expect(put { $0.put(hex: 0xAB, digits: 4) } == "00ab")
        #expect(put { $0.put(tenthsOfMs: 12_399) } == "12.3")
        #expect(put { $0.put(tenthsOfMs: 99) } == "0.0")
        #expect(put { $0.put(short: WorkerID(high: 0x6F1D_0C3E_0000_0000, low: 0)) } == "6f1d0c3e")
    }

    @Test("JSON strings are quoted so that a parser reads them back")
    func json() throws {
        let texts = ["plain", "a\"b\\c", "\n\t\r\u{0}\u{1F}\u{7F}", "ä€😀", ""]
        for text in texts {
            let json = text.lend { bytes in put { $0.put(json: bytes) } }
            let read = try JSONSerialization.jsonObject(
                with: Data(json.utf8), options: .fragmentsAllowed)
            #expect(read as? String == text)
        }
    }

    @Test("a text that is full is cut, never refused")
    func cut() {
        var text = FixedText<4>()
        text.put("abcdef")
        #expect(string(text) == "abcd")
    }

    @Test("decimal numbers are all digits, one sign before them, and fit 64 bits")
    func decimal() {
        let numbers: [(String, Int64?)] = [
            ("0", 0), ("007", 7), ("-12", -12), ("9223372036854775807", .max),
            ("9223372036854775808", nil), ("99999999999999999999", nil), ("", nil), ("-", nil),
            ("--1", nil), ("+1", nil), ("1a", nil), (" 1", nil), ("1 ", nil), ("/", nil),
            (":", nil),
        ]
        for (text, number) in numbers { #expect(text.lend { $0.decimal } == number, "\(text)") }
    }

    @Test("bytes are compared and searched")
    func bytes() {
        "a=b=c".lend { bytes in
            #expect(bytes.firstIndex(of: UInt8(ascii: "=")) == 1)
            #expect(bytes.lastIndex(of: UInt8(ascii: "=")) == 3)
            #expect(bytes.firstIndex(of: UInt8(ascii: "x")) == nil)
            #expect(bytes.hasPrefix("a=") && !bytes.hasPrefix("b") && !bytes.hasPrefix("a=b=c="))
            #expect(bytes.contains("b=c") && bytes.contains("") && !bytes.contains("bc"))
            #expect(bytes.equals("a=b=c") && !bytes.equals("a=b=") && !bytes.equals("a=b=d"))
        }
    }

    @Test("what is written to a descriptor is all there, and a broken one is noticed")
    func output() {
        let file = MemoryFile()
        var output = Output(file.fd)
        for i in 0..<10_000 {
            output.put(i)
            output.put("\n")
        }
        output.flush()
        #expect(output.isBroken == false)
        #expect(file.lines == (0..<10_000).map { "\($0)" })
        var broken = Output(-1)
        broken.put("x")
        broken.flush()
        #expect(broken.isBroken == true)
    }

    @Test("a terminal that is none gets no colours and no cursor movements")
    func noTerminal() {
        let file = MemoryFile()
        var terminal = Terminal(file.fd)
        #expect(terminal.isLive == false)
        terminal.colour(.red)
        terminal.put("text")
        terminal.plain()
        terminal.putLights(.voter)
        "too long a word".lend { terminal.put($0, width: 6) }
        "x".lend { terminal.put($0, width: 3) }
        terminal.put("|")
        terminal.begin(at: Instant(us: 1_000_000))
        #expect(terminal.due == Instant(us: 1_100_000))
        terminal.end()
        #expect(file.text.hasPrefix("text○ ○ ● ○ too l…x  |"))
    }

    @Test("every word that names a case leads back to it")
    func worded() {
        func check<Words: Worded & Equatable>(_ type: Words.Type) {
            for one in Words.all {
                #expect(string(one.word).lend { Words(word: $0) } == one)
            }
            #expect("nonsense".lend { Words(word: $0) } == nil)
        }
        check(Role.self)
        check(Command.self)
        check(Settings.Pace.self)
        check(Log.Level.self)
        check(LedDriver.self)
        check(ConfigSection.self)
        check(Count.self)
    }

    @Test("a log level shows itself and what is worse")
    func levels() {
        let order = [Log.Level.error, .warning, .info, .debug]
        for (i, level) in order.enumerated() {
            #expect(Int(level.syslog) == [3, 4, 6, 7][i])
        }
    }
}
