"""The engine of a PostgreSQL database: where it is, how its role is known there, and what its failures are called.

- TLS is checked (`verify-full`) unless the server is this machine's. The password is read from a file that is closed to others.
- No variable of libpq and no file of its own says where the database is, who connects, or what is checked (`core/net/libpq.py`).
- A commit is durable when it is answered. A replica that was stopped in the middle of a transaction loses it, and keeps no lock.

Security: of what the server says, errors hold at most the five characters of SQLSTATE, in `detail`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.errors import Invalid, NotReady
from tallystick.core.net.libpq import build_parameters, is_this_machine

SILENCE_SECONDS: Final = 30
"""So long may the network be dead, or a lock be waited for, before it is given up."""
IDLE_SECONDS: Final = 8
"""So long may a transaction wait for its next statement: a replica that was stopped in the middle holds nothing up for longer."""
POOL: Final = 16
_MODES: Final = ("verify-full", "verify-ca", "disable")
_FULL: Final = "53100"
"""SQLSTATE of a full disk."""


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a PostgreSQL database is.

    Attributes:
        host: a name, an address, or the folder of the server's Unix socket.
    """

    host: str
    port: int
    database: str
    role: str
    sslmode: str


def read_address(text: str) -> DatabaseAddress:
    """Read `postgresql://ROLE@HOST[:PORT]/DATABASE[?sslmode=…]`; `?host=/FOLDER` names the folder of a Unix socket.

    Raises:
        Invalid: `document-invalid`: malformed, a password in it, an option that is not known, or no TLS to another machine.
    """
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise _invalid("it is no address of a database") from None  # its cause may quote a password
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    if url.drivername != "postgresql":
        raise _invalid("it does not begin with postgresql://")
    if url.password is not None:
        raise _invalid("a password has no place in it", "write it to a file, and name that as database_password_file")
    if query.keys() != url.query.keys() or query.keys() - {"host", "sslmode"}:
        raise _invalid("of options it takes sslmode and host alone")
    host = query.get("host") or url.host
    if not host or not url.username or not url.database:
        raise _invalid("it lacks the role, the host or the database")
    here = is_this_machine(host)
    mode = query.get("sslmode", "disable" if host.startswith("/") else "verify-full")
    if mode not in _MODES or (mode == "disable" and not here):
        raise _invalid(f"sslmode is {mode}", "verify-full or verify-ca; disable for a server on this machine alone")
    return DatabaseAddress(host, url.port or 5432, url.database, url.username, mode)


def postgresql_engine(address: DatabaseAddress, *, password: Path | None = None, rootcert: Path | None = None) -> sa.Engine:
    """Open a PostgreSQL database; the first connection is made when it is used.

    Raises:
        Invalid: `document-invalid`: TLS without the certificate of an authority, or an installation without the driver;
            `file-missing`, `file-permissions`, `file-format`: of the file with the password.
    """
    if address.sslmode != "disable" and rootcert is None:
        raise _invalid("TLS needs database_rootcert", "the certificate of the authority that signed the server's")
    try:
        import psycopg
    except ImportError:
        raise _invalid("this installation has no driver for it", "pip install 'tallystick[postgresql]'") from None
    parameters = connection_parameters(address, password=password, rootcert=rootcert)
    engine = sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**parameters),
        isolation_level="READ COMMITTED",
        pool_size=POOL,
        max_overflow=POOL,
        pool_pre_ping=True,
    )
    sa.event.listen(engine, "handle_error", _translate, retval=True)
    return engine


def connection_parameters(address: DatabaseAddress, *, password: Path | None, rootcert: Path | None) -> dict[str, Any]:
    """Give all that a connection depends on.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `file-format`: of the file with the password.
    """
    settings = {
        "synchronous_commit": "on",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        "lock_timeout": f"{SILENCE_SECONDS}s",
        "search_path": "public",
    }
    made = build_parameters(
        host=address.host,
        port=address.port,
        database=address.database,
        role=address.role,
        password=password,
        authentication="scram-sha-256",
        sslmode=address.sslmode,
        rootcert=rootcert,
        application="tallystick-coordinator",
        silence=SILENCE_SECONDS,
    )
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return made | {"target_session_attrs": "read-write", "options": options}


def _translate(context: sa.engine.ExceptionContext) -> BaseException | None:
    """Give a database that is away, or full, to callers as an answer for now, so that nodes try again."""
    error = context.original_exception
    if not isinstance(context.sqlalchemy_exception, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.InternalError):
        return None
    state = str(getattr(error, "sqlstate", None) or "")
    if state == _FULL:
        return NotReady("disk", "the database's disk is full", hint="try again when its operator has made room")
    return NotReady(
        "unavailable",
        "the coordinator's database cannot be reached, or does not let it in",
        hint="its operator checks the database, its role and its password",
        detail=state or type(error).__name__,
    )


def _invalid(problem: str, hint: str = "database: postgresql://ROLE@HOST/DATABASE") -> Invalid:
    return Invalid("document-invalid", f"the coordinator's database: {problem}", hint=hint)
