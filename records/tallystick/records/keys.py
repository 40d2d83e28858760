"""Person keys that say nothing: what stands in their place is nobody's key, and never makes one person of many."""

from __future__ import annotations

from typing import Final

from tallystick.core.errors import Invalid
from tallystick.core.linkage.fields.standins import PLACEHOLDERS
from tallystick.records.identifiers import PERSON
from tallystick.records.locked import Connection, literal, quote_name
from tallystick.records.places import Places

_WORDS: Final = sorted(
    PLACEHOLDERS
    | {"TOTAL", "GRANDTOTAL", "SUBTOTAL", "TRAILER", "TRL", "EOF", "ENDOFFILE", "ENDOFREPORT", "HEADER"}
    | {"NA", "NIL", "EMPTY", "BLANK", "VOID", "NOKEY", "NOID", "REF", "VALUE", "DIV0", "NAT", "UNDEF"}
)
_LETTERS: Final = "regexp_replace(upper({0}), '[^A-Z0-9]', '', 'g')"
_LONGEST: Final = 32


def write_nothing(key: str, column: str = "") -> str:
    """Write the SQL of whether a key says nothing: a word for what is missing, marks alone, a number that a spreadsheet rounded.

    Args:
        key: the quoted column.
        column: its name in the source; a row with that name in it is a header again.
    """
    words = ", ".join(map(literal, _WORDS))
    # \N, N/A and #N/A are words without their marks; so is what is marks alone, unless it is of another script
    marks = f"regexp_full_match({key}, '[ -/:-@\\[-`{{-~]*|[Xx]{{2,}}')"
    # a number that a spreadsheet rounded is many people's
    rounded = f"regexp_full_match(trim({key}), '[0-9]([.][0-9]+)?[Ee][+][0-9]+')"
    again = f"lower(trim({key})) = lower(trim({literal(column)}))" if column else "false"
    return f"(length({key}) <= {_LONGEST} AND ({_LETTERS.format(key)} IN ({words}) OR {marks} OR {key} = '\\N' OR {rounded} OR {again}))"


def check_keys(connection: Connection, dataset: str, places: Places, column: str = "") -> None:
    """Check that every row of `raw` has a key that says whose it is.

    A key of zeros or nines, or below zero, is one if it is a number among others: it has no more rows than some other key has.

    Args:
        connection: with the table `raw`.
        dataset: what errors call the source.
        places: where its rows stand.
        column: the key's column; a row with that name in it is a header again.

    Raises:
        Invalid: `source-types`: how many rows have none, and where the first of them is.
    """
    key = quote_name(PERSON)
    nothing = write_nothing(key, column)
    number = f"regexp_full_match(trim({key}), '-[0-9]+([.]0*)?|0+([.]0*)?|9{{3,}}([.]0*)?')"
    rows, empty, said, first, zeros = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {key} IS NULL), count(*) FILTER (WHERE {nothing} AND NOT {number}), "  # noqa: S608 - quoted names
        f"min(rowid) FILTER (WHERE {key} IS NULL OR ({nothing} AND NOT {number})), count(*) FILTER (WHERE {number}) FROM raw"
    ).fetchone()
    if zeros > 1:
        counts = f"SELECT {key}, count(*) AS times, min(rowid) AS first_row, {number} AS is_zero FROM raw GROUP BY ALL"  # noqa: S608 - quoted names
        many, at, most = connection.execute(
            "SELECT max(times) FILTER (WHERE is_zero), min(first_row) FILTER (WHERE is_zero), "  # noqa: S608 - as above
            f"max(times) FILTER (WHERE NOT is_zero) FROM ({counts})"
        ).fetchone()
        if many > max(1, most or 0):
            said, first = said + zeros, at if first is None else min(first, at)
    if empty or said:
        told = [
            f"{count} of {rows} rows {what}"
            for count, what in ((empty, "have none"), (said, "have one that says nothing"))
            if count
        ]
        raise Invalid(
            "source-types",
            f"dataset {dataset}: rows have no person key"
            + (", or one that says nothing, such as NULL, 0, N/A or the column's own name" if said else ""),
            hint="name the column that has each person's own key, or give these rows one each",
            detail=f"{'; '.join(told)}; the first in {places.of(int(first))}",
        )
