"""The web hook: news as JSON, posted to a URL of the operator's.

As with mail, an error is logged and stops nothing. The URL may hold a secret, so only
its scheme and host are ever logged. docs/operations.md describes the form.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import httpx

from harvester.notices.bounded import within
from shared.errors import ConfigError
from shared.proxies import ProxiedTransport, Proxies

logger = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # INFO has whole URLs

# Seconds in all.
PATIENCE = 60.0
# Seconds for each step of a request.
_ANSWER = 15.0
# Seconds before the second try and the third.
PAUSES = (1.0, 4.0)
# Statuses that are worth another try, besides 5xx.
_PASSING = frozenset({408, 425, 429})


def post(
    url: str,
    form: Mapping[str, Any],
    *,
    patience: float = PATIENCE,
    pauses: Sequence[float] = PAUSES,
) -> bool:
    """True if the answer was a 2xx. Redirects are not followed."""
    try:
        return within(patience, partial(_post, url, json.dumps(form).encode(), pauses))
    except TimeoutError:
        logger.error("The web hook %s took longer than %g seconds", _origin(url), patience)  # noqa: TRY400 - a traceback says nothing more
    except ConfigError as error:  # a variable of the environment
        logger.error("The web hook %s cannot be used: %s", _origin(url), error)  # noqa: TRY400 - a traceback says nothing more
    except (httpx.InvalidURL, OSError, ValueError) as error:
        reason = type(error).__name__  # the text may name the URL
        logger.error("The web hook %s cannot be used: %s", _origin(url), reason)  # noqa: TRY400 - a traceback may name the URL
    return False


def _post(url: str, content: bytes, pauses: Sequence[float]) -> bool:
    headers = {"Content-Type": "application/json", "User-Agent": "openbis-sync"}
    transport = ProxiedTransport(Proxies.of(), ssl.create_default_context(), httpx.Limits())
    with httpx.Client(
        timeout=_ANSWER, transport=transport, trust_env=False, headers=headers
    ) as client:
        reason, passing = _attempt(client, url, content)
        for pause in pauses:
            if reason is None or not passing:
                break
            logger.warning("The web hook %s: %s; trying again", _origin(url), reason)
            time.sleep(pause)
            reason, passing = _attempt(client, url, content)
    if reason is not None:
        logger.error("The web hook %s did not get the notice: %s", _origin(url), reason)
    return reason is None


def _attempt(client: httpx.Client, url: str, content: bytes) -> tuple[str | None, bool]:
    """Why the request failed, None if it did not; and whether another try may succeed. The body of
    the answer is not read, since it may have no end."""
    try:
        with client.stream("POST", url, content=content) as response:
            if response.is_success:
                return None, False
            status = response.status_code
            return f"it answers with status {status}", status in _PASSING or status // 100 == 5  # noqa: PLR2004 - 5xx
    except httpx.TransportError as error:
        return str(error) or type(error).__name__, True


def _origin(url: str) -> str:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "(whose URL is none)"
    return f"{parts.scheme}://{parts.netloc.decode('ascii', errors='replace')}"
