"""The broker: noida-db, whose whole log is one file that it replaces once a second or two.

So a copy of that file is what the broker knew at one moment, and putting it back is what a broker
does that had its last seconds in memory when its power went.
"""
import os
import re
import shutil
import socket
import subprocess
import time

from network import BROKER, PORT, PREFIX, inside

PATIENCE_SECONDS = 20


class Broker:
    def __init__(self, recorder):
        self.recorder = recorder
        self.data = recorder.path("broker")
        self.log = open(recorder.path("broker.log"), "a")
        self.under = False
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            inside("broker", [
                os.path.abspath(".build-tools/noida-db"), "start", "--only", "kafka",
                "--host", BROKER, "--kafka-port", str(PORT), "--data-dir", self.data]),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the broker did not start; its words are in broker.log")
            time.sleep(0.02)
        self.recorder.add("broker", "answers")

    @staticmethod
    def _answers():
        try:
            socket.create_connection((BROKER, PORT), timeout=1).close()
            return True
        except OSError:
            return False

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait()
        self.recorder.add("broker", f"is gone after signal {number}")

    def remember(self):
        """Keeps what the broker has on disk now. It replaces its file, so a link is a copy."""
        copy = self.recorder.path("broker.copy")
        if os.path.exists(copy):
            os.remove(copy)
        os.link(f"{self.data}/kafka.json", copy)

    def set_back(self):
        """To what it knew when it was told to remember."""
        shutil.copyfile(self.recorder.path("broker.copy"), f"{self.data}/kafka.json.new")
        os.replace(f"{self.data}/kafka.json.new", f"{self.data}/kafka.json")

    def set_back_some(self, luck):
        """The same for some of its topics only; returns their names. A broker that writes each to
        a file of its own can lose more of one than of another."""
        with open(self.recorder.path("broker.copy"), "rb") as file:
            then = Topics(file.read())
        with open(f"{self.data}/kafka.json", "rb") as file:
            now = Topics(file.read())
        names = [name for name in now.parts if name in then.parts and name.startswith(PREFIX)]
        lost = luck.sample(names, luck.randint(1, len(names) - 1))
        now.parts |= {name: then.parts[name] for name in lost}
        with open(f"{self.data}/kafka.json.new", "wb") as file:
            file.write(now.whole())
        os.replace(f"{self.data}/kafka.json.new", f"{self.data}/kafka.json")
        return sorted(name.removeprefix(PREFIX) for name in lost)


class Topics:
    """The broker's file, `{"topics":[["NAME",{...}],...],"broker_id":...}`, cut into its topics.
    It has tens of megabytes: to parse it would hold everything up for seconds."""

    def __init__(self, data):
        starts = [match.start() for match in re.finditer(rb'\["([\w.-]+)",\{"name":"\1"', data)]
        end = data.index(b'],"broker_id":', starts[-1])
        self.head, self.tail = data[:starts[0]], data[end:]
        self.parts = {}
        for start, stop in zip(starts, [start - 1 for start in starts[1:]] + [end]):
            self.parts[data[start + 2:data.index(b'"', start + 2)].decode()] = data[start:stop]

    def whole(self):
        return self.head + b",".join(self.parts.values()) + self.tail
