"""The fields that recipes are made of: where each comes from, and how much it says about a person.

A field is an identifier, or something made from one or two that survives an error: a nickname's group, a name's sound, one part of
a double surname, both names in either order, a number's digits without their order, a street without the number of the house, a
birth date with month and day in either order, or without its year or month.

Bits are collision entropies of what is recorded, -log2 of the probability that two draws agree. The figures are low estimates for
one county's clients. Numbers that are given out once agree more seldom than their entropy suggests: two different people share one
only where a clerk or a family errs (one record in fifty, and the wrong number must be just that one). They have a second figure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class FieldKind:
    """What a field of recipes is.

    Attributes:
        sources: identifiers that a dataset may have to make it, the best first.
        bits: collision entropy of the whole field.
        prefix_bits: the same of its first 1, 2, 3, … characters; longer prefixes count as the whole. Empty: no prefix allowed.
        tells_twins_apart: differs between two children of one birth.
        needs_all: made from all of `sources` together, not from the best of them.
        unique_bits: of a number that is given out once, -log2 of the probability that two different people's records agree.
        means: in words.
    """

    sources: tuple[str, ...]
    bits: float
    prefix_bits: tuple[float, ...] = ()
    tells_twins_apart: bool = False
    needs_all: bool = False
    unique_bits: float | None = None
    means: str = ""

    def lacking(self, identifiers: Collection[str]) -> list[str]:
        """Give what a dataset with these identifiers lacks to make the field; empty if it can."""
        if self.needs_all:
            return [source for source in self.sources if source not in identifiers]
        return [] if any(source in identifiers for source in self.sources) else [" or ".join(self.sources)]


FIELDS: Final = {
    "ssn": FieldKind(("ssn",), 28.0, tells_twins_apart=True, unique_bits=33.0, means="nine digits"),
    "ssn4": FieldKind(("ssn4", "ssn"), 13.2, tells_twins_apart=True, means="the last four digits of the SSN"),
    "ssn_start": FieldKind(("ssn",), 8.0, means="the first five digits of the SSN"),
    "ssn_digits": FieldKind(
        ("ssn",), 14.0, tells_twins_apart=True, means="the digits of the SSN in order of size: two exchanged leave it as it is"
    ),
    "ssn_outer": FieldKind(("ssn",), 10.0, tells_twins_apart=True, means="the first five digits of the SSN and the last one"),
    "state_id": FieldKind(
        ("state_id",), 24.0, tells_twins_apart=True, unique_bits=29.0, means="the state's number of a person"
    ),
    "school_id": FieldKind(
        ("school_id",), 20.0, tells_twins_apart=True, unique_bits=26.0, means="the schools' number of a person"
    ),
    "first_name": FieldKind(("first_name",), 7.5, (3.8, 5.5, 6.5), tells_twins_apart=True, means="letters of the first name"),
    "first_initial": FieldKind(
        ("first_initial", "first_name"), 3.8, tells_twins_apart=True, means="the first letter of the first name"
    ),
    "first_group": FieldKind(
        ("first_name",), 7.0, tells_twins_apart=True, means="the first name; nicknames as the formal name"
    ),
    "first_sound": FieldKind(("first_name",), 6.0, tells_twins_apart=True, means="how the first name sounds (Metaphone)"),
    "first_tail": FieldKind(("first_name",), 6.0, tells_twins_apart=True, means="the last three letters of the first name"),
    "first_letters": FieldKind(
        ("first_name",), 7.0, tells_twins_apart=True, means="the letters of the first name in order of the alphabet"
    ),
    "second_name": FieldKind(
        ("first_name",), 7.0, tells_twins_apart=True, means="the second word of the first name; nicknames as the formal name"
    ),
    "middle_group": FieldKind(
        ("middle_name",), 6.0, tells_twins_apart=True, means="the middle name; nicknames as the formal name, initials left out"
    ),
    "generation": FieldKind(("last_name", "first_name"), 0.0, means="what stands behind the name: SR, JR, II, III or IV"),
    "middle_name": FieldKind(("middle_name",), 5.0, (3.5,), tells_twins_apart=True, means="letters of the middle name"),
    "last_name": FieldKind(("last_name",), 10.0, (3.9, 6.0, 8.0, 9.0), means="letters of the last name"),
    "last_part": FieldKind(("last_name",), 9.0, means="the first part of a double surname, or the whole"),
    "last_end": FieldKind(("last_name",), 9.0, means="the last part of a double surname, or the whole"),
    "last_sound": FieldKind(("last_name",), 8.0, means="how the last name sounds (Metaphone)"),
    "last_tail": FieldKind(("last_name",), 9.0, means="the last four letters of the last name"),
    "last_letters": FieldKind(("last_name",), 9.5, means="the letters of the last name in order of the alphabet"),
    "names_any_order": FieldKind(
        ("first_name", "last_name"), 16.5, tells_twins_apart=True, needs_all=True, means="first and last name, in either order"
    ),
    "sounds_any_order": FieldKind(
        ("first_name", "last_name"),
        13.0,
        tells_twins_apart=True,
        needs_all=True,
        means="how first and last name sound, in either order",
    ),
    "birth_date": FieldKind(("birth_date",), 13.0, (0.0, 0.0, 1.0, 4.5, 6.0, 8.0), means="YYYYMMDD"),
    "birth_any_order": FieldKind(("birth_date",), 12.5, means="the birth date, month and day in either order"),
    "birth_month_day": FieldKind(("birth_date",), 8.4, means="the birth date without its year"),
    "birth_decade_day": FieldKind(("birth_date",), 10.9, means="the birth date without the last digit of its year"),
    "birth_unit_day": FieldKind(("birth_date",), 11.7, means="the birth date without its year's digit of tens"),
    "birth_month_tens": FieldKind(("birth_date",), 9.5, means="the birth date without the last digit of its day"),
    "birth_month_units": FieldKind(("birth_date",), 11.2, means="the birth date without its day's digit of tens"),
    "birth_year_day": FieldKind(("birth_date",), 9.0, means="the birth date without its month"),
    "new_year": FieldKind(("birth_date",), 0.0, means="the birth date is 1 January, a default day; of others nothing"),
    "sex": FieldKind(("sex",), 1.0, means="F, M or X"),
    "street": FieldKind(
        ("street",), 11.0, (3.0, 5.0, 7.0, 8.0, 9.0, 9.5, 10.0), means="the street line, abbreviated, without spaces"
    ),
    "street_name": FieldKind(("street",), 8.0, means="the street line without the number of the house"),
    "city": FieldKind(("city",), 3.0, (2.0,), means="letters of the city"),
    "zip": FieldKind(("zip",), 6.0, (0.0, 0.5, 2.0, 4.0), means="five digits"),
    "phone": FieldKind(("phone",), 16.0, (0.0, 0.0, 2.0), means="ten digits"),
}

EITHER_ORDER: Final = {"names_any_order": ("first_name", "last_name"), "sounds_any_order": ("first_sound", "last_sound")}
"""Fields that hold two others in either order."""
