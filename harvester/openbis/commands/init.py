"""``harvester init``: makes the destination, its admin user and the internal master data."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from harvester.openbis.section import SectionConfig
from harvester.openbis.source.items import find_master_data
from harvester.openbis.steps.master_data import is_shipped
from harvester.settings.chosen import Chosen, choose
from shared.addresses import shown_url
from shared.blocks import WholeFile
from shared.errors import ConfigError
from shared.passwords import hash_password
from shared.plain_lines import say
from shared.prompt import new_password
from shared.resourcesync.reader import read_list_part
from shared.resourcesync.v20.version import V20
from shared.store.engine import changing, create_store
from shared.store.files import found_data_store
from shared.store.master_data import Definition, Key, flatten, stored_definitions, write_definitions
from shared.store.shipped import SHIPPED
from shared.store.tables import LOCAL
from shared.store.users import Role, add_persons, find_person, grant, set_password


def init(options: argparse.Namespace) -> int:
    """May be repeated: what exists stays, but the admin's password is set again."""
    chosen = choose(options.config, None)
    admins = dict(_admins(chosen, options))
    if not admins and not chosen.sections:
        raise ConfigError(
            f"{chosen.settings.harvester_config_file}: no section can be read, so there is no "
            "harvester-user; correct it (see 'harvester check-config') or give --user"
        )
    definitions = flatten(SHIPPED)
    if options.internal_master_data:
        definitions |= _internal(options.internal_master_data)
    url = chosen.settings.database_url.get_secret_value()
    # Data sets lie in a folder named by the UUID of their data store; with a new UUID, those of an
    # original harvester would not be found.
    engine = create_store(url, found_data_store(chosen.settings.storeroot_dir))
    with changing(engine) as connection:
        stored = stored_definitions(connection)
        new = {key: value for key, value in definitions.items() if key not in stored}
        write_definitions(connection, LOCAL, new)
        for user_id, password in admins.items():
            if find_person(connection, user_id) is None:
                add_persons(connection, LOCAL, [user_id])
            set_password(connection, user_id, hash_password(password))
            grant(connection, user_id, Role.ADMIN)
    engine.dispose()
    say(
        f"{shown_url(engine.url)}: ready; admin: {', '.join(sorted(admins)) or 'none'}; "
        f"{len(new)} internal definitions added"
    )
    return 0


def _admins(chosen: Chosen, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """User ids and passwords: of ``--user``, else those with which the sections log in."""
    if options.user:
        yield options.user, new_password(options.user, from_input=options.password_stdin)
        return
    for section in chosen.of_kind(SectionConfig):
        yield section.harvester_user, section.harvester_pass.get_secret_value()


def _internal(path: Path) -> dict[Key, Definition]:
    """The internal definitions of a resource list, with the terms of internal vocabularies."""
    try:
        definitions = flatten(find_master_data(read_list_part(WholeFile(path).blocks(), V20)))
    except OSError as error:
        raise ConfigError(f"--internal-master-data {path}: {error.strerror}") from error
    shipped = {key for key, value in definitions.items() if is_shipped(value)}
    vocabularies = {key.code for key in shipped if key.kind == "VOCABULARY"}
    return {
        key: value
        for key, value in definitions.items()
        if key in shipped or (key.kind == "TERM" and key.owner in vocabularies)
    }
