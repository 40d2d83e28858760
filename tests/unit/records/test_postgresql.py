"""PostgreSQL as a source: roles, secrets, TLS, types and failures of its own. The rest is the contract suite's."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.agreement import declaration
from tallystick.core.errors import NotReady, TallyError
from tallystick.records.locked import connect
from tallystick.records.registry import open_source, settings_of
from tallystick.records.textblocks import ROWS
from tests.postgres import PASSWORD, READER, Server, postgres
from tests.sources import Postgresql, Texts
from tests.tlsproxy import Authority, proxy

CANARY = "canary-3391-zebra"


@pytest.fixture(name="server", scope="module")
def server_() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(name="case")
def case_(tmp_path: Path, server: Server) -> Iterator[Postgresql]:
    case = Postgresql(tmp_path, server)
    case.write({"name": "text", "n": "integer"}, [("Ann", 1), (CANARY, 2)])
    yield case
    server.run("DROP TABLE IF EXISTS people CASCADE", 'DROP SCHEMA IF EXISTS "We, ird" CASCADE')


def read(case: Postgresql, *names: str, **change: object) -> Texts:
    source = declaration.DeclaredSource(case.declared(**change))
    rows: Texts = []
    with connect(256) as connection, open_source("data", source, case.folder, connection) as found:
        for block in found.blocks(names):
            rows += connection.execute(f"SELECT {', '.join(block.columns.values())} FROM {block.clause}").fetchall()
    return rows


def refused(case: Postgresql, *names: str, **change: object) -> TallyError:
    """Nothing that an error holds is a value, a secret, or the server's own text."""
    with pytest.raises(TallyError) as caught:
        read(case, *names or ("name",), **change)
    error = caught.value
    said = "".join(traceback.format_exception(error)) + error.message + error.hint + error.detail
    assert CANARY not in said
    assert PASSWORD not in said
    assert error.__context__ is None
    configured = f"{change.get('schema', 'public')}.{change.get('table', 'people')}"
    assert re.fullmatch(r"[0-9A-Z]{5}|[A-Za-z]*", error.detail) or error.detail == configured
    return error


def test_the_log_shows_reads_alone(case: Postgresql, server: Server) -> None:
    since = len(server.log.read_bytes())
    read(case, "name", "n")
    mine = [line for line in server.logged(since).splitlines() if re.search(r"LOG:  (statement|execute)", line)]
    allowed = re.compile(
        r"LOG:  (statement|execute [^:]*): (BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY|SET LOCAL |SELECT |COPY \(SELECT )"
    )
    assert [line for line in mine if not allowed.search(line)] == []
    assert sum("COPY (SELECT" in line for line in mine) == 1
    assert sum("READ ONLY" in line for line in mine) == 1


@pytest.mark.parametrize("right", ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "UPDATE (n)", "INSERT (name)", "ALL"])
def test_a_role_that_may_write_is_refused(case: Postgresql, server: Server, right: str) -> None:
    server.run(f"GRANT {right} ON people TO {READER}")
    error = refused(case)
    assert error.code == "source-role"
    assert "may write" in error.message
    server.run(f"REVOKE ALL ON people FROM {READER}", f"GRANT SELECT ON people TO {READER}")
    assert len(read(case, "name")) == 2


def test_the_owner_and_a_superuser_are_refused(case: Postgresql, server: Server) -> None:
    server.run(f"ALTER TABLE people OWNER TO {READER}")
    assert refused(case).code == "source-role"
    server.run("ALTER TABLE people OWNER TO admin", f"GRANT SELECT ON people TO {READER}", f"ALTER ROLE {READER} SUPERUSER")
    assert refused(case).code == "source-role"
    server.run(f"ALTER ROLE {READER} NOSUPERUSER")


def test_a_role_that_may_not_read(case: Postgresql, server: Server) -> None:
    server.run(f"REVOKE ALL ON people FROM {READER}")
    error = refused(case)
    assert (error.code, "GRANT SELECT" in error.hint) == ("source-role", True)
    server.run(f"GRANT SELECT (n) ON people TO {READER}")
    assert read(case, "n") == [("1",), ("2",)]
    with (
        connect(64) as connection,
        open_source("d", declaration.DeclaredSource(case.declared()), case.folder, connection) as found,
    ):
        assert (dict(found.columns), found.hint) == ({"n": "integer"}, "the role may not read 1 columns of the table")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"table": "gone"}, "source-missing"), ({"schema": "gone"}, "source-missing"), ({"table": "PEOPLE"}, "source-missing"),
        ({"table": "people; DROP TABLE people"}, "source-missing"), ({"table": "pg_authid", "schema": "pg_catalog"}, "source-role"),
        ({"database": "gone"}, "source-role"), ({"role": "nobody_known"}, "source-role"),
        ({"port": 1}, "source-lost"), ({"host": "/nowhere"}, "source-lost"),
        ({"password_file": None}, "source-lost"), ({"password_file": "gone"}, "file-missing"),
    ],
)  # fmt: skip
def test_settings_that_lead_nowhere(case: Postgresql, change: dict[str, Any], code: str) -> None:
    error = refused(case, **change) if code != "file-missing" else None
    if error is None:
        with pytest.raises(TallyError) as caught:
            read(case, "name", **change)
        error = caught.value
    assert error.code == code


@pytest.mark.parametrize(
    ("text", "mode", "code"),
    [("wrong\n", 0o600, "source-role"), ("", 0o600, "file-format"), ("two\nlines\n", 0o600, "file-format"),
     (PASSWORD, 0o640, "file-permissions"), (PASSWORD + "\r\n", 0o400, None)],
)  # fmt: skip
def test_the_file_with_the_password(case: Postgresql, text: str, mode: int, code: str | None) -> None:
    path = case.folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    if code is None:
        assert len(read(case, "name")) == 2
        return
    with pytest.raises(TallyError) as caught:
        read(case, "name")
    assert caught.value.code == code
    assert PASSWORD not in "".join(traceback.format_exception(caught.value)) + caught.value.detail


def test_a_link_in_place_of_the_password_is_refused(case: Postgresql) -> None:
    (case.folder / "link").symlink_to(case.folder / "secret")
    with pytest.raises(TallyError) as caught:
        read(case, "name", password_file="link")
    assert caught.value.code == "file-permissions"


def test_the_server_is_reached_by_its_socket_too(case: Postgresql, server: Server) -> None:
    assert len(read(case, "name", host=str(server.folder))) == 2


def test_a_view_whose_rows_fail_is_told_without_its_values(case: Postgresql, server: Server) -> None:
    server.run("CREATE VIEW failing AS SELECT name::integer AS name FROM people", f"GRANT SELECT ON failing TO {READER}")
    error = refused(case, table="failing")
    assert (error.code, error.detail) == ("source-missing", "22P02")


def test_a_view_that_would_write_cannot(case: Postgresql, server: Server) -> None:
    server.run(
        "CREATE FUNCTION sneak() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ DELETE FROM people RETURNING name $$",
        "CREATE VIEW sneaky AS SELECT sneak() AS name",
        f"GRANT SELECT ON sneaky TO {READER}",
    )
    error = refused(case, table="sneaky")
    assert (error.code, error.detail) == ("source-missing", "25006")
    assert len(read(case, "name")) == 2
    server.run("DROP VIEW sneaky", "DROP FUNCTION sneak")


def test_a_connection_that_is_lost_in_the_middle(case: Postgresql, server: Server) -> None:
    case.write({"name": "text"}, [(f"{CANARY} {at} " + "x" * 200,) for at in range(6 * ROWS)])
    source = declaration.DeclaredSource(case.declared())
    with (
        connect(256) as connection,
        open_source("data", source, case.folder, connection) as found,
        closing(found.blocks(["name"])) as blocks,
    ):
        next(blocks)
        server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{READER}'")
        with pytest.raises(NotReady) as caught:
            list(blocks)
    assert caught.value.code == "source-lost"
    assert CANARY not in "".join(traceback.format_exception(caught.value)) + caught.value.detail


def test_types_of_its_own(case: Postgresql, server: Server) -> None:
    server.run(
        'CREATE SCHEMA "We, ird"', f'GRANT USAGE ON SCHEMA "We, ird" TO {READER}', 'SET search_path = "We, ird"',
    )  # fmt: skip
    with server.admin() as admin:
        admin.execute('SET search_path = "We, ird"')
        admin.execute("CREATE TYPE mood AS ENUM ('glad', 'sad')")
        admin.execute("CREATE DOMAIN day AS date")
        admin.execute("CREATE DOMAIN weekday AS day")
        admin.execute(
            'CREATE TABLE "T-1" (mood mood, day weekday, code char(5), id uuid, pay money, small smallint, r real, t time, '
            "tags text[], doc jsonb, whole int GENERATED ALWAYS AS (2) STORED, far date, ever timestamptz, nan numeric, gone int)"
        )
        admin.execute('ALTER TABLE "T-1" DROP COLUMN gone')
        admin.execute(
            """INSERT INTO "T-1" VALUES ('sad', '2025-01-31', 'ab', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1234.5::money, -3, 0.1,
               '09:05:00', '{a}', '{}', DEFAULT, 'infinity', '-infinity', 'NaN')"""
        )
        admin.execute(f'GRANT SELECT ON "T-1" TO {READER}')
    change = {"schema": "We, ird", "table": "T-1"}
    with (
        connect(64) as connection,
        open_source("d", declaration.DeclaredSource(case.declared(**change)), case.folder, connection) as found,
    ):
        kinds = dict(found.columns)
    assert kinds == {
        "mood": "text", "day": "date", "code": "text", "id": "text", "pay": "decimal", "small": "integer", "r": "float32", "t": "text",
        "tags": "other", "doc": "other", "whole": "integer", "far": "date", "ever": "zoned moment", "nan": "decimal",
    }  # fmt: skip
    names = [name for name, kind in kinds.items() if kind != "other"]
    assert read(case, *names, **change) == [
        ("sad", "2025-01-31", "ab", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "1234.50", "-3", "0.1", "09:05:00", "2", "infinity",
         "-infinity", "NaN"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["MATERIALIZED VIEW m AS SELECT * FROM people", "VIEW m AS SELECT * FROM people"])
def test_views_of_both_kinds_are_read(case: Postgresql, server: Server, kind: str) -> None:
    server.run(f"CREATE {kind}", f"GRANT SELECT ON m TO {READER}")
    assert read(case, "n", table="m") == [("1",), ("2",)]


def test_tls_checks_the_certificate_and_the_name(case: Postgresql, server: Server, tmp_path: Path) -> None:
    ours, other = Authority(), Authority()
    (tmp_path / "ours.pem").write_bytes(ours.certificate)
    (tmp_path / "other.pem").write_bytes(other.certificate)
    with proxy(server.port, ours, "localhost") as port:
        over: dict[str, object] = {"host": "localhost", "port": port, "sslmode": "verify-full"}
        assert len(read(case, "name", **over, rootcert="ours.pem")) == 2
        for name in ("other.pem", "gone.pem"):
            error = refused(case, **over, rootcert=name)
            assert (error.code, "rootcert" in error.hint) == ("source-lost", True)
        named = {**over, "host": "127.0.0.1"}
        error = refused(case, **named, rootcert="ours.pem")
        assert (error.code, "certificate" in error.hint) == ("source-lost", True)
        assert len(read(case, "name", **{**named, "sslmode": "verify-ca"}, rootcert="ours.pem")) == 2
    error = refused(case, host="localhost", sslmode="verify-full", rootcert="ours.pem")  # this server speaks no TLS
    assert (error.code, "sslmode" in error.hint) == ("source-lost", True)


def test_a_service_of_the_environment_is_named(case: Postgresql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICE", "elsewhere")
    assert "PGSERVICE" in refused(case).hint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host": "db.example"}, "on this machine alone"), ({"host": "192.0.2.1"}, "on this machine alone"),
        ({"sslmode": "verify-ca"}, "TLS needs rootcert"),
        ({"sslmode": "verify-full"}, "TLS needs rootcert"), ({"sslmode": "require"}, "sslmode: must be one of"),
        ({"sslmode": "prefer"}, "sslmode: must be one of"), ({"port": 0}, "port: must be at least 1"),
        ({"password": PASSWORD}, "password: unknown key"), ({"query": "SELECT 1"}, "query: unknown key"),
        ({"host": "a,b"}, "host: must be one host"), ({"table": None}, "table: missing"), ({"role": None}, "role: missing"),
    ],
)  # fmt: skip
def test_settings_that_are_refused(case: Postgresql, change: dict[str, Any], said: str) -> None:
    with pytest.raises(TallyError) as caught:
        settings_of(declaration.DeclaredSource(case.declared(**change)), what="source")
    assert caught.value.code == "document-invalid"
    assert said in caught.value.message
    assert PASSWORD not in caught.value.message


def test_without_the_extra_it_says_what_to_install(case: Postgresql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(TallyError) as caught:
        read(case, "name")
    assert (caught.value.code, "tallystick[postgresql]" in caught.value.hint) == ("source-missing", True)
