"""A network of real processes under three tiers: the agencies, records and drafts of an example, with licenses of our own beside its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tallystick.core.agreement.model import CoordinatorParty
from tallystick.core.documents import SignedDocument
from tallystick.core.keyfile import write_identity
from tallystick.core.yaml import read_yaml
from tallystick.lab.network import build
from tallystick.lab.network.model import read_lab
from tallystick.lab.network.processes import COMMAND
from tests.chains import EXAMPLES, Change, Draft, Example, example
from tests.e2e.network import Network
from tests.e2e.party import START_S, commands
from tests.governance import identity

ANALYST: Final = "analyst"


class TieredNetwork(Network):
    """The processes of an example; what is asked is allowed at once, but for its approvers.

    Attributes:
        case: the example, with our analyst.
        tiers: the signed tiers of each license, by its name and then the draft's.
    """

    def __init__(self, folder: Path, case: str, licenses: Mapping[str, Change]) -> None:
        """Write the example's records and a lab file about them.

        Args:
            folder: an empty folder.
            case: the example's name.
            licenses: how the drafts of each license are changed, by its name.
        """
        super().__init__(folder)
        one = example(case)
        drafts = {name: json.loads(json.dumps(draft)) for name, draft in one.drafts.items()}
        drafts["license"]["analysts"] = {ANALYST: {"key": identity(ANALYST).key}}
        self.case: Example = replace(one, drafts=drafts)
        self.tiers: dict[str, dict[str, SignedDocument]] = {}
        self._licenses = dict(licenses)
        agencies = {}
        for agency in one.agencies:
            declared: Any = read_yaml(EXAMPLES / case / agency / "node.yaml", what="node.yaml")
            for dataset in declared["datasets"].values():
                dataset["source"] = {kind: str(EXAMPLES / case / agency / file) for kind, file in dataset["source"].items()}
            agencies[agency] = {"datasets": declared["datasets"]}
        desk = drafts["license"]["desk"]
        (folder / "lab.yaml").write_text(json.dumps({"agencies": agencies, "agreement": {"release": {"desk": desk}}}))
        self.lab = read_lab(folder / "lab.yaml")
        self.keys = build.LabKeys({agency: identity(agency) for agency in one.agencies}, identity(ANALYST))

    def _make_agreements(self, party: CoordinatorParty) -> dict[str, SignedDocument]:
        made = {}
        for name, change in self._licenses.items():

            def changed(draft: str, value: Draft, name: str = name, change: Change = change) -> None:
                if draft == "memorandum":
                    value["coordinator"] = party.json_value()
                if draft == "license":
                    value["license"] = name
                change(draft, value)

            self.tiers[name] = self.case.tiers(changed)
            made[name] = self.case.bind(changed)
        return made

    def enrol_approver(self, name: str) -> dict[str, str]:
        """Let an approver join by its own commands; give the environment of its shell."""
        home, invitation = self.folder / name, self.folder / f"{name}.invite"
        home.mkdir()
        write_identity(home / "identity.key", identity(name))
        config = self.coordinator.folder / "coordinator.yaml"
        commands(
            self.folder, [["coordinator", "invite", "--config", str(config), "--approver", name, "--out", str(invitation)]]
        )
        shell = {"TALLY_HOME": str(home)}
        status, told = self.type(shell, "profile", "join", str(invitation))
        assert status == 0, told
        return shell

    def type(self, shell: Mapping[str, str], *words: str) -> tuple[int, str]:
        """Type a command of `tally` in somebody's shell; give its status and what it said."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("TALLY_")}
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self.folder,
            env=clean | dict(shell),
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def ask(self, asked: Mapping[str, Any]) -> tuple[int, str]:
        """Type `tally job submit` as the analyst."""
        (self.folder / "job.json").write_text(json.dumps(asked))
        return self.type({"TALLY_HOME": str(self.folder / ANALYST)}, "job", "submit", "job.json")
