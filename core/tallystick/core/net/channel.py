"""gRPC channels and server options: mutual TLS 1.3, bounded messages and metadata, no compression, dead peers found in seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tallystick.core.net import environment

# isort: split
# gRPC reads the environment when it is imported, so it comes after the line above
import grpc
import grpc.aio

from tallystick.core.errors import Broken
from tallystick.core.net.hosts import is_loopback_host
from tallystick.core.net.tls import SERVER_NAME, Credentials

Option = tuple[str, int | str]

MAX_MESSAGE_BYTES: Final = 1 << 20
RUN: Final = "tally-run"
SOFTWARE: Final = "tally-software"
"""Metadata of a node's stream of notices: drawn by its process, so that a second one of the same identity is recognised."""
MAX_METADATA_BYTES: Final = 16 * 1024

CALL_SECONDS: Final = 30.0
"""Deadline of a call that answers from what is known."""
STREAM_SECONDS: Final = 3600.0
"""Deadline of one upload or download; both resume. Attend and Watch have none: keepalive finds dead peers."""

WINDOW_BYTES: Final = 1 << 20
PING_TIMEOUT_MS: Final = 30_000
"""What a stream may have on its way, and how long a keepalive's answer may take: an answer waits behind that data, sixteen seconds
of a link of 64 KB/s. Where gRPC finds out by itself what a link holds, slow links with long queues held more, no answer came in time,
each connection ended after fifteen seconds and large messages never arrived whole. A stream reaches 1 MiB a round trip: 33 MB/s at
30 ms."""

SERVER_OPTIONS: Final[tuple[Option, ...]] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", PING_TIMEOUT_MS),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.max_metadata_size", MAX_METADATA_BYTES // 2),
    ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.max_concurrent_streams", 64),
    ("grpc.so_reuseport", 0),
    ("grpc.compression_enabled_algorithms_bitset", 1),
)

MAX_LOCAL_BYTES: Final = 64 << 20
LOCAL_OPTIONS: Final[tuple[Option, ...]] = (
    ("grpc.max_receive_message_length", MAX_LOCAL_BYTES),
    ("grpc.max_send_message_length", MAX_LOCAL_BYTES),
    ("grpc.enable_http_proxy", 0),
    ("grpc.compression_enabled_algorithms_bitset", 1),
)
"""Of both ends of the operator's Unix socket, where whole lists go in one message."""

CLIENT_OPTIONS: Final[tuple[Option, ...]] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", PING_TIMEOUT_MS),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 10_000),
    ("grpc.ssl_target_name_override", SERVER_NAME),
)


def client_options(address: str) -> list[Option]:
    """Give the options of a channel to an address; to loopback no proxy of the environment is asked."""
    return [*CLIENT_OPTIONS, ("grpc.enable_http_proxy", 0)] if is_loopback(address) else list(CLIENT_OPTIONS)


def is_loopback(address: str) -> bool:
    """Say whether `host:port` is on this machine."""
    return is_loopback_host(address.rpartition(":")[0].strip("[]"))


def channel(address: str, credentials: Credentials) -> grpc.aio.Channel:
    """Open an asyncio channel to the coordinator at `host:port`. A rotated certificate needs a new channel."""
    return grpc.aio.secure_channel(address, _client(credentials), options=client_options(address))


def blocking_channel(address: str, credentials: Credentials) -> grpc.Channel:
    """Open a channel for callers without an event loop."""
    return grpc.secure_channel(address, _client(credentials), options=client_options(address))


def server_credentials(current: Callable[[], Credentials]) -> grpc.ServerCredentials:
    """Give what a server shows; a client certificate of the same authority is always required.

    Args:
        current: gives the credentials of the moment; asked at every handshake, so that a server rotates without a restart.

    Raises:
        Broken: `internal`: gRPC was imported before `environment`, so TLS 1.2 could be negotiated.
    """
    if not environment.in_time():
        raise Broken("internal", "gRPC was imported before tallystick.core.net.environment", hint="import that module first")

    def configuration() -> grpc.ServerCertificateConfiguration:
        shown = current()
        return grpc.ssl_server_certificate_configuration([(shown.key, shown.chain)], root_certificates=shown.authority)

    return grpc.dynamic_ssl_server_credentials(configuration(), configuration, require_client_authentication=True)


def _client(credentials: Credentials) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(credentials.authority, credentials.key, credentials.chain)
