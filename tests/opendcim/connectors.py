"""A connector that is really served, and somebody who sends requests to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from opendcim.connector.part import connector_part
from opendcim.connector.settings import ConnectorSettings
from source_server.settings import SourceSettings, read_server_settings
from source_server.web.dispatch import Dispatcher, nothing
from tests.opendcim.invented_opendcim import API_KEY, USER_ID
from tests.support.servers.web_server import serving

PATH = "/external-requests"
TOKEN = "t0ken-of-the-senders"
ELEMENTS = {
    "1001/15": "ENC-Brussels-01",
    "1001/16": "blade-a",
    "1001/17": "in storage",
    "1001/18": "AT&T gateway",
    "1001/19": "PDU-A1",
    "1001/20": "no such device",
    "1001/21": "ENC-Brussels-01-backup",
}
_PATIENCE = 60.0


def write_elements(folder: Path, elements: dict[str, str] | None = None) -> Path:
    lines = [f'{key.replace("/", ";")};"{name}"' for key, name in (elements or ELEMENTS).items()]
    file = folder / "elements.csv"
    file.write_text("\n".join(["DmaId;ElementId;Name", *lines, ""]), encoding="utf-8")
    return file


def connector_keys(opendcim: str, **keys: object) -> dict[str, object]:
    """Keys of a properties file, with ``_`` for ``-``; None leaves one out."""
    return {
        "catalogue": "none",
        "opendcim_connector": "true",
        "opendcim_connector_address": opendcim,
        "opendcim_connector_user_id": USER_ID,
        "opendcim_connector_api_key": API_KEY,
        "opendcim_connector_elements": "elements.csv",
    } | keys


def connector_settings(
    folder: Path, opendcim: str, **keys: object
) -> tuple[ConnectorSettings, SourceSettings]:
    """Those of the connector, and those of its server."""
    folder.mkdir(exist_ok=True)
    if not (folder / "elements.csv").exists():
        write_elements(folder)
    file = folder / "source-server.properties"
    chosen = {k: v for k, v in connector_keys(opendcim, **keys).items() if v is not None}
    file.write_text("".join(f"{k.replace('_', '-')} = {v}\n" for k, v in chosen.items()))
    settings = read_server_settings(file, {})
    return settings.of(ConnectorSettings), settings.source


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody on the same machine."""

    http: httpx.Client

    def post(self, content: Any, **headers: str) -> httpx.Response:
        body = {"content": content} if isinstance(content, bytes) else {"json": content}
        return self.http.post(PATH, headers=headers, **body)

    def one(self, request_id: str) -> httpx.Response:
        return self.http.get(f"{PATH}/{request_id}")

    def answer(self, *elements: str, request_id: str = "r-1", **members: Any) -> dict[str, Any]:
        """The row when it is no longer Pending."""
        posted = self.post({"Id": request_id, "Elements": list(elements)} | members)
        assert posted.status_code in {200, 202}, posted.text
        return self.finished(request_id)

    def finished(self, request_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            row: dict[str, Any] = self.one(request_id).raise_for_status().json()
            if row["Status"] != "Pending":
                return row
            time.sleep(0.02)
        pytest.fail(f"{request_id} stayed Pending")


@contextmanager
def a_connector(folder: Path, opendcim: str, **keys: object) -> Iterator[Asking]:
    """One that asks the openDCIM at this address."""
    settings = connector_settings(folder, opendcim, **keys)
    with (
        connector_part(*settings) as part,
        serving(Dispatcher([part], nothing)) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as http,
    ):
        yield Asking(http)
