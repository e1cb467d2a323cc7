"""One run: a table of boards, with a broker, work and faults, from its first node to its last."""
import os
import random
import shutil
import sys
import time

from broker import Broker
from clock import boot_us
from faults import KINDS, Agenda, plan
from leds import Leds
from network import Network
from nodes import Node
from recorder import Recorder
from workload import Workload

PROGRESS_SECONDS = 10
# How long the union may take for everything that has to be waited for when faults are over.
PATIENCE_SECONDS = {"fast": 90, "normal": 120, "classroom": 300, "cloud": 300}
KEEPER_FAULTS = ["kill keeper", "stop keeper"]


class Table:
    def __init__(self, folder, given):
        self.seed, self.seconds, self.pace = given.seed, given.round, given.pace
        self.binary = os.path.realpath(given.binary)
        self.only = [name for name in given.only.split(",") if name]
        if unknown := set(self.only) - set(KINDS):
            sys.exit(f"chaos: no such fault: {unknown}; there are {sorted(KINDS)}")
        self.recorder = Recorder(folder)
        self.numbers = list(range(1, given.nodes + 1))
        luck = random.Random(self.seed)
        # Half of the runs have equal rankings, as boards have that nobody configured.
        alike = luck.random() < 0.5
        self.rankings = {number: 100 if alike else 100 + number for number in self.numbers}
        os.mkdir(f"{folder}/locks")
        shutil.copy(f"{sys.path[0]}/job.sh", folder)
        self.network = Network(self.numbers, folder, self.seed)
        self.leds = Leds(folder, self.numbers)
        self.broker = Broker(self.recorder)
        self.nodes = [Node(number, self) for number in self.numbers]
        self.workload = Workload(self.seed)
        self.has_keepers = False
        self.faults = []
        # Liveness, and everything else that is seen at once.
        self.complaints = []

    def say(self, fault, text):
        number = fault.node and fault.node.number
        self.recorder.add("fault", text, number)
        whose = f"n{number} " if number else ""
        print(f"  {self.recorder.seconds():6.1f} s  {whose}{text}", flush=True)

    # The run.

    def run(self, count_open):
        """`count_open` asks the broker how many of its requests have no outcome."""
        for node in self.nodes:
            node.start()
        self._await("all nodes are online", lambda: len(self.leds.online()) == len(self.nodes))
        self._await("somebody leads", self.leds.leaders)
        self.has_keepers = any(node.life.node_pid and node.life.had_keeper for node in self.nodes)
        self.recorder.add("phase", "faults")
        self.recorder.began = boot_us()
        self.workload.start()
        self._suffer()
        self.recorder.add("phase", "calm")
        self._await("all nodes are online", lambda: len(self.leds.online()) == len(self.nodes))
        self._await("somebody leads", self.leds.leaders)
        self.workload.stop()
        self._await("every request has its outcome", lambda: count_open() == 0, every=2)
        self._measure()
        self.recorder.add("phase", "end")
        self._finish()

    def _suffer(self):
        kinds = [name for name in self.only or KINDS
                 if self.has_keepers or name not in KEEPER_FAULTS]
        agenda = Agenda(self, plan(self.seed, self.seconds, self.numbers, kinds))
        self.faults = agenda.begun
        told = 0.0
        while (left := agenda.seconds_left()) is not None:
            time.sleep(max(0.0, min(left, 1.0)))
            agenda.turn()
            if self.recorder.seconds() - told >= PROGRESS_SECONDS:
                told = self.recorder.seconds()
                self._progress()
        time.sleep(max(0.0, self.seconds - self.recorder.seconds()))

    def _progress(self):
        self._measure()
        results = "?" if self.broker.under else self.workload.results()
        leaders = " ".join(f"n{number}" for number in self.leds.leaders()) or "nobody"
        with open("/proc/loadavg") as file:
            load = file.read().split()[0]
        print(f"  {self.recorder.seconds():6.1f} s  {leaders} leads; {len(self.faults)} faults, "
              f"{self.workload.sent} requests, {results} results; load {load}",
              flush=True)

    def _measure(self):
        for node in self.nodes:
            if node.is_up:
                node.life.measure()
                self.recorder.add("usage", str(node.life.last_usage), node.number)

    def _await(self, what, is_so, every=0.05):
        deadline = time.monotonic() + PATIENCE_SECONDS[self.pace]
        while not is_so():
            if time.monotonic() > deadline:
                self.complaints.append(
                    f"not within {PATIENCE_SECONDS[self.pace]} s without faults: {what}")
                self.recorder.add("phase", self.complaints[-1])
                return
            time.sleep(every)

    def _finish(self):
        for node in self.nodes:
            node.stop()
        for node in self.nodes:
            if not node.wait(30):
                self.complaints.append(f"n{node.number} does not end after SIGTERM")
        for node in self.nodes:
            self.complaints += node.surprises
