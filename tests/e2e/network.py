"""A real network that a test can break: the coordinator and every node a process of its own, over mTLS on loopback.

Made of the lab's own papers (`lab/network/build.py`) and the real commands. Unlike a lab it lets any party be killed, started again, and
told to die at a labelled place (`core/failpoint.py`); and its coordinator keeps its port, so that nodes find it again.
"""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tallystick.client.results import Result
from tallystick.client.sdk import Client
from tallystick.client.views import JobProgress
from tallystick.core.agreement.model import Agreement, CoordinatorParty
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import NotReady
from tallystick.core.failpoint import KILLED
from tallystick.core.files import write_private
from tallystick.core.job.model import Question
from tallystick.core.released import Released
from tallystick.crypto.statistic.shares import evidence_of
from tallystick.lab.network import build
from tallystick.lab.network.model import Lab
from tallystick.lab.network.processes import COMMAND
from tests.e2e.party import START_S, Party, commands, free_port, left_at, shares_of, state_at
from tests.e2e.records import AGREEMENT, Records, question, sorted_rows

COORDINATOR: Final = "coordinator"
LOOK_S: Final = 0.1
ENDS_S: Final = 240.0


class Network:
    """A running network; use it in a `with` statement.

    Attributes:
        parties: by name.
        seen_shares: every sealed share that was ever found at a node, by (node, job, attempt).
    """

    def __init__(
        self,
        folder: Path,
        *,
        third: bool = False,
        node: Sequence[str] = COMMAND,
        coordinator: Sequence[str] = COMMAND,
        records: Records | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """Write two agencies' records and a lab file about them.

        Args:
            folder: an empty folder.
            third: have a third agency open, so that neither of the two is the desk.
            node: what `node serve` is given to, where it is not the real command.
            coordinator: what `coordinator serve` is.
            limits: of coordinator.yaml.
            records: other ones than the first seed's.
        """
        self.folder = folder
        self.records = records or Records()
        self.lab: Lab = self.records.written(folder, third=third)
        self._node = node
        self._serve = coordinator
        self._limits = dict(limits or {})
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

    def open_client(self) -> None:
        """Connect the analyst anew, as its profile says."""
        profile = self.client.profile
        self.client.close()
        self._client = Client(profile)

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

    def view(self, job: str) -> JobProgress | None:
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

    def wait(self, job: str, *states: str, within: float = ENDS_S, revive: bool = True) -> JobProgress:
        """Wait until a job is in one of some states, or has ended; whoever died at a failpoint is started again meanwhile."""
        found: list[JobProgress] = []

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
        note = party.state / ("address" if party.name.startswith(COORDINATOR) else "steward.sock")
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
        """Check that a released result is the cleartext's."""
        result = self.result(job)
        answer = self.records.expected(asked or question(), self.document.read(Agreement))
        assert sorted_rows(result.rows) == sorted_rows(answer)
        return result

    def note_shares(self) -> None:
        """Look at every sealed share that nodes hold; two different ones of one attempt are a fault (S-18)."""
        for node in self.nodes:
            for job, attempt, share in shares_of(node):
                held = self.seen_shares.setdefault((node.name, job, attempt), share)
                assert held == share, f"{node.name} sealed two shares for attempt {attempt}"

    def told(self) -> str:
        """Give the end of every log."""
        return "\n".join(f"--- {party.name} ({party.code})\n{party.log()[-2500:]}" for party in self.parties.values())

    @property
    def dialed(self) -> str:
        """Where members reach the coordinator."""
        return self.address

    def address_of(self, agency: str) -> str:
        """Where an agency's node reaches the coordinator; a network whose links can be broken says another address."""
        return self.dialed

    def _more_settings(self) -> dict[str, Any]:
        """Give further keys of coordinator.yaml."""
        return {}

    def _settings(self) -> dict[str, Any]:
        return {"network": "test", "listen": self.address, "limits": self._limits} | self._more_settings()

    def _add_parties(self) -> None:
        """Start what else the network has before anybody joins; the coordinator's keys and agreements are there."""

    def _make_agreements(self, party: CoordinatorParty) -> dict[str, SignedDocument]:
        """Give the signed agreements by name, the one that jobs name where they name none first."""
        return build.lab_agreements(self.lab, build.Named((AGREEMENT,)), self.keys, party, datetime.now(UTC))

    def _start(self) -> None:
        home = self.folder / COORDINATOR
        config = build.write_coordinator(home, network="test")
        self.parties[COORDINATOR] = Party(COORDINATOR, [*self._serve, "coordinator", "serve", "--config", str(config)], home)
        self.address = f"127.0.0.1:{free_port()}"
        write_private(config, json.dumps(self._settings()).encode())
        (printed,) = commands(home, [["coordinator", "init", "--config", str(config), "--format", "json"]])
        keys = json.loads(printed)["coordinator"]
        party = CoordinatorParty(key=keys["key"], sealing_key=keys["sealing_key"])
        agreements = self._make_agreements(party)
        self.document = next(iter(agreements.values()))
        for name, document in agreements.items():
            write_private(home / "agreements" / f"{name}.json", document.text().encode())
        self._add_parties()
        analyst = build.analyst_of(self.lab)
        members = [("agency", name) for name in self.lab.file.agencies] + [("analyst", analyst)]
        invitations = {member: home / "invitations" / f"{'-'.join(member)}.invite" for member in members}
        (home / "invitations").mkdir()
        invite = ["coordinator", "invite", "--config", str(config), "--out", str(home / "invitations")]
        self._begin(self.coordinator)
        commands(home, [[*invite, *(part for role, name in members for part in (f"--{role}", name))]])
        for agency, identity in self.keys.agencies.items():
            folder = self.folder / agency
            node = build.write_node(folder, self.lab, agency, identity, agreements, address=self.address_of(agency), workers=1)
            self.until(partial(_joins, folder, invitations["agency", agency]), START_S, f"{agency} cannot join")
            self.parties[agency] = Party(agency, [*self._node, "node", "serve", "--config", str(node)], folder)
            self.parties[agency].start()
        profile = build.join_analyst(
            self.folder / "analyst", self.keys.analyst, invitations["analyst", analyst], agreements.values()
        )
        self._client = Client(profile)


def _joins(folder: Path, invitation: Path) -> bool:
    """Let a node join; the same call again gives the same certificate."""
    try:
        build.join_node(folder, invitation)
    except NotReady:  # a machine that is busy
        return False
    return True


def check_released(network: Network, view: JobProgress) -> None:
    """Check the answer, that it rests on the shares that the nodes keep, and that no node has anything left to do."""
    assert view.state == "released", (view.state, view.reasons, network.told())
    result = network.check(view.job)
    released = result.document.read(Released)
    assert released.attempt == view.attempt
    network.note_shares()
    for agency, evidence in released.shares.items():
        statement, signature = evidence_of(network.seen_shares[agency, view.job, view.attempt], sender=agency)
        assert (evidence.statement, evidence.signature) == (statement.hex(), signature.hex())
    network.until(lambda: ended_everywhere(network, view), START_S, "a node does not hear of the end")


def check_gated(network: Network, view: JobProgress, least: int) -> None:
    """Check a job with a gate over people of whom no agency knows a sum by itself: what is small is hidden and nothing beside it."""
    assert view.state == "released", (view.state, view.reasons, network.told())
    result = network.result(view.job)
    clear = sorted_rows(network.records.expected(question(), network.document.read(Agreement)))
    shown = [row for row in sorted_rows(result.rows) if row["count"] != 0]
    assert shown == [_gated(row, least) for row in clear]
    assert any(row["suppressed"] for row in shown), "something is small"
    network.until(lambda: ended_everywhere(network, view), START_S, "a node does not hear of the end")


def _gated(row: dict[str, Any], least: int) -> dict[str, Any]:
    """Give what a result shows of a row in the clear: of few people nothing, and of people who could not be two groups only how many."""
    if row["count"] >= 2 * least:
        return row
    hidden = {name: None for name in row if name not in ("exits.region", "wages.industry", "count")}
    if row["count"] >= least:
        return row | hidden | {"suppressed": "group"}
    return row | hidden | {"count": None, "suppressed": "small-or-beside"}


def ended_everywhere(network: Network, view: JobProgress) -> bool:
    """Say whether every node knows that a job ended as it did, and holds no file of it any more."""
    network.revive()
    return all(state_at(node, view.job) == view.state and not left_at(node, view.job) for node in network.nodes)
