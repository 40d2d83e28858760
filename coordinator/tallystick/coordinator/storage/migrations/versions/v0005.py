"""Version 0005: boxes for sealed letters, which coordinators on one PostgreSQL share; empty in SQLite, whose coordinator has them in memory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add two tables. In PostgreSQL they are unlogged: their rows stand in no write-ahead log, and so on no standby and in no base backup."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    prefixes = ["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else []
    op.create_table(
        "letters",
        sa.Column("number", number, primary_key=True, autoincrement=True),
        sa.Column("name", sa.LargeBinary, nullable=False),
        sa.Column("box", sa.Text, nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("posted", sa.BigInteger, nullable=False),
        prefixes=prefixes,
    )
    op.create_table(
        "doors",
        sa.Column("agency", sa.Text, primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
        prefixes=prefixes,
    )
    _number(5)


def downgrade() -> None:
    """Forget them: whoever waits for an answer asks again."""
    op.drop_table("doors")
    op.drop_table("letters")
    _number(4)


def _number(number: int) -> None:
    """Write the version where software from before alembic's table looks for it: that refuses this database."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"PRAGMA user_version={number}")
