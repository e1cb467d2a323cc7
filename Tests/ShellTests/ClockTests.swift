import CLinux
import Foundation
import Testing
import Union

@testable import Shell

@Suite("The timer that kills") struct KillTimerTests {
    @Test("a process that is stopped is killed when the time has come, and not before")
    func stopped() async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let timer = try KillTimer()
            timer.arm(for: Clock.now + 20, plusMs: 20)
            raise(SIGSTOP)
            // It lives as long as it is used.
            timer.disarm()
            exit(0)
        }
    }

    @Test("one that is disarmed, or armed for later, does not kill")
    func disarmed() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let timer = try KillTimer()
            timer.arm(for: Clock.now + 20, plusMs: 20)
            timer.arm(for: Clock.now + 60_000, plusMs: 0)
            let later = try KillTimer()
            later.arm(for: Clock.now + 20, plusMs: 20)
            later.disarm()
            usleep(100_000)
            timer.disarm()
            later.disarm()
            exit(7)
        }
    }

    @Test("a time that has passed kills at once")
    func late() async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let timer = try KillTimer()
            timer.arm(for: Clock.now + -1000, plusMs: 500)
            while true {
                pause()
                timer.disarm()
            }
        }
    }
}

@Suite("Children that /proc does not show") struct HiddenChildrenTests {
    @Test("a child is found by its number, and killed")
    func byNumber() async {
        await #expect(processExitsWith: .exitCode(7)) {
            var child: pid_t = 0
            var words = [strdup("sleep"), strdup("60"), nil]
            guard posix_spawn(&child, "/bin/sleep", nil, nil, &words, scrap_environment()) == 0
            else { exit(1) }
            scrap_kill_children_by_number(0)
            var status: Int32 = 0
            guard waitpid(child, &status, 0) == child, status == SIGKILL else { exit(2) }
            exit(7)
        }
    }
}
