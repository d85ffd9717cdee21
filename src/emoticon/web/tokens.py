"""How a pair of tokens is answered: in the body, or in cookies."""

from fastapi import Request, Response

from emoticon.domain.models import TokenPair
from emoticon.web import cookies
from emoticon.web.schemas import CookieAnswer, TokenAnswer


def require_fitting_page(request: Request, *, by_cookie: bool) -> None:
    """Refuse sign-ins that other sites' pages send, else they could sign somebody in to an account of theirs."""
    if by_cookie:
        cookies.require_own_page(request)
    else:
        cookies.refuse_other_sites(request)


def answer(response: Response, pair: TokenPair, *, by_cookie: bool) -> TokenAnswer | CookieAnswer:
    """Return the body, and put into the headers what belongs there."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"  # RFC 6749 section 5.1
    if by_cookie:
        cookies.set_pair(response, pair)
        return CookieAnswer(
            expires_in=pair.access.expires_in_s, refresh_expires_in=pair.refresh_expires_in_s
        )
    return TokenAnswer(
        access_token=pair.access.value,
        expires_in=pair.access.expires_in_s,
        refresh_token=pair.refresh,
        refresh_expires_in=pair.refresh_expires_in_s,
    )
