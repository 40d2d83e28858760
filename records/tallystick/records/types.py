"""From text to declared types, as SQL: what is a value of the type, what is within the bounds, and the value.

integer   digits with a sign, at most 18; `12.0` is 12         BIGINT
decimal   at most `scale` digits after the point (more only    DECIMAL(18, scale)
          if they are zeros), at most 18 digits in all
boolean   true/false, yes/no, 1/0, in any case                 BOOLEAN
date      2025-01-31                                           DATE
category  text as it stands, in Unicode's NFC form,            VARCHAR
          at most 200 characters, no NUL
Spaces round numbers, booleans and dates do not count. Empty text is a missing value.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tallystick.core.agreement.model import Column
from tallystick.core.errors import Invalid
from tallystick.records.locked import literal

MAX_CATEGORY: Final = 200
PLURALS: Final = {
    "integer": "integers", "decimal": "decimals of its scale", "boolean": "booleans", "date": "ISO dates",
    "category": "plain text",
}  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """SQL expressions over one column of text.

    Attributes:
        good: whether the text is a value of the type; NULL where it is missing.
        outside: whether the value is outside the declared bounds, to be evaluated where it is good; "" where there are none.
        value: the value, to be evaluated where it is good.
        clipped: the value within the bounds; `value` where clipping means nothing.
    """

    good: str
    outside: str
    value: str
    clipped: str

    @property
    def can_clip(self) -> bool:
        """Whether clipping means anything."""
        return self.clipped != self.value


def typed(column: Column, text: str, *, name: str) -> Typed:
    """Give the expressions for one column.

    Args:
        column: its declaration.
        text: the SQL name of a VARCHAR column.
        name: what errors call it.

    Raises:
        Invalid: `document-invalid`: bounds that are no values of the type.
    """
    trimmed = f"trim({text})"
    match column.type:
        case "integer":
            value = f"TRY_CAST(split_part({trimmed}, '.', 1) AS BIGINT)"
            return _bounded(column, f"regexp_full_match({trimmed}, '[+-]?[0-9]{{1,18}}([.]0*)?')", value, name)
        case "decimal":
            scale = column.scale or 0
            value = f"TRY_CAST({trimmed} AS DECIMAL(18, {scale}))"
            shape = f"regexp_full_match({trimmed}, '[+-]?[0-9]{{1,18}}([.][0-9]{{0,{scale}}}0*)?')"
            return _bounded(column, f"({shape} AND {value} IS NOT NULL)", value, name)
        case "boolean":
            word = f"lower({trimmed})"
            value = f"{word} IN ('true', 'yes', '1')"
            return Typed(f"{word} IN ('true', 'yes', '1', 'false', 'no', '0')", "", value, value)
        case "date":
            value = f"TRY_CAST({trimmed} AS DATE)"
            shape = f"regexp_full_match({trimmed}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')"
            outside = ""
            if column.min is not None:
                outside = (
                    f"{value} NOT BETWEEN CAST({literal(str(column.min))} AS DATE) AND CAST({literal(str(column.max))} AS DATE)"
                )
            return Typed(f"({shape} AND {value} IS NOT NULL)", outside, value, value)
        case "category":
            value = f"nfc_normalize({text})"
            outside = f"{value} NOT IN ({', '.join(map(literal, column.values))})" if column.values else ""
            return Typed(f"(length({text}) <= {MAX_CATEGORY} AND NOT contains({text}, chr(0)))", outside, value, value)


def scaled(bound: object, scale: int, *, name: str) -> int:
    """Give a bound as an integer at the column's scale.

    Raises:
        Invalid: `document-invalid`.
    """
    number = Decimal(str(bound)).scaleb(scale)
    if number != number.to_integral_value():
        raise Invalid("document-invalid", f"column {name}: a bound has more digits after the point than the column")
    return int(number)


def _bounded(column: Column, good: str, value: str, name: str) -> Typed:
    if column.min is None:
        return Typed(good, "", value, value)
    scale = column.scale or 0
    kind = "BIGINT" if column.type == "integer" else f"DECIMAL(18, {scale})"
    low, high = (
        f"CAST('{Decimal(scaled(bound, scale, name=name)).scaleb(-scale):f}' AS {kind})" for bound in (column.min, column.max)
    )
    return Typed(
        good, f"{value} NOT BETWEEN {low} AND {high}", value, f"CAST(greatest({low}, least({high}, {value})) AS {kind})"
    )
