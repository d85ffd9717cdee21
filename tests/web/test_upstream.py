"""Facts about a service whose pictures another one draws."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import AsyncClient, Response
from tests.upstream import Upstream, answering, dnmonster
from tests.web.conftest import Person, assert_problem, served, sign_up
from tests.web.test_metrics import TOKEN, figures

from emoticon.settings import Settings
from emoticon.wiring import StartError, open_services, open_studio

BROKEN = answering(b"", status="500 Oh")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


def knobs(upstream: Upstream) -> dict[str, object]:
    return {
        "upstream_url": upstream.template,
        "default_style": "upstream",
        "metrics_token": TOKEN,
    }


def is_own(answer: Response) -> bool:
    """Say whether it is the picture of the look; the other is one in its place."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    caching = answer.headers["cache-control"]
    assert caching in {"private, no-cache", "no-store"}
    return caching != "no-store"


async def recovered(person: Person) -> Response:
    """Ask until the picture of the look comes: a failure is remembered for two seconds."""
    async with asyncio.timeout(15):
        while True:
            answer = await person.emoticon()
            if is_own(answer):
                return answer
            await asyncio.sleep(0.05)


async def outcomes(client: AsyncClient) -> dict[str, float]:
    found = await figures(client)
    return {
        outcome: found["emoticon_upstream_drawings_total", outcome]
        for outcome in ("drawn", "failed", "timed_out", "busy", "left_alone")
        if found["emoticon_upstream_drawings_total", outcome]
    }


async def test_a_new_account_has_a_picture_that_is_asked_for_once(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with served(tmp_path, **knobs(upstream)) as client:
        person = await sign_up(client, "somebody")
        first = await person.emoticon()
        assert is_own(first)
        assert (await person.emoticon()).content == first.content
        assert await outcomes(client) == {"drawn": 1}
        found = await figures(client)
    assert found["emoticon_upstream_available", "0"] == 1
    assert found["emoticon_upstream_retries_total",] == 0
    (asked,) = upstream.asked
    assert "somebody" not in asked.target


async def test_what_it_cannot_draw_has_a_stand_in_that_nobody_keeps(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.behaviour = BROKEN
    async with served(tmp_path, **knobs(upstream)) as client:
        person = await sign_up(client)
        stand_in = await person.emoticon()
        assert not is_own(stand_in)
        assert (await person.emoticon()).content == stand_in.content
        assert await outcomes(client) == {"failed": 1}
        upstream.behaviour = dnmonster
        own = await recovered(person)
        assert own.content != stand_in.content
        assert (await person.emoticon()).content == own.content
        assert (await figures(client))["emoticon_edge_hits_total",] >= 1
    assert len(upstream.asked) == 2


async def test_while_it_is_left_alone_others_are_served(tmp_path: Path, upstream: Upstream) -> None:
    upstream.behaviour = BROKEN
    async with served(tmp_path, **knobs(upstream)) as client:
        person = await sign_up(client)
        for size in (16, 24, 32, 40, 48, 64, 80, 96):
            assert not is_own(await person.emoticon({"size": size}))
        assert await outcomes(client) == {"failed": 5, "left_alone": 3}
        assert (await figures(client))["emoticon_upstream_available", "0"] == 0


async def test_its_pictures_have_no_svg(tmp_path: Path, upstream: Upstream) -> None:
    async with served(tmp_path, **knobs(upstream)) as client:
        person = await sign_up(client)
        assert_problem(await person.emoticon({"format": "svg"}), 422, "no_vector")


async def test_another_style_may_be_the_default_beside_it(
    tmp_path: Path, upstream: Upstream
) -> None:
    settings = Settings(data_dir=tmp_path, upstream_url=upstream.template, default_style="critters")
    async with open_studio(settings) as studio:
        assert {"dicebear", "upstream"} <= set(studio.generators.named)
        assert studio.generators.stand_in_style == "critters"


async def test_without_a_url_there_is_no_such_style(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="EMOTICON_DEFAULT_STYLE='upstream' is not a style"):
        async with open_services(Settings(data_dir=tmp_path, default_style="upstream")):
            pass


async def test_a_host_that_cannot_be_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="EMOTICON_UPSTREAM_URL cannot be used") as caught:
        async with open_studio(
            Settings(data_dir=tmp_path, upstream_url="http://ann:secret@☃/{seed}")
        ):
            pass
    assert "secret" not in str(caught.value)


async def test_when_it_is_taken_away_its_looks_have_a_stand_in(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with served(tmp_path, **knobs(upstream)) as client:
        person = await sign_up(client)
        assert is_own(await person.emoticon())
    async with served(tmp_path) as client:
        stayed = Person(client, person.username, person.token, person.refresh_token)
        assert not is_own(await stayed.emoticon())
