"""Pictures of templates, up to the repository and down from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from opendcim.records.envelope import read_envelope
from tests.opendcim.repository_site import (
    ALICE,
    BOB,
    Repository,
    a_picture,
    a_submission,
    published,
    refused,
)


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


def test_a_picture_that_is_known_is_not_sent_again(small: Repository, tmp_path: Path) -> None:
    request_id = small.submit(ALICE, a_submission(FrontPictureFile="f.png"))
    small.upload(request_id, front=("f.png", a_picture(), ""))
    small.approve(request_id)
    address = published(small)["FrontPictureFile"]
    tag = httpx.get(address).headers["etag"]
    known = httpx.get(address, headers={"If-None-Match": tag})
    for file in (tmp_path / "pictures").rglob("*"):
        if file.is_file():
            file.unlink()

    assert known.status_code == 304
    assert "not in the folder" in refused(httpx.get(address), 404)
