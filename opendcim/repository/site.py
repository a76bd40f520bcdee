"""What the routes of the repository work on, and who is asking."""

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
PAGES = "/repository"
"""In the path of every picture: a client of openDCIM fetches only what says ``repository``."""
PICTURES = f"{PAGES}/images/approved"

_WIRE_VERSION = 1
"""To be raised if records are written in another way."""

_KEY_IS_MISSING = "Api key is misssing"
"""The three s are the original's."""
_KEY_IS_WRONG = "Access Denied. Invalid Api key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """``address`` is that by which clients reach the server, without a slash at its end."""

    engine: Engine
    pictures: PictureStore
    allowance: Allowance
    sessions: Sessions
    repository_id: str
    address: str
    numbers: bool

    @property
    def representation(self) -> str:
        """Changes if the same rows look different on the wire."""
        told = f"{_WIRE_VERSION} {self.address} {self.numbers}"
        return f"{self.repository_id}-{zlib.crc32(told.encode()):08x}"

    def shown(self, published: Published) -> Template:
        """As it is sent: its pictures are addresses."""
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
    """Whose key it is. Raises `RefusalError` as the original answers."""
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
    """Who reads what is public: a key need not be there, and need not be right."""
    try:
        return _user(request, site)
    except RefusalError:
        return None


CurrentUser = Annotated[User, Depends(_user)]
CurrentReader = Annotated[User | None, Depends(_reader)]


def note_user(request: Request, user: User) -> None:
    """For the access log, if there is one."""
    visit = request.scope.get("state", {}).get("visit")
    if visit is not None:
        visit.user_id = user.user_id
