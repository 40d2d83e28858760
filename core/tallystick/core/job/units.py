"""Protected units beside people: the employers of a group's people, where its dataset declares which column names them.

How many different employers the people of a row have cannot be summed over people. So the agency of the dataset gives each employer one of
`NUMBERS` numbers: the largest of its own, of the rows that pass the group's condition, have one each, and the others share them by a hash.
The people of each number are counted in each row; how many numbers have somebody is how many employers there are at least. A row is so
never shown with fewer employers than the profile asks for; one whose employers happen to share numbers is hidden without need.

Households, where an agreement says how many the people of a row need (`households`), are counted by parts: a person's node gives each
person 1/n of a household of n people, rounded down, in parts of `WHOLE`; n counts those whose rows pass the group's condition. The people
of one household in a row make up one household at most, so the sum over a row is never more than how many households it has. It is fewer
where only some of a household are in the row, which is then hidden without need. Who has no household counts as none. Of a person whose
rows name several the one of the fewest people counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.derive import EmployerNumber, HouseholdShare
from tallystick.core.job.model import Question
from tallystick.core.moments import EmployersOf, HouseholdsOf

NUMBERS: Final = 8
_COLUMN: Final = "#employers"
"""What the columns of a person's numbers are called; no declared name holds `#`."""
HOUSEHOLD: Final = "#household"
"""What the column of a person's part of a household is called."""


def write_number_column(number: int) -> str:
    """Give what the column of a number is called."""
    return f"{_COLUMN}{number}"


def read_unit_column(name: str, employers: str | None, households: str | None) -> EmployerNumber | HouseholdShare | None:
    """Give what a column of units is; None for any other.

    Args:
        name: a column that a plan reads.
        employers: the column that names employers in its dataset.
        households: the one that names households.
    """
    if name == HOUSEHOLD and households is not None:
        return HouseholdShare(households)
    return _read_number(name, employers)


def _read_number(name: str, column: str | None) -> EmployerNumber | None:
    if not name.startswith(_COLUMN) or column is None:
        return None
    return EmployerNumber(column, int(name.removeprefix(_COLUMN)))


def list_employer_moments(question: Question, agreement: Agreement) -> tuple[EmployersOf, ...]:
    """Give what is counted in each row for it: nothing where the agreement's profile protects no employers, or no dataset names them."""
    if not agreement.disclosure.least_employers:
        return ()
    groups = [group for group in question.groups if _name_employers(question, group, agreement)]
    return tuple(EmployersOf(group, number) for group in groups for number in range(NUMBERS))


def list_household_moments(question: Question, agreement: Agreement) -> tuple[HouseholdsOf, ...]:
    """Give what is summed in each row for it: nothing where the agreement protects no households, or no dataset names them."""
    if agreement.disclosure.households is None:
        return ()
    return tuple(HouseholdsOf(group) for group in question.groups if _name_households(question, group, agreement))


def find_unit_problems(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Check that employers and households can be protected where the agreement says so."""
    for one in list_household_moments(question, agreement):
        why = "stacked groups" if one.group in (question.stacked or {}) else "since" if question.since is not None else ""
        why = why or ("a gate" if agreement.disclosure.gate else "")
        if why:
            yield Refused(
                "job-not-allowed",
                f"people.{one.group}: how many households a row has is not told with {why}",
                hint="ask about one agency's people, without since, under an agreement without gate",
            )
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


def describe_units(question: Question, agreement: Agreement) -> str:
    """Say behind what a desk sees that it sees numbers of employers and households, too; nothing where it does not."""
    homes = [one.group for one in list_household_moments(question, agreement)]
    told = f"; of each cell how many parts of households its people of {', '.join(homes)} make up" if homes else ""
    groups = dict.fromkeys(one.group for one in list_employer_moments(question, agreement))
    if not groups:
        return told
    return f"{told}; of each cell how many of its people of {', '.join(groups)} have an employer of each of {NUMBERS} numbers"


def _name_employers(question: Question, group: str, agreement: Agreement) -> bool:
    parts = (question.people[part].dataset for part in question.parts_of(group))
    return any(agreement.datasets[name].employers is not None for name in parts if name in agreement.datasets)


def _name_households(question: Question, group: str, agreement: Agreement) -> bool:
    parts = (question.people[part].dataset for part in question.parts_of(group))
    return any(agreement.datasets[name].households is not None for name in parts if name in agreement.datasets)
