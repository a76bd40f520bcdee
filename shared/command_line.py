"""The command line, as far as both programs share it."""

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
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no public name for it

Command = Callable[[argparse.Namespace], int]

_INTERRUPTED_EXIT_CODE = 130


class Commands:
    """Adds commands that all take ``--config``, the program's settings file.

    ``package`` has the modules of commands that are given by name (``module:function``). These are
    loaded only to be run, so a command does not pay for the others' imports. A command whose
    ``needs`` are not installed is not loaded.
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
        # No abbreviations: a part of --allow-deletions must not allow them.
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
    """The function of a command, imported if it is given by name."""
    if not isinstance(command, str):
        return command
    function: Command = value_at(command)
    return function


def run_command(program: str, options: argparse.Namespace, *, interrupted: str) -> int:
    """Runs the chosen command; returns its exit code (docs/operations.md)."""

    def run() -> int:
        prepare()
        options.needs.require()
        return loaded(options.command)(options)

    return exit_code_of(program, run, interrupted=interrupted)


def exit_code_of(program: str, run: Callable[[], int], *, interrupted: str) -> int:
    """What ``run`` returns, or the exit code of the error that it raises.

    Each fault is printed in a line of its own; ``interrupted`` is the message after Ctrl-C.
    """
    try:
        return run()
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
    """The lines to print: several only for an error that lists several faults."""
    match error:
        case ConfigError():
            return error.faults
        case ConflictError():
            return error.reasons
    return (str(error),)
