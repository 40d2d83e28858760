"""Who may call what: one table, default deny, checked for every call on the certificate that it came with.

Rules that this file enforces:

1. A method without a row in `RULES` is refused to all; a test compares the table with the services.
2. The connection is TLS 1.3; the certificate names one member of this network; it was issued here and is not revoked.
3. The member's role is in the method's row. What it may see of a job is decided where jobs are (`jobs.py`).
4. A call that answers at once carries a deadline. Calls of one certificate come no faster than the limit.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio

from tallystick.coordinator.authority import Authority
from tallystick.coordinator.server.hub import CallSession, Hub
from tallystick.core.clock import Clock
from tallystick.core.errors import NotReady, Refused
from tallystick.core.net.channel import RUN, SOFTWARE
from tallystick.core.net.status import Context, Continuation, wrap_handler
from tallystick.core.net.tls import CertifiedParty, Role, certificate_identity, serial_of

BURST_SECONDS: Final = 10
MAX_CALLERS: Final = 10_000
MAX_RUN: Final = 64
_IN_VERSIONS: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyz.+-")


@dataclass(frozen=True)
class MethodRule:
    """One method's row: the roles that may call it, and whether a call may last as long as it likes."""

    roles: frozenset[Role]
    endless: bool = False


_AGENCY: Final = MethodRule(frozenset({"agency"}))
_ANALYST: Final = MethodRule(frozenset({"analyst"}))
_ASKING: Final = MethodRule(frozenset({"analyst", "approver"}))
_WRITING: Final = MethodRule(frozenset({"agency", "worker"}))

RULES: Final[dict[str, MethodRule]] = {
    "/tallystick.v1.Enrol/Join": MethodRule(frozenset({"invite"})),
    "/tallystick.v1.Enrol/Renew": MethodRule(frozenset({"agency", "analyst", "approver", "worker"})),
    "/tallystick.v1.Relay/Attend": MethodRule(frozenset({"agency"}), endless=True),
    "/tallystick.v1.Relay/Sync": _AGENCY,
    "/tallystick.v1.Relay/Deposit": _AGENCY,
    "/tallystick.v1.Relay/Put": _AGENCY,
    "/tallystick.v1.Relay/Stat": _AGENCY,
    "/tallystick.v1.Relay/Get": _AGENCY,
    "/tallystick.v1.Relay/Report": _AGENCY,
    "/tallystick.v1.Jobs/Submit": _ANALYST,
    "/tallystick.v1.Jobs/List": _ASKING,
    "/tallystick.v1.Jobs/Show": _ASKING,
    "/tallystick.v1.Jobs/Watch": MethodRule(frozenset({"analyst", "approver"}), endless=True),
    "/tallystick.v1.Jobs/Cancel": _ANALYST,
    "/tallystick.v1.Jobs/Result": _ANALYST,
    "/tallystick.v1.Jobs/Approve": MethodRule(frozenset({"approver"})),
    "/tallystick.v1.Letters/Announce": _AGENCY,
    "/tallystick.v1.Letters/Door": _WRITING,
    "/tallystick.v1.Letters/Post": _WRITING,
    "/tallystick.v1.Letters/Collect": _WRITING,
}


@dataclass(frozen=True)
class Caller:
    """Who calls, the serial number of the certificate shown, the session of the call, from where; of which process and software, as it says."""

    identity: CertifiedParty
    serial: str
    session: CallSession
    peer: str = ""
    run: str = ""
    software: str = ""


_CALLER: Final[ContextVar[Caller]] = ContextVar("caller")


def caller() -> Caller:
    """Give who makes the call that is being handled."""
    return _CALLER.get()


class Authorise(grpc.aio.ServerInterceptor):
    """Checks every call before its handler runs; see the module's rules."""

    def __init__(self, authority: Authority, hub: Hub, clock: Clock, *, calls_per_second: int) -> None:
        """Take who issues certificates and how fast calls may come."""
        self._authority = authority
        self._hub = hub
        self._pace = Pace(clock, calls_per_second)

    async def intercept_service(self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Wrap the handler of one call: an interceptor has no certificate, a handler has."""
        handler = await continuation(handler_call_details)
        rule = RULES.get(str(handler_call_details.method))
        return wrap_handler(handler, lambda context: self._check_call(context, rule))

    @contextlib.asynccontextmanager
    async def _check_call(self, context: Context, rule: MethodRule | None) -> AsyncIterator[None]:
        identity, serial = _read_certificate(context)
        if rule is None or identity.role not in rule.roles or identity.network != self._authority.network:
            raise Refused("not-allowed", f"this call is not for {identity.role}s")
        if not rule.endless and context.time_remaining() is None:
            raise Refused("protocol-broken", "this call needs a deadline")
        self._pace.take(serial)
        if identity.role != "invite":  # an invitation is checked, and used up, by Join itself
            await asyncio.to_thread(self._authority.check, identity, serial)
        with self._hub.session(serial) as session:
            session.check()
            self._hub.hear(identity)
            said = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
            software = "".join(filter(_IN_VERSIONS.__contains__, said.get(SOFTWARE, "")))
            _CALLER.set(Caller(identity, serial, session, context.peer(), said.get(RUN, "")[:MAX_RUN], software[:MAX_RUN]))
            yield


def _read_certificate(context: Context) -> tuple[CertifiedParty, str]:
    """Read whom the call's certificate names, and its serial number (rule 2)."""
    auth = context.auth_context()
    version, shown = auth.get("ssl_tls_version"), list(auth.get("x509_pem_cert", ()))
    if auth.get("transport_security_type") != [b"ssl"] or version != [b"TLSv1.3"] or len(shown) != 1:
        raise Refused("not-enrolled", "calls need TLS 1.3 and a certificate of this network")
    return certificate_identity(shown[0]), serial_of(shown[0])


class Pace:
    """A bucket of tokens for each certificate: `rate` a second, ten seconds' worth at once."""

    def __init__(self, clock: Clock, rate: int) -> None:
        self._clock = clock
        self._rate = rate
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, serial: str) -> None:
        """Take a token.

        Raises:
            NotReady: `busy`: there is none; later there is.
        """
        now = self._clock.now().timestamp()
        most = float(self._rate * BURST_SECONDS)
        tokens, at = self._buckets.pop(serial, (most, now))
        tokens = min(most, tokens + max(0.0, now - at) * self._rate)
        self._buckets[serial] = (max(0.0, tokens - 1), now)
        while len(self._buckets) > MAX_CALLERS:
            del self._buckets[next(iter(self._buckets))]
        if tokens < 1:
            raise NotReady("busy", f"more than {self._rate} calls a second", hint="call again later, or less often")
