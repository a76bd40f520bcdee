"""Every recorded request of real openDCIM programs, sent to our repository.

Status, members and types of each answer are those of the recorded one, unless a `Difference` says
why they are not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from opendcim.repository.storage import writing
from opendcim.repository.users import add_user, revoke_key, set_administrator
from tests.opendcim.repository_recordings import Exchange, recorded
from tests.opendcim.repository_site import (
    ADMIN,
    ALICE,
    Repository,
    a_picture,
    a_submission,
    served_repository,
)

_WITH_A_REQUEST = re.compile(
    r"/api/(template|manufacturer)/(pending|pending/byid|pending/delete|addpictures)/(\d+)$"
)
KEYS = {
    "admin": "KEY-ADMIN-0001",
    "mod": "KEY-MOD-0001",
    "alice": "KEY-ALICE-0001",
    "off": "KEY-OFF-0001",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """``status`` is ours. ``as_admin``: the same request is sent once more by the administrator,
    so that what follows finds the state that it was recorded in. ``undo``: what it queued is
    rejected, for the same reason. ``shape``: members or types differ too."""

    why: str
    status: int
    as_admin: bool = False
    undo: bool = False
    shape: bool = False


ROLES = "roles are enforced: the original let any key approve, and pretended to delete"
REFUSED = "what is empty, unknown or malformed is refused and said to be"
ANY_CASE = "names of headers count in any case, as HTTP wants it"
LOOPBACK = "a request from the machine itself is nobody's: a proxy there would be everybody"
OWN_PAGES = "our own pages are below /repository"

DIFFERENCES = {
    "repo/02": Difference(why="the same content again is the same request", status=200, shape=True),
    "repo/06": Difference(why="both spellings of the list", status=200, shape=True),
    "repo/09": Difference(why=ROLES, status=403, as_admin=True, shape=True),
    "repo/10": Difference(why=REFUSED, status=404, shape=True),
    "repo/15": Difference(why=ROLES, status=403, shape=True),
    "repo/17": Difference(why=ANY_CASE, status=200, shape=True),
    "repo/18": Difference(why=ANY_CASE, status=200, shape=True),
    "repo/21": Difference(why=LOOPBACK, status=400, shape=True),
    "repo/22": Difference(why=LOOPBACK, status=400),
    "repo/24": Difference(
        why="the route of the batch client is served again", status=200, undo=True, shape=True
    ),
    "repo/51": Difference(why=ROLES, status=403, as_admin=True, shape=True),
    "repo/53": Difference(why=ROLES, status=403, shape=True),
    "repo/56": Difference(why=ROLES, status=403, shape=True),
    "repo/57": Difference(why=ROLES, status=403, shape=True),
    "repo/62": Difference(why=REFUSED, status=403, shape=True),
    "repo/63": Difference(why=REFUSED, status=403, shape=True),
    "repo/64": Difference(why=REFUSED, status=400, shape=True),
    "repo/73": Difference(why=OWN_PAGES, status=404),
    "repo/74": Difference(why=OWN_PAGES, status=404),
    "repo/75": Difference(why=OWN_PAGES, status=404),
    "repo/76": Difference(why="only pictures are kept", status=400, shape=True),
    "repo/77": Difference(why=REFUSED, status=404, shape=True),
    "repo/85": Difference(why="both spellings of the list", status=200, shape=True),
    "repo/91": Difference(
        why="no field of a large form is lost: the original had queued an empty record",
        status=200,
        shape=True,
    ),
    "repo-verbatim-schema/05": Difference(
        why="the published schema could not store a template", status=200, shape=True
    ),
    "sync-4.2/01.7": Difference(
        why="the route of the batch client is served again", status=200, shape=True
    ),
}


@dataclass(slots=True)
class Replay:
    """Sends recorded requests in their order. Ids of requests are translated: ours are one
    sequence, and the original burns some."""

    repository: Repository
    folder: str
    user_ids: dict[str, str]
    requests: dict[tuple[str, str], str] = field(default_factory=dict)

    def send(self, exchange: Exchange, key: str | None = None) -> httpx.Response:
        headers = dict(exchange.headers)
        if key:
            headers |= {"apikey": KEYS[key], "userid": self.user_ids[key]}
        path = self._translated_path(exchange.path)
        body = self._translated_body(exchange)
        sent: dict[str, Any] = {"files": exchange.files} if exchange.files else {"content": body}
        return httpx.request(
            exchange.method, self.repository.url + path, headers=headers, timeout=30, **sent
        )

    def learn(self, exchange: Exchange, answer: httpx.Response) -> None:
        """Which of our requests is the recorded one."""
        if not exchange.is_json or not answer.headers["content-type"].startswith(
            "application/json"
        ):
            return
        theirs, ours = exchange.envelope, answer.json()
        for subject in ("template", "manufacturer"):
            if "RequestID" in theirs.get(subject, ()) and "RequestID" in ours.get(subject, ()):
                key = subject, str(theirs[subject]["RequestID"])
                self.requests[key] = str(ours[subject]["RequestID"])

    def undo(self, answer: httpx.Response) -> None:
        number = answer.json()["template"]["RequestID"]
        undone = self.repository.ask(
            "POST", f"/template/pending/delete/{number}", headers=self._admin()
        )
        assert undone.status_code == 200

    def _admin(self) -> dict[str, str]:
        return {"APIKey": KEYS["admin"]}

    def _translated_path(self, path: str) -> str:
        path = path.replace("/images/approved/", "/repository/images/approved/")
        found = _WITH_A_REQUEST.match(path)
        if not found:
            return path
        subject, middle, number = found.groups()
        return f"/api/{subject}/{middle}/{self.requests.get((subject, number), number + '000')}"

    def _translated_body(self, exchange: Exchange) -> bytes:
        if not exchange.path.endswith("/approve") or not exchange.body.endswith(b"}"):
            return exchange.body
        tree = json.loads(exchange.body)
        subject = exchange.path.split("/")[2]
        tree["RequestID"] = self.requests.get((subject, str(tree["RequestID"])), "999999")
        return json.dumps(tree).encode()


@contextmanager
def replaying(
    tmp_path: Path, folder: str, *, suffix: str = "", numbers: bool = False
) -> Iterator[Replay]:
    ids = {name: f"{name}{suffix}" for name in KEYS}
    with served_repository(tmp_path, opendcim_repository_numbers=numbers) as repository:
        with writing(repository.site.engine) as connection:
            for name, user_id in ids.items():
                add_user(connection, user_id, KEYS[name])
            revoke_key(connection, ids["off"])
            set_administrator(connection, ids["admin"], administrator=True)
        yield Replay(repository, folder, ids)


def check(replay: Replay, exchange: Exchange) -> None:
    """Send it, and compare."""
    name = f"{replay.folder}/{exchange.name}"
    difference = DIFFERENCES.get(name)
    answer = replay.send(exchange)
    told = f"{name} {exchange.method} {exchange.path}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code == (difference.status if difference else exchange.status), told
    if difference is None or not difference.shape:
        _compare(exchange, answer, told)
    elif answer.headers["content-type"] == "application/json":
        assert answer.json()["errorcode"] == answer.status_code, told
    if difference and difference.as_admin:
        again = replay.send(exchange, "admin")
        assert again.status_code == exchange.status, again.text
    if difference and difference.undo:
        replay.undo(answer)
    else:
        replay.learn(exchange, answer)


def _compare(exchange: Exchange, answer: httpx.Response, told: str) -> None:
    sent_type = answer.headers.get("content-type", "").partition(";")[0]
    if exchange.status < 500 and exchange.content_type and answer.status_code == exchange.status:
        assert sent_type == exchange.content_type.partition(";")[0], told
    if exchange.is_json:
        assert answer.json()["errorcode"] == exchange.envelope["errorcode"] or (
            answer.status_code != exchange.status
        ), told
        assert list(answer.json()) == list(exchange.envelope), told
        _same_shape(answer.json(), exchange.envelope, told)
    if exchange.method == "OPTIONS":
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert {"userid", "apikey"} <= set(re.split(r",\s*", allowed))
    assert exchange.path.startswith(("/admin", "/login")) or (
        answer.headers["access-control-allow-origin"] == "*"
    ), told


def _same_shape(ours: Any, theirs: Any, where: str) -> None:
    """The same members in the same order, lists of the same length, scalars of the same type; what
    is unset is null or an empty text."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), where
        assert list(ours) == list(theirs), where
        for name, value in theirs.items():
            _same_shape(ours[name], value, f"{where}: {name}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list), where
        assert len(ours) == len(theirs), where
        for index, value in enumerate(theirs):
            _same_shape(ours[index], value, f"{where}[{index}]")
    elif theirs in {None, ""} or ours in {None, ""}:
        assert ours is None or isinstance(ours, str), where
    else:
        assert type(ours) is type(theirs), where


def test_the_recordings_of_the_repository_server_from_empty_to_moderated(tmp_path: Path) -> None:
    exchanges = recorded("repo", "01", "65")

    with replaying(tmp_path, "repo") as replay:
        for exchange in exchanges:
            check(replay, exchange)

    assert len(exchanges) == 65


PUBLISHED = (
    a_submission("DL380 Gen9", 1, FrontPictureFile="front.png", RearPictureFile="rear.png",
        templateports=[{"PortNumber": 1, "Label": "NIC1"}, {"PortNumber": 2, "Label": "NIC2"}],
        templatepowerports=[
            {"PortNumber": 1, "Label": "PSU1"}, {"PortNumber": 2, "Label": "PSU2"}
        ]),
    a_submission("c7000", 1, DeviceType="Chassis", ChassisSlots=2, RearChassisSlots=1, slots=[
        {"Position": 1, "BackSide": 0, "X": 10, "Y": 20, "W": 30, "H": 40},
        {"Position": 2, "BackSide": 0, "X": 50, "Y": 20, "W": 30, "H": 40},
        {"Position": 1, "BackSide": 1, "X": 5, "Y": 5, "W": 9, "H": 9}]),
    a_submission("AP7841", 4, DeviceType="CDU", cdutemplate={
        "Managed": 1, "VersionOID": "1.2.3", "Multiplier": "1", "OID1": "1.3.6.1.4.1.318.1",
        "ProcessingProfile": "SingleOIDWatts", "Voltage": 208, "Amperage": 30,
        "SNMPVersion": "2c"}),
    a_submission("AP9335T", 4, DeviceType="Sensor", sensortemplate={
        "TemperatureOID": "1.3.6.1.4.1.318.2", "HumidityOID": "1.3.6.1.4.1.318.3",
        "TempMultiplier": "0.1", "HumidityMultiplier": "1", "mUnits": "metric"}),
    a_submission("Nexus 9336", 5, DeviceType="Switch", FrontPictureFile="front.png",
        templateports=[{"PortNumber": 1, "Label": "Eth1/1"}]),
)  # fmt: skip


def furnish(repository: Repository) -> None:
    """As the installations found the repository when they were recorded."""
    repository.add_manufacturers("HPE", "AT&T", "Dell", "APC", "Cisco Systems")
    for tree in PUBLISHED:
        request_id = repository.submit(ALICE, tree)
        files: dict[str, Any] = {
            side: (tree["template"][member], a_picture(color=color), "image/png")
            for color, (side, member) in enumerate(
                (("front", "FrontPictureFile"), ("rear", "RearPictureFile"))
            )
            if tree["template"][member]
        }
        if files:
            assert repository.upload(request_id, **files).status_code == 200
        assert repository.approve(request_id, ADMIN).status_code == 200


def test_the_recordings_of_the_repository_server_with_templates(tmp_path: Path) -> None:
    exchanges = recorded("repo", "70", "78") + recorded("repo", "85", "90")

    with replaying(tmp_path, "repo") as replay:
        furnish(replay.repository)
        pushed = a_submission("AP7841", 4, DeviceType="CDU", SNMPVersion="1")
        queued = replay.repository.ask("PUT", "/template", json=pushed, headers=_alice())
        other = replay.repository.ask("PUT", "/template", json=a_submission(), headers=_alice())
        replay.requests["template", "7"] = queued.json()["template"]["RequestID"]
        replay.requests["template", "8"] = other.json()["template"]["RequestID"]
        for exchange in exchanges:
            check(replay, exchange)

    assert len(exchanges) == 15


def test_the_recordings_of_the_repository_server_with_numbers(tmp_path: Path) -> None:
    with replaying(tmp_path, "repo", numbers=True) as replay:
        furnish(replay.repository)
        for exchange in recorded("repo", "80", "81"):
            check(replay, exchange)
        (large,) = recorded("repo", "90", "90")
        replay.learn(large, replay.send(large))
        (read_back,) = recorded("repo", "91", "91")
        check(replay, read_back)
        (queued,) = replay.send(read_back).json()["templatequeue"]

    assert [port["Label"] for port in queued["ports"]] == [f"Gi0/{n}" for n in range(1, 97)]


def test_the_recordings_of_the_server_as_it_was_published(tmp_path: Path) -> None:
    exchanges = recorded("repo-verbatim-schema", "01", "99")

    with replaying(tmp_path, "repo-verbatim-schema", suffix="@site-a.example") as replay:
        for exchange in exchanges:
            check(replay, exchange)
            if exchange.name == "02":
                _approve_first_manufacturer(replay.repository)

    assert len(exchanges) == 6


@pytest.mark.parametrize("run", ["01", "03"])
def test_what_the_batch_client_sent(tmp_path: Path, run: str) -> None:
    exchanges = recorded("sync-4.2", run, run)

    with replaying(tmp_path, "sync-4.2", suffix="@site-a.example") as replay:
        furnish(replay.repository)
        for exchange in exchanges:
            check(replay, exchange)

    assert len(exchanges) >= 7


def test_what_the_browser_client_sent(tmp_path: Path) -> None:
    exchanges = recorded("ui-25.01", "01", "99")

    with replaying(tmp_path, "ui-25.01", suffix="@site-a.example") as replay:
        furnish(replay.repository)
        for exchange in exchanges:
            check(replay, exchange)

    assert len(exchanges) == 10


def _alice() -> dict[str, str]:
    return {"APIKey": KEYS["alice"]}


def _approve_first_manufacturer(repository: Repository) -> None:
    body = {"RequestID": 1, "Name": "HPE"}
    assert repository.ask("POST", "/manufacturer/approve", ADMIN, json=body).status_code == 200
