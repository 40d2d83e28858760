"""Figures for Prometheus, on a port of their own: what is counted and how much, never whose. Labels hold states, phases, codes and roles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tallystick.core.errors import NotReady

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


class _Figures(Collector):
    def __init__(self, read: Callable[[], Iterable[Figure]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        for figure in self._read():
            family = GaugeMetricFamily if figure.kind == "gauge" else CounterMetricFamily
            made = family(PREFIX + figure.name, figure.help, labels=figure.labels)
            for labels, value in figure.values.items():
                made.add_metric(labels, value)
            yield made

    def describe(self) -> list[Metric]:
        return []  # else the registry would read the figures before anything runs


@contextmanager
def serve_metrics(listen: str | None, read: Callable[[], Iterable[Figure]]) -> Iterator[int]:
    """Serve figures and this process's memory and descriptors over HTTP while the context lasts; give the port.

    Args:
        listen: `host:port`; None serves nothing, and the port is 0.
        read: gives the figures; called in a thread at each reading.

    Raises:
        NotReady: `unavailable`: the address is in use, or not this machine's.
    """
    if listen is None:
        yield 0
        return
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Figures(read))
    host, _, port = listen.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise NotReady("unavailable", f"{listen} cannot be bound for metrics", hint="name another address: metrics") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
