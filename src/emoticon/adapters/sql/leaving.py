"""What goes with an account beside its own row."""

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from emoticon.adapters.sql.tables import links, originals, sessions


async def empty(connection: AsyncConnection, account_id: int) -> None:
    """Delete the links of an account, drop its originals, and forget where its sessions came from."""
    await connection.execute(
        update(sessions)
        .where(sessions.c.account_id == account_id)
        .values(user_agent="", address="")
    )
    await connection.execute(delete(links).where(links.c.account_id == account_id))
    await connection.execute(
        update(originals).where(originals.c.account_id == account_id).values(state="dropped")
    )
