"""What the observer has stamped: who is lit, now and in hindsight."""
import os
import subprocess
import sys
from dataclasses import dataclass


@dataclass
class Change:
    us: int
    node: int
    role: str
    online: bool

    @property
    def leads(self):
        return self.role == "leader" and self.online


class Leds:
    def __init__(self, folder, numbers):
        for number in numbers:
            os.mkfifo(f"{folder}/leds.{number}")
        self._observer = subprocess.Popen(
            [sys.executable, f"{sys.path[0]}/observer.py", folder, *map(str, numbers)],
            stdout=subprocess.PIPE, text=True, start_new_session=True)
        if self._observer.stdout.readline() != "ready\n":
            raise RuntimeError("the observer of the LEDs did not start")
        self._file = open(f"{folder}/leds.log")
        self._rest = ""
        self.changes = []
        self.state = {}

    def refresh(self):
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        for line in lines:
            words = line.split()
            # stamp, node; then the driver's line: its own stamp, role, online, working
            if len(words) == 6:
                change = Change(int(words[0]), int(words[1]), words[3], words[4] == "1")
                self.changes.append(change)
                self.state[change.node] = change
        return self

    def leaders(self):
        self.refresh()
        return [node for node, change in self.state.items() if change.leads]

    def online(self):
        self.refresh()
        return [node for node, change in self.state.items() if change.online]
