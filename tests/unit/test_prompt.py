"""A new password, from a line of the input or from the terminal."""

from __future__ import annotations

import getpass
import io
import sys

import pytest

from shared.errors import ConfigError
from shared.prompt import new_password


@pytest.mark.parametrize("line", [" s:e ü\n", " s:e ü\r\n", " s:e ü"])
def test_a_line_of_the_input_is_the_password_without_its_end(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(line))
    assert new_password("mira", from_input=True) == " s:e ü"


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        (["one", "two"], "the passwords differ"),
        ([""], "the password is empty"),
        ([], "no password was given"),
    ],
)
def test_what_is_no_password_is_refused(
    monkeypatch: pytest.MonkeyPatch, answers: list[str], fault: str
) -> None:
    left = iter(answers)

    def answer(_prompt: str) -> str:
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(getpass, "getpass", answer)
    with pytest.raises(ConfigError, match=fault):
        new_password("mira", from_input=False)
