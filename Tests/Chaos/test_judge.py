"""The judge must see what is wrong, and nothing else: `make chaos` asks this first."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from faults import KINDS, plan
from judge import (
    leaderless, ordered_again, overlaps, valid_claims, was_lit, without_outcome)
from leds import Change
from recorder import Event


def lit(us, node):
    return Change(us, node, "leader", True)


def dark(us, node):
    return Change(us, node, "member", True)


def spans(changes, end=1000):
    return [(overlap.since, overlap.until, overlap.nodes) for overlap in overlaps(changes, end)]


class Lamps(unittest.TestCase):
    def test_one_after_the_other_is_no_overlap(self):
        self.assertEqual(spans([lit(1, 1), dark(5, 1), lit(6, 2)]), [])

    def test_two_at_once_are_seen_for_as_long_as_it_lasts(self):
        self.assertEqual(spans([lit(1, 1), lit(5, 2), dark(9, 1)]), [(5, 9, [1, 2])])

    def test_what_is_still_lit_at_the_end_is_seen(self):
        self.assertEqual(spans([lit(1, 1), lit(5, 2)], end=20), [(5, 20, [1, 2])])

    def test_the_order_within_a_batch_means_nothing(self):
        self.assertEqual(spans([lit(1, 1), lit(5, 2), dark(5, 1)]), [])

    def test_a_leader_that_is_offline_is_dark(self):
        self.assertEqual(spans([lit(1, 1), Change(2, 1, "leader", False), lit(3, 2)]), [])

    def test_the_line_of_a_dead_node_stays_lit_though_it_leads_nobody(self):
        changes, deaths = [lit(10, 1), lit(50, 2)], [Event(20, "death", 1, "")]
        self.assertEqual(spans(changes, end=90), [(50, 90, [1, 2])])
        self.assertEqual(leaderless(changes, deaths, 0, 90), [(20, 50)])

    def test_whether_a_led_was_lit_when_its_keeper_was_killed(self):
        changes = [dark(0, 1), lit(10, 1), lit(11, 1), lit(15, 2), dark(20, 1)]
        self.assertTrue(was_lit(changes, 1, 15))
        self.assertTrue(was_lit(changes, 1, 40_000))
        self.assertFalse(was_lit(changes, 1, 5))
        # As long after the lease's end as the timer that was not disarmed.
        self.assertFalse(was_lit(changes, 1, 54_021))
        self.assertFalse(was_lit(changes, 3, 15))
        self.assertTrue(was_lit(changes, 2, 9_000_000))

    def test_time_without_a_leader_ends_with_the_run(self):
        self.assertEqual(leaderless([lit(1, 1), dark(5, 1)], [], 0, 30), [(5, 30)])
        self.assertEqual(leaderless([lit(1, 1), dark(5, 1)], [], 10, 30), [(10, 30)])


class Topics(unittest.TestCase):
    def test_an_order_long_after_the_outcome_is_seen(self):
        def order(offset, ms, word="ASSIGN_WORK_REQUEST", name="a"):
            return {"op_code": word, "request_offset": offset, "written_ms": ms,
                    "work_request": {"request_id": name}}

        def final(offset, ms, final=True):
            return {"final": final, "request_offset": offset, "request_id": "a",
                    "written_ms": ms}

        results = [final(1, 1000), final(1, 9000), final(2, 1000, final=False), final(3, 1000)]
        leader = [order(1, 500), order(1, 3001), order(2, 9000), order(3, 2900),
                  order(3, 9000, "CANCEL_WORK_REQUEST"), order(3, 9000, name="b"),
                  {"op_code": "NOOP"}]
        self.assertEqual(ordered_again(leader, results), [(1, "a")])

    def test_only_a_final_result_is_an_outcome(self):
        requests = [{"request_id": "a"}, {"request_id": "b"}, {"request_id": "c"}]
        results = [{"request_id": "a", "final": False}, {"request_id": "b", "final": True}]
        self.assertEqual(without_outcome(requests, results), [requests[0], requests[2]])

    def test_the_first_claim_of_a_term_wins_it(self):
        log = [{"term": term, "worker_id": worker} for term, worker in
               [(1, "a"), (1, "b"), (3, "b"), (2, "c"), (3, "b")]]
        self.assertEqual(valid_claims(log), [log[0], log[2]])


class Locks(unittest.TestCase):
    """What jobs run: two at one request, and the kernel tells."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        os.mkdir(f"{self.folder}/locks")
        self.addCleanup(shutil.rmtree, self.folder)

    def job(self, what, request, attempt):
        variables = {"SCRAP_REQUEST_ID": request, "SCRAP_ATTEMPT": attempt, "SCRAP_TERM": "1",
                     "SCRAP_PARAM_S": "60"}
        process = subprocess.Popen(
            ["/bin/sh", f"{sys.path[0]}/job.sh", self.folder, "1", what],
            env={**os.environ, **variables}, start_new_session=True)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        """With all that it has started; nothing may be left of it."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def lines(self, name):
        try:
            with open(f"{self.folder}/{name}") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def await_lines(self, name, count):
        while len(self.lines(name)) < count:
            time.sleep(0.01)

    def test_one_request_in_two_places_is_told(self):
        self.job("short", "r1", "1")
        self.await_lines("jobs", 1)
        self.job("short", "r2", "1")
        self.job("short", "r1", "2")
        self.await_lines("jobs", 3)
        self.assertEqual(len(self.lines("twice")), 1)
        self.assertIn("r1 attempt 2", self.lines("twice")[0])
        self.assertIn("r1 attempt 1", self.lines("twice")[0].partition("while there runs")[2])

    def test_what_a_job_leaves_behind_still_counts(self):
        self.job("forks", "r1", "1").wait()
        self.job("quick", "r1", "2").wait()
        self.assertEqual(len(self.lines("twice")), 1)

    def test_one_after_the_other_is_no_matter(self):
        self.job("quick", "r1", "1").wait()
        self.job("quick", "r1", "2").wait()
        self.assertEqual((len(self.lines("jobs")), self.lines("twice")), (2, []))


class Plans(unittest.TestCase):
    def test_a_seed_gives_one_plan_and_each_kind_before_any_comes_twice(self):
        def told(seed):
            return [(fault.kind, fault.at, fault.lasts, fault.wants_leader, fault.number)
                    for fault in plan(seed, 600, [1, 2, 3], KINDS)]

        self.assertEqual(told(7), told(7))
        self.assertNotEqual(told(7), told(8))
        self.assertEqual({kind for kind, *_ in told(7)[:len(KINDS)]}, set(KINDS))

    def test_every_fault_is_over_when_the_run_is(self):
        for seed in range(20):
            for fault in plan(seed, 120, [1, 2], KINDS):
                self.assertLessEqual(fault.at + fault.lasts, 120)


if __name__ == "__main__":
    unittest.main()
