"""A network of two coordinators on one PostgreSQL, and a balancer of TCP connections before them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tallystick.core.files import write_private
from tallystick.lab.network.processes import COMMAND
from tests.e2e.links import Link
from tests.e2e.network import COORDINATOR, Network
from tests.e2e.party import Party, free_port
from tests.postgres import Server, make_database

SECOND = "coordinator-b"


class ReplicaNetwork(Network):
    """See the module. The second coordinator is a party as the first is: it can be killed, and is started again."""

    def __init__(
        self, folder: Path, server: Server, *, command: Sequence[str] = COMMAND, limits: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(folder, node=command, coordinator=command, limits=limits)
        self._server = server
        self._balancer: Link | None = None

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
        return self.link.address

    @property
    def link(self) -> Link:
        """Between all members and both coordinators."""
        assert self._balancer is not None
        return self._balancer

    def _more_settings(self) -> dict[str, Any]:
        second = free_port()
        self._balancer = Link([int(self.address.rpartition(":")[2]), second])
        address, password = make_database(self._server, self.folder)
        shared = {
            "database": address,
            "database_password_file": str(password),
            "spool": str(self.folder / "spool"),
            "address": self.dialed,
            "limits": self._limits,
        }
        self._second = {"network": "test", "listen": f"127.0.0.1:{second}", "replica": "b", **shared}
        return {"replica": "a", **shared}

    def _add_parties(self) -> None:
        first, home = self.folder / COORDINATOR, self.folder / SECOND
        shutil.copytree(first / "state", home / "state")
        shutil.copytree(first / "agreements", home / "agreements")
        write_private(home / "coordinator.yaml", json.dumps(self._second).encode())
        command = [*self._serve, "coordinator", "serve", "--config", str(home / "coordinator.yaml")]
        self.parties[SECOND] = Party(SECOND, command, home)
        self.parties[SECOND].start()
