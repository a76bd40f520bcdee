"""Checks of the folders that a run writes to, for a source that is an openBIS."""

from __future__ import annotations

from collections.abc import Iterator

from harvester.checks.folders import check_file, check_folder, check_work_folder
from harvester.openbis.section import SectionConfig
from harvester.runs.findings import Finding
from harvester.settings.harvester import HarvesterSettings


def check_folders(section: SectionConfig, settings: HarvesterSettings) -> Iterator[Finding]:
    """Check every folder that a run of the section writes to."""
    yield check_folder("data store", settings.storeroot_dir, "storeroot-dir")
    yield check_work_folder(section.harvester_tmp_dir, settings.storeroot_dir)
    yield check_folder(
        "file service", section.file_service_repository_path, "file-service-repository-path"
    )
    for subject, file, key in (
        ("log", section.log_file, "log-file"),
        ("state", section.last_sync_timestamp_file, "last-sync-timestamp-file"),
        ("failed items", section.not_synced_entities_file, "not-synced-entities-file"),
    ):
        yield check_file(subject, file, key)
