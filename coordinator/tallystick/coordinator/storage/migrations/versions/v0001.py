"""Version 0001: the tables of the first databases. What stands here is never changed: it is what such a database holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "invitations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger),
    )
    op.create_table(
        "certificates",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("serial", sa.Text, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("invitation", sa.Text, nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.Column("revoked", sa.BigInteger),
    )
    op.create_table(
        "jobs",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("job", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("analyst", sa.Text, nullable=False),
        sa.Column("agreement", sa.Text, nullable=False),
        sa.Column("agreement_digest", sa.Text, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("submitted", sa.BigInteger, nullable=False),
        sa.Column("deadline", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger),
        sa.Column("result_bytes", sa.BigInteger),
    )
    unended = sa.text("ended IS NULL")
    op.create_index("jobs_open", "jobs", ["analyst", "question"], unique=True, sqlite_where=unended, postgresql_where=unended)
    op.create_table(
        "deposits",
        sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("party", sa.Text, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "failures",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("retry", sa.Boolean, nullable=False),
    )
    op.create_index("ix_failures_job", "failures", ["job"])
    op.create_table(
        "messages",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("round", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("receiver", sa.Text, nullable=False),
        sa.Column("envelopes", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("job", "attempt", "round", "sender", "receiver"),
    )
    op.create_table(
        "presence",
        sa.Column("party", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    _number(1)


def downgrade() -> None:
    """Delete the tables."""
    for table in ("presence", "messages", "failures", "deposits", "jobs", "certificates", "invitations"):
        op.drop_table(table)
    _number(0)


def _number(number: int) -> None:
    """Write the version where software from before alembic's table looks for it."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"PRAGMA user_version={number}")
