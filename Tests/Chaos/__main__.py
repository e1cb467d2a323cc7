"""The driver: `make chaos`, `make night`; see Tests/README.md.

Each round runs in new namespaces of mounts, network and processes. What it makes there (links, a
bridge, processes) is gone when it ends, however it ends: the kernel sees to it.
"""
import argparse
import ctypes
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

import machine

# What rounds import is installed here; the driver itself needs nothing of it.
CLIENT = os.path.abspath(".build-tools/python")
BINARY = "dist/scrap-worker-" + ("arm64" if platform.machine() == "aarch64" else "amd64")
PACES = ["fast", "normal", "classroom", "cloud"]
PR_SET_PDEATHSIG = 1


def seconds(text):
    """90, 90s, 10m or 1h."""
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:])
    try:
        return float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time: 90, 90s, 10m, 1h") from None


def arguments():
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--for", dest="lasts", type=seconds, default=600, help="of faults; 10m")
    parser.add_argument("--round", type=seconds, help="how much of it each seed gets; all of it")
    parser.add_argument("--seed", type=int, help="of the first round; a new one")
    parser.add_argument("--nodes", type=int, default=5, help="1 to 99; 5")
    parser.add_argument("--pace", choices=PACES, default="normal")
    parser.add_argument("--binary", default=os.environ.get("SCRAP_WORKER", BINARY))
    parser.add_argument("--only", metavar="KIND[,KIND]", default="", help="only these faults")
    given = parser.parse_args()
    if not 1 <= given.nodes <= 99:
        parser.error("--nodes takes 1 to 99")
    given.round = min(given.round or given.lasts, given.lasts)
    given.binary = os.path.abspath(given.binary)
    return given


def die_with_us():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def one_round(given, seed):
    """Whether all held. Its folder is kept as one file if not."""
    folder = tempfile.mkdtemp(prefix=f"scrap-chaos-{seed}-")
    order = json.dumps({**vars(given), "seed": seed})
    # The shell is process 1 in there, which reaps what jobs leave behind.
    command = ["sh", "-c", '"$@"; exit $?', "chaos", sys.executable, "-u",
               f"{sys.path[0]}/round.py", folder, order]
    try:
        code = subprocess.run(
            [*machine.apart(), *command], preexec_fn=die_with_us,
            env={**os.environ, "PYTHONPATH": CLIENT, "PYTHONDONTWRITEBYTECODE": "1"}).returncode
        if code != 0:
            print(f"all logs: {keep(folder, seed)}\nagain: {again(given, seed)}", flush=True)
        return code == 0
    finally:
        shutil.rmtree(folder)


def keep(folder, seed):
    path = f"{folder}.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name in sorted(os.listdir(folder)):
            if os.path.isfile(f"{folder}/{name}"):
                archive.add(f"{folder}/{name}", f"chaos-{seed}/{name}")
    return path


def again(given, seed):
    words = f"make chaos SEED={seed} FOR={given.round:.0f}s NODES={given.nodes} PACE={given.pace}"
    return words + (f""" ARGS="--only '{given.only}'\"""" if given.only else "")


def main():
    given = arguments()
    machine.check()
    first = random.randrange(1_000_000) if given.seed is None else given.seed
    seeds = range(first, first + round(given.lasts / given.round))
    failed = [seed for seed in seeds if not one_round(given, seed)]
    if failed:
        machine.refuse(
            f"what must hold did not, in {len(failed)} of {len(seeds)} rounds: seeds {failed}")
    print(f"chaos: all held, seeds {list(seeds)}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
