"""A network each of whose members reaches the coordinator over a link of its own, which a test can make bad."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final

from tests.e2e.links import FINE, Link, Weather
from tests.e2e.network import Network

ANALYST: Final = "analyst"


class LinkedNetwork(Network):
    """See the module.

    Attributes:
        links: by agency; the analyst's under `ANALYST`.
    """

    links: dict[str, Link]

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        super().__exit__(kind, value, trace)
        for link in self.links.values():
            link.close()

    def address_of(self, agency: str) -> str:
        """Where an agency's node reaches the coordinator."""
        return self.links[agency].address

    def set_weather(self, weather: Weather = FINE, *members: str) -> None:
        """Make links what they are from now on: those of some members, or all."""
        for member in members or self.links:
            self.links[member].weather = weather

    def _more_settings(self) -> dict[str, Any]:
        port = int(self.address.rpartition(":")[2])
        self.links = {name: Link([port]) for name in (*self.lab.file.agencies, ANALYST)}
        return {"address": self.links[ANALYST].address}
