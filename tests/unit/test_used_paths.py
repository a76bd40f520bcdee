"""No path of the settings may destroy another one: in one section, across sections and files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvester.settings.harvester import read_settings as read_harvester_settings
from shared.errors import ConfigError
from shared.settings.used_paths import PathRole, UsedPath, conflicts
from source_server.settings import read_settings as read_source_settings
from tests.support.instances.settings_files import MANDATORY, config_of, write_private


def faults_of_one(folder: Path, *lines: str, name: str = "DS1") -> list[str]:
    config = config_of(folder, "\n".join([f"[{name}]", MANDATORY, *lines]))
    return [fault for faults in config.faults.values() for fault in faults]


def used(path: Path, role: PathRole, **fields: str) -> UsedPath:
    return UsedPath(key=fields.pop("key", "a-key"), path=path, place="f:1", role=role, **fields)


WRITTEN_KEYS = ("log-file", "not-synced-entities-file", "last-sync-timestamp-file")
DESTROYED = {
    "data/harvester.db": "database-url",
    "./data/../data/harvester.db": "database-url",
    "data/Harvester.DB": "database-url",
    "data/harvester.db-wal": "database-url",
    "data/harvester.db-DS1.lock": "database-url",
    "harvester.properties": "the settings file",
    "h.txt": "harvester-config-file",
    "source-server.properties": "settings of the source server",
    "data/next-run.txt": "run-schedule-file",
    "data/store": "storeroot-dir",
    "data/store/1/x": "storeroot-dir",
    "data/store/12": "storeroot-dir",
    "data/store/attachments/aa": "storeroot-dir",
    "data/store/trash/3": "storeroot-dir",
    "data/store/set-aside/x": "storeroot-dir",
    "data": "storeroot-dir",
    "data/file-service": "file-service-repository-path",
    "data/file-service/a/b.txt": "file-service-repository-path",
    "data/store/temp/DS1": "harvester-tmp-dir",
    "data/store/temp/DS1~partial/x": "harvester-tmp-dir",
    "ca.pem": "ca-bundle",
    "password.txt": "harvester-pass-file",
}


@pytest.mark.parametrize("key", WRITTEN_KEYS)
@pytest.mark.parametrize(("path", "other"), DESTROYED.items())
def test_no_written_file_lies_on_in_or_above_another_path(
    tmp_path: Path, key: str, path: str, other: str
) -> None:
    write_private(tmp_path / "password.txt", "other")
    mandatory = MANDATORY.replace("harvester-pass = other", "harvester-pass-file = password.txt")
    config = config_of(
        tmp_path, "\n".join(["[DS1]", mandatory, "ca-bundle = ca.pem", f"{key} = {path}"])
    )
    assert config.sections == ()
    told = [fault for fault in config.faults["DS1"] if f"[DS1] {key}: " in fault]
    assert [fault for fault in told if f"{other}, " in fault], config.faults
    assert all(fault.startswith(f"{tmp_path}/h.txt:10: [DS1] {key}: {tmp_path}") for fault in told)


@pytest.mark.parametrize("key", WRITTEN_KEYS)
@pytest.mark.parametrize("other", WRITTEN_KEYS)
def test_two_files_of_one_section_are_two(tmp_path: Path, key: str, other: str) -> None:
    faults = faults_of_one(tmp_path, f"{key} = a.txt", f"{other} = b.txt")
    assert bool(faults) is (key == other)  # the key is given twice
    if key != other:
        first, second = faults_of_one(tmp_path, f"{key} = a.txt", f"{other} = ./a.txt")
        assert f"[DS1] {key}: {tmp_path}/a.txt is the same as {tmp_path}/a.txt" in first + second
        assert f"([DS1] {other}, {tmp_path}/h.txt:10); give each a place" in first + second


@pytest.mark.parametrize(
    ("name", "folder", "conflict"),
    [
        ("1", ".", True),
        ("7", ".", True),
        ("attachments", ".", True),
        ("Trash", ".", True),
        ("set-aside", ".", True),
        ("DS1", "1", True),
        ("DS1", "1/x", True),
        ("DS1", "trash", True),
        ("DS1", ".", False),
        ("1", "temp", False),
    ],
)
def test_a_work_folder_lies_beside_the_folders_of_the_store(
    tmp_path: Path, name: str, folder: str, *, conflict: bool
) -> None:
    faults = faults_of_one(tmp_path, f"harvester-tmp-dir = {folder}", name=name)
    assert bool(faults) is conflict
    if conflict:
        place = f"{tmp_path}/h.txt:9: [{name}] harvester-tmp-dir: "
        assert faults[0].startswith(f"{place}{tmp_path}/data/store/")
        assert (
            f"lies in {tmp_path}/data/store, which is the data store (storeroot-dir, " in faults[0]
        )


def test_work_folders_of_two_sections_do_not_lie_in_each_other(tmp_path: Path) -> None:
    second = f"[Y]\n{MANDATORY}harvester-tmp-dir = temp/X"
    config = config_of(tmp_path, f"[X]\n{MANDATORY}{second}")
    assert config.sections == ()
    assert (
        f"{tmp_path}/data/store/temp/X contains {tmp_path}/data/store/temp/X/Y"
        in (config.faults["X"][0])
    )
    assert (
        f"{tmp_path}/data/store/temp/X/Y lies in {tmp_path}/data/store/temp/X"
        in (config.faults["Y"][0])
    )


def test_a_file_of_one_section_does_not_lie_on_one_of_another(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        f"[A]\n{MANDATORY}log-file = x.txt\n[B]\n{MANDATORY}not-synced-entities-file=x.txt",
    )
    assert f"[B] not-synced-entities-file, {tmp_path}/h.txt:16" in config.faults["A"][0]
    assert f"[A] log-file, {tmp_path}/h.txt:8" in config.faults["B"][0]


def test_what_sections_may_share_is_no_fault(tmp_path: Path) -> None:
    lines = "log-file = all.log\nfile-service-repository-path = files\nca-bundle = ca.pem\n"
    config = config_of(tmp_path, f"[A]\n{MANDATORY}{lines}[B]\n{MANDATORY}{lines}")
    assert (config.faults, len(config.sections)) == ({}, 2)


def test_a_log_that_was_put_aside_is_no_place_for_another_file(tmp_path: Path) -> None:
    faults = faults_of_one(
        tmp_path, "log-file = a.log", "last-sync-timestamp-file=a.log.2026-01-31"
    )
    assert "a.log.2026-01-31 has the name of a file kept for" in "".join(faults)
    assert "a.log keeps a file beside it under the name of" in "".join(faults)


def test_a_symbolic_link_is_the_place_to_which_it_leads(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "harvester.db").touch()
    (tmp_path / "innocent.log").symlink_to(tmp_path / "data" / "harvester.db")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "data", target_is_directory=True)
    for name in ("innocent.log", "elsewhere/harvester.db", "elsewhere/store/1/log"):
        assert faults_of_one(tmp_path, f"log-file = {name}"), name


def test_a_hard_link_is_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "harvester.db").touch()
    (tmp_path / "innocent.log").hardlink_to(tmp_path / "data" / "harvester.db")
    assert "is the same as" in faults_of_one(tmp_path, "log-file = innocent.log")[0]


@pytest.mark.parametrize(
    "line",
    [
        "file-service-repository-path = data",
        "file-service-repository-path = data/store",
        "file-service-repository-path = data/store/1/x",
        "storeroot-dir = data/file-service/store",
        "run-schedule-file = data/harvester.db",
        "run-schedule-file = harvester.properties",
        "run-schedule-file = h.txt",
        "database-url = sqlite:///harvester.properties",
        "database-url = sqlite:///data/store/1/a.db",
        "database-url = sqlite:///data/file-service/a.db",
        "mail.smtp.password-file = data/next-run.txt",
    ],
)
def test_the_harvesters_own_paths_do_not_conflict(tmp_path: Path, line: str) -> None:
    file = tmp_path / "harvester.properties"
    write_private(file, f"harvester-config-file = h.txt\nmail.smtp.user = u\n{line}\n")
    (tmp_path / "data").mkdir()
    write_private(tmp_path / "data" / "next-run.txt", "secret")
    if "password" not in line:
        write_private(file, f"harvester-config-file = h.txt\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        read_harvester_settings(file, {})
    key = line.partition(" =")[0]
    assert [fault for fault in caught.value.faults if key in fault and f"{file}:" in fault]


@pytest.mark.parametrize(
    "lines",
    [
        "users-file = data/source.db",
        "users-file = source.properties",
        "file-service-repository-path = data",
        "storeroot-dir = data/file-service/store",
        "users-file = data/store/1/users",
        "password-file = data/file-service/passwd",
    ],
)
def test_the_source_servers_paths_do_not_conflict(tmp_path: Path, lines: str) -> None:
    file = tmp_path / "source.properties"
    file.write_text(lines)
    with pytest.raises(ConfigError, match="give each a place of its own, or data are lost"):
        read_source_settings(file, {})


def test_an_environment_variable_is_named_as_the_place(tmp_path: Path) -> None:
    file = tmp_path / "source.properties"
    file.touch()
    with pytest.raises(ConfigError, match="environment variable OPENBIS_SYNC_USERS_FILE"):
        read_source_settings(file, {"OPENBIS_SYNC_USERS_FILE": "data/source.db"})


def test_files_that_are_only_read_may_be_the_same(tmp_path: Path) -> None:
    one, other = (used(tmp_path / "a.pem", PathRole.READ, key=key) for key in ("a", "b"))
    assert list(conflicts([one, other])) == []


def test_names_that_only_begin_alike_are_no_conflict(tmp_path: Path) -> None:
    one = used(tmp_path / "data", PathRole.FOLDER)
    other = used(tmp_path / "database.db", PathRole.WRITTEN)
    assert list(conflicts([one, other])) == []
