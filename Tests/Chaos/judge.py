"""Decides what a run was worth, by what an independent client reads of the topics, by what the LEDs
showed, and by what the kernel said of the jobs' locks. Nothing here comes from the code under
test.
"""
import json
import subprocess
from collections import Counter, defaultdict

from network import BROKER, PORT, PREFIX

TOPICS = ["requests", "results", "leader", "election", "heartbeat"]


def read(topic):
    """All that the topic holds now, by offset; `written_ms`: when, by the wall clock."""
    done = subprocess.run(
        ["kcat", "-C", "-e", "-u", "-q", "-b", f"{BROKER}:{PORT}", "-t", PREFIX + topic,
         "-o", "beginning", "-f", "%o %T %s\n"], stdout=subprocess.PIPE, timeout=120, check=True)
    records = []
    for line in done.stdout.split(b"\n"):
        offset, _, rest = line.partition(b" ")
        written_ms, _, text = rest.partition(b" ")
        if text:
            records.append({**json.loads(text), "offset": int(offset),
                            "written_ms": int(written_ms)})
    return records


def without_outcome(requests, results):
    final = {result["request_id"] for result in results if result["final"]}
    return [request for request in requests if request["request_id"] not in final]


def count_without_outcome():
    return len(without_outcome(read("requests"), read("results")))


def ordered_again(leader, results):
    """Offset and id of requests that were ordered once more long after their outcome was there.
    (Boards have one clock here; and what the broker has lost leaves its offset to another.)"""
    settled_ms = {}
    for result in results:
        if result["final"]:
            settled_ms.setdefault(
                (result["request_offset"], result["request_id"]), result["written_ms"])
    orders = [(order["request_offset"], order["work_request"]["request_id"], order["written_ms"])
              for order in leader if order["op_code"] == "ASSIGN_WORK_REQUEST"]
    return sorted({
        (offset, name) for offset, name, written_ms in orders
        if written_ms > settled_ms.get((offset, name), float("inf")) + 2000})


def valid_claims(leader):
    """Claims that began a tenure: the first record of each term higher than all before."""
    term, claims = 0, []
    for record in leader:
        if record["term"] > term:
            term = record["term"]
            claims.append(record)
    return claims


class Overlap:
    """Two or more leader LEDs lit at once."""

    def __init__(self, since, nodes):
        self.since, self.until, self.nodes, self.why = since, None, nodes, ""

    @property
    def ms(self):
        return (self.until - self.since) / 1000


def overlaps(changes, end):
    """From what the observer stamped: batches are instants, see `observer.py`."""
    found, lit = [], set()
    batches = defaultdict(list)
    for change in changes:
        batches[change.us].append(change)
    current = None
    for at, batch in batches.items():
        for change in batch:
            (lit.add if change.leads else lit.discard)(change.node)
        if current and len(lit) < 2:
            current.until, current = at, None
        elif not current and len(lit) > 1:
            current = Overlap(at, sorted(lit))
            found.append(current)
    if current:
        current.until = end
    return found


def explain(overlap, faults, deaths):
    """Which fault that overlap belongs to, for people."""
    near = [fault for fault in faults
            if fault.began_us - 1_000_000 <= overlap.until
            and (fault.ended_us or overlap.until) >= overlap.since - 5_000_000]
    dead = [event for event in deaths
            if event.node in overlap.nodes and 0 <= overlap.until - event.us < 5_000_000]
    return ", ".join(
        [f"{fault.kind}{f' of n{fault.node.number}' if fault.node else ''}" for fault in near[-3:]]
        + [f"n{event.node} had died: its line stays as it was driven" for event in dead[-1:]])


def leaderless(changes, deaths, begin, end):
    """Spans in which nobody led. A lit LED of a node that is dead leads nobody."""
    moments = [(change.us, 0, change.node, change.leads) for change in changes]
    moments += [(event.us, 1, event.node, False) for event in deaths]
    spans, leading, since = [], set(), None
    for us, _, node, leads in sorted(moments):
        (leading.add if leads else leading.discard)(node)
        if not leading and since is None:
            since = us
        elif leading and since is not None:
            if us > begin:
                spans.append((max(since, begin), us))
            since = None
    if since is not None and since < end:
        spans.append((max(since, begin), end))
    return [span for span in spans if span[0] < end]


def was_lit(changes, node, us):
    """Whether the node's leader LED was lit at `us`, or a moment before: the observer may be
    late."""
    shown = [change for change in changes if change.node == node and change.us <= us]
    lately = [change for change in shown if change.us >= us - 50_000]
    before = shown[:len(shown) - len(lately)]
    return any(change.leads for change in before[-1:] + lately)


class Verdict:
    """The numbers, and the violations in words."""

    def __init__(self, table):
        recorder = table.recorder
        self.table, self.violations = table, list(table.complaints)
        self.topics = {topic: read(topic) for topic in TOPICS}
        self._keep_topics(recorder)
        changes = table.leds.refresh().changes
        phases = {event.text: event.us for event in recorder.of("phase")}
        self.begin, self.end = phases["faults"], phases["end"]
        self.deaths = recorder.of("death")
        self._judge_outcomes()
        self._judge_leds(changes)
        self._judge_jobs(recorder)
        self.elections = len(valid_claims(self.topics["leader"]))
        self.spans = leaderless(changes, self.deaths, self.begin, self.end)

    def _keep_topics(self, recorder):
        for topic, records in self.topics.items():
            with open(recorder.path(f"topic-{topic}.jsonl"), "w") as file:
                for record in records:
                    file.write(json.dumps(record) + "\n")

    def _judge_outcomes(self):
        requests, results = self.topics["requests"], self.topics["results"]
        self.requests = len({request["request_id"] for request in requests})
        finals = defaultdict(list)
        for result in results:
            if result["final"]:
                finals[result["request_id"]].append(result)
        self.outcomes = len(finals)
        self.different = {
            name: all for name, all in sorted(finals.items())
            if len({result["status"] for result in all}) > 1}
        self.again = ordered_again(self.topics["leader"], results)
        self.lost = without_outcome(requests, results)
        for request in self.lost:
            self.violations.append(f"without an outcome: {request}")
        ops = {request["request_id"]: request["op_code"] for request in requests}
        self.statuses = defaultdict(Counter)
        for name, all in finals.items():
            self.statuses[ops.get(name, "(lost by the broker)")][all[0]["status"]] += 1

    def _judge_leds(self, changes):
        # The kernel ends a keeper for nothing but a lit LED.
        self.late_keepers = self.table.recorder.of("late keeper")
        for event in self.late_keepers:
            if not was_lit(changes, event.node, event.us):
                self.violations.append(
                    f"the keeper of n{event.node} was killed with its LED dark, at "
                    f"{self.table.recorder.seconds(event.us):.3f} s")
        self.overlaps = overlaps(changes, self.end)
        for overlap in self.overlaps:
            overlap.why = explain(overlap, self.table.faults, self.deaths)
            both = " and ".join(f"n{node}" for node in overlap.nodes)
            self.violations.append(
                f"two leaders lit, {both}, for {overlap.ms:.1f} ms at "
                f"{self.table.recorder.seconds(overlap.since):.3f} s ({overlap.why})")

    def _judge_jobs(self, recorder):
        self.runs = recorder.count_lines("jobs")
        self.twice = recorder.read_lines("twice")
        self.violations += [f"two runs at once: {line}" for line in self.twice]

    # After each kind of fault.

    def cause(self, us):
        """The kind of the last fault that had begun then."""
        begun = [fault for fault in self.table.faults if fault.began_us <= us]
        return max(begun, key=lambda fault: fault.began_us).kind if begun else "no fault yet"

    def leaderless_by_kind(self):
        found = defaultdict(list)
        for since, until in self.spans:
            found[self.cause(since)].append((until - since) / 1e6)
        return found

    def lines_by_kind(self):
        """How many log lines all nodes wrote for each fault of a kind."""
        found = Counter(self.cause(us) for us, _, _ in self.table.recorder.lines
                        if self.begin <= us <= self.end)
        times = Counter(fault.kind for fault in self.table.faults)
        return {kind: count / times[kind] for kind, count in found.items() if times[kind]}
