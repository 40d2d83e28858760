"""Bring a database to the version that this software works with, and back to an earlier one.

The steps are alembic's, in `migrations/`. A new database gets all of them. An older one:

- in SQLite: a copy of the file is kept beside it, then it is brought up when the coordinator starts; putting the copy back is the
  way back to the earlier software;
- in PostgreSQL: it is refused with the command to type, since replicas of the earlier software may still run; `downgrade` is the way
  back.

A newer one is refused: only the software that knows it can bring it back.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from tallystick.coordinator.storage.engine import READS
from tallystick.core.errors import Broken, Invalid
from tallystick.core.files import copy_database

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

FIRST: Final = "0001"
TABLE: Final = "alembic_version"
_FOLDER: Final = Path(__file__).with_name("migrations")
_UPGRADE: Final = "stop every coordinator of this database, back it up, then: tally coordinator database upgrade"
_LOCK: Final = 7_225_301
"""Number of the advisory lock under which versions change."""


@cache
def list_versions() -> tuple[str, ...]:
    """Give the versions that this software knows, oldest first."""
    return tuple(sorted(path.stem.removeprefix("v") for path in (_FOLDER / "versions").glob("v*.py")))


def find_version(connection: sa.Connection) -> str | None:
    """Give a database's version; None if it holds nothing.

    Raises:
        Broken: `state-corrupt`: another software's, or one that this software does not know.
    """
    found = _read_version(connection)
    if found is None:
        number = connection.exec_driver_sql("PRAGMA user_version").scalar_one() if connection.dialect.name == "sqlite" else 0
        if number > 1:
            raise _unknown(str(number))
        tables = set(sa.inspect(connection).get_table_names())
        if {"jobs", "certificates"} <= tables:
            return FIRST  # from before versions were written down
        if tables - {TABLE}:
            raise Broken("state-corrupt", "the coordinator's database holds tables of another software")
        return None
    if found not in list_versions():
        raise _unknown(found)
    return str(found)


def prepare(engine: sa.Engine) -> None:
    """Make a new database, or bring an older one up where that may be done without being asked.

    Raises:
        Broken: `state-corrupt`. Invalid: `state-version`: it is older, and has to be brought up by hand.
    """
    newest = list_versions()[-1]
    with engine.execution_options(**{READS: True}).connect() as connection, connection.begin():
        found = find_version(connection)
    if found == newest:
        return
    if found is not None:
        if engine.dialect.name != "sqlite":
            raise Invalid(
                "state-version",
                f"the coordinator's database is of version {found}, this software works with {newest}",
                hint=_UPGRADE,
            )
        keep_copy(Path(str(engine.url.database)), found)
    upgrade(engine)


def upgrade(engine: sa.Engine) -> tuple[str | None, str]:
    """Bring a database to the newest version; give what it was and what it is. Of two at once, one does it.

    Raises:
        Broken: `state-corrupt`.
    """
    from alembic import command  # a database of this version needs none of it

    with engine.connect() as connection, connection.begin():
        _alone(connection)
        found = find_version(connection)
        if found == FIRST and _read_version(connection) is None:
            command.stamp(_config(connection), FIRST)
        command.upgrade(_config(connection), "head")
    return found, list_versions()[-1]


def downgrade(engine: sa.Engine, version: str) -> str:
    """Bring a database back to an earlier version; give what it was.

    Raises:
        Invalid: `state-version`: no earlier version of that name. Broken: `state-corrupt`.
    """
    from alembic import command

    with engine.connect() as connection, connection.begin():
        _alone(connection)
        found, known = find_version(connection), list_versions()
        if found is None or version not in known or known.index(version) > known.index(found):
            raise Invalid(
                "state-version", f"the database is of version {found}; there is no way back to {version}", hint=" ".join(known)
            )
        command.downgrade(_config(connection), version)
    return found


def keep_copy(file: Path, version: str) -> Path:
    """Keep a copy of a SQLite database beside it; give its place. One that is there already is replaced."""
    copy = file.with_name(f"{file.name}.version-{version}")
    copy.unlink(missing_ok=True)
    copy_database(file, copy)
    return copy


def _alone(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def _read_version(connection: sa.Connection) -> str | None:
    """Read the version that alembic has written down, if it has."""
    if not sa.inspect(connection).has_table(TABLE):
        return None
    return connection.exec_driver_sql(f"SELECT version_num FROM {TABLE}").scalar_one_or_none()  # noqa: S608  # a constant


def _config(connection: sa.Connection) -> AlembicConfig:
    from alembic.config import Config as AlembicConfig

    config = AlembicConfig()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _unknown(version: str) -> Broken:
    return Broken(
        "state-corrupt",
        f"the coordinator's database is of version {version}, which this software does not know",
        hint="install the software that it is of, or bring it back with that: tally coordinator database downgrade VERSION",
    )
