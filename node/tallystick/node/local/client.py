"""The command line's end of the Steward service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import grpc

from tallystick.core.errors import NotReady
from tallystick.core.net.channel import MAX_MESSAGE_BYTES
from tallystick.core.net.status import raised
from tallystick.node.local.place import target
from tallystick.v1.steward_pb2_grpc import StewardStub

SECONDS: Final = 30.0
DATASETS_SECONDS: Final = 3600.0


@contextmanager
def steward(socket: Path) -> Iterator[StewardStub]:
    """Give the running node's service.

    Raises:
        NotReady: `unavailable`: the node does not run.
        TallyError: what the node refused.
    """
    if not socket.exists():
        raise NotReady("unavailable", "the agency's node does not run here", hint="start it: tally node serve")
    options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.enable_http_proxy", 0)]
    credentials = grpc.local_channel_credentials(grpc.LocalConnectionType.UDS)
    with target(socket) as place, grpc.secure_channel(place, credentials, options=options) as channel:
        try:
            yield StewardStub(channel)
        except grpc.RpcError as error:
            fault = raised(error)
            if fault.code == "unavailable":
                fault = NotReady("unavailable", "the agency's node does not answer", hint="start it: tally node serve")
            raise fault from error
