"""Version 0003: the epoch, by which a restored database is recognised."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the epoch; it is drawn when a coordinator serves from this database for the first time."""
    op.create_table("epochs", sa.Column("epoch", sa.Text, primary_key=True))
    _number(3)


def downgrade() -> None:
    """Forget it."""
    op.drop_table("epochs")
    _number(2)


def _number(number: int) -> None:
    """Write the version where software from before alembic's table looks for it: that refuses this database."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"PRAGMA user_version={number}")
