"""Published pictures are answered here, before the application: no routing, no validation, nothing to wait for.

Whatever is not exactly a request that the edge knows goes on to the application untouched, so that this path has no
errors of its own and no word of its own to say: what it answers is what the route would answer, byte for byte.
"""

import re
import time
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from emoticon.domain.models import Format, Picture
from emoticon.domain.pictures import DEFAULT_PX
from emoticon.domain.publishing import Publishing
from emoticon.web.access_log import AccessLog
from emoticon.web.cookies import ACCESS
from emoticon.web.emoticons import CACHING, PATHS, SVG_POLICY, VARIES
from emoticon.web.middleware import MAX_HEADER_BYTES, MAX_HEADERS, request_id_for
from emoticon.web.negotiation import matches

_METHODS: Final = frozenset({"GET", "HEAD"})
_PATHS: Final = frozenset(PATHS)
_WISH: Final = re.compile(
    rb"username=([A-Za-z0-9._-]{1,32})(?:&size=([1-9][0-9]{0,3}))?(?:&format=(png|svg|webp|avif))?"
)
_FORMATS: Final[dict[bytes | None, Format]] = {
    None: Format.PNG,
    **{kind.value.encode(): kind for kind in Format},
}
_BEARER: Final = b"Bearer "
_ACCESS: Final = ACCESS.encode()
_COOKIE: Final = re.compile(rb"(?:^|; )" + _ACCESS + rb"=([A-Za-z0-9._-]+)(?:;|$)")
_READ: Final = frozenset(
    {
        *(b"authorization", b"cookie", b"sec-fetch-site"),
        *(b"content-length", b"transfer-encoding"),
        *(b"if-none-match", b"x-request-id"),
    }
)
"""Headers that have a say in the answer, here or in the application. All others have none."""
_NO_BODY: Final = b"0"

Headers = list[tuple[bytes, bytes]]

_FIRST: Final = (b"cache-control", CACHING.encode())
_VARY: Final = (b"vary", VARIES.encode())
_KINDS: Final[dict[Format, Headers]] = {
    kind: [(b"content-type", kind.media_type.encode())] for kind in Format
}
_POLICIES: Final[dict[Format, Headers]] = {
    kind: [_VARY, (b"content-security-policy", SVG_POLICY.encode())]
    if kind is Format.SVG
    else [_VARY]
    for kind in Format
}
_LAST: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class FastPath:
    """Asks `publishing` before `app`; asks nobody as long as it is None. What it answers, `access_log` is told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.publishing: Publishing | None = None
        self.access_log: AccessLog | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        started = time.perf_counter()
        found = None
        if (
            self.publishing is not None
            and scope["type"] == "http"
            and scope["method"] in _METHODS
            and scope["path"] in _PATHS
        ):
            found = _find(self.publishing, scope)
        if found is None:
            await self._app(scope, receive, send)
            return
        status, headers, body = found
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        if self.access_log is not None and self.access_log.chosen():
            with bound_contextvars(request_id=dict(headers)[b"x-request-id"].decode()):
                self.access_log.say(scope, status, time.perf_counter() - started, len(body))


def _find(publishing: Publishing, scope: Scope) -> tuple[int, Headers, bytes] | None:
    """Return status, headers and body of an answer that was published for exactly this request."""
    wish = _WISH.fullmatch(scope["query_string"])
    given = _headers(scope["headers"]) if wish is not None else None
    token = _token(given) if given is not None else None
    if wish is None or given is None or token is None:
        return None
    username, size, kind = wish.groups()
    picture = publishing.find(
        token, username.decode(), DEFAULT_PX if size is None else int(size), _FORMATS[kind]
    )
    return None if picture is None else _answer(picture, given, bodiless=scope["method"] == "HEAD")


def _headers(headers: Headers) -> dict[bytes, bytes] | None:
    """Return the headers that matter; None when one of them stands twice, there is a body, or they are too many."""
    if len(headers) > MAX_HEADERS:
        return None
    given: dict[bytes, bytes] = {}
    size_bytes = 0
    for name, value in headers:
        size_bytes += len(name) + len(value)
        if name in _READ:
            if name in given:
                return None
            given[name] = value
    bodiless = given.get(b"content-length", _NO_BODY) == _NO_BODY
    if not bodiless or b"transfer-encoding" in given or size_bytes > MAX_HEADER_BYTES:
        return None
    return given


def _token(given: dict[bytes, bytes]) -> str | None:
    """Return the one token of a request, None where more than a glance is needed to tell whose request it is."""
    authorization, cookie = given.get(b"authorization"), given.get(b"cookie", b"")
    if authorization is not None:
        if authorization.startswith(_BEARER) and _ACCESS not in cookie:
            return authorization[len(_BEARER) :].decode("latin-1")
        return None
    match = _COOKIE.search(cookie) if cookie.count(_ACCESS) == 1 else None
    if match is None or given.get(b"sec-fetch-site") == b"cross-site":
        return None
    return match.group(1).decode()


def _answer(
    picture: Picture, given: dict[bytes, bytes], *, bodiless: bool
) -> tuple[int, Headers, bytes]:
    etag = picture.etag
    head = [_FIRST, (b"etag", etag.encode())]
    tail = [
        (
            b"x-request-id",
            request_id_for(given.get(b"x-request-id", b"").decode("latin-1")).encode(),
        ),
        *_LAST,
    ]
    if_none_match = given.get(b"if-none-match")
    if if_none_match is not None and matches([if_none_match.decode("latin-1")], etag):
        return 304, [*head, _VARY, *tail], b""
    headers = [
        *head,
        *_POLICIES[picture.format],
        (b"content-length", b"%d" % len(picture.body)),
        *_KINDS[picture.format],
        *tail,
    ]
    return 200, headers, b"" if bodiless else picture.body
