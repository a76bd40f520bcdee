"""The edge of a section: its log, and what happens to an error that ends it.

One of the two places where every exception is caught: a section that fails must not stop others.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from harvester.config import SectionConfig
from harvester.mail import SUBJECT, SUBJECT_OF_DRY_RUN, send_failure_mail
from harvester.sync import Destination, SectionReport, synchronise
from shared.errors import ConfigError

logger = logging.getLogger(__name__)


def execute_section(
    config: SectionConfig, destination: Destination, *, deletions_confirmed: bool = False
) -> SectionReport:
    """Harvest a section; whatever happens is in the report, in its log, and if it failed as a
    whole in a mail."""
    report = SectionReport(name=config.name)
    try:
        with _section_log(config) as log:
            _synchronise(config, destination, log, report, deletions_confirmed=deletions_confirmed)
    except ConfigError as error:
        report.error = error
    if report.error:
        send_failure_mail(
            destination.settings,
            config.email_addresses,
            SUBJECT if report.passes else SUBJECT_OF_DRY_RUN,
            f"The synchronization of [{config.name}] from {config.resource_list_url} failed:\n\n"
            f"{report.error}\n\nThe attached log has the details.",
            config.log_file,
        )
    return report


def _synchronise(
    config: SectionConfig,
    destination: Destination,
    log: logging.Logger,
    report: SectionReport,
    *,
    deletions_confirmed: bool,
) -> None:
    try:
        synchronise(config, destination, log, report, deletions_confirmed=deletions_confirmed)
    except Exception as error:
        report.error = error
        log.exception("The synchronization was aborted")


class _LogFile(logging.FileHandler):
    """That a line cannot be written is told once, elsewhere, and stops nothing."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - as logging has it
        if not self.told:
            self.told = True
            logger.error("%s: the log cannot be written: %s", self.baseFilename, sys.exc_info()[1])


@contextmanager
def _section_log(config: SectionConfig) -> Iterator[logging.Logger]:
    """The section's own log file; what is written there appears nowhere else. `ConfigError` if it
    cannot be opened."""
    log = logging.getLogger(f"harvester.section.{config.alias}")
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        config.log_file.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(config.log_file, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"[{config.name}] log-file: cannot be opened: {error}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-5s %(message)s"))
    log.addHandler(handler)
    try:
        yield log
    finally:
        log.removeHandler(handler)
        with suppress(OSError):  # it was told already
            handler.close()
