"""Rounds of lists and of settings, each of which depends on its seed and number only."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from harvester.__main__ import main as harvester
from tests.fuzz.mutations import Mutated, mutated_list, mutated_text
from tests.fuzz.site import Outcome, Source, a_destination, fuzzed_source, harvested
from tests.support.instances.instance import PROJECT

# Lists that are harvested into the same destination, one after the other.
TOGETHER = 25
_CLEAN = frozenset({0, 2})
# A number, what was tried, and what became of it.
Case = tuple[int, bytes, Outcome]


def lists(seed: int, first: int, count: int, folder: Path) -> Iterator[Case]:
    """Begin where a destination begins, so that a number always means the same."""
    logging.disable(logging.CRITICAL)
    try:
        with (
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stderr(nowhere),
            fuzzed_source(folder / "source") as source,
        ):
            for begin in range(first - first % TOGETHER, first + count, TOGETHER):
                end = min(begin + TOGETHER, first + count)
                yield from _into_one(source, seed, range(begin, end), folder / "destination")
    finally:
        logging.disable(logging.NOTSET)


def _into_one(source: Source, seed: int, numbers: range, folder: Path) -> Iterator[Case]:
    with a_destination(folder, source, Random(f"{seed}/{numbers.start}")) as fuzzed:  # noqa: S311
        harvested(fuzzed, Mutated(body=source.documents[0], encoding=""))
        for number in numbers:
            random = Random(f"{seed}:{number}")  # noqa: S311 - no secret
            shown = mutated_list(random, source.documents)
            yield number, shown.body, harvested(fuzzed, shown, released=random.random() < 0.5)
    shutil.rmtree(folder)


def configs(seed: int, first: int, count: int, folder: Path) -> Iterator[Case]:
    """Settings files, one of two mutated, through ``check-config``."""
    logging.disable(logging.CRITICAL)
    properties = (PROJECT / "config/harvester.properties").read_bytes()
    config = (PROJECT / "config/harvester-config.txt").read_bytes()
    try:
        for number in range(first, first + count):
            random = Random(f"{seed}:{number}")  # noqa: S311 - no secret
            texts = {"harvester.properties": properties, "harvester-config.txt": config}
            name = random.choice(sorted(texts))
            texts[name] = mutated_text(random, texts[name])
            yield number, texts[name], _checked(folder / "settings", texts)
    finally:
        logging.disable(logging.NOTSET)


def _checked(folder: Path, texts: dict[str, bytes]) -> Outcome:
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_bytes(text)
    output = io.StringIO()
    begun = time.process_time()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = harvester(["check-config", "--config", str(folder / "harvester.properties")])
    seconds = time.process_time() - begun
    shutil.rmtree(folder)
    told = output.getvalue()
    crash = "" if code in _CLEAN and "Traceback" not in told else f"exit {code}: {told[-500:]}"
    return Outcome(verdict=f"exit {code}", seconds=seconds, crash=crash)
