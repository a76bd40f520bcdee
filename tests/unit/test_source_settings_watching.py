"""The keys of politeness and monitoring: defaults, and faults that say what would be right."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.settings.quantities import ListenAddress
from source_server.settings import SourceSettings, read_settings
from source_server.settings.choices import AccessLog


def settings_of(folder: Path, text: str) -> SourceSettings:
    file = folder / "s.properties"
    file.write_text(text)
    return read_settings(file, {})


def test_by_default_nobody_is_refused_for_coming_often(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "")

    assert settings.minimum_interval is None
    assert (settings.max_lists, settings.max_lists_per_user) == (8, 2)
    assert settings.access_log is AccessLog.TEXT
    assert settings.monitor_address is None


def test_the_keys_are_read(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        "minimum-interval = 20 h\nmax-lists = 3\nmax-lists-per-user = 1\n"
        "access-log = json\nmonitor-address = [::1]:9101\n",
    )

    assert settings.minimum_interval == timedelta(hours=20)
    assert (settings.max_lists, settings.max_lists_per_user) == (3, 1)
    assert settings.access_log is AccessLog.JSON
    assert settings.monitor_address == ListenAddress("::1", 9101)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("minimum-interval = often\n", "minimum-interval: 'often' is no duration; write a number"),
        ("minimum-interval = 20 ms\n", "minimum-interval: '20 ms' is too short; at least 1 s"),
        ("max-lists = 0\n", "max-lists: must be at least 1"),
        ("max-lists-per-user = none\n", "max-lists-per-user: must be a whole number, not 'none'"),
        ("access-log = yes\n", "access-log: must be text, json or off"),
        ("monitor-address = 9101\n", "monitor-address: '9101' is no address; write host:port"),
        ("monitor-adress = x\n", "there is no such key; did you mean monitor-address?"),
    ],
)
def test_a_fault_says_what_would_be_right(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings_of(tmp_path, text)
    (fault,) = refused.value.faults
    assert told in fault
