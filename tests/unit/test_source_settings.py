"""The source server's settings: defaults, overrides, and faults that say what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.settings.model import Settings, keys_of
from shared.settings.properties import variable_of
from source_server.part import server_parts
from source_server.settings import ServerSettings, SourceSettings, read_server_settings
from source_server.settings.choices import CatalogueKind

EXAMPLE = Path(__file__).parents[2] / "config" / "source-server.properties"
MODELS: list[type[Settings]] = [SourceSettings, *(part.settings for part in server_parts())]
KEYS = {name: key for model in MODELS for name, key in keys_of(model).items()}
OPENBIS = "catalogue = openbis\nusers-file = users.json\n"


def settings_of(folder: Path, text: str, **variables: str) -> SourceSettings:
    return whole_settings_of(folder, text, **variables).source


def whole_settings_of(folder: Path, text: str, **variables: str) -> ServerSettings:
    """With those of the parts."""
    file = folder / "s.properties"
    file.write_text(text)
    return read_server_settings(file, variables)


def faults_of(folder: Path, text: str, **variables: str) -> list[str]:
    """The faults, without the folder."""
    with pytest.raises(ConfigError) as refused:
        settings_of(folder, text, **variables)
    return [fault.replace(f"{folder}/", "") for fault in refused.value.faults]


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "")

    assert settings.catalogue is CatalogueKind.EMBEDDED
    assert settings.auth_realm == "OAI-PMH"
    assert (settings.address, settings.port) == ("127.0.0.1", 8080)
    assert settings.instance_url == f"sqlite:///{tmp_path}/data/source.db"
    assert settings.storeroot_dir == tmp_path / "data" / "store"
    assert settings.inline_file_limit == 5_000_000


def test_the_example_shows_every_key_once_with_its_default(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    shown = re.findall(r"^#([a-z.-]+) =", text, re.MULTILINE)
    uncommented = re.sub(r"^#(?=[a-z.-]+ =)", "", text, flags=re.MULTILINE)

    assert sorted(shown) == sorted(KEYS.values())
    usual = whole_settings_of(tmp_path, "")
    assert whole_settings_of(tmp_path, uncommented) == usual
    assert whole_settings_of(tmp_path, text) == usual
    fields = [field for model in MODELS for field in model.model_fields.items()]
    defaults = {KEYS[name]: field.default for name, field in fields}
    written = dict(re.findall(r"^#([a-z.-]+) = (.+)$", text, re.MULTILINE))
    assert written.keys() == {key for key, value in defaults.items() if value not in {None, Path()}}


def test_every_key_of_the_example_has_a_reason() -> None:
    blocks = EXAMPLE.read_text().split("\n\n")
    for block in blocks:
        if re.search(r"^#[a-z.-]+ =", block, re.MULTILINE):
            assert re.match(r"(## .*\n+)?# \S", block.lstrip("\n")), block


def test_the_environment_wins(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        "port = 1\nauth-realm = file\n",
        OPENBIS_SYNC_PORT=" 2 ",
        OPENBIS_SYNC_AUTH_REALM="",
        OPENBIS_SYNC_AUTHORIZATION_PROJECT_LEVEL_ENABLED="TRUE",
    )

    assert settings.port == 2
    assert settings.auth_realm == "file"
    assert settings.authorization_project_level_enabled


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        ("server-url", "OPENBIS_SYNC_SERVER_URL"),
        ("database.kind", "OPENBIS_SYNC_DATABASE_KIND"),
        (
            "authorization.project-level.users",
            "OPENBIS_SYNC_AUTHORIZATION_PROJECT_LEVEL_USERS",
        ),
    ],
)
def test_a_variable_is_named_like_its_key(key: str, variable: str) -> None:
    assert key in KEYS.values()
    assert variable_of(key) == variable


def test_paths_lie_below_the_base_folder(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        "base-dir = ../other\nstoreroot-dir = a/../b\nusers-file = /abs/users\n"
        "database-url = sqlite:///x.db\n",
    )
    base = tmp_path.parent / "other"

    assert settings.storeroot_dir == base / "b"
    assert settings.users_file == Path("/abs/users")
    assert settings.instance_url == f"sqlite:///{base}/x.db"


def test_a_slash_at_the_end_of_an_address_is_dropped(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "server-url = https://h:8443/openbis/ \n")
    assert settings.addresses.server_url == "https://h:8443/openbis"


def test_the_kind_names_the_databases(tmp_path: Path) -> None:
    url = "database-url = postgresql://u:p@h:5433\n"
    by_default = settings_of(tmp_path, OPENBIS + url)
    by_kind = settings_of(tmp_path, OPENBIS + url + "database.kind = test\n")

    assert by_default.instance_url == "postgresql+psycopg://u:p@h:5433/openbis_prod"
    assert by_kind.instance_url == "postgresql+psycopg://u:p@h:5433/openbis_test"
    assert by_kind.path_info_url == "postgresql+psycopg://u:p@h:5433/pathinfo_test"


def test_a_database_may_be_named_in_the_url_itself(tmp_path: Path) -> None:
    url = "database-url = postgresql://h/my_openbis\n"
    settings = settings_of(tmp_path, OPENBIS + url)
    own = settings_of(tmp_path, OPENBIS + url + "path-info-database-url = postgresql://h/pi\n")

    assert settings.instance_url == "postgresql+psycopg://h/my_openbis"
    assert settings.path_info_url is None
    assert own.path_info_url == "postgresql+psycopg://h/pi"


def test_the_path_info_can_be_switched_off(tmp_path: Path) -> None:
    url = "database-url = postgresql://h/\npath-info-database-url = none\n"
    assert settings_of(tmp_path, OPENBIS + url).path_info_url is None


def test_data_stores_may_have_places_of_their_own(tmp_path: Path) -> None:
    text = OPENBIS + (
        "database-url = postgresql://u:p@h/\nstoreroot-dir = usual\n"
        "storeroot-dirs = DSS2: /mnt/dss2 ; DSS-3.x: stores/three;\n"
        "path-info-database-urls = DSS2: postgresql://u:s@h2/p2?a=b:c; DSS4: none\n"
    )
    settings = settings_of(tmp_path, text)
    usual = "postgresql+psycopg://u:p@h/pathinfo_prod"

    assert settings.data_stores == {
        "DSS-3.x": (tmp_path / "stores" / "three", usual),
        "DSS2": (Path("/mnt/dss2"), "postgresql+psycopg://u:s@h2/p2?a=b%3Ac"),
        "DSS4": (tmp_path / "usual", None),
    }


def test_one_place_stands_for_all_data_stores_by_default(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, OPENBIS + "database-url = postgresql://h/\n")
    assert settings.data_stores == {}


def test_all_faults_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """# settings
server-url = localhost
port = many

catalogue = openbs
storerot-dir = x
authorization.project-level.users = (
inline-file-limit = -5
"""
    key, users = "authorization.project-level.enabled", "authorization.project-level.users"
    variable = variable_of(key)
    url = "must be an http or https URL with a host, without user, password and #"
    reason = "missing ), unterminated subpattern at position 0"
    faults = faults_of(tmp_path, text, **{variable: "yes"})

    assert faults == [
        "s.properties:6: storerot-dir: there is no such key; did you mean storeroot-dir?",
        f"s.properties:2: server-url: {url}",
        "s.properties:3: port: must be a whole number, not 'many'",
        "s.properties:5: catalogue: must be embedded, openbis or none",
        f"environment variable {variable}: {key}: must be true or false, not 'yes'",
        f"s.properties:7: {users}: '(' is not a valid regular expression: {reason}",
        "s.properties:8: inline-file-limit: must be at least 0",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port = 70000\n", "port: must be at most 65535"),
        ("auth-realm = caf\u00e9\n", "auth-realm: contains characters that are not allowed here"),
        ("database.kind = a b\n", "database.kind: contains characters that are not allowed here"),
        ("database-url = mysql://h/x\n", "database-url: must be sqlite:///<file> or postgresql:"),
        ("database-url = nonsense\n", "database-url: must be sqlite:///<file> or postgresql:"),
        ("database-url = sqlite://\n", "database-url: must be sqlite:///<file>"),
        ("download-url = https://u:p@h/\n", "URL with a host, without user, password and #"),
        ("download-url = https://h:x/\n", "download-url: must be an http or https URL with a host"),
        ("download-url = https://h/?a\n", "download-url: must not contain a ?"),
        ("download-url = https://<host>/\n", "download-url: fill in <host>"),
        ("storeroot-dir = ~nobody-of-that-name/x\n", "storeroot-dir: is no usable path"),
        ("storeroot-dirs = /mnt/dss2\n", "storeroot-dirs: must be <code of a data store>: <value>"),
        ("storeroot-dirs = A: /a; A: /b\n", "storeroot-dirs: names the data store A twice"),
        ("path-info-database-urls = A: nonsense\n", "path-info-database-urls: must be"),
        (OPENBIS, "database-url: catalogue = openbis needs"),
        (
            "catalogue = openbis\ndatabase-url = postgresql://h/\n",
            "users-file or password-file is missing",
        ),
        (
            OPENBIS + "database-url = postgresql://h/openbis_a\ndatabase.kind = b\n",
            "database-url names the database openbis_a, but database.kind means openbis_b",
        ),
    ],
)
def test_a_fault_says_what_would_be_right(tmp_path: Path, text: str, told: str) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert told in fault
    assert fault.startswith("s.properties")


@pytest.mark.parametrize(
    "text",
    [
        "database-url = postgresql://u:hunter2@h:port/x\n",
        "database-url = mysql://u:hunter2@h/x\n",
        "database-url = hunter2\n",
        "path-info-database-url = hunter2\n",
        OPENBIS + "database-url = postgresql://u:hunter2@h/a\ndatabase.kind = b\n",
        "download-url = https://u:hunter2@h/\n",
        "download-url = https://u:hunter2/@h/\n",
    ],
)
def test_no_fault_shows_a_secret(tmp_path: Path, text: str) -> None:
    faults = faults_of(tmp_path, text)
    assert faults
    assert "hunter2" not in "".join(faults)


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "database-url = postgresql://u:hunter2@h/x\n")
    assert "hunter2" not in repr(settings)
    assert "hunter2" in settings.instance_url


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "")
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.properties.*No such file"):
        read_server_settings(tmp_path / "no.properties", {})
