"""Why a value of an identifier makes no token: it stands for none (denied), or nothing could be made of its form (unread).

People mend the two in different ways. A denied value is a clerk's word for "not known", a number that was never issued, the date that a
database writes for no date. An unread one has a form that no rule knows, and often a whole column has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from tallystick.core.linkage.fields.dates import BIRTH
from tallystick.core.linkage.fields.letters import has_lost
from tallystick.core.linkage.fields.names import says_nothing, words
from tallystick.core.linkage.fields.standins import PLACEHOLDERS
from tallystick.core.values.dates import read_dates

_NOTHING: Final = PLACEHOLDERS | {"NA", "U", "UN"}
_ONE_DIGIT: Final = re.compile(r"[\W_]*(\d)(?:[\W_]*\1)*[\W_]*", re.ASCII)
"""0000-00-00, 999-99-9999."""


def is_denied(identifier: str, text: str) -> bool:
    """Tell of a value that became missing whether it was denied; else its form was not read."""
    parts = words(text)
    if not parts or says_nothing(text, parts, _NOTHING) or (identifier != "sex" and _ONE_DIGIT.fullmatch(text)):
        return True
    test = _TESTS.get(identifier)
    return test is None or test(text)


def _digits(count: int) -> Callable[[str], bool]:
    return lambda text: len(re.sub(r"\D", "", text)) == count and not re.search(r"[A-DF-RT-Za-df-rt-z]", text)


def _is_name(text: str) -> bool:
    return not has_lost(text) and any(character.isalpha() for character in text)


def _is_no_sex(_: str) -> bool:
    return False


_TESTS: Final[Mapping[str, Callable[[str], bool]]] = {
    "ssn": _digits(9),
    "ssn4": _digits(4),
    "zip": _digits(5),
    "phone": _digits(10),
    "sex": _is_no_sex,
    "birth_date": lambda text: read_dates([text], BIRTH) != [None],
    "first_name": _is_name,
    "middle_name": _is_name,
    "last_name": _is_name,
    "first_initial": _is_name,
}
"""By identifier, whether a value has the form of one. Of the others every form is one."""
