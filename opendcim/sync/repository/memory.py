"""The state of a section between runs, in the folder ``opendcim-state-dir``.

`state.json` has the times of requests, the pictures that were fetched, and the submissions. The
lists lie beside it, so that a dry run and the following run ask only once. Files are written
atomically. Without the folder, lists are fetched again, and it is unknown which templates were
submitted.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.atomic_file import write_atomically
from shared.errors import ConfigError


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class FetchedList(_Value):
    """The repository's answer as it came."""

    address: str
    fetched: datetime
    etag: str = ""
    body: str


class KeptPicture(_Value):
    """A picture that was fetched: ``file`` is its name in ``pictures-dir``; ``stamp`` is when the
    template that shows it last changed in the repository."""

    file: str
    sha256: str
    size: int
    stamp: str = ""
    etag: str = ""
    last_modified: str = ""


class SentSubmission(_Value):
    """The submission of a local template. ``digest`` is that of its content."""

    digest: str
    model: str
    submitted: datetime
    # 0 if no answer came: it is unknown whether the repository has the submission.
    request_id: int = 0
    # When the repository's template at that time had last changed.
    published: str = ""
    with_pictures: bool = False
    # Whether the repository was seen to have it as it was sent.
    accepted: bool = False
    # Whether the decision was reported.
    decided: bool = False


class _State(BaseModel):
    model_config = ConfigDict(extra="ignore")

    repository: str = ""
    last_run: datetime | None = None
    leave_alone_until: datetime | None = None
    reason: str = ""
    # Pictures by address.
    pictures: dict[str, KeptPicture] = Field(default_factory=dict)
    files: list[str] = Field(default_factory=list)
    # Submissions by the id of the local template.
    submissions: dict[str, SentSubmission] = Field(default_factory=dict)


class Memory:
    """The state of one section. Changes are on the disk when the call returns."""

    def __init__(self, folder: Path, repository: str) -> None:
        self._folder = folder
        self._file = folder / "state.json"
        self._state = self._read()
        if self._state.repository not in {"", repository}:
            self._state = _State()  # of another repository, which has other ids
        self._state.repository = repository

    def _read(self) -> _State:
        try:
            return _State.model_validate_json(self._file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return _State()
        except (OSError, ValidationError) as error:
            raise ConfigError(
                f"{self._file}: cannot be read: {_first_line(error)}; repair it, or delete it: the "
                "repository is then asked for everything again"
            ) from error

    @property
    def last_run(self) -> datetime | None:
        """When the repository was last read for a real run."""
        return self._state.last_run

    @property
    def left_alone(self) -> tuple[datetime, str] | None:
        """Until when the repository does not want to be asked, and its message."""
        until = self._state.leave_alone_until
        return (until, self._state.reason) if until else None

    def has_run(self, at: datetime) -> None:
        self._state.last_run = at
        self._save()

    def leave_alone(self, until: datetime | None, reason: str = "") -> None:
        self._state.leave_alone_until, self._state.reason = until, reason
        self._save()

    def list_at(self, address: str) -> FetchedList | None:
        """The stored answer; None if it cannot be read."""
        try:
            # Unlike the state, a list is a copy: a damaged one only costs another request.
            found = FetchedList.model_validate_json(self._list_file(address).read_bytes())
        except (OSError, ValidationError):
            return None
        return found if found.address == address else None

    def keep_list(self, fetched: FetchedList) -> None:
        self._write(self._list_file(fetched.address), fetched.model_dump_json())

    def picture(self, address: str) -> KeptPicture | None:
        return self._state.pictures.get(address)

    def keep_picture(self, address: str, picture: KeptPicture) -> None:
        """Also records for ever which files are ours, even after the template shows another
        picture."""
        self._state.pictures[address] = picture
        self._state.files.append(picture.file)
        self._state.files = sorted(set(self._state.files))
        self._save()

    @property
    def picture_files(self) -> frozenset[str]:
        """The names of all files that we brought."""
        return frozenset(self._state.files)

    def submission(self, template_id: int) -> SentSubmission | None:
        return self._state.submissions.get(str(template_id))

    def keep_submission(self, template_id: int, submission: SentSubmission) -> None:
        self._state.submissions[str(template_id)] = submission
        self._save()

    def forget_submission(self, template_id: int) -> None:
        if self._state.submissions.pop(str(template_id), None):
            self._save()

    @property
    def submitted(self) -> dict[int, SentSubmission]:
        return {int(number): one for number, one in self._state.submissions.items()}

    def _list_file(self, address: str) -> Path:
        name = hashlib.sha256(address.encode()).hexdigest()[:24]
        return self._folder / "lists" / f"{name}.json"

    def _save(self) -> None:
        self._write(self._file, json.dumps(self._state.model_dump(mode="json"), indent=1))

    def _write(self, file: Path, text: str) -> None:
        try:
            write_atomically(file, text, mode=0o640)
        except OSError as error:
            raise ConfigError(
                f"opendcim-state-dir: {file} cannot be written: {error.strerror}; without it the "
                "repository would be asked again and again"
            ) from error


def is_fresh(moment: datetime, interval: timedelta) -> bool:
    """Whether it is less than an interval ago. A time in the future comes from a wrong clock and
    does not count."""
    age = datetime.now(UTC) - moment
    return timedelta(0) <= age < interval - slack(interval)


def slack(interval: timedelta) -> timedelta:
    """Tolerance: a daily run does not begin at the same second each day."""
    return interval / 24


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
