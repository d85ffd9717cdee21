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
    Column("disabled_at", BigInteger),
    # Raised with every change of what the account shows; `floor_at` is stamped with it.
    Column("revision", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("floor <= version", name="floor"),
    CheckConstraint("visibility IN ('private', 'public')", name="visibility"),
    sqlite_autoincrement=True,  # an id is never given twice: old tokens name it
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", _exact_text, primary_key=True),
    # The index is for what befalls all sessions of an account, ended ones included: its deletion.
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
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

# By when they ended: what other nodes have to hear of, and what may be forgotten.
Index(
    "ix_sessions_ended_at",
    sessions.c.ended_at,
    postgresql_where=sessions.c.ended_at.is_not(None),
    sqlite_where=sessions.c.ended_at.is_not(None),
)
Index("ix_sessions_expires_at", sessions.c.expires_at)
Index(
    "ix_accounts_deleted_at",
    accounts.c.deleted_at,
    postgresql_where=accounts.c.deleted_at.is_not(None),
    sqlite_where=accounts.c.deleted_at.is_not(None),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _id, Identity(), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("event", Text, nullable=False),
    # No foreign key: what happened stays known after the account is forgotten.
    Column("account_id", BigInteger),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("request_id", Text, nullable=False),
)

Index("ix_audit_account_id", audit.c.account_id, audit.c.id)

erasures = Table(
    "erasures",
    metadata,
    # Without gaps, so that who has done the one before the oldest is known to have missed none.
    Column("number", _id, primary_key=True, autoincrement=False),
    # No foreign key: pictures may outlive the row of their account.
    Column("owner", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    CheckConstraint("owner > 0", name="owner"),  # 0 has the pictures that are nobody's
)

Index("ix_erasures_at", erasures.c.at, erasures.c.number)


links = Table(
    "links",
    metadata,
    # What is in a URL is this and a MAC, so that who reads the table has no link.
    Column("id", _exact_text, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("sizes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
)

Index(
    "ix_links_expires_at",
    links.c.expires_at,
    postgresql_where=links.c.expires_at.is_not(None),
    sqlite_where=links.c.expires_at.is_not(None),
)

originals = Table(
    "originals",
    metadata,
    # No foreign key: blobs may outlive the row of their account.
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", _exact_text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    CheckConstraint("state IN ('new', 'kept', 'dropped')", name="state"),
)

# Those that something has to be done about.
Index(
    "ix_originals_loose",
    originals.c.begun_at,
    postgresql_where=originals.c.state != "kept",
    sqlite_where=originals.c.state != "kept",
)


def storable(text: str) -> str:
    """Replace what no text column takes: NUL and lone surrogates."""
    return text.encode(errors="replace").decode().replace("\0", "?")
