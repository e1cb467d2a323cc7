"""What goes wrong, and when: drawn from the seed before the run begins.

A fault is a class with `begin` and, where it lasts, `end`. Whom it hits is drawn, too; "the leader"
is whoever's LED is lit when the moment comes. The kinds come in an order like shuffled cards, so
that a short run has each of them once before any comes twice.
"""
import heapq
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from clock import boot_us

FIRST_AFTER_SECONDS = 8
PAUSE_SECONDS = (2, 6)
KINDS = {}


def kind(name, seconds=(1, 6)):
    def enter(fault):
        fault.kind, fault.seconds = name, seconds
        KINDS[name] = fault
        return fault
    return enter


@dataclass
class Fault:
    """One fault of the plan; times are seconds from the run's beginning, then CLOCK_BOOTTIME."""
    at: float
    lasts: float
    wants_leader: bool
    number: int
    luck: random.Random
    began_us: int | None = None
    ended_us: int | None = None
    node: object = None
    kind = ""
    part = None  # what of a node it needs for itself; None: it hits no node

    def pick(self, table):
        """The node that it hits: one that is up and has no other such fault."""
        fit = {node.number: node for node in table.nodes
               if node.is_up and node.life.node_pid and self.part not in node.under
               and "process" not in node.under}
        if self.wants_leader:
            for number in table.leds.leaders():
                if number in fit:
                    return fit[number]
        return fit.get(self.number) or next(iter(fit.values()), None)

    def begin(self, table):
        """Returns what it did, in words."""
        raise NotImplementedError

    def end(self, table):
        """Undoes it."""


class NodeFault(Fault):
    part = "process"


@kind("kill")
class Kill(NodeFault):
    def begin(self, table):
        self.node.life.kill(self.node.life.node_pid)
        return "SIGKILL"


@kind("stop", (0.5, 10))
class Stop(NodeFault):
    def begin(self, table):
        self.life = self.node.life
        self.life.signal(self.life.node_pid, signal.SIGSTOP)
        return "SIGSTOP"

    def end(self, table):
        self.life.signal(self.life.node_pid, signal.SIGCONT)


@kind("kill keeper")
class KillKeeper(NodeFault):
    def begin(self, table):
        self.node.life.kill(self.node.life.keeper_pid)
        return "SIGKILL"


@kind("stop keeper", (0.5, 10))
class StopKeeper(NodeFault):
    def begin(self, table):
        self.life = self.node.life
        self.life.doom = "killed"  # the node may well end a keeper that does not answer
        self.life.signal(self.life.keeper_pid, signal.SIGSTOP)
        return "SIGSTOP"

    def end(self, table):
        self.life.signal(self.life.keeper_pid, signal.SIGCONT)


@kind("restart")
class Restart(NodeFault):
    def begin(self, table):
        self.node.variant = self.luck.randrange(3)
        self.node.restart()
        return f"SIGTERM, then with ops {self.node.variant}"


@kind("blocked stderr", (5, 15))
class BlockedStderr(NodeFault):
    part = "stderr"

    def begin(self, table):
        self.life = self.node.life
        self.node.heard.clear()
        self._chatter()
        return "nobody reads it"

    def _chatter(self):
        """SIGUSR1 makes it write its counters: more than the pipe holds."""
        for _ in range(8):
            self.life.signal(self.life.node_pid, signal.SIGUSR1)
            time.sleep(0.02)

    def end(self, table):
        self.node.heard.set()


class LinkFault(Fault):
    part = "link"

    def begin(self, table):
        up, down, words = self.badness()
        table.network.disturb(self.node.number, up, down)
        return words

    def end(self, table):
        table.network.calm(self.node.number)


@kind("unplug")
class Unplug(LinkFault):
    def begin(self, table):
        table.network.unplug(self.node.number)
        return "no carrier"

    def end(self, table):
        table.network.plug(self.node.number)


@kind("silent drop", (1, 10))
class SilentDrop(LinkFault):
    def badness(self):
        return (0, 0, 1), (0, 0, 1), "nothing gets through, and nobody says so"


@kind("deaf")
class Deaf(LinkFault):
    def badness(self):
        return (0, 0, 0), (0, 0, 1), "it sends and hears nothing"


@kind("mute")
class Mute(LinkFault):
    def badness(self):
        return (0, 0, 1), (0, 0, 0), "it hears and nothing that it sends arrives"


@kind("loss", (3, 10))
class Loss(LinkFault):
    def badness(self):
        share = self.luck.uniform(0.02, 0.3)
        return (1, 0, share), (1, 0, share), f"{share:.0%} of packets each way"


@kind("delay", (3, 10))
class Delay(LinkFault):
    def badness(self):
        delay, jitter = self.luck.uniform(5, 150), self.luck.uniform(0, 200)
        return ((delay, jitter, 0), (delay, jitter, 0),
                f"{delay:.0f} ms and 0 to {jitter:.0f} more each way")


@kind("slow leader", (5, 20))
class SlowLeader(LinkFault):
    def badness(self):
        delay = self.luck.uniform(100, 350)
        return (delay, 0, 0), (delay, 0, 0), f"{delay:.0f} ms each way"


class BrokerFault(Fault):
    def end(self, table):
        table.broker.start()


@kind("broker stop")
class BrokerStop(BrokerFault):
    def begin(self, table):
        table.broker.end(signal.SIGTERM)
        return "SIGTERM"


@kind("broker kill")
class BrokerKill(BrokerFault):
    def begin(self, table):
        table.broker.end(signal.SIGKILL)
        return "SIGKILL"


@kind("broker stands")
class BrokerStands(BrokerFault):
    def begin(self, table):
        table.broker.signal(signal.SIGSTOP)
        return "SIGSTOP"

    def end(self, table):
        table.broker.signal(signal.SIGCONT)


@kind("broker set back", (1, 5))
class BrokerSetBack(BrokerFault):
    """It is remembered at the beginning, and set back to that at the end."""
    def begin(self, table):
        table.broker.remember()
        return f"to what it knows now, in {self.lasts:.1f} s"

    def end(self, table):
        self.began_us = boot_us()
        table.broker.end(signal.SIGKILL)
        self.set_back(table)
        time.sleep(self.luck.choice([0, 0, 1, 3]))
        table.broker.start()

    def set_back(self, table):
        table.broker.set_back()


@kind("some topics set back", (1, 5))
class SomeTopicsSetBack(BrokerSetBack):
    def set_back(self, table):
        lost = table.broker.set_back_some(self.luck)
        table.say(self, f"only {', '.join(lost)}")


class Starvation(Fault):
    nice = 0

    def begin(self, table):
        count = self.luck.choice([2, 4, 8]) * os.cpu_count()
        self.busy = [
            subprocess.Popen(
                ["nice", "-n", str(self.nice), sys.executable, "-c", "while True: pass"],
                stdin=subprocess.DEVNULL, start_new_session=True)
            for _ in range(count)]
        return f"{count} busy processes, nice {self.nice}"

    def end(self, table):
        for process in self.busy:
            process.kill()
        for process in self.busy:
            process.wait()


@kind("starved", (3, 8))
class Starved(Starvation):
    pass


@kind("starved at nice 10", (3, 8))
class StarvedByNice(Starvation):
    nice = 10


def plan(seed, seconds, nodes, kinds):
    """The faults of a run, in the order of their beginnings; the last has ended at `seconds`."""
    luck = random.Random(seed)
    faults, cards = [], []
    at = FIRST_AFTER_SECONDS
    while True:
        if not cards:
            cards = list(kinds)
            luck.shuffle(cards)
        fault = KINDS[cards.pop()]
        lasts = luck.uniform(*fault.seconds)
        leader = fault is SlowLeader or luck.random() < 0.5
        number, own = luck.choice(nodes), random.Random(luck.random())
        if at + lasts > seconds:
            return faults
        faults.append(fault(at, lasts, leader, number, own))
        # Every fourth begins while the one before is not over.
        at += luck.uniform(0, 3) if luck.random() < 0.25 else lasts + luck.uniform(*PAUSE_SECONDS)


class Agenda:
    """Carries a plan out."""

    def __init__(self, table, faults):
        self.table = table
        self.serial = itertools.count()
        self.due = [(fault.at, next(self.serial), self._begin, fault) for fault in faults]
        heapq.heapify(self.due)
        self.begun = []

    def seconds_left(self):
        """Until the next thing is due; None when nothing is."""
        return self.due[0][0] - self.table.recorder.seconds() if self.due else None

    def turn(self):
        while self.due and self.seconds_left() <= 0:
            _, _, act, fault = heapq.heappop(self.due)
            act(fault)

    def _begin(self, fault):
        table = self.table
        if fault.part:
            fault.node = fault.pick(table)
            if fault.node is None:
                return
            fault.node.under.add(fault.part)
        elif isinstance(fault, BrokerFault):
            if table.broker.under:
                return
            table.broker.under = True
        fault.began_us = boot_us()
        self.begun.append(fault)
        words = fault.begin(table)
        table.say(fault, f"{fault.kind}, {fault.lasts:.1f} s: {words}")
        over = table.recorder.seconds() + fault.lasts
        heapq.heappush(self.due, (over, next(self.serial), self._end, fault))

    def _end(self, fault):
        fault.end(self.table)
        fault.ended_us = boot_us()
        if fault.part:
            fault.node.under.discard(fault.part)
        elif isinstance(fault, BrokerFault):
            self.table.broker.under = False
        self.table.recorder.add("mended", fault.kind, fault.node and fault.node.number)
