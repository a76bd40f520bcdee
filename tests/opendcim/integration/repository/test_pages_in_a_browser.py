"""The pages for moderators, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, expect

from tests.opendcim.repository_site import (
    ADMIN,
    ALICE,
    BOB,
    MODERATOR,
    Repository,
    a_chassis,
    a_picture,
    a_submission,
    key_of,
    served_repository,
)
from tests.support.processes.browser import chromium, needs_chromium


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
