"""The network between a member and whoever listens, which a test can make bad: slow, narrow, cut, silent."""

from __future__ import annotations

import contextlib
import queue
import random
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

BLOCK: Final = 65_536
QUEUED: Final = 64
"""Blocks under way in one direction of one connection, until its sender has to wait."""


@dataclass(frozen=True)
class Weather:
    """What a link does to bytes.

    Attributes:
        delay: seconds from one end to the other.
        spread: seconds by which a block may come earlier or later than that; blocks stay in order.
        rate: bytes a second in each direction of each connection; 0 for no bound.
        silent: nothing arrives, and nobody is told: as behind a firewall that forgot the connection.
        closed: no connection can be opened.
    """

    delay: float = 0.0
    spread: float = 0.0
    rate: int = 0
    silent: bool = False
    closed: bool = False


FINE: Final = Weather()


class Link:
    """Listens on loopback and hands each connection to one of several ports: in turn, past those where nobody listens."""

    def __init__(self, ports: Sequence[int], seed: int = 1) -> None:
        """Listen; what comes goes to one of the ports."""
        self.weather = FINE
        self._ports = list(ports)
        self._turn = 0
        self._draw = random.Random(seed)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset every connection that is open."""
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            with contextlib.suppress(OSError):  # both sides hear of it at once
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        """Take no more connections, and end those that are open."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # its thread waits in accept
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._turn += 1
            far = None if self.weather.closed else self._dial()
            if far is None:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            for here, there in ((near, far), (far, near)):
                blocks: queue.Queue[tuple[float, bytes]] = queue.Queue(QUEUED)
                threading.Thread(target=self._read, args=(here, blocks), daemon=True).start()
                threading.Thread(target=self._write, args=(there, blocks, here), daemon=True).start()

    def _dial(self) -> socket.socket | None:
        for step in range(len(self._ports)):
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", self._ports[(self._turn + step) % len(self._ports)]), timeout=5)
        return None

    def _read(self, here: socket.socket, blocks: queue.Queue[tuple[float, bytes]]) -> None:
        with contextlib.suppress(OSError):
            here.settimeout(None)
            while data := here.recv(BLOCK):
                blocks.put((time.monotonic(), data))
        blocks.put((time.monotonic(), b""))

    def _write(self, there: socket.socket, blocks: queue.Queue[tuple[float, bytes]], here: socket.socket) -> None:
        with contextlib.suppress(OSError):
            there.settimeout(None)
            while True:
                came, data = blocks.get()
                if not data:
                    break
                while self.weather.silent:
                    time.sleep(0.05)
                now, weather = time.monotonic(), self.weather
                due = came + max(0.0, weather.delay + self._draw.uniform(-weather.spread, weather.spread))
                time.sleep(max(0.0, due - now))
                there.sendall(data)
                if weather.rate:
                    time.sleep(len(data) / weather.rate)
        for end in (here, there):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        with self._lock:
            self._open -= {here, there}
