"""The harvester config file: what it means, and how its faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from harvester.openbis.section import SectionConfig
from shared.errors import ConfigError
from tests.support.instances.settings_files import (
    MANDATORY,
    config_of,
    faults_of,
    section_of,
    settings_in,
)


def test_a_value_may_contain_equals_percent_and_hash(tmp_path: Path) -> None:
    assert section_of(tmp_path).data_source_auth_pass.get_secret_value() == "s=e%c#r et"


def test_no_secret_shows_in_what_is_printed(tmp_path: Path) -> None:
    section = section_of(tmp_path)
    assert "s=e%c#r" not in f"{section!r} {section}"
    settings = settings_in(
        tmp_path, "harvester-config-file = h\ndatabase-url = postgresql://u:hidden@h/d"
    )
    assert "hidden" not in f"{settings!r} {settings}"


def test_no_wrong_value_shows_in_the_error_that_pydantic_raises() -> None:
    with pytest.raises(ValidationError) as caught:
        SectionConfig.model_validate({"name": "DS1", "data-source-auth-pas": "hidden"})
    assert "data-source-auth-pas" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_a_byte_order_mark_is_tolerated(tmp_path: Path) -> None:
    config = config_of(tmp_path, b"\xef\xbb\xbf[DS1]\n" + MANDATORY.encode())
    assert [section.name for section in config.sections] == ["DS1"]


def test_a_blank_value_is_as_good_as_none(tmp_path: Path) -> None:
    section = section_of(tmp_path, "data-source-alias =", "max-threads =", "email-addresses = ")
    assert (section.alias, section.max_threads) == ("DS1", 10)
    config = config_of(tmp_path, f"[DS1]\n{MANDATORY}".replace("= otto", "="))
    assert config.faults == {"DS1": [f"{tmp_path}/h.txt:1: [DS1] harvester-user is missing"]}


def test_true_is_true_in_any_letter_case(tmp_path: Path) -> None:
    section = section_of(tmp_path, "dry-run = TRUE", "deletion-allowed = False")
    assert (section.dry_run, section.deletion_allowed) == (True, False)


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "1", "0", "ture"])
def test_any_other_word_than_true_and_false_is_a_fault(tmp_path: Path, word: str) -> None:
    assert faults_of(tmp_path, f"dry-run = {word}") == [
        f"dry-run: must be true or false, not '{word}'"
    ]


def test_verbose_follows_dry_run_unless_it_is_given(tmp_path: Path) -> None:
    assert section_of(tmp_path, "dry-run = true").verbose
    assert not section_of(tmp_path, "verbose = false", "dry-run = true").verbose


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("max-threads = 0", "max-threads: must be at least 1"),
        ("max-threads = 1001", "max-threads: must be at most 1000"),
        ("max-threads = 1_0", "max-threads: must be a whole number, not '1_0'"),
        ("full-sync-interval = -1", "full-sync-interval: must be at least 0"),
        ("full-sync-interval = 1.5", "full-sync-interval: must be a whole number, not '1.5'"),
        ("machine-load = 0", "machine-load: must be more than 0"),
        ("machine-load = nan", "machine-load: must be a number such as 0.5, not 'nan'"),
        ("retries-on-failure = 101", "retries-on-failure: must be at most 100"),
        ("timeout = 0", "timeout: must be at least 1"),
        ("whished-number-of-streams = 0", "whished-number-of-streams: must be at least 1"),
        (
            "data-source-openbis-url = source:8443",
            "data-source-openbis-url: must be an http or https URL with a host, without ",
        ),
        ("email-addresses = mira@x.org, otto", "email-addresses: 'otto' is no e-mail address"),
        ("harvester-tmp-dir = ../temp", "harvester-tmp-dir: must stay below the data store root "),
        ("delete-allowed = true", "delete-allowed: there is no such key; did you mean deletion-"),
        ("Dry-Run = true", "Dry-Run: there is no such key; did you mean dry-run?"),
        ("name = DS2", "name: there is no such key"),
        ("dry_run = true", "dry_run: there is no such key; did you mean dry-run?"),
        ("qqq = 1", "qqq: there is no such key"),
        ("dry-run true", "the line is neither a [section], nor key = value, nor a # comment"),
        ("= true", "there is no key before the ="),
        ("; dry-run = true", "a comment starts with #"),
        ("data-source-alias = A B", "data-source-alias: 'A B' cannot be part of an openBIS code"),
        ("data-source-alias = ../x", "data-source-alias: '../x' cannot be part of an openBIS code"),
        ("space-white-list = <space>", "space-white-list: fill in <space>"),
    ],
)
def test_a_wrong_value_is_told_with_its_key(tmp_path: Path, line: str, fault: str) -> None:
    (found,) = faults_of(tmp_path, line)
    assert found.startswith(fault)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://h/x", "https:///x", "https://h:0/x", "https://h:port/x", "https://h/a b"),
        *("https://mira:hidden@h/x", "https://mira:hid/den@h/x", "https://[::1/x", "h/x"),
    ],
)
def test_an_unusable_url_is_told_without_showing_it(tmp_path: Path, url: str) -> None:
    text = f"[DS1]\n{MANDATORY}".replace("https://source.example.org:8444/datastore_server\n", url)
    (fault,) = config_of(tmp_path, text.replace(url, url + "\n")).faults["DS1"]
    assert "data-source-dss-url: must be an http or https URL with a host" in fault
    assert "hid" not in fault


@pytest.mark.parametrize(
    ("pattern", "items"),
    [
        (r"(?P<kind>A|B)_.*", (r"(?P<kind>A|B)_.*",)),
        ("A , B,,C,", ("A", "B", "C")),
        (",,", ()),
    ],
)
def test_a_list_is_split_at_commas_and_a_named_group_is_no_placeholder(
    tmp_path: Path, pattern: str, items: tuple[str, ...]
) -> None:
    assert section_of(tmp_path, f"space-white-list = {pattern}").space_white_list == items


def test_a_mail_address_may_come_with_a_name(tmp_path: Path) -> None:
    section = section_of(tmp_path, "email-addresses = Mira <mira@example.org>, otto@x.org")
    assert section.email_addresses == ("Mira <mira@example.org>", "otto@x.org")


def test_a_password_may_look_like_a_placeholder(tmp_path: Path) -> None:
    text = f"[DS1]\n{MANDATORY}".replace("= other", "= <x>")
    assert config_of(tmp_path, text).faults == {}


def test_all_missing_keys_are_told_at_once(tmp_path: Path) -> None:
    config = config_of(tmp_path, "# comment\n[DS1]\ndry-run = true\n")
    lead = f"{tmp_path / 'h.txt'}:2: [DS1] "
    assert config.faults["DS1"] == [
        f"{lead}{key} is missing"
        for key in (
            *("resource-list-url", "data-source-dss-url", "data-source-auth-user"),
            *("data-source-auth-pass", "harvester-user", "harvester-pass"),
        )
    ]


def test_a_faulty_section_does_not_stop_the_others(tmp_path: Path) -> None:
    text = f"[DS1]\n{MANDATORY}[DS2]\n{MANDATORY}dry-run = perhaps\n[DS3]\n{MANDATORY}"
    config = config_of(tmp_path, text)
    assert [section.name for section in config.sections] == ["DS1", "DS3"]
    assert list(config.faults) == ["DS2"]
    assert config.faults["DS2"] == [
        f"{tmp_path / 'h.txt'}:15: [DS2] dry-run: must be true or false, not '***'"
    ]


def test_a_key_given_twice_is_a_fault_that_names_both_lines(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"[DS1]\n{MANDATORY}dry-run = true\ndry-run = false\n")
    assert config.faults["DS1"] == [
        f"{tmp_path / 'h.txt'}:9: [DS1] dry-run: given already in line 8; remove one of them"
    ]


def test_a_section_given_twice_is_a_fault(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"[DS1]\n{MANDATORY}[DS1]\ndry-run = true\n")
    assert config.sections == ()
    assert f"h.txt:8: [DS1] the section stands already at {tmp_path}/h.txt:1" in str(config.faults)


def test_a_comment_behind_a_header_is_warned_of_and_the_header_counts(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"[DS1]\n{MANDATORY}  [DS2] # the second\n{MANDATORY}")
    assert [section.name for section in config.sections] == ["DS1", "DS2"]
    (warning,) = config.warnings
    assert warning.startswith(f"{tmp_path / 'h.txt'}:8: [DS2] a comment behind a section header")


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("[DS2] dry-run = true", "text behind the section header"),
        ("[DS2", "the section header lacks its ]"),
    ],
)
def test_keys_below_an_odd_header_never_land_in_the_section_above(
    tmp_path: Path, header: str, fault: str
) -> None:
    config = config_of(tmp_path, f"[DS1]\n{MANDATORY}{header}\ndeletion-allowed = true\n")
    assert [section.deletion_allowed for section in config.of_kind(SectionConfig)] == [False]
    assert fault in str(config.faults["DS2"])


def test_a_section_without_a_name_is_a_fault(tmp_path: Path) -> None:
    assert "the section has no name" in str(config_of(tmp_path, f"[]\n{MANDATORY}").faults[""])


def test_a_section_without_keys_is_ignored_with_a_warning(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"[DS0]\n#dry-run = true\n[DS1]\n{MANDATORY}")
    assert [section.name for section in config.sections] == ["DS1"]
    assert config.faults == {}
    assert config.warnings == (f"{tmp_path}/h.txt:1: [DS0] ignored, because it has no keys",)


def test_an_indented_hash_begins_a_comment(tmp_path: Path) -> None:
    assert not section_of(tmp_path, "  # dry-run = true").dry_run


def test_lines_before_the_first_section_are_warned_of(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"dry-run = true\n[DS1]\n{MANDATORY}")
    assert config.warnings == (
        f"{tmp_path}/h.txt:1: ignored, because it stands before the first [section]",
    )


def test_a_file_without_sections_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no section"):
        config_of(tmp_path, "dry-run = true\n")


def test_dead_keys_are_accepted_with_a_warning(tmp_path: Path) -> None:
    text = f"[DS1]\n{MANDATORY}data-source-spaces = A\nharvester-spaces = B\n"
    config = config_of(tmp_path, text)
    assert len(config.sections) == 1
    assert [warning.partition("[DS1] ")[2] for warning in config.warnings] == [
        "data-source-spaces: this key never had an effect; remove it",
        "harvester-spaces: this key never had an effect; remove it",
    ]


def test_both_spellings_of_the_number_of_streams_are_one_key(tmp_path: Path) -> None:
    assert section_of(tmp_path, "wished-number-of-streams = 3").whished_number_of_streams == 3
    assert section_of(tmp_path, "whished-number-of-streams = 4").whished_number_of_streams == 4
    both = ("whished-number-of-streams = 3", "wished-number-of-streams = 3")
    assert faults_of(tmp_path, *both) == [
        "wished-number-of-streams: given already as whished-number-of-streams; remove one of them"
    ]


@pytest.mark.parametrize(
    ("first", "second", "key"),
    [
        ("data-source-alias = lab", "data-source-alias = LAB", "data-source-alias"),
        ("last-sync-timestamp-file = a/../x", "last-sync-timestamp-file = x", "last-sync-"),
        ("not-synced-entities-file = x", "not-synced-entities-file = ./x", "not-synced-"),
    ],
)
def test_two_sections_must_not_share_an_alias_or_a_file(
    tmp_path: Path, first: str, second: str, key: str
) -> None:
    text = f"[A]\n{MANDATORY}{first}\n[B]\n{MANDATORY}{second}\n[C]\n{MANDATORY}"
    config = config_of(tmp_path, text)
    assert [section.name for section in config.sections] == ["C"]
    assert any(f"h.txt:8: [A] {key}" in fault for fault in config.faults["A"])
    assert any(f"h.txt:16: [B] {key}" in fault for fault in config.faults["B"])
    assert "is used by [B], too" in str(config.faults["A"])


def test_a_section_name_that_is_no_code_needs_an_alias(tmp_path: Path) -> None:
    config = config_of(
        tmp_path, f"[The lab]\n{MANDATORY}[Lab 2]\n{MANDATORY}data-source-alias = L2"
    )
    assert [section.alias for section in config.sections] == ["L2"]
    assert "set data-source-alias" in str(config.faults["The lab"])


def test_a_user_with_a_colon_is_refused(tmp_path: Path) -> None:
    text = f"[DS1]\n{MANDATORY}".replace("= mira", "= mi:ra")
    assert "a user id with a colon" in str(config_of(tmp_path, text).faults["DS1"])


def test_the_folder_for_downloads_lies_below_the_store_even_if_it_looks_absolute(
    tmp_path: Path,
) -> None:
    config = config_of(tmp_path, f"[DS1]\n{MANDATORY}harvester-tmp-dir = /temp/here\n")
    assert config.of_kind(SectionConfig)[0].harvester_tmp_dir == tmp_path / "data/store/temp/here"
    assert "taken relative to the data store root" in config.warnings[0]
