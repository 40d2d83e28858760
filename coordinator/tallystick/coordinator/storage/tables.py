"""The coordinator's tables, as the newest step in `migrations/` leaves them; a test compares the two.

Nothing here is secret from the coordinator, and nothing is data of a person.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts by itself in columns of type INTEGER alone


def _number() -> sa.Column[int]:
    return sa.Column("number", _NUMBER, primary_key=True, autoincrement=True)


invitations = sa.Table(
    "invitations",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger),
)

certificates = sa.Table(
    "certificates",
    METADATA,
    _number(),
    sa.Column("serial", sa.Text, nullable=False, unique=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("invitation", sa.Text, nullable=False),
    sa.Column("chain", sa.LargeBinary, nullable=False),
    sa.Column("revoked", sa.BigInteger),
)

jobs = sa.Table(
    "jobs",
    METADATA,
    _number(),
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
    sa.Index(
        "jobs_open",
        "analyst",
        "question",
        unique=True,
        sqlite_where=sa.text("ended IS NULL"),
        postgresql_where=sa.text("ended IS NULL"),
    ),
)

deposits = sa.Table(
    "deposits",
    METADATA,
    sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("party", sa.Text, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("document", sa.LargeBinary, nullable=False),
)

failures = sa.Table(
    "failures",
    METADATA,
    _number(),
    sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), nullable=False, index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("party", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("hint", sa.Text, nullable=False),
    sa.Column("retry", sa.Boolean, nullable=False),
)

messages = sa.Table(
    "messages",
    METADATA,
    _number(),
    sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("round", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("receiver", sa.Text, nullable=False),
    sa.Column("envelopes", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("store", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("job", "attempt", "round", "sender", "receiver"),
)

moments = sa.Table(
    "moments",
    METADATA,
    _number(),
    sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("party", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
)

movements = sa.Table(
    "movements",
    METADATA,
    sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)

bounds = sa.Table(
    "bounds",
    METADATA,
    sa.Column("party", sa.Text, primary_key=True),
    sa.Column("jobs", sa.Integer, nullable=False),
)

presence = sa.Table(
    "presence",
    METADATA,
    sa.Column("party", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)

replicas = sa.Table(
    "replicas",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("until", sa.BigInteger, nullable=False),
)

leases = sa.Table(
    "leases",
    METADATA,
    sa.Column("job", sa.LargeBinary, sa.ForeignKey("jobs.job"), primary_key=True),
    sa.Column("holder", sa.BigInteger, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
)

letters = sa.Table(
    "letters",
    METADATA,
    _number(),
    sa.Column("name", sa.LargeBinary, nullable=False),
    sa.Column("box", sa.Text, nullable=False, index=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("posted", sa.BigInteger, nullable=False),
)

doors = sa.Table(
    "doors",
    METADATA,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("document", sa.LargeBinary, nullable=False),
)

epochs = sa.Table("epochs", METADATA, sa.Column("epoch", sa.Text, primary_key=True))
