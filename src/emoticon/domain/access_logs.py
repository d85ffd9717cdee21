"""Access logs: which pictures were asked for, and when.

Lines are those of nginx and Apache (common and combined), JSON objects as nginx, Caddy or Traefik write them, or bare
URLs; each line is judged by itself, and nothing in it can raise.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, BinaryIO, Final
from urllib.parse import parse_qsl

from emoticon.domain.models import Format
from emoticon.domain.pictures import DEFAULT_PX, MAX_PX, MIN_PX

MAX_LINE_BYTES: Final = 16 * 1024
_MAX_NAME_LENGTH: Final = 128
_MAX_FIELDS: Final = 64
_MAX_SENT_BYTES: Final = 2**32
_LATEST_S: Final = 2**36
_SENT, _UNCHANGED = 200, 304

_COMMON = re.compile(rb'[^"\[]*\[([^\]"]{0,40})\] "([^"]*)" (\d{3}) (\d{1,20}|-)')
_REQUEST = re.compile(rb"([A-Z]{1,20}) (\S+)(?: HTTP/[0-9.]{1,3})?")
_CLOCK = re.compile(r"(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTHS = dict(
    zip("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), range(1, 13), strict=True)
)
_ROOTS = frozenset({b"/emoticon", b"/emoticon/"})
_FORMATS = {kind.value: kind for kind in Format} | {"auto": Format.WEBP}


@dataclass(frozen=True, slots=True)
class Request:
    """A picture was asked for and, as far as the line says, answered."""

    username: str
    """As it was written: not folded."""
    size_px: int
    format: Format
    """What `auto` came to is not in a log: WebP, which browsers get."""
    at_s: float | None
    """Unix time."""
    sent_bytes: int | None = None
    """The body's, where the line says so and there was one."""


@dataclass(slots=True)
class Tally:
    """What became of the lines."""

    lines: int = 0
    requests: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """By reason: empty, too long, unreadable, method, status, no picture, query."""


class _Skipped(Exception):
    """The line is of no use, for the reason given."""


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file of any content; of one beyond MAX_LINE_BYTES only a part that is too long as well."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        yield line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES + 1)


def read(lines: Iterable[bytes], tally: Tally | None = None) -> Iterator[Request]:
    """Yield what the lines ask for, in their order, and count in `tally`."""
    counts = Tally() if tally is None else tally
    for line in lines:
        counts.lines += 1
        try:
            request = _request(line)
        except _Skipped as skipped:
            counts.skipped[str(skipped)] += 1
        else:
            counts.requests += 1
            yield request


def _request(line: bytes) -> Request:
    if len(line) > MAX_LINE_BYTES:
        raise _Skipped("too long")
    line = line.strip()
    if not line:
        raise _Skipped("empty")
    if line.startswith(b"{"):
        return _of_json(line)
    common = _COMMON.match(line)
    if common is None:
        return _of_target(line, None)
    at, request, status, sent = common.groups()
    _check_status(int(status))
    found_bytes = int(sent) if sent != b"-" and int(status) == _SENT else None
    return _of_target(request, _clf_time_s(at.decode("latin-1")), found_bytes)


def _of_json(line: bytes) -> Request:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise _Skipped("unreadable") from None
    request = entry.get("request")
    if isinstance(request, dict):  # as Caddy writes it
        entry = {**request, **{name: value for name, value in entry.items() if name != "request"}}
        request = None
    target = _first(entry, "request_uri", "uri", "url", "path", "RequestPath") or request
    if not isinstance(target, str):
        raise _Skipped("unreadable")
    method = _first(entry, "method", "request_method", "RequestMethod")
    status = _first(entry, "status", "OriginStatus", "DownstreamStatus")
    if isinstance(status, int | str) and str(status).isdecimal():
        _check_status(int(str(status)[:4]))
    if isinstance(method, str):
        _check_method(method.encode("utf-8", "replace"))
    when = _first(entry, "time", "ts", "timestamp", "@timestamp", "time_iso8601", "msec")
    return _of_target(target.encode("utf-8", "replace"), _time_s(when))


def _of_target(text: bytes, at_s: float | None, sent_bytes: int | None = None) -> Request:
    """Read a URL, or the first line of a request."""
    request = _REQUEST.fullmatch(text)
    if request is not None:
        _check_method(request[1])
        text = request[2]
    if b" " in text:
        raise _Skipped("unreadable")
    path, _, query = text.partition(b"?")
    scheme, mark, rest = path.partition(b"://")
    if mark and b"/" not in scheme:
        path = b"/" + rest.partition(b"/")[2]
    if path not in _ROOTS:
        raise _Skipped("no picture" if path.startswith(b"/") else "unreadable")
    try:
        given = dict(parse_qsl(query.decode(), max_num_fields=_MAX_FIELDS, errors="strict"))
    except ValueError:
        raise _Skipped("query") from None
    return _wish(given, at_s, sent_bytes)


def _wish(given: Mapping[str, str], at_s: float | None, sent_bytes: int | None) -> Request:
    username = given.get("username", "")
    size = given.get("size", str(DEFAULT_PX))
    picture_format = _FORMATS.get(given.get("format", "png"))
    plain = size.isascii() and size.isdecimal() and len(size) <= len(str(MAX_PX))
    if (
        not 1 <= len(username) <= _MAX_NAME_LENGTH
        or not username.isprintable()
        or picture_format is None
        or not plain
        or not MIN_PX <= int(size) <= MAX_PX
    ):
        raise _Skipped("query")
    known_bytes = sent_bytes if sent_bytes and sent_bytes < _MAX_SENT_BYTES else None
    return Request(username, int(size), picture_format, at_s, known_bytes)


def _check_method(method: bytes) -> None:
    if method not in (b"GET", b"HEAD"):
        raise _Skipped("method")


def _check_status(status: int) -> None:
    if status not in (_SENT, _UNCHANGED):
        raise _Skipped("status")


def _first(entry: Mapping[str, Any], *names: str) -> Any:
    return next((entry[name] for name in names if entry.get(name) not in (None, "")), None)


def _time_s(value: object) -> float | None:
    """Return the Unix time that a field of JSON means, if it means one."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            iso_s = _iso_time_s(str(value))
            return _clf_time_s(str(value)) if iso_s is None else iso_s
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _within(value)
    return None


def _iso_time_s(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text)
        return _within((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)  # neighbouring lines have the same
def _clf_time_s(text: str) -> float | None:
    """Read `10/Oct/2000:13:55:36 -0700`."""
    match = _CLOCK.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        return None
    zone = timedelta(hours=int(match[8]), minutes=int(match[9])) * (1 if match[7] == "+" else -1)
    day, year, hour, minute, second = (int(match[group]) for group in (1, 3, 4, 5, 6))
    month = _MONTHS[match[2]]
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=timezone(zone))
    except ValueError:
        return None
    return _within(at.timestamp())


def _within(at_s: float) -> float | None:
    return float(at_s) if 0 <= at_s < _LATEST_S else None  # NaN is not within
