"""Attacks by, and through, another service that draws: U01, U02, U04, U05."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import psutil
import pytest
from httpx2 import AsyncClient, Limits, Response
from tests import upstream as behaviours
from tests.attacks.world import Pair, World, one_node, until
from tests.upstream import Behaviour, Upstream, answering, dnmonster, png, redirecting

HTML = b"<!doctype html><script>alert(1)</script>"
OUTSIDE = "http://169.254.169.254/latest/meta-data/"
U01: dict[str, Behaviour] = {
    "500": answering(png(128), status="500 Internal Server Error"),
    "404": answering(HTML, status="404 Not Found", media_type="text/html"),
    "302": redirecting(OUTSIDE),
    "302-to-itself": redirecting("/latest/meta-data/"),
    "204": answering(b"", status="204 No Content"),
    "empty": answering(b""),
    "html": answering(HTML, media_type="text/html"),
    "html-as-png": answering(HTML),
    "stack-trace": answering(b"Error: boom\n    at draw (/app/monster.js:1:1)\n" * 15),
    "wrong-type": answering(png(128), media_type="text/html"),
    "cut-off": answering(png(128)[:-30]),
    "wrong-check": answering(png(128)[:-14] + b"\0\0" + png(128)[-12:]),
}
U02: dict[str, Behaviour] = {
    "a-gigabyte": behaviours.a_gigabyte,
    "endless-chunks": behaviours.endless_chunks,
    "small-chunks": behaviours.endless_small_chunks,
    "packed": behaviours.bomb(),
    "one-byte-a-second": behaviours.one_byte_a_second,
    "silent": behaviours.silent,
    "closes-midway": behaviours.closes_midway,
    "ten-thousand-headers": behaviours.many_headers,
    "endless-headers": behaviours.endless_headers,
}
GROWTH_BYTES = 64 * 2**20
BACK_S = 20.0
AT_ONCE = 500
REQUESTS = 4
ASKED_OR_WAITING = REQUESTS + 8 * REQUESTS


@pytest.fixture(scope="module")
def upstream() -> Generator[Upstream]:
    with Upstream() as server:
        yield server


@pytest.fixture(scope="module")
def world(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """One service whose pictures all come from there."""
    with one_node(tmp_path_factory.mktemp("upstream"), drawn_by(upstream)) as world:
        yield world


@pytest.fixture(autouse=True)
def behaves_well(upstream: Upstream) -> Generator[None]:
    """Whatever a test made of it, the next one begins with a good service that is not left alone."""
    yield
    upstream.behaviour = dnmonster


def drawn_by(upstream: Upstream, timeout_s: float = 1) -> dict[str, str]:
    return {
        "EMOTICON_UPSTREAM_URL": upstream.template,
        "EMOTICON_UPSTREAM_REQUESTS": str(REQUESTS),
        "EMOTICON_UPSTREAM_TIMEOUT_S": str(timeout_s),
        "EMOTICON_DEFAULT_STYLE": "upstream",
    }


def emoticon(world: World, pair: Pair, **headers: str) -> Response:
    query = {"username": pair.username}
    return world.send("GET", "/emoticon/", at=pair.at, params=query, headers=headers)


def is_own(answer: Response) -> bool:
    """Say whether it is the picture of the look; the other is one in its place. Both are PNG, and harmless."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert b"<script" not in answer.content
    caching = answer.headers["cache-control"]
    assert caching in {"private, no-cache", "no-store"}
    return caching != "no-store"


def misbehave(world: World, upstream: Upstream, bad: Iterable[Behaviour]) -> list[Pair]:
    """Have somebody new ask for each; a good picture in between keeps the service from being left alone."""
    pairs = []
    for behaviour in bad:
        pairs.append(world.sign_up())
        upstream.behaviour = behaviour
        assert not is_own(emoticon(world, pairs[-1])), behaviour
        upstream.behaviour = dnmonster
        until(lambda: is_own(emoticon(world, world.sign_up())), True, within_s=BACK_S)
    return pairs


def assert_all_recover(world: World, pairs: Sequence[Pair]) -> None:
    """Nothing of what was wrong is kept: everybody gets the own picture, and that is kept as any other."""
    for pair in pairs:
        until(lambda pair=pair: is_own(emoticon(world, pair)), True, within_s=BACK_S)  # type: ignore[misc]  # bound at once
        own = emoticon(world, pair)
        again = emoticon(world, pair, **{"If-None-Match": own.headers["etag"]})
        assert again.status_code == 304
        assert again.headers["cache-control"] == "private, no-cache"


def test_u01_what_is_no_good_png_has_a_stand_in_and_is_never_kept(
    world: World, upstream: Upstream
) -> None:
    pairs = misbehave(world, upstream, U01.values())
    assert_all_recover(world, pairs)
    assert all(asked.target.startswith("/monster/") for asked in upstream.asked)


def test_u01_pictures_of_the_upstream_are_asked_for_once(world: World, upstream: Upstream) -> None:
    pair = world.sign_up()
    before = len(upstream.asked)
    bodies = {emoticon(world, pair).content for _ in range(10)}
    assert (len(bodies), len(upstream.asked) - before) == (1, 1)


def test_u02_what_does_not_end_is_cut_and_takes_no_memory(world: World, upstream: Upstream) -> None:
    (node,) = world.nodes
    emoticon(world, world.sign_up())
    before_bytes = psutil.Process(node.pid).memory_info().rss
    pairs = misbehave(world, upstream, U02.values())
    assert psutil.Process(node.pid).memory_info().rss - before_bytes < GROWTH_BYTES
    assert_all_recover(world, pairs)


def test_u02_after_failures_it_is_left_alone_until_it_is_well_again(
    world: World, upstream: Upstream
) -> None:
    pairs = [world.sign_up() for _ in range(8)]
    upstream.behaviour = U02["silent"]
    before = len(upstream.asked)
    assert not any(is_own(emoticon(world, pair)) for pair in pairs)
    assert len(upstream.asked) - before == 5
    assert {node.status(pairs[0].at) for node in world.nodes} == {200}
    upstream.behaviour = dnmonster
    assert_all_recover(world, pairs)


def test_u04_of_500_misses_at_once_a_few_are_asked_for_and_the_others_have_stand_ins(
    tmp_path: Path,
) -> None:
    patient = {"EMOTICON_DRAW_QUEUE": str(AT_ONCE), "EMOTICON_DRAW_DEADLINE_S": "120"}
    with (
        Upstream() as slow,
        one_node(tmp_path, {**drawn_by(slow, timeout_s=60), **patient}) as world,
    ):
        asyncio.run(ask_for_many(world, world.sign_up(), slow))


async def ask_for_many(world: World, pair: Pair, slow: Upstream) -> None:
    wishes = itertools.islice(itertools.product(("png", "webp", "avif"), range(16, 256)), AT_ONCE)
    stand_ins = asyncio.Semaphore(0)

    async def ask(client: AsyncClient, picture_format: str, size_px: int) -> str:
        query = {"username": pair.username, "size": str(size_px), "format": picture_format}
        answer = await client.get("/emoticon/", params=query)
        assert answer.status_code == 200, answer.text
        if answer.headers["cache-control"] == "no-store":
            stand_ins.release()
        return answer.headers["cache-control"]

    headers = {"Authorization": f"Bearer {pair.at}"}
    limits = Limits(max_connections=AT_ONCE)
    url = world.nodes[0].url
    async with (
        AsyncClient(base_url=url, headers=headers, limits=limits, timeout=120) as client,
        asyncio.TaskGroup() as group,  # one request that fails ends the wait for the others
    ):
        # So that the token is known: 500 first looks at it would wait for the database.
        assert (await client.get("/auth/user")).status_code == 200
        with slow.held():
            asked = [group.create_task(ask(client, *wish)) for wish in wishes]
            for _ in range(AT_ONCE - ASKED_OR_WAITING):
                await stand_ins.acquire()
    caching = Counter(task.result() for task in asked)
    assert slow.most_at_once == REQUESTS
    assert caching == {
        "no-store": AT_ONCE - ASKED_OR_WAITING,
        "private, no-cache": ASKED_OR_WAITING,
    }


def test_u05_nothing_of_who_asks_reaches_it(world: World, upstream: Upstream) -> None:
    pair = world.sign_up()
    secrets = {
        "Cookie": "__Host-session=a-secret",
        "Proxy-Authorization": "Basic a-secret",
        "X-Forwarded-For": "192.0.2.99",
        "X-Request-Id": "a-secret-request",
        "Referer": "https://a-secret.example/",
        "User-Agent": "a-secret-browser",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    before = len(upstream.asked)
    assert is_own(emoticon(world, pair, **secrets))
    (asked,) = upstream.asked[before:]
    names = sorted(name.lower() for name, _ in asked.headers)
    assert names == ["accept", "accept-encoding", "host", "user-agent"]
    sent = f"{asked.target} {asked.headers}"
    for secret in (
        pair.at,
        pair.username,
        "secret",
        "192.0.2.99",
        "0af7651916cd43dd8448eb211c80319c",
    ):
        assert secret not in sent
