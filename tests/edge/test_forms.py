"""What the service publishes and what nginx finds are of the same forms, to the longest."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from httpx2 import AsyncClient
from tests.adapters.tiers.drawings import drawn
from tests.nginx import NginxServer, public_directory
from tests.servers import free_port

from emoticon.adapters.clock import SystemClock
from emoticon.adapters.edge.files import FileEdge
from emoticon.domain.models import Format, Grant
from emoticon.web.links import LASTING, SHORT
from emoticon.web.picture_headers import answer as answer_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def directory() -> Iterator[Path]:
    with public_directory() as made:
        (made / "nginx").mkdir()
        yield made


@pytest.fixture
def nginx(directory: Path) -> Iterator[NginxServer]:
    """Before nobody: what it does not find is 503."""
    edge = directory / "edge"
    with NginxServer(directory / "nginx", app_port=free_port(), edge=edge) as started:
        yield started


@pytest.fixture
async def edge(directory: Path) -> AsyncIterator[FileEdge]:
    opened = FileEdge(directory / "edge", max_bytes=1 << 20, clock=SystemClock())
    await opened.start()
    opened.keep(lambda: None)
    yield opened
    await opened.aclose()


@pytest.mark.parametrize(
    ("header", "payload", "signature", "username", "published"),
    [
        (74, 242, 43, "ann", True),
        (1, 161, 43, "0", True),
        (94, 372, 86, "a" * 32, True),
        (95, 242, 43, "ann", False),
        (74, 160, 43, "ann", False),
        (74, 373, 43, "ann", False),
        (74, 242, 42, "ann", False),
        (74, 242, 87, "ann", False),
        (74, 242, 43, "a" * 33, False),
        (74, 242, 43, "-ann", False),
        (74, 242, 43, "Ann", False),
        (74, 242, 43, "", False),
    ],
)
async def test_tokens_and_names_of_these_lengths_are_found(
    header: int,
    payload: int,
    signature: int,
    username: str,
    *,
    published: bool,
    nginx: NginxServer,
    edge: FileEdge,
) -> None:
    token = f"{'h' * header}.{'p' * payload}.{'s' * signature}"
    edge.publish(
        Grant(token, 1, username, 64, Format.WEBP, int(time.time()) + 600),
        drawn(1, picture_format=Format.WEBP),
    )
    edge.renew()
    async with AsyncClient(base_url=nginx.url) as client:
        answer = await client.get(
            f"/emoticon?username={username}&size=64&format=webp",
            headers={"Authorization": f"Bearer {token}"},
        )
    assert answer.status_code == (200 if published else 503)
    assert (answer.content == drawn(1).body) == published
    if published:
        assert answer.headers["etag"] == drawn(1).etag
        assert answer.headers["content-type"] == "image/webp"


@pytest.mark.parametrize(
    ("token", "version", "query", "published"),
    [
        ("aZ09_-" * 7 + "x", "", "", True),
        ("-" * 43, "", "?size=128", True),
        ("t" * 43, "0123456789ab", "?v=0123456789ab", True),
        ("t" * 43, "0123456789ab", "?size=128&v=0123456789ab", True),
        ("t" * 43, "0123456789ab", "", False),
        ("t" * 43, "0123456789ab", "?v=0123456789a", False),
        ("t" * 43, "0123456789ab", "?v=0123456789AB", False),
        ("t" * 43, "0123456789ab", "?v=0123456789ab&size=128", False),
        ("t" * 43, "0123456789ab", "?v=0123456789ab&v=0123456789ab", False),
        ("t" * 43, "", "?", False),
        ("t" * 43, "", "?v=", False),
        ("t" * 43, "", "?size=0128", False),
        ("t" * 43, "", "?size=128&", False),
        ("t" * 43, "", "?size=128&x=1", False),
        ("t" * 42, "", "", False),
        ("t" * 44, "", "", False),
    ],
)
async def test_links_of_these_forms_are_found(
    token: str, version: str, query: str, *, published: bool, nginx: NginxServer, edge: FileEdge
) -> None:
    picture = drawn(1, picture_format=Format.SVG)
    ends_at_s = int(time.time()) + 600
    edge.publish(Grant(token, 1, version, 128, Format.SVG, ends_at_s), picture)
    edge.renew()
    async with AsyncClient(base_url=nginx.url) as client:
        answer = await client.get(f"/e/{token}.svg{query}", headers={"Authorization": "Bearer x"})
        straight = await client.get(f"/e/{token}/link/e~{version}~128.svg{query}")
    assert answer.status_code == (200 if published else 503)
    assert straight.status_code == 503
    if published:
        by_route = answer_of(picture, LASTING if version else SHORT, [])
        for name, value in by_route.headers.items():
            assert answer.headers[name].removesuffix("; charset=utf-8") == value, name
        assert "vary" not in answer.headers


async def test_the_log_has_no_token_of_a_link_in_it_however_it_is_spelled(
    nginx: NginxServer,
) -> None:
    token = "tT0-_" * 8 + "abc"
    paths = (
        f"/e/{token}.png",
        f"/x//{token}",
        f"/e/%{ord(token[0]):02x}{token[1:]}.png",
        f"/e/{token[:20]}%{ord(token[20]):02x}{token[21:]}.png",
        f"/%65/{token}.png?size=64",
        f"/x/y/{token}/z",
        "/auth/sign-in",
    )
    async with AsyncClient(base_url=nginx.url) as client:
        for path in paths:
            assert (await client.get(path)).status_code == 503
    lines = [json.loads(line) for line in nginx.access_log.read_text().splitlines()]
    assert [line["path"] for line in lines] == [
        *("/e/...", "/x//...", "/e/", f"/e/{token[:20]}", "/", "/x/y/...", "/auth/sign-in")
    ]


async def test_the_configuration_for_compose_starts_before_its_service(directory: Path) -> None:
    nginx = NginxServer(
        directory / "nginx",
        app_port=free_port(),
        edge=directory / "edge",
        changes={"include upstream.conf": "include upstream-compose.conf"},
    )
    with nginx:
        async with AsyncClient(base_url=nginx.url) as client:
            assert (await client.get("/livez")).status_code == 503
