"""Looks at all LEDs at once, and stamps each change on one clock.

    observer.py FOLDER NODE...          reads FOLDER/leds.N, writes FOLDER/leds.log

A board's LEDs are a named pipe, into which the driver `fd:N` writes a line for each change. It is
held open here, so like a GPIO line it stays as it was driven, whoever drove it dies.

Changes are taken in batches: all pipes are read, again and again, until none has anything more. Had
a leader's LED gone dark before another was lit, both stood in the same batch. So two that are lit
after a batch were lit at one instant: that is no matter of clocks.
"""
import os
import select
import sys

from clock import boot_us


def main(folder, numbers):
    try:
        # It must not be late when the machine is starved on purpose.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except PermissionError:
        print("observer: no real-time priority here; stamps may be late", file=sys.stderr)
    pipes, rest = {}, {}
    poll = select.epoll()
    for number in numbers:
        fd = os.open(f"{folder}/leds.{number}", os.O_RDWR | os.O_NONBLOCK)
        pipes[fd], rest[fd] = number, b""
        poll.register(fd, select.EPOLLIN)
    with open(f"{folder}/leds.log", "w") as log:
        print("ready", flush=True)
        while True:
            poll.poll()
            batch = []
            while any([read(fd, number, rest, batch) for fd, number in pipes.items()]):
                pass
            now = boot_us()
            for number, line in batch:
                log.write(f"{now} {number} {line}\n")
            log.flush()


def read(fd, number, rest, batch):
    try:
        got = os.read(fd, 65536)
    except BlockingIOError:
        return False
    *lines, rest[fd] = (rest[fd] + got).split(b"\n")
    batch += [(number, line.decode()) for line in lines]
    return True


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
