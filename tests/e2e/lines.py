"""A coordinator, an owner's node, an asker's node and a worker, each a process of its own: requests for one client's fields."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tallystick.client.profile import AnalystProfile
from tallystick.client.records import FieldsAsked, RecordClient, read_answer
from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import FixedClock
from tallystick.core.consent.asking import RecordRequest
from tallystick.core.consent.letters import ASK, LETTER_BYTES, open_answer, seal_letter
from tallystick.core.documents import SignedDocument, read_document, write_document
from tallystick.core.errors import Broken
from tallystick.core.files import make_private, write_private
from tallystick.core.keyfile import write_identity
from tallystick.core.net.joining import exchange_invitation, read_invitation
from tallystick.core.net.tls import new_key
from tallystick.lab.network.build import join_node, write_coordinator
from tallystick.lab.network.processes import COMMAND
from tests.consents import asking_agreement, consent, records_value, signed_consent, signed_request
from tests.e2e.party import START_S, Party, commands, free_port
from tests.governance import agreement_value, identity, sealing_key, signed_agreement, stamp
from tests.requesting import CLIENTS, DATASET, ROSA

PARTIES: Final = ("housing", "labor")
LOOK_S: Final = 0.1


@dataclass
class Lines:
    """A running network; use it in a `with` statement.

    Attributes:
        folder: an empty folder.
        policy: of the owner's node.
        parties: by name.
        workers: by name, the folder of each one's profile.
    """

    folder: Path
    policy: str = "auto"
    records: dict[str, Any] = field(default_factory=dict)
    parties: dict[str, Party] = field(default_factory=dict)
    workers: dict[str, Path] = field(default_factory=dict)
    count: int = 0
    _dials: dict[str, str] = field(default_factory=dict)
    agreement: Agreement = field(init=False)
    document: SignedDocument = field(init=False)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End everything."""
        for party in self.parties.values():
            party.close()

    def tally(self, *arguments: str, worker: str = "ann", within: float = 200) -> subprocess.CompletedProcess[str]:
        """Run a command as a worker."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
        environment["TALLY_HOME"] = str(self.workers[worker])
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=within,
        )

    def paper(self, by: tuple[str, ...] = ("ivy", "joe"), **changes: Any) -> Path:
        """Write a signed consent of Rosa's, with keys replaced; give its file."""
        self.count += 1
        fresh = {"consent": f"{self.count:032x}", "revoking": f"{self.count:064x}", "person": ROSA}
        path = self.folder / f"consent-{self.count}.json"
        document = signed_consent(consent(datetime.now(UTC), **(fresh | changes)), by)
        write_private(path, document.text().encode())
        return path

    def ask(self, paper: Path, *more: str, fields: str = "address,phone", worker: str = "ann") -> dict[str, Any]:
        """Ask and wait; give what the command printed, as JSON."""
        told = self.tally(
            "record", "ask", "--consent", str(paper), "--of", "clients", "--fields", fields, "--purpose", "benefits",
            "--format", "json", *more, worker=worker,
        )  # fmt: skip
        assert told.stdout, told.stderr + self.told()
        [answer] = json.loads(told.stdout)
        return dict(answer)

    def ask_slowly(self, paper: Path, by: timedelta) -> dict[str, Any]:
        """Ask with a clock that is behind; give what `ask` would."""
        document = read_document(paper, kind="consent")
        asked = FieldsAsked("clients", ("address", "phone"), "benefits")
        with RecordClient(AnalystProfile(self.workers["ann"]), clock=FixedClock(datetime.now(UTC) - by)) as client:
            client.ask(document, self.agreement, self.document.digest, asked)
            [read] = list(client.answers(lambda _: self.agreement, seconds=30))
        outcome = "nothing" if read.answer.fields is None else "given"
        return {"request": read.digest, "outcome": outcome, **read.answer.json_value()}

    def ask_by_hand(self, paper: SignedDocument, **changes: Any) -> dict[str, Any]:
        """Ask as software would that checks nothing; give the answer that came, without the request's digest."""
        self.count += 1
        request = signed_request(
            self.agreement, paper, datetime.now(UTC), ("ann",), **({"request": f"{self.count:032x}"} | changes)
        )
        with RecordClient(AnalystProfile(self.workers["ann"])) as client:
            door = client._find_door("labor", self.agreement)
            client._post("agency/labor", seal_letter(door, (ASK, request.encode(), paper.encode(), b"")))
            end, taken = time.monotonic() + 30, list[bytes]()
            while time.monotonic() < end:
                letters = client._collect(taken, 1)
                taken = [name for name, _ in letters]
                for _, sealed in letters:
                    assert len(sealed) == LETTER_BYTES
                    with contextlib.suppress(Broken):
                        data = open_answer(sealing_key("answer"), request.digest, sealed)
                        client._collect(taken, 0)
                        asked = request.read(RecordRequest)
                        answer, _ = read_answer(data, asked, request.digest, self.agreement, datetime.now(UTC))
                        return {key: one for key, one in answer.json_value().items() if key != "request"}
        raise AssertionError("no answer came")

    def node(self, agency: str, *arguments: str) -> Any:
        """Run a node's command; give its JSON."""
        [printed] = commands(self.parties[agency].folder, [["node", *arguments, "--format", "json"]])
        return json.loads(printed)

    def disclosures(self, agency: str = "housing") -> list[dict[str, Any]]:
        """Give what an agency keeps of requests, the newest first."""
        return list(self.node(agency, "disclosures"))

    def until(self, true: Callable[[], Any], what: str, within: float = 60.0) -> None:
        """Wait until something is so."""
        end = time.monotonic() + within
        while not true():
            assert time.monotonic() < end, f"{what}\n{self.told()}"
            time.sleep(LOOK_S)

    def told(self) -> str:
        """Give the end of every log."""
        return "\n".join(f"--- {party.name} ({party.code})\n{party.log()[-2500:]}" for party in self.parties.values())

    def begin(self, name: str, failpoint: str | None = None) -> None:
        """Start a party; return when it can be reached."""
        party = self.parties[name]
        note = party.state / ("address" if name.startswith("coordinator") else "steward.sock")
        note.unlink(missing_ok=True)
        party.start(failpoint)
        self.until(lambda: note.exists() or not party.alive, f"{name} does not start", START_S)

    def _start(self) -> None:
        home = self.folder / "coordinator"
        config = write_coordinator(home, network="test")
        self.parties["coordinator"] = Party("coordinator", [*COMMAND, "coordinator", "serve", "--config", str(config)], home)
        address = f"127.0.0.1:{free_port()}"
        write_private(config, json.dumps({"network": "test", "listen": address} | self._share(address)).encode())
        (printed,) = commands(home, [["coordinator", "init", "--config", str(config), "--format", "json"]])
        keys = json.loads(printed)["coordinator"]
        now = datetime.now(UTC)
        datasets = {name: one for name, one in asking_agreement().json_value()["datasets"].items() if one["agency"] in PARTIES}
        staff = {name: one for name, one in records_value()["staff"].items() if one["agency"] in PARTIES}
        base: dict[str, Any] = {
            "parties": {name: {"key": identity(name).key} for name in PARTIES},
            "coordinator": {"key": keys["key"], "sealing_key": keys["sealing_key"]},
            "datasets": datasets,
            "stewards": {},
            "approvers": {},
            "release": agreement_value()["release"] | {"desk": "housing"},
            "valid_from": stamp(now - timedelta(days=1)),
            "valid_until": stamp(now + timedelta(days=365)),
        }
        self.agreement = asking_agreement(records_value(staff=staff, **self.records), **base)
        self.document = signed_agreement(self.agreement, by=PARTIES)
        write_private(home / "agreements" / "county.json", self.document.text().encode())
        write_document(self.folder / "agreement.json", self.document)
        invitations = home / "invitations"
        invitations.mkdir()
        self.begin("coordinator")
        self._add_coordinators()
        members = [*(("agency", name) for name in PARTIES), ("worker", "ann"), ("worker", "kim")]
        invite = ["coordinator", "invite", "--config", str(config), "--out", str(invitations)]
        commands(home, [[*invite, *(part for role, name in members for part in (f"--{role}", name))]])
        for name in PARTIES:
            self._add_node(name, self._dials.get(name, address), invitations / f"agency-{name}.invite")
        for name in ("ann", "kim"):
            folder = self.workers[name] = self.folder / f"profile-{name}"
            make_private(folder)
            write_identity(folder / "identity.key", identity(name))
            held = read_invitation(invitations / f"worker-{name}.invite")
            profile = AnalystProfile(folder)
            profile.enrol(held, exchange_invitation(held, new_key()))
            profile.keep_agreement(self.document)
        for name in ("ivy", "joe"):
            write_identity(self.folder / f"{name}.key", identity(name))

    def _share(self, address: str) -> dict[str, Any]:  # for networks of several coordinators
        """Give what the coordinator's configuration has besides."""
        return {}

    def _add_coordinators(self) -> None:
        """Start others than the first."""

    def _add_node(self, name: str, address: str, invitation: Path) -> None:
        folder = self.folder / name
        make_private(folder)
        write_identity(folder / "identity.key", identity(name))
        write_document(folder / "county.json", self.document)
        write_private(folder / "clients.csv", CLIENTS.encode())
        write_private(folder / "policy.yaml", json.dumps({"requests": [{"decision": self.policy}]}).encode())
        value = {
            "agency": name,
            "coordinator": {"address": address},
            "agreements": ["county.json"],
            "policy": "policy.yaml",
            "workers": 1,
            "datasets": {"clients": DATASET} if name == "housing" else {},
        }
        write_private(folder / "node.yaml", json.dumps(value).encode())
        join_node(folder, invitation)
        self.parties[name] = Party(name, [*COMMAND, "node", "serve", "--config", str(folder / "node.yaml")], folder)
        self.begin(name)


def search_memory(pid: int, words: list[bytes]) -> list[bytes]:
    """Give the words that stand in a process's memory."""
    found: set[bytes] = set()
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb") as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            low, high = (int(part, 16) for part in span.split("-"))
            with contextlib.suppress(OSError, ValueError, OverflowError):
                memory.seek(low)
                data = memory.read(high - low)
                found.update(word for word in words if word in data)
    return sorted(found)
