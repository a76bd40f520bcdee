"""The settings of a section with ``kind = opendcim-repository``."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from harvester.openbis.section import SectionConfig
from harvester.settings.config_file import ConfigFile
from opendcim.sync.section import RepositorySection, Units, opendcim_database
from shared.settings.model import keys_of
from tests.support.instances.settings_files import MANDATORY, config_of

NEEDED = """\
[DCIM]
kind = opendcim-repository
repository-url = https://repository.example.org
opendcim-database-url = mysql://dcim:secret@db.example.org/dcim
pictures-dir = /var/www/opendcim/pictures
"""


def section(folder: Path, *lines: str) -> RepositorySection:
    config = config_of(folder, "\n".join([NEEDED, *lines]))
    assert config.faults == {}
    (one,) = config.sections
    assert isinstance(one, RepositorySection)
    return one


def fault(folder: Path, *lines: str) -> str:
    config: ConfigFile = config_of(folder, "\n".join([NEEDED, *lines]))
    return " ".join(config.faults["DCIM"])


def test_little_is_needed_and_the_rest_has_defaults(tmp_path: Path) -> None:
    one = section(tmp_path)
    assert (one.alias, one.interval, one.units) == ("DCIM", timedelta(days=1), None)
    assert not one.keep_local_default
    assert one.api_key is None
    assert one.log_file == tmp_path / "synchronization_DCIM.log"
    assert one.opendcim_state_dir == tmp_path / "opendcim_DCIM"
    url = one.opendcim_database_url.get_secret_value()
    assert url == "mysql+pymysql://dcim:secret@db.example.org/dcim?charset=utf8mb4"


@pytest.mark.parametrize("end", ["", "/", "/api", "/api/", "/repo/api"])
def test_the_address_may_be_that_of_the_api(tmp_path: Path, end: str) -> None:
    lines = NEEDED.replace("example.org\nopen", f"example.org{end}\nopen")
    (one,) = config_of(tmp_path, lines).sections
    assert one.source_url == f"https://repository.example.org{end.removesuffix('/')}".removesuffix(
        "/api"
    )


def test_the_key_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("KEY\n")
    (tmp_path / "key").chmod(0o600)
    one = section(tmp_path, "api-key-file = key")
    assert one.api_key
    assert one.api_key.get_secret_value() == "KEY"


@pytest.mark.parametrize("interval", ["12 h", "1 min", "23 h"])
def test_nobody_is_asked_more_often_than_once_a_day(tmp_path: Path, interval: str) -> None:
    assert "interval: at least 1 d" in fault(tmp_path, f"interval = {interval}")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("share = Dell", "'Dell' is no template; write Manufacturer/Model"),
        ("units = stone", "units: must be"),
        ("resource-list-url = https://x.example", "resource-list-url: there is no such key"),
        ("picture-origins = ftp://x", "picture-origins: must be an http or https URL"),
        ("keep-local-default = yes", "keep-local-default: must be true or false"),
    ],
)
def test_faults_name_the_key(tmp_path: Path, line: str, text: str) -> None:
    assert text in fault(tmp_path, line)


@pytest.mark.parametrize("url", ["oracle://x/y", "mysql://host", "sqlite://", "nonsense"])
def test_other_databases_are_refused_without_showing_the_url(tmp_path: Path, url: str) -> None:
    text = NEEDED.replace("mysql://dcim:secret@db.example.org/dcim", url)
    (told,) = config_of(tmp_path, text).faults["DCIM"]
    assert "opendcim-database-url: must be mysql://" in told


def test_an_unknown_kind_is_a_fault_that_says_which_there_are(tmp_path: Path) -> None:
    text = NEEDED.replace("opendcim-repository", "opendcim-repo")
    (told,) = config_of(tmp_path, text).faults["DCIM"]
    assert "did you mean opendcim-repository?" in told


def test_sections_of_both_kinds_stand_side_by_side(tmp_path: Path) -> None:
    config = config_of(
        tmp_path, f"[DS1]\n{MANDATORY}\n[DS2]\nkind = openbis\n{MANDATORY}\n{NEEDED}"
    )
    assert [type(one) for one in config.sections] == [
        SectionConfig,
        SectionConfig,
        RepositorySection,
    ]


def test_two_sections_never_write_to_the_same_opendcim(tmp_path: Path) -> None:
    other = NEEDED.replace("[DCIM]", "[OTHER]").replace("dcim:secret@", "root:other@")
    config = config_of(tmp_path, NEEDED + other)
    text = " ".join(config.faults["DCIM"])
    assert "opendcim-database-url: db.example.org/dcim is used by [OTHER], too" in text
    assert "secret" not in text


def test_metric_units_are_one_word(tmp_path: Path) -> None:
    assert section(tmp_path, "units = metric").units is Units.METRIC


EXAMPLE = Path(__file__).parents[3] / "config" / "harvester-config-opendcim.txt"


def filled_in() -> str:
    return re.sub(r"<[^>]+>", "x", EXAMPLE.read_text()).replace("https://x", "https://x.example")


def test_the_example_shows_every_key(tmp_path: Path) -> None:
    shown = re.findall(r"^#?([a-z-]+) =", EXAMPLE.read_text(), re.MULTILINE)
    known = {key for key in keys_of(RepositorySection).values() if key != "name"}
    assert sorted(shown) == sorted({*known, "kind"})
    assert config_of(tmp_path, filled_in()).faults == {}


def test_the_example_shows_the_defaults_truly(tmp_path: Path) -> None:
    plain = config_of(tmp_path, filled_in()).sections
    told = re.sub(r"^#([a-z-]+ = .+)$", r"\1", filled_in(), flags=re.MULTILINE)
    assert config_of(tmp_path, told).sections == plain


def test_an_example_that_is_not_filled_in_says_what_to_fill_in(tmp_path: Path) -> None:
    faults = " ".join(config_of(tmp_path, EXAMPLE.read_text()).faults["TEMPLATES"])
    assert "repository-url: fill in <repository host>" in faults


@pytest.mark.parametrize(
    "url", ["mysql://u:Tulip@field-77@host/db", "mysql://u:field-77@host/db?password=a@field-77"]
)
def test_a_host_with_an_at_is_refused_without_the_value(url: str) -> None:
    with pytest.raises(ValueError, match="write each @ of the user and the password") as refusal:
        opendcim_database(url, Path("/"))
    assert "field-77" not in str(refusal.value)
