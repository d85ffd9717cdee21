"""Accounts by id and by folded name."""

import dataclasses
import json
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from emoticon.adapters.sql.engine import reading, unbroken, writing
from emoticon.adapters.sql.sessions import session_row, storable
from emoticon.adapters.sql.tables import MAX_ID, accounts, sessions
from emoticon.domain.errors import UsernameTaken
from emoticon.domain.models import Account, Look, NewAccount, NewSession
from emoticon.domain.ports import AccountStore

_FIELDS = [accounts.c[field.name] for field in dataclasses.fields(Account)]


class SqlAccountStore(AccountStore):
    """The table `accounts`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @unbroken
    async def add(self, account: NewAccount, session: NewSession) -> Account:
        row = account_row(account, created_at=session.created_at)
        async with writing(self._engine) as connection:
            try:
                added = await connection.execute(insert(accounts).values(row).returning(*_FIELDS))
            except IntegrityError as error:
                # PostgreSQL names the constraint, SQLite the column.
                if "username_key" not in str(error.orig):
                    raise
                raise UsernameTaken from None
            new = _account(added.mappings().one())
            await connection.execute(insert(sessions).values(session_row(new.id, session)))
        return new

    @override
    @unbroken
    async def by_id(self, account_id: int) -> Account | None:
        if not 0 < account_id <= MAX_ID:
            return None
        return await self._one(accounts.c.id == account_id)

    @override
    @unbroken
    async def by_username_key(self, username_key: str) -> Account | None:
        if storable(username_key) != username_key:
            return None
        return await self._one(accounts.c.username_key == username_key)

    @override
    @unbroken
    async def replace_password_hash(self, account_id: int, *, old: str, new: str) -> bool:
        async with writing(self._engine) as connection:
            changed = await connection.execute(
                update(accounts)
                .where(
                    accounts.c.id == account_id,
                    accounts.c.password_hash == old,
                    accounts.c.deleted_at.is_(None),
                )
                .values(password_hash=new)
            )
        return changed.rowcount == 1

    @override
    @unbroken
    async def ping(self) -> None:
        async with reading(self._engine) as connection:
            await connection.execute(select(literal(1)))

    async def _one(self, condition: ColumnElement[bool]) -> Account | None:
        async with reading(self._engine) as connection:
            found = await connection.execute(
                select(*_FIELDS).where(condition, accounts.c.deleted_at.is_(None))
            )
            row = found.mappings().one_or_none()
        return None if row is None else _account(row)


def account_row(account: NewAccount, *, created_at: int) -> dict[str, Any]:
    """Return the columns of an account that has issued its first token."""
    look = json.dumps(dataclasses.asdict(account.look), sort_keys=True, separators=(",", ":"))
    return {
        "username": account.username,
        "username_key": account.username_key,
        "password_hash": account.password_hash,
        "look": look,
        "visibility": account.visibility,
        "version": 1,
        "floor": 1,
        "floor_at": 0,
        "created_at": created_at,
    }


def _account(row: RowMapping) -> Account:
    return Account(**{**row, "look": Look(**json.loads(row["look"]))})
