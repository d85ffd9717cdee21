"""Facts about the figures for Prometheus."""

import asyncio
import re
from pathlib import Path

import pytest
from httpx2 import AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from tests.valkey import ValkeyServer
from tests.web.conftest import Person, assert_problem, bearer, served, sign_up

TOKEN = "a-token-for-metrics-alone"
PAGE = Path(__file__).parents[2] / "docs/metrics.md"


async def figures(client: AsyncClient) -> dict[tuple[str, ...], float]:
    """Return every figure by its name and the values of its labels, in the order of their names."""
    answer = await client.get("/metrics", headers=bearer(TOKEN))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_without_a_token_of_theirs_there_are_no_metrics(person: Person) -> None:
    assert_problem(await person.client.get("/metrics"), 404, "not_found")
    assert_problem(await person.client.get("/metrics", headers=person.headers), 404, "not_found")


async def test_only_their_own_token_opens_them(tmp_path: Path) -> None:
    async with served(tmp_path, metrics_token=TOKEN) as client:
        person = await sign_up(client)
        assert_problem(await client.get("/metrics"), 401, "not_authenticated")
        for wrong in (person.token, TOKEN[:-1], TOKEN + "x", "ä"):
            answer = await client.get(
                "/metrics", headers={b"Authorization": f"Bearer {wrong}".encode()}
            )
            assert_problem(answer, 401, "invalid_token")
        assert (await client.get("/metrics", headers=bearer(TOKEN))).status_code == 200


async def test_a_picture_is_counted_where_it_was_looked_for_and_drawn(tmp_path: Path) -> None:
    async with served(tmp_path, metrics_token=TOKEN) as client:
        person = await sign_up(client)
        for _ in range(4):
            await person.emoticon({"format": "svg"})
        async with asyncio.timeout(10):  # it is handed on after the answer
            while True:
                found = await figures(client)
                if found["emoticon_tier_promotions_total", "disk"]:
                    break
                await asyncio.sleep(0.01)
    assert found["emoticon_tier_lookups_total", "hit", "memory"] == 3
    assert found["emoticon_tier_lookups_total", "miss", "memory"] == 1
    assert found["emoticon_tier_lookups_total", "miss", "disk"] == 1
    assert found["emoticon_drawings_total", "svg"] == 1
    assert found["emoticon_hit_ratio",] == 0.75
    assert found["emoticon_saved_cpu_seconds_total",] == pytest.approx(
        3 * found["emoticon_drawing_seconds_total", "svg"]
    )
    assert found["emoticon_tier_promotions_total", "disk"] == 1
    assert found["emoticon_erasures_pending", "disk"] == 0
    assert found["emoticon_tier_available", "disk"] == 1
    assert found["emoticon_tier_bytes", "memory"] > 0
    assert found["process_resident_memory_bytes",] > 0


async def test_no_figure_names_an_account(tmp_path: Path) -> None:
    async with served(tmp_path, metrics_token=TOKEN) as client:
        person = await sign_up(client, "somebody")
        await person.emoticon()
        answer = await client.get("/metrics", headers=bearer(TOKEN))
    assert "somebody" not in answer.text


async def test_a_valkey_that_went_away_shows(tmp_path: Path, empty_valkey: ValkeyServer) -> None:
    knobs = {"metrics_token": TOKEN, "shared_tier_url": empty_valkey.url}
    async with served(tmp_path, **knobs) as client:
        person = await sign_up(client)
        await person.emoticon()
        assert (await figures(client))["emoticon_tier_available", "shared"] == 1
        empty_valkey.stop()
        for size in range(16, 26):
            assert (await person.emoticon({"size": 8 * size})).status_code == 200
        found = await figures(client)
    assert found["emoticon_tier_available", "shared"] == 0
    assert found["emoticon_tier_lookups_total", "unavailable", "shared"] > 0


async def test_the_page_of_metrics_names_each_and_no_other(
    tmp_path: Path, empty_valkey: ValkeyServer
) -> None:
    async with served(tmp_path, metrics_token=TOKEN, shared_tier_url=empty_valkey.url) as client:
        person = await sign_up(client)
        await person.emoticon()
        await person.emoticon()
        there = {name for name, *_ in await figures(client) if name.startswith("emoticon_")}
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(emoticon_\w+)`", text, re.MULTILINE)) == there
