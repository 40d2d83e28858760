"""A network of two coordinators on one PostgreSQL, and a balancer of TCP connections before them."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import threading
from pathlib import Path
from types import TracebackType

from tallystick.core.files import write_private
from tallystick.lab.network.processes import COMMAND
from tests.e2e.network import COORDINATOR, Network
from tests.e2e.party import Party, free_port
from tests.postgres import Server, make_database

SECOND = "coordinator-b"


class Balancer:
    """Hands each connection to one of several ports: in turn, past those where nobody listens."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = ports
        self._turn = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._turn += 1
            far = self._dial()
            if far is None:
                near.close()
                continue
            for here, there in ((near, far), (far, near)):
                threading.Thread(target=_hand_on, args=(here, there), daemon=True).start()

    def _dial(self) -> socket.socket | None:
        for step in range(len(self._ports)):
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", self._ports[(self._turn + step) % len(self._ports)]), timeout=5)
        return None


def _hand_on(here: socket.socket, there: socket.socket) -> None:
    here.settimeout(None)
    with contextlib.suppress(OSError):
        while data := here.recv(65_536):
            there.sendall(data)
    for one in (here, there):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


class ReplicaNetwork(Network):
    """See the module. The second coordinator is a party as the first is: it can be killed, and is started again."""

    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder)
        self._server = server
        self._balancer: Balancer | None = None

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        super().__exit__(kind, value, trace)
        if self._balancer is not None:
            self._balancer.close()

    @property
    def nodes(self) -> list[Party]:
        """The agencies' processes."""
        return [party for party in super().nodes if party.name != SECOND]

    @property
    def replicas(self) -> list[Party]:
        """Both coordinators."""
        return [self.parties[COORDINATOR], self.parties[SECOND]]

    @property
    def dialed(self) -> str:
        """Where members reach whichever coordinator lives."""
        assert self._balancer is not None
        return f"localhost:{self._balancer.port}"

    def _more_settings(self) -> dict[str, str]:
        second = free_port()
        self._balancer = Balancer([int(self.address.rpartition(":")[2]), second])
        address, password = make_database(self._server, self.folder)
        shared = {
            "database": address,
            "database_password_file": str(password),
            "spool": str(self.folder / "spool"),
            "address": self.dialed,
        }
        self._second = {"network": "test", "listen": f"127.0.0.1:{second}", "replica": "b", **shared}
        return {"replica": "a", **shared}

    def _add_parties(self) -> None:
        first, home = self.folder / COORDINATOR, self.folder / SECOND
        shutil.copytree(first / "state", home / "state")
        shutil.copytree(first / "agreements", home / "agreements")
        write_private(home / "coordinator.yaml", json.dumps(self._second).encode())
        command = [*COMMAND, "coordinator", "serve", "--config", str(home / "coordinator.yaml")]
        self.parties[SECOND] = Party(SECOND, command, home)
        self.parties[SECOND].start()
