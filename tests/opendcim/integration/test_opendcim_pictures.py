"""Pictures of templates: only good ones, only when they changed, and nobody's file is lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.opendcim.opendcim_repository import HTML, LittleRepository, a_repository, server
from tests.opendcim.opendcim_sites import Site, a_picture

SHOWN = "select FrontPictureFile from fac_DeviceTemplate order by TemplateID"
RED, BLUE = a_picture("red"), a_picture("blue")


@pytest.fixture
def site(dcim: Site) -> Site:
    dcim.execute_sql("insert into fac_Manufacturer values (1, 'HPE', 1, 1)")
    return dcim


def name_of(number: int, content: bytes, stem: str = "front") -> str:
    return f"{number}.{stem}-{hashlib.sha256(content).hexdigest()[:8]}.png"


def publish(
    repository: LittleRepository, content: bytes, stamp: str = "2026-01-01 00:00:00"
) -> None:
    repository.pictures["1.front.png"] = content
    address = repository.address("1.front.png")
    repository.templates = [server(front_picture_file=address, last_modified=stamp)]


def test_a_picture_comes_and_is_asked_for_again_only_when_something_changed(site: Site) -> None:
    with a_repository() as repository:
        site.repository(repository.base)
        publish(repository, RED)
        site.sync()
        site.sync()
        assert repository.count("GET", "/images/") == 1
        publish(repository, BLUE, "2026-01-02 00:00:00")
        site.sync()
        assert repository.count("GET", "/images/") == 2
    assert site.rows(SHOWN) == [(name_of(1, BLUE),)]
    assert site.picture_files() == {name_of(1, BLUE): BLUE}  # the one before is gone


def test_an_unchanged_picture_is_not_sent_again(site: Site) -> None:
    with a_repository(with_etags=True) as repository:
        site.repository(repository.base)
        publish(repository, RED)
        site.sync()
        publish(repository, RED, "2026-01-02 00:00:00")
        report = site.sync()
        assert repository.headers[-1]["if-none-match"].startswith('"')
    assert report.exit_code == 0
    assert site.rows(SHOWN) == [(name_of(1, RED),)]


@pytest.mark.parametrize(
    ("status", "body"), [(404, HTML), (200, HTML), (200, b""), (200, RED[:-20]), (200, b"<svg/>")]
)
def test_a_good_picture_is_never_replaced_by_rubbish(site: Site, status: int, body: bytes) -> None:
    def spoil(request: Request) -> Response | None:
        is_picture = request.url.path.startswith("/images/")
        return Response(body, status, media_type="image/png") if is_picture else None

    with a_repository() as repository:
        site.repository(repository.base)
        publish(repository, RED)
        site.sync()
        publish(repository, BLUE, "2026-01-02 00:00:00")
        repository.templates = [
            server(
                wattage=7,
                front_picture_file=repository.address("1.front.png"),
                last_modified="2026-01-02 00:00:00",
            )
        ]
        repository.spoil = spoil
        report = site.sync()
        assert report.exit_code == 7
        assert [error.kind for error in report.failed] == ["PICTURE"]
        assert site.picture_files() == {name_of(1, RED): RED}
        assert site.rows("select FrontPictureFile, Wattage from fac_DeviceTemplate") == [
            (name_of(1, RED), 7)
        ]
        repository.spoil = None
        assert site.sync().exit_code == 0
    assert site.picture_files() == {name_of(1, BLUE): BLUE}


def test_a_picture_host_that_cannot_be_reached_is_told_and_leaves_no_file(site: Site) -> None:
    with a_repository() as repository:
        site.repository(repository.base, picture_origins="http://127.0.0.1:9")
        repository.templates = [
            server(number, f"M{number}", front_picture_file=f"http://127.0.0.1:9/{number}.x.png")
            for number in (1, 2, 3)
        ]
        report = site.sync()
    assert [error.kind for error in report.failed] == ["PICTURE"] * 3
    assert "not asked for, since before" in report.failed[2].reason
    assert site.picture_files() == {}
    assert len(site.rows(SHOWN)) == 3


def test_files_of_the_same_name_do_not_meet(site: Site) -> None:
    own = a_picture("green")
    site.put_picture("front.png", own)
    site.put_picture("1.front.png", own)
    with a_repository() as repository:
        site.repository(repository.base)
        repository.pictures = {"1.front.png": RED, "2.front.png": BLUE}
        repository.templates = [
            server(n, f"M{n}", front_picture_file=repository.address(f"{n}.front.png"))
            for n in (1, 2)
        ]
        site.sync()
    assert site.rows(SHOWN) == [(name_of(1, RED),), (name_of(2, BLUE),)]
    files = site.picture_files()
    assert (files["front.png"], files["1.front.png"]) == (own, own)


def test_the_same_picture_under_its_old_name_is_left_as_it_is(site: Site) -> None:
    site.put_picture("front.png", RED)
    with a_repository(server()) as repository:
        site.repository(repository.base)
        site.sync()
        site.execute_sql("update fac_DeviceTemplate set FrontPictureFile = 'front.png'")
        publish(repository, RED)
        site.sync()
    assert site.rows(SHOWN) == [("front.png",)]
    assert site.picture_files() == {"front.png": RED}


def test_a_template_without_a_picture_at_the_repository_keeps_its_own(site: Site) -> None:
    with a_repository(server()) as repository:
        site.repository(repository.base)
        site.sync()
        site.execute_sql("update fac_DeviceTemplate set FrontPictureFile = 'mine.png'")
        repository.templates = [server(wattage=1)]
        site.sync()
    assert site.rows(SHOWN) == [("mine.png",)]


@pytest.mark.parametrize(
    "last", ["1...%2F..%2F..%2Fescape.png", "..%2f..%2fetc%2fpasswd", "1.a%00b.png", "%2e%2e"]
)
def test_no_address_leads_out_of_the_folder(site: Site, tmp_path: Path, last: str) -> None:
    def spoil(request: Request) -> Response | None:
        is_picture = "/images/" in request.url.path or "escape" in request.url.path
        return Response(RED, 200, media_type="image/png") if is_picture else None

    with a_repository() as repository:
        repository.spoil = spoil
        site.repository(repository.base)
        repository.templates = [server(front_picture_file=repository.address(last))]
        site.sync()
    found = {path.name for path in tmp_path.rglob("*.png")}
    assert found == set(site.picture_files())
    assert all("/" not in name and ".." not in name for name in found)


def test_pictures_elsewhere_are_not_asked_for_unless_the_section_says_so(site: Site) -> None:
    with a_repository() as elsewhere, a_repository() as repository:
        elsewhere.pictures = {"1.front.png": RED}
        repository.templates = [server(front_picture_file=elsewhere.address("1.front.png"))]
        site.repository(repository.base)
        report = site.sync()
        assert elsewhere.asked == []
        assert "name its origin in the key picture-origins" in str(report.failed[0])
        site.repository(repository.base, picture_origins=elsewhere.base)
        assert site.sync().exit_code == 0
        assert "apikey" not in elsewhere.headers[0]
    assert site.rows(SHOWN) == [(name_of(1, RED),)]


def test_a_picture_that_is_gone_here_is_fetched_again(site: Site) -> None:
    with a_repository() as repository:
        site.repository(repository.base)
        publish(repository, RED)
        site.sync()
        for name in site.picture_files():
            (site.pictures / name).unlink()
        site.sync()
    assert site.picture_files() == {name_of(1, RED): RED}
