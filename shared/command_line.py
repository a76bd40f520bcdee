"""What the command lines of both programs have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shared.entry_points import value_at
from shared.environment import prepare
from shared.errors import ConfigError, ConflictError, SyncError
from shared.extras import NO_EXTRA, Extra
from shared.plain_lines import complain

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - it has no public name

Command = Callable[[argparse.Namespace], int]

_INTERRUPTED_EXIT_CODE = 130


class Commands:
    """Adds commands that all know ``--config``: the program's settings, with their default.

    ``package``: where commands are that are only named (``module:function``). They are loaded to be
    run: no command needs the memory, or the time, that the others take to load. ``needs``: without
    these libraries a command is not loaded.
    """

    def __init__(self, settings: Path, package: str = "", needs: Extra = NO_EXTRA) -> None:
        self._settings = settings
        self._package = package
        self._needs = needs

    def of(self, package: str, needs: Extra = NO_EXTRA) -> Commands:
        """The same for commands of another package."""
        return Commands(self._settings, package, needs)

    def add(
        self, commands: Subcommands, name: str, command: Command | str, text: str
    ) -> argparse.ArgumentParser:
        # A part of a name must not do what only the whole one says: --allow-deletions.
        parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        parser.add_argument(
            "--config",
            type=Path,
            default=self._settings,
            metavar="FILE",
            help="the settings of this program (default: %(default)s)",
        )
        if isinstance(command, str):
            command = f"{self._package}.{command}"
        parser.set_defaults(command=command, needs=self._needs)
        return parser


def loaded(command: Command | str) -> Command:
    """The function of a command, which may only be named."""
    if not isinstance(command, str):
        return command
    function: Command = value_at(command)
    return function


def run_command(program: str, options: argparse.Namespace, *, interrupted: str) -> int:
    """Run the command that was chosen; returns its exit code (docs/operations.md lists them).

    Each fault is told in a line of its own; ``interrupted`` says what Ctrl-C means.
    """
    try:
        prepare()
        options.needs.require()
        return loaded(options.command)(options)
    except SyncError as error:
        lines, code = _lines_of(error), error.exit_code
    except KeyboardInterrupt:
        lines, code = (interrupted,), _INTERRUPTED_EXIT_CODE
    except Exception as error:  # noqa: BLE001 - the edge of the program: one line, no traceback
        lines, code = (f"{type(error).__name__}: {error}",), SyncError.exit_code
    for line in lines:
        complain(f"{program}: {line}")
    return code


def _lines_of(error: SyncError) -> Sequence[str]:
    """Only what was put together of several faults has several lines."""
    match error:
        case ConfigError():
            return error.faults
        case ConflictError():
            return error.reasons
    return (str(error),)
