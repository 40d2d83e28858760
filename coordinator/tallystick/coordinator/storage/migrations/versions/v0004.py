"""Version 0004: what happened to a job, when each moved last, and how many jobs each node takes: what replicas tell each other and people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add three tables; of jobs from before, the timeline begins now."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "moments",
        sa.Column("number", number, primary_key=True, autoincrement=True),
        sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), nullable=False, index=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
    )
    op.create_table(
        "movements",
        sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "bounds",
        sa.Column("party", sa.Text, primary_key=True),
        sa.Column("jobs", sa.Integer, nullable=False),
    )
    _number(4)


def downgrade() -> None:
    """Forget them."""
    op.drop_table("bounds")
    op.drop_table("movements")
    op.drop_table("moments")
    _number(3)


def _number(number: int) -> None:
    """Write the version where software from before alembic's table looks for it: that refuses this database."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"PRAGMA user_version={number}")
