"""The engine of a SQLite file: durable commits, writers that queue, and disks that fail said in the catalogue's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.errors import NotReady

POOL: Final = 16
"""Connections that stay open; as many threads are seldom in a transaction at once, and opening one costs more than a query."""
CACHE_KIB: Final = 512
"""Of each connection; a job's rows are few, and the system keeps the file's pages anyhow."""
READS: Final = "reads"
"""Execution option of a transaction that only reads; it waits for no writer."""


def sqlite_engine(path: Path) -> sa.Engine:
    """Open a SQLite file so that a commit is durable, and that writers queue instead of failing."""
    engine = sa.create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": 30, "check_same_thread": False},
        pool_size=POOL,
        max_overflow=3 * POOL,
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin with the statement below, not when the driver likes
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"cache_size=-{CACHE_KIB}"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        reads = connection.get_execution_options().get(READS, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    @sa.event.listens_for(engine, "handle_error", retval=True)
    def translate(context: sa.engine.ExceptionContext) -> BaseException | None:
        """Give what a disk that is full or failed is to callers: an answer for now, so that nodes try again."""
        if not isinstance(context.sqlalchemy_exception, sa.exc.OperationalError):
            return None
        return NotReady("disk", "the coordinator's disk is full or failed", hint="try again when its operator has made room")

    return engine
