"""A small network whose processes a benchmark can watch: one or several coordinators, two agencies with sixty people in all, and analysts.

Several coordinators share a PostgreSQL and a spool; members are dealt out to them: the first agency and the first analyst dial the first.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, Final, Self

from tallystick.client.profile import AnalystProfile
from tallystick.client.sdk import Client
from tallystick.core.agreement.model import CoordinatorParty
from tallystick.core.documents import SignedDocument
from tallystick.core.files import write_private
from tallystick.core.job.model import Question
from tallystick.core.keyfile import new_identity
from tallystick.lab.network import build
from tallystick.lab.network.model import read_lab
from tallystick.lab.network.processes import COMMAND
from tests.postgres import Server, make_database

AGREEMENT: Final = "county"
REGIONS: Final = ("north", "south")
INDUSTRIES: Final = ("health", "retail")
HERE: Final = 40
SHARED: Final = 20
START_S: Final = 60.0
PAPERS: Final[dict[str, Any]] = {
    "agencies": {
        "tanf-office": {
            "datasets": {
                "exits": {
                    "source": {"csv": "exits.csv"},
                    "person": "pid",
                    "identifiers": {"ssn": "ssn", "birth_date": "dob"},
                    "columns": {"region": {"type": "category", "values": list(REGIONS)}},
                }
            }
        },
        "wage-office": {
            "datasets": {
                "wages": {
                    "source": {"csv": "wages.csv"},
                    "person": "pid",
                    "identifiers": {"ssn": "ssn", "birth_date": "dob"},
                    "columns": {"industry": {"type": "category", "values": list(INDUSTRIES)}},
                }
            }
        },
    },
    "agreement": {
        "name": AGREEMENT,
        "purposes": ["rehearsal"],
        "disclosure": {"min_cell": 0},
        "link": ["ssn+birth_date"],
        "decoys": 4,
    },
}


@dataclass
class WatchedProcess:
    """One party's process, and the most memory it ever had."""

    name: str
    folder: Path
    popen: subprocess.Popen[bytes]

    def figures(self) -> tuple[int, int, int]:
        """Give resident KiB now, the most it had, and its open descriptors."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text(encoding="ascii")
        now, most = (int(re.search(rf"{key}:\s+(\d+)", status)[1]) for key in ("VmRSS", "VmHWM"))  # type: ignore[index]
        return now, most, len(list(Path(f"/proc/{self.popen.pid}/fd").iterdir()))


@dataclass
class SmallNetwork:
    """Coordinators, two nodes and some analysts; use it in a `with` statement.

    Attributes:
        folder: an empty one.
        analysts: how many.
        limits: of the coordinator's configuration.
        node: keys of node.yaml.
        replicas: how many coordinators; several need `database`.
        database: a PostgreSQL server that is made use of; without one the coordinator keeps a SQLite file.
    """

    folder: Path
    analysts: int
    limits: dict[str, int]
    node: dict[str, int]
    replicas: int = 1
    database: Server | None = None
    processes: dict[str, WatchedProcess] = field(default_factory=dict)
    profiles: dict[str, AnalystProfile] = field(default_factory=dict)
    answer: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.popen.pid, signal.SIGKILL)
            process.popen.wait(timeout=30)

    def _start(self) -> None:
        self._write_records()
        (self.folder / "lab.yaml").write_text(json.dumps(PAPERS), encoding="utf-8")
        lab = read_lab(self.folder / "lab.yaml")
        keys = build.throw_away_keys(lab)
        named = {f"analyst-{number}": new_identity() for number in range(self.analysts)}
        home = self.folder / "coordinator"
        config = build.write_coordinator(home, network="load")
        configs = self._write_configs(home)
        pinned = json.loads(command(home, "coordinator", "init", "--config", str(config), "--format", "json"))["coordinator"]
        now = datetime.now(UTC)
        agreement = build.agreement_of(
            lab,
            name=AGREEMENT,
            purposes=("rehearsal",),
            parties={agency: identity.key for agency, identity in keys.agencies.items()},
            analysts={analyst: identity.key for analyst, identity in named.items()},
            coordinator=CoordinatorParty(**pinned),
            start=now - timedelta(days=1),
            end=now + timedelta(days=1),
        )
        self.document = build.sign_by_all(agreement, keys)
        write_private(home / "agreements" / f"{AGREEMENT}.json", self.document.text().encode())
        for place, (folder, text) in enumerate(configs):
            if place:
                shutil.copytree(home / "state", folder / "state", ignore=shutil.ignore_patterns("address", "*.sock", "lock"))
                shutil.copytree(home / "agreements", folder / "agreements")
                write_private(folder / "coordinator.yaml", text.encode())
            words = ("coordinator", "serve", "--config", str(folder / "coordinator.yaml"))
            self._run(folder.name, folder, *words, note=folder / "state" / "address")
        members = [
            *(("agency", place, name) for place, name in enumerate(lab.file.agencies)),
            *(("analyst", place, name) for place, name in enumerate(named)),
        ]
        for place, (folder, _) in enumerate(configs):
            mine = [(role, name) for role, number, name in members if number % len(configs) == place]
            options = [part for role, name in mine for part in (f"--{role}", name)]
            command(folder, "coordinator", "invite", "--config", str(folder / "coordinator.yaml"), *options, "--out", str(home))
        for place, (agency, identity) in enumerate(keys.agencies.items()):
            address = json.loads(configs[place % len(configs)][1])["listen"]
            self._write_node(lab, agency, identity, address, home)
        for analyst, identity in named.items():
            invitation = home / f"analyst-{analyst}.invite"
            self.profiles[analyst] = build.join_analyst(self.folder / analyst, identity, invitation, [self.document])

    def _write_configs(self, home: Path) -> list[tuple[Path, str]]:
        """Write the first coordinator's configuration; give the folder and the configuration of each."""
        shared: dict[str, Any] = {"network": "load", "limits": self.limits}
        if self.database is not None:
            address, password = make_database(self.database, self.folder)
            shared |= {"database": address, "database_password_file": str(password), "spool": str(self.folder / "spool")}
        folders = [home, *(self.folder / f"coordinator-{number}" for number in range(2, self.replicas + 1))]
        ports = [free_port() for _ in folders]
        configs = []
        for folder, port in zip(folders, ports, strict=True):
            config = shared | {"listen": f"127.0.0.1:{port}"}
            if self.database is not None:
                config["replica"] = folder.name
            configs.append((folder, json.dumps(config)))
        write_private(home / "coordinator.yaml", configs[0][1].encode())
        return configs

    def _write_node(self, lab: Any, agency: str, identity: Any, address: str, home: Path) -> None:
        folder = self.folder / agency
        agreements: dict[str, SignedDocument] = {AGREEMENT: self.document}
        path = build.write_node(folder, lab, agency, identity, agreements, address=address, workers=1)
        path.write_text(json.dumps(json.loads(path.read_text()) | self.node))
        (folder / "policy.yaml").write_text(json.dumps({"rules": [{"decision": "auto", "agreement": AGREEMENT}]}))
        build.join_node(folder, home / f"agency-{agency}.invite")
        self._run(agency, folder, "node", "serve", "--config", str(path), note=folder / "state" / "steward.sock")

    def _write_records(self) -> None:
        source = random.Random(1)
        total = 2 * HERE - SHARED
        numbers = iter(source.sample(range(100_000_000, 665_000_000), 3 * total))
        sound = (f"{n:09d}" for n in numbers if f"{n:09d}"[3:5] != "00" and n % 10_000)
        people = [(next(sound), f"19{source.randint(40, 99)}-05-{source.randint(1, 28):02d}") for _ in range(total)]
        regions = [source.choice(REGIONS) for _ in range(HERE)]
        industries = [source.choice(INDUSTRIES) for _ in range(HERE)]
        for name, column, values, start in (
            ("exits", "region", regions, 0),
            ("wages", "industry", industries, HERE - SHARED),
        ):
            rows = [f"pid,ssn,dob,{column}"]
            rows += [f"{name}{i},{people[start + i][0]},{people[start + i][1]},{value}" for i, value in enumerate(values)]
            (self.folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        self.answer = Counter(zip(regions[HERE - SHARED :], industries[:SHARED], strict=True))

    def _run(self, name: str, folder: Path, *words: str, note: Path) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TALLY_")}
        with (folder / "log").open("ab") as log:
            popen = subprocess.Popen(
                [*COMMAND, *words], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self.processes[name] = WatchedProcess(name, folder, popen)
        end = time.monotonic() + START_S
        while not note.exists():
            if popen.poll() is not None or time.monotonic() > end:
                raise SystemExit((folder / "log").read_text(encoding="utf-8", errors="replace"))
            time.sleep(0.05)

    def right(self, client: Client, job: str) -> bool:
        """Say whether a released result is the answer in the clear."""
        rows = {(row["exits.region"], row["wages.industry"]): row["count"] for row in client.result(job).rows}
        return all(rows.get(key, 0) == self.answer[key] for key in product(REGIONS, INDUSTRIES))


def question(number: int) -> Question:
    """Give the question; its title tells one from another."""
    value = {
        "agreement": AGREEMENT,
        "title": f"question {number}",
        "purpose": "rehearsal",
        "people": {
            "exits": {"agency": "tanf-office", "dataset": "exits"},
            "wages": {"agency": "wage-office", "dataset": "wages"},
        },
        "keep": "exits and wages",
        "measures": ["count"],
        "by": ["exits.region", "wages.industry"],
    }
    return Question.read(value, what="question")


def command(folder: Path, *words: str) -> str:
    """Run a command to its end; give what it printed."""
    ran = subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True)
    if ran.returncode != 0:
        raise SystemExit(ran.stderr)
    return ran.stdout


def free_port() -> int:
    """Give a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
