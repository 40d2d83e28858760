"""One question under several ladders: how far each released number depends on matching.

Nothing is computed from what is hidden, and nothing is unhidden: each result stands as its desk released it, and the desk has held
each against the others of the same people and groups (`core/disclosure/rules/differences.py`). A number that one of them hides, or
for which it has too few people, has no spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tallystick.client.measured import Measures, by_columns, is_hidden, measures_of, number, of_nobody
from tallystick.client.results import describe_linkage, question_of
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Invalid
from tallystick.core.linkage.passes.ladders import LADDERS

RECIPES: Final = "recipes"
"""What results are called whose agreement names its own recipes: there is one way to ask."""


@dataclass(frozen=True)
class Spread:
    """One number under each ladder.

    Attributes:
        levels: of the row, by column; empty for the totals of the linkage report.
        label: which number.
        values: by ladder; None where it is hidden or cannot be worked out.
        least, most: of all; None where one is not there.
        share: (most - least) / the one under the strictest ladder; None where that is 0 or one is not there.
        undefined: ladders under which it is shown, but cannot be worked out, with why in a few words, or "".
        written: the values as people read them, but for those that are hidden.
    """

    levels: dict[str, Any]
    label: str
    values: dict[str, int | float | None]
    least: int | float | None
    most: int | float | None
    share: float | None
    undefined: dict[str, str]
    written: dict[str, str]

    def json_value(self) -> dict[str, Any]:
        """Give it for programs."""
        return {
            "levels": self.levels,
            "label": self.label,
            "values": self.values,
            "least": self.least,
            "most": self.most,
            "share": self.share,
            "undefined": self.undefined,
        }


@dataclass(frozen=True)
class Triple:
    """Several results of one question.

    Attributes:
        ladders: strict to loose.
        jobs: the job's digest, by ladder.
        by: the columns that part the rows.
        totals: matches; none where the linkage report tells them by pairs of groups.
        rows: every number of every row, in the order of the strictest result that has it.
    """

    ladders: tuple[str, ...]
    jobs: dict[str, str]
    by: tuple[str, ...]
    totals: tuple[Spread, ...]
    rows: tuple[Spread, ...]

    def json_value(self) -> dict[str, Any]:
        """Give it for programs."""
        return {
            "ladders": list(self.ladders),
            "jobs": self.jobs,
            "by": list(self.by),
            "totals": [one.json_value() for one in self.totals],
            "rows": [one.json_value() for one in self.rows],
        }


def triple_of(results: Sequence[tuple[SignedDocument, dict[str, Any]]]) -> Triple:
    """Put results of one question side by side.

    Args:
        results: signed document and shown value of each, in any order.

    Raises:
        Invalid: `triple-differs`: they are of several questions, or two of one ladder.
    """
    found: dict[str, dict[str, Any]] = {}
    asked: dict[str, Any] | None = None
    for document, value in results:
        question = question_of(document)
        question.pop("link", None)
        ladder = next((name for name in describe_linkage(document) if name in LADDERS), RECIPES)
        question.pop("title", None)
        if asked is not None and question != asked:
            raise Invalid(
                "triple-differs", "the results are of several questions", hint="give results that differ in link alone"
            )
        if ladder in found:
            raise Invalid("triple-differs", f"two of the results are linked by {ladder}", hint="give one of each ladder")
        asked = question
        found[ladder] = value
    order = [name for name in (*LADDERS, RECIPES) if name in found]
    first = found[order[0]]
    by, measures = tuple(by_columns(first["columns"])), measures_of(asked or {"measures": []})
    # a row without people may be left out of one and stand in another
    keys = dict.fromkeys(tuple(row[name] for name in by) for ladder in order for row in found[ladder]["rows"])
    rows = [
        _spread(row, label, {ladder: _row_of(found[ladder], by, row) for ladder in order}, measures)
        for row in (dict(zip(by, key, strict=True)) for key in keys)
        for label in first["columns"][len(by) : -1]
    ]
    totals = {ladder: {"count": 0, "matched": found[ladder]["linkage"]["matched"]} for ladder in order}
    hidden = {ladder: one | ({"hidden": ["matched"]} if one["matched"] is None else {}) for ladder, one in totals.items()}
    return Triple(
        tuple(order),
        {ladder: found[ladder]["job"] for ladder in order},
        by,
        () if any("pairs" in found[ladder]["linkage"] for ladder in order) else (_spread({}, "matched", hidden, measures),),
        tuple(rows),
    )


def _row_of(value: dict[str, Any], by: Sequence[str], row: dict[str, Any]) -> dict[str, Any] | None:
    """Give a row of one of the results; None for one that is left out there, because nobody is in it."""
    return next((one for one in value["rows"] if all(one[name] == row[name] for name in by)), None)


def _spread(levels: dict[str, Any], label: str, rows: Mapping[str, dict[str, Any] | None], measures: Measures) -> Spread:
    values = {ladder: of_nobody(label, measures) if row is None else row.get(label) for ladder, row in rows.items()}
    hidden = {ladder for ladder, row in rows.items() if row is not None and is_hidden(row, label)}
    undefined = {
        ladder: "" if row is None else row.get("undefined", {}).get(label, "")
        for ladder, row in rows.items()
        if values[ladder] is None and ladder not in hidden
    }
    said = {
        ladder: undefined.get(ladder, "") if value is None else number(value, label, measures)
        for ladder, value in values.items()
    }
    written = {ladder: text for ladder, text in said.items() if ladder not in hidden}
    known = [value for value in values.values() if value is not None]
    if len(known) < len(values):
        return Spread(levels, label, values, None, None, None, undefined, written)
    first, least, most = known[0], min(known), max(known)
    share = (most - least) / abs(first) if first else None
    return Spread(levels, label, values, least, most, share, undefined, written)
