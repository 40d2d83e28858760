"""Two agencies' small records, what is asked of them, and the answer that they give in the clear."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pandas as pd

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tallystick.lab.network.model import Lab, read_lab
from tests.oracle import expected_rows

EXITS: Final = "tanf-office"
"""The desk, and one of the two agencies with data."""
WAGES: Final = "wage-office"
BOARD: Final = "board"
"""With `third`, an agency that only opens."""
AGREEMENT: Final = "county"

LAB: Final[dict[str, Any]] = {
    "agencies": {
        EXITS: {
            "datasets": {
                "exits": {
                    "source": {"csv": "exits.csv"},
                    "person": "pid",
                    "identifiers": {"ssn": "ssn", "birth_date": "dob"},
                    "columns": {
                        "region": {"type": "category", "values": ["north", "south"]},
                        "benefit": {"type": "decimal", "scale": 2, "min": 0, "max": 5000},
                    },
                }
            }
        },
        WAGES: {
            "datasets": {
                "wages": {
                    "source": {"csv": "wages.csv"},
                    "person": "pid",
                    "identifiers": {"ssn": "ssn", "birth_date": "dob"},
                    "columns": {
                        "industry": {"type": "category", "values": ["health", "retail"]},
                        "wage": {"type": "decimal", "scale": 2, "min": 0, "max": 9_000_000_000},
                    },
                }
            }
        },
    },
    "agreement": {
        "name": AGREEMENT,
        "purposes": ["rehearsal"],
        "disclosure": {"min_cell": 0},
        "link": ["ssn+birth_date"],
        "decoys": 4,
    },
}


def question(title: str = "wages after exit", **changes: Any) -> Question:
    """Give the question that everything here asks, unless a key is changed."""
    value: dict[str, Any] = {
        "agreement": AGREEMENT,
        "title": title,
        "purpose": "rehearsal",
        "people": {"exits": {"agency": EXITS, "dataset": "exits"}, "wages": {"agency": WAGES, "dataset": "wages"}},
        "keep": "exits and wages",
        "measures": ["count", {"mean": "wages.wage"}, {"sum": "exits.benefit"}],
        "by": ["exits.region", "wages.industry"],
    }
    return Question.read({**value, **changes}, what="question")


def people(seed: int = 1, *, here: int = 40, shared: int = 20) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give two agencies' records, one row per person; the last `shared` of the first are the first of the second."""
    source = random.Random(seed)
    total = 2 * here - shared
    numbers = source.sample(range(100_000_000, 665_000_000), 3 * total)
    ssns = [text for text in (f"{n:09d}" for n in numbers) if text[3:5] != "00" and text[5:] != "0000" and text[:3] != "666"]
    births = [f"19{source.randint(40, 99)}-{source.randint(1, 12):02d}-{source.randint(1, 28):02d}" for _ in range(total)]

    def frame(start: int, column: str, levels: Sequence[str], value: str, most: int) -> pd.DataFrame:
        rows = range(start, start + here)
        return pd.DataFrame(
            {
                "pid": [f"{value}{n:05d}" for n in source.sample(range(100_000), here)],
                "ssn": [f"{ssns[n][:3]}-{ssns[n][3:5]}-{ssns[n][5:]}" for n in rows],
                "dob": [births[n] for n in rows],
                column: [source.choice(levels) for _ in rows],
                value: [f"{source.randint(1, most) / 100:.2f}" for _ in rows],
            }
        )

    left = frame(0, "region", ["north", "south"], "benefit", 500_000)
    return left, frame(here - shared, "industry", ["health", "retail"], "wage", 900_000_000_000)


class Records:
    """The records of both agencies.

    Attributes:
        left: the first agency's.
        right: the second's.
        disclosure: the agreement's rules.
        mode: how results leave.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        here: int = 40,
        shared: int = 20,
        disclosure: Mapping[str, Any] | None = None,
        mode: str = "desk",
    ) -> None:
        self.mode = mode
        self.left, self.right = people(seed, here=here, shared=shared)
        self.disclosure = disclosure or LAB["agreement"]["disclosure"]

    def written(self, folder: Path, *, third: bool = False) -> Lab:
        """Write the files, and a lab file about them; where there is a third agency, it opens."""
        self.left.to_csv(folder / "exits.csv", index=False)
        self.right.to_csv(folder / "wages.csv", index=False)
        value = deepcopy(LAB)
        value["agreement"]["disclosure"] = dict(self.disclosure)
        value["agreement"]["release"] = {"mode": self.mode}
        if third:
            value["agencies"][BOARD] = {"datasets": {"register": deepcopy(LAB["agencies"][EXITS]["datasets"]["exits"])}}
            value["agreement"]["release"] |= {"desk": BOARD}
        (folder / "lab.yaml").write_text(json.dumps(value), encoding="utf-8")
        return read_lab(folder / "lab.yaml")

    def expected(self, asked: Question, agreement: Agreement) -> list[dict[str, Any]]:
        """Give the answer that the records in the clear give; rows without people left out, as results have it."""
        keys = [list(zip(frame["ssn"], frame["dob"], strict=True)) for frame in (self.left, self.right)]
        links = [(i, keys[1].index(key)) for i, key in enumerate(keys[0]) if key in keys[1]]
        frames = {"exits": self.left[["region", "benefit"]], "wages": self.right[["industry", "wage"]]}
        return [row for row in expected_rows(asked, agreement, frames, links) if row["count"]]


def sorted_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give rows in one order, without the columns that only accompany measures."""
    keys = ("exits.region", "wages.industry")
    wanted = (*keys, "count", "mean(wages.wage)", "sum(exits.benefit)", "suppressed")
    kept = [{name: row[name] for name in wanted if name in row} for row in rows]
    return sorted(kept, key=lambda row: [str(row.get(key)) for key in keys])
