"""Opens the parts of openDCIM that the settings switch on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from source_server.opendcim.connector.part import connector_part
from source_server.opendcim.repository.part import repository_part
from source_server.settings import SourceSettings
from source_server.sites import Part


@contextmanager
def opened_parts(settings: SourceSettings) -> Iterator[tuple[Part, ...]]:
    """Raises `ConfigError` if one cannot be opened."""
    parts: list[Part] = []
    with ExitStack() as stack:
        if settings.opendcim_repository:
            address = settings.opendcim_repository_address or settings.download_url
            parts.append(stack.enter_context(repository_part(settings, address)))
        if settings.opendcim_connector:
            parts.append(stack.enter_context(connector_part(settings)))
        yield tuple(parts)
