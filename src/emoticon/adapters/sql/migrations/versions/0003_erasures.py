"""Erasures: whose pictures have to go from every tier."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "erasures",
        sa.Column("number", _id, autoincrement=False, nullable=False),
        sa.Column("owner", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("owner > 0", name=op.f("ck_erasures_owner")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_at", "erasures", ["at", "number"])
    # The pictures of those who left before this may still be in tiers.
    op.execute(
        "INSERT INTO erasures (number, owner, at)"
        " SELECT row_number() OVER (ORDER BY deleted_at, id), id, deleted_at"
        " FROM accounts WHERE deleted_at IS NOT NULL"
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("erasures")
