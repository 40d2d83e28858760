"""Derived columns of people's records, and tests of them in `where`, against their meaning written out in Python."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid
from tallystick.core.job.columns import list_sources
from tallystick.core.job.derive import parse_derive
from tallystick.core.job.filters import filter_of
from tallystick.core.job.model import People
from tallystick.records.features import PeopleTable, people_table
from tallystick.records.reading import load_dataset
from tests.oracle import bin_of

CONFIG: dict[str, Any] = {
    "source": {"csv": "wages.csv"},
    "person": "id",
    "identifiers": {"ssn": "id"},
    "columns": {
        "age": {"type": "integer", "min": 0, "max": 90},
        "employer": {"type": "category", "values": ["it's", "b", "c"]},
        "wage": {"type": "decimal", "scale": 2, "min": "-5.00", "max": "100.00"},
        "quarter": {"type": "quarter", "min": "2024-Q1", "max": "2025-Q4"},
        "started": {"type": "date", "min": "1969-01-01", "max": "2025-12-31"},
        "left": {"type": "month", "min": "2020-01", "max": "2025-12"},
    },
    "rows_per_person": 4,
}
DATASET = DeclaredDataset.read(CONFIG, what="dataset")
Rows = list[dict[str, Any]]
"""The rows of one person."""


def made_up(seed: int, people: int = 60) -> dict[str, Rows]:
    """Give people with one to four rows each; a fifth of all values are missing, and of a person age, start and end are one."""
    rng = np.random.default_rng(seed)

    def some(value: Any) -> Any:
        return None if rng.random() < 0.2 else value

    found = {}
    for at in range(people):
        person = {
            "age": some(int(rng.integers(0, 91))),
            "started": some(date.fromordinal(int(rng.integers(date(1969, 1, 1).toordinal(), date(2026, 1, 1).toordinal())))),
            "left": some(f"{rng.integers(2020, 2026)}-{rng.integers(1, 13):02}"),
        }
        found[f"p{at:03}"] = [
            person
            | {
                "employer": some(str(rng.choice(["it's", "b", "c"]))),
                "wage": some(Decimal(int(rng.integers(-500, 10_001))) / 100),
                "quarter": some(f"{rng.integers(2024, 2026)}-Q{rng.integers(1, 5)}"),
            }
            for _ in range(int(rng.integers(1, 5)))
        ]
    return found


def read(folder: Path, rows: Mapping[str, Rows], derive: Mapping[str, str], where: str | None = None) -> PeopleTable:
    """Give the table that a node makes of a group."""
    names = list(CONFIG["columns"])
    lines = [",".join(["id", *names])]
    lines += [
        ",".join([person, *('"' + str("" if row[name] is None else row[name]) + '"' for name in names)])
        for person, its in rows.items()
        for row in its
    ]
    (folder / "wages.csv").write_text("\n".join(lines) + "\n")
    group = People.model_validate({"agency": "labor", "dataset": "wages", "derive": dict(derive), "where": where}, strict=False)
    condition = filter_of(group, DATASET.to_dataset("labor"))
    made = {name: parse_derive(text) for name, text in derive.items()}
    named = {source for name in made for source in list_sources(name, made)} - {"*"}
    with load_dataset("wages", DATASET, folder, max_memory_mib=512, columns=named | {"quarter"}) as records:
        return people_table(
            records,
            "wages",
            where=None if condition.rows is None else condition.rows.sql,
            used=tuple(derive),
            derived=made,
            passing=condition.people,
        )


def shown(table: PeopleTable, name: str) -> list[Any]:
    """Give a column as people read it: levels of categories, integers at the scale."""
    column = table.columns[name]
    told = [None if missing else int(value) for value, missing in zip(column.values, column.missing, strict=True)]
    return told if column.levels is None else [None if one is None else column.levels[one] for one in told]


def known(rows: Rows, name: str) -> list[Any]:
    return [row[name] for row in rows if row[name] is not None]


def sum_of(rows: Rows) -> Decimal | None:
    return sum(known(rows, "wage"), Decimal(0)) if known(rows, "wage") else None


def held(rows: Rows, test: Callable[[Any], bool], name: str) -> bool | None:
    return any(test(value) for value in known(rows, name)) if known(rows, name) else None


def month_of(value: Any) -> int:
    return value.year * 12 + value.month if isinstance(value, date) else int(value[:4]) * 12 + int(value[5:])


def months(rows: Rows) -> int | None:
    start, end = rows[0]["started"], rows[0]["left"]
    return None if start is None or end is None else month_of(end) - month_of(start)


def kind_of(rows: Rows) -> str | None:
    """case(jobs >= 2, 'several', earned >= 50.5, 'one, it''s good', 'rest')."""
    if len(set(known(rows, "employer"))) >= 2:
        return "several"
    earned = sum_of(rows)
    return None if earned is None else "one, it's good" if earned >= Decimal("50.5") else "rest"


def place_of(quarter: str) -> int:
    return int(quarter[:4]) * 4 + int(quarter[-1]) - 1


MEANINGS: dict[str, tuple[str, Callable[[Rows], Any]]] = {
    "earned": ("sum(wage)", lambda rows: None if sum_of(rows) is None else int(sum_of(rows) * 100)),  # type: ignore[operator]
    "jobs": ("count(distinct employer)", lambda rows: len(set(known(rows, "employer")))),
    "first": ("first(quarter)", lambda rows: min(map(place_of, known(rows, "quarter")), default=None)),
    "last": (" last ( quarter ) ", lambda rows: max(map(place_of, known(rows, "quarter")), default=None)),
    "high": ("any(wage >= 60)", lambda rows: held(rows, lambda wage: wage >= 60, "wage")),
    "at_c": ("any(employer in ('c', 'it''s'))", lambda rows: held(rows, lambda one: one != "b", "employer")),
    "grown": ("bin(age, 18, 25, 65)", lambda rows: None if rows[0]["age"] is None else bin_of(rows[0]["age"], [18, 25, 65])),
    "level": ("bin(earned, 0, 50.25, 390)", lambda rows: None if sum_of(rows) is None else bin_of(sum_of(rows), ["0", "50.25", "390"], decimal=True)),  # noqa: E501
    "few": ("cap(count(distinct employer), 2)", lambda rows: min(2, len(set(known(rows, "employer"))))),
    "most": ("cap(sum(wage), 99.5)", lambda rows: None if sum_of(rows) is None else min(9950, int(sum_of(rows) * 100))),  # type: ignore[operator]
    "stayed": ("months_between(started, left)", months),
    "long": ("bin(months_between(started, left), 0, 12, 120)", lambda rows: None if months(rows) is None else bin_of(months(rows), [0, 12, 120])),  # noqa: E501
    "kind": ("case(jobs >= 2, 'several', earned >= 50.5, 'one, it''s good', 'rest')", kind_of),
    "rare": ("case(kind = 'one, it''s good' or grown = 'under 18', 'yes', not high, 'no')", lambda rows: rare_of(rows)),
}  # fmt: skip


def rare_of(rows: Rows) -> str | None:
    kind, age, high = kind_of(rows), rows[0]["age"], held(rows, lambda wage: wage >= 60, "wage")
    tests = [None if kind is None else kind == "one, it's good", None if age is None else age < 18]
    if True in tests:
        return "yes"
    return "no" if None not in tests and high is False else None


@pytest.mark.parametrize("seed", [1, 2])
def test_s11_derived_columns_are_what_they_mean(tmp_path: Path, seed: int) -> None:
    rows = made_up(seed)
    table = read(tmp_path, rows, {name: text for name, (text, _) in MEANINGS.items()})
    for name, (_, meaning) in MEANINGS.items():
        expected = [meaning(rows[person]) for person in sorted(rows)]
        assert len({*expected}) > 1, name
        assert shown(table, name) == [int(one) if isinstance(one, bool) else one for one in expected], name


FILTERS: dict[str, tuple[Callable[[dict[str, Any]], bool], Callable[[Rows], bool]]] = {
    "earned >= 50.5": (lambda row: True, lambda rows: (sum_of(rows) or Decimal(-99)) >= Decimal("50.5")),
    "quarter >= '2024-Q3' and earned < 60": (
        lambda row: row["quarter"] is not None and row["quarter"] >= "2024-Q3",
        lambda rows: sum_of(rows) is not None and sum_of(rows) < 60,  # type: ignore[operator]
    ),
    "(high or jobs = 1) and (quarter is null and kind is not null)": (
        lambda row: row["quarter"] is None,
        lambda rows: (
            (bool(held(rows, lambda wage: wage >= 60, "wage")) or len(set(known(rows, "employer"))) == 1)
            and kind_of(rows) is not None
        ),
    ),
    "not (few = 2 or grown = '65 or over')": (
        lambda row: True,
        lambda rows: min(2, len(set(known(rows, "employer")))) != 2 and rows[0]["age"] is not None and rows[0]["age"] < 65,
    ),
}


@pytest.mark.parametrize("where", FILTERS)
def test_s11_a_where_over_derived_columns_filters_rows_first_and_then_people(tmp_path: Path, where: str) -> None:
    rows, (row_passes, person_passes) = made_up(3, people=120), FILTERS[where]
    left = {person: [row for row in its if row_passes(row)] for person, its in rows.items()}
    left = {person: its for person, its in left.items() if its and person_passes(its)}
    assert 0 < len(left) < len(rows)
    table = read(tmp_path, rows, {name: text for name, (text, _) in MEANINGS.items()}, where)
    assert list(table.identifiers["ssn"]) == sorted(left)
    for name, (_, meaning) in MEANINGS.items():
        expected = [meaning(left[person]) for person in sorted(left)]
        assert shown(table, name) == [int(one) if isinstance(one, bool) else one for one in expected], name


def test_what_people_who_do_not_pass_vary_in_stops_nobody(tmp_path: Path) -> None:
    rows = made_up(4, people=4)
    one, other = rows["p000"][0] | {"age": 20, "wage": Decimal(1)}, rows["p000"][0] | {"age": 30, "wage": Decimal(1)}
    rows = {"p000": [one, other], "p001": [one | {"wage": Decimal(90)}]}
    made = {"grown": "bin(age, 18, 25)", "earned": "sum(wage)"}
    with pytest.raises(Invalid) as caught:
        read(tmp_path, rows, made)
    assert caught.value.code == "source-varies"
    assert shown(read(tmp_path, rows, made, "earned > 50"), "grown") == ["18 to 24"]


def test_deep_derivations_stay_short(tmp_path: Path) -> None:
    """Each is worked out once, however often another names it."""
    test = ", ".join(itertools.chain.from_iterable((f"one <> 'x{at}'", f"'y{at}'") for at in range(12)))
    made = {"one": f"case({', '.join(f'''jobs > {at}, 'x{at}' ''' for at in range(14))})", "jobs": "count(*)"}
    made["two"], made["three"] = f"case({test})", f"case({test.replace('one', 'two').replace('x', 'y')})"
    table = read(tmp_path, made_up(5), {name: " ".join(text.split()) for name, text in made.items()})
    assert set(shown(table, "three")) == {"y0"}
