"""Requests as users write them, in a stream that follows from the seed."""
import json
import random
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from network import BROKER, PORT, PREFIX

PER_SECOND = 9
# Now and then many come at once.
BURST, BURST_CHANCE = 40, 0.002
SCRIPTS = ["quick", "short", "fail", "flaky", "overrun", "stubborn", "forks", "escape"]
WEIGHTS = {
    "noop": 50, "echo": 5, "quick": 15, "short": 15, "fail": 3, "flaky": 4, "overrun": 2,
    "stubborn": 2, "forks": 4, "escape": 3}
DEADLINES_MS = {"overrun": 1500, "stubborn": 1500}
# What nodes can do, by variant: a node that starts again may come with other ops.
VARIANTS = [
    {"without": [], "deadlines": DEADLINES_MS},
    {"without": ["flaky", "forks"], "deadlines": {"overrun": 700, "stubborn": 2500}},
    {"without": ["quick"], "deadlines": {"overrun": 3000, "stubborn": 700, "short": 1000}},
]


def ops_of(variant, folder, number):
    """The [op.*] sections of a node."""
    plan = VARIANTS[variant]
    text = ""
    for name in SCRIPTS:
        if name not in plan["without"]:
            deadline = plan["deadlines"].get(name, 60000)
            text += (f"[op.{name}]\nexec = /bin/sh {folder}/job.sh {folder} {number} {name}\n"
                     f"timeout_ms = {deadline}\n")
    return text


class Workload:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.sent = 0
        self.refused = 0
        self._settings = {
            "bootstrap.servers": f"{BROKER}:{PORT}", "acks": "all", "message.timeout.ms": 10000,
            "log_level": 0}
        self._producer = Producer(self._settings)
        self._watcher = Consumer(self._settings_of_watcher())
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._flow, daemon=True)

    @staticmethod
    def _settings_of_watcher():
        return {"bootstrap.servers": f"{BROKER}:{PORT}", "group.id": "watcher", "log_level": 0}

    def start(self):
        self._thread.start()

    def stop(self):
        """No more requests; waits until the broker has taken those that it will take."""
        self._over.set()
        self._thread.join()
        self._producer.flush(15)

    def results(self):
        """How many results there are, as far as the broker says; for the progress line."""
        try:
            topic = TopicPartition(PREFIX + "results", 0)
            return self._watcher.get_watermark_offsets(topic, timeout=1)[1]
        except KafkaException:
            return "?"

    def _flow(self):
        due = time.monotonic()
        while not self._over.is_set():
            for _ in range(BURST if self.random.random() < BURST_CHANCE else 1):
                self._send(self._next())
            self._producer.poll(0)
            due = max(due + self.random.expovariate(PER_SECOND), time.monotonic() - 1)
            self._over.wait(max(0, due - time.monotonic()))

    def _next(self):
        self.sent += 1
        op = self.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
        request = {"request_id": f"r{self.sent}", "op_code": op}
        if op == "short":
            request["parameters"] = {"s": f"{self.random.uniform(0.05, 1.5):.2f}"}
        if op == "echo":
            request["parameters"] = {"text": f"number {self.sent}"}
        if op in ("overrun", "stubborn") and self.random.random() < 0.5:
            request["timeout_ms"] = self.random.randint(300, 2000)
        if self.random.random() < 0.2:
            request["max_attempts"] = self.random.randint(1, 6)
        return request

    def _send(self, request):
        def delivered(error, _):
            # It may be in the log all the same: under its own id it is run once.
            if error and not self._over.is_set():
                self.refused += 1
                self._send(request)

        try:
            self._producer.produce(
                PREFIX + "requests", json.dumps(request), partition=0, on_delivery=delivered)
        except (BufferError, KafkaException):
            self.refused += 1
