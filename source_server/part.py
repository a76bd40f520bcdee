"""Parts that other packages serve beside the instance.

A package adds its parts by an entry point of the group ``openbis_sync.server_parts``, which names a
tuple of `ServerPart`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from shared.entry_points import announced
from shared.extras import NO_EXTRA, Extra
from shared.settings.places import PlacedSettings

if TYPE_CHECKING:
    from shared.command_line import Commands, Subcommands

GROUP = "openbis_sync.server_parts"


class PartSettings(PlacedSettings):
    """The settings of a part; they stand in the same file as those of the server."""

    @property
    def is_wanted(self) -> bool:
        """Whether the part is served."""
        raise NotImplementedError


P = TypeVar("P", bound=PartSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPart(Generic[P]):
    """A part, described so that it need not be loaded."""

    # The key that switches it on.
    name: str
    settings: type[P]
    # The place of the `source_server.commands.parts.Opener`, as ``module:name``. It is loaded only
    # for a wanted part: a server that only publishes openBIS then needs a tenth less memory.
    opener: str
    needs: Extra = NO_EXTRA
    # Adds the part's own commands to the command line.
    add_commands: Callable[[Subcommands, Commands], None] | None = None
    # How operators can change the part's own users, if it has any.
    own_users: str = ""


def server_parts() -> tuple[ServerPart[Any], ...]:
    """All parts that are installed. Raises `ConfigError` if one cannot be loaded."""
    return tuple(chain.from_iterable(announced(GROUP, tuple).values()))
