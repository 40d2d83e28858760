"""Jobs about the region, twice: as questions to its five agencies, and as what pandas makes of the joined files.

Shares no code with the product but its reading of agreements and questions: links, people and numbers come from clear.py and tests/oracle.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pandas as pd

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tallystick.lab.network.model import Lab, read_lab
from tallystick.lab.region.write import generate_region
from tests.e2e import clear
from tests.e2e.county import LINK, ONE, number, total, true
from tests.e2e.records import AGREEMENT, Records
from tests.oracle import expected_rows_of

EAST, WEST, LABOR, HOUSING, SCHOOLS = "county-east", "county-west", "labor", "housing", "schools"
OWNERS: Final = {
    "tanf_east": EAST,
    "care_east": EAST,
    "tanf_west": WEST,
    "care_west": WEST,
    "ui_wages": LABOR,
    "hmis_stays": HOUSING,
    "pupils": SCHOOLS,
}
KEYS: Final = {"ui_wages": "ssn", "hmis_stays": "personal_id", "pupils": "student_id"}
"""Counties call it client_id."""
_FULL: Final = {"ssn": "ssn", "first_name": "fname", "last_name": "lname", "birth_date": "dob"}
IDENTIFIERS: Final = {
    "ui_wages": {"ssn": "ssn", "last_name": "last_name"},
    "pupils": {"first_name": "first_name", "last_name": "last_name", "birth_date": "birth_date"},
}
"""All others have number, names and birth date."""


@dataclass(frozen=True)
class Group:
    """A group of people, twice: as the question says it, and as pandas makes it.

    Attributes:
        datasets: one, or those of both counties, which are stacked.
        rows: which rows count, of those read as text.
        summary: each column that the job uses: its source and what is made of a person's rows.
    """

    datasets: tuple[str, ...]
    rows: Callable[[pd.DataFrame], Any] = lambda rows: [True] * len(rows)
    summary: Mapping[str, tuple[str, Callable[[pd.Series], Any]]] = field(default_factory=dict)
    where: str | None = None
    derive: Mapping[str, str] = field(default_factory=dict)

    def parts(self, name: str) -> dict[str, str]:
        """Give the groups that it is made of, with the dataset of each."""
        if len(self.datasets) == 1:
            return {name: self.datasets[0]}
        return {f"{name}-{OWNERS[dataset]}": dataset for dataset in self.datasets}


TANF, CARE = ("tanf_east", "tanf_west"), ("care_east", "care_west")


def _tanf(**summary: tuple[str, Callable[[pd.Series], Any]]) -> Group:
    return Group(TANF, summary=summary)


@dataclass(frozen=True)
class Asked:
    """One job, and what it means in the clear."""

    groups: Mapping[str, Group]
    job: Mapping[str, Any]

    @property
    def agencies(self) -> set[str]:
        """Those whose records it uses."""
        return {OWNERS[dataset] for group in self.groups.values() for dataset in group.datasets}

    def question(self, title: str) -> Question:
        """Give it as it is asked."""
        people = {}
        for name, group in self.groups.items():
            owners = [OWNERS[dataset] for dataset in group.datasets]
            several = len(owners) > 1
            people[name] = {
                "agency": owners if several else owners[0],
                "dataset": list(group.datasets) if several else group.datasets[0],
                **({"where": group.where} if group.where else {}),
                **({"derive": dict(group.derive)} if group.derive else {}),
            }
        value = {"agreement": AGREEMENT, "title": title, "purpose": "rehearsal", "people": people}
        return Question.read(value | dict(self.job), what=title)


LEFT: Final = Group(
    TANF,
    lambda rows: rows.exit_quarter == "2025Q1",
    {"area": ("area", ONE), "paid": ("benefit", total), "punished": ("sanctioned", true)},
    "exit_quarter = '2025Q1'",
    {"paid": "sum(benefit)", "punished": "max(sanctioned)"},
)
WAGES: Final = Group(
    ("ui_wages",),
    lambda rows: rows.quarter == "2025Q2",
    {"earnings": ("wage", total)},
    "quarter = '2025Q2'",
    {"earnings": "sum(wage)"},
)
PUPILS: Final = Group(("pupils",), summary={"grade": ("grade", number), "absent": ("absent", number), "lunch": ("lunch", true)})
STAYS: Final = Group(
    ("hmis_stays",), summary={"county": ("county", ONE), "slept": ("nights", total)}, derive={"slept": "sum(nights)"}
)
CLIENTS: Final = Group(CARE, summary={"placement": ("placement", ONE), "removed": ("removed", true)})

ASKED: Final = {
    "two agencies, bins": Asked(
        {"pupils": PUPILS, "stays": STAYS},
        {
            "keep": "pupils and stays",
            "measures": ["count", {"mean": "pupils.absent"}, {"sum": "stays.slept"}],
            "by": [{"bin": "pupils.grade", "at": [6, 9]}, "stays.county"],
        },
    ),
    "three agencies, two of them stacked": Asked(
        {"tanf": LEFT, "wages": WAGES},
        {
            "keep": "tanf",
            "measures": ["count", {"mean": "tanf.paid"}, {"sum": "tanf.punished"}],
            "by": ["tanf.area", {"bin": "wages.earnings", "at": ["2500", "5000.50"]}],
        },
    ),
    "five agencies": Asked(
        {"tanf": _tanf(), "wages": WAGES, "stays": STAYS, "pupils": PUPILS},
        {"keep": "tanf and (wages or stays or pupils)", "measures": ["count"], "by": ["pupils.lunch"]},
    ),
    "three agencies, two files of a county joined at home": Asked(
        {"tanf": _tanf(household=("household", number)), "care": CLIENTS, "pupils": PUPILS},
        {
            "keep": "care and not (tanf and pupils)",
            "measures": ["count", {"mean": "pupils.absent"}, {"variance": "pupils.grade"}, {"mean": "tanf.household"}],
            "by": ["care.placement"],
        },
    ),
    "four agencies, systems": Asked(
        {"tanf": _tanf(), "care": CLIENTS, "stays": STAYS, "pupils": PUPILS},
        {"keep": "tanf or care or stays or pupils", "measures": ["count"], "by": ["systems"]},
    ),
    "five agencies, sums": Asked(
        {"tanf": _tanf(), "care": CLIENTS, "wages": WAGES, "stays": STAYS, "pupils": PUPILS},
        {
            "keep": "(tanf or care) and not stays",
            "measures": ["count", {"sum": "pupils.absent"}],
            "by": ["pupils.present", "wages.present"],
        },
    ),
    "one agency's own, seen by another": Asked(
        {"stays": STAYS}, {"keep": "stays", "measures": ["count", {"mean": "stays.slept"}], "by": ["stays.county"]}
    ),
}
QUICK: Final = list(ASKED)[:3]


class RegionRecords(Records):
    """The region's records, and a lab file about them whose agreement hides as it is told."""

    def __init__(self, people: int, disclosure: Mapping[str, Any], *, decoys: int = 4) -> None:
        self.people, self.disclosure, self.decoys = people, disclosure, decoys

    def written(self, folder: Path, *, third: bool = False) -> Lab:
        """Write the region; the desk is the first agency."""
        assert not third
        region = generate_region(folder, self.people)
        text = region.lab.read_text(encoding="utf-8")
        head, _, _ = text.partition("agreement:\n")
        hides = ", ".join(f"{name}: {str(value).lower()}" for name, value in self.disclosure.items())
        terms = {
            "name": AGREEMENT,
            "purposes": "[rehearsal]",
            "disclosure": f"{{{hides}}}",
            "link": list(LINK),
            "decoys": self.decoys,
        }
        region.lab.write_text(
            head + "agreement:\n" + "".join(f"  {name}: {value}\n" for name, value in terms.items()), encoding="utf-8"
        )
        return read_lab(region.lab)


@dataclass(frozen=True)
class InTheClear:
    """What a job must give.

    Attributes:
        rows: of its table, before any rule of disclosure.
        people: of each group; of a stacked one, of each that it is made of.
        pairs: people whom each two of these groups both have.
    """

    rows: list[dict[str, Any]]
    people: dict[str, int]
    pairs: dict[str, int]


def in_the_clear(folder: Path, asked: Asked, question: Question, agreement: Agreement) -> InTheClear:
    """Join the files of all agencies in one room."""
    frames, keys, files = {}, {}, {}
    for name, group in asked.groups.items():
        for part, dataset in group.parts(name).items():
            files[part] = clear.read(folder, dataset)
            key = KEYS.get(dataset, "client_id")
            inside = files[part][group.rows(files[part])]
            keys[part] = sorted(set(inside[key]))
            frames[part] = clear.people(inside, key, {"": (key, len), **group.summary}).astype(object)
    mine = {agency: [part for part, people in question.people.items() if people.agency == agency] for agency in asked.agencies}
    tokens, listed = {}, {}
    for agency, parts in mine.items():
        dataset = question.people[parts[0]].dataset
        key = KEYS.get(dataset, "client_id")
        listed[agency] = sorted({one for part in parts for one in keys[part]})
        rows = pd.concat([files[part] for part in parts])
        found = clear.identifiers(rows, key, listed[agency], IDENTIFIERS.get(dataset, _FULL))
        tokens[agency] = [clear.tokens(found, recipe) for recipe in LINK]
    places = {part: {key: at for at, key in enumerate(of_part)} for part, of_part in keys.items()}
    people = []
    for cluster in clear.clusters(tokens):
        held = {agency: listed[agency][at] for agency, at in cluster.items()}
        people.append(
            {part: places[part][held[agency]] for agency in held for part in mine[agency] if held[agency] in places[part]}
        )
    return InTheClear(
        expected_rows_of(question, agreement, frames, people),
        {part: len(of_part) for part, of_part in keys.items()},
        {" and ".join(pair): sum(set(pair) <= one.keys() for one in people) for pair in combinations(sorted(keys), 2)},
    )
