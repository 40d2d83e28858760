"""A million people with a million by the default ladder: time and memory by phase, all parties on this machine.

The lists are made up: half of the people are in both; of these, some have another surname, no number, a birth date with month and day
exchanged, or have moved. The job counts people and averages one column by another, with 1,024 decoys a pass as anywhere.

The first table is the whole job, its phases as the coordinator tells them: one ends when what it sends is there, so the first holds all
until one list is whole. The second is one agency's work by itself, on one core: what the job's first two phases consist of.
Everything that touches people in it is whole arrays at a time.

usage: linkage_scale.py [PEOPLE]
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.intersection import MIB
from benchmarks.process import Watched, watched
from benchmarks.report import table, write_section
from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.linkage.fields.normalise import normalise
from tallystick.core.linkage.passes.ladders import passes_for
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.crypto import kernel, points
from tallystick.crypto.masks import new_scalar
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.tags import DST, compute_tags
from tallystick.records.features import people_table
from tallystick.records.reading import load_dataset

FULL: Final = 1_000_000
FIELDS: Final = ("ssn", "first_name", "last_name", "birth_date", "sex", "street", "city", "zip", "phone")
REGIONS: Final = ["north", "south", "east", "west"]
PHASES: Final = {
    "submit": "submit and approve",
    "derive": "derive: read, normalise, tokens; own list hashed and masked",
    "tag": "tag: the other's list masked, tags",
    "match": "match",
    "compute": "compute: products under encryption",
    "check": "check and release",
}
Texts = npt.NDArray[np.object_]


def main() -> None:
    """Measure and write the section."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else FULL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_lists(folder, people)
        (folder / "lab.yaml").write_text(json.dumps(lab(people, FIELDS, ["default"])), encoding="utf-8")
        (folder / "job.yaml").write_text(json.dumps(JOB), encoding="utf-8")
        tally = [sys.executable, "-m", "tallystick.client.cli", "lab", "run", "lab.yaml", "job.yaml", "--out", "out.json"]
        whole = watched(tally, folder=folder)
        result = json.loads((folder / "out.json").read_text(encoding="utf-8"))
        alone = subprocess.run(
            [sys.executable, "-m", "benchmarks.linkage_scale", "--alone", str(folder), str(people)],
            cwd=Path(__file__).parents[1], check=True, capture_output=True, text=True,
        )  # fmt: skip
    passes = _passes(people)
    text = (
        f"{people:,} people each, half of them in both; {len(passes)} passes; {result['linkage']['matched']:,} matched. *Processor*: all "
        "processes together. *Memory*: resident in all processes together at the worst moment of the phase; "
        f"{whole.largest / MIB:,.0f} MiB in the largest at any time. While nodes derive, their workers start, which takes seconds of "
        "processor time whatever the lists.\n\n"
        + table(("phase", "time", "processor", "memory"), list(_phases(whole)))
        + "\n\nOne agency by itself, one core:\n\n"
        + table(("step", "time", "memory above the start"), json.loads(alone.stdout))
    )
    if people == FULL:
        write_section("linkage_scale", "A million people with a million, default ladder", text)
    print(text)


def _phases(whole: Watched) -> Iterator[tuple[str, ...]]:
    """Give (phase, wall time, processor time, memory) of each phase, and of the whole command."""
    told = [(at, "submit") for at, line in whole.said if line.startswith("submitted")][:1]
    for at, line in whole.said:
        found = re.match(r"(?:running|releasing): (\w+)", line)
        if found and found[1] in PHASES:
            told.append((at, found[1]))
    told += [(at, "end") for at, line in whole.said if line.startswith("released")][-1:]
    begins: dict[str, float] = {}
    for at, phase in told:
        begins.setdefault(phase, at)
    order = list(begins.items())
    for (phase, start), (_, end) in pairwise(order):
        within = [sample for sample in whole.samples if start <= sample[0] <= end] or [whole.samples[-1]]
        processor = _processor(whole, end) - _processor(whole, start)
        memory = max(sample[2] for sample in within) / MIB
        yield PHASES.get(phase, phase), f"{end - start:.1f} s", f"{processor:.1f} s", f"{memory:,.0f} MiB"
    yield "whole command", f"{whole.seconds:.1f} s", f"{whole.processor:.1f} s", f"{whole.peak / MIB:,.0f} MiB"


def _processor(whole: Watched, at: float) -> float:
    return max((used for moment, used, _ in whole.samples if moment <= at), default=0.0)


# --- one agency by itself ----------------------------------------------------------------------------------------------------------


def alone(folder: Path, people: int) -> list[list[str]]:
    """Give (step, time, memory) of what one agency does before the coordinator matches."""
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows: list[list[str]] = []

    def timed(step: str, work: Callable[[], Any], times: int = 1) -> Any:
        begun = time.process_time()
        done = work()
        taken = (time.process_time() - begun) * times
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) / 1024
        rows.append([step, f"{taken:.1f} s", f"{memory:,.0f} MiB"])
        return done

    declared = DeclaredDataset.read(lab(people, FIELDS, ["default"])["agencies"]["first"]["datasets"]["left"], what="dataset")

    def read() -> Any:
        with load_dataset("left", declared, folder, max_memory_mib=4096) as records:
            return people_table(records, "left", where=None, used=["region"], derived={})

    identifiers = timed("read", read).identifiers
    recipes = _passes(people)
    timed("normalise", lambda: [normalise(name, values) for name, values in identifiers.items()])
    columns = timed(f"tokens of {len(recipes)} passes (normalised anew)", lambda: token_columns(recipes, identifiers, people))
    randomness = SystemRandomness()
    scalar = new_scalar(randomness)
    data, offsets = columns[recipes[0].name].usable_only()
    passes = f", {len(recipes)} passes by one"
    hashed = timed(f"hash{passes}", lambda: kernel.hash_to_curve(DST, b"p", data, offsets, 1), len(recipes))
    masked = timed(f"mask{passes}", lambda: kernel.mask(scalar, hashed, 1), len(recipes))
    timed(
        f"check the other's{passes}",
        lambda: points.read_points(masked.tobytes(), len(masked), sender="second"),
        len(recipes),
    )
    again = timed(f"mask the other's{passes}", lambda: kernel.mask(scalar, masked, 1), len(recipes))
    timed(f"tags{passes}", lambda: compute_tags(again, b"j" * 32, recipes[0].name), len(recipes))
    return rows


# --- the lists ---------------------------------------------------------------------------------------------------------------------

JOB: Final = {
    "agreement": "scale",
    "title": "Links of two long lists",
    "purpose": "benchmark",
    "people": {"left": {"agency": "first", "dataset": "left"}, "right": {"agency": "second", "dataset": "right"}},
    "keep": "left and right",
    "link": "default",
    "measures": ["count", {"mean": "right.amount"}],
    "by": ["left.region"],
}


def lab(people: int, fields: Sequence[str], link: Sequence[str]) -> dict[str, Any]:
    """Give the lab file of the two lists, linked by some of their fields."""
    shared = {"person": "id", "identifiers": {name: name for name in fields}, "people": people, "rows_per_person": 1}
    region = {"region": {"type": "category", "values": REGIONS}}
    amount = {"amount": {"type": "integer", "min": 0, "max": 9999}}
    return {
        "agencies": {
            "first": {"datasets": {"left": {"source": {"csv": "left.csv"}, "columns": region, **shared}}},
            "second": {"datasets": {"right": {"source": {"csv": "right.csv"}, "columns": amount, **shared}}},
        },
        "agreement": {"name": "scale", "link": list(link), "disclosure": {"min_cell": 0}},
    }


def _passes(people: int) -> list[Any]:
    return passes_for(("default",), None, FIELDS, FIELDS, people=(people, people))[0]


def write_lists(folder: Path, people: int) -> None:
    """Write left.csv and right.csv: the second half of the left list is the first of the right one, with errors."""
    rng = np.random.default_rng(1)
    total = people + people // 2
    fields = _people(total, rng)
    number = np.arange(total)
    left = {"id": number[:people], **{name: values[:people] for name, values in fields.items()}}
    left["region"] = np.array(REGIONS, dtype=object)[rng.integers(0, 4, people)]
    changed = _damaged({name: values[people - people // 2 :] for name, values in fields.items()}, rng)
    right = {"id": number[people - people // 2 :], **changed}
    right = {name: values[:people] for name, values in right.items()}
    right["amount"] = rng.integers(0, 9999, people)
    for name, columns in (("left", left), ("right", right)):
        _write(folder / f"{name}.csv", columns, rng.permutation(people))


def _people(count: int, rng: np.random.Generator) -> dict[str, Texts]:
    syllables = [a + b for a in "BCDFGKLMNPRSTVW" for b in ("a", "e", "i", "o", "u", "ar", "en", "il", "on")]
    first = _texts([a + b for a in syllables[:90] for b in ("na", "ra", "la", "to", "my", "ny", "ra", "vid", "mes", "lyn")])
    last = _texts([a + b for a in syllables for b in (*syllables[:60], "son", "ley", "man", "ez", "ston", "berg")])
    born = np.datetime64("1940-01-01") + rng.integers(0, 29_000, count).astype("timedelta64[D]")
    ssn = 212_000_000 + rng.permutation(450_000_000 // 97)[:count] * 97
    streets = _texts([f"{name} {kind}" for name in last[::7] for kind in ("Street", "Avenue", "Road", "Lane")])
    return {
        "ssn": _digits(ssn, 9),
        "first_name": first[_zipf(len(first), count, rng)],
        "last_name": last[_zipf(len(last), count, rng)],
        "birth_date": born.astype(str).astype(object),
        "sex": np.array(["F", "M"], dtype=object)[rng.integers(0, 2, count)],
        "street": rng.integers(1, 2999, count).astype(str).astype(object) + " " + streets[rng.integers(0, len(streets), count)],
        "city": last[rng.integers(0, 300, count)],
        "zip": _digits(55_001 + rng.integers(0, 900, count), 5),
        "phone": _digits(6_122_000_000 + rng.integers(0, 7_999_999, count) * 1_001 % 7_990_000_000, 10),
    }


def _damaged(fields: dict[str, Texts], rng: np.random.Generator) -> dict[str, Texts]:
    """Give the fields as the second agency has them."""
    count = len(fields["ssn"])
    hit = {
        name: rng.random(count) < rate
        for name, rate in (
            ("ssn", 0.15),
            ("first_name", 0.03),
            ("last_name", 0.08),
            ("birth_date", 0.02),
            ("street", 0.15),
            ("phone", 0.3),
        )
    }
    others = rng.permutation(count)
    changed = dict(fields)
    changed["ssn"] = np.where(hit["ssn"], "", fields["ssn"])
    for name in ("first_name", "last_name", "phone"):
        changed[name] = np.where(hit[name], fields[name][others], fields[name])
    for name in ("street", "city", "zip"):  # a move
        changed[name] = np.where(hit["street"], fields[name][others], fields[name])
    day = np.array(
        [f"{text[:4]}-{text[8:]}-{text[5:7]}" if text[8:] < "13" else text for text in fields["birth_date"]], dtype=object
    )
    changed["birth_date"] = np.where(hit["birth_date"], day, fields["birth_date"])
    return changed


def _zipf(size: int, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw places in a list whose first names are the most common."""
    weights = 1.0 / (np.arange(size) + 8.0)
    return np.searchsorted(np.cumsum(weights / weights.sum()), rng.random(count)).astype(np.int64)


def _texts(values: Sequence[str]) -> Texts:
    return np.array(values, dtype=object)


def _digits(numbers: npt.NDArray[np.int64], width: int) -> Texts:
    return np.char.zfill(numbers.astype(str), width).astype(object)


def _write(path: Path, columns: dict[str, Any], order: npt.NDArray[np.int64]) -> None:
    with duckdb.connect() as connection:
        frame = pd.DataFrame({name: values[order] for name, values in columns.items()})
        connection.register("frame", frame)
        connection.execute(f"COPY frame TO '{path}' (FORMAT csv, HEADER)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        print(json.dumps(alone(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        main()
