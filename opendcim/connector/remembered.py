"""A cache for one run: each question is asked once, whichever thread asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

from shared.edges import settle

T = TypeVar("T")


class Remembered:
    """Answers by question. A thread whose question is being asked by another thread waits for
    it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[Hashable, Future[Any]] = {}

    def get(self, question: Hashable, ask: Callable[[], T]) -> T:
        """The answer; exceptions that ``ask`` raises are cached, too."""
        with self._lock:
            answer: Future[T] | None = self._answers.get(question)
            is_mine = answer is None
            if answer is None:
                answer = self._answers[question] = Future()
        # The lock is free again, so that other questions do not wait for this answer.
        if is_mine:
            settle(answer, ask)
        return answer.result()
