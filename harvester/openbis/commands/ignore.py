"""``harvester ignore``: keeps a data set away for ever, like a line ``#DATA_SET-<code>``."""

from __future__ import annotations

import argparse
from dataclasses import replace

from harvester.commands.memory import destination, the_section
from harvester.memory.failures import forget_failure
from harvester.openbis.not_synced import read_not_synced, write_not_synced
from harvester.openbis.section import SectionConfig
from shared.model.ids import PermId
from shared.model.kinds import Kind
from shared.plain_lines import say
from shared.store.engine import changing


def ignore(options: argparse.Namespace) -> int:
    """Write the data sets into the section's ``not-synced-entities-file``."""
    with destination(options) as (chosen, engine):
        section = the_section(chosen, options.name, SectionConfig)
        codes = frozenset(PermId(code) for code in options.codes)
        path = section.not_synced_entities_file
        file = read_not_synced(path)
        black_listed = file.black_listed - codes if options.undo else file.black_listed | codes
        failed = frozenset(item for item in file.failed if item[1] not in codes)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_not_synced(path, replace(file, black_listed=black_listed, failed=failed))
        with changing(engine) as connection:
            for code in codes:
                forget_failure(connection, section.alias, Kind.DATA_SET, code)
    word = "harvested again" if options.undo else "kept away"
    say(f"{path}: {', '.join(sorted(codes))} will be {word}")
    return 0
