"""The user who is signed in to a page, and the forms that the page sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from opendcim.repository.answers import format_refused
from opendcim.repository.bodies import read_body
from opendcim.repository.forms import Tree, read_form
from opendcim.repository.pages.sessions import LIFETIME
from opendcim.repository.refusals import FORBIDDEN, UNAUTHORIZED, RefusalError
from opendcim.repository.site import PAGES, CurrentSite, Site, note_user
from opendcim.repository.storage import reading
from opendcim.repository.users import User, find_user, same_user, user_of_key
from shared.errors import FormatError

_COOKIE = "openbis_sync_repository"
_LARGEST_FORM = 1 << 20
_USUAL_PORTS = {80, 443}
# ``same-site`` is another host of the same domain, which need not be ours.
_OTHER_SITES = {"cross-site", "same-site"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A user who may moderate."""

    user: User
    csrf: str


def _signed_in(request: Request, site: CurrentSite) -> SignedIn:
    """Reads the user from the database for each request, so that a lost right counts at once."""
    session = site.sessions.of(request.cookies.get(_COOKIE, ""))
    if session is None:
        raise RefusalError(UNAUTHORIZED, "Sign in first")
    with reading(site.engine) as connection:
        user = find_user(connection, session.user_id)
    if user is None or not user.may_moderate or user.key_mark != session.key_mark:
        raise RefusalError(UNAUTHORIZED, "Sign in again")
    note_user(request, user)
    return SignedIn(user=user, csrf=session.csrf)


CurrentModerator = Annotated[SignedIn, Depends(_signed_in)]


async def _form(request: Request) -> Tree:
    body = await read_body(request, _LARGEST_FORM)
    try:
        return await run_in_threadpool(read_form, body)
    except FormatError as error:
        raise format_refused(error) from error


Form = Annotated[Tree, Depends(_form)]


async def _own_form(request: Request, site: CurrentSite, _who: CurrentModerator) -> Tree:
    """A form of one of our pages. Raises `RefusalError` for a form of another site."""
    form = await _form(request)
    session = site.sessions.of(request.cookies.get(_COOKIE, ""))
    if session is None or not session.sent_this(str(form.get("csrf", ""))):
        raise RefusalError(FORBIDDEN, "This form is not of this session; load the page again")
    return form


OwnForm = Annotated[Tree, Depends(_own_form)]


def credentials_accepted(site: Site, form: Tree) -> User | None:
    """The user with these credentials; None if the user id and the key do not belong together, or
    the user may not decide on anything."""
    with reading(site.engine) as connection:
        user = user_of_key(connection, str(form.get("key", "")).strip())
    if user is None or not same_user(str(form.get("user", "")), user.user_id):
        return None
    return user if user.may_moderate else None


def is_of_another_site(request: Request, site: Site) -> bool:
    """Whether the browser says that another site sent this form: by ``Sec-Fetch-Site``, which older
    browsers lack, or by ``Origin``, which is ``null`` for a page that hides its origin."""
    fetched = request.headers.get("sec-fetch-site")
    if fetched in _OTHER_SITES:
        return True
    origin = request.headers.get("origin")
    if origin is None:
        return False
    if origin == "null":
        return fetched != "same-origin"
    own = request.headers.get("host", ""), urlsplit(site.address).netloc
    return _host(origin) not in {_host(f"{request.url.scheme}://{name}") for name in own if name}


def _host(origin: str) -> tuple[str | None, int | None] | None:
    """Host and port of an origin, without its default port; None for an invalid origin. The scheme
    is ignored: a front server may speak https for us."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    return parts.hostname, None if port in _USUAL_PORTS else port


def begin_session(request: Request, site: Site, user: User, response: Response) -> None:
    response.set_cookie(
        _COOKIE,
        site.sessions.begin(user.user_id, user.key_mark),
        max_age=LIFETIME,
        path=PAGES,
        # From http addresses but localhost, browsers accept no cookie that is marked Secure.
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def end_session(request: Request, site: Site, response: Response) -> None:
    site.sessions.end(request.cookies.get(_COOKIE, ""))
    response.delete_cookie(_COOKIE, path=PAGES, httponly=True, samesite="strict")
