"""A DuckDB connection that is in memory, loads no extension, spills nothing to disk, and can be locked.

Order of use: `connect`, load the agreed columns with statements of our own, `lock`, and only then anything that holds an
analyst's text. DuckDB's `allowed_paths` is no read-only permission (a COPY can overwrite an allowed file), so none is given.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import duckdb

from tallystick.records.memory import reading_limit_mib

Connection: TypeAlias = Any
"""duckdb.DuckDBPyConnection; the package is untyped here."""

THREADS: Final = 2


def connect(max_memory_mib: int | None) -> Connection:
    """Open an empty database in memory, which may take so much of it, and never more than `memory.reading_limit_mib` allows."""
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
            "threads": str(THREADS),
            "temp_directory": "",
            "memory_limit": f"{reading_limit_mib(max_memory_mib)}MiB",
        }
    )
    connection.execute("SET TimeZone = 'UTC'")  # no moment depends on where the machine stands
    return connection


def lock(connection: Connection) -> None:
    """Take away files, network, extensions and every setting, for good."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def quote_name(name: str) -> str:
    """Write a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Give text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
