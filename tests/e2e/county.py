"""Jobs about the county, twice: as job files for `tally lab run`, and as what pandas makes of the joined files.

Shares no code with the product but reading job files and agreements: links, people and numbers come from clear.py and tests/oracle.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pandas as pd

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tallystick.core.yaml import read_yaml
from tallystick.lab.county.write import generate
from tests.e2e import clear
from tests.oracle import expected_rows, expected_rows_of, in_order

TALLY: Final = [sys.executable, "-m", "tallystick.client.cli"]
LINK: Final = ("ssn+birth_date", "ssn+last_name:4", "first_name+last_name+birth_date")

KEYS: Final = {"tanf_exits": "person_id", "ui_wages": "ssn", "hmis_entries": "personal_id"}
IDENTIFIERS: Final = {
    "tanf_exits": {"ssn": "ssn", "first_name": "fname", "last_name": "lname", "birth_date": "dob"},
    "ui_wages": {"ssn": "ssn", "last_name": "last_name"},
    "hmis_entries": {"ssn": "ssn", "first_name": "fname", "last_name": "lname", "birth_date": "dob"},
}
OWNERS: Final = {"tanf_exits": "human-services", "ui_wages": "labor", "hmis_entries": "housing"}
PROJECTS: Final = (
    "emergency shelter",
    "street outreach",
    "rapid re-housing",
    "transitional housing",
    "permanent supportive housing",
)


@dataclass(frozen=True)
class Group:
    """A group of people, twice: as the job file says it, and as pandas makes it.

    Attributes:
        rows: which rows count, of those read as text.
        summary: each column that the job uses: its source and what is made of a person's rows.
    """

    dataset: str
    rows: Callable[[pd.DataFrame], Any] = lambda rows: slice(None)
    summary: Mapping[str, tuple[str, Callable[[pd.Series], Any]]] = field(default_factory=dict)
    where: str | None = None
    derive: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One job, and what it means in the clear."""

    groups: Mapping[str, Group]
    job: Mapping[str, Any]


def total(values: pd.Series) -> Decimal | None:
    known = [Decimal(value) for value in values if value]
    return sum(known, Decimal(0)) if known else None


def true(values: pd.Series) -> bool | None:
    known = [value == "true" for value in values if value]
    return any(known) if known else None


def first_project(values: pd.Series) -> str:
    return PROJECTS[min(map(PROJECTS.index, values))]


def number(values: pd.Series) -> int | None:
    text = clear.the_one(values)
    return None if text is None else int(text)


def decimal(values: pd.Series) -> Decimal | None:
    text = clear.the_one(values)
    return None if text is None else Decimal(text)


ONE: Final = clear.the_one
ASKED: Final = {
    "employment": Asked(  # examples/county/jobs/employment.yaml
        {
            "tanf": Group(
                "tanf_exits",
                lambda rows: (rows.exit_quarter == "2025Q1") & (rows.age.astype(int) >= 18),
                {"region": ("region", ONE)},
            ),
            "wages": Group(
                "ui_wages", lambda rows: rows.quarter == "2025Q2", {"industry": ("industry", ONE), "earnings": ("wage", total)}
            ),
        },
        {},
    ),
    "overlap": Asked(  # examples/county/jobs/overlap.yaml
        {"tanf": Group("tanf_exits", summary={"region": ("region", ONE)}), "hmis": Group("hmis_entries")}, {}
    ),
    "everybody": Asked(
        {
            "tanf": Group(
                "tanf_exits",
                lambda rows: rows.exit_quarter.isin(["2024Q2", "2024Q3"]),
                {"benefit": ("benefit", decimal), "age": ("age", number)},
                "exit_quarter in ('2024Q2', '2024Q3')",
            ),
            "wages": Group(
                "ui_wages",
                summary={"earnings": ("wage", total), "firms": ("employer", lambda values: values[values != ""].nunique())},
                derive={"earnings": "sum(wage)", "firms": "count(distinct employer)"},
            ),
        },
        {
            "keep": "tanf",
            "measures": [
                "count",
                {"sum": "tanf.benefit"},
                {"mean": "tanf.age"},
                {"sum": "wages.earnings"},
                {"mean": "wages.firms"},
            ],
        },
    ),
    "three_ways": Asked(
        {
            "hmis": Group(
                "hmis_entries",
                summary={
                    "project": ("project_type", first_project),
                    "stays": ("project_type", len),
                    "region": ("region", ONE),
                },
                derive={"project": "min(project_type)", "stays": "count(*)"},
            ),
            "tanf": Group(
                "tanf_exits",
                lambda rows: ~rows.exit_quarter.isin(["2024Q2"]) & (rows.age.astype(int) < 60),
                {"sex": ("sex", ONE), "months": ("months", ONE), "benefits": ("benefit", total)},
                "not (exit_quarter = '2024Q2') and age < 60",
                {"benefits": "sum(benefit)"},
            ),
        },
        {
            "keep": "hmis",
            "measures": ["count", {"mean": "hmis.stays"}, {"sum": "tanf.benefits"}],
            "by": ["hmis.project", "tanf.sex", "hmis.region"],
        },
    ),
    "booleans": Asked(
        {
            "wages": Group(
                "ui_wages",
                lambda rows: (rows.quarter == "2025Q1") & (rows.wage.map(Decimal) > 1000),
                {"main": ("main_job", true), "industry": ("industry", ONE)},
                "quarter = '2025Q1' and wage > 1000",
                {"main": "max(main_job)"},
            ),
            "tanf": Group("tanf_exits", summary={"months": ("months", ONE), "region": ("region", ONE)}),
        },
        {
            "keep": "tanf and wages",
            "measures": [{"sum": "wages.main"}, {"mean": "wages.main"}, "count"],
            "by": ["wages.industry", "tanf.months", "wages.main"],
        },
    ),
    "ages": Asked(
        {
            "tanf": Group(
                "tanf_exits", lambda rows: rows.exit_quarter == "2025Q1", {"age": ("age", number)}, "exit_quarter = '2025Q1'"
            ),
            "hmis": Group("hmis_entries", summary={"stays": ("entry_date", len)}, derive={"stays": "count(entry_date)"}),
        },
        {"keep": "tanf and hmis", "measures": ["count", {"sum": "hmis.stays"}], "by": ["tanf.age"]},
    ),
}


OF_THREE: Final = Asked(
    {
        "tanf": Group("tanf_exits", summary={"region": ("region", ONE)}),
        "wages": Group("ui_wages", summary={"earnings": ("wage", total)}, derive={"earnings": "sum(wage)"}),
        "hmis": Group("hmis_entries"),
    },
    {
        "keep": "tanf and (wages or hmis)",
        "measures": ["count", {"mean": "wages.earnings"}],
        "by": ["tanf.region", "hmis.present"],
    },
)
"""A job over all three agencies' records: people who left TANF and have wages, or were in the homelessness system."""


def write_county(folder: Path, people: int, disclosure: str) -> None:
    """Write a county with some missing categories and some numbers that must link nobody."""
    generate(folder, people)
    lab = folder / "lab.yaml"
    text = lab.read_text(encoding="utf-8").replace("{profile: cms}", disclosure)
    text = text.replace('link: [ssn+birth_date, "ssn+last_name:4"]', f"link: {list(LINK)}\n  decoys: 64")
    assert "decoys: 64" in text
    lab.write_text(text, encoding="utf-8")
    exits, stays = clear.read(folder, "tanf_exits"), clear.read(folder, "hmis_entries")
    some = exits.person_id.isin(sorted(set(exits.person_id))[::23])
    exits.loc[some, "region"] = ""
    exits.loc[exits.person_id.isin(sorted(set(exits.person_id))[5::31]), "months"] = ""
    # denied numbers, written with and without dashes, at both agencies; and one number that two people share
    for frame, key in ((exits, "person_id"), (stays, "personal_id")):
        keys = sorted(set(frame[key]))
        for place, denied in enumerate(("078-05-1120", "123456789", "999-99-9999", "000-12-3456", "666121234")):
            frame.loc[frame[key].isin(keys[40 + place :: 300]), "ssn"] = denied
        shared = frame.loc[frame[key] == keys[7], "ssn"].iloc[0]
        frame.loc[frame[key] == keys[9], "ssn"] = shared
        written = frame[key].isin(keys[3::4]) & (frame.ssn.str.len() == 9)
        frame.loc[written, "ssn"] = frame.ssn.str.replace(r"^(\d{3})(\d{2})(\d{4})$", r"\1-\2-\3", regex=True)
    exits.to_csv(folder / "tanf_exits.csv", index=False)
    stays.to_csv(folder / "hmis_entries.csv", index=False)
    for name, asked in [*ASKED.items(), ("of_three", OF_THREE)]:
        if asked.job:
            (folder / "jobs" / f"{name}.yaml").write_text(json.dumps(job_value(asked)), encoding="utf-8")


def job_value(asked: Asked) -> dict[str, Any]:
    groups = {
        name: {
            "agency": OWNERS[group.dataset],
            "dataset": group.dataset,
            **({"where": group.where} if group.where else {}),
            **({"derive": dict(group.derive)} if group.derive else {}),
        }
        for name, group in asked.groups.items()
    }
    return {"agreement": "county", "purpose": "program-evaluation", "people": groups, **asked.job}


def run_lab(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    command = [*TALLY, "lab", "run", "lab.yaml", *(f"jobs/{name}.yaml" for name in names), "--out", "out.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(names, json.loads((folder / "out.json").read_text(encoding="utf-8")), strict=True))


def three_in_the_clear(folder: Path, result: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, int], dict[str, int]]:
    """Give the rows that the job over three agencies must have, the people of each group, and of each two groups."""
    question = Question.read(job_value(OF_THREE), what="of_three")
    agreement = Agreement.read(result["proof"]["body"]["agreement"]["body"], what="agreement")
    frames, tokens = {}, {}
    for group, spec in OF_THREE.groups.items():
        rows, key = clear.read(folder, spec.dataset), KEYS[spec.dataset]
        frames[group] = clear.people(rows, key, {"": (key, len), **spec.summary}).astype(object)
        found = clear.identifiers(rows, key, sorted(set(rows[key])), IDENTIFIERS[spec.dataset])
        tokens[group] = [clear.tokens(found, recipe) for recipe in LINK]
    people = clear.clusters(tokens)
    pairs = {" and ".join(pair): sum(set(pair) <= one.keys() for one in people) for pair in combinations(sorted(frames), 2)}
    sizes = {group: len(frame) for group, frame in frames.items()}
    return expected_rows_of(question, agreement, frames, people), sizes, pairs


def in_the_clear(folder: Path, name: str, result: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Give the rows and the linkage numbers that one job must have."""
    asked = ASKED[name]
    question = Question.read(read_yaml(folder / "jobs" / f"{name}.yaml", what=name), what=name)
    agreement = Agreement.read(result["proof"]["body"]["agreement"]["body"], what="agreement")
    left, right = in_order(question)
    frames, tokens, usable = {}, {}, {}
    for group in (left, right):
        spec = asked.groups[group]
        rows, key = clear.read(folder, spec.dataset), KEYS[spec.dataset]
        inside = rows[spec.rows(rows)] if not isinstance(spec.rows(rows), slice) else rows
        chosen = sorted(set(inside[key]))
        frames[group] = clear.people(inside, key, {"": (key, len), **spec.summary}).astype(object)
        found = clear.identifiers(rows, key, chosen, IDENTIFIERS[spec.dataset])
        tokens[group] = [clear.tokens(found, recipe) for recipe in LINK]
    for group, other in ((left, right), (right, left)):
        used = [
            mine for mine, theirs in zip(tokens[group], tokens[other], strict=True) if mine is not None and theirs is not None
        ]
        usable[group] = sum(any(token is not None for token in person) for person in zip(*used, strict=True))
    links = clear.links(tokens[left], tokens[right])
    sizes = {group: len(frames[group]) for group in (left, right)}
    linkage: dict[str, Any] = {"people": sizes, "usable": usable, "matched": len(links)}
    pairs = zip(LINK, tokens[left], tokens[right], strict=True)
    held = [(recipe, mine, theirs) for recipe, mine, theirs in pairs if mine is not None and theirs is not None]
    linkage["tokens"] = {recipe: {left: sum(map(bool, mine)), right: sum(map(bool, theirs))} for recipe, mine, theirs in held}
    by = [name for name in question.by if name.startswith(f"{left}.")]
    matched = {i for i, _ in links}
    linkage["groups"] = {}
    for at, person in enumerate(frames[left].to_dict("records")):
        level = tuple(person[name.split(".")[1]] for name in by)
        people, linked = linkage["groups"].get(level, (0, 0))
        linkage["groups"][level] = (people + 1, linked + (at in matched))
    return expected_rows(question, agreement, frames, links), linkage
