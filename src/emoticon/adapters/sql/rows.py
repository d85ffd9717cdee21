"""Accounts as rows and back."""

import dataclasses
import json
from typing import Any

from sqlalchemy import RowMapping

from emoticon.adapters.sql.tables import accounts
from emoticon.domain.models import Account, Look, NewAccount

account_fields = [accounts.c[field.name] for field in dataclasses.fields(Account)]
"""The columns that `account_from` reads."""


def account_row(account: NewAccount, *, created_at: int) -> dict[str, Any]:
    """Return the columns of an account that has issued its first token."""
    return {
        "username": account.username,
        "username_key": account.username_key,
        "password_hash": account.password_hash,
        "look": _json(dataclasses.asdict(account.look)),
        "visibility": account.visibility,
        "version": 1,
        "floor": 1,
        "floor_at": 0,
        "created_at": created_at,
    }


def account_from(row: RowMapping) -> Account:
    """Return the account of a row that has `account_fields`."""
    return Account(**{**row, "look": Look(**json.loads(row["look"]))})


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
