"""The metrics of several workers: sums over all of them, whichever worker is asked.

Each worker counts in files of its own, which are mapped into its memory. The worker that takes the
place of one that ended counts on in the same files, so that no sum ever falls.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import prometheus_client.values
from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from source_server.workers.census import Processes

# Without types in the library.
_values: Callable[..., Any] = prometheus_client.values.MultiProcessValue
_sums: Callable[..., Any] = MultiProcessCollector

# How often the processes are looked at anew, if one ends meanwhile.
_TRIES = 20
_CPU = "process_cpu_seconds"
# Values that are no sums: they are those of the parent.
_OF_PARENT = {"process_start_time_seconds", "process_max_fds"}


def counting_in(folder: Path, place: int) -> Collector:
    """From now on, metrics that are made in this process count in files of the folder. Returns the
    sums over all workers that count there. ``place`` is the worker's number among them."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values, collector = _values(lambda: place), _sums(None, str(folder))
    prometheus_client.values.ValueClass = values
    return cast("Collector", collector)


class AllProcesses(Collector):
    """The metrics ``process_*`` of parent and workers together."""

    def __init__(self, processes: Callable[[], Processes]) -> None:
        self._processes = processes

    def collect(self) -> Iterable[Metric]:
        for _ in range(_TRIES):
            processes = self._processes()
            each = {pid: _of(pid) for pid in (processes.parent, *processes.workers)}
            # A worker that ended meanwhile would be missing, with all its time of processors.
            if all(each.values()):
                return _joined(processes, each)
        return []


def _of(pid: int) -> dict[str, Metric]:
    collector = ProcessCollector(pid=lambda: pid, registry=None)
    return {metric.name: metric for metric in collector.collect()}


def _joined(processes: Processes, each: dict[int, dict[str, Metric]]) -> Iterable[Metric]:
    sums: dict[str, float] = defaultdict(float)
    sums[_CPU] = processes.ended_seconds
    for metrics in each.values():
        for name, metric in metrics.items():
            sums[name] += metric.samples[0].value
    for name, metric in each[processes.parent].items():
        value = metric.samples[0].value if name in _OF_PARENT else sums[name]
        family = CounterMetricFamily if name == _CPU else GaugeMetricFamily
        yield family(name, metric.documentation, value=value)
