"""Regimes: the laws that datasets fall under, as tags, and the floors that each sets.

A dataset or a column of an agreement carries tags (`regimes: [medicaid, hipaa]`). Each tag is a file of `regimes/`: data, not code. It
says what an agreement must have before a job may use the data, what jobs are not possible at all, and which notice goes with results. A
job takes the floors of every dataset and column that it names, so the strictest holds.

The files are design input, not legal advice: an agency's counsel decides which regimes its data fall under and whether these floors suffice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

from pydantic import Field

from tallystick.core.agreement.clauses import ClauseName
from tallystick.core.agreement.model import Agreement, Dataset
from tallystick.core.errors import Invalid
from tallystick.core.model import Document, Name, Text
from tallystick.core.yaml import read_folder

FOLDER: Final = files("tallystick.core") / "agreement" / "regimes"
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Regime(Document):
    """One regime's floors.

    Attributes:
        title: the law's name.
        citation: where it stands.
        matching: whether people of the data may be looked for in other lists; False: no job may use them.
        statistical: whether the agreement's class of purpose must be statistical.
        min_cell: counts below it are hidden; None: no floor.
        profiles: profiles of disclosure rules that keep the floor by themselves.
        approver: whether an approver beside the agencies must sign every job.
        stewards: how many stewards of the agency whose data they are must sign every job.
        employers: whether rows whose people have few employers must be hidden, too.
        authority: whether the dataset must say by which law it is shared.
        clauses: what the agreement must say.
        notice: what goes with every result that rests on the data.
    """

    title: Text
    citation: Text
    matching: bool = True
    statistical: bool = False
    min_cell: Annotated[int, Field(ge=1, le=1000)] | None = None
    profiles: tuple[Name, ...] = ()
    approver: bool = False
    stewards: Annotated[int, Field(ge=0, le=10)] = 0
    employers: bool = False
    authority: bool = False
    clauses: tuple[ClauseName, ...] = ()
    notice: Text | None = None


@dataclass(frozen=True)
class Shortfall:
    """What an agreement lacks of a regime.

    Attributes:
        regime: the tag.
        dataset: the dataset that carries it.
        lacks: what is missing, in a clause that follows "asks".
        remedy: the smallest change that would pass.
        citation: the law.
    """

    regime: str
    dataset: str
    lacks: str
    remedy: str
    citation: str

    @property
    def message(self) -> str:
        """Give it as one sentence."""
        return f"{self.dataset} is tagged {self.regime} ({self.citation}), which asks {self.lacks}"


@cache
def load_regimes() -> dict[str, Regime]:
    """Read every regime that this version knows, by tag.

    Raises:
        Invalid: `document-invalid`, `yaml-invalid`: a file of ours is malformed.
    """
    return {tag: Regime.read(value, what=f"regime {tag}") for tag, value in read_folder(FOLDER).items()}


def regime_of(tag: str) -> Regime:
    """Give a regime by its tag.

    Raises:
        Invalid: `agreement-regime`: this version knows none of that name, so it cannot keep its floors.
    """
    known = load_regimes()
    if tag not in known:
        raise Invalid("agreement-regime", f"there is no regime {tag}", hint=f"there are: {', '.join(known)}")
    return known[tag]


def collect_tags(dataset: Dataset, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Give the tags of a dataset, and of each of its columns that texts name.

    Args:
        dataset: as the agreement has it.
        texts: the places of a question that may name columns; a word that is a column's name counts as naming it, wherever it stands, so
            that no column is missed.
    """
    words = {word for text in texts for word in _WORD.findall(text)}
    tags = list(dataset.regimes or ())
    for name, column in dataset.columns.items():
        if name in words:
            tags += column.regimes or ()
    return tuple(dict.fromkeys(tags))


def find_shortfalls(agreement: Agreement, name: str, tags: tuple[str, ...]) -> Iterator[Shortfall]:
    """Say what an agreement lacks of the regimes of a dataset; without `matching`, which is a matter of jobs.

    Args:
        agreement: the agreement.
        name: the dataset.
        tags: the regimes that count.

    Raises:
        Invalid: `agreement-regime`.
    """
    dataset, clauses = agreement.datasets[name], agreement.clauses
    for tag in tags:
        regime = regime_of(tag)

        def lacking(lacks: str, remedy: str, tag: str = tag, regime: Regime = regime) -> Shortfall:
            return Shortfall(tag, name, lacks, remedy, regime.citation)

        if regime.authority and dataset.authority is None:
            yield lacking("by which law the dataset is shared", f"datasets.{name}.authority: the citation")
        for clause in regime.clauses:
            if clauses is None or not clauses.has(clause):
                yield lacking(f"for the clause {clause}", f"clauses.{clause}: what was agreed on")
        if regime.statistical and (clauses is None or clauses.purpose_class != "statistical"):
            yield lacking("for statistics alone", "clauses.purpose_class: statistical")
        if regime.min_cell is not None and not _hides(agreement, regime):
            named = f", or profile: {regime.profiles[0]}" if regime.profiles else ""
            yield lacking(
                f"that counts of 1 to {regime.min_cell - 1} are hidden", f"disclosure.min_cell: {regime.min_cell}{named}"
            )
        if regime.approver and not agreement.approvers:
            yield lacking(
                "for an approver of its own beside the agencies",
                "approvers: its name and key (tally agreement card --role approver)",
            )
        if regime.employers and dataset.employers is None:
            yield lacking("which column names employers, as it protects them, too", f"datasets.{name}.employers: the column")
        if regime.employers and not agreement.disclosure.least_employers:
            yield lacking("that rows whose people have few employers are hidden", "disclosure.profile: adrf")
        need = agreement.stewards[dataset.agency].need if dataset.agency in agreement.stewards else 0
        if need < regime.stewards:
            yield lacking(
                f"that {regime.stewards} of {dataset.agency}'s stewards sign each job",
                f"stewards.{dataset.agency}: need: {regime.stewards}, and their keys",
            )


def _hides(agreement: Agreement, regime: Regime) -> bool:
    disclosure = agreement.disclosure
    assert regime.min_cell is not None
    return disclosure.profile in regime.profiles or (disclosure.min_cell or 0) >= regime.min_cell


def find_all_shortfalls(agreement: Agreement) -> list[Shortfall]:
    """Say what an agreement lacks of the regimes of all its datasets and columns.

    Raises:
        Invalid: `agreement-regime`.
    """
    return [
        shortfall
        for name, dataset in agreement.datasets.items()
        for shortfall in find_shortfalls(agreement, name, collect_tags(dataset, tuple(dataset.columns)))
    ]
