"""A real template repository for tests, and those who use it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from pydantic import SecretStr

from opendcim.records.envelope import read_envelope
from opendcim.repository.allowance import Allowance
from opendcim.repository.app import repository_app
from opendcim.repository.part import opened_site
from opendcim.repository.published import add_manufacturer
from opendcim.repository.settings import RepositorySettings
from opendcim.repository.site import Site
from opendcim.repository.storage import writing
from opendcim.repository.users import (
    add_user,
    set_administrator,
    set_moderator,
)
from tests.support.servers.web_server import serving

ADMIN = "admin@repository.example"
MODERATOR = "mod@repository.example"
ALICE = "alice@first.example"
BOB = "bob@second.example"


def key_of(user_id: str) -> str:
    return f"KEY-{user_id}"


# Two data ports and a power port, for `a_submission`.
PORTS: dict[str, Any] = {
    "templateports": [{"PortNumber": 1, "Label": "eth0"}, {"PortNumber": 2, "Label": "eth1"}],
    "templatepowerports": [{"PortNumber": 1, "Label": "PSU1"}],
}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository that is served; its users' keys are those of `key_of`."""

    url: str
    site: Site

    def add_manufacturers(self, *names: str) -> list[int]:
        with writing(self.site.engine) as connection:
            return [add_manufacturer(connection, name).manufacturer_id for name in names]

    def let_moderate(self, user_id: str, manufacturer_id: int) -> None:
        with writing(self.site.engine) as connection:
            set_moderator(connection, user_id, manufacturer_id, moderates=True)

    def ask(
        self, method: str, path: str, user_id: str | None = None, **options: Any
    ) -> httpx.Response:
        """``path`` is below ``/api``; as nobody, if no user is named."""
        headers = dict(options.pop("headers", {}))
        if user_id is not None:
            headers |= {"APIKey": key_of(user_id), "UserID": user_id}
        return httpx.request(
            method, f"{self.url}/api{path}", headers=headers, timeout=30, **options
        )

    def get(self, path: str, user_id: str | None = None, **options: Any) -> Any:
        """What a successful answer says."""
        answer = self.ask("GET", path, user_id, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def submit(self, user_id: str, tree: Mapping[str, object]) -> int:
        """The RequestID of a template submitted as JSON."""
        answer = self.ask("PUT", "/template", user_id, json=tree)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["template"]["RequestID"])

    def approve(self, request_id: int, user_id: str = ADMIN, **changes: object) -> httpx.Response:
        """As it was submitted, but for the changes."""
        (record,) = self.get(f"/template/pending/{request_id}", ADMIN)["templatequeue"]
        return self.ask("POST", "/template/approve", user_id, json={**record, **changes})

    def publish(self, tree: Mapping[str, object]) -> int:
        """Submits and approves a template; returns its id."""
        request_id = self.submit(ALICE, tree)
        answer = self.approve(request_id)
        assert answer.status_code == 200, answer.text
        (state,) = self.get(f"/submission/{request_id}", ALICE)["submissions"]
        return int(state["TemplateID"])

    def upload(self, request_id: int, *, user_id: str = ALICE, **files: Any) -> httpx.Response:
        """``front`` and ``rear`` as httpx takes files."""
        return self.ask("POST", f"/template/addpictures/{request_id}", user_id, files=files)


@contextmanager
def served_repository(
    folder: Path, url: str | None = None, *, times: int = 1_000, **settings: Any
) -> Iterator[Repository]:
    """With its users, and a database of its own or the one at ``url``. So many lists a day are
    sent to a client, the list of all templates too."""
    values = RepositorySettings(
        base_dir=folder,
        opendcim_repository=True,
        opendcim_repository_database_url=SecretStr(url or f"sqlite:///{folder}/repository.db"),
        opendcim_repository_pictures_dir=folder / "pictures",
        **settings,
    )
    late = _Late()
    with serving(late) as address, opened_site(values, address) as opened:
        site = opened
        if times > 1:
            site = replace(opened, allowance=_Generous(timedelta(days=1), times))
        _add_users(site)
        late.app = repository_app(site)
        yield Repository(address, site)


class _Generous(Allowance):
    """Everything as often as any other list."""

    def times(self, asked: object) -> int:
        del asked
        return self._times


class _Late:
    """An application that is known only when its address is."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def _add_users(site: Site) -> None:
    with writing(site.engine) as connection:
        for user_id in (ADMIN, MODERATOR, ALICE, BOB):
            add_user(connection, user_id, key_of(user_id))
        set_administrator(connection, ADMIN, administrator=True)


def a_submission(model: str = "DL380", manufacturer: int = 1, **members: object) -> dict[str, Any]:
    """The tree of a template; members that are collections stand beside it."""
    parts = {k: members.pop(k) for k in list(members) if isinstance(members[k], list | dict)}
    template = {
        "TemplateID": 17,
        "ManufacturerID": manufacturer,
        "Model": model,
        "Height": 2,
        "Weight": 51,
        "Wattage": 500,
        "DeviceType": "Server",
        "PSCount": 2,
        "NumPorts": 2,
        "FrontPictureFile": "",
        "RearPictureFile": "",
        "ChassisSlots": 0,
        "RearChassisSlots": 0,
        "SNMPVersion": "2c",
        "GlobalID": 0,
    }
    return {"template": {**template, **members}, **parts}


def as_form(tree: Mapping[str, object]) -> dict[str, str]:
    """The fields of PHP's bracket notation; ports count from 1, slots from 0."""
    return dict(_fields(tree, ""))


def _fields(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        first = 0 if name == "slots" else 1
        value = {str(number): item for number, item in enumerate(value, first)}
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _fields(item, f"{name}[{key}]" if name else str(key))
    else:
        yield name, "" if value is None else str(value)


def a_picture(kind: str = "PNG", size: tuple[int, int] = (400, 80), color: int = 0x336699) -> bytes:
    """A whole picture of one colour."""
    written = BytesIO()
    Image.new("RGB", size, color).save(written, kind)
    return written.getvalue()


def json_of(answer: httpx.Response) -> Any:
    return json.loads(answer.content)


def refused(answer: httpx.Response, status: int) -> str:
    """The message of an answer that refuses, in its envelope."""
    envelope = read_envelope(answer.content)
    assert (answer.status_code, envelope.code, envelope.is_error) == (status, status, True)
    return envelope.message


def published(repository: Repository, template_id: int = 1) -> dict[str, Any]:
    (record,) = repository.get(f"/template/{template_id}")["templates"]
    return dict(record)


SLOTS = [
    {"Position": 1, "BackSide": 0, "X": 10, "Y": 5, "W": 150, "H": 70},
    {"Position": 2, "BackSide": 0, "X": 200, "Y": 5, "W": 150, "H": 70},
]


def a_chassis(repository: Repository, user_id: str = ALICE, **members: int) -> int:
    """The RequestID of a chassis with two slots and a front picture."""
    tree = a_submission(
        "c7000", DeviceType="Chassis", FrontPictureFile="front.png", slots=SLOTS, **members
    )
    request_id = repository.submit(user_id, tree)
    repository.upload(request_id, user_id=user_id, front=("front.png", a_picture(), "image/png"))
    return request_id
