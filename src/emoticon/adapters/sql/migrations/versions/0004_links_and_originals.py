"""Share links, uploaded pictures, and the revision of what an account shows."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_exact_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "accounts", sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_table(
        "links",
        sa.Column("id", _exact_text, nullable=False),
        sa.Column("account_id", _id, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("sizes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_links_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    op.create_index(op.f("ix_links_account_id"), "links", ["account_id"])
    op.create_index(
        "ix_links_expires_at",
        "links",
        ["expires_at"],
        postgresql_where=sa.text("expires_at IS NOT NULL"),
        sqlite_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_table(
        "originals",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", _exact_text, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('new', 'kept', 'dropped')", name=op.f("ck_originals_state")),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_originals")),
    )
    op.create_index(
        "ix_originals_loose",
        "originals",
        ["begun_at"],
        postgresql_where=sa.text("state != 'kept'"),
        sqlite_where=sa.text("state != 'kept'"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("originals")
    op.drop_table("links")
    op.drop_column("accounts", "revision")
