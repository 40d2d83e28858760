"""Drafts of agreements: YAML with an agreement's keys, checked before anybody is asked to sign."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid
from tallystick.core.job.link import check_link
from tallystick.core.linkage.passes.ladders import recipes_of
from tallystick.core.yaml import read_yaml


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
