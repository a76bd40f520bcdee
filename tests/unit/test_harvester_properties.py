"""``harvester.properties``: what it means, and how its faults are told."""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from harvester.settings.harvester import HarvesterSettings, read_settings
from harvester.settings.run_schedule import CalendarRule
from shared.errors import ConfigError
from shared.settings.model import keys_of
from shared.settings.properties import variable_of
from tests.support.instances.settings_files import settings_in


def test_the_defaults_lie_in_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert settings.base_dir == tmp_path
    assert settings.harvester_config_file == tmp_path / "h.txt"
    assert settings.storeroot_dir == tmp_path / "data/store"
    assert settings.file_service_repository_path == tmp_path / "data/file-service"
    url = settings.database_url.get_secret_value()
    assert url == f"sqlite:///{tmp_path}/data/harvester.db"
    assert (settings.mail_smtp_host, settings.mail_smtp_port) == (None, 25)
    assert settings.interval == timedelta(days=1)


def test_a_relative_base_dir_starts_at_the_folder_of_the_file(tmp_path: Path) -> None:
    text = "base-dir = ../base\nharvester-config-file = h.txt\nstoreroot-dir = /absolute/store"
    settings = settings_in(tmp_path, text)
    assert settings.harvester_config_file == tmp_path.parent / "base" / "h.txt"
    assert settings.storeroot_dir == Path("/absolute/store")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:///some.db", "sqlite:///{base}/some.db"),
        ("sqlite:////var/some.db", "sqlite:////var/some.db"),
        ("sqlite+pysqlite:///some.db", "sqlite:///{base}/some.db"),
        ("sqlite:///some.db?timeout=60", "sqlite:///{base}/some.db?timeout=60"),
        ("postgresql://u:p@host/openbis", "postgresql+psycopg://u:p@host/openbis"),
        ("postgres://host:5433/openbis", "postgresql+psycopg://host:5433/openbis"),
        ("postgresql+psycopg:///openbis?host=/run", "postgresql+psycopg:///openbis?host=/run"),
    ],
)
def test_a_database_url_gets_a_driver_or_an_absolute_path(
    tmp_path: Path, given: str, used: str
) -> None:
    settings = settings_in(tmp_path, f"harvester-config-file = h\ndatabase-url = {given}")
    assert make_url(settings.database_url.get_secret_value()) == make_url(
        used.format(base=tmp_path)
    )


@pytest.mark.parametrize("url", ["mysql://u:hidden@h/d", "postgresql://u:hidden@h", "sqlite://"])
def test_an_unusable_database_url_is_told_without_showing_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="2: database-url: must be sqlite:///<file> or") as caught:
        settings_in(tmp_path, f"harvester-config-file = h\ndatabase-url = {url}")
    assert "hidden" not in str(caught.value)


def test_the_plugin_properties_of_an_original_harvester_are_taken(tmp_path: Path) -> None:
    text = """\
class = ch.ethz.sis.openbis.generic.server.dss.plugins.sync.harvester.HarvesterMaintenanceTask
interval = 1 d
start = 02:00
run-schedule = cron: 0 0 2 * * *
run-schedule-file = next-run.txt
execute-only-once = true
retry-intervals-after-failure = 10 m, 1 h
database.kind = production
harvester-config-file = ../../data/harvester-config.txt
"""
    settings = settings_in(tmp_path, text)
    assert settings.harvester_config_file == (tmp_path / "../../data/h.txt").resolve().with_name(
        "harvester-config.txt"
    )
    assert (settings.start, settings.execute_only_once) == (time(2), True)
    assert settings.run_schedule == (CalendarRule(hours=(2,)),)
    assert settings.retry_intervals_after_failure == (timedelta(minutes=10), timedelta(hours=1))
    assert settings.database_kind == "production"


def test_every_key_can_be_overridden_by_its_environment_variable(tmp_path: Path) -> None:
    file = tmp_path / "harvester.properties"
    file.write_text("harvester-config-file = h\ninterval = 1 d\nmail.smtp.port = 1\nstart = 1:00")
    environ = {
        "OPENBIS_SYNC_INTERVAL": "2 h",
        "OPENBIS_SYNC_MAIL_SMTP_PORT": " 587 ",
        "OPENBIS_SYNC_STOREROOT_DIR": "/store",
        "OPENBIS_SYNC_START": "",
    }
    settings = read_settings(file, environ)
    assert (settings.interval, settings.mail_smtp_port) == (timedelta(hours=2), 587)
    assert settings.storeroot_dir == Path("/store")
    assert settings.start == time(1)
    for key in keys_of(HarvesterSettings).values():
        assert re.fullmatch(r"OPENBIS_SYNC_[A-Z_]+", variable_of(key))


def test_a_wrong_environment_variable_is_named(tmp_path: Path) -> None:
    file = tmp_path / "harvester.properties"
    file.write_text("harvester-config-file = h")
    with pytest.raises(ConfigError, match="variable OPENBIS_SYNC_MAIL_SMTP_PORT"):
        read_settings(file, {"OPENBIS_SYNC_MAIL_SMTP_PORT": "many"})


def test_all_faults_of_the_properties_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_in(tmp_path, "storeroot = x\nmail.smtp.ssl = yes\nmail.smtp.port = 0\n")
    file = tmp_path / "harvester.properties"
    assert sorted(caught.value.faults) == [
        f"{file}: harvester-config-file is missing",
        f"{file}:1: storeroot: there is no such key; did you mean storeroot-dir?",
        f"{file}:2: mail.smtp.ssl: must be true or false, not 'yes'",
        f"{file}:3: mail.smtp.port: must be at least 1",
    ]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("mail.smtp.host = mail", "mail.from is missing"),
        ("mail.smtp.host = file:///var/mail\nmail.from = a@b", "must be the name of a mail server"),
        ("mail.smtp.ssl = true\nmail.smtp.starttls = true", "exclude each other"),
        ("mail.smtp.user = mira", "need each other"),
        ("mail.smtp.password = <mail password>", "fill in the password"),
        ("storeroot-dir = <folder>", "fill in <folder>"),
        ("mail.smtp.port = <port>", r"^[^\n]*: fill in <port>$"),
    ],
)
def test_mail_settings_must_fit_together(tmp_path: Path, lines: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        settings_in(tmp_path, f"harvester-config-file = h\n{lines}")
