"""What holds of every write of every store: all of it or nothing, with its row of the audit."""

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.contracts.rows import database_now, everything, refuse, rows_of
from tests.contracts.writes import ORIGIN, WRITES, Write

from emoticon.adapters.sql.tables import audit
from emoticon.domain.models import Account

every_write = pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)


@every_write
async def test_a_write_leaves_one_row_of_the_audit_with_when_and_from_where(
    engine: AsyncEngine, alice: Account, write: Write
) -> None:
    begun = await database_now(engine)
    assert await write.run(engine, alice)
    _, row = await rows_of(engine, audit)
    assert row.event == write.event
    assert begun <= row.at <= await database_now(engine)
    assert (row.account_id == alice.id) == (write.name != "add")
    assert (row.user_agent, row.address, row.request_id) == (
        ORIGIN.user_agent,
        ORIGIN.address,
        ORIGIN.request_id,
    )


@pytest.mark.parametrize(
    ("write", "statement"),
    [
        pytest.param(write, statement, id=f"{write.name}-{statement}")
        for write in WRITES
        for statement in write.statements
    ],
)
async def test_a_write_that_fails_half_way_changes_nothing(
    engine: AsyncEngine, alice: Account, write: Write, statement: str
) -> None:
    await refuse(engine, statement)
    before = await everything(engine)
    with pytest.raises(DBAPIError, match="refused"):
        await write.run(engine, alice)
    assert await everything(engine) == before
