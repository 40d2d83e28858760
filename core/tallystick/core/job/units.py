"""Protected units beside people: the employers of a group's people, where its dataset declares which column names them.

How many different employers the people of a row have cannot be summed over people. So the agency of the dataset gives each employer one of
`NUMBERS` numbers: the largest of its own, of the rows that pass the group's condition, have one each, and the others share them by a hash.
The people of each number are counted in each row; how many numbers have somebody is how many employers there are at least. A row is so never
shown with fewer employers than the profile asks for; one whose employers happen to share numbers is hidden without need.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.derive import EmployerNumber
from tallystick.core.job.model import Question
from tallystick.core.moments import EmployersOf

NUMBERS: Final = 8
_COLUMN: Final = "#employers"
"""What the columns of a person's numbers are called; no declared name holds `#`."""


def write_number_column(number: int) -> str:
    """Give what the column of a number is called."""
    return f"{_COLUMN}{number}"


def read_number_column(name: str, column: str | None) -> EmployerNumber | None:
    """Give what a column of numbers is; None for any other.

    Args:
        name: a column that a plan reads.
        column: that names employers in its dataset.
    """
    if not name.startswith(_COLUMN) or column is None:
        return None
    return EmployerNumber(column, int(name.removeprefix(_COLUMN)))


def list_employer_moments(question: Question, agreement: Agreement) -> tuple[EmployersOf, ...]:
    """Give what is counted in each row for it: nothing where the agreement's profile protects no employers, or no dataset names them."""
    if not agreement.disclosure.least_employers:
        return ()
    groups = [group for group in question.groups if _name_employers(question, group, agreement)]
    return tuple(EmployersOf(group, number) for group in groups for number in range(NUMBERS))


def find_unit_problems(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Check that employers can be protected where the agreement says so."""
    if not agreement.disclosure.least_employers:
        return
    for group in question.groups:
        named = _name_employers(question, group, agreement)
        if named and group in (question.stacked or {}):
            yield Refused(
                "job-not-allowed",
                f"stacked.{group}: one employer may have people at several of its agencies, and would count as several",
                hint="ask about one agency's people",
            )
        elif named and agreement.disclosure.gate:
            yield Refused(
                "job-not-allowed",
                f"people.{group}: the agreement has a gate, and how many employers a row has is not tested on shares",
                hint="ask under an agreement without gate",
            )


def describe_employers(question: Question, agreement: Agreement) -> str:
    """Say behind what a desk sees that it sees numbers of employers, too; nothing where it does not."""
    groups = dict.fromkeys(one.group for one in list_employer_moments(question, agreement))
    if not groups:
        return ""
    return f"; of each cell how many of its people of {', '.join(groups)} have an employer of each of {NUMBERS} numbers"


def _name_employers(question: Question, group: str, agreement: Agreement) -> bool:
    parts = (question.people[part].dataset for part in question.parts_of(group))
    return any(agreement.datasets[name].employers is not None for name in parts if name in agreement.datasets)
