"""The repository is asked once a day, and left alone when it wants that; the rest of a run is what
every section has: record, status, exit codes, mail."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.opendcim.opendcim_repository import HTML, a_repository, said, server
from tests.opendcim.opendcim_sites import Site
from tests.support.servers.mail_server import mail_server, properties_for
from tests.support.servers.web_hook import web_hook


@pytest.fixture
def site(dcim: Site) -> Site:
    dcim.execute_sql("insert into fac_Manufacturer values (1, 'HPE', 1, 1)")
    return dcim


def test_a_second_run_of_the_day_is_left_out_unless_it_is_forced(site: Site) -> None:
    with a_repository(server()) as repository:
        site.repository(repository.base)
        assert site.run().code == 0
        asked = len(repository.asked)
        again = site.run()
        assert again.code == 0
        assert "not due: the repository was synchronized on" in again.output
        assert len(repository.asked) == asked
        assert site.run("--force").code == 0
        assert len(repository.asked) > asked


def test_the_run_after_a_dry_run_asks_for_nothing_again(site: Site) -> None:
    with a_repository(server()) as repository:
        site.repository(repository.base)
        site.run("--dry-run")
        asked = list(repository.asked)
        assert site.run().code == 0
        assert repository.asked == asked
    assert site.rows("select Model from fac_DeviceTemplate") == [("DL380 Gen9",)]


def test_it_is_due_again_after_a_day(site: Site) -> None:
    with a_repository(server()) as repository:
        site.repository(repository.base)
        site.run()
        age(site, timedelta(hours=23, minutes=30))
        repository.templates = [server(wattage=1)]
        assert "1 changes" in site.run().output


def age(site: Site, by: timedelta) -> None:
    """Let time pass for what is remembered."""
    folder = site.root / "opendcim_DCIM"
    for file in [folder / "state.json", *(folder / "lists").iterdir()]:
        state = json.loads(file.read_text())
        for key in ("last_run", "fetched", "leave_alone_until"):
            if state.get(key):
                state[key] = (datetime.fromisoformat(state[key]) - by).isoformat()
        file.write_text(json.dumps(state))


def test_lists_that_did_not_change_are_not_sent_again(site: Site) -> None:
    with a_repository(server(), with_etags=True) as repository:
        site.repository(repository.base)
        site.sync()
        report = site.sync()
        assert all("if-none-match" in headers for headers in repository.headers[2:])
    assert report.last_line.startswith("OK: nothing to do")


def test_a_repository_that_was_asked_too_often_is_left_alone_for_as_long_as_it_wants(
    site: Site,
) -> None:
    def spoil(request: Request) -> Response | None:
        del request
        answer = said(429, "Once a day, please.")
        answer.headers["Retry-After"] = "7200"
        return answer

    with a_repository(server()) as repository:
        repository.spoil = spoil
        site.repository(repository.base)
        assert site.sync().exit_code == 3
        asked = len(repository.asked)
        repository.spoil = None
        told = site.run()
        assert (told.code, len(repository.asked)) == (0, asked)
        assert "is left alone until" in told.output
        assert "Once a day, please." in told.output
        age(site, timedelta(hours=3)) if (site.root / "opendcim_DCIM/lists").exists() else None
        assert site.sync().exit_code == 0


def test_a_short_pause_that_the_repository_wants_is_made(site: Site) -> None:
    answers = [said(429), said(503)]

    def spoil(request: Request) -> Response | None:
        del request
        return answers.pop() if answers else None

    with a_repository(server()) as repository:
        repository.spoil = spoil
        site.repository(repository.base)
        assert site.sync().exit_code == 0


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response(HTML, 404, media_type="text/html"), 3),
        (Response(HTML, 200, media_type="text/html"), 5),
        (said(200), 5),
        (Response(b'{"error":false,"errorcode":500,"manufacturers":[]}', 200), 5),
        (Response(status_code=302, headers={"Location": "https://elsewhere.example"}), 3),
        (Response(b"", 500), 3),
    ],
)
def test_what_is_no_list_is_an_error_of_the_section_and_nothing_is_written(
    site: Site, answer: Response, code: int
) -> None:
    before = site.all_rows()
    with a_repository(server()) as repository:
        repository.spoil = lambda _: answer
        site.repository(repository.base)
        report = site.sync()
    assert report.exit_code == code
    assert site.all_rows() == before


def test_a_list_that_was_no_list_is_not_remembered(site: Site) -> None:
    with a_repository(server()) as repository:
        repository.spoil = lambda _: Response(HTML, 200)
        site.repository(repository.base)
        site.run()
        repository.spoil = None
        assert site.run().code == 0
    assert site.rows("select Model from fac_DeviceTemplate") == [("DL380 Gen9",)]


def test_records_that_cannot_be_read_are_failures_and_the_others_come(site: Site) -> None:
    def spoil(request: Request) -> Response | None:
        if "bymanufacturer" not in request.url.path:
            return None
        good = {"TemplateID": 5, "ManufacturerID": "1", "Model": "Good", "DeviceType": "Server"}
        other = good | {"TemplateID": 6, "ManufacturerID": 2, "Model": "Stranger"}
        return said(200, templates=[good, "nonsense", good | {"Height": "tall"}, other])

    with a_repository() as repository:
        repository.spoil = spoil
        site.repository(repository.base)
        report = site.sync()
    assert report.exit_code == 7
    assert len(report.failed) == 3
    assert site.rows("select Model from fac_DeviceTemplate") == [("Good",)]


def test_the_memory_of_runs_and_the_status_know_the_section(site: Site) -> None:
    with a_repository(server(1, "X" * 81), server(2, "Good")) as repository:
        site.repository(repository.base)
        assert site.run().code == 7
    runs = site.command("runs").output
    assert "DCIM" in runs
    assert "partial" in runs
    status = json.loads(site.command("status", "--json").output)
    assert (status[0]["section"], status[0]["failed_items"]) == ("DCIM", 1)
    assert "XXXX" in site.command("failed").output
    show = site.command("show", "1").output
    assert "DEVICE_TEMPLATE" in show


def test_check_config_says_that_the_section_can_run(site: Site) -> None:
    site.repository("https://repository.example.org/api/")
    result = site.command("check-config")
    assert result.code == 0
    assert "[DCIM] can run" in result.output
    assert "repository-url = https://repository.example.org/api/" in site.sections["DCIM"]


def test_init_makes_a_destination_for_such_a_section_alone(site: Site) -> None:
    site.repository("https://repository.example.org")
    (site.root / "instance.db").unlink()
    assert site.command("init").code == 0
    assert site.command("status").code == 0


def test_a_broken_memory_is_told_and_the_folder_can_be_deleted(site: Site) -> None:
    with a_repository(server()) as repository:
        site.repository(repository.base)
        site.run()
        (site.root / "opendcim_DCIM" / "state.json").write_text("{")
        result = site.run()
        assert result.code == 2
        assert "state.json: cannot be read" in result.output


def test_check_config_online_tries_all_that_a_run_needs(site: Site) -> None:
    with a_repository(server()) as repository:
        site.repository(repository.base)
        before = site.all_rows()
        good = site.command("check-config", "--online")
        assert good.code == 0, good.output
        assert "has 1 manufacturers" in good.output
        assert "accepted for alice@site-a.example" in good.output
        site.create(without="KeepLocal")
        site.repository(repository.base, api_key="WRONG")
        bad = site.command("check-config", "--online")
        assert bad.code == 4
        assert "name them in the key keep-local" in bad.output
        assert "check api-key" in bad.output
    assert len(before) == len(site.all_rows())


def test_operators_are_told_as_of_every_section_and_not_of_runs_that_were_left_out(
    site: Site,
) -> None:
    with a_repository(server(1, "X" * 81)) as repository, web_hook() as hook, mail_server() as mail:
        box, port = mail
        site.add_properties(*properties_for(port))
        site.repository(repository.base, webhook_url=hook.url, email_addresses="a@example.org")
        site.run()
        assert site.run().code == 0  # left out: neither good news nor bad
        assert hook.events == ["partly-failed"]
        assert hook.forms[0]["failures"][0]["kind"] == "DEVICE_TEMPLATE"
        assert hook.forms[0]["source"] == repository.base
        repository.spoil = lambda _: Response(HTML, 404, media_type="text/html")
        site.run("--force")
        assert hook.events == ["partly-failed", "failed"]
        repository.spoil, repository.templates = None, [server()]
        site.run("--force")
        assert hook.events[2:] == ["recovered"]
    assert f"Data source: {repository.base}, as user alice@site-a.example" in box.bodies[0]
    assert "Step:        Read the repository" in box.bodies[1]
