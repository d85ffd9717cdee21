"""The HTTP contract of how many pictures an address may have."""

from pathlib import Path

from httpx2 import AsyncClient
from tests.web.conftest import assert_problem, served
from tests.web.test_public import MD5, assert_for_any_page

KNOBS = {"public_generator": "on", "limits": "on", "address_drawings": 3}


async def ask(client: AsyncClient, url: str, address: str) -> int:
    answer = await client.get(url, headers={"X-Forwarded-For": address})
    return answer.status_code


async def test_beyond_it_an_address_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with served(tmp_path, **KNOBS) as client:
        for url in ("/a/moods/ann.png", "/monster/ann?size=abc", f"/avatar/{MD5}?d=404"):
            assert (await client.get(url)).status_code != 429
        for url in ("/a/moods/ann.png", "/monster/ann", "/10.x/moods/svg", f"/avatar/{MD5}"):
            answer = await client.get(url)
            assert_problem(answer, 429, "too_many_attempts")
            assert_for_any_page(answer)
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert (await client.options(url)).status_code == 204, "that costs nothing"


async def test_each_address_has_its_own(tmp_path: Path) -> None:
    async with served(tmp_path, trusted_proxies=["127.0.0.0/8"], **KNOBS) as client:
        one, other = "2001:db8:0:1::1", "2001:db8:0:2::1"
        url = "/a/moods/ann.png"
        assert [await ask(client, url, one) for _ in range(4)] == [200, 200, 200, 429]
        assert await ask(client, url, other) == 200
        assert await ask(client, url, "2001:db8:0:1:ffff::9") == 429, "it has all of its /64"


async def test_accounts_are_not_counted_with_it(tmp_path: Path) -> None:
    async with served(tmp_path, **KNOBS) as client:
        for _ in range(4):
            assert (await client.get("/styles")).status_code == 200
        assert (await client.get("/a/moods/ann.png")).status_code == 200
