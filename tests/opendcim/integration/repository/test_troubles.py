"""What must not hurt a template repository, nor those who use it."""

from __future__ import annotations

import http.client
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from opendcim.repository.storage import opened_repository, writing
from opendcim.repository.tables import meta, template
from opendcim.repository.users import issue_key, revoke_key
from shared.errors import ConfigError
from tests.opendcim.repository_site import (
    ALICE,
    BOB,
    Repository,
    a_submission,
    key_of,
    published,
    refused,
    served_repository,
)


def test_keys_count_and_ids_must_fit_to_them(repository: Repository) -> None:
    def ask(**headers: str) -> httpx.Response:
        return repository.ask("GET", "/submission", headers=headers)

    key = key_of(ALICE)
    assert refused(ask(), 400) == "Api key is misssing"
    assert refused(ask(APIKey=""), 400) == "Api key is misssing"
    assert refused(ask(APIKey="nobody's"), 401) == "Access Denied. Invalid Api key"
    assert refused(ask(APIKey=key, UserID=BOB), 401) == "Access Denied. Invalid Api key"
    for headers in ({"APIKey": key}, {"apikey": key, "userid": ALICE.upper()}):
        assert ask(**headers).status_code == 200
    with writing(repository.site.engine) as connection:
        revoke_key(connection, ALICE)
    refused(ask(APIKey=key), 401)
    with writing(repository.site.engine) as connection:
        new = issue_key(connection, ALICE)
    assert ask(APIKey=new).status_code == 200
    refused(ask(APIKey=key), 401)


def test_no_key_is_stored(small: Repository, tmp_path: Path) -> None:
    assert small.get("/submission", ALICE)["submissions"] == []
    stored = b"".join(p.read_bytes() for p in tmp_path.glob("repository.db*"))

    assert ALICE.encode() in stored
    assert key_of(ALICE).encode() not in stored


def test_a_body_that_is_too_large_is_refused(small: Repository) -> None:
    form = "templateports[1][Label]=" + "x" * (9 << 20)
    answer = small.ask("PUT", "/templatealt", ALICE, content=form.encode())

    assert "larger than" in refused(answer, 413)


def test_a_body_without_a_key_is_not_waited_for(small: Repository) -> None:
    connection = http.client.HTTPConnection(urlsplit(small.url).netloc, timeout=20)
    with closing(connection):
        connection.putrequest("PUT", "/api/templatealt")
        connection.putheader("Content-Length", "10000000000")
        connection.endheaders()
        answer = connection.getresponse()

    assert answer.status == 400


def test_scripts_in_names_are_harmless(small: Repository) -> None:
    model = '<img src=x onerror=alert(1)>"><script>alert(2)</script> & <5'
    small.publish(a_submission(model, templateports=[{"PortNumber": 1, "Label": "a<b'\""}]))
    record = published(small)

    assert record["Model"] == "&#34;&#62;alert(2) &#38; &#60;5"
    assert record["ports"][0]["Label"] == "a&#60;b&#39;&#34;"
    assert small.ask("GET", "/template").headers["content-type"] == "application/json"


def test_errors_can_be_read_by_browsers_too(small: Repository) -> None:
    answers = [
        small.ask("GET", "/submission"),
        small.ask("GET", "/nothing"),
        small.ask("OPTIONS", "/anything/at/all"),
        small.ask("PUT", "/template", ALICE, content=b"{", headers={"Content-Type": "text/json"}),
    ]

    assert [answer.status_code for answer in answers] == [400, 404, 200, 400]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert {"apikey", "userid", "content-type"} <= set(allowed.split(", "))


def test_the_database_is_told_to_be_away(postgres: Any, tmp_path: Path) -> None:
    with postgres.fresh() as url, served_repository(tmp_path, url) as repository:
        postgres.drop(str(repository.site.engine.url.database))
        answer = repository.ask("GET", "/manufacturer")

    assert "try again later" in refused(answer, 503)
    assert answer.headers["retry-after"] == "60"


def test_a_failure_is_told_in_the_envelope(small: Repository) -> None:
    small.publish(a_submission("DL380"))
    with writing(small.site.engine) as connection:
        connection.execute(template.update().values(record="{spoiled"))
    answer = small.ask("GET", "/template")

    assert refused(answer, 500) == "The server failed; its log says why"


def test_a_database_of_another_version_is_not_touched(small: Repository, tmp_path: Path) -> None:
    version = meta.c.key == "schema_version"
    with writing(small.site.engine) as connection:
        connection.execute(meta.update().where(version).values(value="99"))

    url = SecretStr(f"sqlite:///{tmp_path}/repository.db")
    with pytest.raises(ConfigError, match="schema version 99"), opened_repository(url):
        pass
