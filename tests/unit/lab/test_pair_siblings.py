"""Two lists of one row each: of the kinds of contradictions that cases are of (tests/cases), more of the same kind; and what still links."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pytest

from tallystick.crypto.randomness import SystemRandomness
from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.trial import run_trial

CARL: Final = {"first_name": "Carl", "last_name": "Berg", "sex": "M", "street": "9 Oak St", "zip": "55401"}
LIND: Final = {"first_name": "Rosa", "last_name": "Lind", "birth_date": "1988-01-05", "ssn": "523456781", "sex": "F"}
RAY: Final = {"first_name": "Ray", "last_name": "Lind", "birth_date": "2018-06-02", "ssn": "523456781", "sex": "M"}
CRUZ: Final = {"first_name": "Jose", "last_name": "Cruz", "birth_date": "1985-02-07", "sex": "M"}

TWO: Final[dict[str, tuple[dict[str, str], dict[str, str]]]] = {
    "two state ids": ({**CRUZ, "state_id": "A1234567"}, {**CRUZ, "state_id": "B7654321"}),
    "generations, one day and month": (
        {**CARL, "first_name": "Carl II", "birth_date": "1950-04-02"}, {**CARL, "first_name": "Carl III", "birth_date": "1980-04-02"},
    ),
    "father and son, one day and month": ({**CARL, "birth_date": "1951-04-02"}, {**CARL, "birth_date": "1979-04-02"}),
    "father and son by suffix, no dates": ({**CARL, "last_name": "Berg Sr"}, {**CARL, "last_name": "Berg Jr"}),
    "a child's number, first letters alike": (LIND, RAY),
    "a child's number, no first name at one": ({**LIND, "first_name": ""}, RAY),
    "a child's number, no first name and no sex at one": ({**LIND, "first_name": "", "sex": ""}, RAY),
    "spouses under one number": (LIND, {**LIND, "first_name": "Karl", "birth_date": "1985-06-02", "sex": "M"}),
    "namesakes of one day, two numbers": ({**CRUZ, "ssn": "423456781"}, {**CRUZ, "ssn": "523456799", "street": "1 A St"}),
    "sisters by one letter, a number each": (
        {**LIND, "first_name": "Ana"}, {**LIND, "first_name": "Ada", "ssn": "523456782"},
    ),
}  # fmt: skip

ONE: Final[dict[str, tuple[dict[str, str], dict[str, str]]]] = {
    "a slip in the number": ({**CRUZ, "ssn": "423456781"}, {**CRUZ, "ssn": "423456187"}),
    "the number at one alone": ({**CRUZ, "ssn": "423456781"}, CRUZ),
    "the state's number at one alone": ({**CRUZ, "state_id": "A1234567"}, CRUZ),
    "a slip in the year": ({**CRUZ, "zip": "55401"}, {**CRUZ, "zip": "55401", "birth_date": "1988-02-07"}),
    "a slip in the decade": (CRUZ, {**CRUZ, "birth_date": "1975-02-07"}),
    "one state number, another day": ({**CRUZ, "state_id": "A1234567"}, {**CRUZ, "state_id": "A1234567", "birth_date": "1985-02-17"}),
    "no first name at one": ({**LIND, "first_name": ""}, LIND),
    "no first name at one, a slip in the year": ({**LIND, "first_name": ""}, {**LIND, "birth_date": "1989-01-05"}),
}  # fmt: skip


def linked(pair: tuple[dict[str, str], dict[str, str]], ladder: str) -> list[str]:
    fields = sorted({name for row in pair for name in row})

    def column(value: Any) -> Any:
        return np.array([value or None], dtype=object)

    one, other = (
        ListPeople(name, column("1"), {field: column(row.get(field)) for field in fields}, {}, None, 1)
        for name, row in zip("ab", pair, strict=True)
    )
    done = run_trial(one, other, (ladder,), SystemRandomness())
    return [done.passes[step].recipe for step in done.at.tolist()]


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("ladder", ["default", "widest"])
def test_two_people_whom_something_good_tells_apart_are_not_linked(name: str, ladder: str) -> None:
    assert linked(TWO[name], ladder) == []


@pytest.mark.parametrize("name", ONE)
def test_one_person_with_a_slip_or_a_gap_is_linked(name: str) -> None:
    assert len(linked(ONE[name], "default")) == 1
