"""Submissions: each exactly once, believed only when they were seen, and nothing is silent."""

from __future__ import annotations

import socket
import threading

import pytest
from starlette.requests import Request
from starlette.responses import Response

from opendcim.records.records import Port
from tests.opendcim.opendcim_repository import HTML, a_repository, said, server
from tests.opendcim.opendcim_sites import FLAGS, KEY, USER, Site, a_picture

SHARED = "select Model from fac_DeviceTemplate where ShareToRepo = 1 order by 1"
ADD = (
    "insert into fac_DeviceTemplate (TemplateID, ManufacturerID, Model, Height, Weight, Wattage,"
    " DeviceType, PSCount, NumPorts, Notes, FrontPictureFile, RearPictureFile, ChassisSlots,"
    " RearChassisSlots, SNMPVersion, GlobalID, ShareToRepo) values"
    " ({0}, 1, '{1}', 1, 10, 200, '{2}', 1, 2, 'private', '{3}', '', 0, 0, '2c', 0, 1)"
)


def add(site: Site, number: int, model: str, picture: str = "", kind: str = "Server") -> None:
    site.execute_sql(
        ADD.format(number, model, kind, picture),
        f"insert into fac_TemplatePorts values ({number}, 1, 'eth0', 1, 2, 'note')",  # noqa: S608
        f"insert into fac_TemplatePowerPorts values ({number}, 1, 'psu', '')",  # noqa: S608
    )


@pytest.fixture
def site(dcim: Site) -> Site:
    dcim.execute_sql("insert into fac_Manufacturer values (1, 'HPE', 1, 0)")
    add(dcim, 1, "ML350")
    return dcim


def test_a_template_is_submitted_as_a_form_and_its_mark_goes(site: Site) -> None:
    with a_repository() as repository:
        site.repository(repository.base)
        report = site.sync()
        assert report.exit_code == 0
        assert site.rows(SHARED) == []
        sent = repository.queue[1]
        assert (sent.model, sent.manufacturer_id, sent.weight) == ("ML350", 1, 10)
        assert sent.ports == (Port(number=1, label="eth0"),)
        assert repository.count("PUT", "/api/templatealt") == 1
        assert repository.headers[-1]["userid"] == USER
        site.sync()
        assert repository.count("PUT") == 1


def test_the_headers_have_the_spelling_that_the_original_knows(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard: list[bytes] = []
        thread = threading.Thread(target=_answer_once, args=(listener, heard))
        thread.start()
        site.repository(f"http://127.0.0.1:{listener.getsockname()[1]}", retry_pauses="")
        site.sync()
        thread.join(30)
    assert f"\r\nAPIKey: {KEY}\r\n".encode() in heard[0]
    assert f"\r\nUserID: {USER}\r\n".encode() in heard[0]


def _answer_once(listener: socket.socket, heard: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        heard.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


def test_without_a_key_nothing_is_attempted_and_that_is_said(site: Site) -> None:
    with a_repository() as repository:
        site.repository(repository.base, api_key="", api_user_id="")
        report = site.sync()
        assert repository.count("PUT") == 0
        assert not any("pending" in path for _, path in repository.asked)
    assert report.exit_code == 0
    assert site.rows(SHARED) == [("ML350",)]
    assert "there is no api-key: nothing is submitted" in site.dcim_log()


def test_a_wrong_key_is_a_refusal_after_everything_was_pulled(site: Site) -> None:
    site.execute_sql("update fac_Manufacturer set SubscribeToUpdates = 1")
    with a_repository(server()) as repository:
        site.repository(repository.base, api_key="WRONG")
        report = site.sync()
        assert repository.count("PUT") == 0
    assert report.exit_code == 4
    assert "check api-key" in str(report.error)
    assert ("DL380 Gen9",) in site.rows("select Model from fac_DeviceTemplate")
    assert "WRONG" not in site.dcim_log()


def test_a_repository_without_the_form_gets_json(site: Site) -> None:
    with a_repository(routes=("/api/template",)) as repository:
        site.repository(repository.base)
        assert site.sync().exit_code == 0
        assert repository.queue[1].model == "ML350"


def test_more_fields_than_php_takes_go_as_json(site: Site) -> None:
    values = ", ".join(f"(1, {n}, 'p{n}', 0, 0, '')" for n in range(2, 600))
    site.execute_sql(f"insert into fac_TemplatePorts values {values}")  # noqa: S608
    with a_repository() as repository:
        site.repository(repository.base)
        assert site.sync().exit_code == 0
        assert repository.count("PUT", "/api/templatealt") == 0
        assert len(repository.queue[1].ports) == 599
        repository.routes = ("/api/templatealt",)
        site.execute_sql("update fac_DeviceTemplate set ShareToRepo = 1, Wattage = 1")
        report = site.sync()
        assert "takes no JSON" in str(report.failed[0])
        assert len(repository.queue) == 1


def test_pictures_follow_and_only_then_the_mark_goes(site: Site) -> None:
    picture = a_picture()
    site.put_picture("dl20.png", picture)
    add(site, 2, "DL20", "dl20.png")
    broken = True

    def spoil(request: Request) -> Response | None:
        return said(400, "Unable") if broken and "addpictures" in request.url.path else None

    with a_repository() as repository:
        repository.spoil = spoil
        site.repository(repository.base)
        report = site.sync()
        assert "is in the queue as request 2, but without its pictures" in str(report.failed[0])
        assert site.rows(SHARED) == [("DL20",)]
        broken = False
        assert site.sync().exit_code == 0
        assert repository.uploads == {2: {"front": picture}}
        assert repository.count("PUT") == 2  # one for each template, and none again
    assert site.rows(SHARED) == []


def test_a_picture_that_is_missing_here_is_told_before_anything_is_sent(site: Site) -> None:
    add(site, 2, "DL20", "nowhere.png")
    with a_repository() as repository:
        site.repository(repository.base)
        report = site.sync()
        assert [one.model for one in repository.queue.values()] == ["ML350"]
    assert "nowhere.png: No such file or directory" in str(report.failed[0])
    assert site.rows(SHARED) == [("DL20",)]


@pytest.mark.parametrize(
    "answer",
    [
        Response(HTML, 200, media_type="text/html"),
        said(200, "Device template queued for approval.", template={"RequestID": "0"}),
        said(200, "Device template queued for approval."),
        Response(b"", 502),
    ],
)
def test_an_answer_that_says_nothing_clears_no_mark_and_is_not_repeated(
    site: Site, answer: Response
) -> None:
    def spoil(request: Request) -> Response | None:
        return answer if request.method == "PUT" else None

    with a_repository() as repository:
        repository.spoil = spoil
        site.repository(repository.base)
        reports = [site.sync(), site.sync()]
        assert repository.count("PUT") == 1
    assert [report.exit_code for report in reports] == [7, 7]
    assert "is sent again only if it is changed" in str(reports[1].failed[0])
    assert site.rows(SHARED) == [("ML350",)]


def test_a_submission_whose_answer_was_lost_is_found_in_the_queue(site: Site) -> None:
    with a_repository() as repository:

        def spoil(request: Request) -> Response | None:
            if request.method != "PUT" or repository.queue:
                return None
            repository.queue[7] = server(0, "ML350", **SENT)
            return Response(b"", 504)

        repository.spoil = spoil
        site.repository(repository.base)
        assert site.sync().exit_code == 7
        assert site.sync().exit_code == 0
        assert list(repository.queue) == [7]
    assert site.rows(SHARED) == []


SENT = {
    "height": 1,
    "weight": 10,
    "wattage": 200,
    "ps_count": 1,
    "ports": (Port(number=1, label="eth0"),),
    "power_ports": (Port(number=1, label="psu"),),
    "last_modified": "",
}


def test_what_was_stored_otherwise_than_it_was_sent_is_told_and_not_sent_again(site: Site) -> None:
    with a_repository() as repository:

        def spoil(request: Request) -> Response | None:
            if request.method == "PUT" and not repository.queue:
                repository.queue[1] = server(0, "", ports=(), power_ports=())
                return said(200, template={"RequestID": 1})
            return None

        repository.spoil = spoil
        site.repository(repository.base)
        report = site.sync()
        assert "Model: 'ML350' -> ''" in str(report.failed[0])
        site.sync()
        assert repository.count("PUT") == 1
    assert site.rows(SHARED) == [("ML350",)]


def test_a_repository_that_says_no_is_asked_again_the_next_day(site: Site) -> None:
    refused = True

    def spoil(request: Request) -> Response | None:
        put = refused and request.method == "PUT"
        return said(403, "Error processing request.") if put else None

    with a_repository() as repository:
        repository.spoil = spoil
        site.repository(repository.base)
        assert "Error processing request." in str(site.sync().failed[0])
        refused = False
        assert site.sync().exit_code == 0
    assert site.rows(SHARED) == []


def test_the_same_template_marked_once_more_is_not_there_twice(site: Site) -> None:
    with a_repository() as repository:
        site.repository(repository.base)
        site.sync()
        site.execute_sql("update fac_DeviceTemplate set ShareToRepo = 1")
        site.sync()
        assert len(repository.queue) == 1
        assert site.rows(SHARED) == []
        repository.queue.clear()  # rejected
        site.execute_sql("update fac_DeviceTemplate set ShareToRepo = 1")
        site.sync()
        assert len(repository.queue) == 1


def test_a_template_that_the_repository_has_just_like_that_is_not_submitted(site: Site) -> None:
    site.execute_sql("update fac_Manufacturer set SubscribeToUpdates = 1")
    with a_repository(server(weight=52)) as repository:
        site.execute_sql("update fac_Config set Value = 'metric'", "delete from fac_DeviceTemplate")
        site.execute_sql("delete from fac_TemplatePorts", "delete from fac_TemplatePowerPorts")
        site.repository(repository.base)
        site.sync()
        site.execute_sql("update fac_DeviceTemplate set ShareToRepo = 1")
        site.sync()
        assert repository.count("PUT") == 0
        assert "the repository has it already, just like that" in site.dcim_log()
        site.execute_sql(
            "update fac_DeviceTemplate set ShareToRepo = 1, KeepLocal = 1, Wattage = 7"
        )
        site.sync()
        sent = repository.queue[1]
        assert (sent.template_id, sent.weight, sent.wattage) == (1, 52, 7)  # not 53: no drift


def test_a_manufacturer_that_becomes_known_in_this_run_is_pushed_in_this_run(site: Site) -> None:
    site.execute_sql("update fac_Manufacturer set GlobalID = 0")
    with a_repository() as repository:
        site.repository(repository.base)
        site.sync()
        assert len(repository.queue) == 1


def test_templates_named_in_the_settings_are_submitted_once(site: Site) -> None:
    site.create(without=FLAGS)
    with a_repository() as repository:
        site.repository(repository.base, share="hpe/ml350")
        reports = [site.sync(), site.sync()]
        assert repository.count("PUT") == 1
        site.execute_sql("update fac_DeviceTemplate set Wattage = 1")
        site.sync()
        assert repository.count("PUT") == 2
    assert [report.exit_code for report in reports] == [0, 0]


def test_a_dry_run_submits_nothing_and_shows_what_would_be(site: Site) -> None:
    with a_repository() as repository:
        site.repository(repository.base)
        result = site.run("--dry-run")
        assert repository.count("PUT") == 0
    assert "ML350: submitted to the queue, as the repository's manufacturer 1" in result.output
    assert "ML350: ShareToRepo: 1 -> 0" in result.output
    assert site.rows(SHARED) == [("ML350",)]


def test_notes_and_the_key_are_nobodys_business(site: Site) -> None:
    with a_repository() as repository:
        site.repository(repository.base)
        site.sync()
        assert "private" not in repr(repository.bodies)
        assert repository.bodies
    assert KEY not in site.dcim_log()


def test_a_correction_is_not_undone_before_it_was_decided_on(site: Site) -> None:
    site.execute_sql(
        "update fac_Manufacturer set SubscribeToUpdates = 1",
        "update fac_DeviceTemplate set Model = 'DL380 Gen9', Wattage = 999",
    )
    wattage = "select Wattage, ShareToRepo, GlobalID from fac_DeviceTemplate"
    with a_repository(server(wattage=500)) as repository:
        site.repository(repository.base)
        site.sync()
        assert repository.queue[1].wattage == 999
        assert site.rows(wattage) == [(999, 0, 0)]
        site.sync()
        assert site.rows(wattage) == [(999, 0, 0)]
        assert "kept until the repository has decided on them: HPE/DL380" in site.dcim_log()
        repository.templates = [server(wattage=998, last_modified="2026-12-01 00:00:00")]
        site.sync()
        assert site.rows(wattage) == [(998, 0, 1)]  # approved, with an edit


def test_submitters_learn_what_became_of_their_templates_once(site: Site) -> None:
    told = {"RequestID": "1", "State": "rejected", "Reason": "no such model &#38; no picture"}

    def spoil(request: Request) -> Response | None:
        return said(200, submissions=[told]) if request.url.path == "/api/submission" else None

    with a_repository() as repository:
        site.repository(repository.base)
        site.sync()
        repository.spoil = spoil
        site.sync()
        site.sync()
        assert repository.count("GET", "/api/submission") == 1
    text = "Note: ML350: request 1 was rejected: no such model & no picture"
    assert site.dcim_log().count(text) == 1
