"""The connector's keys in ``config/source-server.properties``; they begin with
``opendcim-connector``."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from opendcim.connector.fields import CREDENTIALS
from shared.settings.places import DatabaseUrl, PathBelowBase, absolute_below
from shared.settings.quantities import PositiveDuration, Size
from shared.settings.used_paths import PathRole, PlaceOf, UsedPath, database_path
from shared.settings.values import Boolean, Integer, Items
from source_server.part import PartSettings

BYPASS = "bypassproxy"
_SYSTEM = "system"
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_HTTPS = 443


def _address(value: str) -> str:
    """A host, or a URL up to the installation's folder."""
    if "://" not in value:
        if not _HOST.fullmatch(value):
            raise ValueError("must be a host, an IP address or an http or https URL")
        return value
    return _web_address(value).removesuffix("/api/v1")


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = None
    if not usable or re.search(r"[\s@#?]", value):
        raise ValueError(
            "must be an http or https URL with a host, without user, password, ? and #"
        )
    return value.rstrip("/")


def _proxy(value: str) -> str:
    return value if value in {_SYSTEM, BYPASS} else _proxy_url(value)


def _proxy_url(value: str) -> str:
    try:
        return _web_address(value)
    except ValueError as error:
        raise ValueError(f"must be {_SYSTEM}, {BYPASS} or the URL of a proxy") from error


def _elements(value: str, info: ValidationInfo) -> str:
    """A URL as it is; a file's path relative to ``base-dir``."""
    if re.match(r"https?://", value):
        return _elements_url(value)
    base = info.data.get("base_dir") or info.context or Path()
    return str(absolute_below(base, Path(value)))


def _elements_url(value: str) -> str:
    if re.search(r"[\s@#]", value) or not urlsplit(value).hostname:
        raise ValueError("must be a file or an http or https URL without user and password")
    return value


def _custom(value: tuple[str, ...]) -> tuple[str, ...]:
    leaked = {name for name in value if name.casefold() in CREDENTIALS}
    if leaked:
        raise ValueError(f"{', '.join(sorted(leaked))}: credentials are never passed on")
    return value


_Count = Annotated[Integer, Field(ge=1)]
_HeaderText = Annotated[str, Field(pattern=r"^[ -~]+$")]


class ConnectorSettings(PartSettings):
    """openDCIM's address and credentials, and who may ask."""

    opendcim_connector: Boolean = False

    # Host or URL of the openDCIM installation.
    opendcim_connector_address: Annotated[str, AfterValidator(_address)] | None = None
    opendcim_connector_port: Annotated[Integer, Field(ge=1, le=65535)] | None = None
    opendcim_connector_proxy: Annotated[str, AfterValidator(_proxy)] = _SYSTEM
    opendcim_connector_user: Annotated[str, Field(pattern=r"^[^:\x00-\x1f]+$")] | None = None
    opendcim_connector_password: SecretStr | None = None
    opendcim_connector_user_id: _HeaderText | None = None
    opendcim_connector_api_key: SecretStr | None = None
    opendcim_connector_ca_bundle: PathBelowBase | None = None
    opendcim_connector_tls_verify: Boolean = True

    # A CSV or JSON file, or an http or https address.
    opendcim_connector_elements: Annotated[str, AfterValidator(_elements)] | None = None
    opendcim_connector_elements_user: Annotated[str, Field(pattern=r"^[^:\x00-\x1f]+$")] | None = (
        None
    )
    opendcim_connector_elements_password: SecretStr | None = None
    opendcim_connector_elements_interval: PositiveDuration = timedelta(minutes=1)
    opendcim_connector_custom_attributes: Annotated[Items, AfterValidator(_custom)] | None = None

    opendcim_connector_users: Items | None = None
    opendcim_connector_token: SecretStr | None = None

    opendcim_connector_database_url: DatabaseUrl = SecretStr("sqlite:///data/opendcim-connector.db")
    opendcim_connector_retention: PositiveDuration = timedelta(days=30)

    # Time for a request that names none.
    opendcim_connector_timeout: PositiveDuration = timedelta(minutes=2)
    opendcim_connector_max_timeout: PositiveDuration = timedelta(minutes=15)
    opendcim_connector_call_timeout: PositiveDuration = timedelta(seconds=20)
    opendcim_connector_max_body: Annotated[Size, Field(ge=1)] = 1 << 20
    opendcim_connector_max_elements: _Count = 1_000
    opendcim_connector_max_pending: _Count = 1_000
    opendcim_connector_workers: _Count = 2
    opendcim_connector_connections: _Count = 4

    @field_validator("opendcim_connector_api_key", "opendcim_connector_token")
    @classmethod
    def _fits_into_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value and re.search(r"[^!-~]", value.get_secret_value()):
            raise ValueError("must be letters, digits and signs of ASCII, without blanks")
        return value

    @model_validator(mode="after")
    def _connector_is_complete(self) -> Self:
        """Reports one fault at a time: a pydantic validator can raise only one."""
        if not self.opendcim_connector:
            return self
        fault = next(self._gaps(), None)
        if fault:
            raise ValueError(fault)
        return self

    def _gaps(self) -> Iterator[str]:
        if not self.opendcim_connector_address:
            yield "opendcim-connector-address is missing: where is openDCIM? (host or URL)"
        elif "://" in self.opendcim_connector_address and self.opendcim_connector_port:
            yield (
                "opendcim-connector-port: opendcim-connector-address is a URL already; write the "
                "port there"
            )
        if not self.opendcim_connector_elements:
            yield (
                "opendcim-connector-elements is missing: the file or address that names the "
                "elements"
            )
        yield from self._gaps_in_sign_in()

    def _gaps_in_sign_in(self) -> Iterator[str]:
        pairs = (
            ("user", self.opendcim_connector_user),
            ("password", self.opendcim_connector_password),
            ("user-id", self.opendcim_connector_user_id),
            ("api-key", self.opendcim_connector_api_key),
            ("elements-user", self.opendcim_connector_elements_user),
            ("elements-password", self.opendcim_connector_elements_password),
        )
        for (name, value), (other, beside) in zip(pairs[::2], pairs[1::2], strict=True):
            if (value is None) != (beside is None):
                missing, there = (name, other) if value is None else (other, name)
                yield (
                    f"opendcim-connector-{missing} is missing: "
                    f"opendcim-connector-{there} needs it beside it"
                )
        if not (self.opendcim_connector_user or self.opendcim_connector_user_id):
            yield (
                "opendcim-connector-user and -password, or opendcim-connector-user-id and "
                "-api-key, are missing: as whom is openDCIM asked?"
            )

    @property
    def is_wanted(self) -> bool:
        return self.opendcim_connector

    def used_paths(self, place_of: PlaceOf) -> Iterator[UsedPath]:
        yield from super().used_paths(place_of)
        if not self.opendcim_connector:
            return
        key = "opendcim-connector-database-url"
        url = self.opendcim_connector_database_url.get_secret_value()
        yield from database_path(url, key=key, place=place_of(key), shared="database")
        elements = self.opendcim_connector_elements
        read = {
            "opendcim-connector-ca-bundle": self.opendcim_connector_ca_bundle,
            "opendcim-connector-elements": (
                None if elements is None or "://" in elements else Path(elements)
            ),
        }
        for key, path in read.items():
            if path:
                yield UsedPath(key=key, path=path, place=place_of(key), role=PathRole.READ)

    @property
    def opendcim_api(self) -> str:
        """Base URL of openDCIM's REST API."""
        address = self.opendcim_connector_address or ""
        if "://" in address:
            return f"{address}/api/v1"
        port = self.opendcim_connector_port
        scheme = "https" if port == _HTTPS else "http"
        return f"{scheme}://{address}{f':{port}' if port else ''}/api/v1"

    @property
    def opendcim_proxy(self) -> str | None:
        """URL of the proxy for openDCIM, if one is configured."""
        named = self.opendcim_connector_proxy
        return None if named in {_SYSTEM, BYPASS} else named

    @property
    def opendcim_system_proxy(self) -> bool:
        """Whether to use the proxy of the environment (``HTTPS_PROXY`` and so on)."""
        return self.opendcim_connector_proxy == _SYSTEM


def is_loopback(host: str) -> bool:
    """Whether this name or address reaches this machine only."""
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
