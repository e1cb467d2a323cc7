"""Nodes as systemd would keep them: started, watched, and started again two seconds after they end.

What `run` starts may be the node itself, or a keeper of the LEDs with the node as its child. The
node is the one with threads (librdkafka's).
"""
import fcntl
import os
import re
import select
import shlex
import signal
import subprocess
import threading
import time

from clock import boot_us
from network import BROKER, PORT, inside
from workload import ops_of

RESTART_SECONDS = 2
# As small as a pipe can be: a node that waits for its reader waits soon.
PIPE_BYTES = 4096
UNIT = "systemd/scrap-worker.service"


def identity(number):
    return f"00000000-0000-4000-8000-{number:012d}"


def unit(key):
    """What the systemd unit says for a key; None when it does not."""
    with open(UNIT) as file:
        found = re.search(rf"^{key}=(.+)$", file.read(), re.M)
    return found and found[1]


def children(pid):
    """Living child processes; none when it is gone."""
    try:
        found = []
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(word) for word in file.read().split()]
        return found
    except OSError:
        return []


def threads(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def program(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def usage(pid):
    """Resident memory in KiB and open descriptors; None when the process is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            resident = re.search(r"^VmRSS:\s+(\d+)", file.read(), re.M)
        return int(resident[1]) if resident else 0, len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


class Life:
    """One start of one node, to its end."""

    def __init__(self, node, process, log):
        self.node, self.process, self.log = node, process, log
        self.began = boot_us()
        # What we have done to end it: None, "asked" or "killed".
        self.doom = None
        self.first_usage = None
        self.last_usage = None
        self.last_measured_us = self.began
        # The node itself, as it was seen last: it may outlive the keeper for a moment.
        self._seen = None

    @property
    def main(self):
        return self.process.pid

    @property
    def node_pid(self):
        """The node's process; None when there is none, or not yet."""
        if not self._is_node(self._seen):
            found = [pid for pid in [self.main, *children(self.main)] if self._is_node(pid)]
            if not found:
                return None
            self._seen = found[0]
        return self._seen

    def _is_node(self, pid):
        return threads(pid) > 1 and program(pid) == self.node.table.binary

    @property
    def had_keeper(self):
        return self._seen not in (None, self.main)

    @property
    def keeper_pid(self):
        return self.main if self.had_keeper else None

    @property
    def lives(self):
        return self.process.poll() is None

    def signal(self, pid, number):
        if pid is None or not self.lives:
            return False
        try:
            os.kill(pid, number)
            return True
        except ProcessLookupError:
            return False

    def kill(self, pid):
        self.doom = "killed"
        return self.signal(pid, signal.SIGKILL)

    def measure(self):
        """Of the node, and of its keeper if there is one."""
        pids = [self.node_pid, self.keeper_pid] if self.had_keeper else [self.node_pid]
        usages = [usage(pid) for pid in pids]
        if self.lives and all(usages):
            self.last_usage, self.last_measured_us = usages, boot_us()
            self.first_usage = self.first_usage or usages


class Node:
    def __init__(self, number, table):
        self.number, self.table = number, table
        self.recorder = table.recorder
        self.variant = 0
        self.wanted = False
        # Which of its parts are under a fault: "process", "link", "stderr".
        self.under = set()
        self.heard = threading.Event()
        self.heard.set()
        self.lives = []
        # Ends that nobody asked for.
        self.surprises = []
        # What darkens the lines after the main process, without prefixes and the program's name.
        self._stop_post = shlex.split(unit("ExecStopPost") or "")[1:]
        self._nice = ["nice", "-n", unit("Nice") or "0"]
        self._log = open(self.recorder.path(f"n{number}.log"), "a")
        self._thread = None

    @property
    def life(self):
        return self.lives[-1]

    @property
    def is_up(self):
        return bool(self.lives) and self.life.lives

    def start(self):
        self.wanted = True
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def stop(self):
        """Asks it to end for good, as `systemctl stop` does."""
        self.wanted = False
        self.restart()

    def restart(self):
        if self.is_up:
            self.life.doom = self.life.doom or "asked"
            self.life.signal(self.life.main, signal.SIGTERM)

    def wait(self, seconds):
        self._thread.join(seconds)
        return not self._thread.is_alive()

    # One thread: starts it, waits for its end, and so on.

    def _keep(self):
        while self.wanted:
            life = self._begin()
            code = life.process.wait()
            self._after(life, code)
            if self.wanted:
                time.sleep(RESTART_SECONDS)

    def _begin(self):
        config = self._configure()
        lamps = os.open(self.recorder.path(f"leds.{self.number}"), os.O_RDWR)
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        life = Life(self, self._spawn(["run", "-c", config], lamps, writer), self._log)
        os.close(lamps)
        os.close(writer)
        threading.Thread(target=self._listen, args=(reader,), daemon=True).start()
        self.lives.append(life)
        self.recorder.add("start", f"pid {life.main}, ops {self.variant}", self.number)
        return life

    def _spawn(self, words, stdout, stderr):
        return subprocess.Popen(
            inside(f"n{self.number}", [*self._nice, self.table.binary, *words]),
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": "/"})

    def _configure(self):
        path = self.recorder.path(f"n{self.number}.conf")
        with open(path, "w") as file:
            file.write(
                f"[worker]\nid = {identity(self.number)}\nslots = 2\npace = {self.table.pace}\n"
                f"ranking = {self.table.rankings[self.number]}\n"
                f"[kafka]\nbootstrap.servers = {BROKER}:{PORT}\n"
                f"[leds]\ndriver = fd:1\n[log]\nlevel = info\n"
                + ops_of(self.variant, self.recorder.folder, self.number))
        return path

    def _listen(self, reader):
        """Reads what the node says for people, unless a fault has it that nobody does."""
        rest = b""
        while True:
            self.heard.wait()
            select.select([reader], [], [])
            if not self.heard.is_set():
                continue
            got = os.read(reader, 65536)
            if not got:
                break
            *lines, rest = (rest + got).split(b"\n")
            for line in lines:
                self.recorder.log_line(self.number, line.decode(errors="replace"), self._log)
        os.close(reader)

    def _after(self, life, code):
        death = self.recorder.add("death", f"pid {life.main}, {self._how(code)}", self.number)
        # systemd kills what is left of the unit, then runs what darkens the lines.
        if left := life.node_pid:
            os.kill(left, signal.SIGKILL)
        if self._stop_post:
            self._darken()
        if life.doom is None and code == -signal.SIGKILL and self.table.has_keepers:
            # A keeper that is not on time with a lit LED has the kernel kill it. The judge knows
            # whether it was lit.
            self.recorder.add("late keeper", f"pid {life.main}", self.number, death.us)
        elif life.doom is None or life.doom == "asked" and code != 0:
            self.surprises.append(f"n{self.number} ended with {self._how(code)}")

    def _darken(self):
        """What it does to the lines of a GPIO chip the board test shows; ours it need not know."""
        words = [*self._stop_post, "-c", self.recorder.path(f"n{self.number}.conf")]
        lamps = os.open(self.recorder.path(f"leds.{self.number}"), os.O_RDWR)
        code = self._spawn(words, lamps, self._log).wait()
        if code == 0:
            os.write(lamps, f"{boot_us()} member 0 0\n".encode())
        else:
            self.surprises.append(f"n{self.number}: {' '.join(words)}: {self._how(code)}")
        os.close(lamps)

    @staticmethod
    def _how(code):
        return f"signal {-code}" if code < 0 else f"exit code {code}"
