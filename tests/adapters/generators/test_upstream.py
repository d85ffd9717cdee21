"""Facts about pictures that another service draws: what it is asked, and which of its answers is taken."""

import base64
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.adapters.generators.asking import LOOK, asking, pixel
from tests.upstream import (
    SIGNATURE,
    Behaviour,
    Upstream,
    answering,
    chunk,
    closes_at_once,
    colour_of,
    failing_first,
    header,
    png,
    redirecting,
)

from emoticon.adapters.generators.upstream_server import MOST_BYTES, UpstreamServer
from emoticon.domain.errors import DrawingBusy, DrawingFailed, NoVector, UnknownStyle
from emoticon.domain.models import UPSTREAM, Format
from emoticon.domain.upstream_traffic import UpstreamTraffic

PIXEL_FORMATS = (Format.PNG, Format.WEBP, Format.AVIF)
HTML = b"<!doctype html><script>alert(1)</script>"
MAGIC = {Format.PNG: b"\x89PNG", Format.WEBP: b"RIFF", Format.AVIF: b"ftypavif"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


@pytest.mark.parametrize("picture_format", PIXEL_FORMATS)
@pytest.mark.parametrize("size_px", [16, 100, 512])
async def test_its_picture_comes_in_the_size_and_format_that_was_wanted(
    upstream: Upstream, size_px: int, picture_format: Format
) -> None:
    async with asking(upstream.template) as use:
        drawing = await use.generator.draw(LOOK, size_px, picture_format)
    assert MAGIC[picture_format] in drawing.body[:16]
    assert drawing.took_ms > 0
    width, height, colour = pixel(drawing.body)
    assert (width, height) == (size_px, size_px)
    wanted = colour_of(upstream.asked[0].seed)
    assert colour[:3] == pytest.approx(list(wanted[:3]), abs=12)
    assert use.traffic.drawings == {
        "drawn": 1,
        "failed": 0,
        "timed_out": 0,
        "busy": 0,
        "left_alone": 0,
    }


async def test_it_is_asked_for_a_size_that_is_kept(upstream: Upstream) -> None:
    async with asking(upstream.template) as use:
        for size_px in (16, 17, 100, 128, 401, 512):
            await use.png(size_px=size_px)
    assert [asked.size for asked in upstream.asked] == ["16", "24", "128", "128", "512", "512"]


async def test_a_service_without_sizes_is_asked_all_the_same(upstream: Upstream) -> None:
    async with asking(f"{upstream.url}/monster/{{seed}}") as use:
        assert pixel(await use.png(size_px=48))[:2] == (48, 48)
    assert upstream.asked[0].target == f"/monster/{upstream.asked[0].seed}"


async def test_it_is_told_a_digest_that_is_another_for_every_look(upstream: Upstream) -> None:
    looks = [
        LOOK,
        replace(LOOK, seed="another"),
        replace(LOOK, options='{"a":1}'),
        replace(LOOK, generator_version=2),
    ]
    async with asking(upstream.template) as use:
        for look in (*looks, *looks):
            await use.png(look)
    seeds = [asked.seed for asked in upstream.asked]
    assert len(set(seeds)) == len(looks)
    assert seeds[: len(looks)] == seeds[len(looks) :]
    assert all(len(seed) == 32 and int(seed, 16) for seed in seeds)


async def test_nothing_is_sent_but_what_it_needs(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    upstream.behaviour = answering(png(16), "Set-Cookie: tracked=yes; Path=/")
    async with asking(upstream.template) as use:
        await use.png()
        await use.png()
    first, second = upstream.asked
    assert first == second
    names = [name.lower() for name, _ in first.headers]
    assert sorted(names) == ["accept", "accept-encoding", "host", "user-agent"]
    sent = {name.lower(): value for name, value in first.headers}
    assert sent["accept-encoding"] == "identity"
    assert sent["user-agent"].startswith("emoticon/")


async def test_credentials_of_the_url_are_sent_as_basic_and_said_nowhere(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    template = upstream.template.replace("//", "//annette:p%40ss%3Aword@")
    upstream.behaviour = failing_first(2, answering(b"", status="500 Oh"))
    async with asking(template) as use:
        with pytest.raises(DrawingFailed) as caught:
            await use.png()
        with pytest.raises(DrawingFailed):
            await use.png()
        await use.png()
        assert "word" not in repr(vars(use.generator)) + use.generator.revision
    sent = dict(upstream.asked[0].headers)["Authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")) == b"annette:p@ss:word"
    assert "@" not in upstream.asked[0].target + dict(upstream.asked[0].headers)["Host"]
    said = caplog.text + str(caught.value)
    assert "status 500" in said
    assert LOOK.seed not in said
    for secret in ("annette", "p%40ss", "p@ss", sent.removeprefix("Basic ")):
        assert secret not in said, secret


async def test_its_connections_are_used_again(upstream: Upstream) -> None:
    async with asking(upstream.template) as use:
        for number in range(5):
            await use.png(replace(LOOK, seed=str(number)))
    assert upstream.connections == 1


REFUSED: dict[str, Behaviour] = {
    "500": answering(png(128), status="500 Internal Server Error"),
    "404": answering(png(128), status="404 Not Found"),
    "201": answering(png(128), status="201 Created"),
    "206": answering(png(128), status="206 Partial Content"),
    "204": answering(b"", status="204 No Content"),
    "304": answering(b"", status="304 Not Modified"),
    "empty": answering(b""),
    "stack-trace": answering(b"Error: boom\n    at draw (/app/monster.js:1:1)\n" * 15),
    "html": answering(HTML, media_type="text/html"),
    "html-as-png": answering(HTML),
    "png-as-html": answering(png(128), media_type="text/html"),
    "two-types": answering(png(128), "Content-Type: text/html"),
    "jpeg": answering(b"\xff\xd8\xff\xe0" + bytes(1000), media_type="image/jpeg"),
    "svg": answering(b"<svg xmlns='http://www.w3.org/2000/svg'/>", media_type="image/svg+xml"),
    "svg-as-png": answering(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "packed": answering(zlib.compress(png(128)), "Content-Encoding: deflate"),
    "cut-off": answering(png(128)[:-30]),
    "wrong-check": answering(png(128)[:-14] + b"\0\0" + png(128)[-12:]),
    "too-large": answering(png(1025)),
    "not-square": answering(png(128, height=64)),
    "pixels-missing": answering(
        SIGNATURE
        + header(128, 128)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    ),
    "pixels-damaged": answering(
        SIGNATURE + header(128, 128) + chunk(b"IDAT", b"no zlib") + chunk(b"IEND", b"")
    ),
    "without-pixels": answering(SIGNATURE + header(128, 128) + chunk(b"IEND", b"")),
    "odd-depth": answering(
        SIGNATURE + header(1, 1, depth=3) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    ),
    "too-long": answering(png(16) + bytes(MOST_BYTES)),
    "no-length": answering(b"x", "Content-Length: none"),
    "long-length": answering(b"x", "Content-Length: " + "9" * 5000),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_u01_whatever_is_no_good_png_is_not_drawn(upstream: Upstream, name: str) -> None:
    async with asking(upstream.template) as use:
        upstream.behaviour = REFUSED[name]
        with pytest.raises(DrawingFailed):
            await use.png()
        assert use.traffic.drawings["failed"] == 1
        upstream.behaviour = answering(png(128))
        assert pixel(await use.png())[:2] == (128, 128)


@pytest.mark.parametrize("to", ["http://169.254.169.254/latest/meta-data/", "/elsewhere"])
async def test_u01_a_redirect_is_not_followed(upstream: Upstream, to: str) -> None:
    upstream.behaviour = failing_first(1, redirecting(to))
    async with asking(upstream.template) as use:
        with pytest.raises(DrawingFailed):
            await use.png()
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(
    ("depth", "colour", "row"),
    [(1, 0, b"\0\xff"), (8, 0, b"\0" + b"\xff" * 8), (16, 6, b"\0" + b"\xff\0" * 32)],
    ids=["one-bit", "grey", "sixteen-bits"],
)
@pytest.mark.parametrize("picture_format", PIXEL_FORMATS)
async def test_every_kind_of_png_can_be_had_in_every_format(
    upstream: Upstream, depth: int, colour: int, row: bytes, picture_format: Format
) -> None:
    body = chunk(b"IDAT", zlib.compress(row * 8))
    first = header(8, 8, depth=depth, colour=colour)
    upstream.behaviour = answering(SIGNATURE + first + body + chunk(b"IEND", b""))
    async with asking(upstream.template) as use:
        drawing = await use.generator.draw(LOOK, 64, picture_format)
    assert pixel(drawing.body)[:2] == (64, 64)


async def test_the_largest_pictures_are_taken(upstream: Upstream) -> None:
    filling = chunk(b"tEXt", bytes(MOST_BYTES - len(png(1024)) - 12))
    upstream.behaviour = answering(png(1024, extra=filling))
    async with asking(upstream.template) as use:
        assert pixel(await use.png(size_px=512))[:2] == (512, 512)


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Busy", "504 Gateway Timeout"])
async def test_who_is_away_for_a_moment_is_asked_once_more(upstream: Upstream, status: str) -> None:
    upstream.behaviour = failing_first(1, answering(HTML, status=status, media_type="text/html"))
    async with asking(upstream.template) as use:
        await use.png()
    assert len(upstream.asked) == 2
    assert use.traffic.retries == 1
    assert use.traffic.drawings["drawn"] == 1


async def test_a_connection_that_ended_is_made_anew(upstream: Upstream) -> None:
    upstream.behaviour = failing_first(1, closes_at_once)
    async with asking(upstream.template) as use:
        await use.png()
    assert (len(upstream.asked), use.traffic.retries) == (2, 1)


async def test_nobody_is_asked_three_times(upstream: Upstream) -> None:
    upstream.behaviour = closes_at_once
    async with asking(upstream.template) as use:
        with pytest.raises(DrawingFailed):
            await use.png()
    assert (len(upstream.asked), use.traffic.retries) == (2, 1)


async def test_where_nobody_listens_nothing_is_drawn(upstream: Upstream) -> None:
    upstream.refuse()
    async with asking(upstream.template) as use:
        with pytest.raises(DrawingFailed):
            await use.png()
        upstream.listen()
        await use.png()


async def test_a_host_that_no_resolver_can_be_asked_for_is_a_failure() -> None:
    async with asking(f"http://{'a' * 64}.test/{{seed}}") as use:
        with pytest.raises(DrawingFailed):
            await use.png()


def test_a_url_that_is_none_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match=r"^The URL cannot be used$"):
        UpstreamServer("http://ann:secret@☃/{seed}", UpstreamTraffic(), connections=1)


async def test_pictures_have_no_vectors(upstream: Upstream) -> None:
    async with asking(upstream.template) as use:
        with pytest.raises(NoVector):
            await use.generator.draw(LOOK, 128, Format.SVG)
    assert upstream.asked == []
    assert sum(use.traffic.drawings.values()) == 0


async def test_only_its_own_looks_are_drawn(upstream: Upstream) -> None:
    async with asking(upstream.template) as use:
        with pytest.raises(DrawingFailed):
            await use.png(replace(LOOK, generator="dicebear"))
        with pytest.raises(UnknownStyle):
            await use.png(replace(LOOK, style="moods"))
    assert upstream.asked == []


async def test_when_no_thread_is_free_its_picture_cannot_be_looked_at(upstream: Upstream) -> None:
    async with asking(upstream.template, queue=-2, failures=1) as use:
        for _ in range(2):
            with pytest.raises(DrawingBusy):
                await use.png()
        assert use.traffic.available, "that is no fault of the service"
    assert len(upstream.asked) == 2
    assert use.traffic.drawings["busy"] == 2


async def test_its_one_style_says_nothing_of_whom_to_thank(upstream: Upstream) -> None:
    async with asking(upstream.template, version=7) as use:
        generator = use.generator
        assert generator.version == 7
        assert generator.style_names == (UPSTREAM,)
        style = generator.style(UPSTREAM)
        assert (style.name, style.title, style.license, style.creator) == (
            "upstream",
            "Upstream",
            "",
            "",
        )
        with pytest.raises(UnknownStyle):
            generator.style("moods")


async def test_the_revision_knows_the_version_and_the_service_but_no_credentials() -> None:
    async def revision(template: str, version: int = 1) -> str:
        async with asking(template, version=version) as use:
            return use.generator.revision

    first = await revision("http://one.test/{seed}")
    assert await revision("http://ann:secret@one.test/{seed}") == first
    others = [
        await revision("http://one.test/{seed}", version=2),
        await revision("http://two.test/{seed}"),
        await revision("http://one.test/{seed}?size={size}"),
    ]
    assert len({first, *others}) == 4
