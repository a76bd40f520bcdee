"""Options that several commands take."""

from __future__ import annotations

import argparse
from datetime import timedelta

from shared.settings.quantities import parse_duration

# A hundred years; `timedelta.max` cannot be added to a date.
FOR_EVER = timedelta(days=36500)


def add_section(
    parser: argparse.ArgumentParser, text: str = "only this section; repeatable"
) -> None:
    parser.add_argument("--section", action="append", metavar="NAME", help=text)


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def add_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        nargs="?",
        type=duration,
        const=FOR_EVER,
        default=timedelta(0),
        metavar="DURATION",
        help="wait while another process works on a section, at most DURATION ('30 min') if it is "
        "given; without this option such a section is left out",
    )


def duration(text: str) -> timedelta:
    """The value of an option, such as ``30 min``."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
