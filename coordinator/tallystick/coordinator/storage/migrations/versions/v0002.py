"""Version 0002: several replicas on one database: who serves, who drives a job, and whose file holds a message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add leases and replicas; a message that is there lies in the file of a coordinator that is alone."""
    op.create_table(
        "replicas",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False, unique=True),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), primary_key=True),
        sa.Column("holder", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.add_column("messages", sa.Column("store", sa.Text, nullable=False, server_default=""))
    _number(2)


def downgrade() -> None:
    """Forget them. Messages that replicas hold are lost: these jobs begin another attempt or end."""
    op.execute("DELETE FROM messages WHERE store <> ''")
    op.drop_column("messages", "store")
    op.drop_table("leases")
    op.drop_table("replicas")
    _number(1)


def _number(number: int) -> None:
    """Write the version where software from before alembic's table looks for it: that refuses this database."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"PRAGMA user_version={number}")
