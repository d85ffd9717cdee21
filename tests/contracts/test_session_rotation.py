"""How every SessionStore exchanges refresh tokens."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from types import NoneType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_account, new_session
from tests.contracts.rows import (
    database_now,
    events,
    everything,
    marks_of,
    put,
    session_of,
    sessions_of,
)
from tests.servers import opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.audit import SqlAuditStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import accounts, sessions
from emoticon.domain.models import Account, AuditEntry, Change, Event, Origin, Rotation

FIRST = "a" * 32
GRACE_MS = 10_000
IDLE_MS = 3_600_000
T_MS = NOW_MS + 1_000
ORIGIN = Origin("curl/8.0", "192.0.2.7", "request 1")


Rotate = partial[Coroutine[Any, Any, Rotation | Change | None]]


def rotations(engine: AsyncEngine) -> Rotate:
    return partial(
        SqlSessionStore(engine).rotate,
        now_ms=T_MS,
        grace_ms=GRACE_MS,
        idle_ms=IDLE_MS,
        raise_floor=True,
        origin=ORIGIN,
    )


@pytest.fixture
def rotate(engine: AsyncEngine, alice: Account) -> Rotate:
    assert alice.version == 1
    return rotations(engine)


def successor(found: Rotation | Change | None) -> tuple[int, str, int, int, int, bool]:
    assert isinstance(found, Rotation)
    return (
        found.account.id,
        found.session_id,
        found.counter,
        found.version,
        found.expires_at,
        found.repeated,
    )


# -- the current token --------------------------------------------------------------------------


async def test_the_current_counter_gives_the_next_one_and_the_next_version(
    rotate: Rotate, alice: Account
) -> None:
    expires_at = NOW_MS + 86_400_000
    for counter in (0, 1, 2):
        assert successor(await rotate(FIRST, counter)) == (
            *(alice.id, FIRST, counter + 1, counter + 2, expires_at),
            False,
        )


async def test_the_row_keeps_the_counter_and_when_it_was_used(
    rotate: Rotate, engine: AsyncEngine
) -> None:
    before = (await session_of(engine, FIRST))._asdict()
    await rotate(FIRST, 0)
    changed = {"refresh_counter": 1, "rotated_at": T_MS, "last_used_at": T_MS}
    assert (await session_of(engine, FIRST))._asdict() == before | changed


async def test_the_floor_rises_to_the_new_version_only_where_that_is_asked(
    rotate: Rotate, engine: AsyncEngine, alice: Account
) -> None:
    await rotate(FIRST, 0, raise_floor=False)
    assert await marks_of(engine, alice) == (2, 1, 0)
    begun = await database_now(engine)
    await rotate(FIRST, 1, raise_floor=True)
    version, floor, floor_at = await marks_of(engine, alice)
    assert (version, floor) == (3, 3)
    assert begun <= floor_at <= await database_now(engine)


async def test_a_rotation_leaves_other_sessions_and_accounts_alone(
    rotate: Rotate, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    other = new_session(id="c" * 32)
    await SqlSessionStore(engine).start(alice.id, other, end_others=False, raise_floor=False)
    before = await session_of(engine, other.id), await sessions_of(engine, bob)
    await rotate(FIRST, 0)
    assert (await session_of(engine, other.id), await sessions_of(engine, bob)) == before
    assert await marks_of(engine, bob) == (1, 1, 0)


# -- once more within the grace -----------------------------------------------------------------


async def test_the_counter_before_gives_the_same_successor_and_changes_nothing(
    rotate: Rotate, engine: AsyncEngine
) -> None:
    first = successor(await rotate(FIRST, 0))
    before = await everything(engine)
    for later_ms in (0, 1, GRACE_MS - 1):
        assert successor(await rotate(FIRST, 0, now_ms=T_MS + later_ms)) == (*first[:-1], True)
    assert await everything(engine) == before


async def test_the_grace_counts_from_the_first_use_and_ends_on_the_millisecond(
    rotate: Rotate, alice: Account
) -> None:
    await rotate(FIRST, 0)
    assert isinstance(await rotate(FIRST, 0, now_ms=T_MS + GRACE_MS - 1), Rotation)
    assert await rotate(FIRST, 0, now_ms=T_MS + GRACE_MS) == Change(alice.id, session_id=FIRST)


async def test_who_came_before_the_first_use_and_waited_gets_the_successor(
    rotate: Rotate,
) -> None:
    await rotate(FIRST, 0)
    found = await rotate(FIRST, 0, now_ms=T_MS - 500)
    assert isinstance(found, Rotation)
    assert (found.counter, found.repeated) == (1, True)


async def test_without_a_grace_no_token_works_twice(rotate: Rotate, alice: Account) -> None:
    await rotate(FIRST, 0, grace_ms=0)
    assert await rotate(FIRST, 0, grace_ms=0) == Change(alice.id, session_id=FIRST)


# -- any other token ----------------------------------------------------------------------------


@pytest.mark.parametrize("counter", [-1, 0, 3, 4, 2**31, 2**63, 2**64 - 1])
async def test_any_other_counter_ends_the_session(
    rotate: Rotate, engine: AsyncEngine, alice: Account, counter: int
) -> None:
    await rotate(FIRST, 0)
    await rotate(FIRST, 1)
    marks, begun = await marks_of(engine, alice), await database_now(engine)
    assert await rotate(FIRST, counter) == Change(alice.id, session_id=FIRST)
    row = await session_of(engine, FIRST)
    assert row.end_reason == "refresh_reuse"
    assert begun <= row.ended_at <= await database_now(engine)
    assert (row.refresh_counter, await marks_of(engine, alice)) == (2, marks)


@pytest.mark.parametrize("counter", [-1, 1, 2**64 - 1])
async def test_a_counter_that_was_never_given_out_ends_a_session_that_was_never_rotated(
    rotate: Rotate, alice: Account, counter: int
) -> None:
    assert await rotate(FIRST, counter) == Change(alice.id, session_id=FIRST)


async def test_reuse_is_in_the_audit_with_where_it_came_from(
    rotate: Rotate, engine: AsyncEngine, alice: Account
) -> None:
    await rotate(FIRST, 0)
    await rotate(FIRST, 7)
    newest, older, _ = await SqlAuditStore(engine).of_account(alice.id, 10)
    assert newest == AuditEntry(newest.at, Event.REFRESH_REUSE, alice.id, ORIGIN)
    assert older == AuditEntry(older.at, Event.REFRESH, alice.id, ORIGIN)


async def test_after_reuse_no_token_of_the_session_is_any_good(
    rotate: Rotate, engine: AsyncEngine
) -> None:
    await rotate(FIRST, 0)
    await rotate(FIRST, 7)
    before = await everything(engine)
    for counter in (0, 1, 2, 7):
        assert await rotate(FIRST, counter) is None
    assert await everything(engine) == before


async def test_reuse_ends_no_other_session(
    rotate: Rotate, engine: AsyncEngine, alice: Account
) -> None:
    other = new_session(id="c" * 32)
    await SqlSessionStore(engine).start(alice.id, other, end_others=False, raise_floor=False)
    await rotate(FIRST, 7)
    assert isinstance(await rotate(other.id, 0), Rotation)


# -- no token at all ----------------------------------------------------------------------------


async def test_a_session_that_is_not_there_is_not_rotated(
    rotate: Rotate, engine: AsyncEngine
) -> None:
    before = await everything(engine)
    for session_id in ("", "f" * 32, FIRST.upper(), FIRST + " ", "%"):
        assert await rotate(session_id, 0) is None
    assert await everything(engine) == before


async def test_an_ended_session_is_not_rotated(
    rotate: Rotate, engine: AsyncEngine, alice: Account
) -> None:
    await rotate(FIRST, 0)
    await SqlSessionStore(engine).end_all(alice.id, ORIGIN)
    before = await everything(engine)
    for counter in (0, 1, 7):
        assert await rotate(FIRST, counter) is None
    assert await everything(engine) == before


@pytest.mark.parametrize("counter", [0, 1, 7])
@pytest.mark.parametrize("expired", [True, False], ids=["expired", "idle"])
async def test_a_session_that_is_over_is_marked_as_expired(
    rotate: Rotate, engine: AsyncEngine, alice: Account, counter: int, expired: bool
) -> None:
    await rotate(FIRST, 0)
    if expired:
        await put(engine, sessions, expires_at=T_MS + 5)
    marks, begun = await marks_of(engine, alice), await database_now(engine)
    over_ms = T_MS + (5 if expired else IDLE_MS)
    assert await rotate(FIRST, counter, now_ms=over_ms) is None
    row = await session_of(engine, FIRST)
    assert row.end_reason == "expired"
    assert begun <= row.ended_at <= await database_now(engine)
    assert await marks_of(engine, alice) == marks
    assert await events(engine) == ["refresh"]
    assert await rotate(FIRST, 1, now_ms=T_MS + 1) is None


async def test_a_session_works_until_the_millisecond_before_it_is_over(
    rotate: Rotate, engine: AsyncEngine
) -> None:
    assert isinstance(await rotate(FIRST, 0, now_ms=NOW_MS + IDLE_MS - 1), Rotation)
    assert isinstance(await rotate(FIRST, 1, now_ms=NOW_MS + 2 * IDLE_MS - 2), Rotation)
    await put(engine, sessions, expires_at=NOW_MS + 2 * IDLE_MS)
    assert isinstance(await rotate(FIRST, 2, now_ms=NOW_MS + 2 * IDLE_MS - 1), Rotation)


async def test_a_disabled_account_rotates_nothing(
    rotate: Rotate, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, disabled_at=NOW_MS)  # the session stays open, which `disable` ends
    before = await everything(engine)
    for counter in (0, 7):
        assert await rotate(FIRST, counter) is None
    assert await everything(engine) == before
    await SqlAccountStore(engine).disable(alice.id, ORIGIN)
    assert await rotate(FIRST, 0) is None


async def test_a_deleted_account_rotates_nothing(
    rotate: Rotate, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, deleted_at=NOW_MS)  # the session stays open, which `delete` ends
    before = await everything(engine)
    for counter in (0, 7):
        assert await rotate(FIRST, counter) is None
    assert await everything(engine) == before
    await put(engine, accounts, deleted_at=None)
    await SqlAccountStore(engine).delete(alice.id, ORIGIN)
    assert await rotate(FIRST, 0) is None


# -- at once ------------------------------------------------------------------------------------


async def test_twenty_uses_of_one_token_at_once_are_one_rotation(
    database: str, engine: AsyncEngine, alice: Account
) -> None:
    async with opened(database) as other:
        stores = [rotations(engine), rotations(other)]
        found = await asyncio.gather(
            *(stores[number % 2](FIRST, 0, now_ms=T_MS + number) for number in range(20))
        )
    assert {successor(it)[:-1] for it in found} == {(alice.id, FIRST, 1, 2, NOW_MS + 86_400_000)}
    assert sorted(successor(it)[-1] for it in found) == [False] + [True] * 19
    assert await marks_of(engine, alice) >= (2, 2, 1)
    assert await events(engine) == ["refresh"]
    assert isinstance(await rotations(engine)(FIRST, 1), Rotation)


async def test_without_a_grace_twenty_uses_at_once_end_the_session(
    database: str, engine: AsyncEngine, alice: Account
) -> None:
    async with opened(database) as other:
        stores = [rotations(engine), rotations(other)]
        found = await asyncio.gather(
            *(stores[number % 2](FIRST, 0, grace_ms=0) for number in range(20))
        )
    assert [it.counter for it in found if isinstance(it, Rotation)] == [1]
    assert [it for it in found if isinstance(it, Change)] == [Change(alice.id, session_id=FIRST)]
    assert found.count(None) == 18
    assert await events(engine) == ["refresh", "refresh_reuse"]


uses = st.tuples(st.integers(-3, 1), st.sampled_from([0, 1, GRACE_MS - 1, GRACE_MS, IDLE_MS]))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(uses, max_size=8))
async def test_after_any_uses_the_session_is_as_far_as_its_current_tokens_were_used(
    engine: AsyncEngine, steps: list[tuple[int, int]]
) -> None:
    session = new_session()
    await SqlAccountStore(engine).add(new_account(session.id), session, free_before=0)
    rotate = rotations(engine)
    counter, now_ms, used_ms, is_open = 0, NOW_MS, NOW_MS, True
    expected: type | None
    for offset, pause_ms in steps:
        now_ms += pause_ms
        found = await rotate(session.id, counter + offset, now_ms=now_ms)
        if not is_open or now_ms - used_ms >= IDLE_MS:
            expected, is_open = None, False
        elif offset == 0:
            expected, counter, used_ms = Rotation, counter + 1, now_ms
        elif offset == -1 and counter and now_ms - used_ms < GRACE_MS:
            expected = Rotation
        else:
            expected, is_open = Change, False
        assert isinstance(found, expected or NoneType)
    row = await session_of(engine, session.id)
    assert (row.refresh_counter, row.ended_at is None) == (counter, is_open)
