"""A worker, the worker's agency and an owner, in one process: real nodes' parts and the coordinator's boxes, over memory in place of gRPC."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tallystick.client.records import read_answer
from tallystick.coordinator.letters import PostOffice
from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import SystemClock
from tallystick.core.consent.asking import RecordAnswer, RecordRequest
from tallystick.core.consent.doors import read_door
from tallystick.core.consent.letters import ASK, open_answer, seal_letter
from tallystick.core.documents import SignedDocument, write_document
from tallystick.core.errors import Broken, TallyError
from tallystick.node.agreements import NodeAgreements
from tallystick.node.config import NodeConfig, read_config
from tallystick.node.disclosures import KeptRequest
from tallystick.node.requests.service import RequestService
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.store import Store
from tests.consents import asking_agreement, consent, records_value, signed_consent, signed_request
from tests.governance import identity, sealing_key, signed_agreement, stamp

CLIENTS = """\
key,ssn,first,last,born,sex,street,city,zip,phone,updated,treated,hidden
h-rosa,219451237,Rosa,Delgado,1984-03-09,F,1 Old Rd,Reno,90210,555-201-3344,2024-01-05,no,no
h-rosa,219451237,Rosa,Delgado,1984-03-09,F,22 New St,Reno,90211,555-201-3344,2025-06-30,yes,no
h-max,512104455,Max,Stone,1965-05-05,M,7 Hill St,Reno,73301,555-201-0000,2025-01-01,no,yes
h-eva1,412109911,Eva,Ruiz,1990-12-24,F,1 Bay St,Reno,33101,555-201-1111,2025-01-01,no,no
h-eva2,412109911,Eva,Ruiz,1990-12-24,F,2 Bay St,Reno,33101,555-201-1112,2025-01-01,no,no
h-tim,331102200,Tim,Otis,2010-02-02,M,9 Oak St,Reno,60601,,2025-01-01,no,no
h-tom,331102201,Tom,Otis,2010-02-02,M,9 Oak St,Reno,60601,,2025-01-01,no,no
"""
ROSA = {"ssn": "219451237", "first_name": "Rosa", "last_name": "Delgado", "birth_date": "1984-03-09"}
DATASET: dict[str, Any] = {
    "source": {"csv": "clients.csv"},
    "person": "key",
    "identifiers": {
        "ssn": "ssn",
        "first_name": "first",
        "last_name": "last",
        "birth_date": "born",
        "sex": "sex",
        "street": "street",
        "city": "city",
        "zip": "zip",
        "phone": "phone",
    },
    "columns": {"updated": {"type": "date"}, "treated": {"type": "boolean"}, "hidden": {"type": "boolean"}},
}


def lasting_terms(**records: Any) -> Agreement:
    """Give the agreement, in force now."""
    now = datetime.now(UTC)
    dates = {"valid_from": stamp(now - timedelta(days=1)), "valid_until": stamp(now + timedelta(days=365))}
    return asking_agreement(records_value(**records), **dates)


@dataclass
class MemoryOffice:
    """Implements `LetterOffice` on the coordinator's boxes; notes what a coordinator could.

    Attributes:
        seen: receiver and letter, of every letter.
    """

    office: PostOffice
    name: str
    seen: list[tuple[str, bytes]]

    async def announce(self, document: bytes) -> None:
        """Keep a door."""
        self.office.announce(self.name, document)

    async def find_door(self, agency: str) -> bytes:
        """Give a door."""
        return self.office.find_door(agency)

    async def post(self, letters: Sequence[tuple[str, bytes]]) -> None:
        """Post letters."""
        self.office.post(letters)
        self.seen += letters

    async def collect(self, taken: Sequence[bytes]) -> Sequence[tuple[bytes, bytes]]:
        """Wait for letters."""
        box = f"agency/{self.name}"
        self.office.take(box, taken)
        found = self.office.read(box, 24)
        while not found:
            await self.office.listen(box).wait()
            found = self.office.read(box, 24)
        return found


@dataclass
class Requesting:
    """The three of them.

    Attributes:
        terms: the agreement.
        office: the coordinator's boxes.
        nodes: by agency.
        stores: by agency.
        seen: every letter that was posted.
    """

    folder: Path
    terms: Agreement
    office: PostOffice = field(default_factory=lambda: PostOffice(SystemClock()))
    nodes: dict[str, RequestService] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    count: int = 0

    def paper(self, **changes: Any) -> SignedDocument:
        """Give a signed consent of Rosa's, with keys replaced; a fresh one at each call."""
        self.count += 1
        fresh = {"consent": f"{self.count:032x}", "revoking": f"{self.count:064x}"}
        by = changes.pop("by", ("ivy", "joe"))
        return signed_consent(consent(datetime.now(UTC), **(fresh | {"person": ROSA} | changes)), by)

    def request(self, paper: SignedDocument, by: tuple[str, ...] = ("ann",), **changes: Any) -> SignedDocument:
        """Give a request that its worker signed."""
        self.count += 1
        return signed_request(self.terms, paper, datetime.now(UTC), by, **({"request": f"{self.count:032x}"} | changes))

    def hand_in(self, request: SignedDocument, paper: SignedDocument, person: str = "") -> None:
        """Post a worker's request to the worker's agency."""
        door = read_door(self.office.find_door("labor"), "labor", self.terms, datetime.now(UTC))
        letter = ("agency/labor", seal_letter(door, (ASK, request.encode(), paper.encode(), person.encode())))
        self.office.post([letter])
        self.seen.append(letter)

    async def answers(self, *requests: SignedDocument, seconds: float = 12.0) -> dict[str, RecordAnswer]:
        """Wait for the answers to requests; give those that came, by digest."""
        found: dict[str, RecordAnswer] = {}
        end = asyncio.get_running_loop().time() + seconds
        while len(found) < len(requests) and asyncio.get_running_loop().time() < end:
            for worker in {one.read(RecordRequest).worker for one in requests}:
                for name, sealed in self.office.read(f"worker/{worker}", 100):
                    self.office.take(f"worker/{worker}", [name])
                    for request in requests:
                        with contextlib.suppress(Broken):
                            data = open_answer(sealing_key("answer"), request.digest, sealed)
                            read, _ = read_answer(
                                data, request.read(RecordRequest), request.digest, self.terms, datetime.now(UTC)
                            )
                            assert request.digest not in found, "a second answer"
                            found[request.digest] = read
            await asyncio.sleep(0.02)
        return found

    async def ask(self, paper: SignedDocument, **changes: Any) -> RecordAnswer:
        """Ask and wait."""
        request = self.request(paper, **changes)
        self.hand_in(request, paper)
        found = await self.answers(request)
        return found[request.digest]

    async def kept(self, agency: str) -> Sequence[KeptRequest]:
        """Give what an agency keeps of requests, the newest first."""
        return await self.stores[agency].run(lambda storage: storage.list_requests())

    async def last(self, agency: str) -> KeptRequest:
        """Give the newest request of an agency."""
        return (await self.kept(agency))[0]


def write_agency(folder: Path, name: str, terms: Agreement, *, policy: str = "auto") -> NodeConfig:
    """Write an agency's folder."""
    home = folder / name
    home.mkdir()
    write_document(home / "county.json", signed_agreement(terms))
    (home / "clients.csv").write_text(CLIENTS)
    (home / "policy.yaml").write_text(json.dumps({"requests": [{"decision": policy}]}))
    value = {
        "agency": name,
        "coordinator": {"address": "127.0.0.1:1"},
        "agreements": ["county.json"],
        "policy": "policy.yaml",
        "max_memory_mib": 512,
        "datasets": {"clients": DATASET} if name == "housing" else {},
    }
    (home / "node.yaml").write_text(json.dumps(value))
    return read_config(home / "node.yaml")


@contextlib.asynccontextmanager
async def requesting(folder: Path, terms: Agreement | None = None, *, policy: str = "auto") -> AsyncIterator[Requesting]:
    """Have labor's and housing's nodes at work while the context lasts."""
    world = Requesting(folder, terms or lasting_terms())
    tasks = []
    for name in ("labor", "housing"):
        config = write_agency(folder, name, world.terms, policy=policy)
        store = world.stores[name] = Store(MemoryNodeStorage)
        agreements = NodeAgreements(config, identity(name), store.blocking, SystemClock())
        office = MemoryOffice(world.office, name, world.seen)
        node = world.nodes[name] = RequestService(config, identity(name), store, agreements, office, SystemClock())
        tasks.append(asyncio.create_task(node.attend()))
    try:
        async with asyncio.timeout(20):
            for name in world.nodes:
                while True:
                    with contextlib.suppress(TallyError):
                        world.office.find_door(name)
                        break
                    await asyncio.sleep(0.02)
        yield world
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for store in world.stores.values():
            store.close()
