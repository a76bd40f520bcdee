"""The source server's metrics for Prometheus.

No label names a user, a file or a pattern: each value would be a time series of its own, for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from source_server.web.list_limits import RefusalReason
from source_server.web.requests_watched import EndedAnswer, Served

_PREFIX = "openbis_sync_source"
_OK = 200
_FIRST_BYTE = (0.005, 0.02, 0.1, 0.5, 1, 5, 20, 60, 300)
_WHOLE = (0.01, 0.1, 1, 10, 60, 300, 1800, 7200, 28800)


class Metrics:
    """Counts answers. May be used from any thread."""

    def __init__(self, *, lists: Callable[[], int], together: Collector | None = None) -> None:
        """``lists`` returns the number of lists that are being sent; ``together`` has the counts of
        all workers (`source_server.web.metrics_of_workers`)."""
        self._lists = lists
        self._together = together
        self._requests = _counter("requests", "Requests that were answered", "kind", "status")
        self._bytes = _counter("sent_bytes", "Bytes of bodies, as they were sent", "kind")
        self._files = _counter("sent_files", "Files, or parts of files, sent whole", "kind")
        self._cut = _counter("cut_answers", "Answers that did not get to their end", "kind")
        self._lists_of = _counter(
            "lists", "Resource lists sent whole, by the version of openBIS that reads them", "peer"
        )
        self._refused = _counter("refused_lists", "Resource lists refused with 429", "reason")
        self._first_byte = Histogram(
            f"{_PREFIX}_first_byte_seconds",
            "From a request to the first byte of its answer, if it was no error",
            ["kind"],
            buckets=_FIRST_BYTE,
            registry=None,
        )
        self._whole = Histogram(
            f"{_PREFIX}_answer_seconds",
            "From a request to the last byte of its answer, if it was no error",
            ["kind"],
            buckets=_WHOLE,
            registry=None,
        )
        # Present with 0 from the start: Prometheus sees no increase where a series begins with 1.
        for reason in RefusalReason:
            self._refused.labels(reason)

    def bytes_of(self, kind: Served) -> Callable[[int], None]:
        """Returns the function that counts bytes that were sent."""
        return partial(_add, self._bytes.labels(kind))

    def count(self, answer: EndedAnswer) -> None:
        """Counts an answer that has ended."""
        visit, kind = answer.visit, answer.visit.kind
        self._requests.labels(kind, _class_of(answer.status)).inc()
        if visit.refused:
            self._refused.labels(visit.refused).inc()
        if not answer.complete:
            self._cut.labels(kind).inc()
        elif kind.is_file and answer.method != "HEAD" and answer.status in {200, 206}:
            self._files.labels(kind).inc()
        elif visit.peer and answer.method != "HEAD" and answer.status == _OK:
            self._lists_of.labels(visit.peer).inc()
        if answer.succeeded and answer.first_byte is not None:
            self._first_byte.labels(kind).observe(answer.first_byte)
            self._whole.labels(kind).observe(answer.seconds)

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            f"{_PREFIX}_lists_in_progress",
            "Resource lists that are being sent",
            value=self._lists(),
        )
        counters = (
            *(self._requests, self._bytes, self._files, self._cut, self._refused, self._lists_of),
        )
        own: tuple[Collector, ...] = (*counters, self._first_byte, self._whole)
        for counter in own if self._together is None else (self._together,):
            for metric in counter.collect():
                yield _without_creation(metric)


def reachable_metric(*, reachable: bool) -> Metric:
    return GaugeMetricFamily(
        f"{_PREFIX}_reachable",
        "Whether the instance that is published answers",
        value=float(reachable),
    )


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"{_PREFIX}_{name}", text, labels, registry=None)


def _add(counter: Counter, size: int) -> None:
    counter.inc(size)


def _class_of(status: int | None) -> str:
    return f"{status // 100}xx" if status else "none"


def _without_creation(metric: Metric) -> Metric:
    """The metric without the times at which its counters were made, which double their number."""
    metric.samples = [s for s in metric.samples if not s.name.endswith("_created")]
    return metric
