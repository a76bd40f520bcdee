"""The pages for moderators, in a real browser, and what protects them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, expect

from source_server.opendcim.repository.storage import writing
from source_server.opendcim.repository.users import issue_key, set_moderator
from tests.browser import chromium, needs_chromium
from tests.repository_site import (
    ADMIN,
    ALICE,
    BOB,
    MODERATOR,
    Repository,
    a_picture,
    a_submission,
    key_of,
    served_repository,
)

SLOTS = [
    {"Position": 1, "BackSide": 0, "X": 10, "Y": 5, "W": 150, "H": 70},
    {"Position": 2, "BackSide": 0, "X": 200, "Y": 5, "W": 150, "H": 70},
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with served_repository(tmp_path) as served:
        served.add_manufacturers("HPE", "Dell")
        yield served


@pytest.fixture
def page(browser: Browser, repository: Repository) -> Iterator[Page]:
    """Without JavaScript; whatever is asked of another host fails the test."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    elsewhere: list[str] = []

    def note(asked: Request) -> None:
        if not asked.url.startswith(repository.url):
            elsewhere.append(asked.url)

    page.on("request", note)
    yield page
    context.close()
    assert elsewhere == []


def sign_in(page: Page, repository: Repository, user_id: str = ADMIN) -> None:
    page.goto(f"{repository.url}/repository")
    page.get_by_label("User id").fill(user_id)
    page.get_by_label("API key").fill(key_of(user_id))
    page.get_by_role("button", name="Sign in").click()


def a_chassis(repository: Repository, user_id: str = ALICE, **members: int) -> int:
    tree = a_submission(
        "c7000", DeviceType="Chassis", FrontPictureFile="front.png", slots=SLOTS, **members
    )
    request_id = repository.submit(user_id, tree)
    repository.upload(request_id, user_id=user_id, front=("front.png", a_picture(), "image/png"))
    return request_id


@needs_chromium
def test_a_moderator_compares_edits_and_approves(page: Page, repository: Repository) -> None:
    repository.approve(a_chassis(repository))
    request_id = a_chassis(repository, BOB, Weight=480, Height=10)
    sign_in(page, repository)
    page.get_by_role("link", name="c7000").click()

    changed = page.locator("tr.changed")
    expect(changed).to_have_count(2)
    expect(changed.nth(0)).to_contain_text(re.compile(r"Height\s+changed\s+2 U\s*10 U"))
    expect(changed.nth(1)).to_contain_text(re.compile(r"Weight\s+changed\s+51 lb\s*480 lb"))
    expect(page.locator("svg .slot")).to_have_count(4)
    expect(page.locator("svg image")).to_have_count(2)
    for picture in page.locator("svg image").all():
        address = repository.url + str(picture.get_attribute("href"))
        assert page.request.get(address).body() == a_picture()
    page.get_by_label("Weight").fill("222")
    page.get_by_label("Slot 2 front X").fill("201")
    page.get_by_role("button", name="Approve and publish").click()

    expect(page.get_by_role("status")).to_have_text(f"Request {request_id}, c7000: approved.")
    (record,) = repository.get("/template/1")["templates"]
    assert (record["Weight"], record["Height"]) == ("222", "10")
    assert [slot["X"] for slot in record["slots"]] == ["10", "201"]
    assert record["FrontPictureFile"].endswith("/1.front.png")
    page.goto(f"{repository.url}/repository/templates/1")
    expect(page.get_by_role("heading", name="Version 2")).to_be_visible()


@needs_chromium
def test_a_moderator_may_publish_without_the_picture(page: Page, repository: Repository) -> None:
    request_id = a_chassis(repository)
    sign_in(page, repository)
    page.goto(f"{repository.url}/repository/requests/{request_id}")
    page.get_by_role("radio", name="No picture").first.check()
    page.get_by_role("button", name="Approve and publish").click()

    assert repository.get("/template/1")["templates"][0]["FrontPictureFile"] == ""


@needs_chromium
def test_an_update_without_pictures_keeps_the_published_ones(
    page: Page, repository: Repository
) -> None:
    repository.approve(a_chassis(repository))
    request_id = repository.submit(BOB, a_submission("c7000", DeviceType="Chassis", Height=9))
    sign_in(page, repository)
    page.goto(f"{repository.url}/repository/requests/{request_id}")
    page.get_by_role("button", name="Approve and publish").click()

    (record,) = repository.get("/template/1")["templates"]
    assert record["Height"] == "9"
    assert record["FrontPictureFile"].endswith("/1.front.png")


@needs_chromium
def test_a_moderator_rejects_with_a_reason(page: Page, repository: Repository) -> None:
    repository.let_moderate(MODERATOR, 1)
    request_id = a_chassis(repository)
    other = repository.submit(ALICE, a_submission("R740", 2))
    sign_in(page, repository, MODERATOR)
    expect(page.get_by_role("link", name="R740")).to_have_count(0)
    expect(page.get_by_text(ALICE)).to_have_count(0)
    page.get_by_role("link", name="c7000").click()
    expect(page.get_by_text(ALICE)).to_have_count(0)
    page.get_by_label("Reason").fill("The <height> is wrong")
    page.get_by_role("button", name="Reject").click()

    expect(page.get_by_role("status")).to_contain_text("rejected")
    (state,) = repository.get(f"/submission/{request_id}", ALICE)["submissions"]
    assert (state["State"], state["Reason"]) == ("rejected", "The &#60;height&#62; is wrong")
    answer = page.goto(f"{repository.url}/repository/requests/{other}")
    assert answer is not None
    assert answer.status == 404


@needs_chromium
def test_an_administrator_spells_a_manufacturer(page: Page, repository: Repository) -> None:
    repository.ask("PUT", "/manufacturer", ALICE, data={"Name": "Dell, Inc."})
    sign_in(page, repository)
    page.get_by_role("link", name="Dell, Inc.").click()
    expect(page.get_by_role("listitem")).to_have_text("Dell")
    page.get_by_label("Name").fill("Dell")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert")).to_contain_text("Dell exists already")
    page.get_by_role("link", name="Back to the request").click()
    page.get_by_label("Name").fill("Dell EMC")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_contain_text("approved")

    names = [one["Name"] for one in repository.get("/manufacturer")["manufacturers"]]
    assert names == ["Dell", "Dell EMC", "HPE"]


@needs_chromium
def test_what_is_submitted_never_runs(browser: Browser, repository: Repository) -> None:
    """With JavaScript, and names that would be programs."""
    evil = "\" onfocus=alert(1) autofocus x='&lt;script&gt;"
    ports = [{"PortNumber": 1, "Label": "'><svg/onload=alert(2)>"[:40]}]
    repository.submit(ALICE, a_submission(evil, templateports=ports))
    context = browser.new_context()
    page = context.new_page()
    ran: list[str] = []

    def note(dialog: Dialog) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    sign_in(page, repository)
    page.get_by_role("link", name="onfocus").click()
    page.wait_for_load_state("networkidle")

    assert page.get_by_label("Model").input_value() == evil.partition("&lt;")[0]
    assert ran == []
    context.close()


@needs_chromium
def test_signing_out_ends_the_session(page: Page, repository: Repository) -> None:
    sign_in(page, repository)
    cookies = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{repository.url}/repository/queue")

    assert page.url.endswith("/repository/login")
    (cookie,) = cookies
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        True,
        "Strict",
        "/repository",
    )
    with httpx.Client(cookies={cookie["name"]: cookie["value"]}) as client:
        assert client.get(f"{repository.url}/repository/queue").status_code == 303


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
