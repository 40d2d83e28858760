"""S-11 where people have two keys in one list and two names in another: between real processes, each counts once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tallystick.lab.linking.rehearse import rehearse

TALLY: Final = [sys.executable, "-m", "tallystick.client.cli"]
LINK: Final = ["ssn+last_name:4", "first_name+last_name+birth_date"]
IDENTIFIERS: Final = {"ssn": "ssn", "first_name": "first", "last_name": "last", "birth_date": "dob"}
HERE, THERE = range(50), range(10, 60)

JOB: Final[dict[str, Any]] = {
    "agreement": "lab",
    "purpose": "rehearsal",
    "people": {
        "stays": {"agency": "housing", "dataset": "stays", "derive": {"total": "sum(nights)"}},
        "exits": {"agency": "tanf", "dataset": "exits"},
    },
    "keep": "stays and exits",
    "measures": ["count", {"sum": "stays.total"}],
    "by": ["exits.changed"],
}


def called(person: int, *, married: bool = False) -> str:
    """Give a person's number, names and birth date."""
    first = ("Ana", "Bo", "Cyrus", "Dora", "Emil", "Faye")[person % 6] + ("", "lia", "bert", "wen")[person % 4]
    last = ("Stone" if married else "Field") + chr(65 + person // 26) + chr(97 + person % 26) + "man"
    return f"{212_456_781 + 7_919 * person},{first},{last},{1950 + person}-05-0{1 + person % 9}"


def changed(person: int) -> bool:
    """Tell who has another name at the other agency."""
    return person % 4 == 1


def write(folder: Path, *, aliases: bool) -> None:
    """Write files, lab and job: every fifth person is in `stays` under two keys; half of the other names are known here, half there."""
    stays = [f"k{person},{called(person)},1" for person in HERE]
    stays += [f"again{person},{called(person)},2" for person in HERE if person % 5 == 0]
    (folder / "stays.csv").write_text("\n".join(["id,ssn,first,last,dob,nights", *stays]) + "\n")
    now = [f"k{person},{called(person, married=True).split(',')[2]}" for person in HERE if person % 8 == 1]
    (folder / "aka.csv").write_text("\n".join(["id,now", *now]) + "\n")
    exits = [f"{person},{called(person, married=changed(person))},{changed(person)}" for person in THERE]
    exits += [row for row in exits if row.endswith("True")]  # the present name is the more frequent one
    exits += [f"{person},{called(person)},True" for person in THERE if person % 8 == 5]
    (folder / "exits.csv").write_text("\n".join(["id,ssn,first,last,dob,changed", *exits]) + "\n")
    housing = {
        "source": {"csv": "stays.csv"}, "person": "id", "identifiers": IDENTIFIERS, "people": 1000, "rows_per_person": 2,
        "columns": {"nights": {"type": "integer", "min": 0, "max": 9}}, "duplicates": "merge",
    }  # fmt: skip
    tanf = {
        "source": {"csv": "exits.csv"}, "person": "id", "identifiers": IDENTIFIERS, "people": 1000, "rows_per_person": 3,
        "columns": {"changed": {"type": "boolean"}},
    }  # fmt: skip
    if aliases:
        housing["aliases"] = {"most": 1, "source": {"csv": "aka.csv"}, "person": "id", "identifiers": {"last_name": "now"}}
        tanf["aliases"] = 1
    agencies = {"housing": {"datasets": {"stays": housing}}, "tanf": {"datasets": {"exits": tanf}}}
    terms = {"disclosure": {"min_cell": 0}, "link": LINK, "decoys": 8}
    (folder / "lab.yaml").write_text(json.dumps({"agencies": agencies, "agreement": terms}))
    (folder / "job.yaml").write_text(json.dumps(JOB))


@pytest.mark.slow
@pytest.mark.parametrize("aliases", [True, False])
def test_s11_people_with_two_keys_and_two_names_count_once(tmp_path: Path, *, aliases: bool) -> None:
    write(tmp_path, aliases=aliases)
    command = [*TALLY, "lab", "run", "lab.yaml", "job.yaml", "--out", "out.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    rows = {row["exits.changed"]: row for row in json.loads((tmp_path / "out.json").read_text())["rows"]}
    both = sorted(set(HERE) & set(THERE))
    rehearsal = rehearse((tmp_path / "lab.yaml:stays", tmp_path / "lab.yaml:exits"), link=LINK)
    assert len(rehearsal.trial.a) == sum(row["count"] for row in rows.values())
    assert [people.count for people in rehearsal.lists] == [len(HERE), len(THERE)]
    for value in (False, True):
        people = [person for person in both if changed(person) == value]
        if value and not aliases:
            people = []
        assert rows[value]["count"] == len(people)
        assert rows[value]["sum(stays.total)"] == sum(1 + 2 * (person % 5 == 0) for person in people)
