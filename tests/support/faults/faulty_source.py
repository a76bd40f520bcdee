"""What can go wrong between a data source and a harvester: applications that stand before a real
source server, for `Instance.served`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.support.instances.instance import Around

LIST = "/datastore_server/re-sync"


def edited(edit: Callable[[bytes], bytes], path: str = LIST) -> Around:
    """Whole answers below a path are changed on their way."""

    def around(app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(path):
                await app(scope, receive, send)
                return
            plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            messages: list[Any] = []
            await app({**scope, "headers": plain}, receive, _collecting(messages))
            body = edit(b"".join(message.get("body", b"") for message in messages))
            headers = [h for h in messages[0]["headers"] if h[0] != b"content-length"]
            await send({**messages[0], "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return application

    return around


def _collecting(messages: list[Any]) -> Any:
    async def send(message: Any) -> None:
        messages.append(message)

    return send


def replaced(old: str, new: str, path: str = LIST) -> Around:
    """A text of the list reads otherwise; it must be there."""

    def edit(body: bytes) -> bytes:
        assert old.encode() in body
        return body.replace(old.encode(), new.encode())

    return edited(edit, path)


def answering(status: int, path: str = LIST) -> Around:
    """A path answers with a status only."""

    def around(app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(path):
                await app(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b"out of order"})

        return application

    return around


def cut(at: int, path: str = LIST) -> Around:
    """The connection ends after so many bytes of a body."""

    def around(app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(path):
                await app(scope, receive, send)
                return
            plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            messages: list[Any] = []
            await app({**scope, "headers": plain}, receive, _collecting(messages))
            body = b"".join(message.get("body", b"") for message in messages)
            length = (b"content-length", str(len(body)).encode())
            headers = [h for h in messages[0]["headers"] if h[0] != b"content-length"]
            await send({**messages[0], "headers": [*headers, length]})
            await send({"type": "http.response.body", "body": body[:at]})

        return application

    return around


def slow(seconds: float, path: str = "/datastore_server/2") -> Around:
    """Whatever is asked below a path (data sets, if no other) takes its time."""

    def around(app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["path"].startswith(path):
                await asyncio.sleep(seconds)
            await app(scope, receive, send)

        return application

    return around
