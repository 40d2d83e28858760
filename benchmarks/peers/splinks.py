"""Splink on two CSV files, untuned; runs where splink is installed, which is not here.

usage: splinks.py A.csv B.csv OUT.csv

Columns are Febrl's, and those of docs/linkage.md for what Febrl has not. The model is that of Splink's own tutorials: names with the
frequency of each, birth dates by how far they are apart, numbers by slips, places exactly or by slips; recall of the deterministic rules is
taken to be 0.8; u from random pairs, m by expectation maximisation. Nothing is chosen by the truth. Written are pairs of probability 0.9
or more, one to one, the most probable first.
"""

from __future__ import annotations

import csv
import importlib
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

LEAST: Final = 0.9
NAMES: Final = ("given_name", "middle_name", "surname")
FORMATS: Final = {8: "%Y%m%d", 10: "%Y-%m-%d"}


def main() -> None:
    """Train, predict, write."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    first, second, out = map(Path, sys.argv[1:4])
    columns, left = _read(first)
    _, right = _read(second)
    splink = importlib.import_module("splink")
    pandas = importlib.import_module("pandas")
    frames = [pandas.DataFrame(rows, columns=["row", *columns]).astype(object) for rows in (left, right)]
    frames = [frame.where(frame.notna(), None) for frame in frames]
    held = [
        name for name in columns if all(frame[name].notna().mean() > 0.02 and frame[name].nunique() > 1 for frame in frames)
    ]
    api = splink.DuckDBAPI()
    tables = [api.register(frame[["row", *held]], dataset_display_name=name) for name, frame in zip("ab", frames, strict=True)]
    block = [splink.block_on(*rule) for rule in _rules(held)]
    linker = splink.Linker(
        tables,
        splink.SettingsCreator(
            unique_id_column_name="row",
            link_type="link_only",
            blocking_rules_to_generate_predictions=block,
            comparisons=_comparisons(held, [frame["date_of_birth"] for frame in frames] if "date_of_birth" in held else []),
        ),
    )
    sure = [splink.block_on(*rule) for rule in _sure(held)]
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in _training(held):
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(
                splink.block_on(*rule), estimate_without_term_frequencies=True
            )
        except Exception as fault:  # noqa: BLE001 - a rule under which nobody is alike trains nothing
            print(f"no training by {rule}: {type(fault).__name__}", file=sys.stderr)
    made = linker.inference.predict(threshold_match_probability=LEAST).as_duckdbpyrelation().df()
    made = made.sort_values("match_weight", ascending=False)
    taken: tuple[set[int], set[int]] = (set(), set())
    with out.open("w", encoding="utf-8", newline="") as file:
        for one, other, score in zip(made.row_l, made.row_r, made.match_probability, strict=True):
            if int(one) not in taken[0] and int(other) not in taken[1]:
                taken[0].add(int(one))
                taken[1].add(int(other))
                csv.writer(file).writerow((int(one), int(other), f"{score:.6f}"))


def _comparisons(held: Sequence[str], dates: Sequence[Any]) -> list[Any]:
    library = importlib.import_module("splink.comparison_library")
    made = []
    for name in held:
        if name in NAMES:
            made.append(library.NameComparison(name).configure(term_frequency_adjustments=True))
        elif name == "date_of_birth":
            size = int(max(date.dropna().str.len().mode()[0] for date in dates))
            made.append(
                library.DateOfBirthComparison(
                    name, input_is_string=True, datetime_format=FORMATS.get(size, "%Y-%m-%d"), invalid_dates_as_null=True
                )
            )
        elif name in {"soc_sec_id", "phone", "postcode"}:
            made.append(library.DamerauLevenshteinAtThresholds(name, [1, 2]))
        elif name == "address_1":
            made.append(library.LevenshteinAtThresholds(name, [2]))
        elif name != "state":
            made.append(library.ExactMatch(name).configure(term_frequency_adjustments=name != "sex"))
    return made


def _rules(held: Sequence[str]) -> list[tuple[str, ...]]:
    """Give what pairs must share to be looked at at all."""
    every = (
        ("soc_sec_id",), ("given_name", "surname"), ("date_of_birth",), ("surname", "substr(date_of_birth,1,4)"),
        ("given_name", "substr(date_of_birth,1,4)"), ("address_1", "postcode"), ("address_1", "given_name"), ("surname", "first_initial"),
    )  # fmt: skip
    return [rule for rule in every if _has(rule, held)]


def _sure(held: Sequence[str]) -> list[tuple[str, ...]]:
    """Give rules that hardly link anybody wrongly, from which is told how many pairs are one person."""
    every: tuple[tuple[str, ...], ...] = (
        ("soc_sec_id",), ("given_name", "surname", "date_of_birth"), ("given_name", "surname", "postcode"),
    )  # fmt: skip
    found = [rule for rule in every if _has(rule, held)]
    if len(found) == 1 and "soc_sec_id" not in held:  # names and dates alone, of which one may be damaged in everybody
        found += [("given_name", "date_of_birth"), ("surname", "date_of_birth")]
    return found or [tuple(held)[:3]]


def _training(held: Sequence[str]) -> list[tuple[str, ...]]:
    every: tuple[tuple[str, ...], ...] = (("date_of_birth",), ("given_name", "surname"), ("soc_sec_id",), ("postcode",))
    return [rule for rule in every if _has(rule, held)][:3]


def _has(rule: Sequence[str], held: Sequence[str]) -> bool:
    return all((part[7:].split(",")[0] if part.startswith("substr(") else part) in held for part in rule)


def _read(path: Path) -> tuple[list[str], list[list[str | None]]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, [[str(at), *(cell.strip().upper() or None for cell in row)] for at, row in enumerate(rows)]


if __name__ == "__main__":
    main()
