"""Renders pages and refusals."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from opendcim.repository.pages.signing_in import SignedIn
from opendcim.repository.refusals import NOT_FOUND, UNAUTHORIZED, RefusalError
from opendcim.repository.site import PAGES

FOLDER = Path(__file__).parent
LOGIN = f"{PAGES}/login"
# The browser follows with GET, so loading the page again does not send the form again.
SEE_OTHER = 303


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )


def page(name: str, who: SignedIn | None, status: int = 200, **values: object) -> Response:
    """All texts are escaped; a value that the template lacks is an error."""
    shown = {"user": who.user if who else None, "csrf": who.csrf if who else "", **values}
    return HTMLResponse(_environment().get_template(name).render(shown), status)


def refusal_page(request: Request, error: RefusalError) -> Response:
    """The error as a page; leads to the sign-in if that is missing."""
    if error.status == UNAUTHORIZED:
        return RedirectResponse(LOGIN, SEE_OTHER)
    parts = request.url.path.split("/")
    back = "/".join(parts[:4]) if parts[2:3] == ["requests"] and error.status != NOT_FOUND else ""
    return page("refused.html", None, error.status, message=str(error), back=back)
