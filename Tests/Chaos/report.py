"""What a run comes to, for people."""
import math
from collections import Counter


def percentile(values, share):
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def tell(verdict):
    """The report's lines."""
    table = verdict.table
    yield (f"{len(table.faults)} faults in {table.seconds:.0f} s, {len(table.nodes)} nodes, pace "
           f"{table.pace}, {'with' if table.has_keepers else 'without'} keepers, seed {table.seed}")
    yield f"  requests                      {verdict.requests}"
    yield f"  outcomes                      {verdict.outcomes}"
    yield f"  without outcome               {len(verdict.lost)}"
    yield f"  more than one, different      {len(verdict.different)} (the first counts)"
    yield from differing(verdict)
    yield f"  ordered after their outcome   {len(verdict.again)} (what the broker loses is done again)"
    yield f"  two leaders lit               {len(verdict.overlaps)}" + longest(verdict)
    yield f"  runs of jobs, two at once     {verdict.runs}, {len(verdict.twice)}"
    if table.has_keepers:
        yield (f"  keepers that were late        {len(verdict.late_keepers)} "
               "(with a lit LED: the kernel ends them)")
    yield f"  elections                     {verdict.elections}"
    yield f"  not taken by the broker       {table.workload.refused} (sent again)"
    yield from by_kind(verdict)
    yield from statuses(verdict)
    yield from usages(table)
    for violation in verdict.violations:
        yield f"VIOLATION: {violation}"


def differing(verdict):
    """Each outcome of a request whose outcomes differ: what the broker loses is done again."""
    for name, outcomes in list(verdict.different.items())[:20]:
        yield f"    {name}: " + ", ".join(
            f"results[{it['offset']}] {it['status']} of requests[{it['request_offset']}] "
            f"attempt {it['attempt']}" for it in outcomes)


def longest(verdict):
    if not verdict.overlaps:
        return ""
    return f", the longest {max(overlap.ms for overlap in verdict.overlaps):.1f} ms"


def by_kind(verdict):
    """Leaderless time and log lines after each kind of fault."""
    spans, lines = verdict.leaderless_by_kind(), verdict.lines_by_kind()
    times = Counter(fault.kind for fault in verdict.table.faults)
    yield ("  after                faults  leaderless: times   p50   p95   max s"
           "   log lines per fault")
    for kind in sorted(set(times) | set(spans)):
        found = spans.get(kind, [])
        numbers = [percentile(found, share) for share in (0.5, 0.95, 1)] if found else []
        cells = "".join(f"{number:6.2f}" for number in numbers) or f"{'-':>18}"
        yield (f"    {kind:<18} {times[kind]:6}  {len(found):17}{cells}"
               f"{lines.get(kind, 0):20.1f}")


def statuses(verdict):
    yield "  outcomes by op"
    for op, counts in sorted(verdict.statuses.items()):
        yield f"    {op:<18} " + ", ".join(f"{n} {status}" for status, n in counts.most_common())


def usages(table):
    """Of each node's longest life: what it took at its start and at its end."""
    yield "  memory in KiB / descriptors, of each node's longest life: start, end"
    for node in table.nodes:
        measured = [life for life in node.lives if life.first_usage]
        if not measured:
            continue
        life = max(measured, key=lambda life: life.last_measured_us - life.began)
        for name, first, last in zip(("node", "keeper"), life.first_usage, life.last_usage):
            lasted = (life.last_measured_us - life.began) / 1e6
            yield (f"    n{node.number} {name:<6} {first[0]:7} / {first[1]:<3} {last[0]:7} / "
                   f"{last[1]:<3} in {lasted:.0f} s")
