"""``harvester failed``: lists the items that failed and have not succeeded since."""

from __future__ import annotations

import argparse

from harvester.commands.listing import print_json, print_table
from harvester.commands.memory import destination
from harvester.commands.options import add_json, add_section
from harvester.memory.failures import failed_items
from shared.plain_lines import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_section(parser)
    add_json(parser)


def failed(options: argparse.Namespace) -> int:
    """Print the items by section, kind and perm id."""
    with destination(options) as (chosen, engine), engine.connect() as connection:
        names = {section.alias: section.name for section in chosen.sections}
        items = [item for item in failed_items(connection) if item.source in names]
    if options.json:
        print_json(items)
        return 0
    if not items:
        say("nothing failed")
        return 0
    print_table(
        ("section", "kind", "perm id", "#times", "since (UTC)", "not before (UTC)", "reason"),
        [
            (
                *(names[item.source], item.kind, item.perm_id, item.attempts),
                *(item.first_failed, item.next_try, item.reason),
            )
            for item in items
        ],
    )
    return 0
