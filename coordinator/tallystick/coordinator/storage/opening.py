"""Open the database that a configuration names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from tallystick.coordinator.config import Settings
from tallystick.coordinator.storage.engine import sqlite_engine
from tallystick.coordinator.storage.postgresql import connection_parameters, postgresql_engine, read_address

DATABASE: Final = "coordinator.db"


def open_engine(settings: Settings) -> sa.Engine:
    """Give the engine of the configured database: PostgreSQL, or the file in the state folder.

    Raises:
        Invalid: `document-invalid`, `file-missing`, `file-permissions`, `file-format`.
    """
    if settings.config.database is None:
        return sqlite_engine(sqlite_file(settings))
    return postgresql_engine(
        read_address(settings.config.database), password=settings.database_password, rootcert=settings.database_rootcert
    )


def read_parameters(settings: Settings) -> dict[str, Any]:
    """Give how to connect to the configured PostgreSQL.

    Raises:
        Invalid: as `open_engine`.
    """
    assert settings.config.database is not None
    return connection_parameters(
        read_address(settings.config.database), password=settings.database_password, rootcert=settings.database_rootcert
    )


def sqlite_file(settings: Settings) -> Path:
    """Give where the file of a coordinator without another database is."""
    return settings.state / DATABASE
