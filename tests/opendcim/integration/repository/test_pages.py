"""What protects the pages for moderators, and what they do with what is sent to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from opendcim.repository.storage import writing
from opendcim.repository.users import issue_key, set_moderator
from tests.opendcim.repository_site import (
    ADMIN,
    ALICE,
    MODERATOR,
    Repository,
    a_chassis,
    a_picture,
    a_submission,
    key_of,
    published,
    served_repository,
)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with served_repository(tmp_path) as served:
        served.add_manufacturers("HPE", "Dell")
        yield served


@contextmanager
def signed_in(repository: Repository, user_id: str = ADMIN) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{repository.url}/repository") as client:
        form = {"user": user_id, "key": key_of(user_id)}
        assert client.post("/login", data=form).status_code == 303
        yield client


def token_in(answer: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("user_id", "key"),
    [
        (ADMIN, "wrong-key-of-admin"),
        (ADMIN, key_of(ALICE)),
        (ALICE, key_of(ALICE)),
        ("", ""),
        ("<script>", "x"),
    ],
)
def test_who_has_nothing_to_decide_is_not_let_in(
    repository: Repository, user_id: str, key: str
) -> None:
    form = {"user": user_id, "key": key}
    answer = httpx.post(f"{repository.url}/repository/login", data=form)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "<script>" not in answer.text
    assert httpx.get(f"{repository.url}/repository/queue").status_code == 303


def test_a_form_of_another_site_does_nothing(repository: Repository) -> None:
    request_id = a_chassis(repository)
    with signed_in(repository) as client:
        path = f"/requests/{request_id}/approve"
        for csrf in ({}, {"csrf": "guessed"}, {"csrf": "ü"}):
            assert client.post(path, data=csrf).status_code == 403
        headers = {"Sec-Fetch-Site": "cross-site"}
        form = {"user": ADMIN, "key": key_of(ADMIN)}
        assert client.post("/login", data=form, headers=headers).status_code == 403

    assert repository.get("/template")["templates"] == []


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({}, True),
        ({"Origin": "own"}, True),
        ({"Origin": "own", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example.org"}, False),
        ({"Origin": "https://evil.example.org", "Sec-Fetch-Site": "same-origin"}, False),
        ({"Origin": "http://127.0.0.1:1"}, False),
        ({"Origin": "http://["}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)
def test_a_login_form_of_another_site_is_refused_by_its_origin(
    repository: Repository, headers: dict[str, str], *, accepted: bool
) -> None:
    sent = {name: repository.url if value == "own" else value for name, value in headers.items()}
    form = {"user": ADMIN, "key": key_of(ADMIN)}
    answer = httpx.post(f"{repository.url}/repository/login", data=form, headers=sent)
    assert answer.status_code == (303 if accepted else 403)
    assert ("set-cookie" in answer.headers) is accepted


def test_a_session_ends_with_the_right_or_the_key(repository: Repository) -> None:
    repository.let_moderate(MODERATOR, 1)
    engine = repository.site.engine
    with signed_in(repository) as admin, signed_in(repository, MODERATOR) as moderator:
        before = [client.get("/queue").status_code for client in (admin, moderator)]
        with writing(engine) as connection:
            issue_key(connection, ADMIN, "another-key-of-admin")
            set_moderator(connection, MODERATOR, 1, moderates=False)
        after = [client.get("/queue").status_code for client in (admin, moderator)]

    assert (before, after) == ([200, 200], [303, 303])


def test_every_page_has_strict_headers(repository: Repository) -> None:
    with signed_in(repository) as client:
        for path in ("/login", "/queue", "/requests/99", "/nothing", "/style.css"):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-frame-options"] == "DENY"
            assert headers["cache-control"] == "no-store"
            assert "access-control-allow-origin" not in headers


def test_a_submitted_picture_is_for_moderators_only(repository: Repository) -> None:
    request_id = a_chassis(repository)
    path = f"/requests/{request_id}/pictures/front"
    stranger = httpx.get(f"{repository.url}/repository{path}")
    with signed_in(repository) as client:
        shown, missing = client.get(path), client.get(path.replace("front", "rear"))

    assert stranger.status_code == 303
    assert (shown.content, shown.headers["content-type"]) == (a_picture(), "image/png")
    assert missing.status_code == 404


def test_a_request_cannot_be_decided_twice(repository: Repository) -> None:
    request_id = a_chassis(repository)
    with signed_in(repository) as client:
        form = {"csrf": token_in(client.get(f"/requests/{request_id}")), "reason": "no"}
        first = client.post(f"/requests/{request_id}/reject", data=form)
        second = client.post(f"/requests/{request_id}/approve", data=form)
        shown = client.get(f"/requests/{request_id}")

    assert (first.status_code, second.status_code) == (303, 403)
    assert "was rejected already" in second.text
    assert "This request was rejected: no." in shown.text
    assert "Approve and publish" not in shown.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"field[Height]": "tall"}, "no number"),
        ({"field[Model]": ""}, "Model is missing"),
        ({"field[ManufacturerID]": "99"}, "ManufacturerID 99 is unknown"),
        ({"field[TemplateID]": "1"}, "there is no such member"),
        ({"picture[front]": "published"}, "no published front picture"),
    ],
)
def test_edits_that_cannot_be_published_say_why(
    repository: Repository, fields: dict[str, str], told: str
) -> None:
    request_id = a_chassis(repository)
    with signed_in(repository) as client:
        form = {"csrf": token_in(client.get(f"/requests/{request_id}")), **fields}
        answer = client.post(f"/requests/{request_id}/approve", data=form)

    assert answer.status_code in {400, 403}
    assert told in answer.text
    assert repository.get("/template")["templates"] == []


def test_a_picture_that_was_replaced_after_the_page_was_opened_is_not_published(
    repository: Repository,
) -> None:
    seen, other = a_picture(color=1), a_picture(color=2)
    request_id = repository.submit(ALICE, a_submission(FrontPictureFile="f.png"))
    repository.upload(request_id, front=("f.png", seen, "image/png"))
    with signed_in(repository) as client:
        opened = client.get(f"/requests/{request_id}")
        form = {"csrf": token_in(opened)}
        [choice] = re.findall(r'value="(submitted:[0-9a-f]{64})" checked', opened.text)
        repository.upload(request_id, front=("f.png", other, "image/png"))
        late = [
            client.post(f"/requests/{request_id}/approve", data=form | {"picture[front]": value})
            for value in (choice, "submitted")
        ]
        [now] = re.findall(
            r'value="(submitted:[0-9a-f]{64})"', client.get(f"/requests/{request_id}").text
        )
        in_time = client.post(
            f"/requests/{request_id}/approve", data=form | {"picture[front]": now}
        )

    for answer in late:
        assert answer.status_code == 403
        assert "was replaced" in answer.text
    assert now != choice
    assert in_time.status_code == 303
    assert httpx.get(published(repository)["FrontPictureFile"]).content == other


def test_details_and_labels_can_be_edited(repository: Repository) -> None:
    parts: dict[str, Any] = {
        "templateports": [{"PortNumber": 1, "Label": "e1"}],
        "templatepowerports": [{"PortNumber": 1, "Label": "p1"}],
    }
    repository.submit(ALICE, a_submission("PDU", DeviceType="CDU", **parts))
    sensor = {"TemperatureOID": "1.3"}
    repository.submit(ALICE, a_submission("Probe", DeviceType="Sensor", sensortemplate=sensor))
    edits = {
        "1": {"CDU Voltage": "230", "CDU OID1": "1.3.6", "Port 1": "eth0", "Power port 1": "A"},
        "2": {"Sensor mUnits": "metric", "ManufacturerID": "2", "SNMPVersion": "3"},
    }
    with signed_in(repository) as client:
        for number, fields in edits.items():
            page = client.get(f"/requests/{number}")
            form = {f"field[{name}]": value for name, value in fields.items()}
            form["csrf"] = token_in(page)
            assert client.post(f"/requests/{number}/approve", data=form).status_code == 303
        history, nothing = client.get("/templates/1"), client.get("/templates/99")
        again = client.get("/queue?done=99")

    pdu, probe = repository.get("/template")["templates"]
    assert (pdu["cdutemplate"]["Voltage"], pdu["cdutemplate"]["OID1"]) == ("230", "1.3.6")
    assert (pdu["ports"][0]["Label"], pdu["powerports"][0]["Label"]) == ("eth0", "A")
    assert (probe["ManufacturerID"], probe["SNMPVersion"]) == ("2", "3")
    assert probe["sensortemplate"]["mUnits"] == "metric"
    assert "Version 1" in history.text
    assert (nothing.status_code, again.status_code) == (404, 200)


def test_what_the_pages_are_made_of_is_served(repository: Repository) -> None:
    address = f"{repository.url}/repository"

    assert httpx.get(f"{address}/style.css").headers["content-type"].startswith("text/css")
    assert httpx.get(f"{address}/icon.svg").headers["content-type"] == "image/svg+xml"
    for path in ("", "/"):
        assert httpx.get(address + path).headers["location"] == "/repository/queue"
