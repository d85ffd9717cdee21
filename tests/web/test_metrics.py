"""Facts about the figures for Prometheus."""

import asyncio
import math
import re
from pathlib import Path

import pytest
from httpx2 import AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from tests.nginx import public_directory
from tests.valkey import ValkeyServer
from tests.web.conftest import Person, assert_problem, bearer, refreshed, served, sign_up

from emoticon.adapters.clock import SystemClock
from emoticon.domain.floors import Floors

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
        for _ in range(3):
            await person.emoticon({"format": "svg"})
        again = await refreshed(client, person.refresh_token)
        person.token = again.json()["access_token"]  # for which nothing is published yet
        await person.emoticon({"format": "svg"})
        async with asyncio.timeout(10):  # it is handed on after the answer
            while True:
                found = await figures(client)
                if found["emoticon_tier_promotions_total", "disk"]:
                    break
                await asyncio.sleep(0.01)
    assert found["emoticon_edge_hits_total",] == 2
    assert found["emoticon_tier_lookups_total", "hit", "memory"] == 1
    assert found["emoticon_tier_lookups_total", "miss", "memory"] == 1
    assert found["emoticon_tier_lookups_total", "miss", "disk"] == 1
    assert found["emoticon_drawings_total", "svg"] == 1
    assert found["emoticon_hit_ratio", "0"] == 0.75
    assert found["emoticon_saved_cpu_seconds_total",] == pytest.approx(
        found["emoticon_drawing_seconds_total", "svg"]
    )
    assert found["emoticon_tier_promotions_total", "disk"] == 1
    assert found["emoticon_erasures_pending", "disk", "0"] == 0
    assert found["emoticon_tier_available", "disk", "0"] == 1
    assert found["emoticon_tier_bytes", "memory", "0"] > 0
    assert found["process_resident_memory_bytes", "0"] > 0
    assert found["process_cpu_seconds_total",] > 0


async def test_requests_are_counted_by_route_method_and_class_of_status(tmp_path: Path) -> None:
    async with served(tmp_path, metrics_token=TOKEN) as client:
        person = await sign_up(client)
        for size in (64, 9999):
            await person.emoticon({"size": size})
        await client.head("/livez")
        await client.get("/auth/sign-in")
        found = await figures(client)
    requests, seconds = "emoticon_http_requests_total", "emoticon_http_request_seconds_count"
    assert found[requests, "GET", "/emoticon", "2xx"] == 1
    assert found[requests, "GET", "/emoticon", "4xx"] == 1
    assert found[requests, "GET", "/emoticon", "5xx"] == 0
    assert found[requests, "HEAD", "/livez", "2xx"] == 1
    assert found[requests, "GET", "/auth/sign-in", "4xx"] == 1
    assert found[seconds, "GET", "/emoticon"] == 2
    assert found["emoticon_http_request_seconds_bucket", "+Inf", "GET", "/emoticon"] == 2
    assert found["emoticon_http_request_seconds_sum", "GET", "/emoticon"] > 0


async def test_answers_that_say_no_are_counted_by_their_code(tmp_path: Path) -> None:
    async with served(tmp_path, metrics_token=TOKEN, limits="on", password_attempts=2) as client:
        for _ in range(3):
            await client.post("/auth/sign-in", data={"username": "ann", "password": "wrong"})
        found = await figures(client)
    errors = "emoticon_http_errors_total"
    assert found[errors, "wrong_credentials"] == 2
    assert found[errors, "too_many_attempts"] == 1
    assert found[errors, "hashing_busy"] == 0
    assert found[errors, "floors_stale"] == 0


async def test_whatever_strangers_send_adds_no_figure(tmp_path: Path) -> None:
    async with served(tmp_path, metrics_token=TOKEN) as client:
        await client.get("/one")
        await client.request("BREW", "/one")
        await figures(client)
        before = set(await figures(client))
        for number in range(50):
            await client.get(f"/{number}")
            await client.get(f"/emoticon/{number}")
            await client.request(f"BREW{number}", f"/{number}")
        after = set(await figures(client))
    assert after == before
    assert ("emoticon_http_requests_total", "other", "other", "4xx") in after


async def test_the_state_of_the_node_shows(tmp_path: Path) -> None:
    async with served(tmp_path, metrics_token=TOKEN) as client:
        person = await sign_up(client)
        await person.emoticon()
        found = await figures(client)
    assert 0 <= found["emoticon_floors_age_seconds", "0"] < 5
    assert found["emoticon_bulletin_heard", "0"] == 1
    assert found["emoticon_verified_tokens", "0"] == 1
    assert found["emoticon_pool_pending", "hash", "0"] == 0
    assert found["emoticon_pool_pending", "draw", "0"] == 0
    assert 0 < found["emoticon_disk_free_bytes", "0"] <= found["emoticon_disk_size_bytes", "0"]


async def test_floors_that_were_never_read_are_endlessly_old() -> None:
    floors = Floors(SystemClock(), life_s=600, stale_s=5)
    assert floors.age_s == math.inf


async def test_where_answers_are_published_as_files_nobody_counts_them_here(tmp_path: Path) -> None:
    with public_directory() as edge_dir:
        async with served(tmp_path, metrics_token=TOKEN, edge_dir=edge_dir) as client:
            assert (await figures(client))["emoticon_edge_hits_total",] == 0


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
        assert (await figures(client))["emoticon_tier_available", "shared", "0"] == 1
        empty_valkey.stop()
        for size in (16, 24, 32, 40, 48, 64, 80, 96):
            assert (await person.emoticon({"size": size})).status_code == 200
        found = await figures(client)
    assert found["emoticon_tier_available", "shared", "0"] == 0
    assert found["emoticon_tier_lookups_total", "unavailable", "shared"] > 0


async def test_the_page_of_metrics_names_each_and_no_other(
    tmp_path: Path, empty_valkey: ValkeyServer
) -> None:
    elsewhere = {"shared_tier_url": empty_valkey.url, "upstream_url": "http://127.0.0.1/{seed}"}
    async with served(tmp_path, metrics_token=TOKEN, **elsewhere) as client:
        person = await sign_up(client)
        await person.emoticon()
        await person.emoticon()
        there = {
            re.sub("_(bucket|sum|count)$", "", name)
            for name, *_ in await figures(client)
            if name.startswith("emoticon_")
        }
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(emoticon_\w+)`", text, re.MULTILINE)) == there
