import Testing

@testable import Union

/// The node's LEDs have a keeper; without one that answers it does not lead (design, section 7).
@Suite("A keeper that does not answer")
struct DeafKeeperTests {
    private var isSilent: (Done) -> Bool {
        {
            if case .write(.leader, _) = $0.effect { return false }
            if case .write(.candidacy, _) = $0.effect { return false }
            return true
        }
    }

    @Test("costs the node its lead at once, and its LED")
    func stepsDown() {
        let solo = Solo()
        solo.lead()
        #expect(solo.leads && solo.node.leadsUntil > solo.now)
        solo.give(.keeperLost)
        #expect(!solo.leads && solo.role == .member)
        #expect(solo.node.leadsUntil == .zero)
    }

    @Test("makes the holder silent: it neither announces nor resigns")
    func silent() {
        let solo = Solo()
        solo.lead()
        solo.give(.keeperLost)
        solo.readBack()
        solo.clear()
        solo.idle(3000)
        #expect(solo.done.allSatisfy(isSilent))
    }

    @Test("keeps a node from running for leader")
    func doesNotRun() {
        let solo = Solo()
        solo.join()
        solo.give(.keeperLost)
        solo.clear()
        solo.idle(5000)
        #expect(solo.done.allSatisfy(isSilent))
    }

    @Test("is forgotten when it answers again: the holder that nobody followed leads on")
    func answersAgain() {
        let solo = Solo()
        solo.lead()
        solo.give(.keeperLost)
        solo.idle(2000)
        #expect(!solo.leads)
        solo.give(.keeperFound)
        solo.live(1000) { solo.leads }
        #expect(solo.leads)
    }

    @Test("leaves no deadline in the past")
    func deadlines() {
        let solo = Solo()
        solo.lead()
        solo.give(.keeperLost)
        // `wait` fails when the deadline stands still.
        solo.wait(3000)
    }

    @Test("leadsUntil is the lease's end, which each own record that is read back moves on")
    func lease() {
        let solo = Solo()
        solo.lead()
        let before = solo.node.leadsUntil
        solo.live(400)
        #expect(solo.node.leadsUntil > before)
        #expect(solo.node.leadsUntil <= solo.now + 800)
    }
}
