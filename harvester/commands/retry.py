"""``harvester retry``: lets the next run try failed items again, whatever their pause."""

from __future__ import annotations

import argparse

from harvester.commands.memory import destination
from harvester.commands.options import add_section
from harvester.memory.failures import failed_items, retry_now
from shared.errors import ConfigError
from shared.plain_lines import say
from shared.store.engine import changing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_section(parser)
    parser.add_argument(
        "perm_ids",
        nargs="*",
        metavar="PERM_ID",
        help="only these (default: everything that failed)",
    )


def retry(options: argparse.Namespace) -> int:
    """Raises `ConfigError` for a perm id that did not fail."""
    with destination(options) as (chosen, engine), changing(engine) as connection:
        sources = [section.alias for section in chosen.sections]
        known = {item.perm_id for item in failed_items(connection) if item.source in sources}
        strange = sorted(set(options.perm_ids) - known)
        if strange:
            raise ConfigError(
                f"{', '.join(strange)}: did not fail; 'harvester failed' lists what did"
            )
        number = sum(retry_now(connection, source, options.perm_ids) for source in sources)
    say(f"{number} items will be tried again in the next run")
    return 0
