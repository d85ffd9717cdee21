"""The audit, accounts that can be disabled, sessions found by when they ended, names compared more strictly."""

from contextlib import suppress

import sqlalchemy as sa
from alembic import op

from emoticon.domain.errors import InvalidUsername
from emoticon.domain.names import fold

revision = "0002"
down_revision = "0001"

_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ended = sa.text("ended_at IS NOT NULL")
_deleted = sa.text("deleted_at IS NOT NULL")


def upgrade() -> None:
    """Apply."""
    op.add_column("accounts", sa.Column("disabled_at", sa.BigInteger()))
    op.create_index(
        "ix_accounts_deleted_at",
        "accounts",
        ["deleted_at"],
        postgresql_where=_deleted,
        sqlite_where=_deleted,
    )
    op.create_index(
        "ix_sessions_ended_at",
        "sessions",
        ["ended_at"],
        postgresql_where=_ended,
        sqlite_where=_ended,
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index(op.f("ix_sessions_account_id"), "sessions", ["account_id"])
    op.create_table(
        "audit",
        sa.Column("id", _id, sa.Identity(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger()),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"])
    op.create_index("ix_audit_account_id", "audit", ["account_id", "id"])
    _compare_names_anew()


def _compare_names_anew() -> None:
    """Fold every name that is not ASCII as this version does. Whose new key another account has keeps the old one."""
    accounts = sa.table(
        "accounts",
        sa.column("id", sa.BigInteger()),
        sa.column("username", sa.Text()),
        sa.column("username_key", sa.Text()),
    )
    bind = op.get_bind()
    octets = {
        "postgresql": sa.func.octet_length(accounts.c.username),
        "sqlite": sa.func.length(sa.cast(accounts.c.username, sa.LargeBinary())),
    }
    wide = octets[bind.dialect.name] > sa.func.length(accounts.c.username)
    rows = bind.execute(sa.select(accounts).where(wide).order_by(accounts.c.id)).all()
    for row in rows:
        with suppress(InvalidUsername):  # a letter that this Python's Unicode does not know yet
            key = fold(row.username)
            taken = sa.select(accounts.c.id).where(accounts.c.username_key == key)
            if bind.scalar(taken) is None:
                bind.execute(
                    sa.update(accounts).where(accounts.c.id == row.id).values(username_key=key)
                )


def downgrade() -> None:
    """Undo."""
    op.drop_table("audit")
    op.drop_index(op.f("ix_sessions_account_id"), "sessions")
    op.drop_index("ix_sessions_expires_at", "sessions")
    op.drop_index("ix_sessions_ended_at", "sessions")
    op.drop_index("ix_accounts_deleted_at", "accounts")
    # Not as a batch: it would drop the table, and every session with it.
    op.drop_column("accounts", "disabled_at")
