"""Made-up questions with a `since`, of four agencies, and people with histories, for tests of rows by the time since an event."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tests.follow import Case, Row
from tests.unit.core.test_planner import agreement

QUARTERS = [f"{year}-Q{quarter}" for year in (2023, 2024) for quarter in (1, 2, 3, 4)]
EXITS: dict[str, Any] = {
    "exit_quarter": {"type": "quarter", "min": "2023-Q1", "max": "2024-Q2"},
    "exit_date": {"type": "date", "min": "2023-11-20", "max": "2024-02-10"},
    "exit_month": {"type": "month", "min": "2023-10", "max": "2024-05"},
    "county": {"type": "category", "values": ["north", "south"]},
    "benefit": {"type": "integer", "min": -5, "max": 50},
}
WAGES: dict[str, Any] = {
    "quarter": {"type": "quarter", "min": "2022-Q4", "max": "2024-Q3"},
    "paid_month": {"type": "month", "min": "2023-08", "max": "2024-08"},
    "visit": {"type": "date", "min": "2023-08-10", "max": "2024-07-20"},
    "industry": {"type": "category", "values": ["a", "b"]},
    "wage": {"type": "integer", "min": -10, "max": 100},
    "employed": {"type": "boolean"},
}
OWNERS = {"exits": "one", "more": "three", "wages": "two", "pay": "four"}
STACKS = {"left": ["exits", "more"], "earned": ["wages", "pay"]}


def terms(**changes: Any) -> Agreement:
    """Give an agreement of four agencies: two with exits, two with wages."""
    value = agreement().json_value()
    value["parties"] = {name: {"key": f"{at:02x}" * 32} for at, name in enumerate(("one", "two", "three", "four"), start=1)}
    value["coordinator"]["key"], value["analysts"]["ann"]["key"] = "aa" * 32, "bb" * 32
    value["datasets"] = {
        f"{group}_set": {
            "agency": agency,
            "columns": EXITS if group in STACKS["left"] else WAGES,
            "identifiers": ["ssn"],
            "rows_per_person": 40,
        }
        for group, agency in OWNERS.items()
    }
    return Agreement.read({**value, **changes}, what="agreement")


TERMS = terms()


def asked(
    since: dict[str, Any] | None,
    keep: str = "exits",
    groups: tuple[str, ...] = ("exits", "wages"),
    by: tuple[str, ...] = ("wages.present",),
    measures: tuple[Any, ...] = ("count",),
    **more: Any,
) -> Question:
    """Give a question over some of the groups."""
    derive = more.pop("derive", {})
    people = {
        name: {"agency": OWNERS[name], "dataset": f"{name}_set", **({"derive": derive[name]} if name in derive else {})}
        for name in groups
    }
    value = {"agreement": "a", "purpose": "p", "people": people, "keep": keep, "by": list(by), "measures": list(measures)}
    value |= more | ({"since": since} if since is not None else {})
    return Question.read(value, what="job")


PAIRS = {
    # event, of, and periods that make sense of them
    ("exit_quarter", "quarter"): ([1], [-1, 1], [0, (1, 3)], [2], [-2, (-1, 1)]),
    ("exit_date", "quarter"): ([1], [0, 1, 2], [-1, (1, 2)]),
    ("exit_date", "paid_month"): ([0], [1, 3], [(-2, -1), 0, (1, 4)]),
    ("exit_date", "visit"): ([0], [(0, 10), (11, 30)], [(-3, -1), 7]),
    ("exit_month", "paid_month"): ([0, 1], [(-2, -1), 2]),
    ("exit_month", "quarter"): ([1], [0, 2]),
    ("exit_quarter", "visit"): ([0], [0, 1]),
    ("exit_date", "first_visit"): ([(0, 5), (6, 30)], [1]),
}


@st.composite
def cases(draw: st.DrawFn, groups: tuple[str, ...] = ("exits", "wages"), most: int = 10) -> Case:
    """Give a question with a `since`, and people with histories."""
    (event, of), choices = draw(st.sampled_from(sorted(PAIRS.items())))
    periods = draw(st.sampled_from(choices))
    first, second = (name if set(parts) <= set(groups) else parts[0] for name, parts in STACKS.items())
    by = draw(
        st.lists(st.sampled_from([f"{first}.county", f"{second}.present", f"{second}.employed"]), max_size=2, unique=True)
    )
    measures = ["count", *draw(st.lists(st.sampled_from([
        {"mean": f"{second}.wage"}, {"sum": f"{second}.employed"}, {"sum": f"{first}.benefit"}, {"variance": f"{second}.wage"},
    ]), max_size=2, unique_by=str))]  # fmt: skip
    derive = {group: {"first_visit": "min(visit)"} for group in groups if of == "first_visit" and group in STACKS["earned"]}
    keep = draw(st.sampled_from([first, f"{first} and {second}", f"{first} and not {second}"]))
    if keep.startswith(f"{first} and not"):
        by = [one for one in by if one.startswith(first)]
        measures = [one for one in measures if second not in str(one)]
    elif keep == first and not any(second in str(one) for one in (*by, *measures)):
        by.append(f"{second}.present")
    stacked = {name: parts for name, parts in STACKS.items() if set(parts) <= set(groups)}
    since = {
        "event": f"{first}.{event}",
        "of": f"{second}.{of}",
        "periods": [list(p) if isinstance(p, tuple) else p for p in periods],
    }
    question = asked(
        since, keep, groups, tuple(by), tuple(measures), derive=derive, **({"stacked": stacked} if stacked else {})
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    inside = draw(st.lists(st.sets(st.sampled_from(groups), min_size=1), max_size=most))
    people = [people_of(tuple(sorted(some)), rng, of) for some in inside]
    return Case(question, TERMS, people)


def people_of(groups: tuple[str, ...], rng: np.random.Generator, of: str) -> dict[str, list[Row]]:
    """Give a person's rows in each of these groups."""
    return {group: _exits(rng) if group in STACKS["left"] else _rows(rng, of) for group in groups}


def _exits(rng: np.random.Generator) -> list[Row]:
    row: Row = {
        "exit_quarter": _time(rng, EXITS["exit_quarter"]),
        "exit_date": _time(rng, EXITS["exit_date"]),
        "exit_month": _time(rng, EXITS["exit_month"]),
        "county": str(rng.choice(["north", "south"])),
        "benefit": int(rng.integers(-5, 51)),
    }
    return [{name: None if rng.random() < 0.15 else value for name, value in row.items()}]


def _rows(rng: np.random.Generator, of: str) -> list[Row]:
    """Give a person's rows. What is no sum is the same in all of them, so that any part of the calendar says one thing."""
    same: Row = {
        "industry": str(rng.choice(["a", "b"])),
        "wage": int(rng.integers(-10, 101)),
        "employed": bool(rng.integers(2)),
    }
    same = {name: None if rng.random() < 0.2 else value for name, value in same.items()}
    times = ("quarter", "paid_month", "visit")
    rows: list[Row] = [
        {**same, **{name: None if rng.random() < 0.1 else _time(rng, WAGES[name]) for name in times}}
        for _ in range(1 if of == "first_visit" else int(rng.integers(1, 8)))
    ]
    if of == "first_visit":
        rows[0]["first_visit"] = rows[0]["visit"]
    return rows


def _time(rng: np.random.Generator, column: dict[str, Any]) -> pd.Period:
    frequency = {"date": "D", "month": "M", "quarter": "Q"}[column["type"]]
    low, high = (pd.Period(column[bound].replace("-Q", "Q"), frequency) for bound in ("min", "max"))
    return low + int(rng.integers((high - low).n + 1))


EMPLOYED = {"event": "exits.exit_quarter", "of": "wages.quarter", "periods": [-1, 2]}
