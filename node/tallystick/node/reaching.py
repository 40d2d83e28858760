"""Why a node does not reach its coordinator: each hop tried with its own certificate, and one call at the end."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from tallystick.core.agreement.model import PROTOCOL
from tallystick.core.clock import Clock
from tallystick.core.errors import Refused, TallyError
from tallystick.core.net.channel import blocking_channel
from tallystick.core.net.membership import Membership
from tallystick.core.net.status import read_error
from tallystick.core.net.tls import Credentials, certificate_identity
from tallystick.core.net.walk import SECONDS, Hop, walk
from tallystick.v1.relay_pb2 import AttendRequest
from tallystick.v1.relay_pb2_grpc import RelayStub


def check_identity(credentials: Credentials, agency: str) -> None:
    """Check that a certificate is this agency's.

    Raises:
        Refused: `identity-differs`. Invalid: `not-enrolled`: it cannot be read.
    """
    named = certificate_identity(credentials.chain)
    if (named.role, named.name) != ("agency", agency):
        raise Refused(
            "identity-differs",
            f"the certificate here is of {named.role} {named.name}, and node.yaml is of agency {agency}",
            hint="join with an invitation of this agency's own, or correct agency in node.yaml",
        )


def walk_to_coordinator(membership: Membership, address: str, agency: str, clock: Clock) -> Iterator[Hop]:
    """Try each hop to the coordinator, the last one a call as the node makes it. Blocks."""
    try:
        credentials = membership.credentials()
        check_identity(credentials, agency)
    except TallyError as error:
        yield Hop("certificate", "", error)
        return
    yield from walk(address, credentials, clock.now(), lambda: _attend(address, credentials))


def find_problem(membership: Membership, address: str, agency: str, clock: Clock) -> TallyError | None:
    """Find what stands in the way; None where nothing does now. Blocks."""
    hops = walk_to_coordinator(membership, address, agency, clock)
    return next((hop.problem for hop in hops if hop.problem is not None), None)


def _attend(address: str, credentials: Credentials) -> None:
    """Ask for notices, and hang up when the coordinator has taken the call.

    Raises:
        TallyError: what it said.
    """
    with blocking_channel(address, credentials) as channel:
        call = RelayStub(channel).Attend(AttendRequest(protocol=PROTOCOL), timeout=SECONDS)
        try:
            call.initial_metadata()
            if not call.is_active():
                next(iter(call))  # raises what it ended with
        except grpc.RpcError as error:
            raise read_error(error) from error
        finally:
            call.cancel()
