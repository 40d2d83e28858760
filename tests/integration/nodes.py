"""Two agencies' nodes against a served coordinator: their folders, and the nodes in this process or in ones of their own."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec

from tallystick.core.agreement.model import Agreement
from tallystick.core.decimals import numbers
from tallystick.core.documents import write_document
from tallystick.core.job.model import Job
from tallystick.core.keyfile import write_identity
from tallystick.core.released import Released
from tallystick.core.results import Check, open_result, verify_result
from tallystick.crypto.workers import SERIAL
from tallystick.node.app import Node, build_node, hold_state
from tallystick.node.config import NodeConfig, read_config
from tallystick.node.coordinator_client import GrpcCoordinatorClient
from tallystick.node.joining import membership_of
from tallystick.node.ports import KeptJob
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.store import Store
from tallystick.node.workers import NodeWorkers
from tests.governance import agreement_value, identity, sealing_key, signed_agreement
from tests.integration.served import credentials
from tests.stores import all_jobs
from tests.town import AGENCIES, DESK, OTHER, Town, lasting_agreement

P = ParamSpec("P")

CANARY = "219451237"
"""An SSN of one person of each agency: never to be seen outside the sources."""
SHARED = 40
PEOPLE = 60
MAIN = "from tallystick.node.cli import node; node()"


def terms(**changes: Any) -> Agreement:
    """Give the county's agreement for the two, small: no stewards, few decoys, nothing hidden."""
    base: dict[str, Any] = {
        "parties": {name: {"key": identity(name).key} for name in AGENCIES},
        "datasets": {name: entry for name, entry in agreement_value()["datasets"].items() if entry["agency"] in AGENCIES},
        "stewards": {}, "approvers": {}, "decoys": 8, "disclosure": {"min_cell": 0},
    }  # fmt: skip
    return lasting_agreement(**(base | changes))


def signed_terms(agreement: Agreement) -> Any:
    """Sign it as both."""
    return signed_agreement(agreement, by=AGENCIES)


def ssn(person: int) -> str:
    """Give a sound SSN; person 0 has the canary."""
    return CANARY if person == 0 else f"{212340000 + 7 * person:09d}"


def write_sources(folder: Path) -> None:
    """Write both agencies' files: people 0…59 at one, 20…79 and 0 at the other."""
    regions = ("north", "south", "east", "west")
    with (folder / "tanf.csv").open("w") as file:
        file.write("id,ssn,birth_date,region,exit_quarter,age,benefit,employed,exited,notes\n")
        for one in range(PEOPLE):
            file.write(
                f"t{one},{ssn(one)},1980-01-{1 + one % 28:02d},{regions[one % 4]},2025Q1,{18 + one},100.50,yes,2025-02-03,{one}\n"
            )
    with (folder / "wages.csv").open("w") as file:
        file.write("id,ssn,birth_date,quarter,industry,wage\n")
        for one in (0, *range(PEOPLE - SHARED + 1, 2 * PEOPLE - SHARED)):
            for part in range(1 + one % 3):
                file.write(
                    f"w{one},{ssn(one)},1980-01-{1 + one % 28:02d},2025Q2,{('retail', 'care')[one % 2]},{1000 + one + part}.25\n"
                )


def expected() -> dict[tuple[str | None, ...], tuple[int, int]]:
    """Give, by region and industry, how many people and their earnings in cents: worked out in the clear."""
    regions = ("north", "south", "east", "west")
    known = {0, *range(PEOPLE - SHARED + 1, 2 * PEOPLE - SHARED)}
    rows: dict[tuple[str | None, ...], tuple[int, int]] = {}
    for one in range(PEOPLE):
        cents = sum(100 * (1000 + one + part) + 25 for part in range(1 + one % 3)) if one in known else 0
        key = (regions[one % 4], ("retail", "care")[one % 2] if one in known else None)
        count, total = rows.get(key, (0, 0))
        rows[key] = (count + 1, total + cents)
    return rows


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test in a loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Stored:
    """A node's state for a test, which may wait for it on the event loop: any method of `NodeStorage`, and all jobs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *given, **named: self._store.submit(lambda storage: getattr(storage, name)(*given, **named)).result()

    def jobs(self) -> list[KeptJob]:
        """Give all jobs, by digest."""
        return self._store.submit(all_jobs).result()


def stored(node: Node) -> Stored:
    """Give a node's state."""
    return Stored(node.store)


@dataclass
class Agency:
    """One agency's folder, and its node in this process or in one of its own."""

    folder: Path
    name: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def config(self) -> NodeConfig:
        """Its configuration."""
        return read_config(self.folder / "node.yaml")

    def node(self, database: Path | None = None, workers: NodeWorkers = SERIAL) -> Node:
        """Put its node together in this process, as after a start; over another file in place of its own, if one is given."""
        config = self.config
        with hold_state(config.state):
            pass
        client = GrpcCoordinatorClient(config.file.coordinator.address, membership_of(config).credentials())
        store = Store(lambda: SqliteStorage(database or config.state / "node.db"))
        return build_node(config, identity(self.name), store, client, workers)

    def start(self, failpoint: str | None = None) -> subprocess.Popen[bytes]:
        """Start its node as a process."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
        if failpoint is not None:
            environment["TALLY_FAILPOINT"] = failpoint
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", MAIN, "serve", "--config", str(self.folder / "node.yaml")], env=environment, stderr=log
            )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """See that all its processes are gone."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=30)

    def written(self) -> bytes:
        """Give everything that the node wrote: its state and its log."""
        paths = [path for path in self.config.state.rglob("*") if path.is_file()]
        log = self.folder / "log"
        return b"".join(path.read_bytes() for path in [*paths, *([log] if log.exists() else [])])


def make_agency(town: Town, name: str, address: str, sources: Path, *, desk: str = "auto", policy: str = "auto") -> Agency:
    """Write an agency's folder, enrolled."""
    folder = town.folder / name
    folder.mkdir()
    write_identity(folder / "identity.key", identity(name))
    write_document(folder / "county.json", signed_terms(town.terms))
    (folder / "policy.yaml").write_text(json.dumps({"rules": [{"decision": policy}]}))
    own = {DESK: "tanf", OTHER: "wages"}[name]
    entry: Mapping[str, Any] = agreement_value()["datasets"][own]
    dataset = {
        "source": {"csv": str(sources / f"{own}.csv")},
        "person": "id",
        "identifiers": {one: one for one in entry["identifiers"]},
        **{key: value for key, value in entry.items() if key not in {"agency", "identifiers"}},
    }
    value = {
        "agency": name, "coordinator": {"address": address}, "agreements": ["county.json"], "policy": "policy.yaml",
        "workers": 1, "desk": desk, "datasets": {own: dataset},
    }  # fmt: skip
    (folder / "node.yaml").write_text(json.dumps(value))
    shown = credentials(town, "agency", name)
    for file, data in (("authority.pem", shown.authority), ("certificate.pem", shown.chain), ("tls.key", shown.key)):
        (folder / file).write_bytes(data)
    return Agency(folder, name)


def released(town: Town, job: Job | None = None) -> tuple[Released, list[Check]]:
    """Give the released result, opened and verified."""
    digest = bytes.fromhex((job or town.job).digest())
    sealed = b"".join(town.at.spool.result(digest))
    return verify_result(open_result(sealed, sealing_key("result"), digest), agreement=town.terms.digest())


def found(result: Released) -> dict[tuple[str | None, ...], tuple[int, int]]:
    """Give a result's rows as `expected` has them."""
    rows: Any = numbers(list(result.rows))
    return {
        (row["tanf.region"], row["wages.industry"]): (
            row["count"], round(100 * (row["mean(wages.earnings)"] or 0) * row["count(wages.earnings)"]),
        )
        for row in rows
        if row["count"]
    }  # fmt: skip
