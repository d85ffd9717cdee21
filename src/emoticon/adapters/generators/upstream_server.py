"""Another service that draws: what it is asked, and what of its answers is believed."""

from base64 import b64encode
from hashlib import blake2b
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import httpx2

from emoticon import __version__
from emoticon.domain.upstream_traffic import UpstreamTraffic

MOST_BYTES: Final = 256 * 1024
"""Of a picture."""

_MOST_PARTS: Final = 1024
"""Of a body: each costs the same time, however few bytes it has."""
_AWAY: Final = frozenset({502, 503, 504})
_MEDIA_TYPE: Final = "image/png"

_FOREIGN: Final = (httpx2.TransportError, OSError, ValueError)
"""What can go wrong with a question; the last: a host that no resolver can be asked for."""


class Unanswered(Exception):
    """No answer came that can be a picture; says why, in words of ours."""


class _Away(Unanswered):
    """It may be there the next moment."""


class UpstreamServer:
    """Asks the service whose pictures are at `template`, a URL with `{seed}` and perhaps `{size}`.

    Nothing is sent but what stands here: no header of our own callers, no cookie that the service has set, nothing
    through a proxy of the environment. Credentials in the URL become an Authorization header. Redirects are not
    followed. At most `connections` are open; how long a question may take is up to who asks.

    Raises ValueError, without the URL in it, when that cannot be used.
    """

    def __init__(self, template: str, traffic: UpstreamTraffic, *, connections: int) -> None:
        self._traffic = traffic
        parts = urlsplit(template)
        self._template = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._headers = {
            "Accept": _MEDIA_TYPE,
            "Accept-Encoding": "identity",
            "User-Agent": f"emoticon/{__version__}",
            **_authorization(parts),
        }
        try:
            self._request("", 0)
        except httpx2.InvalidURL:
            raise ValueError("The URL cannot be used") from None
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        # No client around it: that would keep cookies, and write each URL to the log.
        self._transport = httpx2.AsyncHTTPTransport(limits=limits)

    @property
    def digest(self) -> str:
        """Twelve letters that stand for the service, by whatever credentials it is asked."""
        return blake2b(self._template.encode(), digest_size=6).hexdigest()

    async def ask(self, seed: str, size_px: int) -> bytes:
        """Return what it calls a PNG, of at most MOST_BYTES.

        Asks once more when the connection fails before an answer comes, or the answer is that it is away.
        Raises Unanswered.
        """
        try:
            return await self._ask(seed, size_px)
        except _Away:
            self._traffic.retries += 1
        return await self._ask(seed, size_px)

    async def aclose(self) -> None:
        """Cut all connections. Idempotent."""
        await self._transport.aclose()

    async def _ask(self, seed: str, size_px: int) -> bytes:
        try:
            answer = await self._transport.handle_async_request(self._request(seed, size_px))
        except _FOREIGN as error:
            raise _Away(type(error).__name__) from None
        try:
            if answer.status_code in _AWAY:
                raise _Away(f"status {answer.status_code}")
            return await _read(answer)
        except _FOREIGN as error:
            raise Unanswered(type(error).__name__) from None
        finally:
            await answer.aclose()

    def _request(self, seed: str, size_px: int) -> httpx2.Request:
        url = self._template.replace("{seed}", seed).replace("{size}", str(size_px))
        return httpx2.Request("GET", url, headers=self._headers)


async def _read(answer: httpx2.Response) -> bytes:
    if answer.status_code != httpx2.codes.OK:
        raise Unanswered(f"status {answer.status_code}")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unanswered("a body that was packed")
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise Unanswered("a body of another type than PNG")
    body = bytearray()
    parts = 0
    async for part in answer.aiter_raw():
        body += part
        parts += 1
        if len(body) > MOST_BYTES or parts > _MOST_PARTS:
            raise Unanswered("a body that is too large")
    return bytes(body)


def _authorization(parts: SplitResult) -> dict[str, str]:
    """Return the header for credentials in the URL (RFC 7617)."""
    if "@" not in parts.netloc:
        return {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
