"""``harvester opendcim``: creates an installation's tables, exports and imports bundles."""

from __future__ import annotations

import argparse
import logging
from contextlib import closing

from sqlalchemy import make_url

from harvester.commands.memory import the_section
from harvester.execution.batch import execute_chosen, overall_of, summary
from harvester.execution.signals import stopping_on_signals
from harvester.runs.job import RunOptions
from harvester.runs.section_report import SectionReport
from harvester.runs.stopping import RunLimits, StopRequest
from harvester.settings.chosen import Chosen, choose
from harvester.settings.section import SectionSettings
from opendcim.records.texts import folded
from opendcim.sync.bundles.bundle import write_bundle
from opendcim.sync.bundles.bundled_submissions import pack_submissions
from opendcim.sync.installation.database import opened
from opendcim.sync.installation.installed import Installation
from opendcim.sync.installation.shape import create_opendcim
from opendcim.sync.repository.connection import RepositoryConnection
from opendcim.sync.repository.lists import Repository
from opendcim.sync.repository.memory import Memory
from opendcim.sync.section import RepositorySection
from shared.errors import ConfigError, ItemError
from shared.plain_lines import say
from shared.settings.faults import nearest
from shared.store.engine import connect

logger = logging.getLogger(__name__)


def opendcim(options: argparse.Namespace) -> int:
    """Raises `ConfigError` if several sections match and none is named."""
    chosen = choose(options.config, None)
    section = _section(chosen, options.section)
    return _VERBS[options.verb](chosen, section, options)


def _section(chosen: Chosen, name: str | None) -> RepositorySection:
    if name:
        return the_section(chosen, name, RepositorySection)
    repositories = chosen.of_kind(RepositorySection)
    if len(repositories) == 1:
        return repositories[0]
    names = ", ".join(f"[{one.name}]" for one in repositories) or "none"
    raise ConfigError(f"--section: say which section of the kind opendcim-repository: {names}")


def _init(_chosen: Chosen, section: RepositorySection, _options: argparse.Namespace) -> int:
    url = make_url(section.opendcim_database_url.get_secret_value())
    if url.get_backend_name() != "sqlite":
        raise ConfigError(
            f"[{section.name}] opendcim-database-url: only a file of SQLite is made here; openDCIM "
            "makes its own tables in MariaDB"
        )
    engine = connect(url.render_as_string(hide_password=False))
    units = "metric" if section.units and section.units.value == "metric" else "english"
    is_new = create_opendcim(engine, units=units)
    engine.dispose()
    section.pictures_dir.mkdir(parents=True, exist_ok=True)
    say(f"{url.database}: {'ready' if is_new else 'was there already, and is as it was'}")
    return 0


def _export(_chosen: Chosen, section: RepositorySection, options: argparse.Namespace) -> int:
    if options.shared:
        return _pack(section, options)
    memory = Memory(section.opendcim_state_dir, section.repository_url)
    with closing(RepositoryConnection(section, RunLimits(section), logger, memory)) as connection:
        repository = Repository(connection, forced=options.force)
        wanted = _wanted(section, repository, options)
        done = write_bundle(options.bundle, section.repository_url, repository, wanted)
    say(
        f"{options.bundle}: {done.manufacturers} manufacturers, {done.templates} templates, "
        f"{done.pictures} pictures"
    )
    for fault in done.faults:
        say(f"  left out: {fault}")
    return ItemError.exit_code if done.faults else 0


def _pack(section: RepositorySection, options: argparse.Namespace) -> int:
    with opened(section) as database, database.engine.connect() as connection:
        units = section.units or database.units(connection)
        installation = Installation(database, connection)
        done = pack_submissions(options.bundle, section, installation, units)
    say(f"{options.bundle}: {done.templates} templates to be submitted")
    for fault in done.faults:
        say(f"  left out: {fault}")
    say(
        f"import it where {section.repository_url} can be reached, at a section with an api-key; "
        "then take the Share marks away here"
    )
    return ItemError.exit_code if done.faults else 0


def _wanted(
    section: RepositorySection, repository: Repository, options: argparse.Namespace
) -> list[int]:
    """The repository's ids of the manufacturers whose templates are exported."""
    ids = {folded(one.name): one.manufacturer_id for one in repository.manufacturers().values}
    if options.all:
        return list(ids.values())
    named = options.manufacturer or [*section.subscribe, *_subscribed(section)]
    if not named:
        raise ConfigError("no manufacturer is subscribed: name some with --manufacturer, or --all")
    unknown = [name for name in named if folded(name) not in ids]
    # A subscribed name that the repository lacks is no mistake of this command: it is left out.
    if unknown and options.manufacturer:
        near = nearest(folded(unknown[0]), ids)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ConfigError(f"--manufacturer {unknown[0]}: the repository has none of that{hint}")
    return [ids[folded(name)] for name in named if folded(name) in ids]


def _subscribed(section: RepositorySection) -> list[str]:
    with opened(section) as database, database.engine.connect() as connection:
        manufacturers = Installation(database, connection).manufacturers()
    return [one.name for one in manufacturers if one.subscribed]


def _import(chosen: Chosen, section: RepositorySection, options: argparse.Namespace) -> int:
    if options.dry_run:
        section = section.model_copy(update={"dry_run": True})
    request = StopRequest()
    with stopping_on_signals(request):
        asked = RunOptions(bundle=options.bundle.absolute(), request=request)
        reports = execute_chosen(chosen, [section], asked, _Printer())
    return overall_of(chosen, reports)


class _Printer:
    """Prints the outcome of an import."""

    def began(self, section: SectionSettings) -> None:
        pass

    def ended(self, _section: SectionSettings, report: SectionReport) -> None:
        for line in summary(report):
            say(line)


_VERBS = {"init": _init, "export": _export, "import": _import}
