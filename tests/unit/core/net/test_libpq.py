"""libpq takes of the environment nothing that a connection depends on: asked of libpq itself, which lists its variables."""

from __future__ import annotations

from typing import Any, Final

from psycopg.pq import Conninfo

from tallystick.core.net.libpq import build_parameters, is_this_machine

UNUSED: Final = {
    "service",  # what is said here comes before what a service says
    "sslcert", "sslkey",  # sslcertmode: no certificate of the client is sent
    "sslcompression",  # libpq refuses it
    "krbsrvname", "gsslib", "gssdelegation",  # gssencmode and require_auth: Kerberos is not used
    "min_protocol_version", "max_protocol_version",  # of the messages, not of TLS
}  # fmt: skip


def made() -> dict[str, Any]:
    return build_parameters(
        host="db.example", port=5432, database="county", role="reader", password=None, authentication="scram-sha-256",
        sslmode="verify-full", rootcert=None, application="tallystick", silence=30,
    )  # fmt: skip


def test_every_variable_that_libpq_reads_is_overruled() -> None:
    read = {option.keyword.decode() for option in Conninfo.get_defaults() if option.envvar}
    assert read - made().keys() - UNUSED == set()


def test_what_is_this_machine() -> None:
    for host in ("/var/run/postgresql", "localhost", "127.0.0.1", "::1"):
        assert is_this_machine(host)
    for host in ("db.example", "10.0.0.1", "localhost.example", ""):
        assert not is_this_machine(host)
