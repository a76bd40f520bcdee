"""The template repository and the connector, served by two workers as if they were one."""

from __future__ import annotations

from pathlib import Path

import pytest

from source_server.__main__ import main
from tests.support.servers.workers_site import workers_site

LIST = "/api/manufacturer"


def a_config(folder: Path, *lines: str) -> Path:
    config = folder / "source-server.properties"
    usual = ("catalogue = none", "opendcim-repository = true", "port = 0", "workers = 2")
    config.write_text("\n".join([*usual, *lines]))
    return config


def test_a_list_is_sent_as_often_as_allowed_by_both_together(tmp_path: Path) -> None:
    config = a_config(tmp_path, "opendcim-allowance = 2")
    with workers_site(config) as site, site.visitors() as (one, other):
        assert site.worker_of(one) != site.worker_of(other)
        answers = [each.begin(LIST) for each in (one, other)]
        assert [(each.status, each.rest()[:1]) for each in answers] == [(200, b"{")] * 2
        assert [each.begin(LIST).status for each in (one, other)] == [429, 429]


def test_a_moderator_who_signs_in_at_one_is_signed_in_at_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = a_config(tmp_path)
    moderator = "admin@repository.example"
    command = ["opendcim", "user", "add", moderator, "--administrator", "--config", str(config)]
    assert main(command) == 0
    key = capsys.readouterr().out.strip()
    with workers_site(config) as site, site.visitors() as (one, other):
        assert site.worker_of(one) != site.worker_of(other)
        signed_in = one.post("/repository/login", {"user": moderator, "key": key})
        cookie = {"Cookie": signed_in.answer.headers["Set-Cookie"].partition(";")[0]}
        signed_in.rest()
        queue = other.begin("/repository/queue", headers=cookie)
        assert queue.status == 200
        assert moderator.encode() in queue.rest()
        assert one.begin("/repository/queue").status != 200
