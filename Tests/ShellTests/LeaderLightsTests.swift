import Testing
import Union

@testable import Shell

@Suite("What the demo saw of the leader LEDs")
struct LeaderLightsTests {
    @Test("two LEDs that are lit at one instant overlap; one that follows does not")
    func overlaps() {
        var lights = LeaderLights()
        lights.light(1, at: Instant(us: 1000))
        lights.darken(1, at: Instant(us: 2000))
        lights.light(2, at: Instant(us: 2000))
        #expect(lights.overlaps == 0)
        lights.light(3, at: Instant(us: 2500))
        #expect(lights.overlaps == 1)
    }

    @Test("a node whose LED is reported as lit twice does not overlap with itself")
    func twice() {
        var lights = LeaderLights()
        lights.light(1, at: Instant(us: 1000))
        lights.light(1, at: Instant(us: 1500))
        lights.darken(1, at: Instant(us: 2000))
        #expect(lights.overlaps == 0)
    }

    @Test("the longest time without a light is counted up to the end")
    func gap() {
        var lights = LeaderLights()
        lights.light(1, at: Instant(us: 1000))
        lights.darken(1, at: Instant(us: 2000))
        lights.light(2, at: Instant(us: 2700))
        lights.darken(2, at: Instant(us: 3000))
        #expect(lights.longestGap(until: Instant(us: 3100)) == 700)
        #expect(lights.longestGap(until: Instant(us: 5000)) == 2000)
    }
}
