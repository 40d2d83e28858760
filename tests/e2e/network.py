"""A real network that a test can break: the coordinator and every node a process of its own, over mTLS on loopback.

Made of the lab's own papers (`client/lab/build.py`) and the real commands. Unlike a lab it lets any party be killed, started again, and
told to die at a labelled place (`core/failpoint.py`); and its coordinator keeps its port, so that nodes find it again.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pandas as pd

from tallystick.client.lab import build
from tallystick.client.lab.model import Lab, read_lab
from tallystick.client.lab.processes import COMMAND
from tallystick.client.profile import Profile, make_private, write_private
from tallystick.client.results import Result
from tallystick.client.sdk import Client, enrolled
from tallystick.client.views import View
from tallystick.core.agreement.model import Agreement, CoordinatorParty
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import NotReady
from tallystick.core.failpoint import KILLED, VARIABLE
from tallystick.core.job.model import Question
from tallystick.core.keyfile import write_identity
from tests.oracle import expected_rows

COORDINATOR: Final = "coordinator"
EXITS: Final = "tanf-office"
"""The desk, and one of the two agencies with data."""
WAGES: Final = "wage-office"
BOARD: Final = "board"
"""With `third`, an agency that only opens."""
AGREEMENT: Final = "county"
LOOK_S: Final = 0.1
START_S: Final = 60.0
ENDS_S: Final = 120.0

LAB: Final[dict[str, Any]] = {
    "agencies": {
        EXITS: {
            "datasets": {
                "exits": {
                    "source": {"csv": "exits.csv"},
                    "person": "pid",
                    "identifiers": {"ssn": "ssn", "birth_date": "dob"},
                    "columns": {
                        "region": {"type": "category", "values": ["north", "south"]},
                        "benefit": {"type": "decimal", "scale": 2, "min": 0, "max": 5000},
                    },
                }
            }
        },
        WAGES: {
            "datasets": {
                "wages": {
                    "source": {"csv": "wages.csv"},
                    "person": "pid",
                    "identifiers": {"ssn": "ssn", "birth_date": "dob"},
                    "columns": {
                        "industry": {"type": "category", "values": ["health", "retail"]},
                        "wage": {"type": "decimal", "scale": 2, "min": 0, "max": 9_000_000_000},
                    },
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


def question(title: str = "wages after exit", **changes: Any) -> Question:
    """Give the question that everything here asks, unless a key is changed."""
    value: dict[str, Any] = {
        "agreement": AGREEMENT,
        "title": title,
        "purpose": "rehearsal",
        "people": {"exits": {"agency": EXITS, "dataset": "exits"}, "wages": {"agency": WAGES, "dataset": "wages"}},
        "join": "exits inner wages",
        "measures": ["count", {"mean": "wages.wage"}, {"sum": "exits.benefit"}],
        "by": ["exits.region", "wages.industry"],
    }
    return Question.read({**value, **changes}, what="question")


def people(seed: int = 1, *, here: int = 40, shared: int = 20) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give two agencies' records, one row per person; the last `shared` of the first are the first of the second."""
    source = random.Random(seed)
    total = 2 * here - shared
    numbers = source.sample(range(100_000_000, 665_000_000), 3 * total)
    ssns = [text for text in (f"{n:09d}" for n in numbers) if text[3:5] != "00" and text[5:] != "0000" and text[:3] != "666"]
    births = [f"19{source.randint(40, 99)}-{source.randint(1, 12):02d}-{source.randint(1, 28):02d}" for _ in range(total)]

    def frame(start: int, column: str, levels: Sequence[str], value: str, most: int) -> pd.DataFrame:
        rows = range(start, start + here)
        return pd.DataFrame(
            {
                "pid": [f"{value}{n:05d}" for n in source.sample(range(100_000), here)],
                "ssn": [f"{ssns[n][:3]}-{ssns[n][3:5]}-{ssns[n][5:]}" for n in rows],
                "dob": [births[n] for n in rows],
                column: [source.choice(levels) for _ in rows],
                value: [f"{source.randint(1, most) / 100:.2f}" for _ in rows],
            }
        )

    left = frame(0, "region", ["north", "south"], "benefit", 500_000)
    return left, frame(here - shared, "industry", ["health", "retail"], "wage", 900_000_000_000)


class Party:
    """One process of the network."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.deaths = 0
        self.armed = False
        self.stopped = False
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """How it ended, if it has."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def state(self) -> Path:
        """Its state folder."""
        return self.folder / "state"

    def log(self) -> str:
        """Give what it said."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def start(self, failpoint: str | None = None) -> None:
        """Start it, to die at a labelled place where one is named."""
        assert not self.alive
        self.armed = failpoint is not None
        self.stopped = False
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
        if failpoint is not None:
            environment[VARIABLE] = failpoint
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill it alone, as the kernel would; what it started must see to itself."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=30)

    def stop(self) -> None:
        """Ask it to stop, and see that it does."""
        if self._process is not None and self.alive:
            self.stopped = True
            self._process.terminate()
            self._process.wait(timeout=30)

    def close(self) -> None:
        """See that it and all it started are gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=30)


class Network:
    """A running network; use it in a `with` statement.

    Attributes:
        parties: by name.
        seen_shares: every sealed share that was ever found at a node, by (node, job, attempt).
    """

    def __init__(self, folder: Path, *, third: bool = False, node: Sequence[str] = COMMAND) -> None:
        """Write two agencies' records and a lab file about them.

        Args:
            folder: an empty folder.
            third: have a third agency open, so that neither of the two is the desk.
            node: what `node serve` is given to, where it is not the real command.
        """
        self.folder = folder
        self.left, self.right = people()
        self.left.to_csv(folder / "exits.csv", index=False)
        self.right.to_csv(folder / "wages.csv", index=False)
        value = json.loads(json.dumps(LAB))
        if third:
            entry = json.loads(json.dumps(LAB["agencies"][EXITS]["datasets"]["exits"]))
            value["agencies"][BOARD] = {"datasets": {"register": entry}}
            value["agreement"]["release"] = {"desk": BOARD}
        (folder / "lab.yaml").write_text(json.dumps(value), encoding="utf-8")
        self._node = node
        self.lab: Lab = read_lab(folder / "lab.yaml")
        self.keys = build.throw_away_keys(self.lab)
        self.parties: dict[str, Party] = {}
        self.seen_shares: dict[tuple[str, str, int], bytes] = {}
        self.document: SignedDocument
        self._client: Client | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def client(self) -> Client:
        """The analyst's."""
        assert self._client is not None
        return self._client

    @property
    def nodes(self) -> list[Party]:
        """The agencies' processes."""
        return [party for name, party in self.parties.items() if name != COORDINATOR]

    @property
    def coordinator(self) -> Party:
        """The coordinator's process."""
        return self.parties[COORDINATOR]

    def close(self) -> None:
        """End everything."""
        if self._client is not None:
            self._client.close()
        for party in self.parties.values():
            party.close()

    def submit(self, asked: Question | None = None, *, deadline: timedelta = timedelta(hours=1)) -> str:
        """Ask; give the job's digest. A coordinator that dies over it is started again, and asked again."""
        asked = asked or question()
        before = set(self.client.profile.jobs())
        try:
            return self.client.submit(asked, self.document, deadline=deadline)
        except NotReady:
            (job,) = set(self.client.profile.jobs()) - before
            self.until(lambda: self._resubmitted(job), START_S, "the job was never taken in")
            return job

    def _resubmitted(self, job: str) -> bool:
        self.revive()
        try:
            self.client.resubmit(job)
        except NotReady:
            return False
        return True

    def view(self, job: str) -> View | None:
        """Give a job as it is, or None where the coordinator cannot be reached now."""
        try:
            return self.client.show(job)
        except NotReady:
            return None

    def until(self, true: Callable[[], bool], within: float, what: str) -> None:
        """Wait until something is so."""
        end = time.monotonic() + within
        while not true():
            assert time.monotonic() < end, f"{what}\n{self.told()}"
            time.sleep(LOOK_S)

    def wait(self, job: str, *states: str, within: float = ENDS_S, revive: bool = True) -> View:
        """Wait until a job is in one of some states, or has ended; whoever died at a failpoint is started again meanwhile."""
        found: list[View] = []

        def there() -> bool:
            self.note_shares()
            if revive:
                self.revive()
            view = self.view(job)
            if view is not None and (view.over or view.state in states):
                found.append(view)
            return bool(found)

        self.until(there, within, f"job {job[:8]} does not end")
        return found[0]

    def revive(self) -> None:
        """Start again whoever died at a failpoint or by a kill; whoever was not stopped and ended otherwise is a fault."""
        for party in self.parties.values():
            if not party.alive and not party.stopped:
                assert party.code in {KILLED, -signal.SIGKILL}, f"{party.name} ended with {party.code}\n{party.log()[-4000:]}"
                party.deaths += 1
                party.start()

    def restart(self, failpoints: Mapping[str, str]) -> None:
        """Stop the parties that are named and start each to die at its label."""
        for name in failpoints:
            self.parties[name].stop()
        for name in sorted(failpoints, key=lambda name: name != COORDINATOR):
            self._begin(self.parties[name], failpoints[name])

    def _begin(self, party: Party, failpoint: str | None = None) -> None:
        """Start a party; return when it can be reached."""
        note = party.state / ("address" if party is self.coordinator else "steward.sock")
        note.unlink(missing_ok=True)
        party.start(failpoint)
        self.until(lambda: note.exists() or not party.alive, START_S, f"{party.name} does not start")

    def heal(self) -> None:
        """Have every party running, without failpoints, and no job left."""
        for party in self.parties.values():
            if party.armed:
                party.stop()
            if not party.alive:
                self._begin(party)
        self.until(self._cancelled, START_S, "jobs cannot be cancelled")
        for party in self.parties.values():
            party.deaths = 0

    def _cancelled(self) -> bool:
        self.revive()
        try:
            for view in self.client.jobs():
                self.client.cancel(view.job)
        except NotReady:
            return False
        return True

    def result(self, job: str) -> Result:
        """Fetch, verify and give a released result."""
        found: list[Result] = []

        def there() -> bool:
            self.revive()
            with contextlib.suppress(NotReady):
                found.append(self.client.result(job))
            return bool(found)

        self.until(there, START_S, "the result cannot be fetched")
        return found[0]

    def check(self, job: str, asked: Question | None = None) -> Result:
        """Check that a released result is the cleartext's, and that it rests on the shares that the nodes keep."""
        result = self.result(job)
        assert sorted_rows(result.rows) == sorted_rows(self.expected(asked or question()))
        return result

    def expected(self, asked: Question) -> list[dict[str, Any]]:
        """Give the answer that the records in the clear give."""
        keys = [list(zip(frame["ssn"], frame["dob"], strict=True)) for frame in (self.left, self.right)]
        links = [(i, keys[1].index(key)) for i, key in enumerate(keys[0]) if key in keys[1]]
        frames = {
            "exits": self.left[["region", "benefit"]],
            "wages": self.right[["industry", "wage"]],
        }
        return [row for row in expected_rows(asked, self.document.read(Agreement), frames, links) if row["count"]]

    def note_shares(self) -> None:
        """Look at every sealed share that nodes hold; two different ones of one attempt are a fault (S-18)."""
        for node in self.nodes:
            for job, attempt, share in shares_of(node):
                held = self.seen_shares.setdefault((node.name, job, attempt), share)
                assert held == share, f"{node.name} sealed two shares for attempt {attempt}"

    def told(self) -> str:
        """Give the end of every log."""
        return "\n".join(f"--- {party.name} ({party.code})\n{party.log()[-2500:]}" for party in self.parties.values())

    def _start(self) -> None:
        home = self.folder / COORDINATOR
        config = build.write_coordinator(home, network="test")
        self.parties[COORDINATOR] = Party(COORDINATOR, [*COMMAND, "coordinator", "serve", "--config", str(config)], home)
        self.address = f"127.0.0.1:{free_port()}"
        write_private(config, json.dumps({"network": "test", "listen": self.address}).encode())
        (printed,) = commands(home, [["coordinator", "init", "--config", str(config), "--format", "json"]])
        keys = json.loads(printed)["coordinator"]
        party = CoordinatorParty(key=keys["key"], sealing_key=keys["sealing_key"])
        named = build.Named((AGREEMENT,))
        agreements = build.lab_agreements(self.lab, named, self.keys, party, datetime.now(UTC))
        self.document = agreements[AGREEMENT]
        write_private(home / "agreements" / f"{AGREEMENT}.json", self.document.text().encode())
        analyst = build.analyst_of(self.lab)
        members = [("agency", name) for name in self.lab.file.agencies] + [("analyst", analyst)]
        invitations = {member: home / f"{member[1]}.invite" for member in members}
        invite = ["coordinator", "invite", "--config", str(config)]
        self._begin(self.coordinator)
        commands(home, [[*invite, f"--{role}", name, "--out", str(invitations[role, name])] for role, name in members])
        for agency, identity in self.keys.agencies.items():
            folder = self.folder / agency
            node = build.write_node(folder, self.lab, agency, identity, agreements, address=self.address, workers=1)
            _, shown = enrolled(json.loads(invitations["agency", agency].read_bytes()))
            for file, data in (("authority.pem", shown.authority), ("certificate.pem", shown.chain), ("tls.key", shown.key)):
                write_private(folder / file, data)
            self.parties[agency] = Party(agency, [*self._node, "node", "serve", "--config", str(node)], folder)
            self.parties[agency].start()
        self._client = self._analyst(json.loads(invitations["analyst", analyst].read_bytes()))

    def _analyst(self, invitation: dict[str, str]) -> Client:
        profile = Profile(self.folder / "analyst")
        make_private(profile.folder)
        write_identity(profile.folder / "identity.key", self.keys.analyst)
        network, shown = enrolled(invitation)
        profile.enrol(network, authority=shown.authority, chain=shown.chain, key=shown.key)
        profile.keep_agreement(self.document)
        return Client(profile)


def sorted_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give rows in one order, without the columns that only accompany measures."""
    keys = ("exits.region", "wages.industry")
    wanted = (*keys, "count", "mean(wages.wage)", "sum(exits.benefit)", "suppressed")
    kept = [{name: row[name] for name in wanted if name in row} for row in rows]
    return sorted(kept, key=lambda row: [str(row.get(key)) for key in keys])


def shares_of(node: Party) -> list[tuple[str, int, bytes]]:
    """Give (job, attempt, sealed share) of what a node keeps."""
    path = node.state / "node.db"
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'share'").fetchone() is None:
            return []  # the file is there, its tables are not yet
        return [(job, attempt, bytes(share)) for job, attempt, share in database.execute("SELECT * FROM share")]


def commands(folder: Path, several: Sequence[Sequence[str]]) -> list[str]:
    """Run commands that answer and end, at the same time; give what each printed."""
    started = [
        subprocess.Popen([*COMMAND, *one], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for one in several
    ]
    printed = []
    for process in started:
        out, err = process.communicate(timeout=START_S)
        assert process.returncode == 0, err.decode(errors="replace")
        printed.append(out.decode())
    return printed


def free_port() -> int:
    """Give a port that nobody has, below those that the system gives away by itself."""
    for port in random.Random(os.urandom(8)).sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")
