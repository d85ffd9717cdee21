"""Published pictures are answered here, before the application: no routing, no validation, nothing to wait for.

These are emoticons of those who ask, by their token, and those of share links, by the token in the path, whoever asks.
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
from emoticon.domain.publishing import LINK_LETTERS, Publishing
from emoticon.web.access_log import AccessLog
from emoticon.web.cookies import ACCESS
from emoticon.web.emoticons import PATHS
from emoticon.web.links import LASTING, SHORT
from emoticon.web.middleware import MAX_HEADER_BYTES, MAX_HEADERS, request_id_for
from emoticon.web.negotiation import matches
from emoticon.web.picture_headers import LICENCE, PRIVATE, SHOWN_BY, SVG_POLICY, VARIES

_METHODS: Final = frozenset({"GET", "HEAD"})
_PATHS: Final = frozenset(PATHS)
_WISH: Final = re.compile(
    rb"username=([A-Za-z0-9._-]{1,32})(?:&size=([1-9][0-9]{0,3}))?(?:&format=(png|svg|webp|avif))?"
)
_LINKS: Final = "/e/"
_LINK: Final = re.compile(rb"/e/([A-Za-z0-9_-]{%d})\.(png|svg|webp|avif)" % LINK_LETTERS)
_LINK_WISH: Final = re.compile(rb"(?:size=([1-9][0-9]{0,3})(?:\Z|&(?=v)))?(?:v=([0-9a-f]{12}))?")
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

Header = tuple[bytes, bytes]
Headers = list[Header]
Found = tuple[int, Headers, bytes]
"""Status, headers and body."""

_LICENCE: Final = (b"link", LICENCE.encode())
_VARY: Final[Headers] = [(b"vary", VARIES.encode())]
_SHOWN_BY: Final[Headers] = [(b"cross-origin-resource-policy", SHOWN_BY.encode())]
_PRIVATE: Final = (b"cache-control", PRIVATE.encode())
_LASTING: Final = (b"cache-control", LASTING.encode())
_SHORT: Final = (b"cache-control", SHORT.encode())
_KINDS: Final[dict[Format, Headers]] = {
    kind: [(b"content-type", kind.media_type.encode())] for kind in Format
}
_POLICIES: Final[dict[Format, Headers]] = {
    kind: [(b"content-security-policy", SVG_POLICY.encode())] if kind is Format.SVG else []
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
        if self.publishing is not None and scope["type"] == "http" and scope["method"] in _METHODS:
            if scope["path"] in _PATHS:
                found = _own(self.publishing, scope)
            elif scope["path"].startswith(_LINKS):
                found = _linked(self.publishing, scope)
        if found is None:
            await self._app(scope, receive, send)
            return
        status, headers, body = found
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        if self.access_log is not None and self.access_log.chosen():
            with bound_contextvars(request_id=dict(headers)[b"x-request-id"].decode()):
                self.access_log.say(scope, status, time.perf_counter() - started, len(body))


def _own(publishing: Publishing, scope: Scope) -> Found | None:
    """Return what was published for exactly this request and whose it is."""
    wish = _WISH.fullmatch(scope["query_string"])
    given = _headers(scope["headers"]) if wish is not None else None
    token = _token(given) if given is not None else None
    if wish is None or given is None or token is None:
        return None
    username, size, kind = wish.groups()
    picture = publishing.find(
        token, username.decode(), DEFAULT_PX if size is None else int(size), _FORMATS[kind]
    )
    if picture is None:
        return None
    return _answer(picture, given, _PRIVATE, _VARY, bodiless=scope["method"] == "HEAD")


def _linked(publishing: Publishing, scope: Scope) -> Found | None:
    """Return what was published for exactly this request; who asks has no say."""
    # As it was sent: another spelling of the path is another link, which nobody has.
    link = _LINK.fullmatch(scope.get("raw_path") or scope["path"].encode())
    wish = _LINK_WISH.fullmatch(scope["query_string"])
    given = _headers(scope["headers"]) if link is not None and wish is not None else None
    if link is None or wish is None or given is None:
        return None
    size, version = wish.groups(b"")
    picture = publishing.find_link(
        link[1].decode(), version.decode(), int(size or DEFAULT_PX), _FORMATS[link[2]]
    )
    if picture is None:
        return None
    caching = _LASTING if version else _SHORT
    return _answer(picture, given, caching, _SHOWN_BY, bodiless=scope["method"] == "HEAD")


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
    picture: Picture,
    given: dict[bytes, bytes],
    caching: Header,
    whose: Headers,
    *,
    bodiless: bool,
) -> Found:
    etag = picture.etag
    head = [caching, (b"etag", etag.encode()), _LICENCE, *whose]
    tail = [
        (
            b"x-request-id",
            request_id_for(given.get(b"x-request-id", b"").decode("latin-1")).encode(),
        ),
        *_LAST,
    ]
    if_none_match = given.get(b"if-none-match")
    if if_none_match is not None and matches([if_none_match.decode("latin-1")], etag):
        return 304, [*head, *tail], b""
    headers = [
        *head,
        *_POLICIES[picture.format],
        (b"content-length", b"%d" % len(picture.body)),
        *_KINDS[picture.format],
        *tail,
    ]
    return 200, headers, b"" if bodiless else picture.body
