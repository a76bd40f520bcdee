"""Opens the parts that the settings switch on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from shared.entry_points import value_at
from shared.errors import ConfigError
from source_server.part import server_parts
from source_server.settings import ServerSettings, SourceSettings
from source_server.web.dispatch import OpenedPart
from source_server.workers.common import ALONE, Common

# Opens a part with its own settings and those of the server, until the end of the block. It is
# opened in each worker; what must hold for all of them is in what they have in common.
Opener = Callable[[Any, SourceSettings, Common], AbstractContextManager[OpenedPart]]


@contextmanager
def opened_parts(
    settings: ServerSettings, common: Common = ALONE
) -> Iterator[tuple[OpenedPart, ...]]:
    """Open the wanted parts. Raises `ConfigError` if one cannot be opened."""
    opened: list[OpenedPart] = []
    with ExitStack() as stack:
        for part in server_parts():
            own = settings.of(part.settings)
            if not own.is_wanted:
                continue
            # Only a wanted part is asked: without a tenant's libraries all else is served.
            if lacking := part.needs.lacking():
                raise ConfigError(f"{part.name} = true: {lacking}")
            opener: Opener = value_at(part.opener)
            opened.append(stack.enter_context(opener(own, settings.source, common)))
        yield tuple(opened)
