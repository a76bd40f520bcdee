"""What a check has found, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harvester.runs.plain_text import plain_line
from shared.errors import ConfigError, SyncError

_LONGEST = 2000
"""Characters of a finding; it may quote what a server says."""


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"
    UNTRIED = "untried"
    """It depends on something that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``subject`` is what was looked at; ``text`` says what was found, and if it is not fine, what
    to do. ``exit_code`` is that of the program if nothing weighs more."""

    subject: str
    verdict: Verdict
    text: str
    exit_code: int = 0

    def __str__(self) -> str:
        return f"{self.verdict:<8} {self.subject:<18} {plain_line(self.text, _LONGEST)}"


def fine(subject: str, text: str) -> Finding:
    return Finding(subject=subject, verdict=Verdict.OK, text=text)


def doubtful(subject: str, text: str) -> Finding:
    return Finding(subject=subject, verdict=Verdict.WARNING, text=text)


def untried(subject: str, reason: str) -> Finding:
    return Finding(subject=subject, verdict=Verdict.UNTRIED, text=f"not tried: {reason}")


def broken(subject: str, text: str, exit_code: int = ConfigError.exit_code) -> Finding:
    """By default the settings, or what they name on this side, are to be mended."""
    return Finding(subject=subject, verdict=Verdict.FAILED, text=text, exit_code=exit_code)


def broken_by(subject: str, error: SyncError) -> Finding:
    return broken(subject, str(error), error.exit_code)
