"""A card: what a party tells the others of itself, so that an agreement's draft can be written without copying keys by hand.

A party signs its own card, with the key that the card names. That says that whoever made it holds the key, not who that is: parties
read each other the key over another channel before they sign an agreement that pins it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import StringConstraints, model_validator

from tallystick.core.agreement.model import Agreement, Dataset
from tallystick.core.documents import SignedDocument, read_document, sign_document
from tallystick.core.errors import Invalid
from tallystick.core.keyfile import IdentityKey
from tallystick.core.model import Document, Hex32, Name
from tallystick.core.overall import list_operations

CardRole = Literal["agency", "coordinator", "analyst", "approver", "steward"]


class Card(Document):
    """What one party is.

    Attributes:
        role: what it does in the network.
        name: as agreements will name it.
        key: its identity key.
        sealing_key: a coordinator's, which points are sealed to.
        agency: a steward's.
        datasets: an agency's, as its node declares them.
    """

    role: CardRole
    name: Name
    key: Hex32
    sealing_key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2432}$")] | None = None
    agency: Name | None = None
    datasets: dict[Name, Dataset] = {}

    @model_validator(mode="after")
    def _fits_role(self) -> Self:
        for given, role, what in (
            (self.sealing_key is not None, "coordinator", "sealing_key"),
            (self.agency is not None, "steward", "agency"),
        ):
            if given != (self.role == role):
                raise ValueError(f"a {role}'s card has {what}, and no other")
        if self.datasets and self.role != "agency":
            raise ValueError("only an agency's card has datasets")
        if any(dataset.agency != self.name for dataset in self.datasets.values()):
            raise ValueError("a card holds datasets of its own agency alone")
        return self


def sign_card(card: Card, identity: IdentityKey) -> SignedDocument:
    """Sign a card as its party."""
    return sign_document("card", card, card.name, identity)


def read_card(path: Path) -> Card:
    """Read a card whose signature is by the key that it names.

    Raises:
        Invalid: `file-missing`, `document-invalid`. Refused: `signature-missing`, `signature-invalid`.
    """
    document = read_document(path, kind="card")
    card = document.read(Card)
    document.verify_signature_of(card.name, card.key)
    return card


def draft_from(cards: Sequence[Card], *, valid_from: str, valid_until: str) -> dict[str, Any]:
    """Give the draft of an agreement among parties, as a JSON value: keys and datasets from their cards, the rest to be edited.

    Args:
        cards: one of a coordinator, two of agencies or more, one of an analyst at least.
        valid_from: a timestamp as documents have it.
        valid_until: another.

    Raises:
        Invalid: `agreement-contradiction`: a party is missing or there twice, or two agencies have datasets of one name.
    """
    found: dict[str, list[Card]] = {role: [] for role in ("coordinator", "agency", "analyst", "approver", "steward")}
    for card in cards:
        if any(card.name == other.name for other in found[card.role]):
            raise _contradiction(f"there are two cards of {card.role} {card.name}", "give one of them")
        found[card.role].append(card)
    if len(found["coordinator"]) != 1:
        raise _contradiction("an agreement has one coordinator", "give the card that `tally coordinator card` writes")
    if len(found["agency"]) < 2 or not found["analyst"]:
        raise _contradiction("an agreement has two agencies or more, and an analyst", "give their cards, each with --from")
    datasets: dict[str, Any] = {}
    for card in found["agency"]:
        if twice := sorted(datasets.keys() & card.datasets.keys()):
            raise _contradiction(f"two agencies have a dataset {twice[0]}", "let one of them call it otherwise in node.yaml")
        datasets |= {name: one.json_value() for name, one in card.datasets.items()}
    (coordinator,) = found["coordinator"]
    stewards: dict[str, Any] = {}
    for card in found["steward"]:
        stewards.setdefault(card.agency or "", {"need": 1, "keys": {}})["keys"][card.name] = card.key
    value: dict[str, Any] = {
        "agreement": "draft",
        "version": 1,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "parties": _keys(found["agency"]),
        "coordinator": {"key": coordinator.key, "sealing_key": coordinator.sealing_key},
        "analysts": _keys(found["analyst"]),
        "approvers": _keys(found["approver"]),
        "stewards": stewards,
        "purposes": ["program-evaluation"],
        "operations": list(list_operations()),
        "joins": ["inner", "left"],
        "link": ["default"],
        "disclosure": {"profile": "cms"},
        "release": {"mode": "desk", "desk": found["agency"][0].name},
        "datasets": datasets,
    }
    return {name: entry for name, entry in value.items() if name in Agreement.model_fields}


def _keys(cards: Sequence[Card]) -> dict[str, Any]:
    return {card.name: {"key": card.key} for card in cards}


def _contradiction(message: str, hint: str) -> Invalid:
    return Invalid("agreement-contradiction", message, hint=hint)
