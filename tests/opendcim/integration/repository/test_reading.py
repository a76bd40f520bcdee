"""What is published, to those who ask once and to those who ask again."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from opendcim.repository.published import rename_manufacturer
from opendcim.repository.storage import writing
from tests.opendcim.repository_site import (
    ADMIN,
    ALICE,
    BOB,
    Repository,
    a_submission,
    published,
    refused,
    served_repository,
)


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


@pytest.mark.parametrize("number", ["999999999999999999999", "-1", "0", "abc", "1e3", "%F0%9F"])
def test_ids_that_are_none_are_nobodys(repository: Repository, number: str) -> None:
    assert repository.get(f"/template/{number}")["templates"] == []
    assert repository.get(f"/template/bymanufacturer/{number}")["templates"] == []
    refused(repository.ask("GET", f"/manufacturer/{number}"), 404)
    assert repository.get(f"/template/pending/{number}", ADMIN)["templatequeue"] == []
    refused(repository.ask("POST", f"/template/pending/delete/{number}", ADMIN), 404)
