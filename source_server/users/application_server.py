"""Sessions of openBIS's application server, which is asked by its V3 API who the user of one is."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from typing import Any

import httpx

from shared.errors import NotNowError

# Seconds for which an answer is taken for true; openBIS's own file service takes as long.
_REMEMBERED = 10.0
_MOST = 1_000
_PATIENCE = 30.0
_PATH = "/openbis/rmi-application-server-v3.json"


class ApplicationServer:
    """Any number of threads may use it. Tokens are remembered as hashes only."""

    def __init__(self, url: str) -> None:
        """``url`` is openBIS's, such as ``https://host:8443/openbis``."""
        self._address = f"{url.rstrip('/')}{_PATH}"
        # A redirect would take the session token to another address.
        self._client = httpx.Client(timeout=_PATIENCE, follow_redirects=False)
        self._known: OrderedDict[bytes, tuple[float, str | None]] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        self._client.close()

    def knows(self, token: str) -> bool:
        """Whether the session was a right one a few seconds ago."""
        return bool(self._remembered(_digest(token), time.monotonic())[1])

    def user_of(self, token: str) -> str | None:
        """The user of a session; None if there is no such session. Raises `NotNowError` if the
        application server does not answer."""
        key, now = _digest(token), time.monotonic()
        is_known, user_id = self._remembered(key, now)
        if is_known:
            return user_id
        user_id = self._asked(token)
        with self._lock:
            self._known[key] = now + _REMEMBERED, user_id
            self._known.move_to_end(key)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return user_id

    def _remembered(self, key: bytes, now: float) -> tuple[bool, str | None]:
        with self._lock:
            until, user_id = self._known.get(key, (0.0, None))
        return until > now, user_id if until > now else None

    def _asked(self, token: str) -> str | None:
        call = {"jsonrpc": "2.0", "id": "1", "method": "getSessionInformation", "params": [token]}
        try:
            response = self._client.post(self._address, json=call)
            response.raise_for_status()
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NotNowError(
                f"application-server-url: {self._address} does not say whose session this is:"
                f" {type(error).__name__}; try again later"
            ) from error
        return _user_in(answer)


def _user_in(answer: Any) -> str | None:
    """An unknown session is answered with an error or with null."""
    result = answer.get("result") if isinstance(answer, dict) else None
    user_id = result.get("userName") if isinstance(result, dict) else None
    return user_id if isinstance(user_id, str) and user_id else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
