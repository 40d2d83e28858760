"""The examples of three tiers (`examples/tiers`), put together without processes; any part of a draft may be changed before it is signed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from tallystick.client.tiering import draft_tier, find_draft_kind
from tallystick.core.agreement.card import Card, sign_card
from tallystick.core.agreement.chain import bind_tiers
from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import SignedDocument
from tallystick.core.job.model import Question
from tallystick.core.yaml import read_yaml
from tallystick.node.config import NodeConfig, read_config
from tests.governance import identity, sealing_key

EXAMPLES: Final = Path(__file__).parents[1] / "examples" / "tiers"
CASES: Final = tuple(sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
Draft = dict[str, Any]
Change = Callable[[str, Draft], None]
"""Is told the name of a draft's file without its ending, and changes the draft."""


@dataclass(frozen=True)
class Example:
    """One example.

    Attributes:
        nodes: each agency's configuration.
        drafts: by the name of the file, the highest tier first.
    """

    name: str
    nodes: Mapping[str, NodeConfig]
    drafts: Mapping[str, Draft]

    @property
    def agencies(self) -> tuple[str, ...]:
        """The agencies, in order."""
        return tuple(self.nodes)

    @property
    def question(self) -> Question:
        """What it asks."""
        return Question.read(read_yaml(EXAMPLES / self.name / "job.yaml", what="job"), what="job")

    def signers_of(self, name: str) -> tuple[str, ...]:
        """Give who signs a tier."""
        return (*self.agencies, *(self.drafts["license"]["analysts"] if name == "license" else ()))

    def tiers(self, change: Change = lambda _name, _draft: None) -> dict[str, SignedDocument]:
        """Draft and sign every tier, with its drafts changed."""
        made: dict[str, SignedDocument] = {}
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            cards = _cards(self.name)
            for name, draft in self.drafts.items():
                own = json.loads(json.dumps(draft))
                change(name, own)
                (here / f"{name}.yaml").write_text(json.dumps(own))
                under = [here / f"{above}.json" for above in made if above == "memorandum" or name == "license"]
                kind = find_draft_kind(here / f"{name}.yaml")
                assert kind is not None
                document = draft_tier(here / f"{name}.yaml", kind, under, cards)
                for signer in self.signers_of(name):
                    document = document.with_signature(signer, identity(signer))
                (here / f"{name}.json").write_text(document.text())
                made[name] = document
        return made

    def bind(self, change: Change = lambda _name, _draft: None) -> SignedDocument:
        """Give what its tiers allow together."""
        return bind_tiers([*self.tiers(change).values()])

    def agreement(self) -> Agreement:
        """Give the text of that."""
        return self.bind().read(Agreement)

    def write_cards(self, folder: Path) -> list[Path]:
        """Write everybody's card."""
        cards = [
            Card(role="agency", name=agency, key=identity(agency).key, datasets=_declared(config))
            for agency, config in self.nodes.items()
        ]
        key, sealing = identity("coordinator").key, sealing_key("coordinator").public.hex()
        cards += [
            Card(role="coordinator", name="coordinator", key=key, sealing_key=sealing),
            Card(role="analyst", name="ana", key=identity("ana").key),
        ]
        for draft in self.drafts.values():
            cards += [Card(role="approver", name=name, key=identity(name).key) for name in draft.get("approvers", {})]
            cards += [
                Card(role="steward", name=name, agency=draft["terms"]["agency"], key=identity(name).key)
                for name in draft.get("stewards", {}).get("keys", {})
            ]
        written = []
        for card in cards:
            path = folder / f"{card.name}.card"
            path.write_text(sign_card(card, identity(card.name)).text())
            written.append(path)
        return written


@cache
def example(name: str) -> Example:
    """Read an example."""
    folder = EXAMPLES / name
    nodes = {path.parent.name: read_config(path) for path in sorted(folder.glob("*/node.yaml"))}
    files = [folder / "memorandum.yaml", *sorted(folder.glob("sharing-*.yaml")), folder / "license.yaml"]
    drafts: dict[str, Any] = {path.stem: read_yaml(path, what="draft") for path in files}
    return Example(name, nodes, drafts)


_FOLDER: Final = tempfile.TemporaryDirectory()


@cache
def _cards(name: str) -> list[Path]:
    folder = Path(_FOLDER.name) / name
    folder.mkdir()
    return example(name).write_cards(folder)


def _declared(config: NodeConfig) -> dict[str, Any]:
    return {name: dataset.to_dataset(config.agency) for name, dataset in config.file.datasets.items()}
