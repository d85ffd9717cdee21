"""Taking over the accounts of the reference service."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, ManualClock, new_account, new_session
from tests.servers import opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.reference import (
    ImportReport,
    ReferenceMissing,
    Refusal,
    import_reference,
)
from emoticon.adapters.sql.rows import account_row
from emoticon.adapters.sql.tables import accounts
from emoticon.domain.models import Account, Look

HASH = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()
BLANK = "the name is blank or has characters that no name may have"
UNKNOWN_HASH = "the password hash is of no known kind"
USERS = text(
    "CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY,"
    " username VARCHAR(20), password_hash VARCHAR(60))"
)


@pytest.fixture
async def users(engine: AsyncEngine) -> AsyncEngine:
    """The database with the reference's table beside ours, as SQLAlchemy made it there."""
    async with writing(engine) as connection:
        await connection.execute(USERS)
    return engine


async def fill(engine: AsyncEngine, *rows: tuple[int, str | None, str | None]) -> None:
    async with writing(engine) as connection:
        await connection.execute(
            text("INSERT INTO users VALUES (:id, :name, :hash)"),
            [{"id": number, "name": name, "hash": hashed} for number, name, hashed in rows],
        )


async def everything(engine: AsyncEngine) -> list[tuple[Any, ...]]:
    async with reading(engine) as connection:
        return [tuple(row) for row in await connection.execute(text("SELECT * FROM users"))]


async def take(
    source: AsyncEngine,
    target: AsyncEngine | None = None,
    on_progress: Callable[[int, int], None] = lambda _seen, _total: None,
) -> ImportReport:
    numbers = itertools.count(1)
    return await import_reference(
        source,
        target or source,
        new_look=lambda: Look(style="moods", seed=f"seed {next(numbers)}"),
        clock=ManualClock(),
        on_progress=on_progress,
    )


async def test_an_account_keeps_its_id_its_name_as_written_and_its_hash(
    users: AsyncEngine,
) -> None:
    await fill(users, (7, "Alice", HASH))
    assert await take(users) == ImportReport(taken=1)
    assert await SqlAccountStore(users).by_id(7) == Account(
        id=7,
        username="Alice",
        username_key="alice",
        password_hash=HASH,
        look=Look(style="moods", seed="seed 1"),
        visibility="private",
        version=1,
        floor=1,
        created_at=NOW_MS,
    )


async def test_names_that_a_new_account_could_not_have_are_kept(users: AsyncEngine) -> None:
    names = ["admin", "a?size=2000", "../..", "x" * 20, "Ünïcode", "Пётр", "🙂", " padded "]
    await fill(users, *((number, name, HASH) for number, name in enumerate(names, 1)))
    assert await take(users) == ImportReport(taken=len(names))
    async with reading(users) as connection:
        kept = await connection.scalars(select(accounts.c.username).order_by(accounts.c.id))
    assert kept.all() == names


async def test_each_account_gets_a_look_of_its_own(users: AsyncEngine) -> None:
    await fill(users, (1, "alice", HASH), (2, "bob", HASH))
    await take(users)
    async with reading(users) as connection:
        looks = (await connection.scalars(select(accounts.c.look).order_by(accounts.c.id))).all()
    assert ["seed 1" in looks[0], "seed 2" in looks[1]] == [True, True]


async def test_rows_that_cannot_be_accounts_are_listed_with_the_reason(users: AsyncEngine) -> None:
    not_positive = "the id is not a positive number"
    refused: list[tuple[int, str | None, str | None, str]] = [
        (-7, "alice", HASH, not_positive),
        (0, "bob", HASH, not_positive),
        (1, None, HASH, BLANK),
        (2, "", HASH, BLANK),
        (3, "   ", HASH, BLANK),
        (4, "a\r\nSet-Cookie: b", HASH, BLANK),
        (5, "a\tb", HASH, BLANK),
        (6, "zero\u200bwidth", HASH, BLANK),
        (7, "turned\u202earound", HASH, BLANK),
        (8, "carol", None, UNKNOWN_HASH),
        (9, "carol", "", UNKNOWN_HASH),
        (10, "carol", "correct horse", UNKNOWN_HASH),
        (11, "carol", HASH[:-1], UNKNOWN_HASH),
        (12, "carol", "$2x" + HASH[3:], UNKNOWN_HASH),
        (13, "carol", "$1$salt$hash", UNKNOWN_HASH),
    ]
    await fill(users, *((number, name, hashed) for number, name, hashed, _ in refused))
    await fill(users, (14, "carol", HASH))
    assert await take(users) == ImportReport(
        taken=1, refused=[Refusal(number, repr(name), why) for number, name, _, why in refused]
    )


async def test_every_hash_that_can_be_verified_is_taken(users: AsyncEngine) -> None:
    argon2 = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
    hashes = ["$2a" + HASH[3:], "$2b" + HASH[3:], "$2y" + HASH[3:], argon2]
    await fill(users, *((number, f"user{number}", it) for number, it in enumerate(hashes, 1)))
    assert await take(users) == ImportReport(taken=4)


async def test_of_twins_the_lowest_id_keeps_the_name(users: AsyncEngine) -> None:
    await fill(users, (9, "ALICE", HASH), (3, "Alice", HASH), (5, "\uff41lice", HASH))
    report = await take(users)
    why = "account 3 has this name or one that looks the same"
    assert report == ImportReport(
        taken=1, refused=[Refusal(5, repr("\uff41lice"), why), Refusal(9, "'ALICE'", why)]
    )


async def test_twins_in_different_batches_are_found(users: AsyncEngine) -> None:
    rows = [(number, f"user{number}", HASH) for number in range(2, 700)]
    await fill(users, (1, "Alice", HASH), *rows, (700, "alice", HASH))
    report = await take(users)
    assert report.taken == 699
    assert [refusal.id for refusal in report.refused] == [700]


async def test_a_row_with_an_unusable_hash_does_not_keep_the_name_from_its_twin(
    users: AsyncEngine,
) -> None:
    await fill(users, (1, "Alice", "plain"), (2, "alice", HASH))
    report = await take(users)
    assert (report.taken, [refusal.id for refusal in report.refused]) == (1, [1])


async def test_an_account_that_was_there_before_keeps_its_name_and_its_id(
    users: AsyncEngine,
) -> None:
    first = await SqlAccountStore(users).add(new_account("alice"), new_session(), free_before=0)
    await fill(users, (first.id, "bob", HASH), (first.id + 1, "Alice", HASH))
    report = await take(users)
    assert report == ImportReport(
        refused=[
            Refusal(first.id, "'bob'", "another account has this id"),
            Refusal(
                first.id + 1,
                "'Alice'",
                f"account {first.id} has this name or one that looks the same",
            ),
        ]
    )
    assert await SqlAccountStore(users).by_id(first.id) == first


async def test_a_second_run_takes_only_what_is_new(users: AsyncEngine) -> None:
    await fill(users, (1, "alice", HASH), (2, "", HASH))
    await take(users)
    alice = await SqlAccountStore(users).by_id(1)
    await fill(users, (3, "carol", HASH))
    report = await take(users)
    assert (report.taken, report.already_there) == (1, 1)
    assert [refusal.id for refusal in report.refused] == [2]
    assert await SqlAccountStore(users).by_id(1) == alice


async def test_a_deleted_account_does_not_come_back(users: AsyncEngine) -> None:
    await fill(users, (1, "alice", HASH))
    await take(users)
    async with writing(users) as connection:
        await connection.execute(accounts.update().values(deleted_at=NOW_MS))
    assert await take(users) == ImportReport(already_there=1)
    assert await SqlAccountStore(users).by_id(1) is None


async def test_new_accounts_get_ids_above_all_that_were_taken(users: AsyncEngine) -> None:
    await fill(users, (1, "alice", HASH), (4711, "bob", HASH))
    await take(users)
    carol = await SqlAccountStore(users).add(new_account("carol"), new_session(), free_before=0)
    assert carol.id == 4712


async def test_ids_never_go_back(users: AsyncEngine) -> None:
    store = SqlAccountStore(users)
    for number in range(3):
        last = await store.add(new_account(f"before{number}"), new_session(), free_before=0)
    async with writing(users) as connection:
        await connection.execute(accounts.delete())
    await fill(users, (1, "alice", HASH))
    await take(users)
    assert (await store.add(new_account("carol"), new_session(), free_before=0)).id > last.id


async def test_who_signs_up_meanwhile_takes_no_id_of_a_row_to_come(users: AsyncEngine) -> None:
    await fill(users, *((number, f"user{number}", HASH) for number in range(1, 1201)))
    steps: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

    async def sign_up_at_each_step() -> list[int]:
        ids = []
        for number in range(3):
            await steps.get()
            new = await SqlAccountStore(users).add(
                new_account(f"new{number}"), new_session(), free_before=0
            )
            ids.append(new.id)
        return ids

    signing_up = asyncio.create_task(sign_up_at_each_step())
    report = await take(users, on_progress=lambda *progress: steps.put_nowait(progress))
    assert report == ImportReport(taken=1200)
    assert await signing_up == [1201, 1202, 1203]


async def test_who_signs_up_in_the_same_moment_keeps_the_name(users: AsyncEngine) -> None:
    await fill(users, (100, "Alice", HASH))
    row = account_row(new_account("alice"), created_at=NOW_MS)
    async with writing(users) as connection:
        await connection.execute(accounts.insert().values(row))
        importing = asyncio.create_task(take(users))
        done, _ = await asyncio.wait({importing}, timeout=0.3)
        assert not done, "it waits for who is writing"
    assert [refusal.id for refusal in (await importing).refused] == [100]


async def test_an_import_that_was_stopped_goes_on_where_it_was(users: AsyncEngine) -> None:
    def stop(_seen: int, _total: int) -> None:
        raise RuntimeError("stopped")

    await fill(users, *((number, f"user{number}", HASH) for number in range(1, 801)))
    with pytest.raises(RuntimeError, match="stopped"):
        await take(users, on_progress=stop)
    assert await take(users) == ImportReport(taken=300, already_there=500)


async def test_the_source_may_be_another_database(engine: AsyncEngine, tmp_path: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/reference.db") as source:
        async with writing(source) as connection:
            await connection.execute(USERS)
        await fill(source, (7, "Alice", HASH))
        assert await take(source, engine) == ImportReport(taken=1)
    assert await SqlAccountStore(engine).by_username_key("alice") is not None


async def test_the_users_table_is_left_as_it_was(users: AsyncEngine) -> None:
    await fill(users, (1, "Alice", HASH), (2, "alice", HASH), (3, "", "plain"))
    before = await everything(users)
    await take(users)
    assert await everything(users) == before


async def test_progress_counts_rows_after_each_batch(users: AsyncEngine) -> None:
    await fill(users, *((number, f"user{number}", HASH) for number in range(1, 1102)))
    heard: list[tuple[int, int]] = []
    await take(users, on_progress=lambda *progress: heard.append(progress))
    assert heard == [(500, 1101), (1000, 1101), (1101, 1101)]


async def test_an_empty_table_is_nothing_to_do(users: AsyncEngine) -> None:
    assert await take(users) == ImportReport()


async def test_a_database_without_the_table_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(ReferenceMissing, match="users with the columns id, username"):
        await take(engine)


async def test_a_table_of_another_shape_is_refused(engine: AsyncEngine) -> None:
    async with writing(engine) as connection:
        await connection.execute(text("CREATE TABLE users (id INTEGER, login TEXT)"))
    with pytest.raises(ReferenceMissing):
        await take(engine)
