"""A coordinator's database of another version: brought up, refused with the command to type, brought back; rows stay."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner

from tallystick.coordinator.cli import coordinator
from tallystick.coordinator.records import Invitation, MessageRecord
from tallystick.coordinator.storage import versions
from tallystick.coordinator.storage.engine import sqlite_engine
from tallystick.coordinator.storage.postgresql import postgresql_engine, read_address
from tallystick.coordinator.storage.sql import SqlStorage
from tallystick.coordinator.storage.tables import METADATA
from tallystick.core.errors import Broken, Invalid, NotReady
from tests.contract.test_coordinator_storage import a_job, a_message
from tests.postgres import Server, database_of, make_database, postgres

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
Open = Callable[[], sa.Engine]


@pytest.fixture(name="server", scope="module")
def running_server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(name="open_", params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Give what opens an empty database."""
    if request.param == "sqlite":
        return lambda: sqlite_engine(tmp_path / "db")
    return database_of(request.getfixturevalue("server"), tmp_path)


def fill(engine: sa.Engine) -> None:
    """Put rows into a database of the present version."""
    storage = SqlStorage(engine)
    storage.add_invitation(Invitation("i1", "agency", "labor", NOW + timedelta(days=1)))
    record = storage.add_job(a_job())
    storage.change(record, record, messages=[a_message()])
    storage.close()


def make_old(engine: sa.Engine) -> None:
    """Leave a database as the first software had it: filled, and without a word on its version but SQLite's own."""
    fill(engine)
    versions.downgrade(engine, versions.FIRST)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    engine.dispose()


def version_of(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return versions.find_version(connection)


def test_every_step_leads_to_the_tables_and_back(open_: Open) -> None:
    engine = open_()
    assert version_of(engine) is None
    SqlStorage(engine)
    assert version_of(engine) == versions.list_versions()[-1]
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA) == []
    for version in reversed(versions.list_versions()):
        versions.downgrade(engine, version)
        assert version_of(engine) == version
    versions.upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_an_old_file_is_brought_up_at_the_start_and_a_copy_is_kept(tmp_path: Path) -> None:
    make_old(sqlite_engine(tmp_path / "db"))
    storage = SqlStorage(sqlite_engine(tmp_path / "db"))
    assert storage.invitation("i1") == Invitation("i1", "agency", "labor", NOW + timedelta(days=1))
    assert storage.messages(a_job().job) == (a_message(),)
    assert isinstance(storage.messages(a_job().job)[0], MessageRecord)
    storage.close()
    copy = tmp_path / "db.version-0001"
    assert copy.stat().st_mode & 0o777 == 0o600
    # the way back: the copy in the file's place, as the earlier software finds it
    copy.replace(tmp_path / "db")
    for leftover in ("db-wal", "db-shm"):
        (tmp_path / leftover).unlink(missing_ok=True)
    with sqlite3.connect(tmp_path / "db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(messages)")]
    connection.close()
    assert "store" not in columns


def test_the_first_software_refuses_a_file_that_was_brought_up(tmp_path: Path) -> None:
    fill(sqlite_engine(tmp_path / "db"))
    with sqlite3.connect(tmp_path / "db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] not in {0, 1}  # it takes these two alone
    connection.close()


def test_an_old_server_database_is_refused_with_the_command_to_type(server: Server, tmp_path: Path) -> None:
    open_ = database_of(server, tmp_path)
    make_old(open_())
    with pytest.raises(Invalid, match=r"state-version.*tally coordinator database upgrade"):
        SqlStorage(open_())
    engine = open_()
    assert versions.upgrade(engine) == ("0001", versions.list_versions()[-1])
    assert versions.upgrade(engine)[0] == versions.list_versions()[-1]  # again: nothing
    assert SqlStorage(engine).messages(a_job().job) == (a_message(),)
    versions.downgrade(engine, "0001")
    with pytest.raises(Invalid, match="state-version"):
        SqlStorage(engine)


def test_the_commands_that_are_named_bring_it_up_and_back(server: Server, tmp_path: Path) -> None:
    address, password = make_database(server, tmp_path)
    config = tmp_path / "coordinator.yaml"
    config.write_text(f"network: county\ndatabase: {address}\ndatabase_password_file: {password.name}\n")
    told = []
    for arguments in (["upgrade"], ["downgrade", "0001"], ["upgrade"], ["upgrade"]):
        command = ["database", *arguments, "--config", str(config), "--format", "json"]
        result = CliRunner().invoke(coordinator, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        told.append(json.loads(result.stdout))
    newest = versions.list_versions()[-1]
    assert [(one["before"], one["version"]) for one in told] == [
        (None, newest), (newest, "0001"), ("0001", newest), (newest, newest)
    ]  # fmt: skip


def test_what_has_no_way_back_says_so(open_: Open) -> None:
    engine = open_()
    fill(engine)
    with pytest.raises(Invalid, match="no way back to 9999"):
        versions.downgrade(engine, "9999")
    versions.downgrade(engine, "0001")
    with pytest.raises(Invalid, match="no way back to 0002"):
        versions.downgrade(engine, "0002")


def test_a_later_version_and_another_softwares_tables_are_refused(open_: Open) -> None:
    engine = open_()
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE wages (amount INTEGER)")
    with pytest.raises(Broken, match="another software"):
        SqlStorage(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE wages")
    fill(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Broken, match=r"version 9999, which this software does not know"):
        SqlStorage(open_())


def test_a_server_that_is_away_and_a_wrong_password_are_told_so(server: Server, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("not-the-word")
    (tmp_path / "password").chmod(0o600)
    for port in (server.port, 1):
        address = read_address(f"postgresql://admin@127.0.0.1:{port}/postgres?sslmode=disable")
        with pytest.raises(NotReady, match="unavailable") as told:
            SqlStorage(postgresql_engine(address, password=tmp_path / "password"))
        assert "not-the-word" not in repr(told.value) + str(told.value.__cause__)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("mysql://a@b/c", "postgresql://"),
        ("postgresql://a:secret@db/c", "no place in it"),
        ("postgresql://a@db", "lacks"),
        ("postgresql://db/c", "lacks"),
        ("postgresql://a@db/c?sslmode=disable", "this machine"),
        ("postgresql://a@db/c?sslmode=require", "sslmode is require"),
        ("postgresql://a@db/c?passfile=/x", "sslmode and host alone"),
        ("postgresql://a@db/c?host=x&host=y", "sslmode and host alone"),
        (":::", "no address"),
    ],
)
def test_addresses_that_are_none_are_refused(address: str, problem: str) -> None:
    with pytest.raises(Invalid, match=problem) as told:
        read_address(address)
    assert "secret" not in str(told.value)


def test_addresses_say_how_the_server_is_believed() -> None:
    assert read_address("postgresql://a@db.example/c").sslmode == "verify-full"
    assert read_address("postgresql://a@/c?host=/run/postgresql").sslmode == "disable"
    assert read_address("postgresql://a@127.0.0.1:6000/c?sslmode=disable").port == 6000
