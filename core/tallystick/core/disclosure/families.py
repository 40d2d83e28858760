"""Which questions' tables can be subtracted from each other, whatever an analyst calls their groups and columns.

A family has one agreement, people, join, and groups. What a question calls its two groups of people and its derived columns, how it
spells a condition (letter case of words, spaces, brackets that change nothing), in which order it names two groups of an inner join, and
what it derives beside, is the analyst's choice and makes no other family. `rename_table` gives a table of one question the names of another.

What is another family though it could be subtracted: conditions that say the same in other terms (`a = 1` and `NOT a <> 1`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tallystick.core.agreement.model import Agreement
from tallystick.core.canonical import digest_of
from tallystick.core.job.columns import split
from tallystick.core.job.derive import parse_derive
from tallystick.core.job.model import Question, parse_join
from tallystick.core.measure import Asked, load_measures


@dataclass(frozen=True)
class Names:
    """What a question calls things.

    Attributes:
        groups: its name of each agency's group of people.
        by: its columns of `by` in their order, and what each is, which does not depend on names.
        measured: the columns of its measures, together as a measure takes them.
    """

    groups: Mapping[str, str]
    by: tuple[tuple[str, str], ...]
    measured: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, question: Question) -> Names:
        """Give a question's names; its two groups belong to two agencies."""
        groups = {people.agency: name for name, people in sorted(question.people.items())}
        measured = dict.fromkeys(measure.columns for measure in question.measures if measure.columns)
        return cls(groups, tuple((reference, _meant(reference, question)) for reference in question.by), tuple(measured))

    @classmethod
    def read(cls, value: Any) -> Names:
        """Give what `json_value` gave."""
        by = tuple((reference, meant) for reference, meant in value["by"])
        return cls(value["groups"], by, tuple(map(tuple, value.get("measured", ()))))

    def json_value(self) -> dict[str, Any]:
        """Give it for storage."""
        return {
            "groups": dict(self.groups),
            "by": [list(one) for one in self.by],
            "measured": [list(one) for one in self.measured],
        }


def family_of(question: Question, agreement: Agreement) -> str:
    """Give what two questions have in common whose tables can be subtracted, as 64 hexadecimal digits.

    Args:
        question: one that the agreement allows.
        agreement: it.
    """
    from tallystick.core.job.where import check_where  # a parser, which few need

    join = parse_join(question)
    people = {
        one.agency: [
            one.dataset,
            "" if one.where is None else check_where(one.where, agreement.datasets[one.dataset].columns),
        ]
        for one in question.people.values()
    }
    left = question.people[join.left].agency if join.kind == "left" else ""
    by = sorted(meant for _, meant in Names.of(question).by)
    return digest_of({"agreement": question.agreement, "people": people, "join": [join.kind, left], "by": by})


def rename_table(table: Mapping[str, Any], theirs: Names, mine: Names) -> dict[str, Any]:
    """Give a table of one question (`rows`, `linkage`) in the names of another of its family.

    Args:
        table: of the one question.
        theirs: its names.
        mine: the other's.
    """
    if theirs == mine:
        return dict(table)
    groups = {theirs.groups[agency]: name for agency, name in mine.groups.items()}
    called = {meant: reference for reference, meant in theirs.by}
    columns = {reference: called[meant] for reference, meant in mine.by}
    linkage = dict(table["linkage"])
    for what in ("people", "usable"):
        linkage[what] = _keys(linkage[what], groups)
    if "passes" in linkage:
        linkage["passes"] = [one | {"tokens": _keys(one["tokens"], groups)} for one in linkage["passes"]]
    if "rates" in linkage:
        rates = linkage["rates"]
        back = {reference: name for name, reference in columns.items()}
        linkage["rates"] = {
            "overall": _keys(rates["overall"], groups),
            "by": [back[reference] for reference in rates["by"]],
            "groups": [_row(one, columns, {}) for one in rates["groups"]],
        }
    labels = _labels(theirs, mine, groups)
    made = {**table, "rows": [_row(row, columns, labels) for row in table["rows"]], "linkage": linkage}
    if "counts" in table:
        made["counts"] = [one | {"columns": list(_swapped(one["columns"], groups))} for one in table["counts"]]
    return made


def _meant(reference: str, question: Question) -> str:
    group, column = split(reference)
    people = question.people[group]
    if column not in people.derive:
        return f"{people.agency}.{column}"
    made = parse_derive(people.derive[column])
    return f"{people.agency}.{made.function}({'distinct ' if made.distinct else ''}{made.column or '*'})"


def _keys(value: Mapping[str, Any], groups: Mapping[str, str]) -> dict[str, Any]:
    return {groups.get(name, name): item for name, item in value.items()}


def _labels(theirs: Names, mine: Names, groups: Mapping[str, str]) -> dict[str, str]:
    """Give, for every label that a number over either question's columns can have, what the other question calls the same number."""
    back = {name: their for their, name in groups.items()}
    pairs = [(columns, _swapped(columns, groups)) for columns in theirs.measured]
    pairs += [(_swapped(columns, back), columns) for columns in mine.measured]
    return {label: own for pair in pairs for label, own in zip(*map(_numbers, pair), strict=True)}


def _numbers(columns: tuple[str, ...]) -> list[str]:
    """Give the labels of every number that a measure over columns can show, in an order that does not depend on their names."""
    asked = [Asked(measure.name, columns) for measure in load_measures().values() if measure.arity == len(columns)]
    return [label for one in asked for label in (one.label, one.rests_on.label)]


def _swapped(columns: Sequence[str], groups: Mapping[str, str]) -> tuple[str, ...]:
    """Give references with the other names of their groups."""
    return tuple(f"{groups.get(group, group)}.{column}" for group, column in map(split, columns))


def _row(row: Mapping[str, Any], columns: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Any]:
    """Give a row's levels under the other question's names, and its measures under their labels there."""
    theirs = set(columns.values())
    made = {mine: row[reference] for mine, reference in columns.items() if reference in row}
    made |= {labels.get(name, name): item for name, item in row.items() if name not in theirs}
    if "hidden" in made:
        made["hidden"] = [labels.get(label, label) for label in made["hidden"]]
    if "undefined" in made:
        made["undefined"] = {labels.get(label, label): why for label, why in made["undefined"].items()}
    return made
