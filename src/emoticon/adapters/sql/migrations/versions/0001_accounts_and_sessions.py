"""Accounts and sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_exact_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_open = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "accounts",
        sa.Column("id", _id, sa.Identity(), nullable=False),
        sa.Column("username", _exact_text, nullable=False),
        sa.Column("username_key", _exact_text, nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("look", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("floor_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.CheckConstraint("floor <= version", name=op.f("ck_accounts_floor")),
        sa.CheckConstraint(
            "visibility IN ('private', 'public')", name=op.f("ck_accounts_visibility")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("username_key", name=op.f("uq_accounts_username_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_accounts_floor_at"), "accounts", ["floor_at"])
    op.create_table(
        "sessions",
        sa.Column("id", _exact_text, nullable=False),
        sa.Column("account_id", _id, nullable=False),
        sa.Column("refresh_counter", sa.BigInteger(), nullable=False),
        sa.Column("rotated_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("end_reason", sa.Text()),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("ck_sessions_ended")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_sessions_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(
        "ix_sessions_open",
        "sessions",
        ["account_id"],
        postgresql_where=_open,
        sqlite_where=_open,
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("sessions")
    op.drop_table("accounts")
