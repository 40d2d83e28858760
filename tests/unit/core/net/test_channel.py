"""Options that gRPC does not know are ignored without a word: each must be one of the installed gRPC's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # the library itself, which has no types

from tallystick.core.net.channel import CLIENT_OPTIONS, SERVER_OPTIONS, client_options

LIBRARY = Path(cygrpc.__file__).read_bytes()
NAMES = sorted({name for name, _ in (*SERVER_OPTIONS, *CLIENT_OPTIONS, *client_options("127.0.0.1:1"))})


def is_known(name: str) -> bool:
    """Say whether gRPC's own code has a text that is this name: what stands before it is no part of a name, and a zero follows."""
    return re.search(rb"(?<![a-z_.])" + re.escape(name.encode()) + rb"\x00", LIBRARY) is not None


@pytest.mark.parametrize("name", NAMES)
def test_grpc_knows_every_option_by_its_name(name: str) -> None:
    assert is_known(name)


@pytest.mark.parametrize("name", ["grpc.http2.min_recv_ping_interval_without_data_ms", "grpc.keepalive_time", "grpc.made_up"])
def test_a_misspelt_option_would_be_noticed(name: str) -> None:
    assert not is_known(name)
