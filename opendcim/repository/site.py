"""The values that the repository's routes share, and the user of a request."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from opendcim.records.picture_names import published_address, published_name
from opendcim.records.records import Template
from opendcim.repository.allowance import Allowance
from opendcim.repository.pages.sessions import Sessions
from opendcim.repository.picture_store import PictureStore
from opendcim.repository.published import Published
from opendcim.repository.refusals import (
    BAD_REQUEST,
    UNAUTHORIZED,
    RefusalError,
)
from opendcim.repository.storage import reading
from opendcim.repository.users import User, same_user, user_of_key

API = "/api"
# Part of every picture's path: openDCIM's client fetches only addresses with ``repository``.
PAGES = "/repository"
PICTURES = f"{PAGES}/images/approved"

# To be raised if records are written differently.
_WIRE_VERSION = 1

# Spelt with three s in the original.
_KEY_IS_MISSING = "Api key is misssing"
_KEY_IS_WRONG = "Access Denied. Invalid Api key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """``address`` is the server's address for clients, without a slash at its end."""

    engine: Engine
    pictures: PictureStore
    allowance: Allowance
    sessions: Sessions
    repository_id: str
    address: str
    numbers: bool

    @property
    def representation(self) -> str:
        """Changes if the same rows are written differently."""
        shape = f"{_WIRE_VERSION} {self.address} {self.numbers}"
        return f"{self.repository_id}-{zlib.crc32(shape.encode()):08x}"

    def with_addresses(self, published: Published) -> Template:
        """The template as it is sent: its pictures are addresses."""
        template = published.template
        addresses = {
            side: published_address(
                f"{self.address}{PICTURES}/", published_name(template.template_id, picture.name)
            )
            for side, picture in published.pictures.items()
        }
        return replace(
            template,
            front_picture_file=addresses.get("front", ""),
            rear_picture_file=addresses.get("rear", ""),
        )


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


async def _site(request: Request) -> Site:
    return site_of(request)


CurrentSite = Annotated[Site, Depends(_site)]


def _user(request: Request, site: CurrentSite) -> User:
    """The user of the key. Raises `RefusalError` with the original's answers."""
    key = request.headers.get("apikey", "").strip()
    if not key:
        raise RefusalError(BAD_REQUEST, _KEY_IS_MISSING)
    with reading(site.engine) as connection:
        user = user_of_key(connection, key)
    claimed = request.headers.get("userid", "").strip()
    if user is None or (claimed and not same_user(claimed, user.user_id)):
        raise RefusalError(UNAUTHORIZED, _KEY_IS_WRONG)
    note_user(request, user)
    return user


def _reader(request: Request, site: CurrentSite) -> User | None:
    """The user, or None: reading needs no key."""
    try:
        return _user(request, site)
    except RefusalError:
        return None


CurrentUser = Annotated[User, Depends(_user)]
CurrentReader = Annotated[User | None, Depends(_reader)]


def note_user(request: Request, user: User) -> None:
    """Names the user for the access log, if there is one."""
    visit = request.scope.get("state", {}).get("visit")
    if visit is not None:
        visit.user_id = user.user_id
