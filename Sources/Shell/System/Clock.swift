import CLinux
import Union

/// The only clock: CLOCK_BOOTTIME, which also runs while a machine sleeps (design, section 3).
package enum Clock {
    /// clock_gettime(2).
    package static var now: Instant { Instant(us: Int64(scrap_boottime_ns() / 1000)) }
}

/// One alarm on the boot clock: timerfd_create(2). Its descriptor is readable once it is due.
package struct Alarm: ~Copyable {
    private let descriptor: Descriptor
    private var armedFor: Instant?

    package var fd: Int32 { descriptor.fd }

    package init() throws(Errno) {
        descriptor = try Descriptor(
            timerfd_create(CLOCK_BOOTTIME, Int32(TFD_NONBLOCK | TFD_CLOEXEC)))
    }

    /// Arms it for `due`, in place of what it was armed for: timerfd_settime(2).
    package mutating func arm(for due: Instant) throws(Errno) {
        guard due != armedFor else { return }
        var when = itimerspec()
        if due != .never {
            // Zero would disarm it; a moment that has passed is due at once.
            let us = max(due.us, 1)
            when.it_value.tv_sec = Int(us / 1_000_000)
            when.it_value.tv_nsec = Int(us % 1_000_000) * 1000
        }
        guard unsafe timerfd_settime(fd, Int32(TFD_TIMER_ABSTIME), &when, nil) == 0 else {
            throw .last
        }
        armedFor = due
    }

    /// Takes the expiry, so that `fd` is readable no more; it must be armed again after.
    package mutating func acknowledge() throws(Errno) {
        var count = InlineArray<8, UInt8>(repeating: 0)
        _ = try descriptor.read(into: &count)
        armedFor = nil
    }
}

/// A timer of the kernel's that kills this process, also while it is stopped: timer_create(2) with
/// SIGKILL, on CLOCK_MONOTONIC: a machine that sleeps is no process that hangs.
@safe
public struct KillTimer: ~Copyable {
    /// Its number; the first one's is 0, which C takes for a null pointer.
    private let timer: timer_t?

    package init() throws(Errno) {
        var timer: timer_t?
        guard unsafe scrap_make_kill_timer(&timer) == 0 else { throw .last }
        unsafe self.timer = timer
    }

    deinit { unsafe timer_delete(timer) }

    /// Arms it for `ms` after `due`, in place of what it was armed for. For a moment, not for a
    /// while from now: should this process be stopped on the way, it does not come later.
    package func arm(for due: Instant, plusMs ms: Int32) {
        // In this order: should it be stopped between two clocks, it comes too early.
        let monotonic = scrap_monotonic_us()
        let asleep = Clock.now.us - monotonic
        unsafe scrap_arm_kill_timer(timer, max((due + ms).us - asleep, 1))
    }

    package func disarm() { unsafe scrap_arm_kill_timer(timer, 0) }
}
