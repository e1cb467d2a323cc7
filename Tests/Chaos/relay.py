"""Carries packets between a node's namespace and the broker's, late, or not at all.

    relay.py SEED NODE...

For each node there is a TUN device at either end, made by `network.py`, which also decides by
routes whose packets come here. Orders are lines on standard input:

    set NODE up|down DELAY_MS JITTER_MS LOSS

Packets of one direction keep their order, as on a wire. This is what `tc netem` would do, for
kernels that do not have it.
"""
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
# What a home router would hold for one link before it drops.
QUEUE_LIMIT = 2000


class Way:
    """One direction of one node's link."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.delay = self.jitter = self.loss = 0.0
        self.last_due = 0.0
        self.waiting = 0


def enter(path):
    """From here on this thread makes its sockets and devices in that network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path) as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {path}")


def open_tun(namespace, device):
    enter(f"/run/netns/{namespace}")
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Relay:
    def __init__(self, seed, numbers):
        self.random = random.Random(seed)
        self.ways, self.sources = {}, {}
        for number in numbers:
            node, broker = open_tun(f"n{number}", "relay"), open_tun("broker", f"relay{number}")
            self.ways[number, "up"] = self.sources[node] = Way(node, broker)
            self.ways[number, "down"] = self.sources[broker] = Way(broker, node)
        self.due, self.serial, self.orders = [], 0, b""

    def run(self):
        poll = select.epoll()
        for fd in [0, *self.sources]:
            poll.register(fd, select.EPOLLIN)
        print("ready", flush=True)
        while True:
            wait = self.due[0][0] - time.monotonic() if self.due else -1
            for fd, _ in poll.poll(max(0.0, wait) if self.due else None):
                if fd == 0:
                    if not self.obey():
                        return
                else:
                    self.take(self.sources[fd])
            self.deliver()

    def obey(self):
        got = os.read(0, 4096)
        *lines, self.orders = (self.orders + got).split(b"\n")
        for line in lines:
            _, number, way, delay, jitter, loss = line.decode().split()
            target = self.ways[number, way]
            target.delay, target.jitter = float(delay) / 1000, float(jitter) / 1000
            target.loss = float(loss)
        return bool(got)

    def take(self, way):
        while True:
            try:
                packet = os.read(way.source, 65536)
            except BlockingIOError:
                return
            # Anything but IPv4 is the interface looking for company.
            if packet[0] >> 4 != 4 or way.waiting >= QUEUE_LIMIT:
                continue
            if way.loss and self.random.random() < way.loss:
                continue
            late = way.delay + (self.random.random() * way.jitter if way.jitter else 0)
            way.last_due = max(way.last_due, time.monotonic() + late)
            way.waiting += 1
            self.serial += 1
            heapq.heappush(self.due, (way.last_due, self.serial, way, packet))

    def deliver(self):
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            _, _, way, packet = heapq.heappop(self.due)
            way.waiting -= 1
            try:
                os.write(way.target, packet)
            except OSError as error:  # a full queue, or a device that is down: lost, as on a wire
                print(f"lost a packet: {error}", file=sys.stderr)


if __name__ == "__main__":
    Relay(int(sys.argv[1]), sys.argv[2:]).run()
