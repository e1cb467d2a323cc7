"""The broker: noida-db, whose whole log is one file that it replaces once a second or two.

So a copy of that file is what the broker knew at one moment, and putting it back is what a broker
does that had its last seconds in memory when its power went.
"""
import json
import os
import shutil
import signal
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
        with open(self.recorder.path("broker.copy")) as file:
            then = dict(json.load(file)["topics"])
        with open(f"{self.data}/kafka.json") as file:
            now = json.load(file)
        names = [name for name, _ in now["topics"] if name in then and name.startswith(PREFIX)]
        lost = luck.sample(names, luck.randint(1, len(names) - 1))
        now["topics"] = [
            [name, then[name] if name in lost else topic] for name, topic in now["topics"]]
        with open(f"{self.data}/kafka.json.new", "w") as file:
            json.dump(now, file, separators=(",", ":"))
        os.replace(f"{self.data}/kafka.json.new", f"{self.data}/kafka.json")
        return sorted(name.removeprefix(PREFIX) for name in lost)

    def stop(self):
        self.end(signal.SIGTERM)
