"""Submitting to the template repository, on both databases."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from opendcim.repository import queue
from tests.opendcim.repository_site import (
    ADMIN,
    ALICE,
    BOB,
    PORTS,
    Repository,
    a_picture,
    a_submission,
    as_form,
    published,
    refused,
)

CDU = a_submission(
    "AP7841", DeviceType="CDU", cdutemplate={"Managed": 1, "OID1": "1.3.6.1", "Voltage": 208}
)


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


def test_details_of_a_cdu_and_a_sensor_are_carried(repository: Repository) -> None:
    sensor = {"TemperatureOID": "1.3.6.2", "TempMultiplier": 0.1, "mUnits": "metric"}
    repository.publish(CDU)
    repository.publish(a_submission("AP9335T", DeviceType="Sensor", sensortemplate=sensor))
    bare = repository.publish(a_submission("AP1", DeviceType="CDU"))
    cdu, probe = published(repository), published(repository, 2)

    assert (cdu["cdutemplate"]["OID1"], cdu["cdutemplate"]["Voltage"]) == ("1.3.6.1", "208")
    assert probe["sensortemplate"]["TempMultiplier"] == "0.1"
    assert published(repository, bare)["cdutemplate"]["OID1"] == ""


def test_a_global_id_of_another_repository_is_matched_by_name(small: Repository) -> None:
    small.publish(a_submission("DL380"))
    for global_id in (4711, 0):
        number = small.submit(ALICE, a_submission("dl380", GlobalID=global_id, Wattage=global_id))
        (queued,) = small.get(f"/template/pending/{number}", ALICE)["templatequeue"]
        assert queued["TemplateID"] == "1"


def test_a_user_cannot_flood_the_queue(small: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_MOST_PENDING", 2)
    for model in ("A", "B"):
        small.submit(ALICE, a_submission(model))

    answer = small.ask("PUT", "/template", ALICE, json=a_submission("C"))
    assert "2 of your submissions are pending" in refused(answer, 403)
    small.submit(BOB, a_submission("C"))
