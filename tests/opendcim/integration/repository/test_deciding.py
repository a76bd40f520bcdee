"""Who decides on submissions, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.opendcim.repository_site import (
    ADMIN,
    ALICE,
    BOB,
    MODERATOR,
    PORTS,
    Repository,
    a_submission,
    published,
    refused,
)


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


def test_a_manufacturer_is_published_as_the_administrator_spells_it(repository: Repository) -> None:
    answer = repository.ask("PUT", "/manufacturer", ALICE, json={"Name": "dell, inc."})
    request_id = answer.json()["manufacturer"]["RequestID"]
    body = {"RequestID": request_id, "Name": "Dell"}
    repository.ask("POST", "/manufacturer/approve", ADMIN, json=body)
    names = [one["Name"] for one in repository.get("/manufacturer")["manufacturers"]]
    again = repository.ask("POST", "/manufacturer/approve", ADMIN, json=body)

    assert names == ["AT&T", "Dell", "HPE"]
    assert "approved already" in refused(again, 403)


def test_collections_that_an_approval_does_not_name_stay(small: Repository) -> None:
    small.publish(a_submission("DL380", **PORTS))
    request_id = small.submit(ALICE, a_submission("DL380", Wattage=900))
    body = {"RequestID": request_id, "ManufacturerID": 1, "Model": "DL380", "DeviceType": "Server"}
    answer = small.ask("POST", "/template/approve", ADMIN, json={**body, "powerports": []})

    assert answer.status_code == 200
    record = published(small)
    assert (len(record["ports"]), record["powerports"], record["Height"]) == (2, [], "0")


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"Height": "tall"}, 400, "no number"),
        ({"RequestID": "x"}, 400, "no number"),
        ({"RequestID": 999}, 404, "RequestID not found."),
        ({"ManufacturerID": 99}, 403, "ManufacturerID 99 is unknown"),
        ({"TemplateID": 2}, 403, "TemplateID 2 is named, but this model is TemplateID 1"),
        ({"DeviceType": ""}, 403, "is none of"),
    ],
)
def test_an_approval_that_cannot_be_is_refused(
    small: Repository, changes: dict[str, Any], status: int, told: str
) -> None:
    small.publish(a_submission("DL380"))
    small.publish(a_submission("DL360"))
    request_id = small.submit(ALICE, a_submission("DL380", Wattage=900))

    assert told in refused(small.approve(request_id, **changes), status)
    assert published(small)["Wattage"] == "500"


@pytest.mark.parametrize("body", [b"", b"{no json", b'{"Reason": {"a": 1}}', b"[]"])
def test_a_rejection_needs_no_reason(small: Repository, body: bytes) -> None:
    request_id = small.submit(ALICE, a_submission())
    path = f"/template/pending/delete/{request_id}"

    assert small.ask("POST", path, ADMIN, content=body).status_code == 200
    (state,) = small.get(f"/submission/{request_id}", ALICE)["submissions"]
    assert (state["State"], state["Reason"]) == ("rejected", "")


def test_an_administrator_rejects_a_manufacturer(small: Repository) -> None:
    answer = small.ask("PUT", "/manufacturer", ALICE, data={"Name": "Dell"})
    path = f"/manufacturer/pending/delete/{answer.json()['manufacturer']['RequestID']}"
    small.ask("POST", path, ADMIN, json={"Reason": "twice"})
    again = small.ask("PUT", "/manufacturer", BOB, data={"Name": "dell"})

    assert again.status_code == 200
    assert len(small.get("/manufacturer/pending", BOB)["manufacturersqueue"]) == 1
