"""Bad days between a data source and a harvester: on such a day a part of all answers comes
garbled, cut or not at all; drawn from a seed, and asked of again and again the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from tests.support.faults.faulty_source import LIST
from tests.support.instances.instance import Around

# Status, the bytes that come, and those that were announced.
Answer = tuple[int, bytes, bytes]


def _garbled(body: bytes) -> Answer:
    middle = len(body) // 2
    changed = bytes([body[middle] ^ 1]) if body else b""
    return 200, body[:middle] + changed + body[middle + 1 :], body


def _cut(body: bytes) -> Answer:
    return 200, body[: len(body) // 2], body


def _ended(body: bytes) -> Answer:
    return 200, body[: len(body) // 2], body[: len(body) // 2]


def _unavailable(_body: bytes) -> Answer:
    return 503, b"out of order", b"out of order"


# Which answers it befalls, by the beginning of their path, and how.
Mishap = tuple[str, Callable[[bytes], Answer]]

FILES = "/datastore_server/"
_MISHAPS: dict[str, Mishap] = {
    "garbled files": (FILES, _garbled),
    "cut files": (FILES, _cut),
    "no files": (FILES, _unavailable),
    "a cut list": (LIST, _cut),
    "half a list": (LIST, _ended),
    "no list": (LIST, _unavailable),
}


class FailingDays:
    """Stands before a source server. It is calm until a day is bad."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._mishap: Mishap | None = None
        self._name = ""
        self._share = 0.0
        self._stubborn = False
        self._asked: Counter[str] = Counter()

    def bad(self, day: int) -> str:
        """From now on something goes wrong; what."""
        random = Random(f"{self._seed} {day}")  # noqa: S311 - to be repeated
        self._name = f"{day} {random.choice(list(_MISHAPS))}"
        self._mishap = _MISHAPS[self._name.partition(" ")[2]]
        self._share = random.choice((0.3, 0.7))
        self._stubborn = random.random() < 0.5
        self._asked.clear()
        return self._name.partition(" ")[2] + (", always the same" if self._stubborn else "")

    def calm(self) -> None:
        self._mishap = None

    def before(self) -> Around:
        """For `Instance.served`."""

        def around(app: Any) -> Any:
            async def application(scope: Any, receive: Any, send: Any) -> None:
                how = self._befalls(scope)
                if how is None:
                    await app(scope, receive, send)
                else:
                    await _spoilt(app, scope, receive, send, how)

            return application

        return around

    def _befalls(self, scope: Any) -> Callable[[bytes], Answer] | None:
        path = str(scope.get("path", ""))
        if self._mishap is None or scope["type"] != "http":
            return None
        begin, how = self._mishap
        if not path.startswith(begin) or (begin == FILES and path.startswith(LIST)):
            return None
        self._asked[path] += 1
        time = 0 if self._stubborn else self._asked[path]
        random = Random(f"{self._seed} {self._name} {path} {time}")  # noqa: S311 - as above
        return how if random.random() < self._share else None


async def _spoilt(
    app: Any, scope: Any, receive: Any, send: Any, how: Callable[[bytes], Answer]
) -> None:
    messages: list[Any] = []

    async def collect(message: Any) -> None:
        messages.append(message)

    plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
    await app({**scope, "headers": plain}, receive, collect)
    status, body, announced = how(b"".join(m.get("body", b"") for m in messages))
    headers = [h for h in messages[0]["headers"] if h[0] != b"content-length"]
    length = (b"content-length", str(len(announced)).encode())
    status = messages[0]["status"] if status == 200 else status
    await send({**messages[0], "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
