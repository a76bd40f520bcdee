"""The results of checks, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harvester.runs.plain_text import plain_line
from shared.errors import ConfigError, SyncError

# Characters of a finding; it may quote what a server says.
_LONGEST = 2000


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"
    # It depends on something that failed.
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``subject`` is the thing checked. ``text`` is the result and, if that is a fault, what to do.
    ``exit_code`` is the program's exit code if no other finding has a graver one."""

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
    """A finding that is a fault. By default the settings, or what they name here, are to be
    mended."""
    return Finding(subject=subject, verdict=Verdict.FAILED, text=text, exit_code=exit_code)


def broken_by(subject: str, error: SyncError) -> Finding:
    return broken(subject, str(error), error.exit_code)
