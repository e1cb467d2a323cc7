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

@Suite("what a keeper shows")
struct KeptPatternTests {
    private func pattern() -> KeptPattern { KeptPattern(silenceMs: 1000) }
    private let leads = Told.node(.leader, online: true, working: false)

    @Test("before anything was heard the member's LED blinks")
    func unheard() {
        var pattern = pattern()
        pattern.show(.nothing, until: .zero, heardAt: at(-5000), at: at(0))
        #expect(lit(pattern.lit) == [.member] && pattern.nextChange == at(500))
        pattern.show(.nothing, until: .zero, heardAt: at(-5000), at: at(500))
        #expect(lit(pattern.lit) == [])
    }

    @Test("a leader's LED is lit until the lease's end, and not at it")
    func lease() {
        var pattern = pattern()
        pattern.show(leads, until: at(800), heardAt: at(0), at: at(0))
        #expect(lit(pattern.lit) == [.leader] && pattern.nextChange == at(800))
        pattern.show(leads, until: at(800), heardAt: at(0), at: at(799))
        #expect(lit(pattern.lit) == [.leader])
        pattern.show(leads, until: at(800), heardAt: at(0), at: at(800))
        #expect(lit(pattern.lit) == [.member] && !pattern.words.isOnline)
    }

    @Test("a lease that was renewed meanwhile keeps it lit, and one that is taken away does not")
    func renewed() {
        var pattern = pattern()
        pattern.show(leads, until: at(800), heardAt: at(0), at: at(0))
        pattern.show(leads, until: at(1200), heardAt: at(700), at: at(800))
        #expect(lit(pattern.lit) == [.leader] && pattern.nextChange == at(1200))
        pattern.show(leads, until: .zero, heardAt: at(800), at: at(801))
        #expect(!lit(pattern.lit).contains(.leader))
    }

    @Test("a node that is silent is offline, whatever it was, and works no more")
    func silence() {
        for role in [Role.leader, .candidate, .voter, .member] {
            var pattern = pattern()
            let told = Told.node(role, online: true, working: true)
            pattern.show(told, until: at(60_000), heardAt: at(0), at: at(0))
            #expect(lit(pattern.lit) == [Lamp(role), .work] && pattern.nextChange == at(1000))
            pattern.show(told, until: at(60_000), heardAt: at(0), at: at(1000))
            #expect(lit(pattern.lit) == [.member] && pattern.nextChange == at(1500))
            pattern.show(told, until: at(60_000), heardAt: at(1100), at: at(1100))
            #expect(lit(pattern.lit) == [Lamp(role), .work])
        }
    }

    @Test("a lease is of no meaning for other roles")
    func otherRoles() {
        var pattern = pattern()
        pattern.show(
            .node(.voter, online: true, working: false), until: .zero, heardAt: at(0), at: at(0))
        #expect(lit(pattern.lit) == [.voter] && pattern.nextChange == at(1000))
    }

    @Test("the LEDs that `leds` lights are lit until the time that it says")
    func lamps() {
        var pattern = pattern()
        pattern.show(.lamps(.all), until: at(100), heardAt: at(-5000), at: at(0))
        #expect(lit(pattern.lit) == lit(.all) && pattern.nextChange == at(100))
        pattern.show(.lamps(.all), until: at(100), heardAt: at(-5000), at: at(100))
        #expect(lit(pattern.lit) == [] && pattern.nextChange == .never)
    }

    @Test("what is told goes through one word, and comes out as the same")
    func word() {
        for role in Role.all {
            for (online, working) in [(false, false), (false, true), (true, false), (true, true)] {
                let told = Told.node(role, online: online, working: working)
                #expect(Told(word: told.word) == told)
                #expect(told.lightsLeader == (role == .leader && online))
            }
        }
        for lamp in Lamp.all {
            let told = Told.lamps(LampSet(lamp))
            #expect(Told(word: told.word) == told && told.lightsLeader == (lamp == .leader))
        }
        // Zeroed memory, and nonsense.
        #expect(Told(word: 0).lightsLeader == false && Told(word: 255) == .nothing)
    }
}

@Suite("a node's line to the keeper of its LEDs")
struct KeeperLinkTests {
    /// A lease of 900 ms: the keeper is asked each 250 ms, and may owe an answer for 900.
    private static var settings: Settings {
        var settings = Settings(workerID: WorkerID(high: 1, low: 1), incarnation: 1)
        (settings.heartbeatMs, settings.leaseMs) = (250, 900)
        return settings
    }

    /// Runs `body` with a node's end of a line, and the descriptor that its keeper has.
    private func withLink(_ body: (inout KeeperLink, Int32) throws -> Void) throws {
        let ends = try keeperLine()
        defer { close(ends.keeper) }
        var link = KeeperLink(try LedSheet(), try Descriptor(ends.node), Self.settings)
        try body(&link, ends.keeper)
    }

    private func read(_ fd: Int32) -> String? {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = recv(fd, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    @Test("asks at once, then as often as it must, whatever else it tells")
    func asks() throws {
        try withLink { link, keeper in
            link.tick(at: at(1000))
            #expect(read(keeper) == "?" && link.deadline(after: at(1000)) == at(1250))
            link.tick(at: at(1249))
            #expect(read(keeper) == nil)
            link.tell(.node(.voter, online: true, working: false), at: at(1249))
            #expect(read(keeper) == "?" && link.deadline(after: at(1249)) == at(1499))
        }
    }

    @Test("is asked three times in a lease at least, however rare heartbeats are")
    func often() {
        var settings = Settings(workerID: WorkerID(high: 0, low: 1), incarnation: 1)
        (settings.heartbeatMs, settings.leaseMs) = (400, 900)
        #expect(KeeperLink.askEveryMs(settings) == 300)
        settings.heartbeatMs = 200
        #expect(KeeperLink.askEveryMs(settings) == 200)
    }

    @Test("the keeper finds what was told, and the lease")
    func told() throws {
        try withLink { link, _ in
            #expect(link.sheet.told == .nothing && link.sheet.until == .zero)
            link.setLease(at(7))
            link.tell(.node(.leader, online: true, working: true), at: at(0))
            #expect(link.sheet.told == .node(.leader, online: true, working: true))
            #expect(link.sheet.until == at(7))
        }
    }

    @Test("what was told is shown when the keeper has answered that question or a later one")
    func shown() throws {
        try withLink { link, _ in
            #expect(link.hasShownAll == true)
            link.tick(at: at(0))
            link.tell(.nothing, at: at(0))
            let question = link.sheet.asked
            link.sheet.answered = question - 1
            try link.hear(at: at(1))
            #expect(link.hasShownAll == false)
            link.sheet.answered = question
            try link.hear(at: at(2))
            #expect(link.hasShownAll == true)
            link.tick(at: at(500))
            #expect(link.hasShownAll == true)
        }
    }

    @Test("a keeper that owes an answer for a lease does not answer; with an answer it does again")
    func patience() throws {
        try withLink { link, _ in
            link.tick(at: at(0))
            for ms in [250, 500, 750] { link.tick(at: at(Int64(ms))) }
            #expect(link.isAnswering(at: at(899)) == true && link.isAnswering(at: at(900)) == false)
            #expect(link.deadline(after: at(899)) == at(900))
            #expect(link.deadline(after: at(900)) == at(1000))
            link.sheet.answered = 1
            try link.hear(at: at(950))
            // It owes others, since now.
            #expect(link.isAnswering(at: at(1849)) == true)
            #expect(link.isAnswering(at: at(1850)) == false)
            link.sheet.answered = link.sheet.asked
            try link.hear(at: at(2000))
            #expect(link.isAnswering(at: at(60_000)) == true)
        }
    }

    @Test("a node that was stopped does not blame a keeper that has answered")
    func ownPause() throws {
        try withLink { link, _ in
            link.tick(at: at(0))
            link.sheet.answered = link.sheet.asked
            try link.hear(at: at(10_000))
            #expect(link.isAnswering(at: at(10_000)) == true)
        }
    }

    @Test("a keeper that reads nothing blocks nobody")
    func full() throws {
        try withLink { link, keeper in
            for _ in 0..<10_000 { link.send(KeeperLink.question.bytes) }
            #expect(read(keeper) == "?")
        }
    }
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
        #expect(lit(pattern.lit) == [.work])
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
            line(TerminalLeds(), pattern)
                == "○ leader  ○ candidate  ● voter  ○ member  ● work\n")
        _ = pattern.show(.voter, online: false, working: false, at: at(0))
        #expect(
            line(TerminalLeds(), pattern)
                == "○ leader  ○ candidate  ○ voter  ● member  ○ work  (offline)\n")
    }

    @Test("a report for the demo is read as it was written; offline, every node is a member")
    func report() throws {
        func report(_ pattern: LedPattern, _ ms: Int64) -> LedReport? {
            let text = line(ReportLeds(), pattern, ms)
            #expect(text?.last == "\n")
            return text.flatMap { String($0.dropLast()).lend { LedReport($0) } }
        }
        var pattern = LedPattern()
        _ = pattern.show(.leader, online: true, working: true, at: at(0))
        let first = try #require(report(pattern, 5))
        #expect(first.role == .leader && first.isOnline && first.isWorking && first.at == at(5))
        _ = pattern.show(.leader, online: false, working: false, at: at(0))
        let second = try #require(report(pattern, 7))
        #expect(second.role == .member && !second.isOnline && !second.isWorking)
        #expect(second.at == at(7))
    }

    private func line(_ driver: some LedOutput, _ pattern: LedPattern, _ ms: Int64 = 0) -> String? {
        driver.line(for: pattern, at: at(ms)).map { string($0) }
    }

    /// Lights what it is told, or fails.
    private final class Chip: LedOutput {
        var isBroken = false
        private(set) var calls: [[Lamp]] = []

        func light(_ lit: LampSet, after before: LampSet) throws(Errno) {
            calls.append(ShellTests.lit(before) + ShellTests.lit(lit))
            if isBroken { throw Errno(code: EIO) }
        }
    }

    @Test("a LED that could not be put out may be lit, until a later call has put it out")
    func brokenChip() throws {
        let chip = Chip()
        var lamps = LitLamps()
        try lamps.show(LampSet(.leader), by: chip)
        chip.isBroken = true
        #expect(throws: Errno(code: EIO)) { try lamps.show(LampSet(.member), by: chip) }
        #expect(lit(lamps.possible) == [.leader, .member])
        #expect(throws: Errno(code: EIO)) { try lamps.show(LampSet(.leader), by: chip) }
        #expect(lit(lamps.possible) == [.leader, .member])
        chip.isBroken = false
        try lamps.show(LampSet(.member), by: chip)
        #expect(lit(lamps.possible) == [.member])
        try lamps.show(LampSet(.member), by: chip)
        #expect(
            chip.calls == [
                [.leader], [.leader, .member], [.leader, .member, .leader],
                [.leader, .member, .member],
            ])
    }

    @Test("a LED that could not be lit may be lit all the same, also where nothing else is")
    func brokenAtOnce() throws {
        let chip = Chip()
        chip.isBroken = true
        var lamps = LitLamps()
        #expect(throws: Errno(code: EIO)) { try lamps.show(LampSet(.leader), by: chip) }
        #expect(lit(lamps.possible) == [.leader])
        chip.isBroken = false
        // The same again is no idle call: the first one failed.
        try lamps.show(LampSet(.leader), by: chip)
        #expect(chip.calls.count == 2)
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
