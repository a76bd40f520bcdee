"""``python -m tests.fuzz``: many mutated lists and settings, in processes of their own.

It ends with 1 if one of them crashed, or took more than 300 MB. What crashed is kept in
``fuzz-crashes``; ``--only NUMBER`` with the same seed tries it again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.benchmarks.processes import peak_of
from tests.fuzz.rounds import configs, lists

MOST_MEGABYTES = 300
SLOW = 5.0
_KEPT = Path("fuzz-crashes")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--lists", type=int, default=10_000)
    parser.add_argument("--configs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="try one list again, with those before it")
    parser.add_argument("--child", nargs=3, metavar=("WHAT", "FIRST", "COUNT"))
    options = parser.parse_args()
    if options.child:
        what, first, count = options.child
        return _child(what, options.seed, int(first), int(count))
    if options.only is not None:
        return _child("lists", options.seed, options.only, 1)
    return _parent(options)


def _parent(options: argparse.Namespace) -> int:
    """Share the work among two processes for each processor, at most four."""
    workers = min(4, 2 * (os.cpu_count() or 1))
    each = -(-options.lists // workers)
    jobs = [("lists", number * each, each) for number in range(workers) if options.lists]
    jobs.append(("configs", 0, options.configs))
    command = [sys.executable, "-m", "tests.fuzz", "--seed", str(options.seed), "--child"]
    children = [
        subprocess.Popen([*command, what, str(first), str(count)]) for what, first, count in jobs
    ]
    return max(child.wait() != 0 for child in children)


def _child(what: str, seed: int, first: int, count: int) -> int:
    verdicts: Counter[str] = Counter()
    crashes, slowest = 0, (0.0, -1)
    with tempfile.TemporaryDirectory() as folder:
        cases = {"lists": lists, "configs": configs}[what](seed, first, count, Path(folder))
        for number, body, outcome in cases:
            verdicts[outcome.verdict] += 1
            slowest = max(slowest, (outcome.seconds, number))
            if outcome.crash:
                crashes += 1
                _keep(f"{what}-{seed}-{number}", body, outcome.crash)
            if outcome.seconds > SLOW:
                print(f"{what} {number}: {outcome.seconds:.1f} s", flush=True)
    megabytes = peak_of(os.getpid()) // 1_000_000
    told = {
        "what": what, "first": first, "tried": verdicts.total(), "crashes": crashes,
        "megabytes": megabytes, "slowest": round(slowest[0], 2), "slowest number": slowest[1],
        "verdicts": dict(verdicts),
    }  # fmt: skip
    print(json.dumps(told), flush=True)
    return int(bool(crashes) or megabytes > MOST_MEGABYTES)


def _keep(name: str, body: bytes, crash: str) -> None:
    _KEPT.mkdir(exist_ok=True)
    (_KEPT / f"{name}.bin").write_bytes(body)
    (_KEPT / f"{name}.txt").write_text(crash)
    print(f"{name}: {crash}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
