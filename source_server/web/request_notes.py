"""Notes of what a request asks for, for access log and metrics."""

from __future__ import annotations

from collections.abc import Sequence

from source_server.publication.documents import PublishedDocument
from source_server.publication.roots import ROOT, Flag
from source_server.web.requests_watched import Served, WatchedRequest

Parameters = Sequence[tuple[str, str]]


def note(visit: WatchedRequest, document: PublishedDocument, parameters: Parameters) -> None:
    visit.kind = Served(document.verb.stem)
    visit.verb = document.verb.value
    visit.black_list = _joined(parameters, "black_list")
    visit.white_list = _joined(parameters, "white_list")
    visit.roots = _joined(parameters, ROOT)
    flags = [
        f"{flag}={values_of(parameters, flag)[0]}" for flag in Flag if values_of(parameters, flag)
    ]
    visit.flags = ",".join(flags) or None


def values_of(parameters: Parameters, name: str) -> list[str]:
    return [value for key, value in parameters if key == name]


def _joined(parameters: Parameters, name: str) -> str | None:
    values = values_of(parameters, name)
    return ",".join(values) if values else None
