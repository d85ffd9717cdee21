"""The tables, as the newest migration leaves them.

Times are Unix times in milliseconds. Text is compared byte by byte on both databases: SQLite does so by itself,
PostgreSQL under the collation "C".
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

MAX_ID = 2**63 - 1

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

_exact_text = Text().with_variant(Text(collation="C"), "postgresql")
_id = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER PRIMARY KEY is SQLite's row id

accounts = Table(
    "accounts",
    metadata,
    Column("id", _id, Identity(), primary_key=True),
    Column("username", _exact_text, nullable=False),
    Column("username_key", _exact_text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("look", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=False),
    # 0 until the floor is first raised, so that whoever looks for changed floors does not find every new account
    Column("floor_at", BigInteger, nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    CheckConstraint("floor <= version", name="floor"),
    CheckConstraint("visibility IN ('private', 'public')", name="visibility"),
    sqlite_autoincrement=True,  # an id is never given twice: old tokens name it
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", _exact_text, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False),
    Column("refresh_counter", BigInteger, nullable=False),
    Column("rotated_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("end_reason", Text),
    Column("user_agent", Text, nullable=False),
    Column("address", Text, nullable=False),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
)

Index(
    "ix_sessions_open",
    sessions.c.account_id,
    postgresql_where=sessions.c.ended_at.is_(None),
    sqlite_where=sessions.c.ended_at.is_(None),
)
