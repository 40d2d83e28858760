"""Least squares over ten columns, five of each of two agencies: seconds and memory of a whole job, beside the figure to reach.

A network on this machine, each party a process of its own, over mTLS on loopback. Records are made up: everybody of either agency is in the
other, but for a tenth; the outcome is the second agency's fifth column. The coefficients, standard errors and R² that come out are compared
with numpy's over the same people. Time runs from the question to the answer of a network that runs; what comes after matching is the phase
`compute` and what follows. DESIGN's figure: 60 s after matching, for a million people of each.

usage: regression.py [PEOPLE] [--busy]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.engine import peaks_below_all, processor_seconds
from benchmarks.report import table, write_section
from tallystick.client.views import JobProgress
from tallystick.core.job.model import Question
from tallystick.lab.network.build import collect_names
from tallystick.lab.network.model import read_lab
from tallystick.lab.network.run import LabNetwork

PEOPLE: Final = 1_000_000
AGENCIES: Final = ("agency-a", "agency-b")
HIGH: Final = (100, 12, 1, 40, 1)
"""The largest value of each agency's columns; those of 1 are booleans."""
NAMES: Final = tuple(f"x{at}" for at in range(len(HIGH)))
OUTCOME: Final = 20_000


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=int, nargs="?", default=PEOPLE)
    parser.add_argument("--busy", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        row = measure(Path(name), options.people)
    cells = (f"{options.people:,}{', busy' if options.busy else ''}", *row)
    print(*cells, flush=True)
    head = ("people each", "whole job", "after matching", "processor", "largest process", "to reach")
    text = (
        "A constant and nine columns, five of one agency and four of another, whose fifth is the outcome; three of the nine are booleans. "
        "The cells are n, X'X, X'y and y'y. Coefficients, standard errors and R² are compared with numpy's over the same people, to nine "
        "digits. *Busy*: other work ran on the machine meanwhile.\n\n"
    )
    write_section("regression", "Least squares over two agencies", text + table(head, [cells]))


def measure(folder: Path, people: int) -> tuple[str, ...]:
    """Ask once; check what comes out."""
    x, y = write_lists(folder, people)
    lab, question = read_lab(folder / "lab.yaml"), ask()
    began: dict[str, float] = {}

    def note(view: JobProgress) -> None:
        began.setdefault(view.phase, time.perf_counter())

    with LabNetwork(lab, collect_names([question])) as network:
        used, start = processor_seconds(network), time.perf_counter()
        outcome = network.ask(question, show=note)
        end, used = time.perf_counter(), processor_seconds(network) - used
        peak = max(size for _, size in peaks_below_all(network)) / 1024
    if outcome.result is None:
        raise SystemExit(f"error: {outcome.status}: {outcome.reasons}")
    check(outcome.result.rows[0], x, y)
    return (
        f"{end - start:.1f} s",
        f"{end - began.get('compute', start):.1f} s",
        f"{used:.1f} s",
        f"{peak:,.0f} MiB",
        "60 s after matching",
    )


def check(row: dict[str, Any], x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> None:
    """Compare a row's regression with numpy's.

    Raises:
        SystemExit: it differs.
    """
    (label,) = row["details"]
    found, design = row["details"][label], np.column_stack([np.ones(len(x)), x])
    inverse = np.linalg.inv(design.T @ design)
    estimates = inverse @ (design.T @ y)
    left = y - design @ estimates
    errors = np.sqrt(np.diag(inverse) * (left @ left) / (len(y) - design.shape[1]))
    told = list(found["coefficients"].values())
    same = np.allclose([one["estimate"] for one in told], estimates, rtol=1e-9) and np.allclose(
        [one["se"] for one in told], errors, rtol=1e-9
    )
    if (
        found["n"] != len(y)
        or not same
        or not np.isclose(row[label], 1 - (left @ left) / ((y - y.mean()) ** 2).sum(), rtol=1e-9)
    ):
        raise SystemExit("error: a coefficient is wrong")


def ask() -> Question:
    """Give the question."""
    columns = [f"g{at}.{name}" for at in range(2) for name in NAMES]
    value: dict[str, Any] = {
        "agreement": "regression",
        "title": "Least squares",
        "purpose": "benchmark",
        "people": {f"g{at}": {"agency": agency, "dataset": f"d{at}"} for at, agency in enumerate(AGENCIES)},
        "keep": "g0 and g1",
        "measures": [{"regression": {"of": columns[-1], "on": columns[:-1]}}],
    }
    return Question.read(value, what="question")


def write_lists(folder: Path, people: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Write both files and a lab file; give the covariates and the outcome of the people whom both have."""
    rng = np.random.default_rng(3)
    both = people - people // 10
    agencies: dict[str, Any] = {}
    made: list[npt.NDArray[np.int64]] = []
    for at, agency in enumerate(AGENCIES):
        columns = [rng.integers(0, high + 1, people) for high in HIGH]
        bounds = list(HIGH)
        if at:
            explained = 5000 + sum(7 * (place + 1) * one[:both] for place, one in enumerate([*made, *columns[:-1]]))
            columns[-1][:both], bounds[-1] = np.clip(explained + rng.normal(0, 800, both).astype(np.int64), 0, OUTCOME), OUTCOME
        made += [one[:both] for one in columns]
        with (folder / f"d{at}.csv").open("w") as file:
            file.write(f"id,{','.join(NAMES)}\n")
            rows = zip(*(one.tolist() for one in columns), strict=True)
            file.writelines(
                f"{'x' if one < both else 'ab'[at]}{one},{','.join(map(_write, row, bounds))}\n" for one, row in enumerate(rows)
            )
        declared = {
            name: {"type": "boolean"} if high == 1 else {"type": "integer", "min": 0, "max": high}
            for name, high in zip(NAMES, bounds, strict=True)
        }
        dataset = {
            "source": {"csv": f"d{at}.csv"},
            "person": "id",
            "identifiers": {"state_id": "id"},
            "columns": declared,
            "people": people,
        }
        agencies[agency] = {"datasets": {f"d{at}": dataset}}
    value = {"agencies": agencies, "agreement": {"link": "state_id", "disclosure": {"min_cell": 11}, "decoys": 64}}
    (folder / "lab.yaml").write_text(json.dumps(value), encoding="utf-8")
    x, y = np.column_stack(made[:-1]).astype(np.float64), made[-1].astype(np.float64)
    return x, y


def _write(value: int, high: int) -> str:
    return str(value) if high > 1 else ("false", "true")[value]


if __name__ == "__main__":
    main()
