"""How many values of each identifier can be used, and why the others cannot: counted over rows, in blocks, so that memory stays bounded.

A job stops before it starts where a dataset's declaration asks for more (`usable`); without it, half of the written values is the
threshold for a warning.

Security: counts, forms and places of rows (`core/values/forms.py`), and no value; a value itself is given only to who brings a place for it
(`shown`), which is the owner's terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Refused
from tallystick.core.linkage.fields.letters import is_faulty
from tallystick.core.linkage.fields.normalise import normalise
from tallystick.core.linkage.fields.reasons import is_denied
from tallystick.core.values.forms import common_form
from tallystick.records.identifiers import identifier_column, strings
from tallystick.records.locked import Connection, quote_name
from tallystick.records.mending import mend_identifier
from tallystick.records.places import Places

ROWS: Final = 65_536
"""Rows of a block."""
HALF: Final = 0.5
"""Fewer usable values than this are warned of."""
_TEXTS: Final = frozenset({"first_name", "middle_name", "last_name", "street", "city"})


@dataclass(frozen=True)
class FieldCounts:
    """Rows of a dataset by what became of one identifier.

    Attributes:
        missing: nothing is written.
        usable: it can make tokens.
        denied: what is written stands for nothing, or was never given out.
        unread: no rule knows the form.
        mended: of the usable ones, text that was read in a wrong encoding; it was put right where nothing was lost.
        first: where the first unread value stands; "" if there is none.
        form: the form that most unread values have.
    """

    missing: int
    usable: int
    denied: int
    unread: int
    mended: int = 0
    first: str = ""
    form: str = ""

    @property
    def written(self) -> int:
        """Rows in which something is written."""
        return self.usable + self.denied + self.unread

    @property
    def share(self) -> float:
        """The usable part of what is written; 1 where nothing is."""
        return self.usable / self.written if self.written else 1.0

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """Read what `json_value` gave."""
        return cls(
            value["missing"],
            value["usable"],
            value["denied"],
            value["unread"],
            value["mended"],
            value["first_unread"],
            value["form"],
        )

    def json_value(self) -> dict[str, Any]:
        """Give the counts without a value."""
        return {
            "missing": self.missing, "usable": self.usable, "denied": self.denied, "unread": self.unread, "mended": self.mended,
            "first_unread": self.first, "form": self.form,
        }  # fmt: skip


def count_fields(
    connection: Connection, names: Sequence[str], places: Places, shown: dict[str, str] | None = None
) -> dict[str, FieldCounts]:
    """Count what became of identifiers.

    Args:
        connection: with the table `records`.
        names: the identifiers.
        places: where its rows stand in the source.
        shown: takes an unread value of each identifier that has one.
    """
    return {name: _count(connection, name, places, {} if shown is None else shown) for name in names}


def _count(connection: Connection, name: str, places: Places, shown: dict[str, str]) -> FieldCounts:
    rows = int(connection.execute("SELECT count(*) FROM records").fetchone()[0])
    column = quote_name(identifier_column(name))
    known: dict[Any, str | None] = {}
    written = usable = mended = 0
    bad: Counter[str] = Counter()
    first: dict[str, int] = {}
    for start in range(0, rows, ROWS):
        found = connection.execute(
            f"SELECT rowid AS place, {column} AS value FROM records WHERE rowid >= {start} AND rowid < {start + ROWS} "  # noqa: S608 - a quoted name
            f"AND {column} IS NOT NULL"
        ).fetchnumpy()
        values = strings(found["value"])
        good = normalise(name, values, known).codes >= 0
        written, usable = written + len(values), usable + int(good.sum())
        if name in _TEXTS:
            mended += _faulty(values[good])
        if not good.all():
            others, at = np.unique(values[~good], return_index=True)
            bad.update(values[~good].tolist())
            for text, place in zip(others.tolist(), np.asarray(found["place"])[~good][at].tolist(), strict=True):
                first.setdefault(text, int(place))
    unread = [text for text in bad if not is_denied(name, text)]
    unread.sort(key=lambda text: (-bad[text], first[text]))
    count = sum(bad[text] for text in unread)
    if unread:
        shown[name] = unread[0]
    return FieldCounts(
        rows - written,
        usable,
        sum(bad.values()) - count,
        count,
        mended,
        places.of(min(first[text] for text in unread)) if unread else "",
        common_form(unread, [bad[text] for text in unread]),
    )


def _faulty(values: Any) -> int:
    """Count texts that were read in a wrong encoding; of ASCII alone those are that were written for a web page."""
    whole = "".join(values)
    if whole.isascii() and "&" not in whole:
        return 0
    return sum(is_faulty(text) for text in values if not text.isascii() or "&" in text)


def unusable(counts: Mapping[str, FieldCounts], share: float) -> dict[str, FieldCounts]:
    """Give the identifiers of which a smaller share of what is written can be used."""
    return {name: found for name, found in counts.items() if found.share < share}


def check_usable(dataset: str, config: DeclaredDataset, counts: Mapping[str, FieldCounts]) -> None:
    """Check that identifiers are as usable as the declaration asks for; without that, anything passes.

    Raises:
        Refused: `source-unusable`.
    """
    least = config.usable_share
    few = {} if least is None else unusable(counts, least)
    if few:
        raise Refused(
            "source-unusable",
            f"dataset {dataset}: too few values of {', '.join(few)} can be used",
            hint="its IT sees why: tally node check; a column's format may have to be declared",
            detail="; ".join(sentence(name, found) for name, found in few.items()),
        )


def sentence(name: str, found: FieldCounts) -> str:
    """Say what became of an identifier: `birth_date: 3 of 4 rows unread, the first in line 2, of the form 9{2}/9{2}/9{4}`."""
    parts = []
    if found.unread:
        told = f"{found.unread:,} of {found.written:,} unread, the first in {found.first}, of the form {found.form}"
        parts.append(f"{told} ({fix})" if (fix := mend_identifier(name, found.form)) else told)
    if found.denied:
        parts.append(f"{found.denied:,} of {found.written:,} stand for nothing known")
    if found.mended:
        parts.append(f"{found.mended:,} were read in a wrong encoding (mended where nothing was lost)")
    return f"{name}: {'; '.join(parts)}" if parts else ""
