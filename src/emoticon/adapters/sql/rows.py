"""Accounts as rows and back."""

import dataclasses
import json
from collections.abc import Mapping
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
        "look": look_text(account.look),
        "visibility": account.visibility,
        "version": 1,
        "floor": 1,
        "floor_at": 0,
        "revision": 0,
        "created_at": created_at,
    }


def account_from(row: RowMapping | Mapping[str, Any]) -> Account:
    """Return the account of a row that has `account_fields`."""
    return Account(**{**row, "look": Look(**json.loads(row["look"]))})


def look_text(look: Look) -> str:
    """Return the column of a look. What most do not have is left out: earlier versions of this program know no such."""
    value = dataclasses.asdict(look)
    if not look.original:
        del value["original"]
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
