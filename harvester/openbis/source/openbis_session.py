"""Sessions at an original openBIS: its list announces no ``href``, and its files need a token.

The token comes from the V3 API of the application server, spoken as JSON-RPC. The data store
server then serves ``<data set code>/<path>?sessionID=<token>``. It answers an expired session with
status 200 and a page in HTML (wire-format.md, 5.2), so such a download must always be verified.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Lock
from typing import Any
from urllib.parse import quote

from harvester.openbis.section import SectionConfig
from shared.errors import SourceError, SourceRefusedError
from shared.masking import remember_secrets

_API = "rmi-application-server-v3.json"
_SHOWN = 200

# Posts JSON to a URL; None if nothing that speaks JSON answers there. Raises `SourceError`.
Post = Callable[[str, bytes], bytes | None]


class OpenbisSession:
    """Logs in when the first token is needed, and only once. Threads may share it."""

    def __init__(self, config: SectionConfig, post: Post) -> None:
        self._config = config
        self._post = post
        self._lock = Lock()
        self._login: tuple[str, str] | None = None
        self._failure: SourceError | None = None

    def file_url(self, code: str, path: str) -> str:
        """The address of a file at the data store server. It contains the token: never print it."""
        base = self._config.data_source_dss_url.rstrip("/")
        return (
            f"{base}/{quote(code, safe='')}/{quote(path)}?sessionID={quote(self.token(), safe='')}"
        )

    def token(self) -> str:
        """The session token. Raises `SourceRefusedError` for wrong credentials, `SourceError` if
        the server does not answer.

        A login that failed is not tried again: each further file would wait as long in vain.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._login is None:
                try:
                    self._login = self._log_in()
                except SourceError as error:
                    self._failure = error
                    raise
            return self._login[1]

    def ask(self, method: str, *params: object) -> Any:
        """The result of a call of the V3 API. Raises `SourceError`."""
        token = self.token()
        with self._lock:
            url = self._login[0] if self._login else ""
        answer = _answer(self._post(url, _request(method, token, *params)))
        if answer is None:
            raise SourceError(f"{url}: {method}: the answer cannot be read")
        if answer.get("error"):
            text = json.dumps(answer["error"], ensure_ascii=False)[:_SHOWN]
            raise SourceError(f"{url}: {method} failed: {text}")
        return answer.get("result")

    def close(self) -> None:
        """End the session, if there is one: openBIS limits the sessions of a user."""
        with self._lock:
            if self._login is None:
                return
            url, token = self._login
            self._login = None
        self._post(url, _request("logout", token))

    def renew(self, ended: str) -> None:
        """Log in again for the next token, unless that was done since this token was the last
        one."""
        with self._lock:
            if self._login is not None and self._login[1] == ended:
                self._login = None

    def _log_in(self) -> tuple[str, str]:
        """The API's URL and the token. The configured URL may or may not end with the path of the
        application server; the forms are tried in the original's order."""
        config = self._config
        if config.data_source_openbis_url is None:
            raise SourceError(
                f"[{config.name}] data-source-openbis-url is missing in the config file: the files "
                "of this data source can be read only with a session of its application server"
            )
        base = config.data_source_openbis_url.rstrip("/")
        urls = [f"{base}{path}/{_API}" for path in ("/openbis/openbis", "/openbis", "")]
        password = config.data_source_auth_pass.get_secret_value()
        request = _request("login", config.data_source_auth_user, password)
        for url in urls:
            answer = _answer(self._post(url, request))
            if answer is not None:
                return url, self._token_of(answer, url)
        raise SourceError(
            f"[{config.name}] data-source-openbis-url: no application server of openBIS answers "
            f"at {', '.join(urls)}"
        )

    def _token_of(self, answer: dict[str, Any], url: str) -> str:
        if answer.get("error"):
            text = json.dumps(answer["error"], ensure_ascii=False)[:_SHOWN]
            raise SourceError(f"{url}: the login failed: {text}")
        token = answer.get("result")
        if not isinstance(token, str) or not token:
            user = self._config.data_source_auth_user
            raise SourceRefusedError(
                f"{url}: user {user} was refused; check data-source-auth-user and "
                "data-source-auth-pass"
            )
        # The addresses of files contain the token, and messages of errors repeat addresses.
        remember_secrets(token)
        return token


def _request(method: str, *params: object) -> bytes:
    call = {"jsonrpc": "2.0", "id": "1", "method": method, "params": params}
    return json.dumps(call).encode()


def _answer(body: bytes | None) -> dict[str, Any] | None:
    """The result of a JSON-RPC call; None if the body is not JSON-RPC."""
    try:
        answer = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    is_answer = isinstance(answer, dict) and ("result" in answer or "error" in answer)
    return answer if is_answer else None
