"""Figures for Prometheus, on a port of their own: what is counted and how much, never whose. Labels hold states, phases, codes and roles.

The same port says at `/health` whether the party serves, for balancers and orchestrators, which have no certificate of the network.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Final, Literal
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from tallystick.core.errors import NotReady

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from prometheus_client.core import Metric

PREFIX: Final = "tallystick_"


@dataclass(frozen=True)
class Figure:
    """One figure at one moment.

    Attributes:
        name: without the prefix; a counter's without `_total`.
        kind: a gauge goes up and down, a counter grows while the process lives.
        help: one sentence.
        values: by the labels' values, in the order of `labels`; `()` where there are none.
        labels: names.
    """

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()


class Counts:
    """Counters of a process, by name and labels; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, dict[tuple[str, ...], float]] = {}

    def add(self, name: str, *labels: str, by: float = 1.0) -> None:
        """Let a counter grow."""
        with self._lock:
            held = self._values.setdefault(name, {})
            held[labels] = held.get(labels, 0.0) + by

    def of(self, name: str) -> dict[tuple[str, ...], float]:
        """Give a counter's values."""
        with self._lock:
            return dict(self._values.get(name, {}))


class _Figures:
    """A collector of Prometheus' client, which takes any object that has these methods."""

    def __init__(self, read: Callable[[], Iterable[Figure]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for figure in self._read():
            family = GaugeMetricFamily if figure.kind == "gauge" else CounterMetricFamily
            made = family(PREFIX + figure.name, figure.help, labels=figure.labels)
            for labels, value in figure.values.items():
                made.add_metric(labels, value)
            yield made

    def describe(self) -> list[Metric]:
        return []  # else the registry would read the figures before anything runs


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the library's word
        """Say nothing: a reading every few seconds is no news."""


@contextmanager
def serve_metrics(
    listen: str | None, read: Callable[[], Iterable[Figure]], serves: Callable[[], bool] = lambda: True
) -> Iterator[int]:
    """Serve figures and this process's memory and descriptors over HTTP while the context lasts; give the port.

    `/health` answers 200 or 503, and one word.

    Args:
        listen: `host:port`; None serves nothing, and the port is 0.
        read: gives the figures; called in a thread at each reading.
        serves: says whether the party serves; called in a thread.

    Raises:
        NotReady: `unavailable`: the address is in use, or not this machine's.
    """
    if listen is None:
        yield 0
        return
    from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app  # who asks for no figures does without it

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Figures(read))
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    try:
        server = _Server6((host, int(port)), _Quiet) if ":" in host else _Server((host, int(port)), _Quiet)
    except OSError as error:
        raise NotReady("unavailable", f"{listen} cannot be bound for metrics", hint="name another address: metrics") from error
    server.set_app(_answer_health(make_wsgi_app(registry), serves))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer_health(figures: WSGIApplication, serves: Callable[[], bool]) -> WSGIApplication:
    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/health":
            return figures(environ, start)
        good = serves()
        start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"serving\n" if good else b"not serving\n"]

    return answer
