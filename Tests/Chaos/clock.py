"""The one clock of a run: CLOCK_BOOTTIME, which nodes decide and stamp by."""
import time


def boot_us():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
