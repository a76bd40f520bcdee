"""The connector's settings: what must be there, and what is said if it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opendcim.connector.access import Access
from opendcim.connector.part import connector_part
from opendcim.connector.settings import ConnectorSettings
from shared.errors import ConfigError
from tests.opendcim.connectors import connector_settings

HOST = "dcim.example.org"
NO_KEYS: dict[str, Any] = {"opendcim_connector_user_id": None, "opendcim_connector_api_key": None}


def settings(tmp_path: Path, opendcim: str = HOST, **keys: Any) -> ConnectorSettings:
    return connector_settings(tmp_path, opendcim, **keys)[0]


def fault(tmp_path: Path, opendcim: str = HOST, **keys: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        settings(tmp_path, opendcim, **keys)
    return str(refused.value).replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("address", "port", "api"),
    [
        ("dcim.example.org", None, "http://dcim.example.org/api/v1"),
        ("10.0.0.7", "8080", "http://10.0.0.7:8080/api/v1"),
        ("10.0.0.7", "443", "https://10.0.0.7:443/api/v1"),
        ("[::1]", "80", "http://[::1]:80/api/v1"),
        ("https://h/opendcim/", None, "https://h/opendcim/api/v1"),
        ("https://h:8443/api/v1/", None, "https://h:8443/api/v1"),
    ],
)
def test_a_host_or_a_url_leads_to_the_api(
    tmp_path: Path, address: str, port: str | None, api: str
) -> None:
    assert settings(tmp_path, address, opendcim_connector_port=port).opendcim_api == api


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"opendcim_connector_address": None}, "opendcim-connector-address is missing"),
        ({"opendcim_connector_elements": None}, "opendcim-connector-elements is missing"),
        (NO_KEYS, "as whom is openDCIM asked?"),
        ({"opendcim_connector_api_key": None}, "opendcim-connector-api-key is missing"),
        ({"opendcim_connector_user_id": None}, "opendcim-connector-user-id is missing"),
        ({"opendcim_connector_user": "x"}, "opendcim-connector-password is missing"),
        ({"opendcim_connector_elements_user": "x"}, "opendcim-connector-elements-password is"),
        ({"opendcim_connector_port": "0"}, "opendcim-connector-port: must be at least 1"),
        ({"opendcim_connector_proxy": "none"}, "must be system, bypassproxy or the URL"),
        (
            {"opendcim_connector_custom_attributes": "DMA Link, SNMPCommunity"},
            "SNMPCommunity: credentials are never passed on",
        ),
        ({"opendcim_connector_adress": "x"}, "did you mean opendcim-connector-address?"),
        ({"opendcim_connector_api_key": "k\u00e9y"}, "opendcim-connector-api-key: must be letters"),
        ({"opendcim_connector_timeout": "0 s"}, "opendcim-connector-timeout: '0 s' is too short"),
        ({"opendcim_connector_elements": "https://u:p@h/"}, "without user and password"),
    ],
)
def test_what_is_missing_or_wrong_is_told_by_its_key(
    tmp_path: Path, keys: dict[str, Any], told: str
) -> None:
    assert told in fault(tmp_path, **keys)


@pytest.mark.parametrize(
    "address", ["ftp://h", "https://u:secret@h", "h/path", "https://h?x=1", "http://h:0", "a b"]
)
def test_an_address_that_leads_nowhere_is_refused(tmp_path: Path, address: str) -> None:
    told = fault(tmp_path, address)
    assert "opendcim-connector-address: must be" in told
    assert "secret" not in told


def test_a_port_beside_a_url_is_refused(tmp_path: Path) -> None:
    assert "is a URL already" in fault(tmp_path, "http://h", opendcim_connector_port="80")


def test_nothing_needs_to_be_set_where_there_is_no_connector(tmp_path: Path) -> None:
    chosen = settings(
        tmp_path,
        catalogue="embedded",
        opendcim_connector="false",
        opendcim_connector_address=None,
        opendcim_connector_elements=None,
        **NO_KEYS,
    )
    assert not chosen.opendcim_connector


def test_the_proxy_is_that_of_the_system_none_or_a_named_one(tmp_path: Path) -> None:
    usual = settings(tmp_path)
    none = settings(tmp_path, opendcim_connector_proxy="bypassproxy")
    named = settings(tmp_path, opendcim_connector_proxy="http://proxy:3128")

    assert (usual.opendcim_proxy, usual.opendcim_system_proxy) == (None, True)
    assert (none.opendcim_proxy, none.opendcim_system_proxy) == (None, False)
    assert (named.opendcim_proxy, named.opendcim_system_proxy) == ("http://proxy:3128", False)


def test_secrets_may_stand_in_files_and_are_never_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("file-secret\n")
    chosen = settings(
        tmp_path, opendcim_connector_api_key=None, opendcim_connector_api_key_file="key"
    )

    assert chosen.opendcim_connector_api_key is not None
    assert chosen.opendcim_connector_api_key.get_secret_value() == "file-secret"
    assert "file-secret" not in repr(chosen)


@pytest.mark.parametrize("key", ["address", "download_url"])
def test_a_server_that_others_reach_must_say_who_may_ask(tmp_path: Path, key: str) -> None:
    value = {"address": "0.0.0.0", "download_url": "https://sync.example.org"}[key]  # noqa: S104
    chosen = connector_settings(tmp_path, HOST, **{key: value})
    with pytest.raises(ConfigError, match=f"{key.replace('_', '-')} = .* says that others"):
        Access.of(*chosen, None)
    with_token = connector_settings(tmp_path, HOST, **{key: value}, opendcim_connector_token="t")
    assert Access.of(*with_token, None).token


def test_users_need_a_place_where_they_are_kept(tmp_path: Path) -> None:
    chosen = connector_settings(tmp_path, HOST, opendcim_connector_users="mira")
    with (
        pytest.raises(ConfigError, match="this server has no users; set users-file"),
        connector_part(*chosen),
    ):
        pass


def test_a_folder_is_no_element_registry(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    chosen = connector_settings(tmp_path, HOST, opendcim_connector_elements="folder")
    with pytest.raises(ConfigError, match="is a folder"), connector_part(*chosen):
        pass


def test_a_bundle_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    chosen = connector_settings(tmp_path, HOST, opendcim_connector_ca_bundle="ca.pem")
    with (
        pytest.raises(ConfigError, match=r"opendcim-connector-ca-bundle: .*ca\.pem"),
        connector_part(*chosen),
    ):
        pass
