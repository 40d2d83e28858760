"""A whole network on this machine, from one lab file: the coordinator and every node a process of its own, over mTLS on loopback.

1. Throw-away keys; `tally coordinator init`; the agreement, signed by every agency.
2. `tally coordinator serve` on a port of the system's choice; invitations; everybody joins.
3. `tally node serve` for each agency, whose policy says yes to this agreement and analyst alone.
4. The lab asks as the analyst: submit, watch, fetch, open, verify.
5. Every process is stopped and the folder removed, whatever happened.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tallystick.client.results import Result
from tallystick.client.sdk import Client
from tallystick.client.views import JobProgress
from tallystick.core.agreement.model import Agreement, CoordinatorParty
from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.files import make_private, write_private
from tallystick.core.job.model import Question
from tallystick.core.statistics.rulebook import problems
from tallystick.lab.network.build import (
    LabKeys,
    Named,
    analyst_of,
    join_analyst,
    join_node,
    lab_agreements,
    rehearsal_agreement,
    throw_away_keys,
    write_coordinator,
    write_node,
)
from tallystick.lab.network.model import Lab
from tallystick.lab.network.processes import Processes

NETWORK: Final = "lab"
READY_S: Final = 30.0
TICK_S: Final = 0.25
SOCKET: Final = "state/steward.sock"
"""In a node's folder, once it serves."""

Tell = Callable[[str], None]
Show = Callable[[JobProgress], None]


@dataclass(frozen=True)
class Outcome:
    """What became of one question.

    Attributes:
        question: what was asked.
        job: its digest, or None where it was not even submitted.
        status: released, refused, cancelled, failed or expired.
        result: of a released one.
        reasons: party, code, message and hint of what stood against it.
        leakage: who learned what, or would have.
    """

    question: Question
    job: str | None
    status: str
    result: Result | None
    reasons: tuple[dict[str, str], ...]
    leakage: dict[str, list[str]]

    def json_value(self) -> dict[str, Any]:
        """Give what `--out` writes."""
        if self.result is not None:
            return self.result.json_value()
        return {
            "job": self.job,
            "status": self.status,
            "columns": [],
            "rows": [],
            "linkage": {},
            "disclosure": {},
            "leakage": self.leakage,
            "timing": {},
            "signatures": [],
            "reasons": list(self.reasons),
        }


def predict_refusal(lab: Lab, question: Question) -> Outcome | None:
    """Give the outcome of a question that the lab's agreement cannot allow; None for one that may be asked."""
    agreement = rehearsal_agreement(lab, question).read(Agreement)
    found = problems(question, agreement, analyst_of(lab))
    if not found:
        return None
    return Outcome(question, None, "refused", None, tuple(_reason("the agreement", error) for error in found), {})


class LabNetwork:
    """A running network; use it in a `with` statement."""

    def __init__(self, lab: Lab, named: Named, *, keep: Path | None = None, tell: Tell = lambda _: None) -> None:
        """Prepare.

        Args:
            lab: the lab file.
            named: which agreements and purposes the jobs will name.
            keep: an empty or new folder to work in that is not removed.
            tell: is told what happens.

        Raises:
            Invalid: `file-exists`: `keep` is in use.
        """
        if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
            raise Invalid("file-exists", f"{keep} is in use", hint="name a new or empty folder")
        self._lab = lab
        self._named = named
        self._keep = keep
        self._tell = tell
        self._keys: LabKeys = throw_away_keys(lab)
        self._processes = Processes()
        self._client: Client | None = None
        self._agreements: dict[str, SignedDocument] = {}
        self.folder = Path()
        self.address = ""

    def __enter__(self) -> Self:
        if self._keep is None:
            self.folder = Path(tempfile.mkdtemp(prefix="tally-lab-"))
        else:
            self.folder = self._keep.absolute()
            make_private(self.folder)
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def profile(self) -> Path:
        """The analyst's profile folder, for $TALLY_HOME."""
        return self.folder / "analyst"

    @property
    def processes(self) -> dict[str, int]:
        """Process ids by party."""
        return self._processes.ids

    def close(self) -> None:
        """Stop every process; remove the folder unless it is kept."""
        if self._client is not None:
            self._client.close()
            self._client = None
        try:
            self._processes.stop()
        finally:
            if self._keep is None and self.folder != Path():
                shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, question: Question, *, show: Show = lambda _: None) -> Outcome:
        """Submit a question, wait until its job ends, and fetch what was released.

        Raises:
            NotReady: `unavailable`: a process died; names it and its last error.
            Refused, Broken: a released result does not hold.
        """
        assert self._client is not None  # entered
        name = self._lab.file.agreement.name or question.agreement
        agreement = self._agreements[name]
        try:
            digest = self._client.submit(question, agreement)
        except TallyError as error:
            self._processes.check()
            if error.code == "unavailable":
                raise
            return Outcome(question, None, "refused", None, (_reason("coordinator", error),), {})
        view = self._follow(digest, show)
        leakage = leakage_statement(question, agreement.read(Agreement))
        reasons = tuple({"party": r.party, "code": r.code, "message": r.message, "hint": r.hint} for r in view.reasons)
        result = self._client.result(digest) if view.state == "released" else None
        return Outcome(question, digest, view.state, result, reasons, leakage)

    def check(self) -> None:
        """Check that every process is alive.

        Raises:
            NotReady: `unavailable`.
        """
        self._processes.check()

    def _start(self) -> None:
        lab, processes = self._lab, self._processes
        self._tell("making keys and signing the agreement")
        home = self.folder / "coordinator"
        config = write_coordinator(home, network=NETWORK)
        init = ["coordinator", "init", "--config", str(config), "--format", "json"]
        party = _coordinator_party(processes.once("tally coordinator init", init, home))
        self._agreements = lab_agreements(lab, self._named, self._keys, party, datetime.now(UTC))
        for name, document in self._agreements.items():
            write_private(home / "agreements" / f"{name}.json", document.text().encode())
        self._tell("starting the coordinator")
        processes.start("the coordinator", ["coordinator", "serve", "--config", str(config)], home)
        members = [("agency", name) for name in lab.file.agencies] + [("analyst", analyst_of(lab))]
        self.address = processes.text_of(home / "state" / "address", within=READY_S)
        invitations = self._invitations(config, home, members)
        self._tell("starting the nodes")
        workers = _workers(len(lab.file.agencies))
        for agency, identity in self._keys.agencies.items():
            folder = self.folder / agency
            node = write_node(folder, lab, agency, identity, self._agreements, address=self.address, workers=workers)
            join_node(folder, invitations["agency", agency])
            processes.start(f"{agency}'s node", ["node", "serve", "--config", str(node)], folder)
        analyst = join_analyst(
            self.profile, self._keys.analyst, invitations["analyst", analyst_of(lab)], self._agreements.values()
        )
        processes.until_there([self.folder / agency / SOCKET for agency in self._keys.agencies], within=READY_S)
        self._client = Client(analyst)

    def _invitations(self, config: Path, home: Path, members: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Path]:
        folder = home / "invitations"
        make_private(folder)
        named = [part for role, name in members for part in (f"--{role}", name)]
        invite = ["coordinator", "invite", "--config", str(config), *named, "--out", str(folder)]
        self._processes.once("tally coordinator invite", invite, home)
        return {(role, name): folder / f"{role}-{name}.invite" for role, name in members}

    def _follow(self, digest: str, show: Show) -> JobProgress:
        """Follow a job; the watch runs beside, so that a process that dies is noticed while nothing else happens."""
        views: queue.Queue[JobProgress | TallyError] = queue.Queue()
        client = self._client
        assert client is not None  # entered

        def follow() -> None:
            try:
                for view in client.watch(digest):
                    views.put(view)
            except TallyError as error:
                views.put(error)
            except ValueError:  # the channel was closed: nobody listens any more
                pass

        threading.Thread(target=follow, name="watch", daemon=True).start()
        while True:
            with contextlib.suppress(queue.Empty):
                item = views.get(timeout=TICK_S)
                if isinstance(item, TallyError):
                    self._processes.check()
                    raise item
                show(item)
                if item.over:
                    return item
            self._processes.check()


def _workers(agencies: int) -> int:
    """Give how much a node does at once: its part of the cores, and two of them at least where there are two, for whoever waits is idle."""
    cores = len(os.sched_getaffinity(0))
    return max(cores // agencies, min(cores, 2))


def _coordinator_party(printed: str) -> CoordinatorParty:
    value: Any = json.loads(printed)["coordinator"]
    return CoordinatorParty(key=value["key"], sealing_key=value["sealing_key"])


def _reason(party: str, error: TallyError) -> dict[str, str]:
    return {"party": party, "code": error.code, "message": error.message, "hint": error.hint}
