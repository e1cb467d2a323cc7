import Foundation
import Testing
import Union

@testable import Shell

private func at(_ ms: Int64) -> Instant { Instant(us: ms * 1000) }

private func lit(_ set: LampSet) -> [Lamp] {
    var lamps: [Lamp] = []
    for lamp in Lamp.all where set.contains(lamp) { lamps.append(lamp) }
    return lamps
}

@Suite("LEDs")
struct LedTests {
    @Test("online, exactly the role's LED is lit")
    func roles() {
        for (role, lamp) in [
            (Role.leader, Lamp.leader), (.candidate, .candidate), (.voter, .voter),
            (.member, .member),
        ] {
            var pattern = LedPattern()
            #expect(pattern.show(role, online: true, working: false, at: at(0)) == true)
            #expect(lit(pattern.lit) == [lamp] && pattern.nextBlink == .never)
        }
    }

    @Test("the work LED is lit beside it while a job runs")
    func work() {
        var pattern = LedPattern()
        _ = pattern.show(.voter, online: true, working: true, at: at(0))
        #expect(lit(pattern.lit) == [.voter, .work])
        #expect(pattern.show(.voter, online: true, working: false, at: at(1)) == true)
        #expect(lit(pattern.lit) == [.voter])
        #expect(lit(pattern.litBefore) == [.voter, .work])
    }

    @Test("what is not new changes nothing")
    func nothingNew() {
        var pattern = LedPattern()
        #expect(pattern.show(.member, online: false, working: false, at: at(0)) == true)
        #expect(pattern.show(.member, online: false, working: false, at: at(1)) == false)
        #expect(pattern.show(.leader, online: true, working: false, at: at(1)) == true)
        #expect(pattern.show(.leader, online: true, working: false, at: at(2)) == false)
    }

    @Test(
        "offline, a member's LED blinks, whatever the role: half a second lit, half a second dark")
    func blinking() {
        var pattern = LedPattern()
        _ = pattern.show(.leader, online: true, working: true, at: at(0))
        _ = pattern.show(.leader, online: false, working: true, at: at(100))
        #expect(lit(pattern.lit) == [.member, .work] && pattern.nextBlink == at(600))
        #expect(pattern.tick(at: at(599)) == false)
        #expect(pattern.tick(at: at(600)) == true)
        #expect(lit(pattern.lit) == [.work] && lit(pattern.litBefore) == [.member, .work])
        #expect(pattern.tick(at: at(1100)) == true)
        #expect(lit(pattern.lit) == [.member, .work])
    }

    @Test("a change while it blinks does not disturb the blinking")
    func changeWhileBlinking() {
        var pattern = LedPattern()
        _ = pattern.show(.member, online: false, working: false, at: at(0))
        _ = pattern.tick(at: at(500))
        #expect(pattern.show(.member, online: false, working: true, at: at(700)) == true)
        #expect(lit(pattern.lit) == [.work] && pattern.nextBlink == at(1000))
    }

    @Test("online again, it blinks no more")
    func onlineAgain() {
        var pattern = LedPattern()
        _ = pattern.show(.member, online: false, working: false, at: at(0))
        _ = pattern.show(.member, online: true, working: false, at: at(100))
        #expect(pattern.nextBlink == .never)
        #expect(pattern.tick(at: at(10_000)) == false)
        #expect(lit(pattern.lit) == [.member])
    }

    @Test("the terminal shows each LED by its name")
    func terminal() {
        var pattern = LedPattern()
        _ = pattern.show(.voter, online: true, working: true, at: at(0))
        #expect(
            string(TerminalLeds.picture(pattern))
                == "○ leader  ○ candidate  ● voter  ○ member  ● work\n")
        _ = pattern.show(.voter, online: false, working: false, at: at(0))
        #expect(
            string(TerminalLeds.picture(pattern))
                == "○ leader  ○ candidate  ○ voter  ● member  ○ work  (offline)\n")
    }

    @Test("a report for the demo is read as it was written; offline, every node is a member")
    func report() throws {
        let file = MemoryFile()
        let leds = ReportLeds(fd: file.fd)
        var pattern = LedPattern()
        _ = pattern.show(.leader, online: true, working: true, at: at(0))
        leds.announce(pattern)
        _ = pattern.show(.leader, online: false, working: false, at: at(0))
        leds.announce(pattern)
        let reports = file.lines.map { $0.lend { LedReport($0) } }
        #expect(reports.count == 2)
        let first = try #require(reports[0])
        #expect(first.role == .leader && first.isOnline && first.isWorking)
        let second = try #require(reports[1])
        #expect(second.role == .member && !second.isOnline && !second.isWorking)
        #expect(second.at >= first.at)
    }

    @Test(
        "what is no report is none",
        arguments: [
            "", "1", "1 leader", "x leader 1 0", "1 boss 1 0", "1 leader 2 0", "1 leader 1 x",
            "1 leader 1", "leader 1 0", "1  1 0",
        ])
    func noReport(_ line: String) {
        #expect(line.lend { LedReport($0) } == nil)
        #expect("1 leader 1 0".lend { LedReport($0) } != nil)
    }

    @Test("each LED has a bit and a value of its own")
    func distinct() {
        var values = PerLamp(0)
        var set = LampSet()
        var number = 0
        for lamp in Lamp.all {
            number += 1
            #expect(!set.contains(lamp))
            set.insert(lamp)
            values[lamp] = number
        }
        #expect(set == .all)
        var read: [Int] = []
        for lamp in Lamp.all { read.append(values[lamp]) }
        #expect(read == [1, 2, 3, 4, 5])
    }

    @Test("a LED is found by its word")
    func words() {
        for lamp in Lamp.all { #expect(string(lamp.word).lend { Lamp(word: $0) } == lamp) }
        #expect("Leader".lend { Lamp(word: $0) } == nil)
        #expect(string(Lamp(.candidate).word) == "candidate")
    }
}
