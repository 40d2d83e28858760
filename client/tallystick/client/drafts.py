"""Drafts of agreements: YAML with an agreement's keys, checked before anybody is asked to sign."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from tallystick.core.agreement.card import draft_from, read_card
from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import read_document
from tallystick.core.errors import Invalid
from tallystick.core.files import write_new_private
from tallystick.core.job.link import check_link
from tallystick.core.linkage.passes.ladders import recipes_of
from tallystick.core.yaml import read_yaml

TERM: Final = timedelta(days=365)
"""How long a draft's agreement is in force, unless it is edited."""
_HEAD: Final = """\
# A draft of an agreement, written from the parties' cards. Compare every key with its party before anybody signs: a card proves only that
# whoever wrote it holds the key. Edit the rest: name, dates, purposes, operations, linkage, rules, desk. docs/configuration.md has every key.
"""


def write_draft(cards: Sequence[Path], out: Path) -> dict[str, str]:
    """Write a first draft from parties' cards to a new file; give the key of each party by its name.

    Raises:
        Invalid: `file-missing`, `file-exists`, `document-invalid`, `agreement-contradiction`. Refused: `signature-invalid`: of a card.
    """
    read = [read_card(path) for path in cards]
    now = datetime.now(UTC).replace(microsecond=0)
    stamps = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (now, now + TERM)]
    value = draft_from(read, valid_from=stamps[0], valid_until=stamps[1])
    text = yaml.safe_dump(value, sort_keys=False, width=120, allow_unicode=True)
    write_new_private(out, (_HEAD + text).encode())
    return {card.name: card.key for card in read}


def read_either(path: Path) -> Agreement:
    """Read an agreement from a document, signed or not, or from a draft.

    Raises:
        Invalid, Refused: as `draft_agreement` and `read_document`.
    """
    value = read_yaml(path, what="the agreement")
    if isinstance(value, dict) and "body" in value:  # a document; no key of a draft is called so
        return read_document(path, kind="agreement").read(Agreement)
    return draft_agreement(path)


def draft_agreement(path: Path) -> Agreement:
    """Read a draft.

    Raises:
        Invalid: `file-missing`, `yaml-invalid`, `document-invalid`; `link-invalid`: a recipe that no job could use.
        Refused: `link-weak`: one that says too little about a person.
    """
    value: Any = read_yaml(path, what="the draft")
    if value is None:
        raise Invalid("document-invalid", f"{path} is empty", hint="docs/configuration.md lists an agreement's keys")
    if isinstance(value, dict) and "agencies" in value:
        raise Invalid(
            "document-invalid",
            f"{path} is a lab file, whose keys are thrown away",
            hint="an agreement names parties, their keys and datasets: docs/configuration.md",
        )
    agreement = Agreement.read(value, what="the draft")
    entries, words = check_link(agreement.link)
    if entries:
        recipes_of((*entries, *words), None)
    return agreement
