"""Pairs of agencies as they are: who is linked through the encrypted path, who is not, and twins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from tallystick.crypto import paillier
from tests.protocol.agencies import Person, linked
from tests.protocol.cases import paillier_key

DENIED: Final = [
    "000-00-0000",
    "123-45-6789",
    "078-05-1120",
    "999-99-9999",
    "219-09-9999",
    "666-12-3456",
    "212-00-3456",
    "",
    None,
]
"""Numbers that were never issued to anybody, or to nobody in particular, and none at all."""


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


# --- wages, which have no birth date, with TANF -----------------------------------------------------------------------------------


def tanf(ssn: str | None, first: str, last: str, born: str) -> Person:
    """Give what TANF knows of a person."""
    return {"ssn": ssn, "first_name": first, "last_name": last, "birth_date": born, "sex": "F"}


def wages(ssn: str | None, initial: str, last: str) -> Person:
    """Give what a wage record says."""
    return {"ssn": ssn, "first_initial": initial, "last_name": last}


def test_wages_link_with_tanf_by_number_and_name() -> None:
    people = [
        (tanf("742-04-3218", "Maria", "Lopez", "1990-05-06"), wages("742043218", "M", "LOPEZ")),
        (tanf("742-04-3311", "Ann", "Baker", "1988-01-09"), wages("742043311", "A", "PRUITT")),  # married since
        (tanf("742-04-3412", "Elena", "Garcia Ruiz", "1985-11-30"), wages("742043412", "E", "GARCIA")),
        (tanf("012-04-3513", "Grace", "O'Neal", "1979-07-21"), wages("12043513", "G", "ONEAL")),  # a leading zero lost
        (tanf("742-04-3614", "Kim", "Nguyễn", "1992-02-28"), wages("742043614", "K", "NGUYEN")),
    ]
    strangers = [
        (tanf("742-04-3715", "Rosa", "Diaz", "1991-03-04"), wages("318112233", "R", "DIAZ")),  # the name alone
        (tanf("742-04-3816", "Lily", "Cook", "1991-03-05"), wages("742043816", "J", "WARD")),  # the number alone
        (tanf(None, "Hana", "Ito", "1991-03-06"), wages("742043917", "H", "ITO")),
    ]
    both = people + strangers
    found = linked([left for left, _ in both], [right for _, right in reversed(both)])
    assert found.pairs == {(row, len(both) - 1 - row) for row in range(len(people))}
    fields = {part.field for recipe in found.passes.exact for part in recipe.parts}
    assert "birth_date" not in fields
    assert all("ssn" in {part.field for part in recipe.parts} for recipe in found.passes.exact)


@pytest.mark.parametrize("link", ["default", "loose"])
def test_s10_a_blank_or_denied_number_never_links(link: str) -> None:
    left = [tanf(number, "Maria", "Lopez", f"19{70 + row}-05-06") for row, number in enumerate(DENIED)]
    right = [wages(number, "M", "Lopez") for number in DENIED]
    assert linked(left, right, link=link).pairs == set()
    # one person a list, so that nothing is ambiguous either
    for number in (None, "", "078-05-1120"):
        assert linked([tanf(number, "Maria", "Lopez", "1990-05-06")], [wages(number, "M", "Lopez")], link=link).pairs == set()


# --- schools, which have no number, with child welfare -----------------------------------------------------------------------------


def pupil(first: str, last: str, born: str, street: str | None, code: str | None = "55101") -> Person:
    """Give what a school knows."""
    return {"first_name": first, "last_name": last, "birth_date": born, "sex": "F", "street": street, "zip": code}


def child(first: str, last: str, born: str, street: str | None, code: str | None = "55101", ssn: str | None = None) -> Person:
    """Give what child welfare knows: often no number."""
    return {**pupil(first, last, born, street, code), "ssn": ssn}


def test_schools_link_with_child_welfare_without_a_number() -> None:
    people = [
        (pupil("Emma", "Larson", "2012-04-09", "12 Oak Street"), child("Emma", "Larson", "2012-04-09", "40 Elm Ave", "55122")),
        (pupil("Katherine", "Moore", "2011-10-02", "8 Pine St"), child("Katie", "Moore", "2011-10-02", "8 Pine Street")),
        (pupil("Sofía", "Martínez Cruz", "2013-01-17", None), child("SOFIA", "MARTINEZ", "2013-01-17", None)),
        (pupil("Linh", "Tran", "2010-06-25", "3 Lake Dr"), child("Tran", "Linh", "2010-06-25", "3 Lake Drive")),  # exchanged
        (pupil("Zoe", "Washington", "2014-09-12", "77 Main St"), child("Zoe", "Jefferson", "2014-09-12", "77 Main Street")),
    ]
    strangers = [
        (pupil("Emma", "Olson", "2012-04-10", "1 Fir St", "55103"), child("Emma", "Olson", "2009-12-01", "9 Ash St", "55104")),
        (
            pupil("Ana", "Reyes", "2012-08-08", "5 Birch Rd", "55105"),
            child("Luis", "Reyes", "2009-02-03", "5 Birch Rd", "55105"),
        ),
    ]
    both = people + strangers
    found = linked([left for left, _ in both], [right for _, right in reversed(both)])
    assert found.pairs == {(row, len(both) - 1 - row) for row in range(len(people))}
    assert not any("ssn" in part.field for recipe in found.passes.exact for part in recipe.parts)


# --- twins -----------------------------------------------------------------------------------------------------------------------

LIVE: Final = {"street": "12 Oak Street", "zip": "55101", "phone": "6125550142"}
UNLIKE: Final = [("Maria", "Elena"), ("Samuel", "Joseph")]
ALIKE: Final = [("Jaylen", "Jayden"), ("Marco", "Maria"), ("Tia", "Mia")]
LADDERS: Final = ["default", "loose", ("default", "similarity"), ("loose", "similarity-no-twins")]


def twins(names: tuple[str, str], *, numbers: bool) -> list[dict[str, str | None]]:
    """Give twins of one household, with neighbouring numbers if any."""
    shared: dict[str, str | None] = {"last_name": "Garcia", "birth_date": "2010-05-06", "sex": "F", **LIVE}
    return [
        {"first_name": name, **shared, **({"ssn": ssn} if numbers else {})}
        for name, ssn in zip(names, ("742043218", "742043219"), strict=True)
    ]


def other(row: int, *, numbers: bool) -> dict[str, str | None]:
    """Give somebody else; two of them are as unlike as strangers, but for their street."""
    known: dict[str, str | None] = {
        "first_name": ["Zed", "Amy", "Bo"][row], "last_name": ["Quill", "Tran", "Ode"][row],
        "birth_date": ["1980-01-02", "1971-11-23", "1994-06-17"][row], "sex": "M", "street": f"{row + 1} Elm Street", "zip": "55107",
        "phone": ["6125550190", "6513374821", "7639418056"][row],
    }  # fmt: skip
    return known | ({"ssn": ["318112290", "527306114", "604981375"][row]} if numbers else {})


@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize("link", LADDERS)
def test_twins_whom_both_agencies_have_link_each_to_itself(link: str | Sequence[str], *, numbers: bool) -> None:
    """However alike their names are: a token that two of one list share links nobody."""
    one, two = twins(ALIKE[0], numbers=numbers)
    found = linked([one, two, other(0, numbers=numbers)], [two, other(1, numbers=numbers), one], link=link)
    assert found.pairs == {(0, 2), (1, 0)}


@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize("link", LADDERS[:3])
def test_twins_of_whom_each_agency_has_one_do_not_become_one(link: str | Sequence[str], *, numbers: bool) -> None:
    for names in UNLIKE:
        one, two = twins(names, numbers=numbers)
        found = linked([one, other(0, numbers=numbers)], [other(1, numbers=numbers), two], link=link)
        assert found.pairs == set()


def test_twins_whose_names_begin_alike_stay_apart_under_strict() -> None:
    """Looser ladders do not promise it: they take three letters of a first name, or most of it, for names that were cut or misspelt."""
    for names in ALIKE:
        one, two = twins(names, numbers=True)
        assert linked([one, other(0, numbers=True)], [other(1, numbers=True), two], link="strict").pairs == set()
