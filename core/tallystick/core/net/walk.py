"""The way to the coordinator, hop by hop, with real connections: what stands in it, said so that the right person can mend it.

gRPC says "unavailable" for a wrong name, a closed port, a proxy that refuses, another network's authority and a clock that is wrong alike.
These hops are tried one after another as gRPC would take them (the same proxy, the same certificates); the first that fails is the cause.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from tallystick.core.errors import Invalid, NotReady, Refused, TallyError
from tallystick.core.net.channel import is_loopback
from tallystick.core.net.tls import SERVER_NAME, Credentials, is_key_of, load_certificate

SECONDS: Final = 5.0
HOPELESS: Final = frozenset({"authority-differs", "identity-differs", "version-mismatch"})
"""What no waiting mends: somebody must change a file or a version."""
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_PROXIES: Final = ("grpc_proxy", "https_proxy", "HTTPS_PROXY", "http_proxy")
_LEFT_OUT: Final = ("no_grpc_proxy", "no_proxy", "NO_PROXY")
_EXPIRED, _EARLY, _NAME = 10, 9, 62
"""OpenSSL's numbers of what is wrong with a certificate."""


@dataclass(frozen=True)
class Hop:
    """One hop: its name, what was found, and what stands in the way if anything does."""

    name: str
    found: str
    problem: TallyError | None = None


def walk(
    address: str, credentials: Credentials, now: datetime, call: Callable[[], object] | None = None, *, environment: bool = True
) -> Iterator[Hop]:
    """Try each hop to a coordinator; ends with the first that fails. Blocks for some seconds a hop.

    Args:
        address: `host:port`.
        credentials: this party's certificate and key, and the network's authority.
        now: this machine's time.
        call: one call to the coordinator; raises what it said. Left out, the last hop is the handshake.
        environment: whether proxies of the environment count; to loopback they never do.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    proxy = find_proxy(host) if environment and not is_loopback(address) else None
    steps: list[tuple[str, Callable[[], str]]] = [("certificate", lambda: check_own(credentials, now))]
    opened: list[socket.socket] = []
    target = (host, int(port)) if proxy is None else _proxy_place(proxy)
    steps += [("name", lambda: _resolve(target[0])), ("port", lambda: _connect(target, opened))]
    if proxy is not None:
        steps.append(("proxy", lambda: _pass_proxy(opened[0], proxy, f"{host}:{port}")))
    steps.append(("TLS", lambda: _shake(opened[0], credentials, now)))
    if call is not None:
        steps.append(("call", lambda: _answer(call)))
    try:
        for name, step in steps:
            try:
                yield Hop(name, step())
            except TallyError as error:
                yield Hop(name, "", error)
                return
    finally:
        for one in opened:
            one.close()


def find_cause(address: str, credentials: Credentials, now: datetime) -> TallyError | None:
    """Find what stands in the way to a coordinator; None where the handshake succeeds."""
    return next((hop.problem for hop in walk(address, credentials, now) if hop.problem is not None), None)


def find_proxy(host: str) -> str | None:
    """Find the proxy that gRPC takes to a host: of `https_proxy`, in either case, unless `no_proxy` leaves the host out."""
    named = next(filter(None, map(os.environ.get, _PROXIES)), None)
    left_out = next(filter(None, map(os.environ.get, _LEFT_OUT)), "")
    entries = [entry.strip().removeprefix("*").removeprefix(".").lower() for entry in left_out.split(",") if entry.strip()]
    if any(not entry or host.lower() == entry or host.lower().endswith(f".{entry}") for entry in entries):
        return None
    return named


def check_own(credentials: Credentials, now: datetime) -> str:
    """Look at this party's own certificate: its dates, its key, and who signed it; say until when it is good.

    Raises:
        Refused: `certificate-dates`, `authority-differs`. Invalid: `not-enrolled`: it cannot be read, or the key is another's.
    """
    own, authority = load_certificate(credentials.chain), load_certificate(credentials.authority)
    if not is_key_of(credentials.key, credentials.chain):
        raise Invalid("not-enrolled", "the TLS key here is not the certificate's", hint="join with a new invitation")
    try:
        own.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Refused(
            "authority-differs", "this certificate was not signed by the authority beside it", hint="join with a new invitation"
        ) from error
    if now > own.not_valid_after_utc:
        raise Refused(
            "certificate-dates",
            f"this certificate ended on {own.not_valid_after_utc:%Y-%m-%d}",
            hint="join with a new invitation",
        )
    if now < own.not_valid_before_utc:
        raise _clock(own, now, "this certificate")
    return f"valid until {own.not_valid_after_utc:%Y-%m-%d}"


def _clock(certificate: x509.Certificate, now: datetime, whose: str) -> Refused:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Refused(
        "clock",
        f"{whose} is good from {begin:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}, and this machine's clock says {now:%Y-%m-%dT%H:%MZ}",
        hint="set the clock of the machine that is wrong, this one or the coordinator's",
    )


def _proxy_place(proxy: str) -> tuple[str, int]:
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return parts.hostname or "", parts.port or 80


def _resolve(host: str) -> str:
    try:
        found = sorted({str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except OSError as error:
        raise NotReady(
            "name-unknown", f"no address is known of {host}", hint="check the name in the configuration, and this machine's DNS"
        ) from error
    return ", ".join(found)


def _connect(target: tuple[str, int], opened: list[socket.socket]) -> str:
    try:
        opened.append(socket.create_connection(target, timeout=SECONDS))
    except ConnectionRefusedError as error:
        raise NotReady(
            "port-closed", f"nothing listens at {target[0]}:{target[1]}", hint="is the coordinator running, and the port right?"
        ) from error
    except OSError as error:
        raise NotReady(
            "unreachable",
            f"{target[0]}:{target[1]} does not answer",
            hint="a firewall may be in between: this machine must be let out to that port",
            detail=type(error).__name__,
        ) from error
    return f"{target[0]}:{target[1]} answers"


def _pass_proxy(link: socket.socket, proxy: str, address: str) -> str:
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    lines = [f"CONNECT {address} HTTP/1.1", f"Host: {address}"]
    if parts.username:
        word = base64.b64encode(f"{parts.username}:{parts.password or ''}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {word}")
    try:
        link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer and len(answer) < 65_536:
            piece = link.recv(4096)
            if not piece:
                break
            answer += piece
    except OSError as error:
        raise _proxy_refuses(parts.hostname, "did not answer") from error
    status = answer.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(status) < 2 or status[1] != "200":
        raise _proxy_refuses(parts.hostname, f"answered {status[1] if len(status) > 1 else 'nothing'}")
    return f"{parts.hostname} lets us through"


def _proxy_refuses(host: str | None, what: str) -> NotReady:
    return NotReady(
        "proxy",
        f"the proxy {host} {what}",
        hint="it must let CONNECT through to the coordinator's port; or name the coordinator in no_proxy",
    )


def _shake(link: socket.socket, credentials: Credentials, now: datetime) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    context.load_verify_locations(cadata=credentials.authority.decode())
    pair = os.memfd_create("pair")  # ssl reads keys from files alone; this one never meets a disk
    try:
        with os.fdopen(os.dup(pair), "wb") as file:
            file.write(credentials.key + credentials.chain)
        context.load_cert_chain(f"/proc/self/fd/{pair}")
    finally:
        os.close(pair)
    try:
        with context.wrap_socket(link.dup(), server_hostname=SERVER_NAME) as shaken:
            shaken.settimeout(SECONDS)
            shaken.sendall(_PREFACE)
            if not shaken.recv(1):  # a server that does not like our certificate says so only now
                raise ConnectionResetError
            return f"{shaken.version()}, certificates of both ends are accepted"
    except ssl.SSLCertVerificationError as error:
        raise _bad_server(error, now) from error
    except ssl.SSLError as error:
        raise _bad_handshake(error.reason or "") from error
    except OSError as error:
        raise NotReady(
            "unreachable", "the connection broke off while it was secured", hint="something in between may cut TLS off"
        ) from error


def _bad_server(error: ssl.SSLCertVerificationError, now: datetime) -> TallyError:
    match error.verify_code:
        case code if code in (_EXPIRED, _EARLY):
            return Refused(
                "clock",
                f"the coordinator's certificate is {'over' if code == _EXPIRED else 'not good yet'} by this machine's clock, "
                f"which says {now:%Y-%m-%dT%H:%MZ}",
                hint="set the clock of the machine that is wrong, this one or the coordinator's",
            )
        case code if code == _NAME:
            return Refused(
                "authority-differs",
                "what answers there is no coordinator: its certificate is for another name",
                hint="check the address",
            )
        case _:
            return Refused(
                "authority-differs",
                "what answers there has a certificate of another authority than this network's",
                hint="check the address; a proxy that opens TLS must leave this connection alone; a network made anew needs new invitations",
            )


def _bad_handshake(reason: str) -> TallyError:
    if "CERTIFICATE_EXPIRED" in reason:
        return Refused(
            "clock", "the coordinator takes this certificate for expired", hint="compare both clocks; join again if it is"
        )
    if "UNKNOWN_CA" in reason or "CERTIFICATE" in reason or "DECRYPT_ERROR" in reason:
        return Refused(
            "authority-differs",
            "the coordinator does not know this certificate: it is of another network",
            hint="join with a new invitation",
        )
    if "VERSION" in reason or "HTTP_REQUEST" in reason or "RECORD" in reason:
        return Refused(
            "not-tls",
            "what answers there does not speak TLS 1.3",
            hint="check the port; a proxy must not open this connection",
        )
    return NotReady(
        "unreachable",
        "the connection broke off while it was secured",
        hint="something in between may cut TLS off",
        detail=reason,
    )


def _answer(call: Callable[[], object]) -> str:
    call()
    return "the coordinator answers"
