"""What a connection to a PostgreSQL server depends on, said in full, so that libpq takes no place, name, secret or check from elsewhere.

Of the environment it still reads the name of a service (`PGSERVICE`; a service that is not found ends the connection, and of one that is
found everything that is said here takes precedence), and how it would speak to Kerberos and compress, neither of which is used.

Source: PostgreSQL's documentation of libpq, "Parameter Key Words" and "Environment Variables".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tallystick.core.keyfile import read_password
from tallystick.core.net.hosts import is_loopback_host

CONNECT_SECONDS: Final = 10
"""So long may a server take to let a connection in."""


def is_this_machine(host: str) -> bool:
    """Tell whether a server's host is this machine: the folder of its Unix socket, `localhost`, or a loopback address."""
    return host.startswith("/") or is_loopback_host(host)


def build_parameters(
    *, host: str, port: int, database: str, role: str, password: Path | None, authentication: str, sslmode: str,
    rootcert: Path | None, application: str, silence: int,
) -> dict[str, Any]:  # fmt: skip
    """Give the parameters of a connection; callers add what is theirs alone.

    Args:
        host: a name, an address, or the folder of the server's Unix socket.
        port: the server's.
        database: its name there.
        role: who connects.
        password: a file with the role's password; without one the server must know the role otherwise.
        authentication: how the password may be asked for, as `require_auth` has it.
        sslmode: what is checked of the server.
        rootcert: the certificate of the authority that signed the server's.
        application: what the server calls the connection.
        silence: for so many seconds the network may be dead before the connection is given up.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `file-format`: of the file with the password.
    """
    return {
        "host": host,
        "hostaddr": "",
        "port": port,
        "dbname": database,
        "user": role,
        "password": "" if password is None else read_password(password),
        "passfile": "/nonexistent",  # libpq warns of /dev/null at every connection
        "require_auth": "" if password is None else authentication,
        "sslmode": sslmode,
        "sslrootcert": "" if rootcert is None else str(rootcert),
        "sslcertmode": "disable",
        "sslcrl": "",
        "sslcrldir": "",
        "sslnegotiation": "postgres",
        "sslsni": "1",
        "ssl_min_protocol_version": "TLSv1.2",
        "ssl_max_protocol_version": "",
        "requirepeer": "",
        "gssencmode": "disable",
        "channel_binding": "prefer",
        "target_session_attrs": "any",
        "load_balance_hosts": "disable",
        "options": "",
        "application_name": application,
        "client_encoding": "UTF8",
        "connect_timeout": CONNECT_SECONDS,
        "keepalives": 1,
        "keepalives_idle": silence // 3,
        "keepalives_interval": silence // 6,
        "keepalives_count": 3,
        "tcp_user_timeout": silence * 1000,
    }
