"""The session of a browser: two cookies that no script can read, and proof that a request comes from our own pages.

The access token is sent with every request, the refresh token only to the route that takes it. `__Host-` and
`__Secure-` keep other hosts and plain HTTP from setting them (RFC 6265bis section 4.1.3).
"""

from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from emoticon.domain.errors import CrossSite, InvalidToken
from emoticon.domain.models import TokenPair

ACCESS: Final = "__Host-emoticon"
REFRESH: Final = "__Secure-emoticon-refresh"
REFRESH_PATH: Final = "/auth/refresh"


def read(request: Request, name: str) -> str | None:
    """Return the cookie, None when there is none. Raises InvalidToken when several of the name differ."""
    values = {
        value.strip()
        for header in request.headers.getlist("cookie")
        for key, _, value in (part.partition("=") for part in header.split(";"))
        if key.strip() == name
    }
    if len(values) > 1:
        raise InvalidToken
    return values.pop() if values else None


def set_pair(response: Response, pair: TokenPair) -> None:
    """Put both tokens into cookies that live as long as they do."""
    _set(response, ACCESS, pair.access.value, pair.access.expires_in_s)
    _set(response, REFRESH, pair.refresh, pair.refresh_expires_in_s)


def clear(response: Response) -> None:
    """Take both cookies away, and with them the pictures that the browser kept."""
    _set(response, ACCESS, "", 0)
    _set(response, REFRESH, "", 0)
    response.headers["Clear-Site-Data"] = '"cache"'


def require_own_page(request: Request) -> None:
    """Return when a page of this site sent the request; a browser that does not say so is not believed.

    What a cookie alone authorises could otherwise be sent by any page (cross-site request forgery). Raises CrossSite.
    """
    if _site(request) != "own":
        raise CrossSite


def refuse_other_sites(request: Request) -> None:
    """Return unless a browser says that a page of another site sent the request. Raises CrossSite."""
    if _site(request) == "other":
        raise CrossSite


def refuse_embedding(request: Request) -> None:
    """Return unless a page of another site asks for this as a part of itself; to follow a link is fine."""
    headers = request.headers
    followed = (
        headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"  # else a frame navigates
    )
    if headers.get("sec-fetch-site") == "cross-site" and not followed:
        raise CrossSite


def _site(request: Request) -> str:
    """Return own, other or unknown, by Sec-Fetch-Site or else by Origin, neither of which a page can set."""
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return "own" if fetch_site in {"same-origin", "none"} else "other"
    origin = request.headers.get("origin")
    if origin is None:
        return "unknown"
    try:
        authority = urlsplit(origin).netloc
    except ValueError:
        return "other"
    return "own" if authority and authority == request.headers.get("host") else "other"


def _set(response: Response, name: str, value: str, max_age_s: int) -> None:
    access = name == ACCESS
    response.set_cookie(
        name,
        value,
        max_age=max_age_s,
        path="/" if access else REFRESH_PATH,
        secure=True,
        httponly=True,
        samesite="lax" if access else "strict",
    )
