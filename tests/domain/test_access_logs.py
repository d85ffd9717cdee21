"""Facts about reading access logs."""

import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticon.domain.access_logs import MAX_LINE_BYTES, Request, Tally, lines, read
from emoticon.domain.models import Format

AT = datetime(2026, 10, 1, 13, 55, 36, tzinfo=UTC).timestamp()
COMMON = (
    '127.0.0.1 - - [01/Oct/2026:13:55:36 +0000] "GET /emoticon/?username=ann HTTP/1.1" 200 3352'
)


def one(line: str | bytes) -> Request:
    (found,) = read([line if isinstance(line, bytes) else line.encode()])
    return found


def reason(line: bytes) -> str:
    tally = Tally()
    assert list(read([line], tally)) == []
    ((why, count),) = tally.skipped.items()
    assert count == 1
    return why


@pytest.mark.parametrize(
    "line",
    [
        COMMON,
        f'{COMMON} "https://app.example/" "Mozilla/5.0 (X11; \\"odd\\")"',
        f"app.example:443 {COMMON}\r\n",
        COMMON.replace("13:55:36 +0000", "16:25:36 +0230"),
        COMMON.replace("13:55:36 +0000", "05:55:36 -0800"),
    ],
)
def test_common_and_combined_lines_say_who_when_and_how_many_bytes(line: str) -> None:
    assert one(line) == Request("ann", 128, Format.PNG, AT, 3352)


@pytest.mark.parametrize(
    ("entry", "at_s"),
    [
        ({"request": "GET /emoticon/?username=ann HTTP/2.0", "status": "200", "msec": "5.5"}, 5.5),
        ({"request_uri": "/emoticon?username=ann", "time_iso8601": "1970-01-01T00:01:00Z"}, 60),
        ({"uri": "/emoticon/?username=ann", "method": "HEAD", "@timestamp": "1970-01-01"}, 0),
        ({"path": "/emoticon/?username=ann", "status": 304, "time": "1970-01-01T01:00:10"}, 3610),
        ({"request": {"uri": "/emoticon/?username=ann", "method": "GET"}, "ts": 7}, 7),
        ({"url": "/emoticon/?username=ann", "time": "01/Jan/1970:00:00:09 +0000"}, 9),
        ({"url": "/emoticon/?username=ann", "time": True}, None),
        ({"url": "/emoticon/?username=ann", "time": [1]}, None),
        ({"url": "/emoticon/?username=ann", "time": "1e999"}, None),
        ({"url": "/emoticon/?username=ann", "time": "soon"}, None),
        ({"url": "/emoticon/?username=ann", "time": "9999-12-31T23:59:59-23:59"}, None),
        ({"url": "/emoticon/?username=ann", "time": 10**300}, None),
        ({"url": "/emoticon/?username=ann", "time": float("nan")}, None),
    ],
)
def test_json_lines_are_read_by_their_usual_fields(
    entry: dict[str, object], at_s: float | None
) -> None:
    found = one(json.dumps(entry))
    assert (found.username, found.size_px, found.format) == ("ann", 128, Format.PNG)
    assert found.at_s == at_s


@pytest.mark.parametrize(
    "url",
    [
        "/emoticon/?username=ann&size=64&format=webp",
        "/emoticon?format=auto&size=64&username=bob&username=ann&other=1",
        "https://app.example:8443/emoticon/?username=a%6En&size=64&format=webp",
        "HEAD /emoticon/?username=ann&size=64&format=webp",
    ],
)
def test_bare_urls_are_requests_without_a_time(url: str) -> None:
    assert one(url) == Request("ann", 64, Format.WEBP, None)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"/emoticon/?username=" + b"a" * MAX_LINE_BYTES, "too long"),
        (b"\x00\xff\xfe binary", "unreadable"),
        (b"hello", "unreadable"),
        (b"{", "unreadable"),
        (b"{}", "unreadable"),
        (b'{"a":' + b"[" * 10_000, "unreadable"),
        (b'{"uri": 7}', "unreadable"),
        (b'{"uri": "/emoticon/?username=a", "status": 404}', "status"),
        (b'{"uri": "/emoticon/?username=a", "method": "PUT"}', "method"),
        (COMMON.replace(" 200 ", " 403 ").encode(), "status"),
        (COMMON.replace("GET", "POST").encode(), "method"),
        (COMMON.replace("/emoticon/", "/readyz").encode(), "no picture"),
        (b"http://app.example", "no picture"),
        (b"/emoticon/look?username=ann", "no picture"),
        (b"/emoticon/", "query"),
        (b"/emoticon/?username=%00", "query"),
        (b"/emoticon/?username=%ff", "query"),
        (b"/emoticon/?username=\xff", "query"),
        (b"/emoticon/?username=" + b"a" * 129, "query"),
        (b"/emoticon/?username=a&size=0", "query"),
        (b"/emoticon/?username=a&size=9999999999", "query"),
        (b"/emoticon/?username=a&size=%D9%A3%D9%A2", "query"),
        (b"/emoticon/?username=a&format=gif", "query"),
        (b"/emoticon/?username=a" + b"&x=1" * 100, "query"),
    ],
)
def test_what_is_no_answered_request_for_a_picture_is_skipped_for_a_reason(
    line: bytes, why: str
) -> None:
    assert reason(line) == why


@pytest.mark.parametrize(
    "at",
    [
        *("", "tomorrow", "31/Feb/2026:00:00:00 +0000", "01/Foo/2026:00:00:00 +0000"),
        *("01/Jan/0000:00:00:00 +0000", "01/Jan/2026:00:00:00 +9999", "01/Jan/0001:00:00:00 +0000"),
    ],
)
def test_a_time_that_is_none_is_unknown(at: str) -> None:
    assert one(COMMON.replace("01/Oct/2026:13:55:36 +0000", at)).at_s is None


@pytest.mark.parametrize(("status", "sent"), [("304", "0"), ("200", "-"), ("200", "9" * 20)])
def test_bytes_count_only_where_a_picture_was_sent(status: str, sent: str) -> None:
    assert one(COMMON.replace("200 3352", f"{status} {sent}")).sent_bytes is None


def test_lines_and_requests_are_counted() -> None:
    tally = Tally()
    assert len(list(read([COMMON.encode(), b"", b"x", b"", COMMON.encode()], tally))) == 2
    assert (tally.lines, tally.requests) == (5, 2)
    assert dict(tally.skipped) == {"empty": 2, "unreadable": 1}


def test_a_line_without_end_is_never_held_whole() -> None:
    long = io.BytesIO(b"x" * (5 * MAX_LINE_BYTES) + b"\nshort\n" + b"y" * (2 * MAX_LINE_BYTES))
    found = list(lines(long))
    assert [len(line) for line in found] == [MAX_LINE_BYTES + 1, 6, MAX_LINE_BYTES + 1]


PIECES = st.sampled_from(
    [
        *(b"GET ", b"/emoticon/?", b"username=", b"&size=", b" 200 ", b'{"uri":', COMMON.encode()),
        *(b"[", b"]", b'"', b"{", b"}", b":", b"%", b"://", b"\x00", b"\xff"),
        b"01/Oct/2026:13:55:36 +0000",
    ]
)


@given(st.lists(PIECES | st.binary(max_size=8), max_size=12).map(b"".join))
def test_no_line_raises(line: bytes) -> None:
    tally = Tally()
    found = list(read([line], tally))
    assert len(found) + tally.skipped.total() == 1
