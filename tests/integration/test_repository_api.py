"""The template repository as its clients see it, on both databases."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from shared.opendcim.envelope import read_envelope
from source_server.opendcim.repository.published import rename_manufacturer
from source_server.opendcim.repository.storage import writing
from source_server.opendcim.repository.users import issue_key, revoke_key
from tests.repository_site import (
    ADMIN,
    ALICE,
    BOB,
    MODERATOR,
    Repository,
    a_picture,
    a_submission,
    as_form,
    key_of,
    served_repository,
)

PORTS: dict[str, Any] = {
    "templateports": [{"PortNumber": 1, "Label": "eth0"}, {"PortNumber": 2, "Label": "eth1"}],
    "templatepowerports": [{"PortNumber": 1, "Label": "PSU1"}],
}


@pytest.fixture(params=["sqlite", "postgresql"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repository]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with served_repository(tmp_path, url) as served:
        served.add_manufacturers("HPE", "AT&T")
        yield served


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Repository]:
    """One on SQLite, for what has nothing to do with the database."""
    with served_repository(tmp_path) as served:
        served.add_manufacturers("HPE", "AT&T")
        yield served


def refused(answer: httpx.Response, status: int) -> str:
    """The message of an answer that refuses, in its envelope."""
    envelope = read_envelope(answer.content)
    assert (answer.status_code, envelope.code, envelope.is_error) == (status, status, True)
    return envelope.message


def published(repository: Repository, template_id: int = 1) -> dict[str, Any]:
    (record,) = repository.get(f"/template/{template_id}")["templates"]
    return dict(record)


def test_both_encodings_submit_the_same(repository: Repository) -> None:
    tree = a_submission("DL380", **PORTS)

    by_json = repository.submit(ALICE, tree)
    by_form = repository.ask("PUT", "/templatealt", BOB, data=as_form(tree)).json()
    records = [
        repository.get(f"/template/pending/{number}", ADMIN)["templatequeue"][0]
        for number in (by_json, by_form["template"]["RequestID"])
    ]

    assert [port["Label"] for port in records[0]["ports"]] == ["eth0", "eth1"]
    for record in records:
        for member in ("RequestID", "SubmittedBy", "SubmissionDate"):
            record.pop(member)
        for part in (*record["ports"], *record["powerports"]):
            part.pop("RequestID")
    assert records[0] == records[1]


def test_a_template_goes_round(repository: Repository) -> None:
    tree = a_submission("DL380", FrontPictureFile="front.png", **PORTS)
    request_id = repository.submit(ALICE, tree)
    content = a_picture()
    uploaded = repository.upload(
        request_id, front=("pictures/front.png", content, "application/octet-stream")
    )
    approved = repository.approve(request_id, Wattage=800)
    record = published(repository)
    picture = httpx.get(record["FrontPictureFile"])

    assert uploaded.json()["files"]["front"]["size"] == len(content)
    assert approved.json()["message"] == "Template has been approved."
    assert record["Wattage"] == "800"
    assert record["FrontPictureFile"].endswith("/repository/images/approved/1.front.png")
    assert (picture.content, picture.headers["content-type"]) == (content, "image/png")
    assert picture.headers["access-control-allow-origin"] == "*"
    assert picture.headers["x-content-type-options"] == "nosniff"
    (state,) = repository.get(f"/submission/{request_id}", ALICE)["submissions"]
    assert (state["State"], state["TemplateID"]) == ("approved", "1")


def test_an_update_keeps_the_id_and_the_history(repository: Repository) -> None:
    repository.publish(a_submission("DL380", **PORTS))
    repository.publish(a_submission("dl380", Wattage=900, templateports=[{"PortNumber": 1}]))
    versions = repository.get("/template/1/history")["templateversions"]
    for_admin = repository.get("/template/1/history", ADMIN)["templateversions"]

    assert published(repository)["Model"] == "dl380"
    assert len(published(repository)["ports"]) == 1
    assert [v["Version"] for v in versions] == ["2", "1"]
    assert [v["Wattage"] for v in versions] == ["900", "500"]
    assert [len(v["ports"]) for v in versions] == [1, 2]
    assert {v["ApprovedBy"] for v in versions} == {""}
    assert {v["ApprovedBy"] for v in for_admin} == {ADMIN}


def test_the_same_content_again_is_the_same_request_while_it_is_pending(
    repository: Repository,
) -> None:
    tree = a_submission("DL380", **PORTS)
    first, again = repository.submit(ALICE, tree), repository.submit(ALICE, tree)
    other_user = repository.submit(BOB, tree)
    other_content = repository.submit(ALICE, a_submission("DL380", Wattage=1, **PORTS))
    repository.approve(first)
    afterwards = repository.submit(ALICE, tree)

    assert first == again
    assert len({first, other_user, other_content, afterwards}) == 4


def test_submissions_at_the_same_time_do_not_hurt_each_other(repository: Repository) -> None:
    found: list[int] = []

    def submit(number: int) -> None:
        found.append(repository.submit(ALICE, a_submission(f"Model {number % 4}", **PORTS)))

    threads = [threading.Thread(target=submit, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 12
    assert len(set(found)) == 4


@pytest.mark.parametrize("user_id", [ALICE, MODERATOR])
def test_who_has_no_right_decides_on_nothing(repository: Repository, user_id: str) -> None:
    repository.let_moderate(MODERATOR, 2)
    request_id = repository.submit(BOB, a_submission("DL380", 1))
    name = repository.ask("PUT", "/manufacturer", BOB, data={"Name": "Dell"}).json()
    manufacturer = name["manufacturer"]["RequestID"]
    body = {"RequestID": manufacturer, "Name": "Dell"}

    assert "right" in refused(repository.approve(request_id, user_id), 403)
    for path in (
        f"/template/pending/delete/{request_id}",
        f"/manufacturer/pending/delete/{manufacturer}",
    ):
        refused(repository.ask("POST", path, user_id, json={}), 403)
    refused(repository.ask("POST", "/manufacturer/approve", user_id, json=body), 403)
    assert repository.get(f"/template/pending/{request_id}", user_id)["templatequeue"] == []
    assert repository.get("/template")["templates"] == []


def test_a_moderator_decides_on_templates_of_the_own_manufacturers(repository: Repository) -> None:
    repository.let_moderate(MODERATOR, 2)
    own = repository.submit(ALICE, a_submission("A", 2))
    other = repository.submit(ALICE, a_submission("B", 1))
    queue = repository.get("/template/pending/", MODERATOR)["templatequeue"]
    moved = repository.approve(own, MODERATOR, ManufacturerID="1")
    approved = repository.approve(own, MODERATOR)

    assert [record["RequestID"] for record in queue] == [str(own)]
    refused(moved, 403)
    assert approved.status_code == 200
    refused(repository.approve(other, MODERATOR), 403)


def test_only_administrators_learn_who_submitted(repository: Repository) -> None:
    repository.let_moderate(MODERATOR, 1)
    request_id = repository.submit(ALICE, a_submission())
    repository.ask("PUT", "/manufacturer", ALICE, data={"Name": "Dell"})
    told: dict[str, set[str]] = {}
    for user_id in (ADMIN, MODERATOR, BOB):
        records = [
            *repository.get("/template/pending", user_id)["templatequeue"],
            *repository.get(f"/template/pending/{request_id}", user_id)["templatequeue"],
            *repository.get("/manufacturer/pending", user_id)["manufacturersqueue"],
        ]
        told[user_id] = {record["SubmittedBy"] for record in records}
    repository.approve(request_id)
    public = repository.ask("GET", "/template").text + repository.ask("GET", "/manufacturer").text
    history = repository.ask("GET", "/template/1/history").text

    assert told == {ADMIN: {ALICE}, MODERATOR: {""}, BOB: {""}}
    assert "alice" not in public + history


def test_a_submitter_learns_the_reason_and_nobody_else_does(repository: Repository) -> None:
    request_id = repository.submit(ALICE, a_submission())
    path = f"/template/pending/delete/{request_id}"
    rejected = repository.ask("POST", path, ADMIN, json={"Reason": "Wattage <b>is</b> wrong"})
    (own,) = repository.get("/submission", ALICE)["submissions"]

    assert rejected.json() == {"error": False, "errorcode": 200}
    assert (own["State"], own["Reason"]) == ("rejected", "Wattage is wrong")
    assert repository.get("/submission", BOB)["submissions"] == []
    refused(repository.ask("GET", f"/submission/{request_id}", BOB), 404)
    refused(repository.ask("GET", f"/submission/{request_id}"), 400)
    assert "rejected already" in refused(repository.approve(request_id), 403)


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ({}, "Content-Type"),
        ({"template": {}}, "Model is missing"),
        (a_submission(""), "Model is missing"),
        (a_submission("x", 555), "ManufacturerID 555 is unknown"),
        (a_submission("x", DeviceType="Toaster"), "'Toaster' is none of Server"),
        (a_submission("x" * 81), "Model has more than 80 characters"),
        (a_submission("x", Height="tall"), "Height: 'tall' is no number"),
        (a_submission("x", Height=-1), "Height is below 0"),
        (a_submission("x", ManufacturerID=10**12), "no number that can be stored"),
        (a_submission("x", templateports=[{"PortNumber": 1}] * 2), "is there twice"),
        (a_submission("x", DeviceType="Chassis", slots=[{"BackSide": 7}]), "neither 0 nor 1"),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_queued(
    small: Repository, tree: dict[str, Any], reason: str
) -> None:
    message = refused(small.ask("PUT", "/template", ALICE, json=tree), 403)

    assert message.startswith("Error processing request.")
    assert reason in message
    assert small.get("/template/pending", ADMIN)["templatequeue"] == []


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        ("/manufacturer", "", "Name is missing"),
        ("/manufacturer", "<b></b>", "Name is missing"),
        ("/manufacturer", "x" * 81, "more than 80"),
        ("/manufacturer", "at&amp;t", "AT&T exists already (ManufacturerID 2)"),
    ],
)
def test_manufacturers_that_cannot_be_used_are_refused(
    small: Repository, path: str, name: str, message: str
) -> None:
    assert message in refused(small.ask("PUT", path, ALICE, data={"Name": name}), 403)


def test_a_manufacturer_that_somebody_else_submitted_is_in_the_queue(small: Repository) -> None:
    small.ask("PUT", "/manufacturer", ALICE, data={"Name": "Dell"})
    answer = small.ask("PUT", "/manufacturer", BOB, data={"Name": "DELL"})

    assert refused(answer, 403) == "Manufacturer name already in pending submission queue."


def test_a_manufacturer_is_published_as_the_administrator_spells_it(repository: Repository) -> None:
    answer = repository.ask("PUT", "/manufacturer", ALICE, json={"Name": "dell, inc."})
    request_id = answer.json()["manufacturer"]["RequestID"]
    body = {"RequestID": request_id, "Name": "Dell"}
    repository.ask("POST", "/manufacturer/approve", ADMIN, json=body)
    names = [one["Name"] for one in repository.get("/manufacturer")["manufacturers"]]
    again = repository.ask("POST", "/manufacturer/approve", ADMIN, json=body)

    assert names == ["AT&T", "Dell", "HPE"]
    assert "approved already" in refused(again, 403)


def test_keys_count_and_ids_must_fit_to_them(repository: Repository) -> None:
    def ask(**headers: str) -> httpx.Response:
        return repository.ask("GET", "/submission", headers=headers)

    key = key_of(ALICE)
    assert refused(ask(), 400) == "Api key is misssing"
    assert refused(ask(APIKey=""), 400) == "Api key is misssing"
    assert refused(ask(APIKey="nobody's"), 401) == "Access Denied. Invalid Api key"
    assert refused(ask(APIKey=key, UserID=BOB), 401) == "Access Denied. Invalid Api key"
    for headers in ({"APIKey": key}, {"apikey": key, "userid": ALICE.upper()}):
        assert ask(**headers).status_code == 200
    with writing(repository.site.engine) as connection:
        revoke_key(connection, ALICE)
    refused(ask(APIKey=key), 401)
    with writing(repository.site.engine) as connection:
        new = issue_key(connection, ALICE)
    assert ask(APIKey=new).status_code == 200
    refused(ask(APIKey=key), 401)


def test_no_key_is_stored(small: Repository, tmp_path: Path) -> None:
    assert small.get("/submission", ALICE)["submissions"] == []
    stored = b"".join(p.read_bytes() for p in tmp_path.glob("repository.db*"))

    assert ALICE.encode() in stored
    assert key_of(ALICE).encode() not in stored


def test_a_list_that_has_not_changed_is_not_sent_again(repository: Repository) -> None:
    repository.publish(a_submission("DL380", 1))
    paths = (
        "/manufacturer",
        "/template",
        "/template/bymanufacturer/1",
        "/template/bymanufacturer/2",
        "/template/1",
    )
    first = {path: repository.ask("GET", path) for path in paths}

    def ask(path: str, header: str, name: str) -> int:
        headers = {header: first[path].headers[name]}
        return repository.ask("GET", path, headers=headers).status_code

    def statuses() -> list[tuple[int, int]]:
        return [
            (ask(p, "If-None-Match", "ETag"), ask(p, "If-Modified-Since", "Last-Modified"))
            for p in paths
        ]

    assert statuses() == [(304, 304)] * 5
    repository.publish(a_submission("DL360", 1))
    assert statuses() == [(304, 304), (200, 200), (200, 200), (304, 304), (304, 304)]
    with writing(repository.site.engine) as connection:
        rename_manufacturer(connection, 2, "AT & T")
    assert statuses()[0] == (200, 200)


def test_a_tag_of_another_repository_means_nothing(small: Repository, tmp_path: Path) -> None:
    tag = small.ask("GET", "/manufacturer").headers["ETag"]
    (tmp_path / "other").mkdir()
    with served_repository(tmp_path / "other") as other:
        other.add_manufacturers("HPE", "AT&T")
        answer = other.ask("GET", "/manufacturer", headers={"If-None-Match": tag})

    assert answer.status_code == 200


@pytest.mark.parametrize("wrong", ["yesterday", "Sat, 99 Nov 2026 23:59:59 GMT", ""])
def test_a_date_that_is_none_is_passed_over(small: Repository, wrong: str) -> None:
    answer = small.ask("GET", "/manufacturer", headers={"If-Modified-Since": wrong})

    assert answer.status_code == 200


def test_since_gives_what_has_changed(repository: Repository) -> None:
    repository.publish(a_submission("A", 1))
    repository.publish(a_submission("B", 2))
    later = published(repository, 2)["LastModified"]

    def models(path: str, since: str) -> list[str]:
        answer = repository.get(path, params={"since": since})
        return [record["Model"] for record in answer["templates"]]

    assert models("/template", later) == ["B"]
    assert models("/template", "2020-01-01") == ["A", "B"]
    assert models("/template", f"{later[:10]}T{later[11:]}Z") == ["B"]
    assert models("/template/bymanufacturer/1", later) == []
    assert models("/template", "2199-01-01 00:00:00") == []
    changed = repository.get("/manufacturer", params={"since": "2199-01-01"})
    assert changed["manufacturers"] == []
    wrong = repository.ask("GET", "/template", params={"since": "last week"})
    assert "since='last week' is no time" in refused(wrong, 400)


def test_two_changes_never_have_the_same_second(repository: Repository) -> None:
    repository.add_manufacturers(*(f"M{number}" for number in range(5)))
    times = [one["LastModified"] for one in repository.get("/manufacturer")["manufacturers"]]

    assert len(set(times)) == len(times)


def test_large_lists_are_compressed_for_those_who_take_that(small: Repository) -> None:
    small.add_manufacturers(*(f"Manufacturer {number}" for number in range(50)))
    plain = httpx.get(f"{small.url}/api/manufacturer", headers={"Accept-Encoding": "identity"})
    packed = httpx.get(f"{small.url}/api/manufacturer", headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert packed.content == plain.content


def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    with served_repository(tmp_path, times=1, opendcim_allowance=3) as repository:
        repository.add_manufacturers("HPE")
        tag = repository.ask("GET", "/manufacturer", ALICE).headers["ETag"]
        statuses = [repository.ask("GET", "/manufacturer", ALICE).status_code for _ in range(3)]
        too_often = repository.ask("GET", "/manufacturer", ALICE)
        others = [
            repository.ask("GET", "/manufacturer", BOB).status_code,
            repository.ask("GET", "/manufacturer").status_code,
            repository.ask("GET", "/template/bymanufacturer/1", ALICE).status_code,
            repository.ask("GET", "/manufacturer/1", ALICE).status_code,
            repository.ask("HEAD", "/manufacturer", ALICE).status_code,
        ]
        known = repository.ask("GET", "/manufacturer", ALICE, headers={"If-None-Match": tag})
        whole = [repository.ask("GET", "/template", ALICE).status_code for _ in range(2)]
        changes = repository.ask("GET", "/template", ALICE, params={"since": "2026-01-01"})

    assert statuses == [200, 200, 429]
    assert "sent to you 3 times within 1 day" in refused(too_often, 429)
    assert 86_000 < int(too_often.headers["Retry-After"]) <= 86_400
    assert too_often.headers["access-control-allow-origin"] == "*"
    assert others == [200] * 5
    assert known.status_code == 304
    assert whole == [200, 429]
    assert changes.status_code == 200


def test_a_list_asked_for_again_and_again_with_its_tag_is_never_refused(tmp_path: Path) -> None:
    with served_repository(tmp_path, times=1, opendcim_allowance=1) as repository:
        repository.add_manufacturers("HPE")
        tag = repository.ask("GET", "/manufacturer").headers["ETag"]
        statuses = {
            repository.ask("GET", "/manufacturer", headers={"If-None-Match": tag}).status_code
            for _ in range(20)
        }

    assert statuses == {304}


def test_a_body_that_is_too_large_is_refused(small: Repository) -> None:
    form = "templateports[1][Label]=" + "x" * (9 << 20)
    answer = small.ask("PUT", "/templatealt", ALICE, content=form.encode())

    assert "larger than" in refused(answer, 413)


def test_a_body_without_a_key_is_not_waited_for(small: Repository) -> None:
    connection = http.client.HTTPConnection(urlsplit(small.url).netloc, timeout=20)
    with closing(connection):
        connection.putrequest("PUT", "/api/templatealt")
        connection.putheader("Content-Length", "10000000000")
        connection.endheaders()
        answer = connection.getresponse()

    assert answer.status == 400


def test_a_thousand_ports_go_through_a_form(small: Repository) -> None:
    ports = [
        {"PortNumber": n, "Label": f"Gi0/{n}", "MediaID": 1, "ColorID": 2, "Notes": ""}
        for n in range(1, 1001)
    ]
    tree = a_submission("Big switch", DeviceType="Switch", templateports=ports)
    answer = small.ask("PUT", "/templatealt", ALICE, data=as_form(tree))
    number = answer.json()["template"]["RequestID"]
    (queued,) = small.get(f"/template/pending/{number}", ALICE)["templatequeue"]

    assert len(queued["ports"]) == 1000
    assert queued["ports"][-1]["Label"] == "Gi0/1000"


def test_scripts_in_names_are_harmless(small: Repository) -> None:
    model = '<img src=x onerror=alert(1)>"><script>alert(2)</script> & <5'
    small.publish(a_submission(model, templateports=[{"PortNumber": 1, "Label": "a<b'\""}]))
    record = published(small)

    assert record["Model"] == "&#34;&#62;alert(2) &#38; &#60;5"
    assert record["ports"][0]["Label"] == "a&#60;b&#39;&#34;"
    assert small.ask("GET", "/template").headers["content-type"] == "application/json"


def test_only_the_submitter_adds_pictures_and_only_while_it_is_pending(
    repository: Repository,
) -> None:
    request_id = repository.submit(ALICE, a_submission(FrontPictureFile="f.png"))
    picture = ("f.png", a_picture(), "image/png")

    refused(repository.upload(request_id, user_id=BOB, front=picture), 403)
    refused(repository.upload(request_id + 1, front=picture), 404)
    message = refused(repository.upload(request_id, front=("g.png", *picture[1:])), 400)
    assert "called 'g.png', but the template says 'f.png'" in message
    assert "no whole PNG" in refused(
        repository.upload(request_id, front=("f.png", b"<html>", "image/png")), 400
    )
    assert repository.upload(request_id, front=picture).status_code == 200
    repository.approve(request_id)
    assert "approved already" in refused(repository.upload(request_id, front=picture), 400)


def test_a_picture_that_was_named_but_never_came_stops_the_approval(small: Repository) -> None:
    request_id = small.submit(ALICE, a_submission(FrontPictureFile="f.png"))

    assert "'f.png' was not uploaded" in refused(small.approve(request_id), 400)
    assert small.approve(request_id, FrontPictureFile="").status_code == 200


def test_pictures_of_the_same_name_stay_two(small: Repository) -> None:
    names: dict[str, Any] = {"FrontPictureFile": "p.png", "RearPictureFile": "P.png"}
    request_id = small.submit(ALICE, a_submission(**names))
    front, rear = a_picture(color=1), a_picture(color=2)
    small.upload(request_id, front=("p.png", front, ""), rear=("P.png", rear, ""))
    small.approve(request_id)
    record = published(small)

    assert httpx.get(record["FrontPictureFile"]).content == front
    assert httpx.get(record["RearPictureFile"]).content == rear
    assert record["RearPictureFile"].endswith("/1.rear-P.png")


def test_a_published_picture_stays_if_an_update_names_it_again(small: Repository) -> None:
    first = small.submit(ALICE, a_submission(FrontPictureFile="f.png"))
    small.upload(first, front=("f.png", a_picture(), "image/png"))
    small.approve(first)
    again = small.submit(ALICE, a_submission(Wattage=900, FrontPictureFile="f.png"))
    small.approve(again)

    assert httpx.get(published(small)["FrontPictureFile"]).content == a_picture()
    assert published(small)["Wattage"] == "900"


@pytest.mark.parametrize(
    "path",
    [
        "1.nothing.png",
        "..%2f..%2fetc%2fpasswd",
        "1.%2e%2e%2fx",
        "99.f.png",
        "f.png",
        "",
        "1.",
        "%00",
        "9999999999999.f.png",
    ],
)
def test_no_path_leads_out_of_the_pictures(small: Repository, path: str) -> None:
    answer = httpx.get(f"{small.url}/repository/images/approved/{path}")

    assert answer.status_code == 404
    assert b"root:" not in answer.content


@pytest.mark.parametrize("number", ["999999999999999999999", "-1", "0", "abc", "1e3", "%F0%9F"])
def test_ids_that_are_none_are_nobodys(repository: Repository, number: str) -> None:
    assert repository.get(f"/template/{number}")["templates"] == []
    assert repository.get(f"/template/bymanufacturer/{number}")["templates"] == []
    refused(repository.ask("GET", f"/manufacturer/{number}"), 404)
    assert repository.get(f"/template/pending/{number}", ADMIN)["templatequeue"] == []
    refused(repository.ask("POST", f"/template/pending/delete/{number}", ADMIN), 404)


def test_a_form_may_say_that_it_is_a_put(small: Repository) -> None:
    by_field = small.ask("POST", "/manufacturer", ALICE, data={"Name": "A", "_METHOD": "PUT"})
    by_header = small.ask(
        "POST",
        "/manufacturer",
        ALICE,
        data={"Name": "B"},
        headers={"X-HTTP-Method-Override": "put"},
    )
    neither = small.ask("POST", "/manufacturer", ALICE, data={"Name": "C"})

    assert by_field.json()["manufacturer"]["Name"] == "A"
    assert by_header.json()["manufacturer"]["Name"] == "B"
    refused(neither, 400)


def test_errors_can_be_read_by_browsers_too(small: Repository) -> None:
    answers = [
        small.ask("GET", "/submission"),
        small.ask("GET", "/nothing"),
        small.ask("OPTIONS", "/anything/at/all"),
        small.ask("PUT", "/template", ALICE, content=b"{", headers={"Content-Type": "text/json"}),
    ]

    assert [answer.status_code for answer in answers] == [400, 404, 200, 400]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert {"apikey", "userid", "content-type"} <= set(allowed.split(", "))


def test_a_multipart_body_that_is_none_is_refused(small: Repository) -> None:
    request_id = small.submit(ALICE, a_submission())
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = small.ask(
            "POST",
            f"/template/addpictures/{request_id}",
            ALICE,
            content=b"--y\r\nnonsense",
            headers={"Content-Type": content_type},
        )
        assert answer.status_code in {200, 400}
        assert read_envelope(answer.content).code == answer.status_code


def test_the_database_is_told_to_be_away(postgres: Any, tmp_path: Path) -> None:
    with postgres.fresh() as url, served_repository(tmp_path, url) as repository:
        postgres.drop(str(repository.site.engine.url.database))
        answer = repository.ask("GET", "/manufacturer")

    assert "try again later" in refused(answer, 503)
    assert answer.headers["retry-after"] == "60"
