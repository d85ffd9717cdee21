"""Accounts as releases before this one have written them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import column, table
from tests.accounts import NOW_MS, new_account

from emoticon.adapters.sql.rows import account_row
from emoticon.adapters.sql.tables import accounts

_SINCE = {"revision"}

accounts_before = table(
    "accounts", *(column(each.name) for each in accounts.c if each.name not in _SINCE)
)


def row_before(username: str, **columns: Any) -> Mapping[str, Any]:
    """Return the columns of an account."""
    row = account_row(new_account(username), created_at=NOW_MS) | columns
    return {name: value for name, value in row.items() if name not in _SINCE}
