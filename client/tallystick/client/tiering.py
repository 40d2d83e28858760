"""Drafts and documents of the three tiers of an agreement (`core/agreement/tiers.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tallystick.core.agreement.card import Card, read_card
from tallystick.core.agreement.tiers import TIERS, Memorandum, Tier, TierKind, UseLicense
from tallystick.core.documents import Kind, SignedDocument, build_unsigned, read_one_of
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.link import check_link
from tallystick.core.linkage.passes.ladders import recipes_of
from tallystick.core.yaml import read_yaml

KINDS: Final[tuple[Kind, ...]] = ("agreement", *TIERS)
"""Documents that `tally agreement` reads: agreements first."""
_LOWEST_FIRST: Final[tuple[TierKind, ...]] = ("license", "sharing", "memorandum")


def read_governing(path: Path) -> SignedDocument:
    """Read an agreement or a tier of one from a document.

    Raises:
        Invalid: as `read_one_of`.
    """
    return read_one_of(path, KINDS)


def is_tier(document: SignedDocument) -> bool:
    """Tell whether a document is a tier of an agreement."""
    return document.kind in TIERS


def open_tier(document: SignedDocument) -> tuple[Tier, TierKind]:
    """Give a tier's text and what it is.

    Raises:
        Invalid: `document-invalid`.
    """
    for kind, model in TIERS.items():
        if document.kind == kind:
            return document.read(model), kind
    raise Invalid("document-invalid", f"this document is of kind {document.kind}, not a memorandum, sharing or license")


def find_draft_kind(path: Path) -> TierKind | None:
    """Say which tier a draft or a document is of, by the key with its name; None: of none.

    Raises:
        Invalid: `file-missing`, `yaml-invalid`.
    """
    value = read_yaml(path, what="the draft")
    if isinstance(value, dict) and "body" in value:
        return next((kind for kind in TIERS if value.get("kind") == kind), None)
    return next((kind for kind in _LOWEST_FIRST if isinstance(value, dict) and isinstance(value.get(kind), str)), None)


def draft_tier(path: Path, kind: TierKind, under: Sequence[Path], cards: Sequence[Path] = ()) -> SignedDocument:
    """Read a draft of a tier; what it is under, keys and datasets come from documents and cards, unless it says them itself.

    Args:
        path: the draft, YAML.
        kind: as `find_draft_kind` gave it.
        under: documents of the tiers above it.
        cards: of those whom it names without their keys; of a dataset's agency, for how it declares the dataset.

    Raises:
        Invalid: `file-missing`, `yaml-invalid`, `document-invalid`; `link-invalid`: a recipe that no job could use.
        Refused: `link-weak`: one that says too little about a person; `tier-chain`: a document that this tier cannot be under.
    """
    value: Any = read_yaml(path, what="the draft")
    assert isinstance(value, dict)
    for file in under:
        document = read_one_of(file, KINDS)
        above, found = open_tier(document)
        ref = {"name": above.name, "version": above.version, "digest": document.digest}
        if found == "memorandum" and kind != "memorandum":
            value["memorandum"] = ref
        elif found == "sharing" and kind == "license":
            value["sharing"] = [*(value.get("sharing") or ()), ref]
        else:
            raise Refused(
                "tier-chain", f"a {kind} is not under a {found}", hint="license, sharing, memorandum: each under the next"
            )
    for file in cards:
        _fill_in(value, read_card(file))
    text = TIERS[kind].read(value, what="the draft")
    if kind != "memorandum":
        entries, words = check_link(tuple(value["link"]))
        if entries:
            recipes_of((*entries, *words), None)
    return build_unsigned(kind, text)


def _fill_in(value: dict[str, Any], card: Card) -> None:
    """Put into a draft what a card says of somebody whom the draft names; what the draft says stays."""
    places = {"agency": "parties", "analyst": "analysts", "approver": "approvers"}
    named = value.get(places.get(card.role, ""))
    if isinstance(named, dict) and card.name in named:
        named[card.name] = {"key": card.key} | (named[card.name] or {})
    others = (value.get("review") or {}).get("others")
    if card.role == "approver" and isinstance(others, dict) and card.name in others:
        others[card.name] = {"key": card.key} | (others[card.name] or {})
    terms, stewards = value.get("terms"), value.get("stewards")
    if (
        card.role == "agency"
        and isinstance(terms, dict)
        and value.get("dataset") in card.datasets
        and terms.get("agency") == card.name
    ):
        value["terms"] = card.datasets[value["dataset"]].json_value() | terms
    if card.role == "coordinator" and isinstance(value.get("coordinator"), dict):
        value["coordinator"] = {"key": card.key, "sealing_key": card.sealing_key} | value["coordinator"]
    if card.role == "steward" and isinstance(stewards, dict) and card.name in (stewards.get("keys") or {}):
        stewards["keys"][card.name] = stewards["keys"][card.name] or card.key


def read_tier_or_draft(path: Path, kind: TierKind) -> Tier:
    """Read a tier from a document, signed or not, or from a draft that says what it is under.

    Raises:
        Invalid, Refused: as `draft_tier`.
    """
    value: Any = read_yaml(path, what="the tier")
    if isinstance(value, dict) and "body" in value:
        return open_tier(read_one_of(path, (kind,)))[0]
    return open_tier(draft_tier(path, kind, ()))[0]


def find_pinned(tier: Tier, name: str) -> str | None:
    """Give the key that a tier itself pins for a signer; None where the memorandum above it does.

    Raises:
        Refused: `not-allowed`: the tier gives no such party a place to sign.
    """
    if isinstance(tier, UseLicense):  # of the agencies, its sharing agreements say who signs, and it names these alone
        return tier.analysts[name].key if name in tier.analysts else None
    if name not in tier.signers:
        raise Refused("not-allowed", f"{name} has no part in {tier.name}", hint=f"it is signed by: {', '.join(tier.signers)}")
    return tier.parties[name].key if isinstance(tier, Memorandum) else None
