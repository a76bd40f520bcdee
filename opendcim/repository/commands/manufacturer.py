"""``source-server opendcim manufacturer`` and ``template``: what is published."""

from __future__ import annotations

import argparse
import sys

from opendcim.repository.commands.opening import changing, looking
from opendcim.repository.comparison import compared
from opendcim.repository.published import (
    add_manufacturer,
    manufacturers,
    rename_manufacturer,
    templates,
    versions,
)
from shared.errors import ConfigError
from shared.plain_lines import say


def list_manufacturers(options: argparse.Namespace) -> int:
    with looking(options) as connection:
        for one in manufacturers(connection):
            say(one.manufacturer_id, one.name, one.last_modified)
    return 0


def add_manufacturers(options: argparse.Namespace) -> int:
    """Adds all of them, or none if one exists."""
    with changing(options) as connection:
        added = [add_manufacturer(connection, name) for name in options.names]
    for one in added:
        say(one.manufacturer_id, one.name)
    return 0


def rename(options: argparse.Namespace) -> int:
    with changing(options) as connection:
        rename_manufacturer(connection, options.id, options.name)
    return 0


def list_templates(options: argparse.Namespace) -> int:
    with looking(options) as connection:
        names = {one.manufacturer_id: one.name for one in manufacturers(connection)}
        for one in templates(connection):
            shown = one.template
            say(
                *(shown.template_id, names[shown.manufacturer_id], shown.model),
                *(f"version {one.version}", shown.last_modified),
            )
    return 0


def show_history(options: argparse.Namespace) -> int:
    """Shows the versions of a template, the latest first, and what each changed."""
    with looking(options) as connection:
        names = {one.manufacturer_id: one.name for one in manufacturers(connection)}
        found = versions(connection, options.id)
    if not found:
        raise ConfigError(f"template {options.id} does not exist")
    for version, before in zip(found, [*found[1:], None], strict=True):
        say(
            f"version {version.version}, request {version.request_id}, approved "
            f"{version.approved} by {version.approved_by}"
        )
        for line in compared(before.template if before else None, version.template, names):
            if line.before is None:
                say(f"  {line.member}: {line.after}")
            elif line.differs:
                say(f"  {line.member}: {line.before} -> {line.after}")
    sys.stdout.flush()
    return 0
