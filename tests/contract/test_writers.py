"""The same people make the same tokens, whoever wrote their records: every type of source, every type in which it may hold a value,
every time zone of the node."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.records.features import people_table
from tallystick.records.port import Kind
from tallystick.records.reading import load_dataset
from tests.postgres import Server, postgres
from tests.sources import TYPES, Case, Csv, Parquet, Sqlite, case_of

# A ZIP code with two zeros before it is not among them: as a number it has three digits, and nobody can tell what they are.
PEOPLE: Final = [
    ("1", "001234567", "1990-03-04", "02139", "6125550143", "F", "Nuñez"),
    ("2", "223456781", "1900-02-01", "55401", "2125550143", "M", "O'Brien"),
    ("3", "523456789", "1990-12-31", "01001", "7185550143", "X", "Groß"),
    ("4", "723456788", "2024-02-29", "99501", "9075550143", "F", "de la Cruz"),
    ("5", "423456780", "1985-11-03", "10001", "2125550199", "M", "Lee"),
]
NAMES: Final = ("id", "ssn", "dob", "zip", "phone", "sex", "name")
IDENTIFIERS: Final = {"ssn": "ssn", "birth_date": "dob", "zip": "zip", "phone": "phone", "sex": "sex", "last_name": "name"}
NUMBERS: Final[tuple[Kind, ...]] = ("text", "integer", "decimal", "float")
KINDS: Final[Mapping[str, tuple[Kind, ...]]] = {
    "id": ("text",), "ssn": NUMBERS, "dob": ("text", "date", "moment", "zoned moment"), "zip": NUMBERS, "phone": NUMBERS, "sex": ("text",),
    "name": ("text",),
}  # fmt: skip
RECIPES: Final = [parse_recipe(text) for text in ("ssn", "birth_date+last_name+sex", "ssn4+birth_date+zip", "phone+last_name")]
FORMS: Final = (
    "{0:%Y-%m-%d}",
    "{0.month}/{0.day}/{0.year}",
    "{0:%d-%b-%Y}",
    "{0:%Y%m%d}",
    "{0:%m/%d/%Y} 00:00:00",
    "{0:%Y-%m-%d}T00:00:00Z",
)
"""How text may write a date."""


def held(kind: Kind, name: str, text: str, form: str) -> object:
    """Give a value as a column of a kind holds it."""
    match kind:
        case "integer":
            return int(text)
        case "decimal":
            return Decimal(text)
        case "float":
            return float(text)
        case "date":
            return date.fromisoformat(text)
        case "moment":
            return datetime.fromisoformat(text)
        case "zoned moment":
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        case _:
            return form.format(date.fromisoformat(text)) if name == "dob" else text


def tokens(case: Case) -> list[tuple[bytes, list[int], list[bool]]]:
    value = {"source": case.declared(), "person": "id", "identifiers": IDENTIFIERS, "columns": {}}
    with load_dataset("a", DeclaredDataset.read(value, what="a"), case.folder, max_memory_mib=256) as records:
        table = people_table(records, "a", where=None, used=(), derived={})
    made = token_columns(RECIPES, table.identifiers, table.n)
    return [(bytes(one.data), one.offsets.tolist(), one.usable.tolist()) for one in made.values()]


@pytest.fixture(name="server", scope="module")
def server_() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(name="case", params=TYPES)
def case_(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return case_of(request.param, tmp_path, request)


def test_s10_the_same_people_make_the_same_tokens_whoever_wrote_them(case: Case, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    plain = Csv(tmp_path / "plain")
    plain.write(dict.fromkeys(NAMES, "text"), PEOPLE)
    expected = tokens(plain)
    assert all(all(usable) for _, _, usable in expected)
    drawn = random.Random(case.type)
    for at in range(6):
        kinds: dict[str, Kind] = {
            name: drawn.choice([kind for kind in some if kind in case.kinds]) for name, some in KINDS.items()
        }
        form = FORMS[at]
        rows = [
            tuple(held(kinds[name], name, text, form) for name, text in zip(NAMES, person, strict=True)) for person in PEOPLE
        ]
        case.write(kinds, rows)
        assert tokens(case) == expected, (kinds, form)


ZONES: Final = """
import hashlib, json, sys
from pathlib import Path
from tests.contract.test_writers import tokens
from tests.sources import Csv, Parquet, Sqlite
print(json.dumps([hashlib.sha256(repr(tokens(kind(Path(sys.argv[1])))).encode()).hexdigest() for kind in (Csv, Parquet, Sqlite)]))
"""


def test_s10_the_same_people_make_the_same_tokens_wherever_the_node_stands(tmp_path: Path) -> None:
    kinds: dict[str, Kind] = {name: some[-1] for name, some in KINDS.items()}
    rows = [tuple(held(kinds[name], name, text, "") for name, text in zip(NAMES, person, strict=True)) for person in PEOPLE]
    for kind in (Csv, Parquet):
        kind(tmp_path).write(kinds, rows)
    Sqlite(tmp_path).write({**kinds, "dob": "moment"}, [(*row[:2], row[2].replace(tzinfo=None), *row[3:]) for row in rows])  # type: ignore[attr-defined]
    found = set()
    for zone in ("UTC", "America/Chicago", "Pacific/Kiritimati"):
        done = subprocess.run(
            [sys.executable, "-c", ZONES, str(tmp_path)],
            env={**os.environ, "TZ": zone, "LC_ALL": "C.UTF-8"}, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1
    assert len(set(json.loads(found.pop()))) == 1
