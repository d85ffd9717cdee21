"""Waiting for a database at start-up."""

import asyncio
import time
from pathlib import Path

import pytest
from tests.servers import PostgresServer, free_port, opened

from emoticon.adapters.sql.engine import (
    DatabaseRefused,
    DatabaseUnreachable,
    wait_for_database,
)

Step = tuple[int, str, float]


async def wait(url: str, *, wait_s: float, steps: list[Step] | None = None) -> None:
    heard = [] if steps is None else steps
    async with opened(url) as engine:
        await wait_for_database(engine, wait_s=wait_s, on_wait=lambda *step: heard.append(step))


def nowhere() -> str:
    return f"postgresql+asyncpg://me:hush@127.0.0.1:{free_port()}/accounts"


async def test_a_database_that_answers_is_not_waited_for(empty_database: str) -> None:
    steps: list[Step] = []
    await wait(empty_database, wait_s=0, steps=steps)
    assert steps == []


async def test_a_database_that_comes_up_later_is_found(
    postgres: PostgresServer, postgres_database: str
) -> None:
    steps: list[Step] = []
    postgres.stop()
    try:
        waiting = asyncio.create_task(wait(postgres_database, wait_s=30, steps=steps))
        while not steps:  # noqa: ASYNC110 - the step is what is waited for
            await asyncio.sleep(0)
    finally:
        await asyncio.to_thread(postgres.start)
    await waiting
    assert "Connect call failed" in steps[0][1]


async def test_each_step_says_when_the_next_one_is_and_pauses_grow() -> None:
    steps: list[Step] = []
    with pytest.raises(DatabaseUnreachable):
        await wait(nowhere(), wait_s=2, steps=steps)
    assert [number for number, _, _ in steps] == list(range(1, len(steps) + 1))
    pauses_s = [pause_s for _, _, pause_s in steps]
    limits_s = [(0.25, 0.5), (0.5, 1.0), (1.0, 2.0)]
    for pause_s, (shortest_s, longest_s) in zip(pauses_s[:-1], limits_s, strict=False):
        assert shortest_s <= pause_s <= longest_s
    assert len(pauses_s) >= 3
    assert sum(pauses_s) == pytest.approx(2, abs=0.25)


async def test_it_gives_up_after_the_time_it_was_given() -> None:
    begun = time.monotonic()
    with pytest.raises(DatabaseUnreachable, match=r"within 0.6 s: .*Connect call failed"):
        await wait(nowhere(), wait_s=0.6)
    assert 0.6 <= time.monotonic() - begun < 1.5


async def test_waiting_takes_no_cpu() -> None:
    url = nowhere()
    with pytest.raises(DatabaseUnreachable):
        await wait(url, wait_s=0)  # loads the driver
    begun = time.process_time()
    with pytest.raises(DatabaseUnreachable):
        await wait(url, wait_s=1)
    assert time.process_time() - begun < 0.3


async def test_it_can_be_cancelled_in_a_pause() -> None:
    steps: list[Step] = []
    waiting = asyncio.create_task(wait(nowhere(), wait_s=600, steps=steps))
    while not steps:  # noqa: ASYNC110 - the step is what is waited for
        await asyncio.sleep(0)
    waiting.cancel()
    begun = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert time.monotonic() - begun < 0.2


@pytest.mark.parametrize(
    ("user", "password", "database", "why"),
    [
        ("emoticon", "hush", "postgres", "password authentication failed"),
        ("emoticon", "", "postgres", "password authentication failed"),
        ("nobody-here", "hush", "postgres", "password authentication failed"),
        ("emoticon", PostgresServer.password, "nothing-here", "does not exist"),
        ("emoticon", PostgresServer.password, "closed", "permission denied"),
    ],
)
async def test_what_waiting_cannot_mend_is_refused_at_once_without_telling_the_password(
    postgres: PostgresServer, user: str, password: str, database: str, why: str
) -> None:
    postgres.sql("DROP DATABASE IF EXISTS closed")
    postgres.sql("CREATE DATABASE closed")
    postgres.sql("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    steps: list[Step] = []
    with pytest.raises(DatabaseRefused, match=why) as refused:
        await wait(postgres.url(database, user=user, password=password), wait_s=600, steps=steps)
    assert steps == []
    assert not password or password not in str(refused.value)


async def test_an_unknown_host_is_waited_for_and_the_password_is_not_told() -> None:
    steps: list[Step] = []
    with pytest.raises(DatabaseUnreachable) as unreachable:
        await wait("postgresql+asyncpg://me:hush@/a?host=/no/such/place", wait_s=0.3, steps=steps)
    assert steps
    assert "hush" not in f"{unreachable.value} {steps}"


async def test_a_missing_directory_is_refused_at_once(tmp_path: Path) -> None:
    steps: list[Step] = []
    with pytest.raises(DatabaseRefused, match="unable to open database file"):
        await wait(f"sqlite+aiosqlite:///{tmp_path}/none/a.db", wait_s=600, steps=steps)
    assert steps == []


async def test_a_setting_that_the_driver_does_not_take_is_refused_at_once() -> None:
    steps: list[Step] = []
    with pytest.raises(DatabaseRefused, match="sslmode"):
        await wait(f"{nowhere()}?sslmode=perhaps", wait_s=600, steps=steps)
    assert steps == []
