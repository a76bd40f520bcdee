"""Passwords in files and variables of their own: for every key of a secret, and in all files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvester.openbis.section import SectionConfig
from harvester.settings.config_file import ConfigFile, read_config
from harvester.settings.harvester import HarvesterSettings, read_settings
from harvester.settings.section_kinds import section_kinds
from shared.errors import ConfigError
from shared.settings.model import Settings, keys_of, secret_keys_of
from shared.settings.secrets import file_keys_of
from source_server import settings as source_server
from source_server.part import server_parts
from source_server.settings import SourceSettings
from tests.support.instances.settings_files import MANDATORY, config_of, settings_in, write_private

SECTION_KEYS = ("data-source-auth-pass", "harvester-pass")
MAIL = "harvester-config-file = h.txt\nmail.smtp.host = h\nmail.from = a@b.org\n"


def without(*keys: str) -> str:
    lines = MANDATORY.splitlines(keepends=True)
    return "".join(line for line in lines if line.partition(" ")[0] not in keys)


def section_with(folder: Path, *lines: str, **variables: str) -> ConfigFile:
    """A section with ``lines`` in place of ``data-source-auth-pass``."""
    text = "\n".join([f"[DS1]\n{without('data-source-auth-pass')}".rstrip(), *lines])
    write_private(folder / "h.txt", text)
    return read_config(folder / "h.txt", settings_in(folder), variables)


def password_of(config: ConfigFile) -> str:
    assert (config.faults, config.warnings) == ({}, ())
    return config.of_kind(SectionConfig)[0].data_source_auth_pass.get_secret_value()


def fault_of(config: ConfigFile) -> str:
    """The only fault, from the place on, without folders."""
    assert config.sections == ()
    (fault,) = config.faults["DS1"]
    return fault.rpartition("/h.txt:")[2] if fault.count("/h.txt:") == 1 else fault


FILES: list[list[type[Settings]]] = [
    [HarvesterSettings],
    [SourceSettings, *(part.settings for part in server_parts())],
    *([kind.settings] for kind in section_kinds().values()),
]


@pytest.mark.parametrize("models", FILES, ids=lambda models: models[0].__name__)
def test_no_key_of_a_secret_file_is_a_key_of_its_own(models: list[type[Settings]]) -> None:
    for model in models:
        assert secret_keys_of(model) == set(file_keys_of(model).values())
    file_keys = {key for model in models for key in file_keys_of(model)}
    assert file_keys
    assert file_keys.isdisjoint(key for model in models for key in keys_of(model).values())


@pytest.mark.parametrize("key", SECTION_KEYS)
def test_a_password_of_a_section_may_lie_in_a_file(tmp_path: Path, key: str) -> None:
    write_private(tmp_path / "pass", "hunter2\n")
    config = config_of(tmp_path, f"[DS1]\n{without(key)}{key}-file = pass\n")
    assert (config.faults, config.warnings) == ({}, ())
    field = key.replace("-", "_")
    assert getattr(config.sections[0], field).get_secret_value() == "hunter2"


@pytest.mark.parametrize("key", SECTION_KEYS)
def test_a_password_of_a_section_may_lie_in_a_variable(tmp_path: Path, key: str) -> None:
    write_private(tmp_path / "h.txt", f"[DS1]\n{without(key)}{key} = env:LAB_1\n")
    config = read_config(tmp_path / "h.txt", settings_in(tmp_path), {"LAB_1": "hunter2"})
    assert config.faults == {}
    field = key.replace("-", "_")
    assert getattr(config.sections[0], field).get_secret_value() == "hunter2"


@pytest.mark.parametrize(
    ("content", "password"),
    [
        ("hunter2", "hunter2"),
        ("hunter2\n", "hunter2"),
        ("hunter2\r\n", "hunter2"),
        (" hunter 2 \n", " hunter 2 "),
        ("\ufeffhunter2\n", "hunter2"),
        ("grüße€=%#\\\t'\"\n", "grüße€=%#\\\t'\""),
        ("env:HOME\n", "env:HOME"),
        ("literal:x\n", "literal:x"),
        ("#hunter2\n", "#hunter2"),
        ("<x>\n", "<x>"),
        ("p" * 4096 + "\n", "p" * 4096),
    ],
)
def test_a_secret_file_holds_the_password_as_it_is_but_for_the_last_line_break(
    tmp_path: Path, content: str, password: str
) -> None:
    write_private(tmp_path / "pass", content.encode())
    assert password_of(section_with(tmp_path, "data-source-auth-pass-file = pass")) == password


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; write the secret into it"),
        (b"\n", "is empty; write the secret into it"),
        (b"  \t\n", "holds nothing but blanks"),
        (b"hunter2\n\n", "has several lines; it must hold the secret and nothing else"),
        (b"hunter2\nhunter3\n", "has several lines"),
        (b"\nhunter2", "has several lines"),
        (b"hunter2\rhunter3", "has several lines"),
        (b"hunter2" * 1000, "holds more than 4,096 bytes"),
        ("grüße".encode("latin-1"), "is no text in UTF-8; write it anew"),
        ("hunter2".encode("utf-16-le"), "is no text in UTF-8; write it anew"),
        ("hunter2".encode("utf-16"), "is no text in UTF-8"),
    ],
)
def test_a_secret_file_with_anything_else_in_it_is_a_fault_that_does_not_show_it(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    write_private(tmp_path / "pass", content)
    fault = fault_of(section_with(tmp_path, "data-source-auth-pass-file = pass"))
    assert fault.startswith(f"7: [DS1] data-source-auth-pass-file: {tmp_path}/pass {reason}")
    assert "hunter" not in fault


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "pass").open("wb") as file:
        file.truncate(1 << 30)
    fault = fault_of(section_with(tmp_path, "data-source-auth-pass-file = pass"))
    assert "pass holds more than 4,096 bytes" in fault


@pytest.mark.parametrize("path", ["hunter2", "folder/hunter2", "h.txt/hunter2", "h" * 300])
def test_a_secret_file_that_is_missing_is_told_by_line_and_key_and_not_by_what_may_be_a_password(
    tmp_path: Path, path: str
) -> None:
    fault = fault_of(section_with(tmp_path, f"data-source-auth-pass-file = {path}"))
    assert fault.startswith("7: [DS1] data-source-auth-pass-file: ")
    assert "there is no such file; correct the path" in fault or "File name too long" in fault
    assert path not in fault


def test_a_folder_is_no_secret_file(tmp_path: Path) -> None:
    (tmp_path / "pass").mkdir()
    fault = fault_of(section_with(tmp_path, "data-source-auth-pass-file = pass"))
    assert fault.endswith("pass is no file; name one with the secret in it")


def test_a_path_that_is_still_to_be_filled_in_is_told(tmp_path: Path) -> None:
    fault = fault_of(section_with(tmp_path, "data-source-auth-pass-file = <folder>/pass"))
    assert fault.endswith("data-source-auth-pass-file: fill in <folder>")


def test_a_password_that_is_still_to_be_filled_in_is_told_wherever_it_stands(
    tmp_path: Path,
) -> None:
    write_private(tmp_path / "pass", "<data source password>\n")
    config = section_with(tmp_path, "data-source-auth-pass-file = pass")
    assert "fill in the password" in fault_of(config)


@pytest.mark.parametrize(
    ("value", "variables", "reason"),
    [
        ("env:LAB", {}, "the environment variable LAB is not set; set it for this program"),
        ("env:LAB", {"LAB": ""}, "the environment variable LAB is empty"),
        ("env:LAB", {"LAB": "  "}, "the environment variable LAB holds nothing but blanks"),
        ("env:LAB", {"LAB": "hunter2\nx"}, "the environment variable LAB has several lines"),
        ("env:LAB", {"LAB": "hunter2" * 999}, "the environment variable LAB holds more than 4,096"),
        ("env:LAB", {"LAB": "hunter2\udcff"}, "the environment variable LAB is no text in UTF-8"),
        ("env:hunter2", {}, "the variable is not set"),
        ("env:hunter2!", {}, "the name of an environment variable must follow env:; if this is"),
        ("env:", {}, "the name of an environment variable must follow env:"),
        ("literal:", {}, "the secret is missing behind literal:"),
    ],
)
def test_a_variable_at_fault_is_told_without_anything_that_may_be_a_password(
    tmp_path: Path, value: str, variables: dict[str, str], reason: str
) -> None:
    config = section_with(tmp_path, f"data-source-auth-pass = {value}", **variables)
    fault = fault_of(config)
    assert fault.startswith(f"7: [DS1] data-source-auth-pass: {reason}")
    assert "hunter" not in fault


@pytest.mark.parametrize(
    ("value", "password"),
    [
        ("env:LAB", " in LAB "),
        ("env: LAB", " in LAB "),
        ("env:lab", "in lab"),
        ("literal:env:LAB", "env:LAB"),
        ("literal:literal:x", "literal:x"),
        ("ENV:LAB", "ENV:LAB"),
        ("environment", "environment"),
    ],
)
def test_a_password_that_begins_like_a_variable_is_written_behind_literal(
    tmp_path: Path, value: str, password: str
) -> None:
    config = section_with(
        tmp_path, f"data-source-auth-pass = {value}", LAB=" in LAB ", lab="in lab\n"
    )
    assert password_of(config) == password


def test_other_keys_may_begin_with_env(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"[DS1]\n{MANDATORY}".replace("= otto", "= env:LAB"))
    assert config.of_kind(SectionConfig)[0].harvester_user == "env:LAB"


def test_a_password_given_twice_is_a_fault_that_names_both_lines(tmp_path: Path) -> None:
    write_private(tmp_path / "pass", "hunter2")
    config = section_with(
        tmp_path, "data-source-auth-pass = hunter2", "data-source-auth-pass-file = pass"
    )
    assert fault_of(config) == (
        f"{tmp_path}/h.txt:8: [DS1] data-source-auth-pass-file: data-source-auth-pass is given too "
        f"({tmp_path}/h.txt:7); remove one of them"
    )


def test_a_blank_key_is_as_good_as_none_beside_a_file(tmp_path: Path) -> None:
    write_private(tmp_path / "pass", "hunter2")
    lines = ("data-source-auth-pass = ", "data-source-auth-pass-file = pass")
    assert password_of(section_with(tmp_path, *lines)) == "hunter2"
    swapped = ("data-source-auth-pass = hunter3", "data-source-auth-pass-file =")
    assert password_of(section_with(tmp_path, *swapped)) == "hunter3"


def test_all_faults_of_secrets_come_with_all_others(tmp_path: Path) -> None:
    text = (
        f"[DS1]\n{without(*SECTION_KEYS)}data-source-auth-pass = env:LAB\n"
        "harvester-pass-file = no\ndry-run = perhaps\n"
    )
    write_private(tmp_path / "h.txt", text)
    config = read_config(tmp_path / "h.txt", settings_in(tmp_path), {})
    keys = [fault.partition("[DS1] ")[2].partition(":")[0] for fault in config.faults["DS1"]]
    assert sorted(keys) == ["data-source-auth-pass", "dry-run", "harvester-pass-file"]


def test_a_mistyped_file_key_is_told_with_the_right_one(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"[DS1]\n{MANDATORY}harvester-pas-file = x\n")
    assert "did you mean harvester-pass-file?" in str(config.faults)
    with pytest.raises(ConfigError, match=r"did you mean mail\.smtp\.password-file\?"):
        settings_in(tmp_path, f"{MAIL}mail.smtp.pasword-file = x\n")


def test_a_key_that_is_no_secret_has_no_file(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"[DS1]\n{MANDATORY}data-source-alias-file = x\n")
    assert "data-source-alias-file: there is no such key" in str(config.faults)


def test_paths_begin_at_the_base_folder(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    write_private(tmp_path / "base" / "smtp", "hunter2\n")
    text = f"{MAIL}base-dir = base\nmail.smtp.user = u\nmail.smtp.password-file = smtp\n"
    password = settings_in(tmp_path, text).mail_smtp_password
    assert password
    assert password.get_secret_value() == "hunter2"


def test_a_secret_file_is_read_anew_each_time(tmp_path: Path) -> None:
    for password in ("first", "second"):
        write_private(tmp_path / "pass", password)
        config = section_with(tmp_path, "data-source-auth-pass-file = pass")
        assert password_of(config) == password


def test_a_link_to_a_secret_is_followed(tmp_path: Path) -> None:
    (tmp_path / "..version-1").mkdir()
    write_private(tmp_path / "..version-1" / "pass", "hunter2")
    (tmp_path / "pass").symlink_to("..version-1/pass")
    assert password_of(section_with(tmp_path, "data-source-auth-pass-file = pass")) == "hunter2"


def test_a_default_still_holds_if_a_key_is_given_in_no_way(tmp_path: Path) -> None:
    url = settings_in(tmp_path, MAIL).database_url.get_secret_value()
    assert url == f"sqlite:///{tmp_path}/data/harvester.db"
    write_private(tmp_path / "url", "postgresql://u:hunter2@h/d\n")
    settings = settings_in(tmp_path, f"{MAIL}database-url-file = url")
    assert settings.database_url.get_secret_value() == "postgresql+psycopg://u:hunter2@h/d"


def test_an_unusable_url_in_a_file_is_told_where_the_file_is_named(tmp_path: Path) -> None:
    write_private(tmp_path / "url", "mysql://u:hunter2@h/d\n")
    with pytest.raises(ConfigError, match="4: database-url: must be sqlite:///") as refused:
        settings_in(tmp_path, f"{MAIL}database-url-file = url")
    assert "hunter2" not in str(refused.value)


def test_a_secret_at_fault_is_the_only_thing_told_of_its_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        settings_in(tmp_path, f"{MAIL}mail.smtp.user = u\nmail.smtp.password = env:NO_SUCH\n")
    (fault,) = refused.value.faults
    assert "5: mail.smtp.password: the environment variable NO_SUCH is not set" in fault


def test_the_environment_may_name_a_file_and_wins_over_the_password_in_the_properties(
    tmp_path: Path,
) -> None:
    write_private(tmp_path / "smtp", "hunter2\n")
    file = tmp_path / "harvester.properties"
    write_private(file, f"{MAIL}mail.smtp.user = u\nmail.smtp.password = other\n")
    variable = "OPENBIS_SYNC_MAIL_SMTP_PASSWORD"
    by_file = read_settings(file, {f"{variable}_FILE": "smtp"}).mail_smtp_password
    by_name = read_settings(file, {variable: "env:SMTP", "SMTP": "hunter3"}).mail_smtp_password
    assert by_file
    assert by_name
    assert (by_file.get_secret_value(), by_name.get_secret_value()) == ("hunter2", "hunter3")
    write_private(file, f"{MAIL}mail.smtp.user = u\nmail.smtp.password-file = no\n")
    direct = read_settings(file, {variable: "hunter4"}).mail_smtp_password
    assert direct
    assert direct.get_secret_value() == "hunter4"
    with pytest.raises(ConfigError, match=f"environment variable {variable}_FILE: .* given too"):
        read_settings(file, {variable: "hunter2", f"{variable}_FILE": "smtp"})


def test_the_source_server_takes_its_secrets_in_the_same_ways(tmp_path: Path) -> None:
    write_private(tmp_path / "url", "postgresql://u:hunter2@h/openbis\n")
    file = tmp_path / "s.properties"
    file.write_text("database-url-file = url\npath-info-database-url = env:PATH_INFO\n")
    settings = source_server.read_settings(file, {"PATH_INFO": "postgresql://u:hunter3@h/p"})
    assert settings.instance_url == "postgresql+psycopg://u:hunter2@h/openbis"
    assert settings.path_info_url == "postgresql+psycopg://u:hunter3@h/p"
    assert "hunter" not in repr(settings)
