"""What all routes of the instance share: the objects that they use, who asks, and how documents
are sent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from starlette.responses import Response

from source_server.publication.catalogue import Catalogue, Scope
from source_server.publication.documents import Chunks
from source_server.publication.file_lists import FileLists
from source_server.publication.peers import Peers
from source_server.publication.published import Publication
from source_server.publication.selection import Selection
from source_server.users.bearer import BearerTokens, bearer_challenge, counted_as, parse_bearer
from source_server.users.sign_in import Authenticator, challenge, parse_basic
from source_server.web.guesses import Guesses
from source_server.web.list_limits import ListLimits, Refusal, Turn
from source_server.web.requests_watched import WatchedRequest, visit_of
from source_server.web.streaming import StreamedResponse, accepts_gzip, gzipped

XML = "text/xml; charset=UTF-8"
READ = ["GET", "HEAD"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """The objects that the routes use; kept in the state of the app."""

    publication: Publication
    peers: Peers
    authenticator: Authenticator
    tokens: BearerTokens
    politeness: ListLimits
    guesses: Guesses
    realm: str
    file_lists: FileLists

    @property
    def catalogue(self) -> Catalogue:
        return self.publication.catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A user who is signed in."""

    user_id: str
    scope: Scope
    visit: WatchedRequest


async def _server(request: Request) -> ServerState:
    server: ServerState = request.app.state.server
    return server


Server = Annotated[ServerState, Depends(_server)]


def client_of(request: Request, server: Server) -> SignedIn:
    """The client; 401 without a right password or token, 403 for a user without a role. Routes of
    files call this themselves: as a dependency it would change threads, which takes as long as to
    read a file."""
    header = request.headers.get("authorization")
    address = request.client.host if request.client else ""
    token = parse_bearer(header)
    user_id = (
        _user_with_password(server, header, address)
        if token is None
        else _user_with_token(server, token, address)
    )
    visit = visit_of(request)
    visit.user_id = user_id
    return SignedIn(user_id=user_id, scope=scope_of(server, user_id), visit=visit)


def _user_with_password(server: ServerState, header: str | None, address: str) -> str:
    credentials = parse_basic(header)
    if credentials is None or not server.guesses.accepted(
        server.authenticator, *credentials, address
    ):
        headers = {"WWW-Authenticate": challenge(server.realm)}
        raise HTTPException(401, "user and password are needed, and these are not right", headers)
    return credentials[0]


def _user_with_token(server: ServerState, token: str, address: str) -> str:
    user_id = server.tokens.user_of(token)
    if user_id is None:
        server.guesses.accepted(server.tokens, counted_as(token), token, address)  # to count it
        schemes = f"{challenge(server.realm)}, {bearer_challenge(server.realm)}"
        raise HTTPException(
            401,
            "this token is not right: unknown, expired or removed, or its user cannot sign in",
            {"WWW-Authenticate": schemes},
        )
    return user_id


def scope_of(server: ServerState, user_id: str) -> Scope:
    scope = server.catalogue.scope_of(user_id)
    if scope is None:
        raise HTTPException(
            403, f"the user {user_id!r} has no role here; an administrator must give one"
        )
    return scope


Client = Annotated[SignedIn, Depends(client_of)]


def sent(request: Request, chunks: Chunks, headers: dict[str, str]) -> Response:
    """The chunks as an answer, compressed if the client accepts that; for HEAD without them."""
    if request.method == "HEAD":
        return StreamedResponse(iter(()), close=chunks.close, headers=headers)
    begun = chain([next(chunks)], chunks)  # an error up to here is still answered as one
    if not accepts_gzip(request.headers.get("accept-encoding", "")):
        return StreamedResponse(begun, close=chunks.close, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return StreamedResponse(gzipped(begun), close=chunks.close, headers=headers)


def turn_of(server: ServerState, client: SignedIn, selection: Selection) -> Turn:
    """The permission to send a list, until the visit ends; 429 if the limits forbid it."""
    turn = server.politeness.turn(client.user_id, selection)
    if isinstance(turn, Refusal):
        client.visit.refused = turn.reason
        raise HTTPException(429, turn.text, {"Retry-After": str(turn.seconds)})
    return turn
