"""The run's folder, and what happened when: one list in memory, one file for people."""
import os
import threading
from dataclasses import dataclass

from clock import boot_us


@dataclass
class Event:
    us: int
    kind: str  # "fault", "mended", "start", "death", "broker", "phase"
    node: int | None
    text: str


class Recorder:
    def __init__(self, folder):
        self.folder = folder
        self.began = boot_us()
        self.events = []
        # Nodes' log lines: when, whose, what.
        self.lines = []
        self._lock = threading.Lock()
        self._file = open(f"{folder}/events.log", "w")

    def path(self, name):
        return os.path.join(self.folder, name)

    def seconds(self, us=None):
        return ((us or boot_us()) - self.began) / 1e6

    def add(self, kind, text, node=None, us=None):
        event = Event(us or boot_us(), kind, node, text)
        whose = f"n{node} " if node else ""
        with self._lock:
            self.events.append(event)
            print(f"{event.us} {self.seconds(event.us):8.3f} {kind}: {whose}{text}",
                  file=self._file, flush=True)
        return event

    def log_line(self, node, text, file):
        now = boot_us()
        with self._lock:
            self.lines.append((now, node, text))
            print(f"{now} {self.seconds(now):8.3f} {text}", file=file, flush=True)

    def of(self, kind):
        with self._lock:
            return [event for event in self.events if event.kind == kind]

    def read_lines(self, name):
        """The lines of a file that jobs write; none when none has."""
        try:
            with open(self.path(name)) as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def count_lines(self, name):
        return len(self.read_lines(name))
