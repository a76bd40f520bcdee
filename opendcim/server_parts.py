"""Opens the parts of openDCIM that the settings switch on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module

from source_server.settings import SourceSettings
from source_server.sites import Part


@contextmanager
def opened_parts(settings: SourceSettings) -> Iterator[tuple[Part, ...]]:
    """Raises `ConfigError` if one cannot be opened. The others are not loaded: a server that only
    publishes openBIS needs a tenth less of memory."""
    parts: list[Part] = []
    with ExitStack() as stack:
        if settings.opendcim_repository:
            part = import_module("opendcim.repository.part")
            address = settings.opendcim_repository_address or settings.download_url
            parts.append(stack.enter_context(part.repository_part(settings, address)))
        if settings.opendcim_connector:
            part = import_module("opendcim.connector.part")
            parts.append(stack.enter_context(part.connector_part(settings)))
        yield tuple(parts)
