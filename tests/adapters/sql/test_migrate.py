"""Migrations: they make the schema of tables.py, once, whoever else tries."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.accounts import new_account, new_session
from tests.servers import PostgresServer, opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import DatabaseRefused, reading, writing
from emoticon.adapters.sql.migrate import (
    HEAD,
    VERSION_TABLE,
    SchemaTooNew,
    alembic_config,
    create,
    current_revision,
    upgrade,
)
from emoticon.adapters.sql.tables import metadata

STEPS = [
    "0001 Accounts and sessions.",
    "0002 The audit, accounts that can be disabled, sessions found by when they ended, names compared more strictly.",
    "0003 Erasures: whose pictures have to go from every tier.",
    "0004 Share links, uploaded pictures, and the revision of what an account shows.",
]


async def steps_of(engine: AsyncEngine) -> list[str]:
    steps: list[str] = []
    await upgrade(engine, steps.append)
    return steps


def shape(
    connection: Connection, tables: Collection[str] = frozenset(metadata.tables)
) -> dict[str, object]:
    """What Alembic does not compare: collations, constraints and the order of columns."""
    found = inspect(connection)
    return {
        table: (
            [(column["name"], repr(column["type"])) for column in found.get_columns(table)],
            sorted(str(check["name"]) for check in found.get_check_constraints(table)),
            found.get_pk_constraint(table),
            found.get_foreign_keys(table),
            found.get_unique_constraints(table),
            [
                (
                    index["name"],
                    index["column_names"],
                    {
                        option: str(value)
                        for option, value in index.get("dialect_options", {}).items()
                    },
                )
                for index in found.get_indexes(table)
            ],
        )
        for table in tables
    }


@pytest.fixture
async def empty(empty_database: str) -> AsyncGenerator[AsyncEngine]:
    async with opened(empty_database) as engine:
        yield engine


async def test_an_empty_database_has_no_revision(empty: AsyncEngine) -> None:
    assert await current_revision(empty) is None


async def test_an_upgrade_names_its_steps_and_reaches_the_head(empty: AsyncEngine) -> None:
    assert await steps_of(empty) == STEPS
    assert await current_revision(empty) == HEAD


async def test_a_second_upgrade_does_nothing(engine: AsyncEngine) -> None:
    await SqlAccountStore(engine).add(new_account("alice"), new_session(), free_before=0)
    assert await steps_of(engine) == []
    assert await SqlAccountStore(engine).by_username_key("alice") is not None


async def test_head_is_the_newest_script(engine: AsyncEngine) -> None:
    async with reading(engine) as connection:
        config = await connection.run_sync(alembic_config)
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_migrations_make_what_tables_py_says(engine: AsyncEngine) -> None:
    async with writing(engine) as connection:
        migrated = await connection.run_sync(shape)
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
        assert await connection.run_sync(shape) == migrated


async def test_alembic_finds_no_difference_between_migrations_and_tables_py(
    engine: AsyncEngine,
) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))

    async with reading(engine) as connection:
        assert await connection.run_sync(differences) == []


async def test_a_downgrade_leaves_no_table_and_can_be_undone(engine: AsyncEngine) -> None:
    async with writing(engine) as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "base"))
    async with reading(engine) as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert not set(names) & set(metadata.tables)
    assert await current_revision(engine) is None
    assert await steps_of(engine) == STEPS


async def test_a_database_of_a_newer_release_is_left_alone(engine: AsyncEngine) -> None:
    async with writing(engine) as connection:
        await connection.execute(text("UPDATE emoticon_schema SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match=f"at revision 9999.*up to {HEAD}"):
        await steps_of(engine)
    assert await current_revision(engine) == "9999"


async def test_a_migration_that_fails_leaves_nothing_behind(empty: AsyncEngine) -> None:
    async with writing(empty) as connection:
        await connection.execute(text("CREATE TABLE sessions (x INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        await steps_of(empty)
    async with reading(empty) as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert names == ["sessions"]


async def test_a_role_that_may_not_create_tables_is_refused(
    postgres: PostgresServer, empty_postgres: str
) -> None:
    name = empty_postgres.rpartition("/")[2]
    postgres.sql(f"ALTER DATABASE {name} OWNER TO postgres")
    async with opened(empty_postgres) as engine:
        with pytest.raises(DatabaseRefused, match="permission denied"):
            await steps_of(engine)


async def test_a_role_that_may_not_read_the_revision_is_refused(
    postgres: PostgresServer, postgres_database: str
) -> None:
    name = postgres_database.rpartition("/")[2]
    postgres.sql(f"ALTER TABLE {VERSION_TABLE} OWNER TO postgres", name)
    async with opened(postgres_database) as engine:
        with pytest.raises(DatabaseRefused, match="permission denied"):
            await current_revision(engine)


STARTING = """
import asyncio, sys
from emoticon.adapters.sql.engine import open_engine
from emoticon.adapters.sql.migrate import upgrade
from emoticon.adapters.sql.accounts import SqlAccountStore
from tests.accounts import new_account, new_session

async def main(url):
    engine = open_engine(url)
    steps = []
    print("ready", flush=True)
    sys.stdin.readline()
    await upgrade(engine, steps.append)
    for _ in range(5):
        session = new_session()
        await SqlAccountStore(engine).add(new_account(session.id), session, free_before=0)
    await engine.dispose()
    print(len(steps))

asyncio.run(main(sys.argv[1]))
"""


async def test_of_upgrades_that_start_at_once_one_migrates(empty_database: str) -> None:
    async with AsyncExitStack() as stack, asyncio.timeout(60):
        engines = [await stack.enter_async_context(opened(empty_database)) for _ in range(4)]
        steps = await asyncio.gather(*(steps_of(engine) for engine in engines))
    assert sorted(steps) == [[], [], [], STEPS]


async def test_of_processes_that_start_at_once_one_migrates_and_all_can_write(
    tmp_path: Path,
) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", STARTING, f"sqlite+aiosqlite:///{tmp_path}/a.db"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [errors for _, errors in outputs] == [b""] * 3
    assert sorted(printed for printed, _ in outputs) == [b"0\n", b"0\n", f"{len(STEPS)}\n".encode()]


IMPORTING = """
import sys, emoticon.adapters.sql.migrate, emoticon.adapters.sql.reference
print(any(name.startswith("alembic") for name in sys.modules))
"""


def test_a_database_that_is_up_to_date_is_served_without_alembic() -> None:
    loaded = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, check=True)
    assert loaded.stdout == b"False\n"


def clauses(statement: str) -> list[str]:
    """A statement, in that of a table the parts sorted: ALTER TABLE puts a new column after the constraints."""
    statement = " ".join(statement.split())
    if not statement.startswith("CREATE TABLE"):
        return [statement]
    head, _, rest = statement.partition("(")
    body, _, tail = rest.rpartition(")")
    parts, depth = [""], 0
    for char in body:
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return [head, *sorted(part.strip() for part in parts), tail]


async def test_a_new_database_is_made_at_once_as_all_migrations_would_make_it(
    tmp_path: Path,
) -> None:
    async def stored(connection: AsyncConnection) -> list[tuple[str, list[str]]]:
        rows = await connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        )
        return [(name, clauses(sql)) for name, sql in rows]

    schemas = []
    for way in (create, steps_of):
        async with opened(f"sqlite+aiosqlite:///{tmp_path}/{way.__name__}.db") as engine:
            assert await way(engine)
            assert await current_revision(engine) == HEAD
            assert not await create(engine), "it is not empty any more"
            assert await steps_of(engine) == []
            async with reading(engine) as connection:
                schemas.append(await stored(connection))
    assert schemas[0] == schemas[1]
    assert len(schemas[0]) >= 5


async def test_a_database_with_any_table_is_not_taken_for_a_new_one(
    empty_database: str,
) -> None:
    async with opened(empty_database) as engine:
        async with writing(engine) as connection:
            await connection.execute(text("CREATE TABLE somebody_elses (id INTEGER)"))
        assert not await create(engine)
        assert await current_revision(engine) is None
